/* The keys of a query log, in memory. */
#ifndef ACT_CLI_QUERIES_H
#define ACT_CLI_QUERIES_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "verb.h"

struct cli_queries {
    uint8_t *bytes; /* of all keys, one after the other */
    act_slice *keys;
    size_t count;
};

/*
 * Reads a file of keys, a record each, in the form that --keys and -0 say; "-" is standard input;
 * no more than --limit, if it was given. Takes the bytes of the keys and 16 for each. Returns an
 * exit status after a message; to be freed in any case.
 */
int cli_queries_load(const struct cli_call *call, const char *name, struct cli_queries *queries);

void cli_queries_free(struct cli_queries *queries);

/* A copy of the keys, in byte order; NULL without memory. To be freed. */
act_slice *cli_queries_sorted(const struct cli_queries *queries);

#endif
