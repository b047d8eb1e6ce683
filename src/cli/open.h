/* Opening the FILE of a verb. */
#ifndef ACT_CLI_OPEN_H
#define ACT_CLI_OPEN_H

#include "actree.h"
#include "verb.h"

/* An open map, and the bytes it lies in if it came from standard input; or an open set. */
struct cli_map {
    act_map *map;     /* NULL: a set */
    act_set *set;     /* NULL: a map */
    const char *name; /* for messages */
    void *bytes;
};

/* What the tool's options mean for opening, but for --populate-prefix. */
act_open_options cli_open_options(const struct cli_options *options);

/*
 * Opens the call's first argument, by its options; "-" is standard input, read to its end. Says on
 * standard error what went wrong; `error`, if not NULL, is filled too. Returns an exit status. To
 * be closed in any case. A set is refused, but not by the second one: for verbs that take sets.
 */
int cli_map_open(const struct cli_call *call, struct cli_map *map_ret, act_error *error);
int cli_map_or_set_open(const struct cli_call *call, struct cli_map *map_ret, act_error *error);

void cli_map_close(struct cli_map *map);

/* Bytes of the file, or of all parts of the set. */
uint64_t cli_map_file_nbytes(const struct cli_map *map);

#endif
