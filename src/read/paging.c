#include "read/paging.h"

#include "os/memory.h"

/* Systems read no more than this around a missing page: read_ahead_kb of Linux' disks is 128 to
 * 8,192. To ask for it would take as long as all else at opening. */
#define AHEAD_NBYTES ((uint64_t)8 << 20)

static uint64_t half_of(uint64_t memory_nbytes)
{
    return memory_nbytes == UINT64_MAX ? UINT64_MAX : memory_nbytes / 2;
}

void act_map_tell_span(const struct act_map *map, struct act_span span)
{
    struct act_map_lazy *lazy = map->lazy;
    act_os_paging_set(map->arena.bytes + span.off, span.end - span.off,
                      act_paging_of((act_advice)atomic_load(&lazy->advice)));
    if (!atomic_load(&lazy->hot_ahead) || !act_map_reads_single(map))
        return;
    uint64_t off = span.off > map->index.hot_off ? span.off : map->index.hot_off;
    uint64_t end = span.end < map->index.sums_off ? span.end : map->index.sums_off;
    if (off < end)
        act_os_paging_set(map->arena.bytes + off, end - off, ACT_OS_PAGING_AHEAD);
}

static void tell(const struct act_map *map, act_advice advice, bool hot_ahead)
{
    struct act_map_lazy *lazy = map->lazy;
    atomic_store_explicit(&lazy->advice, (int)advice, memory_order_relaxed);
    atomic_store_explicit(&lazy->single_pages, advice == ACT_ADVICE_RANDOM, memory_order_relaxed);
    atomic_store_explicit(&lazy->hot_ahead, hot_ahead, memory_order_relaxed);
    act_map_tell_span(map, (struct act_span){0, map->file_nbytes});
}

void act_map_tell_paging(const struct act_map *map, act_advice advice)
{
    tell(map, advice, advice != ACT_ADVICE_RANDOM && act_map_has_hot(map));
}

/* What is compared with the memory: the file, or all that it is one of. */
static uint64_t compared_nbytes(const struct act_map *map)
{
    return map->among_nbytes ? map->among_nbytes : map->file_nbytes;
}

static bool exceeds(const struct act_map *map, uint64_t memory_nbytes)
{
    return act_map_is_paged(map) && compared_nbytes(map) > half_of(memory_nbytes);
}

/*
 * A file that fits is soon there as a whole, in large pieces. Of one that does not, each piece read
 * ahead would push out as much of what was needed. Half of the memory is left to others and to what
 * the program does beside.
 */
static act_advice choose(const struct act_map *map, uint64_t memory_nbytes)
{
    if (map->advice != ACT_ADVICE_AUTO)
        return map->advice;
    return exceeds(map, memory_nbytes) ? ACT_ADVICE_RANDOM : ACT_ADVICE_NORMAL;
}

/*
 * The hot region is read ahead if it fits, together with those of the other parts, which have about
 * the same share; and if what the system reads around a page fits as well: that does not end with
 * the region, and is in memory as a whole before any of it can go.
 */
static bool hot_fits(const struct act_map *map, uint64_t memory_nbytes)
{
    uint64_t hot_nbytes = map->index.sums_off - map->index.hot_off;
    uint64_t times = map->among_nbytes > map->file_nbytes ? map->among_nbytes / map->file_nbytes
                                                          : 1;
    uint64_t ahead_nbytes = map->file_nbytes < AHEAD_NBYTES ? map->file_nbytes : AHEAD_NBYTES;
    return hot_nbytes <= half_of(memory_nbytes) / times && ahead_nbytes <= memory_nbytes;
}

/*
 * Where a file is read page by page because it does not fit, the hot region, which every lookup
 * needs, comes in large pieces all the same, and stays. Who asks for random access gets that.
 */
static void tell_choice(const struct act_map *map, uint64_t memory_nbytes)
{
    act_advice advice = choose(map, memory_nbytes);
    if (map->advice == ACT_ADVICE_AUTO && advice == ACT_ADVICE_RANDOM)
        tell(map, advice, act_map_has_hot(map) && hot_fits(map, memory_nbytes));
    else
        act_map_tell_paging(map, advice);
}

void act_map_restore_paging(const struct act_map *map)
{
    tell_choice(map, act_map_memory(map));
}

void act_map_begin_paging(struct act_map *map, act_advice advice)
{
    struct act_map_lazy *lazy = map->lazy;
    map->advice = advice;
    if (!act_map_is_paged(map)) {
        if (advice != ACT_ADVICE_AUTO)
            map->advice = ACT_ADVICE_NORMAL;
        atomic_store(&lazy->advice, ACT_ADVICE_NORMAL);
        atomic_store(&lazy->memory_nbytes, UINT64_MAX);
        return;
    }
    if (advice != ACT_ADVICE_AUTO) {
        act_map_tell_paging(map, advice);
        return;
    }
    atomic_store(&lazy->advice, ACT_ADVICE_RANDOM);
    atomic_store(&lazy->single_pages, true);
}

void act_map_settle_now(const struct act_map *map)
{
    struct act_map_lazy *lazy = map->lazy;
    if (atomic_exchange(&lazy->settling, true))
        return;
    uint64_t nbytes = act_os_memory_available(compared_nbytes(map), true);
    if (!nbytes)
        nbytes = 1;
    if (map->advice == ACT_ADVICE_AUTO)
        tell_choice(map, nbytes);
    /* Last: who waits for it may tell something else, and that is to stay. */
    atomic_store(&lazy->memory_nbytes, nbytes);
}

uint64_t act_map_memory(const struct act_map *map)
{
    uint64_t nbytes;
    /* Next to nobody ever waits here for another thread. */
    while ((nbytes = atomic_load(&map->lazy->memory_nbytes)) == 0)
        act_map_settle_now(map);
    return nbytes;
}

bool act_map_exceeds_memory(const struct act_map *map)
{
    return exceeds(map, act_map_memory(map));
}

act_advice act_map_chosen_advice(const struct act_map *map)
{
    return choose(map, act_map_memory(map));
}

void act_map_read_single(const struct act_map *map, bool single)
{
    if (!act_map_is_paged(map))
        return;
    (void)act_map_memory(map);
    if (!act_map_reads_single(map))
        act_os_paging_set(map->arena.bytes, map->file_nbytes,
                          single ? ACT_OS_PAGING_SINGLE
                                 : act_paging_of((act_advice)atomic_load(&map->lazy->advice)));
}

uint64_t act_map_room(const struct act_map *map)
{
    return half_of(act_os_memory_available(map->file_nbytes, false));
}

uint64_t act_map_share_of_room(const struct act_map *map)
{
    if (map->among_nbytes <= map->file_nbytes)
        return act_map_room(map);
    uint64_t room = half_of(act_os_memory_available(map->among_nbytes, false));
    if (room >= map->among_nbytes)
        return room;
    return (uint64_t)((double)room / (double)map->among_nbytes * (double)map->file_nbytes);
}
