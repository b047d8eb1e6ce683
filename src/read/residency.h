/* What was in memory of a map at one moment. */
#ifndef ACT_READ_RESIDENCY_H
#define ACT_READ_RESIDENCY_H

#include "actree.h"
#include "format/index.h"

struct act_residency {
    act_residency_totals totals;
    uint8_t *cached;  /* bitmap; NULL where nobody knows */
    uint8_t *present; /* the same */
    uint64_t root;    /* of the map: with the size, whether another one is the same */
    bool indexed;
    struct act_index index; /* when `indexed` */
};

/* Whether a residency can be that of this map. */
bool act_residency_is_of(const act_residency *residency, const act_map *map);

#endif
