/* How the pages of a map are read: the policy. */
#ifndef ACT_READ_PAGING_H
#define ACT_READ_PAGING_H

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
 * Chooses for a mapped file, by its size and the memory there is, unless `advice` says what to do;
 * notes what was chosen, and tells the system. A map is opened with ACT_OS_PAGING_SINGLE, so that
 * opening reads no more than it touches. Maps that are not paged need no choice, but a note.
 */
void act_map_settle_paging(struct act_map *map, act_advice advice);

/* Chooses anew for a file that is used together with others, which have so many bytes with it:
 * these are compared with the memory. Before anybody else has the map. */
void act_map_settle_among(struct act_map *map, uint64_t among_nbytes);

/* Tells the system about the whole file, as it was chosen or told when the map was opened. */
void act_map_restore_paging(const struct act_map *map);

/* The same for any advice but ACT_ADVICE_AUTO. */
void act_map_tell_paging(const struct act_map *map, act_advice advice);

/*
 * For who reads here and there and wants to bring no neighbours in, whatever was chosen for the
 * map: pages are read one by one from now on; or again as it was chosen or told for the file.
 */
void act_map_read_single(const struct act_map *map, bool single);

/* Half of the memory that the program may use now: as much as a map is populated or locked with.
 * The other half is the program's own, and the others'. */
uint64_t act_map_room(const struct act_map *map);

#endif
