/*
 * Completions for shells, made from the verbs and their tables of options, so that they are never
 * behind. Installed by the build; not a verb that a user needs.
 */
#include <string.h>

#include "commands.h"
#include "message.h"

static const struct poptOption options[] = {CLI_OPTIONS_END};

static bool has_value(const struct poptOption *option)
{
    return (option->argInfo & POPT_ARG_MASK) != POPT_ARG_NONE;
}

/* The listed words of a value, each after a blank but the first. */
static void put_words(struct cli_out *out, const char *description)
{
    const char *at = description;
    size_t nbytes;
    for (const char *word; (word = cli_words_next(&at, &nbytes));) {
        cli_out_write(out, word, nbytes);
        if (at)
            cli_out_text(out, " ");
    }
}

static void put_verb_names(struct cli_out *out)
{
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
        cli_out_format(out, "%s%s", verb == cli_verbs ? "" : " ", (*verb)->name);
}

/* What means something inside the texts of zsh's _arguments and _describe. */
#define ZSH_SPECIAL "[]:"

/* A text between single quotes, for zsh and fish, with backslashes before the special characters.
 */
static void put_quoted(struct cli_out *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            cli_out_text(out, "'\\''");
        else if (strchr(special, *text))
            cli_out_format(out, "\\%c", *text);
        else
            cli_out_write(out, text, 1);
    }
}

static void bash_verb(struct cli_out *out, const struct cli_verb *verb)
{
    cli_out_format(out, "    %s) options='", verb->name);
    for (const struct poptOption *option = verb->options; option->longName; option++)
        cli_out_format(out, "%s--%s%s", option == verb->options ? "" : " ", option->longName,
                       has_value(option) ? "=" : "");
    cli_out_text(out, "' ;;\n");
}

/* Whether what the option takes is described by this word. */
static bool takes(const struct poptOption *option, const char *what)
{
    return strcmp(option->argDescrip, what) == 0;
}

/* What follows an option that takes a value, for the options of all verbs, each once. */
static void bash_values(struct cli_out *out)
{
    bool seen[CLI_OPT_COUNT] = {false};
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++) {
        for (const struct poptOption *option = (*verb)->options; option->longName; option++) {
            if (!has_value(option) || seen[option->val])
                continue;
            seen[option->val] = true;
            cli_out_format(out, "    --%s", option->longName);
            if (option->shortName)
                cli_out_format(out, " | -%c", option->shortName);
            cli_out_text(out, ") ");
            if (cli_words_listed(option->argDescrip)) {
                cli_out_text(out, "words='");
                put_words(out, option->argDescrip);
                cli_out_text(out, "'");
            } else {
                bool paths = takes(option, "FILE") || takes(option, "DIR");
                cli_out_format(out, "words=%s", paths ? option->argDescrip : "NONE");
            }
            cli_out_text(out, " ;;\n");
        }
    }
}

static void put_bash(struct cli_out *out)
{
    cli_out_text(
        out, "# Completion of actree for bash.\n"
             "_actree() {\n"
             "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
             "    local verb=${COMP_WORDS[1]} options='' words='' verbs='");
    put_verb_names(out);
    cli_out_text(out,
                 "'\n"
                 "    COMPREPLY=()\n"
                 "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                 "        COMPREPLY=($(compgen -W \"$verbs --help --version\" -- \"$current\"))\n"
                 "        return\n"
                 "    fi\n"
                 "    # \"--keys=h\" comes as three words.\n"
                 "    if [ \"$current\" = = ]; then\n"
                 "        current=''\n"
                 "    elif [ \"$previous\" = = ]; then\n"
                 "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
                 "    fi\n"
                 "    case $previous in\n");
    bash_values(out);
    cli_out_text(out, "    esac\n"
                      "    case $words in\n"
                      "    NONE) return ;;\n"
                      "    FILE) ;;\n"
                      "    DIR)\n"
                      "        local IFS=$'\\n'\n"
                      "        compopt -o filenames\n"
                      "        COMPREPLY=($(compgen -d -- \"$current\"))\n"
                      "        return\n"
                      "        ;;\n"
                      "    ?*)\n"
                      "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                      "        return\n"
                      "        ;;\n"
                      "    esac\n"
                      "    case $verb in\n");
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
        bash_verb(out, *verb);
    cli_out_text(out, "    esac\n"
                      "    case $verb,$current in\n"
                      "    help,*) COMPREPLY=($(compgen -W \"$verbs\" -- \"$current\")) ;;\n"
                      "    *,-*)\n"
                      "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
                      "        case ${COMPREPLY[0]} in *=) compopt -o nospace ;; esac\n"
                      "        ;;\n"
                      "    *)\n"
                      "        local IFS=$'\\n'\n"
                      "        compopt -o filenames\n"
                      "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
                      "        ;;\n"
                      "    esac\n"
                      "}\n"
                      "complete -F _actree actree\n");
}

static void zsh_option(struct cli_out *out, const struct poptOption *option)
{
    const char *value = has_value(option) ? "=" : "";
    cli_out_text(out, "            ");
    if (option->shortName)
        cli_out_format(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", option->shortName, option->longName,
                       option->shortName, has_value(option) ? "+" : "", option->longName, value);
    else
        cli_out_format(out, "'--%s%s[", option->longName, value);
    put_quoted(out, option->descrip, ZSH_SPECIAL);
    cli_out_text(out, "]");
    if (has_value(option)) {
        cli_out_format(out,
                       ":%s:", cli_words_listed(option->argDescrip) ? "word" : option->argDescrip);
        if (cli_words_listed(option->argDescrip)) {
            cli_out_text(out, "(");
            put_words(out, option->argDescrip);
            cli_out_text(out, ")");
        } else if (takes(option, "FILE")) {
            cli_out_text(out, "_files");
        } else if (takes(option, "DIR")) {
            cli_out_text(out, "_files -/");
        } else {
            cli_out_text(out, " ");
        }
    }
    cli_out_text(out, "' \\\n");
}

static void put_zsh(struct cli_out *out)
{
    cli_out_text(out, "#compdef actree\n"
                      "# Completion of actree for zsh.\n"
                      "local -a verbs\n"
                      "verbs=(\n");
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++) {
        cli_out_format(out, "    '%s:", (*verb)->name);
        put_quoted(out, (*verb)->summary, ZSH_SPECIAL);
        cli_out_text(out, "'\n");
    }
    cli_out_text(out, ")\n"
                      "if (( CURRENT == 2 )); then\n"
                      "    _describe verb verbs\n"
                      "    return\n"
                      "fi\n"
                      "local verb=$words[2]\n"
                      "shift words\n"
                      "(( CURRENT-- ))\n"
                      "case $verb in\n");
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++) {
        cli_out_format(out, "    %s)\n        _arguments -s \\\n", (*verb)->name);
        for (const struct poptOption *option = (*verb)->options; option->longName; option++)
            zsh_option(out, option);
        cli_out_text(out, *verb == &cmd_help ? "            '*:verb:("
                                             : "            '*:file:_files'\n        ;;\n");
        if (*verb == &cmd_help) {
            put_verb_names(out);
            cli_out_text(out, ")'\n        ;;\n");
        }
    }
    cli_out_text(out, "esac\n");
}

static void fish_option(struct cli_out *out, const struct cli_verb *verb,
                        const struct poptOption *option)
{
    cli_out_format(out, "complete -c actree -n '__fish_seen_subcommand_from %s' -l %s", verb->name,
                   option->longName);
    if (option->shortName)
        cli_out_format(out, " -s %c", option->shortName);
    if (has_value(option)) {
        if (takes(option, "FILE")) {
            cli_out_text(out, " -r -F");
        } else if (takes(option, "DIR")) {
            cli_out_text(out, " -x -a '(__fish_complete_directories)'");
        } else {
            cli_out_text(out, " -x");
            if (cli_words_listed(option->argDescrip)) {
                cli_out_text(out, " -a '");
                put_words(out, option->argDescrip);
                cli_out_text(out, "'");
            }
        }
    }
    cli_out_text(out, " -d '");
    put_quoted(out, option->descrip, "");
    cli_out_text(out, "'\n");
}

static void put_fish(struct cli_out *out)
{
    cli_out_text(out, "# Completion of actree for fish.\n");
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++) {
        cli_out_format(out, "complete -c actree -n __fish_use_subcommand -f -a %s -d '",
                       (*verb)->name);
        put_quoted(out, (*verb)->summary, "");
        cli_out_text(out, "'\n");
    }
    cli_out_text(out, "complete -c actree -n '__fish_seen_subcommand_from help' -f -a '");
    put_verb_names(out);
    cli_out_text(out, "'\n");
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
        for (const struct poptOption *option = (*verb)->options; option->longName; option++)
            fish_option(out, *verb, option);
}

static int run(struct cli_call *call)
{
    static const struct {
        const char *name;
        void (*put)(struct cli_out *out);
    } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(call->arguments[0], shells[i].name) == 0) {
            shells[i].put(&call->out);
            return CLI_DONE;
        }
    }
    return cli_usage_error(call->verb->name, "completions are for bash, zsh or fish, not \"%s\"",
                           call->arguments[0]);
}

const struct cli_verb cmd_completions = {
    .name = "completions",
    .arguments = "bash|zsh|fish",
    .summary = "Print the completions of a shell",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
