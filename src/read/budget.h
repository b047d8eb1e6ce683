/*
 * Keeping a resident budget: how much of a mapping is present in this process.
 *
 * Whoever reads looks after some steps. As long as the process had no page fault since the last
 * look, nothing can have been added. Otherwise the system is asked how much of all files is present
 * in the process, which is a number that it keeps; only if that has grown so much that the budget
 * may be exceeded, the pages of the map that are present are counted. If they do exceed it, pages
 * are released in the order of the file and round it, from where it ended the time before, until
 * half of the budget is left: so pages go in the order in which a walk came by, and all go equally
 * often where there is no order. The hot region stays, unless it takes more than half of the budget
 * itself.
 */
#ifndef ACT_READ_BUDGET_H
#define ACT_READ_BUDGET_H

#include "base/attributes.h"
#include "read/map.h"

enum {
    ACT_BUDGET_STEPS = 8 /* nodes, lookups, or keys of a batch, between two looks */
};

/* Sets the budget of a paged map; 0: none. Any thread, at any time. */
void act_budget_set(const struct act_map *map, uint64_t nbytes_max);

/* Begins, when a map with a budget is opened. */
void act_budget_begin(const struct act_map *map);

/* Looks as if nothing were known. The map has a budget. */
void act_budget_enforce(const struct act_map *map);

/* A look. The map has a budget. Any thread, at any time; waits for nobody. */
void act_budget_look(const struct act_map *map);

/* Looks after each ACT_BUDGET_STEPS of these calls, whoever makes them, if there is a budget. */
static ACT_ALWAYS_INLINE void act_budget_step(const struct act_map *map)
{
    if (ACT_UNLIKELY(act_map_budget(map)) &&
        (atomic_fetch_add_explicit(&map->lazy->budget.steps, 1, memory_order_relaxed) + 1) %
                ACT_BUDGET_STEPS ==
            0)
        act_budget_look(map);
}

/* Looks, if there is a budget. */
static ACT_ALWAYS_INLINE void act_budget_keep(const struct act_map *map)
{
    if (ACT_UNLIKELY(act_map_budget(map)))
        act_budget_look(map);
}

#endif
