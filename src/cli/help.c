#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actree.h"
#include "commands.h"
#include "message.h"

/* Where what an option does begins; on a line of its own if the option is longer. */
#define TEXT_COLUMN 32

static int print_done(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLI_DONE;
    return cli_fail_os("standard output", "cannot write", errno);
}

int cli_help(void)
{
    printf("Usage: actree VERB FILE [ARGUMENT...] [OPTION...]\n"
           "Ordered maps from byte strings to u64, in ACTree03 files.\n\n");
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
        printf("  %-12s %s\n", (*verb)->name, (*verb)->summary);
    printf("\n"
           "  actree VERB --help    the options of a verb\n"
           "  actree --version      the version\n"
           "\n"
           "Exit status: 0 done, or yes; 1 no: a key not found, no match; 2 usage, input or\n"
           "output, the system; 3 the file is damaged or no ACTree03 file.\n");
    return print_done();
}

int cli_version(void)
{
    printf("actree %s\n", act_version());
    return print_done();
}

static void print_option(const struct poptOption *option)
{
    char letter[8] = "    ";
    char name[96];
    if (option->shortName)
        snprintf(letter, sizeof(letter), "-%c, ", option->shortName);
    bool optional = option->argInfo & POPT_ARGFLAG_OPTIONAL;
    int nbytes = snprintf(name, sizeof(name), "  %s--%s%s%s%s%s", letter, option->longName,
                          optional ? "[" : "", option->argDescrip ? "=" : "",
                          option->argDescrip ? option->argDescrip : "", optional ? "]" : "");
    if (nbytes + 2 > TEXT_COLUMN)
        printf("%s\n%*s%s\n", name, TEXT_COLUMN, "", option->descrip);
    else
        printf("%-*s%s\n", TEXT_COLUMN, name, option->descrip);
}

int cli_help_verb(const struct cli_verb *verb)
{
    printf("Usage: actree %s %s [OPTION...]\n%s.\n", verb->name, verb->arguments, verb->summary);
    if (verb->notes)
        printf("%s", verb->notes);
    printf("\n");
    for (const struct poptOption *option = verb->options; option->longName; option++)
        print_option(option);
    return print_done();
}
