/* `warm --trace`: bringing in what the lookups of a log will touch. */
#ifndef ACT_CLI_WARM_TRACE_H
#define ACT_CLI_WARM_TRACE_H

#include "verb.h"

/* Does it, and prints what was done. Returns an exit status. */
int cli_warm_trace(struct cli_call *call);

#endif
