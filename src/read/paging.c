#include "read/paging.h"

#include "os/memory.h"

/* No machine is so small that these would not fit: nothing needs to be asked. */
#define FITS_NBYTES ((uint64_t)8 << 20)

static uint64_t half_of(uint64_t memory_nbytes)
{
    return memory_nbytes == UINT64_MAX ? UINT64_MAX : memory_nbytes / 2;
}

static void tell(const struct act_map *map, act_advice advice, bool hot_ahead)
{
    struct act_map_lazy *lazy = map->lazy;
    act_os_paging_set(map->arena.bytes, map->file_nbytes, act_paging_of(advice));
    bool single = advice == ACT_ADVICE_RANDOM;
    if (hot_ahead && single)
        act_os_paging_set(map->arena.bytes + map->index.hot_off,
                          map->index.sums_off - map->index.hot_off, ACT_OS_PAGING_AHEAD);
    atomic_store_explicit(&lazy->advice, (int)advice, memory_order_relaxed);
    atomic_store_explicit(&lazy->single_pages, single, memory_order_relaxed);
    atomic_store_explicit(&lazy->hot_ahead, hot_ahead, memory_order_relaxed);
}

void act_map_tell_paging(const struct act_map *map, act_advice advice)
{
    tell(map, advice, advice != ACT_ADVICE_RANDOM && act_map_has_hot(map));
}

/*
 * Where a file is read page by page because it does not fit, the hot region, which every lookup
 * needs, comes in large pieces all the same, and stays. Who asks for random access gets that.
 */
void act_map_restore_paging(const struct act_map *map)
{
    uint64_t hot_nbytes = map->index.sums_off - map->index.hot_off;
    if (map->advice_is_auto && map->advice == ACT_ADVICE_RANDOM)
        tell(map, map->advice, act_map_has_hot(map) && hot_nbytes <= half_of(map->memory_nbytes));
    else
        act_map_tell_paging(map, map->advice);
}

/*
 * A file that fits is soon there as a whole, in large pieces. Of one that does not, each piece read
 * ahead would push out as much of what was needed. Half of the memory is left to others and to what
 * the program does beside.
 */
void act_map_settle_paging(struct act_map *map, act_advice advice)
{
    map->memory_nbytes = UINT64_MAX;
    map->advice = ACT_ADVICE_NORMAL;
    map->advice_is_auto = advice == ACT_ADVICE_AUTO;
    atomic_store(&map->lazy->advice, (int)map->advice);
    if (!act_map_is_paged(map))
        return;
    if (map->file_nbytes > FITS_NBYTES)
        map->memory_nbytes = act_os_memory_available(map->file_nbytes);
    map->exceeds_memory = map->file_nbytes > half_of(map->memory_nbytes);
    if (!map->advice_is_auto)
        map->advice = advice;
    else if (map->exceeds_memory)
        map->advice = ACT_ADVICE_RANDOM;
    act_map_restore_paging(map);
}

uint64_t act_map_room(const struct act_map *map)
{
    if (map->file_nbytes <= FITS_NBYTES)
        return UINT64_MAX;
    return half_of(act_os_memory_available(map->file_nbytes));
}
