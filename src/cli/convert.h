/* The work of `convert` and `join`: the entries of a file, or of a set, as another file. */
#ifndef ACT_CLI_CONVERT_H
#define ACT_CLI_CONVERT_H

#include "verb.h"

/* The options that say how. */
#define CLI_OPTIONS_CONVERT                                                                        \
    CLI_OPTION_LAYOUT, CLI_OPTION_SHARE_MEMORY, CLI_OPTION_THREADS, CLI_OPTION_NO_CHECK,           \
        CLI_OPTION_NO_SYNC, CLI_OPTION_MAX_KEY, CLI_OPTION_MAX_STEPS, CLI_OPTION_VERBOSE,          \
        CLI_OPTION_JSON, CLI_OPTION_PROGRESS, CLI_OPTIONS_OPENING

/* Does it, from the call's first argument; "-" is standard output. Returns an exit status. */
int cli_convert(struct cli_call *call, const char *out_path);

#endif
