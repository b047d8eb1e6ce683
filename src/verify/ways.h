/*
 * What is known of the paths to nodes that were reached and wait for their turn, which comes in
 * descending order of offset. Of nodes in the part of the file that is at hand it is kept in a hash
 * table; of those in parts below, written one after the other, mostly six bytes for some siblings
 * and one more for each but the first, until their part's turn comes.
 */
#ifndef ACT_VERIFY_WAYS_H
#define ACT_VERIFY_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/allowance.h"

enum {
    ACT_WAYS_PART_LOG2 = 16 /* offsets in a part */
};

/* All paths to one node. Sums and lengths stay at UINT64_MAX once they are too large. */
struct act_ways {
    uint64_t id;          /* the node's offset, never 0 */
    uint64_t paths;       /* how many */
    uint64_t path_nbytes; /* of all together */
    uint64_t path_nbytes_longest;
    uint64_t depth_least; /* nodes above it, by the shortest way */
    uint64_t depth_most;  /* and by the longest */
};

/* Ways to nodes of one part, written one after the other. */
struct act_ways_later;

struct act_ways_table {
    struct act_ways *slots; /* those with id 0 are free */
    size_t slots_count;     /* a power of two, or 0 */
    size_t used;
    uint64_t seed;
    struct act_ways_later **later; /* of each part, or NULL */
    size_t parts_count;
    size_t at_part; /* what lies here or above is in the slots */
    struct act_os_allowance allowance;
};

static inline uint64_t act_saturating_add(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static inline uint64_t act_saturating_mul(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* An empty table for offsets below `limit`. False without memory; then there is nothing to close.
 */
bool act_ways_open(struct act_ways_table *table, uint64_t limit);

void act_ways_close(struct act_ways_table *table);

/* Adds these ways to those that the table has for each of `count` nodes, whose offsets ascend;
 * ways->id is not looked at. False without memory. */
bool act_ways_put(struct act_ways_table *table, const struct act_ways *ways, const uint64_t *ids,
                  size_t count);

/* Takes the ways to a node out of the table; all-zero if there are none. It must not lie in a part
 * above one that a node was taken from. False without memory. */
bool act_ways_take(struct act_ways_table *table, uint64_t id, struct act_ways *ways_ret);

#endif
