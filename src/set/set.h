/* An open set, and how its parts are opened and closed. */
#ifndef ACT_SET_SET_H
#define ACT_SET_SET_H

#include <stdatomic.h>

#include "base/attributes.h"
#include "os/thread.h"
#include "set/locate.h"
#include "set/manifest.h"

/*
 * A part's map, as threads share it. Without a limit a map comes and stays: it is published by one
 * atomic store, and of two threads that opened the same part one closes its own again.
 *
 * With a limit, who uses the map counts itself into `pins`. While the map is closed, the bit
 * ACT_SLOT_CLOSED is set there too; who finds it takes itself out again and opens the part, under
 * the lock. A map is closed by setting that bit while nobody else is in.
 */
struct act_slot {
    _Atomic(act_map *) map; /* NULL: not open */
    atomic_size_t pins;
    atomic_size_t used; /* the set's clock when it was used last */
};

#define ACT_SLOT_CLOSED (SIZE_MAX / 2 + 1)

/* What is counted, and with a limit all of what belongs to closing parts. */
struct act_shelf {
    struct act_slot *slots;      /* one for each part */
    struct act_os_monitor *lock; /* NULL without a limit, threads, or memory: */
    atomic_flag spin;            /* then this is the lock */
    atomic_size_t clock;         /* moves when another part is used than before */
    atomic_size_t openings;
    atomic_size_t open_nbytes;
    atomic_size_t open_parts;
    size_t *open; /* under the lock: the parts that are open, in no order */
    size_t open_count;
};

struct act_set {
    struct act_manifest manifest;
    struct act_locator locator;
    char *folder; /* up to the last slash, or empty */
    act_open_options part_options;
    uint64_t max_mapped_nbytes; /* 0: no limit */
    struct act_shelf *shelf;
};

/* Makes room for all parts, none of which is open. False without memory. */
bool act_shelf_init(struct act_set *set);

/* Closes all parts, and frees everything. */
void act_shelf_free(struct act_set *set);

/* act_set_part_open for a part that is not open, or with a limit. */
act_status act_set_pin_slowly(const struct act_set *set, size_t part, act_map **map_ret,
                              act_error *error);

/* act_set_part_open and act_set_part_release, for a part that there is. */
static inline act_status act_set_pin(const struct act_set *set, size_t part, act_map **map_ret,
                                     act_error *error)
{
    if (ACT_LIKELY(!set->max_mapped_nbytes)) {
        *map_ret = atomic_load_explicit(&set->shelf->slots[part].map, memory_order_acquire);
        if (ACT_LIKELY(*map_ret != NULL))
            return ACT_OK;
    }
    return act_set_pin_slowly(set, part, map_ret, error);
}

static inline void act_set_unpin(const struct act_set *set, size_t part)
{
    if (ACT_UNLIKELY(set->max_mapped_nbytes))
        atomic_fetch_sub_explicit(&set->shelf->slots[part].pins, 1, memory_order_release);
}

/* Puts a part's name before the text of an error that came from its map; gives the status. */
act_status act_set_name_part(const struct act_set *set, size_t part, act_status status,
                             act_error *error);

/* Opens the file that has the name of a part. */
act_status act_set_open_any(const struct act_set *set, size_t part, act_map **map_ret,
                            act_error *error);

/* ACT_ERR_CORRUPT if the file has keys below the part's range or above; or ACT_ERR_NOMEM. */
act_status act_set_check_ends(const struct act_set *set, size_t part, const act_map *map,
                              act_error *error);

/* Opens the file of a part, and checks that it is the one; errors name the part. */
act_status act_set_open_file(const struct act_set *set, size_t part, act_map **map_ret,
                             act_error *error);

/* Reads the manifest at a path. As act_set_open. */
act_status act_manifest_read(const char *path, struct act_manifest *manifest_ret, act_error *error);

/* The folder of a path, with the slash; NULL if there is no memory. */
char *act_set_folder_of(const char *path);

#endif
