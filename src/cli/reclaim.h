/*
 * What a limited memory keeps of a file: how Linux chooses the pages that it drops, played through
 * for a trace of pages.
 *
 * The model is that of the two lists (mm/vmscan.c, mm/workingset.c): new pages go to the front of
 * the inactive list and are dropped at its end; a page that comes back soon enough after it was
 * dropped, which the "shadow" that it left behind tells, goes to the active list; pages at its end
 * go back to the inactive one when that is short, or when others came back. Two things decide here:
 *
 * - A mapping with MADV_RANDOM has no recency: that its pages were used while they were there does
 *   not save them (vma_has_recency()). So the pages of a file larger than memory are dropped in the
 *   order in which they came, more or less, unlike in a least-recently-used list.
 * - The hot region has recency, and is read ahead.
 */
#ifndef ACT_CLI_RECLAIM_H
#define ACT_CLI_RECLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page_trace.h"

/* A part of a file with recency, and with reading ahead. */
struct cli_recent_range {
    uint64_t floor; /* the file's first page: nothing before it is read */
    uint64_t first; /* page */
    uint64_t end;
};

/* All such parts, in ascending order, without overlaps. */
struct cli_recent {
    const struct cli_recent_range *ranges;
    size_t count;
    uint64_t ahead; /* pages that are read around one that is missing */
};

struct cli_reclaim;

/*
 * Makes a model for a trace, which must stay as it is meanwhile but for the numbers that this gives
 * to the neighbours of `recent`, whose ranges must stay too. Takes 15 bytes a page. NULL without
 * memory.
 */
struct cli_reclaim *cli_reclaim_open(struct cli_page_trace *trace, const struct cli_recent *recent);

void cli_reclaim_close(struct cli_reclaim *reclaim);

struct cli_reclaim_counts {
    uint64_t faults; /* pages that were missing when they were touched */
    uint64_t reads;  /* these, and what was read around them */
};

/*
 * Plays the first `touch_count` touches through, in a memory of `capacity` pages that is empty at
 * first; then once more, and counts. Without `has_recency` the hot region is as all else is.
 */
void cli_reclaim_run(struct cli_reclaim *reclaim, size_t touch_count, size_t capacity,
                     bool has_recency, struct cli_reclaim_counts *counts_ret);

#endif
