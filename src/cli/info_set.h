/* What `info` says of a set. */
#ifndef ACT_CLI_INFO_SET_H
#define ACT_CLI_INFO_SET_H

#include "open.h"
#include "verb.h"

/* Prints it, by the call's options. Returns an exit status, after a message if not CLI_DONE. */
int cli_info_of_set(struct cli_call *call, const struct cli_map *map);

#endif
