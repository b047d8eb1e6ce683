/* What `convert`, `join` and `split` have in common: looking at the whole input before anything is
 * written, and going over what is to be written. */
#ifndef ACT_CLI_COPYING_H
#define ACT_CLI_COPYING_H

#include "actree.h"
#include "open.h"
#include "progress.h"

/* What there is to be copied; as many as a u64 holds stand for more too. */
struct cli_inventory {
    uint64_t keys;
    uint64_t dangling_paths;
};

/* Verifies a file, or the parts of a set, unless --no-check says not to, and counts what is in it.
 * Starts the progress; ACT_STOPPED after a signal. */
act_status cli_inspect(const struct cli_map *map, const struct cli_options *options,
                       struct cli_progress *progress, struct cli_inventory *inventory_ret,
                       act_error *error);

/* Called for an entry, or with NULL for a path that ends without a value. Anything but 0 stops. */
typedef int (*cli_place_fn)(void *context, const uint8_t *path, size_t path_nbytes,
                            const uint64_t *value);

/* Calls `visit` for all entries in order; with `paths`, for paths without a value too, which takes
 * longer. */
act_status cli_visit_places(const act_map *map, bool paths, cli_place_fn visit, void *context,
                            act_error *error);

/* Calls `work` for the map, or for that of each part of the set, in order, until one fails. */
act_status cli_for_each_map(const struct cli_map *map,
                            act_status (*work)(void *context, const act_map *map, act_error *error),
                            void *context, act_error *error);

#endif
