#include "build/pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
    STRIDE = ACT_PAGE_NBYTES + ACT_PAGE_SLACK_NBYTES
};

static unsigned slot_of(uint64_t page)
{
    return (unsigned)(page % ACT_PAGES_OPEN);
}

static uint8_t *bytes_of(const struct act_pages *pages, uint64_t page)
{
    return pages->bytes + (size_t)slot_of(page) * STRIDE;
}

/* How much of a page is taken before anything is put there. */
static size_t head_nbytes(const struct act_pages *pages, uint64_t page)
{
    return page == pages->begin / ACT_PAGE_NBYTES ? (size_t)(pages->begin % ACT_PAGE_NBYTES) : 0;
}

/* Opens the page after the open ones, of which there must be room for one more. */
static void open_page(struct act_pages *pages)
{
    uint64_t page = pages->first + pages->count++;
    memset(&pages->lines[slot_of(page)], 0, sizeof(*pages->lines));
    pages->used[slot_of(page)] = (uint16_t)head_nbytes(pages, page);
}

bool act_pages_open(struct act_pages *pages, struct act_sink *sink, struct act_build_counts *counts)
{
    memset(pages, 0, sizeof(*pages));
    pages->sink = sink;
    pages->counts = counts;
    pages->begin = act_sink_position(sink);
    act_pages_clear(pages);
    pages->bytes = malloc((size_t)ACT_PAGES_OPEN * STRIDE);
    pages->lines = malloc(ACT_PAGES_OPEN * sizeof(*pages->lines));
    if (pages->bytes && pages->lines)
        return true;
    act_pages_close(pages);
    return false;
}

void act_pages_clear(struct act_pages *pages)
{
    pages->first = pages->begin / ACT_PAGE_NBYTES;
    pages->count = 0;
}

void act_pages_close(struct act_pages *pages)
{
    free(pages->bytes);
    free(pages->lines);
    memset(pages, 0, sizeof(*pages));
}

/* Writes the oldest page out, as far as `end`. */
static act_status write_first(struct act_pages *pages, size_t end, act_error *error)
{
    size_t from = head_nbytes(pages, pages->first);
    size_t used = pages->used[slot_of(pages->first)];
    uint8_t *bytes = bytes_of(pages, pages->first);
    /* Writing in steps of fixed length has left anything there. */
    memset(bytes + used, 0, end - used);
    act_status status = act_sink_append(pages->sink, bytes + from, end - from, error);
    pages->first++;
    pages->count--;
    return status;
}

act_status act_pages_flush(struct act_pages *pages, act_error *error)
{
    act_status status = ACT_OK;
    while (status == ACT_OK && pages->count > 1)
        status = write_first(pages, ACT_PAGE_NBYTES, error);
    /* What follows may begin in the last one. */
    if (status == ACT_OK && pages->count)
        status = write_first(pages, pages->used[slot_of(pages->first)], error);
    return status;
}

static void place_at(struct act_pages *pages, uint64_t page, struct act_siblings_place *place_ret)
{
    memset(place_ret, 0, sizeof(*place_ret));
    place_ret->bytes = bytes_of(pages, page);
    place_ret->off = page * ACT_PAGE_NBYTES;
    place_ret->end = place_ret->bytes + pages->used[slot_of(page)];
    place_ret->lines = &pages->lines[slot_of(page)];
    place_ret->counts = pages->counts;
}

act_status act_pages_find(struct act_pages *pages, size_t nbytes, uint64_t above,
                          struct act_siblings_place *place_ret, act_error *error)
{
    uint64_t best = 0;
    size_t best_room = SIZE_MAX;
    for (uint64_t page = pages->first; page < pages->first + pages->count; page++) {
        size_t used = pages->used[slot_of(page)];
        size_t room = ACT_PAGE_NBYTES - used;
        if (room >= nbytes && room < best_room && page * ACT_PAGE_NBYTES + used >= above) {
            best = page;
            best_room = room;
        }
    }
    if (best_room == SIZE_MAX) {
        if (pages->count == ACT_PAGES_OPEN) {
            act_status status = write_first(pages, ACT_PAGE_NBYTES, error);
            if (status != ACT_OK)
                return status;
        }
        best = pages->first + pages->count;
        open_page(pages);
    }
    place_at(pages, best, place_ret);
    return ACT_OK;
}

void act_pages_done(struct act_pages *pages, const struct act_siblings_place *place)
{
    uint64_t page = place->off / ACT_PAGE_NBYTES;
    pages->used[slot_of(page)] = (uint16_t)(place->end - place->bytes);
}

/* Fills the page up in which the sink stands, when none is open: the next one begins after it. */
static act_status pad(struct act_pages *pages, act_error *error)
{
    static const uint8_t zeros[ACT_PAGE_NBYTES] = {0};
    uint64_t end = act_sink_position(pages->sink);
    size_t rest = (size_t)(ACT_PAGE_NBYTES - end % ACT_PAGE_NBYTES) % ACT_PAGE_NBYTES;
    pages->first = (end + rest) / ACT_PAGE_NBYTES;
    return act_sink_append(pages->sink, zeros, rest, error);
}

act_status act_pages_append(struct act_pages *pages, const uint8_t *bytes, size_t nbytes,
                            uint64_t *off_ret, act_error *error)
{
    act_status status = act_pages_flush(pages, error);
    if (status == ACT_OK)
        status = pad(pages, error);
    *off_ret = act_sink_position(pages->sink);
    if (status == ACT_OK)
        status = act_sink_append(pages->sink, bytes, nbytes, error);
    if (status == ACT_OK)
        status = pad(pages, error);
    return status;
}

/* Line data that do not fit in a page begin where the pages end. */
static act_status put_long_line(struct act_pages *pages, const uint8_t *bytes, size_t nbytes,
                                uint64_t *id_ret, act_error *error)
{
    uint8_t length[ACT_VARINT_NBYTES_MAX + 8];
    size_t length_nbytes = (size_t)(act_varint_write(length, nbytes) - length);
    act_status status = act_pages_flush(pages, error);
    *id_ret = act_sink_position(pages->sink);
    if (status == ACT_OK)
        status = act_sink_append(pages->sink, length, length_nbytes, error);
    if (status == ACT_OK)
        status = act_sink_append(pages->sink, bytes, nbytes, error);
    if (status == ACT_OK)
        status = pad(pages, error);
    return status;
}

act_status act_pages_put_line(struct act_pages *pages, const uint8_t *bytes, size_t nbytes,
                              uint64_t *id_ret, act_error *error)
{
    pages->counts->lines++;
    pages->counts->line_nbytes += nbytes + act_varint_nbytes_of(nbytes);
    if (nbytes > ACT_UNIT_NBYTES_MAX - ACT_VARINT_NBYTES_MAX)
        return put_long_line(pages, bytes, nbytes, id_ret, error);
    struct act_siblings_place place;
    act_status status = act_pages_find(pages, nbytes + ACT_VARINT_NBYTES_MAX, 0, &place, error);
    if (status != ACT_OK)
        return status;
    *id_ret = place.off + (uint64_t)(place.end - place.bytes);
    place.end = act_varint_write(place.end, nbytes);
    memcpy(place.end, bytes, nbytes);
    place.end += nbytes;
    act_pages_done(pages, &place);
    return ACT_OK;
}
