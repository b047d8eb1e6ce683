/* Between the builder and the layout that it writes: what is said of a node, what was written. */
#ifndef ACT_BUILD_TASK_H
#define ACT_BUILD_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"

/* A node, when all below it is known: its children are the last nodes that were said and have no
 * parent yet. */
struct act_build_task {
    const uint8_t *line; /* the bytes that lead here, after the one that the parent stores */
    size_t line_nbytes;
    uint64_t line_hash; /* for who wants it */
    uint64_t value;
    uint16_t child_count; /* 0 to 256 */
    uint16_t sibling;     /* how many children of its parent came before it */
    uint8_t byte;
    bool has_value;
};

/* What a layout has written. */
struct act_build_counts {
    uint64_t nodes;
    uint64_t lines;
    uint64_t lines_shared; /* found again instead of written */
    uint64_t line_nbytes;  /* their lengths included */
};

/* Puts these, and the size of the file, into a report. */
static inline void act_build_counts_report(const struct act_build_counts *counts,
                                           uint64_t file_nbytes, act_build_report *report)
{
    report->nodes = counts->nodes;
    report->lines = counts->lines;
    report->lines_shared = counts->lines_shared;
    report->file_nbytes = file_nbytes;
}

#endif
