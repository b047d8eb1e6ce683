/*
 * What is known of the paths to nodes that were reached and wait for their turn: a hash table by
 * the node's offset.
 */
#ifndef ACT_VERIFY_WAYS_H
#define ACT_VERIFY_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All paths to one node. Sums and lengths stay at UINT64_MAX once they are too large. */
struct act_ways {
    uint64_t id;          /* the node's offset, never 0 */
    uint64_t paths;       /* how many */
    uint64_t path_nbytes; /* of all together */
    uint64_t path_nbytes_longest;
    uint64_t depth_least; /* nodes above it, by the shortest way */
    uint64_t depth_most;  /* and by the longest */
};

struct act_ways_table {
    struct act_ways *slots; /* those with id 0 are free */
    size_t slots_count;     /* a power of two, or 0 */
    size_t used;
    uint64_t seed;
};

static inline uint64_t act_saturating_add(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static inline uint64_t act_saturating_mul(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* An empty table. False without memory; then there is nothing to close. */
bool act_ways_open(struct act_ways_table *table);

void act_ways_close(struct act_ways_table *table);

/* Adds these ways to those that the table has for the node. False without memory. */
bool act_ways_put(struct act_ways_table *table, const struct act_ways *ways);

/* Takes the ways to a node out of the table; all-zero if there are none. */
void act_ways_take(struct act_ways_table *table, uint64_t id, struct act_ways *ways_ret);

#endif
