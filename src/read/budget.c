#include "read/budget.h"

#include "os/paging.h"
#include "read/shortcut.h"

enum {
    PARTS_OF_ROUND = 4 /* before the hot region, after it, and once more where it began */
};

/* What one page fault makes present, at the most: a huge page. */
#define FAULT_NBYTES ((uint64_t)2 << 20)

static uint64_t load(const atomic_uint_least64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void store(atomic_uint_least64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

void act_budget_set(const struct act_map *map, uint64_t nbytes_max)
{
    store(&map->lazy->budget.nbytes_max, nbytes_max);
    act_shortcuts_allow(map);
    atomic_store_explicit(&map->lazy->watched, map->checks || nbytes_max, memory_order_relaxed);
}

void act_budget_begin(const struct act_map *map)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t faults = act_os_paging_faults();
    store(&state->measured_faults, faults);
    store(&state->seen_faults, faults);
    store(&state->files_nbytes, act_os_paging_files_resident());
    /* What opening has touched, and populated, counts for a fault each until it is measured. */
    store(&state->resident_nbytes, map->populate_done_nbytes + 2 * FAULT_NBYTES);
}

/* Releases what is present from the hand on, up to the hot region, if that stays, or the end of the
 * file, and moves the hand past it. `most` bytes, or somewhat more. */
static uint64_t release_from_hand(const struct act_map *map, uint64_t most)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t end = map->file_nbytes;
    uint64_t next = 0;
    if (act_map_has_hot(map) &&
        map->index.sums_off - map->index.hot_off <= act_map_budget(map) / 2 &&
        state->hand < map->index.sums_off) {
        end = map->index.hot_off;
        next = map->index.sums_off;
    }
    /* The hand lies below: at either end it is put where the next round begins. */
    uint64_t released = act_os_paging_release_some(&map->os_bytes, &state->hand, end, most);
    if (state->hand >= end)
        state->hand = next;
    return released;
}

/* All may be there, and nobody knows how much was. */
static uint64_t release_all(const struct act_map *map)
{
    act_os_paging_release(&map->os_bytes, 0, map->file_nbytes, false);
    return 0;
}

/* Releases until no more than `most` bytes are left of `resident`. Returns what is left. */
static uint64_t release_down_to(const struct act_map *map, uint64_t resident, uint64_t most)
{
    uint64_t left = resident;
    for (unsigned i = 0; i < PARTS_OF_ROUND && left > most; i++) {
        uint64_t released = release_from_hand(map, left - most);
        if (released == UINT64_MAX)
            return release_all(map);
        left -= released < left ? released : left;
    }
    atomic_fetch_add_explicit(&map->lazy->budget.released_nbytes, resident - left,
                              memory_order_relaxed);
    return left;
}

/* Counts what is present, and releases if that is too much. */
static void settle(const struct act_map *map)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t most = act_map_budget(map);
    uint64_t faults = act_os_paging_faults();
    uint64_t resident = act_os_paging_resident(map->arena.bytes, map->file_nbytes);
    if (resident == UINT64_MAX)
        resident = release_all(map);
    else if (resident > most - most / 8)
        resident = release_down_to(map, resident, most / 2);
    store(&state->resident_nbytes, resident);
    store(&state->files_nbytes, act_os_paging_files_resident());
    store(&state->measured_faults, faults);
}

/*
 * Whether a budget may be exceeded, now that there were page faults. All files of the process have
 * grown by at least what the map has grown by, unless others shrank: then it is measured.
 */
static bool may_exceed(const struct act_map *map, uint64_t faults)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t before = load(&state->files_nbytes);
    uint64_t now = act_os_paging_files_resident();
    uint64_t grown = now > before ? now - before : 0;
    if (now == UINT64_MAX)
        grown = (faults - load(&state->measured_faults)) * FAULT_NBYTES;
    else if (now + FAULT_NBYTES < before)
        return true;
    return load(&state->resident_nbytes) + grown > act_map_budget(map);
}

void act_budget_look(const struct act_map *map)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t faults = act_os_paging_faults();
    if (faults == load(&state->seen_faults))
        return;
    store(&state->seen_faults, faults);
    if (!may_exceed(map, faults) ||
        atomic_exchange_explicit(&state->busy, true, memory_order_acquire))
        return;
    settle(map);
    atomic_store_explicit(&state->busy, false, memory_order_release);
}

void act_budget_enforce(const struct act_map *map)
{
    struct act_budget_state *state = &map->lazy->budget;
    store(&state->resident_nbytes, UINT64_MAX / 2);
    store(&state->seen_faults, UINT64_MAX);
    act_budget_look(map);
}
