/*
 * The pages of an indexed file, filled with units: pieces of the file that are not to cross the
 * border of a page.
 *
 * Some pages are open at a time. A unit goes to that open page which it fills best; when there is
 * no room in any, the oldest one is written out as it is and a new one opened. So hardly any room
 * stays empty, and pages still leave in their order.
 */
#ifndef ACT_BUILD_PAGES_H
#define ACT_BUILD_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "build/siblings.h"
#include "build/sink.h"
#include "format/index.h"

enum {
    ACT_PAGES_OPEN = 64,
    /* Encoding a node may write over this many bytes after it. */
    ACT_PAGE_SLACK_NBYTES = 64,
    /* The most that a unit may take: the first page begins with the headers. */
    ACT_UNIT_NBYTES_MAX = ACT_PAGE_NBYTES - ACT_INDEX_END
};

struct act_pages {
    struct act_sink *sink;
    struct act_build_counts *counts;
    uint64_t begin; /* where the first of all begins: part of a page may be taken by headers */
    uint64_t first; /* number of the oldest open page, which is the next one to be written out */
    unsigned count; /* open ones */
    uint16_t used[ACT_PAGES_OPEN]; /* of page n at n % ACT_PAGES_OPEN; so are the others */
    struct act_siblings_lines *lines;
    uint8_t *bytes;
};

/* Starts where the sink stands. What is written is counted. False when there is no memory. */
bool act_pages_open(struct act_pages *pages, struct act_sink *sink,
                    struct act_build_counts *counts);

/* Frees it; all-zero bytes are allowed. */
void act_pages_close(struct act_pages *pages);

/*
 * Finds room for a unit of up to `nbytes`, not more than ACT_UNIT_NBYTES_MAX, that refers to
 * nothing at or after `above` but what is in it. What is then written moves place->end, and goes
 * to act_pages_done. ACT_ERR_IO, ACT_ERR_NOMEM.
 */
act_status act_pages_find(struct act_pages *pages, size_t nbytes, uint64_t above,
                          struct act_siblings_place *place_ret, act_error *error);

/* The unit was written. */
void act_pages_done(struct act_pages *pages, const struct act_siblings_place *place);

/*
 * Puts line data into pages, of any length. `*id_ret` is where they are. ACT_ERR_IO,
 * ACT_ERR_NOMEM.
 */
act_status act_pages_put_line(struct act_pages *pages, const uint8_t *bytes, size_t nbytes,
                              uint64_t *id_ret, act_error *error);

/* Appends whole pages that were filled elsewhere, the last one perhaps but for its end. `*off_ret`
 * is where they begin. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_pages_append(struct act_pages *pages, const uint8_t *bytes, size_t nbytes,
                            uint64_t *off_ret, act_error *error);

/* Forgets all pages, when the sink has been put back to where they began. */
void act_pages_clear(struct act_pages *pages);

/* Writes all open pages out, the last one without the room that is left in it. */
act_status act_pages_flush(struct act_pages *pages, act_error *error);

#endif
