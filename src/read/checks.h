/*
 * Comparing bytes with their checksums when they are first read.
 *
 * What has a checksum of its own is a *unit*: a block of an indexed file, or what one merge
 * appended. Each is compared once, when a reader comes to it, by whichever thread that is; several
 * may do it at once, which is a waste and no harm. For readers there is besides a byte for each
 * ACT_SUMS_BLOCK_NBYTES of the file, which says that all units there are good: one load, most of
 * the time. When all of them are, there is nothing left to ask.
 *
 * Any bytes are safe to read. So readers decode first, and ask for what they have decoded before
 * they use it: a node's own bytes lie where the bytes themselves say.
 */
#ifndef ACT_READ_CHECKS_H
#define ACT_READ_CHECKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "format/segment.h"
#include "read/map.h"

enum {
    ACT_CHECKS_GRANULE_LOG2 = 16 /* of ACT_SUMS_BLOCK_NBYTES */
};

/* What a unit was found to be. */
enum act_unit_state {
    ACT_UNIT_UNKNOWN,
    ACT_UNIT_GOOD,
    ACT_UNIT_BAD
};

/* What one merge appended. */
struct act_checked_segment {
    struct act_segment segment;
    uint64_t end; /* after its trailer */
    atomic_uchar state;
};

struct act_checks {
    const uint8_t *bytes;
    uint64_t file_nbytes;
    struct act_index index;
    struct act_checked_segment *segments; /* in the order of the file */
    size_t segments_count;
    uint64_t blocks_count;
    atomic_uchar *blocks; /* their states */
    uint64_t granules_count;
    atomic_uchar *granules;     /* 1: all units in it are good */
    atomic_uint_least64_t left; /* granules that are not */
};

/*
 * Prepares for a file with this index, and these segments, which follow each other in the order of
 * the file, none over another; they become its own, also when it fails. ACT_ERR_NOMEM.
 */
act_status act_checks_make(const uint8_t *bytes, uint64_t file_nbytes,
                           const struct act_index *index, struct act_checked_segment *segments,
                           size_t segments_count, struct act_checks **checks_ret, act_error *error);

void act_checks_free(struct act_checks *checks);

/*
 * Prepares a map that is being opened, if there is anything to compare; otherwise it gets no
 * checks. What leads to the checksums is checked at once: ACT_ERR_CORRUPT, ACT_ERR_NOMEM.
 */
act_status act_checks_open(struct act_map *map, act_error *error);

/* How many bytes have a checksum. */
uint64_t act_checks_covered_nbytes(const struct act_checks *checks);

/* The bytes of unit `at`, of so many; the blocks first. */
size_t act_checks_units(const struct act_checks *checks);
void act_checks_unit(const struct act_checks *checks, size_t at, uint64_t *begin_ret,
                     uint64_t *end_ret);

/* Whether a unit is as its checksum says; compares it when that is not known. */
bool act_checks_unit_is_good(struct act_checks *checks, size_t at);

/*
 * The first unit that these bytes, one at least, lie in and that is bad; false if there is none.
 * Units that were not compared yet are.
 */
bool act_checks_find_bad(struct act_checks *checks, uint64_t off, uint64_t end, size_t *at_ret);

/* Whether there is a unit that this byte lies in. */
bool act_checks_covers(const struct act_checks *checks, uint64_t off);

/* For readers: ACT_OK if these bytes, one at least, are good; ACT_ERR_CORRUPT naming the unit. */
act_status act_checks_look(struct act_checks *checks, uint64_t off, uint64_t end, act_error *error);

static ACT_ALWAYS_INLINE bool act_checks_granule_is_good(const struct act_checks *checks,
                                                         uint64_t off)
{
    uint64_t granule = off >> ACT_CHECKS_GRANULE_LOG2;
    return granule < checks->granules_count &&
           atomic_load_explicit(&checks->granules[granule], memory_order_relaxed);
}

static ACT_ALWAYS_INLINE act_status act_checks_touch(struct act_checks *checks, uint64_t off,
                                                     uint64_t end, act_error *error)
{
    if (ACT_LIKELY((off >> ACT_CHECKS_GRANULE_LOG2) == ((end - 1) >> ACT_CHECKS_GRANULE_LOG2) &&
                   act_checks_granule_is_good(checks, off)))
        return ACT_OK;
    return act_checks_look(checks, off, end, error);
}

/* Whether there is anything left to compare. Once it is false it stays so. */
static ACT_ALWAYS_INLINE bool act_checks_pending(const struct act_map *map)
{
    return ACT_UNLIKELY(map->checks != NULL) &&
           atomic_load_explicit(&map->checks->left, memory_order_relaxed) != 0;
}

/* Compares all that was not compared yet, if the map has checks. */
act_status act_checks_all(const struct act_map *map, act_error *error);

/*
 * For a map with checks: whether all is good that readers look at in a node, its own bytes, line
 * data, and the own bytes of a line's child. What cannot be decoded is left to them.
 */
act_status act_checks_node(const struct act_map *map, uint64_t id, act_error *error);

/* The same for what tells where child `index` of a node is: a jump table, or siblings. */
act_status act_checks_child(const struct act_map *map, uint64_t parent_id, uint64_t child_rel,
                            unsigned index, act_error *error);

/* The same for the own bytes of the first `count` children, which `child_rel` leads to. */
act_status act_checks_run(const struct act_map *map, uint64_t parent_id, uint64_t child_rel,
                          unsigned count, act_error *error);

#endif
