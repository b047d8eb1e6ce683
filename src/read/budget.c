#include "read/budget.h"

#include "os/paging.h"

enum {
    WINDOW_NBYTES = 2 << 20, /* of a file of up to WINDOWS of them; a huge page */
    WINDOWS = 512,
    FAULT_NBYTES_MIN = 64 << 10 /* what a system brings at once, unless it has larger pages */
};

#define FAULT_NBYTES_MAX ((uint64_t)2 << 20)

static uint64_t load(const atomic_uint_least64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void store(atomic_uint_least64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

void act_budget_begin(const struct act_map *map)
{
    struct act_budget_state *state = &map->lazy->budget;
    store(&state->fault_nbytes, FAULT_NBYTES_MAX);
    store(&state->faults, act_os_paging_faults());
    /* What opening has touched, and populated, counts for a fault each until it is measured. */
    store(&state->resident_nbytes, map->populate_done_nbytes + 2 * FAULT_NBYTES_MAX);
}

/* Releases some bytes; returns how much of them was present. */
static uint64_t release(const struct act_map *map, uint64_t off, uint64_t end)
{
    if (off >= end)
        return 0;
    uint64_t present = act_os_paging_resident(map->arena.bytes + off, end - off);
    if (present)
        act_os_paging_release(&map->os_bytes, off, end - off, false);
    return present;
}

/* A window without the hot region, if that stays. */
static uint64_t release_window(const struct act_map *map, uint64_t off, uint64_t end)
{
    uint64_t hot_off = map->file_nbytes;
    uint64_t hot_end = map->file_nbytes;
    if (act_map_has_hot(map)) {
        hot_off = map->index.hot_off;
        hot_end = map->index.sums_off;
        if (hot_end - hot_off > map->resident_nbytes_max / 2)
            hot_off = hot_end = map->file_nbytes;
    }
    uint64_t before = release(map, off, end < hot_off ? end : hot_off);
    return before + release(map, off > hot_end ? off : hot_end, end);
}

/* Releases windows until no more than `most` bytes are left of `resident`. Returns what is left. */
static uint64_t release_down_to(const struct act_map *map, uint64_t resident, uint64_t most)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t window = map->file_nbytes / WINDOWS / WINDOW_NBYTES * WINDOW_NBYTES + WINDOW_NBYTES;
    uint64_t released = 0;
    for (unsigned i = 0; i <= WINDOWS && resident - released > most; i++) {
        uint64_t off = state->hand < map->file_nbytes ? state->hand : 0;
        uint64_t left = map->file_nbytes - off;
        state->hand = off + (window < left ? window : left);
        released += release_window(map, off, state->hand);
        if (released > resident)
            released = resident;
    }
    atomic_fetch_add_explicit(&state->released_nbytes, released, memory_order_relaxed);
    return resident - released;
}

/* Counts what is present, and releases if that is too much. */
static void settle(const struct act_map *map, uint64_t faults)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t before = load(&state->resident_nbytes);
    uint64_t since = faults - load(&state->faults);
    uint64_t resident = act_os_paging_resident(map->arena.bytes, map->file_nbytes);
    if (resident == UINT64_MAX) { /* not known: all may be there, and all is released */
        act_os_paging_release(&map->os_bytes, 0, map->file_nbytes, false);
        resident = 0;
    } else {
        uint64_t grown = resident > before ? resident - before : 0;
        uint64_t each = since ? 2 * grown / since : FAULT_NBYTES_MAX;
        each = each < FAULT_NBYTES_MAX ? each : FAULT_NBYTES_MAX;
        store(&state->fault_nbytes, each > FAULT_NBYTES_MIN ? each : FAULT_NBYTES_MIN);
        if (resident > map->resident_nbytes_max - map->resident_nbytes_max / 8)
            resident = release_down_to(map, resident, map->resident_nbytes_max / 2);
    }
    store(&state->resident_nbytes, resident);
    store(&state->faults, faults);
}

void act_budget_look(const struct act_map *map)
{
    struct act_budget_state *state = &map->lazy->budget;
    uint64_t faults = act_os_paging_faults();
    uint64_t since = faults - load(&state->faults);
    if (since > faults) /* another thread has looked since this one asked */
        return;
    uint64_t most = map->resident_nbytes_max;
    if (load(&state->resident_nbytes) + since * load(&state->fault_nbytes) <= most ||
        atomic_exchange_explicit(&state->busy, true, memory_order_acquire))
        return;
    settle(map, faults);
    atomic_store_explicit(&state->busy, false, memory_order_release);
}
