#include "read/mapping.h"

#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/pace.h"
#include "os/paging.h"
#include "read/backing.h"
#include "read/budget.h"
#include "read/guard.h"
#include "read/paging.h"
#include "read/region.h"
#include "read/shortcut.h"

/* How much is populated at a time, between two looks at the clock. */
#define CHUNK_NBYTES ((uint64_t)4 << 20)

/* A file of this size gains from huge pages, if it takes no more than this share of the memory. */
#define HUGE_NBYTES_MIN ((uint64_t)32 << 20)
#define HUGE_SHARE_OF   4

/* ------------------------------------------------------------------------------------ advising */

act_status act_map_advise(const act_map *map, const act_region *region, act_advice advice,
                          act_error *error)
{
    struct act_spans spans = {0};
    if ((unsigned)advice > ACT_ADVICE_SEQUENTIAL)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown advice %d", (int)advice);
    act_status status = act_region_spans(map, region, &spans, error);
    if (status == ACT_OK && act_map_is_paged(map)) {
        (void)act_map_memory(map); /* so that what is chosen later does not undo this */
        if (!region || region->kind == ACT_REGION_WHOLE) {
            if (advice == ACT_ADVICE_AUTO)
                act_map_restore_paging(map);
            else
                act_map_tell_paging(map, advice);
        } else {
            enum act_os_paging paging = act_paging_of(
                advice == ACT_ADVICE_AUTO ? act_map_chosen_advice(map) : advice);
            for (size_t i = 0; i < spans.count; i++)
                act_os_paging_set(map->arena.bytes + spans.items[i].off,
                                  spans.items[i].end - spans.items[i].off, paging);
        }
    }
    act_spans_free(&spans);
    return map ? act_guarded(map, status, error) : status;
}

/* ---------------------------------------------------------------------------------- populating */

struct populating {
    const struct act_map *map;
    uint64_t room; /* bytes that may be populated yet */
    uint64_t done;
    struct act_pace pace;
    act_error *error;
};

static act_status populate_span(struct populating *populating, struct act_span span)
{
    uint64_t end = span.end - span.off < populating->room ? span.end : span.off + populating->room;
    for (uint64_t off = span.off; off < end;) {
        uint64_t nbytes = end - off < CHUNK_NBYTES ? end - off : CHUNK_NBYTES;
        int os_code = act_os_paging_populate(populating->map->arena.bytes + off, nbytes);
        if (os_code)
            return act_fail_os(populating->error, os_code,
                               "cannot read the file from offset %" PRIu64 " on", off);
        off += nbytes;
        populating->room -= nbytes;
        populating->done += nbytes;
        if (!act_pace_tell(&populating->pace, populating->done))
            return ACT_STOPPED;
    }
    return ACT_OK;
}

/* All spans, the hot region first if it is among them: `spans` loses it. */
static act_status populate_spans(struct populating *populating, struct act_spans *spans, bool whole)
{
    const struct act_map *map = populating->map;
    act_status status = ACT_OK;
    if (whole && act_map_has_hot(map)) {
        struct act_span hot = {map->index.hot_off, map->index.sums_off};
        if (!act_spans_remove(spans, hot.off, hot.end - hot.off))
            return act_fail_nomem(populating->error);
        status = populate_span(populating, hot);
    }
    for (size_t i = 0; i < spans->count && status == ACT_OK; i++)
        status = populate_span(populating, spans->items[i]);
    return status;
}

/* How much may be populated or locked; when a map is opened others may be about to be, too. */
static uint64_t room_of(const struct act_map *map, bool is_opening)
{
    if (!act_map_is_paged(map))
        return UINT64_MAX;
    return is_opening ? act_map_share_of_room(map) : act_map_room(map);
}

/* act_map_populate, by a call or when the map is opened. */
static act_status populate_region(const act_map *map, const act_region *region, bool is_opening,
                                  act_progress_fn progress, void *context,
                                  uint64_t *done_nbytes_ret, uint64_t *asked_nbytes_ret,
                                  act_error *error)
{
    struct act_spans spans = {0};
    struct populating populating = {.map = map, .error = error};
    act_status status = act_region_spans(map, region, &spans, error);
    uint64_t asked = act_spans_nbytes(&spans);
    if (status == ACT_OK && !act_map_is_paged(map)) {
        populating.done = asked;
    } else if (status == ACT_OK) {
        populating.room = room_of(map, is_opening);
        if (act_map_budget(map) && populating.room > act_map_budget(map) / 2)
            populating.room = act_map_budget(map) / 2;
        bool whole = !region || region->kind == ACT_REGION_WHOLE;
        status = ACT_STOPPED;
        if (act_pace_start(&populating.pace, progress, context,
                           asked < populating.room ? asked : populating.room))
            status = populate_spans(&populating, &spans, whole);
    }
    if (done_nbytes_ret)
        *done_nbytes_ret = populating.done;
    if (asked_nbytes_ret)
        *asked_nbytes_ret = asked;
    act_spans_free(&spans);
    return map ? act_guarded(map, status, error) : status;
}

act_status act_map_populate(const act_map *map, const act_region *region, act_progress_fn progress,
                            void *context, uint64_t *done_nbytes_ret, uint64_t *asked_nbytes_ret,
                            act_error *error)
{
    return populate_region(map, region, false, progress, context, done_nbytes_ret, asked_nbytes_ret,
                           error);
}

/* ------------------------------------------------------------------------------------- locking */

/* Notes what was locked or unlocked, by whole pages. False without memory. */
static bool note_locked(const struct act_map *map, struct act_span span, bool locked)
{
    struct act_map_lazy *lazy = map->lazy;
    span = act_span_in_pages(span, ACT_PAGE_NBYTES, map->file_nbytes);
    uint64_t nbytes = span.end - span.off;
    act_map_begin_noting(map);
    bool noted = locked ? act_spans_add(&lazy->locked, span.off, nbytes)
                        : act_spans_remove(&lazy->locked, span.off, nbytes);
    act_map_end_noting(map);
    return noted;
}

uint64_t act_mapping_locked_nbytes(const struct act_map *map)
{
    act_map_begin_noting(map);
    uint64_t nbytes = act_spans_nbytes(&map->lazy->locked);
    act_map_end_noting(map);
    return nbytes;
}

static act_status fail_to_lock(int os_code, uint64_t nbytes, act_error *error)
{
    uint64_t limit = act_os_paging_lock_limit();
    bool limited = os_code == ENOMEM || ((os_code == EPERM || os_code == EAGAIN) && nbytes > limit);
    if (!limited || limit == UINT64_MAX)
        return act_fail_os(error, os_code, "cannot lock %" PRIu64 " bytes in memory", nbytes);
    (void)act_fail(error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                   "cannot lock %" PRIu64 " bytes in memory: the limit of all that this process "
                   "locks is %" PRIu64 " bytes (RLIMIT_MEMLOCK, ulimit -l)",
                   nbytes, limit);
    if (error)
        error->os_code = os_code;
    return ACT_ERR_LIMIT;
}

static act_status lock_spans(const struct act_map *map, const struct act_spans *spans,
                             act_error *error)
{
    for (size_t i = 0; i < spans->count; i++) {
        struct act_span span = spans->items[i];
        int os_code = act_os_paging_lock(map->arena.bytes + span.off, span.end - span.off);
        if (os_code)
            return fail_to_lock(os_code, span.end - span.off, error);
        if (!note_locked(map, span, true)) {
            (void)act_os_paging_unlock(map->arena.bytes + span.off, span.end - span.off);
            return act_fail_nomem(error);
        }
    }
    return ACT_OK;
}

/* act_map_lock, likewise. */
static act_status lock_region(const act_map *map, const act_region *region, bool is_opening,
                              act_error *error)
{
    struct act_spans spans = {0};
    act_status status = act_region_spans(map, region, &spans, error);
    uint64_t nbytes = act_spans_nbytes(&spans);
    if (status == ACT_OK && nbytes) {
        uint64_t room = room_of(map, is_opening);
        if (!map->os_bytes.bytes)
            status = act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                              "the bytes are the caller's, who may lock them");
        else if (nbytes > room)
            status = act_fail(
                error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                "cannot lock %" PRIu64 " bytes in memory: %shalf of what this "
                "process may use is %" PRIu64 " bytes",
                nbytes,
                is_opening && map->among_nbytes ? "the share of this part of a set in " : "", room);
        else
            status = lock_spans(map, &spans, error);
    }
    act_spans_free(&spans);
    return map ? act_guarded(map, status, error) : status;
}

act_status act_map_lock(const act_map *map, const act_region *region, act_error *error)
{
    return lock_region(map, region, false, error);
}

act_status act_map_unlock(const act_map *map, const act_region *region, act_error *error)
{
    struct act_spans spans = {0};
    act_status status = act_region_spans(map, region, &spans, error);
    for (size_t i = 0; status == ACT_OK && i < spans.count && map->os_bytes.bytes; i++) {
        struct act_span span = spans.items[i];
        /* First, so that a failure leaves no more noted than there is. */
        if (!note_locked(map, span, false))
            status = act_fail_nomem(error);
        else
            (void)act_os_paging_unlock(map->arena.bytes + span.off, span.end - span.off);
    }
    act_spans_free(&spans);
    return map ? act_guarded(map, status, error) : status;
}

/* ----------------------------------------------------------------------------------- releasing */

act_status act_map_release(const act_map *map, const act_region *region, unsigned flags,
                           act_error *error)
{
    struct act_spans spans = {0};
    if (flags & ~ACT_RELEASE_CACHE)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown flags %#x", flags);
    act_status status = act_region_spans(map, region, &spans, error);
    for (size_t i = 0; status == ACT_OK && i < spans.count && act_map_is_paged(map); i++) {
        const struct act_span *span = &spans.items[i];
        act_os_paging_release(&map->os_bytes, span->off, span->end - span->off,
                              flags & ACT_RELEASE_CACHE);
    }
    act_spans_free(&spans);
    return map ? act_guarded(map, status, error) : status;
}

/* ---------------------------------------------------------------------------------- the budget */

static act_status check_budget(uint64_t nbytes, bool all_locked, act_error *error)
{
    if (nbytes && nbytes < ACT_RESIDENT_NBYTES_MIN)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a resident budget of %" PRIu64 " bytes: the least is %" PRIu64 " bytes",
                        nbytes, ACT_RESIDENT_NBYTES_MIN);
    if (nbytes && all_locked)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a resident budget, and everything locked: only one of them can be kept");
    return ACT_OK;
}

act_status act_map_set_budget(const act_map *map, uint64_t resident_nbytes_max, act_error *error)
{
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    bool all_locked = act_mapping_locked_nbytes(map) == map->file_nbytes;
    act_status status = check_budget(resident_nbytes_max, all_locked, error);
    if (status == ACT_OK && resident_nbytes_max && act_backing_copied_nbytes(map))
        status = act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                          "a resident budget, and a copy: only one of them can be kept");
    if (status == ACT_OK && act_map_is_paged(map)) {
        act_budget_set(map, resident_nbytes_max);
        if (resident_nbytes_max)
            act_budget_enforce(map);
    }
    return status;
}

/* ------------------------------------------------------------------------------------- opening */

act_status act_mapping_check(const act_open_options *options, act_error *error)
{
    const char *unknown = NULL;
    if ((unsigned)options->advice > ACT_ADVICE_SEQUENTIAL)
        unknown = "advice";
    else if ((unsigned)options->populate > ACT_POPULATE_ALL)
        unknown = "way to populate";
    else if ((unsigned)options->lock > ACT_LOCK_ALL)
        unknown = "way to lock";
    else if ((unsigned)options->huge > ACT_HUGE_ON)
        unknown = "use of huge pages";
    if (unknown)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown %s", unknown);
    if (options->populate == ACT_POPULATE_PREFIX && !options->prefix && options->prefix_nbytes)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no prefix to populate");
    return check_budget(options->resident_nbytes_max, options->lock == ACT_LOCK_ALL, error);
}

/* Puts a copy in the place of the mapping. */
static act_status copy(struct act_map *map, act_error *error)
{
    act_status status = act_os_bytes_copy(&map->os_bytes, error);
    if (status != ACT_OK)
        return status;
    map->arena.bytes = map->os_bytes.bytes;
    act_map_tell_paging(map, ACT_ADVICE_NORMAL);
    return ACT_OK;
}

/* Whether the file is to be seen in huge pages: all of it is read then. */
static bool wants_huge(const struct act_map *map)
{
    if (!act_map_is_paged(map) || act_map_budget(map))
        return false;
    if (map->huge == ACT_HUGE_ON)
        return !act_map_exceeds_memory(map);
    return map->huge == ACT_HUGE_AUTO && map->populate == ACT_POPULATE_ALL &&
           map->file_nbytes >= HUGE_NBYTES_MIN &&
           (map->among_nbytes ? map->among_nbytes : map->file_nbytes) <=
               act_map_memory(map) / HUGE_SHARE_OF;
}

/* By the system's cache, if it can; else by a copy. */
static act_status make_huge(struct act_map *map, act_error *error)
{
    int os_code = act_os_paging_populate_huge(map->arena.bytes, map->file_nbytes);
    if (os_code)
        return act_fail_os(error, os_code, "cannot read the file");
    if (map->populate != ACT_POPULATE_NONE)
        map->populate_asked_nbytes = map->populate_done_nbytes = map->file_nbytes;
    uint64_t huge = act_os_paging_huge(map->arena.bytes, map->file_nbytes);
    return huge < map->file_nbytes / 4 * 3 ? copy(map, error) : ACT_OK;
}

static act_status populate(struct act_map *map, const act_open_options *options, act_error *error)
{
    static const act_region_kind kinds[] = {ACT_REGION_RANGE, ACT_REGION_HOT, ACT_REGION_PREFIX,
                                            ACT_REGION_WHOLE};
    act_region region = {.kind = kinds[options->populate],
                         .prefix = options->prefix,
                         .prefix_nbytes = options->prefix_nbytes};
    if (wants_huge(map))
        return make_huge(map, error);
    if (options->populate == ACT_POPULATE_NONE)
        return ACT_OK;
    act_status status = populate_region(map, &region, true, NULL, NULL, &map->populate_done_nbytes,
                                        &map->populate_asked_nbytes, error);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

static act_status lock(struct act_map *map, act_lock what, act_error *error)
{
    act_region region = {.kind = what == ACT_LOCK_HOT ? ACT_REGION_HOT : ACT_REGION_WHOLE};
    if (what == ACT_LOCK_NONE)
        return ACT_OK;
    act_status status = lock_region(map, &region, true, error);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

act_status act_mapping_set_up(struct act_map *map, const act_open_options *options,
                              act_error *error)
{
    bool paged = act_map_is_paged(map);
    act_status status = ACT_OK;
    if (paged && options->is_private) {
        status = act_backing_begin_private(map, error);
        if (status != ACT_OK)
            return status;
    }
    act_map_begin_paging(map, options->advice);
    map->populate = options->populate;
    map->huge = options->huge;
    /* Populating keeps to it, and what that has brought in counts for it. */
    if (paged && options->resident_nbytes_max)
        act_budget_set(map, options->resident_nbytes_max);
    status = populate(map, options, error);
    if (act_map_budget(map))
        act_budget_begin(map);
    return status == ACT_OK ? lock(map, options->lock, error) : status;
}

void act_mapping_tear_down(struct act_map *map)
{
    struct act_spans *locked = &map->lazy->locked;
    for (size_t i = 0; i < locked->count && !map->os_bytes.mapped; i++)
        (void)act_os_paging_unlock(map->arena.bytes + locked->items[i].off,
                                   locked->items[i].end - locked->items[i].off);
    act_spans_free(locked);
    act_spans_free(&map->lazy->privates);
    act_spans_free(&map->lazy->copies);
    act_shortcuts_free(map->lazy->unused_shortcuts);
}
