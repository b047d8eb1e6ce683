#include "read/paging.h"

#include "os/memory.h"
#include "os/paging.h"

/* No machine is so small that these would not fit: nothing needs to be asked. */
#define FITS_NBYTES ((uint64_t)8 << 20)

/*
 * A file that fits is soon there as a whole, in large pieces. Of one that does not, each piece read
 * ahead would push out as much of what was needed; but the hot region, which every lookup needs,
 * comes in large pieces all the same, and stays. Half of the memory is left to others and to what
 * the program does beside.
 */
void act_map_settle_paging(struct act_map *map)
{
    if (!map->os_bytes.mapped)
        return;
    const uint8_t *bytes = map->arena.bytes;
    uint64_t room = UINT64_MAX;
    if (map->file_nbytes > FITS_NBYTES)
        room = act_os_memory_available(map->file_nbytes) / 2;
    if (map->file_nbytes <= room) {
        act_os_paging_set(bytes, map->file_nbytes, ACT_OS_PAGING_AHEAD);
        map->hot_ahead = map->index_state == ACT_INDEX_VALID;
        return;
    }
    map->single_pages = true;
    if (map->index_state != ACT_INDEX_VALID)
        return;
    uint64_t hot_nbytes = map->index.sums_off - map->index.hot_off;
    if (hot_nbytes > room)
        return;
    act_os_paging_set(bytes + map->index.hot_off, hot_nbytes, ACT_OS_PAGING_AHEAD);
    map->hot_ahead = true;
}
