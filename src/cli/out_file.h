/* A page or picture that goes to a file. */
#ifndef ACT_CLI_OUT_FILE_H
#define ACT_CLI_OUT_FILE_H

#include "output.h"
#include "verb.h"

/*
 * Has `print` write to the file of --output or, where that is "-" or not given, to standard output.
 * A file appears whole or not at all, and is not one of the call's arguments. Returns an exit
 * status, after a message if it is not CLI_DONE.
 */
int cli_out_file(struct cli_call *call, void (*print)(struct cli_out *out, const void *context),
                 const void *context);

#endif
