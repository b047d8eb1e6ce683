/*
 * Reading ahead of walks over files that are larger than memory, which the system is told not to
 * read ahead (see read/paging.h). Once in a while a walk looks where in the file the entry lies
 * that it has passed, and asks for what lies behind; more each time, up to two mebibytes. So a
 * short walk reads what it needs, and a long one is as fast as the disk. Does nothing for other
 * files.
 */
#ifndef ACT_READ_AHEAD_H
#define ACT_READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "read/map.h"

enum {
    ACT_AHEAD_ENTRIES = 256 /* between looks: some pages */
};

/* All-zero at first. */
struct act_ahead {
    unsigned passed; /* entries since the last look */
    uint64_t at;     /* where that was */
    uint64_t edge;   /* up to here, in the direction of the walk, bytes were asked for */
    uint64_t nbytes; /* to ask for next */
};

/* Whether a map's walks have to look: to read ahead, or to keep a resident budget. */
static ACT_ALWAYS_INLINE bool act_ahead_is_needed(const struct act_map *map)
{
    return act_map_budget(map) || act_map_reads_single(map);
}

/* A look, after the entry with this key. */
void act_ahead_look(struct act_ahead *ahead, const struct act_map *map, const uint8_t *key,
                    size_t key_nbytes, bool upwards);

/* An entry was passed. */
static ACT_ALWAYS_INLINE void act_ahead_pass(struct act_ahead *ahead, const struct act_map *map,
                                             const uint8_t *key, size_t key_nbytes, bool upwards)
{
    if (ACT_LIKELY(!act_ahead_is_needed(map)) || ++ahead->passed < ACT_AHEAD_ENTRIES)
        return;
    ahead->passed = 0;
    act_ahead_look(ahead, map, key, key_nbytes, upwards);
}

#endif
