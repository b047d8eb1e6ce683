/*
 * What lies below an old node, copied as a whole beside what is appended: so that a lookup which
 * comes there finds together what belongs together, as in the file as it was built. Up to a size;
 * what has more below it is hot, and is referred to where it lies.
 *
 * Whatever cannot be copied, for its size, its form or for being damaged, is no unit: it is left
 * alone.
 */
#ifndef ACT_MERGE_UNIT_H
#define ACT_MERGE_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/siblings.h"
#include "merge/append.h"
#include "merge/old.h"

/* A number that is above those of all units, and whose sums are. */
#define ACT_UNIT_TOO_MUCH ((uint64_t)1 << 32)

enum {
    /* What is copied to make one change is at most so much: larger units make larger files, and
     * lookups hardly faster. Measured; see docs/PERFORMANCE.md. */
    ACT_MERGED_UNIT_NBYTES_MAX = 1024,
    ACT_UNIT_LINE_NBYTES_MAX = ACT_SIBLINGS_LINE_NBYTES_MAX, /* longer lines are not copied, */
    ACT_UNIT_HOT_LINE_NBYTES_MAX = 32,                       /* nor these beside hot nodes */
    ACT_UNIT_LINES = 256,
    /* Siblings are counted as two bytes each, for their jump table. */
    ACT_UNIT_LEVELS = ACT_MERGED_UNIT_NBYTES_MAX / 2 + 1
};

/* Old siblings that are being gone over. */
struct act_unit_level {
    uint64_t next;   /* where the next one lies, */
    uint64_t end;    /* and what all of them lie below: their parent */
    size_t left;     /* how many come yet */
    size_t parent;   /* in act_units.made, when they are copied; */
    size_t children; /* and the first one of them there */
};

/* All-zero but for `arena` and `append` at first. */
struct act_units {
    const struct act_arena *arena;
    struct act_append *append;
    struct act_unit_level levels[ACT_UNIT_LEVELS];
    size_t depth;
    struct act_made *made; /* copies that wait for their siblings */
    size_t count;
    size_t made_capacity;
    /* Line data that were copied a moment ago, by where they were; and where they are. */
    uint64_t lines_from[ACT_UNIT_LINES];
    uint64_t lines_to[ACT_UNIT_LINES];
};

void act_units_close(struct act_units *units);

/* What a node takes at most by itself, and its branch, when all that it refers to is near. */
uint64_t act_unit_own_nbytes(const struct act_made *made);

/*
 * Adds to `*nbytes_ref` what all below the node at `id` takes, with the line and the branch of the
 * node itself; false if the sum is more than a unit's, or it is none.
 */
bool act_unit_measure(struct act_units *units, uint64_t id, uint64_t *nbytes_ref);

/* Appends a copy of all below a copied node, for which act_unit_measure was true; its branch, if it
 * leads to one, becomes its own. ACT_ERR_CORRUPT, ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_unit_copy(struct act_units *units, struct act_made *made, act_error *error);

/* Makes the branch that a copied line leads to its own, if that can be: its children stay. */
act_status act_unit_take_branch(struct act_units *units, struct act_made *made, act_error *error);

/* Appends a copy of an old line of up to that length, or finds one that is near; another one, or
 * what is none, stays where it is. ACT_ERR_IO. */
act_status act_unit_take_line(struct act_units *units, struct act_made *made, uint64_t nbytes_max,
                              act_error *error);

#endif
