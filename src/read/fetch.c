#include "read/fetch.h"

#include <stdlib.h>

#include "os/paging.h"
#include "read/ahead.h"
#include "read/descent.h"
#include "read/paging.h"
#include "read/shortcut.h"

/* All measured; see docs/PERFORMANCE.md. */
enum {
    WINDOW = 256,        /* keys */
    WINDOW_WIDE = 65536, /* keys, where memory holds the pages of all of them */
    GAP_MAX = 2,         /* pages that nobody asked for, read with those around them */
    KEYS_MIN = 128,      /* of a batch for which any of this pays */
    READS_SHARE = 32,    /* cold: more than a 32nd of the window's keys waited for the disk */
    HOT_PAGES_A_KEY = 4  /* the hot region is fetched as a whole if it is no larger than this */
};

void act_fetch_begin(struct act_fetch *fetch, const struct act_map *map, const act_slice *keys,
                     size_t count, act_fetch_mode mode)
{
    fetch->map = map;
    fetch->keys = keys;
    fetch->count = count;
    fetch->window = 0;
    fetch->asked = 0;
    fetch->reads = 0;
    fetch->cold = false;
    fetch->mode = mode;
}

/* Where the key's unit is entered from the hot region; 0 if its way ends before. */
static uint64_t unit_entry(const struct act_map *map, const act_slice *key)
{
    uint8_t tail[ACT_KEY_TAIL_NBYTES];
    struct act_descent d;
    act_descent_start(map, act_shortcuts_of(map), key->bytes, key->nbytes, tail, &d);
    if (d.id < map->arena.hot_off)
        return d.id;
    switch (act_descent_begin(&map->arena, &d)) {
    case ACT_NEXT_NODE:
        return d.id;
    case ACT_NEXT_JUMP:
        return d.first;
    default:
        return 0;
    }
}

static int compare_pages(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Asks for the pages of the next `window` keys: each once, those near each other together. */
static void fetch_window(struct act_fetch *fetch, size_t window, uint64_t *pages, uint64_t gap_max)
{
    size_t count = 0;
    for (size_t i = 0; i < window; i++) {
        uint64_t entry = unit_entry(fetch->map, &fetch->keys[fetch->asked + i]);
        if (entry)
            pages[count++] = entry / ACT_PAGE_NBYTES;
    }
    fetch->asked += window;
    qsort(pages, count, sizeof(pages[0]), compare_pages);
    for (size_t i = 0; i < count;) {
        uint64_t first = pages[i];
        uint64_t end = first;
        while (i < count && pages[i] <= end + gap_max)
            end = pages[i++] + 1;
        act_os_paging_fetch(fetch->map->arena.bytes + first * ACT_PAGE_NBYTES,
                            (end - first) * ACT_PAGE_NBYTES);
    }
}

/*
 * Asks for the pages of many windows in one go, in the order of the file: a disk answers those
 * sooner than the same pages a window at a time. Only where memory holds them all until their keys
 * are looked up. False: it does not, or the keys are too few, or there is no memory for the list.
 */
static bool fetch_wide(struct act_fetch *fetch)
{
    const struct act_map *map = fetch->map;
    size_t left = fetch->count - fetch->asked;
    if (left <= WINDOW || act_ahead_is_needed(map))
        return false;
    size_t window = left < WINDOW_WIDE ? left : WINDOW_WIDE;
    uint64_t *pages = malloc(window * sizeof(*pages));
    if (!pages)
        return false;
    fetch_window(fetch, window, pages, GAP_MAX);
    free(pages);
    return true;
}

static void fetch_hot_region(const struct act_fetch *fetch)
{
    const struct act_map *map = fetch->map;
    uint64_t nbytes = map->index.sums_off - map->index.hot_off;
    uint64_t left = fetch->count - fetch->asked;
    if (atomic_load_explicit(&map->lazy->hot_ahead, memory_order_relaxed) &&
        nbytes / ACT_PAGE_NBYTES <= HOT_PAGES_A_KEY * left)
        act_os_paging_fetch(map->arena.bytes + map->index.hot_off, nbytes);
}

/* The window after the next one is under way too, so that the disk has always something to do. */
static void fetch_ahead(struct act_fetch *fetch, size_t done)
{
    if (fetch->asked < done)
        fetch->asked = done;
    if (fetch->asked == done && fetch_wide(fetch))
        return;
    while (fetch->asked < fetch->count && fetch->asked < done + 2 * (size_t)WINDOW) {
        uint64_t pages[WINDOW];
        size_t left = fetch->count - fetch->asked;
        fetch_window(fetch, left < WINDOW ? left : WINDOW, pages, 0);
    }
}

/* While pages are asked for, the system is not to add their neighbours; afterwards it is again. */
static void set_cold(struct act_fetch *fetch, bool cold)
{
    const struct act_map *map = fetch->map;
    if (cold == fetch->cold)
        return;
    fetch->cold = cold;
    if (!act_map_reads_single(map))
        act_os_paging_set(map->arena.bytes, map->index.hot_off,
                          cold ? ACT_OS_PAGING_SINGLE
                               : act_paging_of((act_advice)atomic_load(&map->lazy->advice)));
    if (cold)
        fetch_hot_region(fetch);
}

size_t act_fetch_next(struct act_fetch *fetch, size_t done)
{
    size_t left = fetch->count - done;
    bool paged = act_map_is_paged(fetch->map) && fetch->map->index_state == ACT_INDEX_VALID;
    bool simply = !paged || fetch->mode == ACT_FETCH_NEVER ||
                  (fetch->mode == ACT_FETCH_AUTO && fetch->window == 0 && left < KEYS_MIN);
    /* Not before the first key has shown whether the file is cold, if the map is new: missing pages
     * come without their neighbours till then, which may be megabytes. */
    if (simply || fetch->window || fetch->mode == ACT_FETCH_ALWAYS)
        act_map_settle(fetch->map);
    if (simply)
        return left;
    uint64_t reads = act_os_paging_reads();
    /* When all pages have been asked for, no reads say that they were there. */
    bool cold = fetch->mode == ACT_FETCH_ALWAYS || (fetch->cold && fetch->asked == fetch->count);
    if (fetch->window && reads - fetch->reads > fetch->window / READS_SHARE)
        cold = true;
    fetch->reads = reads;
    set_cold(fetch, cold);
    /* One key at first: the system may read megabytes for each that is not there. */
    size_t window = cold || fetch->window ? WINDOW : 1;
    fetch->window = left < window ? left : window;
    if (cold) {
        fetch_ahead(fetch, done);
        /* What a wide one read counts for all of its keys. */
        if (fetch->asked > done + 2 * (size_t)WINDOW)
            fetch->window = fetch->asked - done;
    }
    return fetch->window;
}

void act_fetch_end(struct act_fetch *fetch)
{
    set_cold(fetch, false);
}
