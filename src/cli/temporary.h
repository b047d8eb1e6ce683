/* A file that is on its way to standard output: it is built in a folder of its own first. */
#ifndef ACT_CLI_TEMPORARY_H
#define ACT_CLI_TEMPORARY_H

#include "output.h"
#include "verb.h"

/*
 * Does work(context), which makes the file that `*path_ref` then names, and copies that to standard
 * output; what was made is removed again. Refuses a terminal. Errors of output show later, as for
 * all verbs. Returns an exit status.
 */
int cli_temporary_output(struct cli_call *call, const char **path_ref, int (*work)(void *context),
                         void *context);

#endif
