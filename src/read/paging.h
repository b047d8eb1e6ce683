/* How the pages of a map are read: the policy. */
#ifndef ACT_READ_PAGING_H
#define ACT_READ_PAGING_H

#include "base/attributes.h"
#include "os/paging.h"
#include "read/map.h"

/* What the system is told for an advice, which must not be ACT_ADVICE_AUTO. */
static inline enum act_os_paging act_paging_of(act_advice advice)
{
    if (advice == ACT_ADVICE_RANDOM)
        return ACT_OS_PAGING_SINGLE;
    return advice == ACT_ADVICE_SEQUENTIAL ? ACT_OS_PAGING_FORWARD : ACT_OS_PAGING_AHEAD;
}

/*
 * Begins with what was asked for. A map is opened with ACT_OS_PAGING_SINGLE, so that opening reads
 * no more than it touches. For ACT_ADVICE_AUTO that stays so until it is settled: to ask the system
 * for its limits takes longer than all else at opening, and a few lookups can do without.
 */
void act_map_begin_paging(struct act_map *map, act_advice advice);

/*
 * Asks how much memory there is, unless another thread has or is about to; for ACT_ADVICE_AUTO
 * chooses by that and the size of the file, and tells the system.
 */
void act_map_settle_now(const struct act_map *map);

/* The same, if it was not done yet: for all work but a few lookups. */
static inline void act_map_settle(const struct act_map *map)
{
    if (ACT_UNLIKELY(!atomic_load_explicit(&map->lazy->memory_nbytes, memory_order_relaxed)))
        act_map_settle_now(map);
}

/* How much memory there was when it was asked for, which may be now; UINT64_MAX: not known, or the
 * map is not paged. */
uint64_t act_map_memory(const struct act_map *map);

/* Whether the file, or all that it is one of, is mapped and takes more than half of that. */
bool act_map_exceeds_memory(const struct act_map *map);

/* What was told when the map was opened, or chosen; never ACT_ADVICE_AUTO. */
act_advice act_map_chosen_advice(const struct act_map *map);

/* Tells the system about the whole file, as it was chosen or told when the map was opened. */
void act_map_restore_paging(const struct act_map *map);

/* The same for any advice but ACT_ADVICE_AUTO. */
void act_map_tell_paging(const struct act_map *map, act_advice advice);

/* Tells the system about some bytes what it was told last about the whole file. */
void act_map_tell_span(const struct act_map *map, struct act_span span);

/*
 * For who reads here and there and wants to bring no neighbours in, whatever was chosen for the
 * map: pages are read one by one from now on; or again as it was chosen or told for the file.
 */
void act_map_read_single(const struct act_map *map, bool single);

/* Half of the memory that the program may use now: as much as a map is populated or locked with.
 * The other half is the program's own, and the others'. */
uint64_t act_map_room(const struct act_map *map);

/* The same when a map is opened: of a file that is used together with others, its share of it, as
 * the others are opened likewise. */
uint64_t act_map_share_of_room(const struct act_map *map);

#endif
