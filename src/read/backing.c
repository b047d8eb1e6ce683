#include "read/backing.h"

#include <inttypes.h>

#include "base/error.h"
#include "os/paging.h"
#include "read/guard.h"
#include "read/paging.h"
#include "read/region.h"

/* Or less, on any machine: only what is asked for. */
#define HUGE_NBYTES ((uint64_t)2 << 20)

/* --------------------------------------------------------------------------------------- notes */

/* Notes what is behind some bytes. False without memory: then something is noted that was there
 * before. */
static bool note(const struct act_map *map, struct act_span span, enum act_os_backing backing)
{
    struct act_map_lazy *lazy = map->lazy;
    uint64_t nbytes = span.end - span.off;
    act_map_begin_noting(map);
    bool noted = backing == ACT_OS_BACKING_PRIVATE
                     ? act_spans_add(&lazy->privates, span.off, nbytes)
                     : act_spans_remove(&lazy->privates, span.off, nbytes);
    if (noted)
        noted = backing == ACT_OS_BACKING_COPY ? act_spans_add(&lazy->copies, span.off, nbytes)
                                               : act_spans_remove(&lazy->copies, span.off, nbytes);
    act_map_end_noting(map);
    return noted;
}

static uint64_t noted_nbytes(const struct act_map *map, const struct act_spans *spans)
{
    act_map_begin_noting(map);
    uint64_t nbytes = act_spans_nbytes(spans);
    act_map_end_noting(map);
    return nbytes;
}

uint64_t act_backing_copied_nbytes(const struct act_map *map)
{
    return noted_nbytes(map, &map->lazy->copies);
}

uint64_t act_backing_private_nbytes(const struct act_map *map)
{
    return noted_nbytes(map, &map->lazy->privates);
}

static bool is_locked(const struct act_map *map, struct act_span span)
{
    act_map_begin_noting(map);
    bool locked = act_spans_overlap(&map->lazy->locked, span.off, span.end - span.off);
    act_map_end_noting(map);
    return locked;
}

/* -------------------------------------------------------------------------------------- backing */

/* Whether it may be done, to bytes in whole pages. */
static act_status check(const struct act_map *map, const struct act_spans *spans,
                        act_backing backing, act_error *error)
{
    for (size_t i = 0; i < spans->count; i++)
        if (is_locked(map, spans->items[i]))
            return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                            "pages from offset %" PRIu64 " on are locked in memory, or some of "
                            "them: unlock them first",
                            spans->items[i].off);
    if (backing != ACT_BACKING_COPY && backing != ACT_BACKING_HUGE)
        return ACT_OK;
    if (act_map_budget(map))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a resident budget, and a copy or huge pages: only one of them can be "
                        "kept");
    uint64_t nbytes = act_spans_nbytes(spans);
    uint64_t room = act_map_room(map);
    if (nbytes <= room)
        return ACT_OK;
    return act_fail(error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                    "cannot have %" PRIu64 " bytes in memory: half of what this process may use is "
                    "%" PRIu64 " bytes",
                    nbytes, room);
}

/* A copy that cannot be noted is taken away again; a budget could not be refused beside it. */
static act_status set(const struct act_map *map, struct act_span span, enum act_os_backing backing,
                      act_error *error)
{
    const struct act_os_bytes *bytes = &map->os_bytes;
    uint64_t nbytes = span.end - span.off;
    int os_code = act_os_bytes_set_backing(bytes, span.off, nbytes, backing);
    if (os_code)
        return act_fail_os(error, os_code,
                           "cannot put something else behind %" PRIu64 " bytes from offset %" PRIu64
                           " on",
                           nbytes, span.off);
    if (note(map, span, backing))
        return ACT_OK;
    if (backing == ACT_OS_BACKING_COPY)
        (void)act_os_bytes_set_backing(bytes, span.off, nbytes, ACT_OS_BACKING_SHARED);
    return act_fail_nomem(error);
}

act_status act_backing_begin_private(struct act_map *map, act_error *error)
{
    return set(map, (struct act_span){0, map->file_nbytes}, ACT_OS_BACKING_PRIVATE, error);
}

static act_status set_and_tell(const struct act_map *map, struct act_span span, act_backing backing,
                               act_error *error)
{
    static const enum act_os_backing of_system[] = {
        [ACT_BACKING_SHARED] = ACT_OS_BACKING_SHARED,
        [ACT_BACKING_PRIVATE] = ACT_OS_BACKING_PRIVATE,
        [ACT_BACKING_HUGE] = ACT_OS_BACKING_SHARED,
        [ACT_BACKING_COPY] = ACT_OS_BACKING_COPY,
    };
    act_status status = set(map, span, of_system[backing], error);
    if (status != ACT_OK || backing == ACT_BACKING_COPY)
        return status;
    act_map_tell_span(map, span);
    if (backing != ACT_BACKING_HUGE)
        return ACT_OK;
    int os_code = act_os_paging_populate_huge(map->arena.bytes + span.off, span.end - span.off);
    return os_code ? act_fail_os(error, os_code, "cannot read the file from offset %" PRIu64 " on",
                                 span.off)
                   : ACT_OK;
}

/* In the pages in which the spans lie, some of which may be the same. */
static act_status set_spans(const struct act_map *map, const struct act_spans *spans,
                            act_backing backing, act_error *error)
{
    struct act_spans pages = {0};
    uint64_t page_nbytes = backing == ACT_BACKING_HUGE ? HUGE_NBYTES : act_os_page_nbytes();
    act_status status = ACT_OK;
    for (size_t i = 0; i < spans->count && status == ACT_OK; i++) {
        struct act_span whole = act_span_in_pages(spans->items[i], page_nbytes, map->file_nbytes);
        if (!act_spans_add(&pages, whole.off, whole.end - whole.off))
            status = act_fail_nomem(error);
    }
    if (status == ACT_OK)
        status = check(map, &pages, backing, error);
    (void)act_map_memory(map); /* so that what is chosen later does not undo this */
    for (size_t i = 0; i < pages.count && status == ACT_OK; i++)
        status = set_and_tell(map, pages.items[i], backing, error);
    act_spans_free(&pages);
    return status;
}

act_status act_map_set_backing(const act_map *map, const act_region *region, act_backing backing,
                               act_error *error)
{
    struct act_spans spans = {0};
    if ((unsigned)backing > ACT_BACKING_COPY)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown backing %d", (int)backing);
    act_status status = act_region_spans(map, region, &spans, error);
    if (status == ACT_OK && act_map_is_paged(map))
        status = set_spans(map, &spans, backing, error);
    act_spans_free(&spans);
    return map ? act_guarded(map, status, error) : status;
}
