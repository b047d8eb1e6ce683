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
 * Of verbs that look at a file's pages, or bring them in: --access=read and --guard=thread, which
 * copy it, would leave nothing to look at. What else does nothing for a verb is not among its
 * options: what is forgotten when the program ends, where that is all that it would do, as locks;
 * what changes the very thing that is shown, or that is reckoned otherwise; and a former root,
 * where roots are named in another way, or what came after it would be lost. An exit status, after
 * a message if it is not CLI_DONE.
 */
int cli_refuse_copies(const struct cli_call *call);

/*
 * Opens the call's first argument, by its options; "-" is standard input, read to its end. Says on
 * standard error what went wrong; `error`, if not NULL, is filled too. Returns an exit status. To
 * be closed in any case. A set is refused, but not by the second one: for verbs that take sets.
 */
int cli_map_open(const struct cli_call *call, struct cli_map *map_ret, act_error *error);
int cli_map_or_set_open(const struct cli_call *call, struct cli_map *map_ret, act_error *error);

void cli_map_close(struct cli_map *map);

/*
 * Opens a file or a set by name, once more and for measuring: by the options, but for
 * --populate-prefix, and without a word. To be closed in any case.
 */
act_status cli_map_open_again(const struct cli_options *options, const char *name, bool is_set,
                              struct cli_map *map_ret, act_error *error);

/*
 * Opens a set once more, for looking at one part after the other: each is closed before the next is
 * opened, as what the system says of a mapping takes the longer the more there are, and there may
 * be more parts than a program may have open. But with --lock they stay, as all of them together
 * have one limit.
 */
act_status cli_set_open_by_parts(const struct cli_options *options, const char *name,
                                 act_set **set_ret, act_error *error);

/* act_map_get and act_map_get_batch, or those of a set. */
act_status cli_map_get(const struct cli_map *map, const act_slice *key, uint64_t *value_ret,
                       act_error *error);
act_status cli_map_get_batch(const struct cli_map *map, const act_slice *keys, size_t count,
                             uint64_t *values_ret, uint8_t *found_ret, act_error *error);

/* Bytes of the file, or of all parts of the set. */
uint64_t cli_map_file_nbytes(const struct cli_map *map);

#endif
