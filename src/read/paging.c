#include "read/paging.h"

#include "os/memory.h"

/* Systems read no more than this around a missing page: read_ahead_kb of Linux' disks is 128 to
 * 8,192. To ask for it would take as long as all else at opening. */
#define AHEAD_NBYTES ((uint64_t)8 << 20)

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

void act_map_read_single(const struct act_map *map, bool single)
{
    if (!act_map_is_paged(map) || act_map_reads_single(map))
        return;
    act_os_paging_set(map->arena.bytes, map->file_nbytes,
                      single ? ACT_OS_PAGING_SINGLE
                             : act_paging_of((act_advice)atomic_load(&map->lazy->advice)));
}

/*
 * The hot region is read ahead if it fits, together with those of the other parts, which have about
 * the same share; and if what the system reads around a page fits as well: that does not end with
 * the region, and is in memory as a whole before any of it can go.
 */
static bool hot_fits(const struct act_map *map)
{
    uint64_t hot_nbytes = map->index.sums_off - map->index.hot_off;
    uint64_t times = map->among_nbytes > map->file_nbytes ? map->among_nbytes / map->file_nbytes
                                                          : 1;
    uint64_t ahead_nbytes = map->file_nbytes < AHEAD_NBYTES ? map->file_nbytes : AHEAD_NBYTES;
    return hot_nbytes <= half_of(map->memory_nbytes) / times && ahead_nbytes <= map->memory_nbytes;
}

/*
 * Where a file is read page by page because it does not fit, the hot region, which every lookup
 * needs, comes in large pieces all the same, and stays. Who asks for random access gets that.
 */
void act_map_restore_paging(const struct act_map *map)
{
    if (map->advice_is_auto && map->advice == ACT_ADVICE_RANDOM)
        tell(map, map->advice, act_map_has_hot(map) && hot_fits(map));
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
    map->memory_nbytes = act_os_memory_available(map->file_nbytes, true);
    map->exceeds_memory = map->file_nbytes > half_of(map->memory_nbytes);
    if (!map->advice_is_auto)
        map->advice = advice;
    else if (map->exceeds_memory)
        map->advice = ACT_ADVICE_RANDOM;
    act_map_restore_paging(map);
}

void act_map_settle_among(struct act_map *map, uint64_t among_nbytes)
{
    if (!act_map_is_paged(map))
        return;
    map->among_nbytes = among_nbytes;
    map->memory_nbytes = act_os_memory_available(among_nbytes, true);
    map->exceeds_memory = among_nbytes > half_of(map->memory_nbytes);
    if (!map->advice_is_auto)
        return;
    map->advice = map->exceeds_memory ? ACT_ADVICE_RANDOM : ACT_ADVICE_NORMAL;
    act_map_restore_paging(map);
}

uint64_t act_map_room(const struct act_map *map)
{
    return half_of(act_os_memory_available(map->file_nbytes, false));
}
