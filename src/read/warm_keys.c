/*
 * Bringing in what lookups will touch. Each key of a window is traced until it comes to a page that
 * has not been asked for; the trace stops before it is read. Then all these pages are asked for,
 * and the keys are traced again, one page further. An indexed file takes two or three such rounds,
 * for below the hot region there is one page for each key; others as many as a lookup has pages.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/pace.h"
#include "os/paging.h"
#include "read/guard.h"
#include "read/map.h"
#include "read/paging.h"

enum {
    WINDOW = 64 << 10,  /* keys */
    HOT_PAGES_A_KEY = 4 /* the hot region is fetched as a whole if it is no larger than this */
};

struct warming {
    const struct act_map *map;
    act_warm_report *report;
    uint8_t *known;   /* a bit for each page: it was asked for in an earlier round */
    uint8_t *asked;   /* and in this one */
    uint64_t *wanted; /* pages of this round */
    size_t wanted_count;
    size_t wanted_max;
    uint32_t *open; /* keys of the window, from `keys` on, that have not come to their end */
    size_t open_count;
    uint64_t pages_max;
    bool nomem;
};

static bool want(struct warming *w, uint64_t page)
{
    if (act_bit(w->asked, page))
        return true;
    if (w->wanted_count == w->wanted_max) {
        size_t count = w->wanted_max ? w->wanted_max * 2 : 4096;
        uint64_t *larger = realloc(w->wanted, count * sizeof(*larger));
        if (!larger)
            return false;
        w->wanted = larger;
        w->wanted_max = count;
    }
    act_set_bit(w->asked, page);
    w->wanted[w->wanted_count++] = page;
    return true;
}

/* An act_touch_fn: stops before the first page that is not known, which is then wanted. */
static int stop_at_unknown(void *context, const act_touch *touch)
{
    struct warming *w = context;
    uint64_t last = (touch->off + touch->nbytes - 1) / ACT_PAGE_NBYTES;
    int stop = 0;
    for (uint64_t page = touch->off / ACT_PAGE_NBYTES; page <= last; page++) {
        if (act_bit(w->known, page))
            continue;
        stop = 1;
        if (!want(w, page))
            w->nomem = true;
    }
    return stop;
}

static int compare_pages(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Asks for some pages that follow each other. */
static void fetch(struct warming *w, uint64_t first, uint64_t end)
{
    uint64_t off = first * ACT_PAGE_NBYTES;
    uint64_t nbytes = (end - first) * ACT_PAGE_NBYTES;
    if (nbytes > w->map->file_nbytes - off)
        nbytes = w->map->file_nbytes - off;
    act_os_paging_fetch(w->map->arena.bytes + off, nbytes);
    w->report->pages += end - first;
    w->report->pieces++;
    for (uint64_t page = first; page < end; page++)
        act_set_bit(w->known, page);
}

/* Asks for all that is wanted, or for what there is room for. */
static void fetch_wanted(struct warming *w)
{
    uint64_t room = w->pages_max > w->report->pages ? w->pages_max - w->report->pages : 0;
    qsort(w->wanted, w->wanted_count, sizeof(w->wanted[0]), compare_pages);
    if (w->wanted_count > room) {
        w->wanted_count = (size_t)room;
        w->report->complete = false;
    }
    for (size_t i = 0; i < w->wanted_count;) {
        uint64_t first = w->wanted[i];
        uint64_t end = first;
        while (i < w->wanted_count && w->wanted[i] == end) {
            end++;
            i++;
        }
        fetch(w, first, end);
    }
    w->wanted_count = 0;
}

/* Takes the open keys one page further. */
static act_status trace_round(struct warming *w, const act_slice *keys, act_error *error)
{
    size_t left = 0;
    for (size_t i = 0; i < w->open_count; i++) {
        const act_slice *key = &keys[w->open[i]];
        act_status status = act_map_trace_get(w->map, key->bytes, key->nbytes, stop_at_unknown, w,
                                              NULL, error);
        if (w->nomem)
            return act_fail_nomem(error);
        if (status == ACT_STOPPED)
            w->open[left++] = w->open[i];
        else if (status != ACT_OK && status != ACT_NOT_FOUND)
            return status;
    }
    w->report->keys_done += w->open_count - left;
    w->open_count = left;
    return ACT_OK;
}

static act_status warm_window(struct warming *w, const act_slice *keys, size_t count,
                              act_error *error)
{
    w->open_count = count;
    for (size_t i = 0; i < count; i++)
        w->open[i] = (uint32_t)i;
    while (w->report->complete) {
        act_status status = trace_round(w, keys, error);
        if (status != ACT_OK || w->open_count == 0)
            return status;
        fetch_wanted(w);
    }
    return ACT_OK;
}

static void fetch_hot_region(struct warming *w, size_t count)
{
    const struct act_map *map = w->map;
    if (map->index_state != ACT_INDEX_VALID)
        return;
    uint64_t first = map->index.hot_off / ACT_PAGE_NBYTES;
    uint64_t end = (map->index.sums_off - 1) / ACT_PAGE_NBYTES + 1;
    if ((end - first) / HOT_PAGES_A_KEY <= count && end - first <= w->pages_max)
        fetch(w, first, end);
}

static act_status warm_all(struct warming *w, const act_slice *keys, size_t count,
                           struct act_pace *pace, act_error *error)
{
    if (count)
        fetch_hot_region(w, count);
    for (size_t done = 0; done < count && w->report->complete; done += WINDOW) {
        size_t left = count - done;
        act_status status = warm_window(w, keys + done, left < WINDOW ? left : WINDOW, error);
        if (status != ACT_OK)
            return status;
        if (!act_pace_tell(pace, w->report->keys_done))
            return ACT_STOPPED;
    }
    return ACT_OK;
}

/* What a budget would release at once is better not brought in. */
static uint64_t pages_max(const struct act_map *map)
{
    uint64_t nbytes = act_map_room(map);
    uint64_t budget = act_map_budget(map);
    return (budget && budget < nbytes ? budget : nbytes) / ACT_PAGE_NBYTES;
}

act_status act_warm_keys_within(const struct act_map *map, const act_slice *keys, size_t count,
                                uint64_t most_pages, act_progress_fn progress, void *context,
                                act_warm_report *report_ret, act_error *error)
{
    struct act_pace pace;
    *report_ret = (act_warm_report){0, 0, 0, true};
    if (!act_pace_start(&pace, progress, context, count))
        return ACT_STOPPED;
    if (!act_map_is_paged(map))
        return act_guarded(map, ACT_OK, error);
    struct warming w = {.map = map, .report = report_ret};
    size_t bits_nbytes = (size_t)(map->file_nbytes / ACT_PAGE_NBYTES / 8) + 1;
    w.pages_max = pages_max(map);
    if (w.pages_max > most_pages)
        w.pages_max = most_pages;
    w.known = calloc(bits_nbytes, 1);
    w.asked = calloc(bits_nbytes, 1);
    w.open = calloc(count < WINDOW ? count + 1 : WINDOW, sizeof(*w.open));
    act_map_read_single(map, true);
    act_status status = w.known && w.asked && w.open ? warm_all(&w, keys, count, &pace, error)
                                                     : act_fail_nomem(error);
    act_map_read_single(map, false);
    free(w.known);
    free(w.asked);
    free(w.wanted);
    free(w.open);
    return status;
}

act_status act_map_warm_keys(const act_map *map, const act_slice *keys, size_t count,
                             act_progress_fn progress, void *context, act_warm_report *report_ret,
                             act_error *error)
{
    act_warm_report own;
    if (!report_ret)
        report_ret = &own;
    *report_ret = (act_warm_report){0, 0, 0, true};
    if (!map || (!keys && count))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no keys to warm up for");
    return act_warm_keys_within(map, keys, count, UINT64_MAX, progress, context, report_ret, error);
}
