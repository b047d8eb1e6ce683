#include "verify/ways.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_AT_FIRST = 256
};

/*
 * Mixes all bits of the offset into the low ones. The seed is an address, which systems choose at
 * random, so that a file cannot be made whose offsets fall into few slots.
 */
static size_t home_of(const struct act_ways_table *table, uint64_t id)
{
    uint64_t hash = id ^ table->seed;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    return (size_t)(hash ^ hash >> 33) & (table->slots_count - 1);
}

/* The slot of the node, or the free one where it belongs. */
static size_t find(const struct act_ways_table *table, uint64_t id)
{
    size_t at = home_of(table, id);
    while (table->slots[at].id && table->slots[at].id != id)
        at = (at + 1) & (table->slots_count - 1);
    return at;
}

static bool resize(struct act_ways_table *table, size_t slots_count)
{
    struct act_ways_table old = *table;
    table->slots = calloc(slots_count, sizeof(*table->slots));
    if (!table->slots) {
        table->slots = old.slots;
        return false;
    }
    table->slots_count = slots_count;
    table->seed = (uint64_t)(uintptr_t)table->slots;
    for (size_t i = 0; i < old.slots_count; i++) {
        if (old.slots[i].id)
            table->slots[find(table, old.slots[i].id)] = old.slots[i];
    }
    free(old.slots);
    return true;
}

bool act_ways_open(struct act_ways_table *table)
{
    memset(table, 0, sizeof(*table));
    return resize(table, SLOTS_AT_FIRST);
}

void act_ways_close(struct act_ways_table *table)
{
    free(table->slots);
    memset(table, 0, sizeof(*table));
}

bool act_ways_put(struct act_ways_table *table, const struct act_ways *ways)
{
    struct act_ways *slot = &table->slots[find(table, ways->id)];
    if (slot->id) {
        slot->paths = act_saturating_add(slot->paths, ways->paths);
        slot->path_nbytes = act_saturating_add(slot->path_nbytes, ways->path_nbytes);
        if (slot->path_nbytes_longest < ways->path_nbytes_longest)
            slot->path_nbytes_longest = ways->path_nbytes_longest;
        if (slot->depth_least > ways->depth_least)
            slot->depth_least = ways->depth_least;
        if (slot->depth_most < ways->depth_most)
            slot->depth_most = ways->depth_most;
        return true;
    }
    *slot = *ways;
    /* At most three quarters full. */
    if (++table->used <= table->slots_count / 4 * 3)
        return true;
    return table->slots_count <= SIZE_MAX / 2 / sizeof(*table->slots) &&
           resize(table, table->slots_count * 2);
}

void act_ways_take(struct act_ways_table *table, uint64_t id, struct act_ways *ways_ret)
{
    size_t mask = table->slots_count - 1;
    size_t hole = find(table, id);
    *ways_ret = table->slots[hole];
    if (!ways_ret->id)
        return;
    table->used--;
    /* Moves up what was put further on because of this slot, so that no search ends too early. */
    for (size_t at = (hole + 1) & mask; table->slots[at].id; at = (at + 1) & mask) {
        size_t home = home_of(table, table->slots[at].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    memset(&table->slots[hole], 0, sizeof(table->slots[hole]));
}
