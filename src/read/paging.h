/* How the pages of a map are read: the policy. */
#ifndef ACT_READ_PAGING_H
#define ACT_READ_PAGING_H

#include "read/map.h"

/*
 * Chooses for a mapped file, by its size and the memory there is. A map is opened with
 * ACT_OS_PAGING_SINGLE, so that opening reads no more than it touches.
 */
void act_map_settle_paging(struct act_map *map);

#endif
