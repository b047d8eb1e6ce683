/* Warming what the lookups of a log will touch: `warm --trace`. */
#ifndef ACT_CLI_WARM_TRACE_H
#define ACT_CLI_WARM_TRACE_H

#include "verb.h"

/* Does it for the call's first argument, and prints what it did. Returns an exit status. */
int cli_warm_trace(struct cli_call *call);

#endif
