/*
 * From completed nodes, in post-order, to the bytes of a plain file.
 *
 * A node is complete when all below it are. It comes with the number of its children, which are
 * the last ones that came and have no parent yet; with its value; with the bytes that lead to it:
 * one that its parent stores, and the rest, its line. The order in which things are written is the
 * reference's, to the byte: first the node's children, back to back; then its line, unless the
 * file holds it already; then, if it has both, the branch. The node itself waits for its parent.
 *
 * Nodes are taken in batches: the memory that the table of lines needs for one is asked for while
 * others are being worked on. That is where most of the time would go otherwise.
 */
#ifndef ACT_BUILD_PLAIN_H
#define ACT_BUILD_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/lines.h"
#include "build/path.h"
#include "build/sink.h"
#include "build/task.h"
#include "format/encode.h"

enum {
    ACT_PLAIN_BATCH = 64,
    /* Of two requests for memory, the second needs the first: so many nodes lie between them. */
    ACT_PLAIN_LAG = 16,
    ACT_PLAIN_LINES_NBYTES = 16 << 10 /* longer lines make a batch of their own */
};

struct act_plain {
    struct act_sink sink;
    struct act_lines lines;
    struct act_build_counts counts;

    /* A stack of nodes that are complete but for their place: their parents decide that. In a
     * branch, `line` is where its child bytes are in `bytes`. */
    struct act_new_node *pending;
    size_t pending_count;
    size_t pending_capacity;
    uint8_t *bytes; /* child bytes of the pending branches: a stack too */
    size_t bytes_used;
    size_t bytes_capacity;

    struct act_build_task tasks[ACT_PLAIN_BATCH];
    size_t task_count;
    uint8_t *line_bytes; /* where the next task's line goes */
    uint8_t lines_of_tasks[ACT_PLAIN_LINES_NBYTES + ACT_LINE_SLACK_NBYTES];
};

/* Starts a file. Errors: those of act_sink_open. */
act_status act_plain_open(struct act_plain *plain, const char *path, act_error *error);

/* Takes what is complete when a key comes that shares `common` bytes with the last one of `path`.
 * Errors may come later than their cause. ACT_ERR_IO, ACT_ERR_NOMEM: only closing is left. */
act_status act_plain_part(struct act_plain *plain, struct act_path *path, size_t common,
                          act_error *error);

/* Ends the file with all that is open, and fills what it knows of the report. ACT_ERR_IO,
 * ACT_ERR_NOMEM. */
act_status act_plain_finish(struct act_plain *plain, struct act_path *path, bool sync,
                            act_build_report *report, act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_plain_close(struct act_plain *plain);

#endif
