/* A file that is on its way to standard output: it is built in a folder of its own first. */
#ifndef ACT_CLI_TEMPORARY_H
#define ACT_CLI_TEMPORARY_H

#include "output.h"
#include "verb.h"

struct cli_temporary {
    char folder[4096];
    char file[4096 + 16];
};

/* Makes the folder, unless standard output is a terminal. Returns an exit status. */
int cli_temporary_make(struct cli_temporary *temporary);

/* Copies the file to standard output. Errors of output show later, as for all verbs. Returns an
 * exit status. */
int cli_temporary_copy_out(const struct cli_temporary *temporary, struct cli_out *out);

/* Removes file and folder. */
void cli_temporary_remove(const struct cli_temporary *temporary);

#endif
