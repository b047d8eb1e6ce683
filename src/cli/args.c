#include "args.h"

#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "message.h"

bool cli_words_listed(const char *description)
{
    return description && strchr(description, '|');
}

const char *cli_words_next(const char **at, size_t *nbytes_ret)
{
    const char *word = *at;
    if (!word)
        return NULL;
    *nbytes_ret = strcspn(word, "|");
    *at = word[*nbytes_ret] ? word + *nbytes_ret + 1 : NULL;
    return word;
}

bool cli_parse_u64(const char *text, size_t nbytes, uint64_t *number_ret)
{
    uint64_t number = 0;
    if (nbytes == 0)
        return false;
    for (size_t i = 0; i < nbytes; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9 || number > UINT64_MAX / 10 ||
            (number == UINT64_MAX / 10 && digit > UINT64_MAX % 10))
            return false;
        number = number * 10 + digit;
    }
    *number_ret = number;
    return true;
}

bool cli_parse_size(const char *text, uint64_t *nbytes_ret)
{
    static const char units[] = "KMGT";
    size_t digits = strspn(text, "0123456789");
    uint64_t number;
    if (!cli_parse_u64(text, digits, &number))
        return false;
    text += digits;
    unsigned shift = 0;
    if (*text) {
        char letter = *text++;
        if (letter >= 'a' && letter <= 'z')
            letter = (char)(letter - 'a' + 'A');
        const char *unit = strchr(units, letter);
        if (!unit || (*text && strcmp(text, "iB") != 0))
            return false;
        shift = 10 * (unsigned)(unit - units + 1);
    }
    if (number > UINT64_MAX >> shift)
        return false;
    *nbytes_ret = number << shift;
    return true;
}

/* Which of the listed words the text is, counted from 0; -1 for none. */
static int word_index(const char *description, const char *text)
{
    int index = 0;
    const char *at = description;
    size_t nbytes;
    for (const char *word; (word = cli_words_next(&at, &nbytes)); index++)
        if (strlen(text) == nbytes && memcmp(word, text, nbytes) == 0)
            return index;
    return -1;
}

const char *cli_layout_name(unsigned layout)
{
    static const char *const names[] = {"indexed", "plain", "compact"};
    return names[layout];
}

unsigned cli_layout_of(unsigned layout, bool shared_subtrees)
{
    return layout == ACT_LAYOUT_PLAIN && shared_subtrees ? ACT_LAYOUT_COMPACT : layout;
}

static void keep_text(char **place, char **text)
{
    free(*place);
    *place = *text;
    *text = NULL;
}

static void set_flag(struct cli_options *options, int id)
{
    switch (id) {
    case CLI_OPT_HELP:
        options->help = true;
        break;
    case CLI_OPT_JSON:
        options->json = true;
        break;
    case CLI_OPT_NUL:
        options->nul_records = true;
        break;
    case CLI_OPT_REVERSE:
        options->reverse = true;
        break;
    case CLI_OPT_SORTED:
        options->sorted = true;
        break;
    case CLI_OPT_VERBOSE:
        options->verbose = true;
        break;
    case CLI_OPT_NO_SYNC:
        options->no_sync = true;
        break;
    case CLI_OPT_NO_CHECK:
        options->no_check = true;
        break;
    case CLI_OPT_CONTENT:
        options->content = true;
        break;
    case CLI_OPT_ALL:
        options->all = true;
        break;
    case CLI_OPT_HOT:
        options->hot = true;
        break;
    case CLI_OPT_SVG:
        options->svg = true;
        break;
    case CLI_OPT_HTML:
        options->html = true;
        break;
    case CLI_OPT_PRIVATE:
        options->is_private = true;
        break;
    case CLI_OPT_CHECK:
        options->check = true;
        break;
    case CLI_OPT_REPAIR_UNCHECKED:
        options->repair_unchecked = true;
        break;
    case CLI_OPT_NO_COLD:
        options->no_cold = true;
        break;
    default:
        break;
    }
}

static void set_word(struct cli_options *options, int id, int index)
{
    switch (id) {
    case CLI_OPT_ACCESS:
        options->access = (unsigned)index;
        break;
    case CLI_OPT_ADVICE:
        options->advice = (unsigned)index;
        break;
    case CLI_OPT_POPULATE:
        options->populate = index == 2 ? ACT_POPULATE_ALL : (unsigned)index;
        break;
    case CLI_OPT_LOCK:
        options->lock = (unsigned)index;
        break;
    case CLI_OPT_HUGE:
        options->huge = (unsigned)index;
        break;
    case CLI_OPT_CHECKSUMS:
        options->checksums = (unsigned)index;
        break;
    case CLI_OPT_KEYS:
        options->keys = (enum cli_keys)index;
        break;
    case CLI_OPT_PROGRESS:
        options->progress = (enum cli_when)index;
        break;
    case CLI_OPT_INPUT:
        options->input = (enum cli_input_form)index;
        break;
    case CLI_OPT_LAYOUT:
        options->layout = (unsigned)index;
        break;
    case CLI_OPT_DUPLICATES:
        options->duplicates = (unsigned)index;
        break;
    case CLI_OPT_GUARD:
        options->guard = (enum cli_guard)index;
        break;
    case CLI_OPT_SYNC:
        options->no_sync = index == 1;
        break;
    default:
        break;
    }
}

/* Sets a text; false if the option takes none. */
static bool set_text(struct cli_options *options, int id, char **text)
{
    char **place;
    switch (id) {
    case CLI_OPT_FROM:
        place = &options->from;
        break;
    case CLI_OPT_TO:
        place = &options->to;
        break;
    case CLI_OPT_OUTPUT:
        place = &options->output;
        break;
    case CLI_OPT_TEMP:
        place = &options->temp;
        break;
    case CLI_OPT_PREFIX:
        place = &options->prefix;
        break;
    case CLI_OPT_SAVE:
        place = &options->save;
        break;
    case CLI_OPT_RESTORE:
        place = &options->restore;
        break;
    case CLI_OPT_POPULATE_PREFIX:
        place = &options->prefix_to_populate;
        break;
    case CLI_OPT_TRACE:
        place = &options->trace;
        break;
    case CLI_OPT_REPAIR:
        place = &options->repair;
        break;
    case CLI_OPT_DELETE_FROM:
        place = &options->delete_from;
        break;
    default:
        return false;
    }
    keep_text(place, text);
    return true;
}

/* A decimal number of seconds, or 1 without a text. */
static bool parse_seconds(const char *text, double *seconds_ret)
{
    char *end;
    *seconds_ret = 1;
    if (!text)
        return true;
    *seconds_ret = strtod(text, &end);
    return *text >= '.' && *text <= '9' && !*end && *seconds_ret >= 0.01 && *seconds_ret <= 86400;
}

/* Sets a number or a size; returns what was wanted instead, or NULL if all is well. */
static const char *set_value(struct cli_options *options, int id, char **text)
{
    static const char a_count[] = "a number";
    static const char a_positive[] = "a number above 0";
    static const char a_time[] = "a number of seconds from 0.01 to 86400";
    static const char a_root[] = "the offset of a root, as actree history prints it";
    static const char a_size[] = "a number of bytes above 0, such as 512K, 64M or 2G";
    static const char a_memory[] = "a number of bytes from 64K on, such as 512K, 64M or 2G";
    static const char a_budget[] = "a number of bytes from 4M on, such as 64M or 2G";
    static const char a_share[] = "a number of bytes from 4K on, such as 512K, 64M or 2G";
    switch (id) {
    case CLI_OPT_LIMIT:
        options->limit_given = true;
        return cli_parse_u64(*text, strlen(*text), &options->limit) ? NULL : a_count;
    case CLI_OPT_MAX_STEPS:
        return cli_parse_u64(*text, strlen(*text), &options->steps_max) && options->steps_max
                   ? NULL
                   : a_positive;
    case CLI_OPT_THREADS:
        return cli_parse_u64(*text, strlen(*text), &options->threads) && options->threads
                   ? NULL
                   : a_positive;
    case CLI_OPT_PARTS:
        return cli_parse_u64(*text, strlen(*text), &options->parts) && options->parts ? NULL
                                                                                      : a_positive;
    case CLI_OPT_PART_SIZE:
        return cli_parse_size(*text, &options->part_nbytes) && options->part_nbytes ? NULL : a_size;
    case CLI_OPT_MAX_KEY:
        return cli_parse_size(*text, &options->key_nbytes_max) && options->key_nbytes_max ? NULL
                                                                                          : a_size;
    case CLI_OPT_MEMORY:
        return cli_parse_size(*text, &options->memory_nbytes) &&
                       options->memory_nbytes >= ACT_SORTER_MEMORY_NBYTES_MIN
                   ? NULL
                   : a_memory;
    case CLI_OPT_SHARE_MEMORY:
        return cli_parse_size(*text, &options->share_nbytes) &&
                       options->share_nbytes >= ACT_SHARE_NBYTES_MIN
                   ? NULL
                   : a_share;
    case CLI_OPT_TOP:
        options->top_given = true;
        return cli_parse_u64(*text, strlen(*text), &options->top) ? NULL : a_count;
    case CLI_OPT_DEPTH:
        return cli_parse_u64(*text, strlen(*text), &options->depth) && options->depth ? NULL
                                                                                      : a_positive;
    case CLI_OPT_WATCH:
        options->watch = true;
        return parse_seconds(*text, &options->watch_seconds) ? NULL : a_time;
    case CLI_OPT_BUDGET:
        return cli_parse_size(*text, &options->budget_nbytes) &&
                       options->budget_nbytes >= ACT_RESIDENT_NBYTES_MIN
                   ? NULL
                   : a_budget;
    case CLI_OPT_AT:
        return cli_parse_u64(*text, strlen(*text), &options->root) && options->root ? NULL : a_root;
    default:
        return NULL;
    }
}

/* Takes one option that popt found, with its text if it has one. False after a message. */
static bool take_option(const char *verb_name, const struct poptOption *option, char **text,
                        struct cli_options *options)
{
    const char *wanted = NULL;
    if ((option->argInfo & POPT_ARG_MASK) == POPT_ARG_NONE) {
        set_flag(options, option->val);
    } else if (cli_words_listed(option->argDescrip)) {
        int index = word_index(option->argDescrip, *text);
        if (index < 0)
            wanted = option->argDescrip;
        else
            set_word(options, option->val, index);
    } else if (!set_text(options, option->val, text)) {
        wanted = set_value(options, option->val, text);
    }
    if (wanted)
        cli_usage_error(verb_name, "--%s wants %s, not \"%s\"", option->longName, wanted, *text);
    return !wanted;
}

bool cli_options_parse(const char *verb_name, poptContext context,
                       const struct poptOption *options_table, struct cli_options *options_ret,
                       const char *const **arguments_ret)
{
    static const char *const none[] = {NULL};
    memset(options_ret, 0, sizeof(*options_ret));
    int id;
    while ((id = poptGetNextOpt(context)) > 0) {
        const struct poptOption *option = options_table;
        while (option->val != id)
            option++;
        char *text = poptGetOptArg(context);
        bool ok = take_option(verb_name, option, &text, options_ret);
        free(text);
        if (!ok)
            return false;
    }
    if (id < -1) {
        cli_usage_error(verb_name, "%s: %s", poptBadOption(context, POPT_BADOPTION_NOALIAS),
                        poptStrerror(id));
        return false;
    }
    const char *const *arguments = (const char *const *)poptGetArgs(context);
    *arguments_ret = arguments ? arguments : none;
    return true;
}

void cli_options_free(struct cli_options *options)
{
    free(options->prefix_to_populate);
    free(options->from);
    free(options->to);
    free(options->output);
    free(options->temp);
    free(options->prefix);
    free(options->save);
    free(options->restore);
    free(options->trace);
    free(options->delete_from);
    free(options->repair);
}
