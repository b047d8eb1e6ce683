/*
 * What a verb of the tool is, and what it is given when it runs.
 *
 * A verb is one `struct cli_verb`, defined in cmd_<verb>.c and listed in verbs.c. Usage texts, the
 * parsing of options and the completions of shells are all made from it.
 */
#ifndef ACT_CLI_VERB_H
#define ACT_CLI_VERB_H

#include <stddef.h>

#include "args.h"
#include "output.h"

/* Exit statuses. Each CLI_TROUBLE and CLI_DAMAGED comes with a word on standard error. */
enum {
    CLI_DONE = 0,
    CLI_NO = 1,      /* a key not found, no match */
    CLI_TROUBLE = 2, /* usage, I/O, the system */
    CLI_DAMAGED = 3  /* the file is damaged, hostile, or no ACTree file */
};

/* One run of a verb. */
struct cli_call {
    const struct cli_verb *verb;
    struct cli_options options;
    const char *const *arguments; /* what is not an option, in order; NULL after the last */
    size_t argument_count;
    struct cli_out out; /* standard output; flushed, and its errors told, after the run */
};

struct cli_verb {
    const char *name;
    const char *arguments; /* for the usage line, such as "FILE KEY..." */
    const char *summary;   /* one line */
    const char *notes;     /* lines that --help prints below the options; may be NULL */
    const struct poptOption *options;
    size_t argument_count_min;
    size_t argument_count_max;
    int (*run)(struct cli_call *call); /* returns the exit status */
};

/* For argument_count_max: as many as one likes. */
#define CLI_ANY_COUNT ((size_t)-1)

/* All verbs, in the order in which help lists them; NULL after the last. */
extern const struct cli_verb *const cli_verbs[];

/* The verb of this name, or NULL. */
const struct cli_verb *cli_verb_find(const char *name);

/* Print the help of the tool or of a verb, or the version. Return an exit status. */
int cli_help(void);
int cli_help_verb(const struct cli_verb *verb);
int cli_version(void);

#endif
