/* verify --repair: salvaging a damaged file. */
#ifndef ACT_CLI_REPAIR_H
#define ACT_CLI_REPAIR_H

#include "verb.h"

/* Salvages the call's first argument into the file that its options name. Returns an exit status:
 * CLI_DAMAGED if the file was damaged, whatever came of it. */
int cli_repair(struct cli_call *call);

#endif
