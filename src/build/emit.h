/*
 * From completed nodes, in post-order, to the bytes of a file.
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
#ifndef ACT_BUILD_EMIT_H
#define ACT_BUILD_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/lines.h"
#include "build/sink.h"
#include "format/encode.h"

enum {
    ACT_EMIT_BATCH = 64,
    /* Of two requests for memory, the second needs the first: so many nodes lie between them. */
    ACT_EMIT_LAG = 16,
    ACT_EMIT_LINES_NBYTES = 16 << 10 /* longer lines make a batch of their own */
};

/* A node that has come and is not written. */
struct act_emit_task {
    const uint8_t *line;
    size_t line_nbytes;
    uint64_t line_hash;
    uint64_t value;
    uint16_t child_count; /* 0 to 256 */
    uint8_t byte;
    bool has_value;
};

struct act_emit {
    struct act_sink sink;
    struct act_lines lines;
    act_build_report report;

    /* A stack of nodes that are complete but for their place: their parents decide that. In a
     * branch, `line` is where its child bytes are in `bytes`. */
    struct act_new_node *pending;
    size_t pending_count;
    size_t pending_capacity;
    uint8_t *bytes; /* child bytes of the pending branches: a stack too */
    size_t bytes_used;
    size_t bytes_capacity;

    struct act_emit_task tasks[ACT_EMIT_BATCH];
    size_t task_count;
    uint8_t *line_bytes; /* where the next task's line goes */
    uint8_t lines_of_tasks[ACT_EMIT_LINES_NBYTES + ACT_LINE_SLACK_NBYTES];
};

/* Starts a file. Errors: those of act_sink_open. */
act_status act_emit_open(struct act_emit *emit, const char *path, act_error *error);

/* Works the gathered tasks off. ACT_ERR_IO, ACT_ERR_NOMEM: only closing is left. */
act_status act_emit_run(struct act_emit *emit, act_error *error);

/* Takes a node whose line is too long to gather; otherwise as act_emit_node. */
act_status act_emit_node_long(struct act_emit *emit, const struct act_emit_task *task,
                              act_error *error);

/* Adds a task to the batch, where there must be room; its line stays where it is. */
static inline void act_emit_gather(struct act_emit *emit, const struct act_emit_task *task)
{
    size_t count = emit->task_count++;
    struct act_emit_task *gathered = &emit->tasks[count];
    *gathered = *task;
    if (task->line_nbytes) {
        gathered->line_hash = act_lines_hash(&emit->lines, task->line, task->line_nbytes);
        act_lines_prefetch_slot(&emit->lines, gathered->line_hash);
    }
    if (count >= ACT_EMIT_LAG && gathered[-ACT_EMIT_LAG].line_nbytes > ACT_LINE_SHORT_NBYTES)
        act_lines_prefetch_stored(&emit->lines, gathered[-ACT_EMIT_LAG].line_hash);
}

/*
 * Takes a node. Its `line` may change when this returns; ACT_LINE_SLACK_NBYTES after it must be
 * readable. Its `line_hash` need not be set. Errors may come later than their cause. ACT_ERR_IO,
 * ACT_ERR_NOMEM: only closing is left.
 */
static inline act_status act_emit_node(struct act_emit *emit, const struct act_emit_task *task,
                                       act_error *error)
{
    size_t line_nbytes = task->line_nbytes;
    size_t room = (size_t)(emit->lines_of_tasks + ACT_EMIT_LINES_NBYTES - emit->line_bytes);
    if (ACT_UNLIKELY(line_nbytes > room || emit->task_count == ACT_EMIT_BATCH)) {
        if (line_nbytes > ACT_EMIT_LINES_NBYTES)
            return act_emit_node_long(emit, task, error);
        act_status status = act_emit_run(emit, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
    }
    struct act_emit_task copied = *task;
    copied.line = emit->line_bytes;
    /* Most lines are short: then a copy of fixed length is the faster one. */
    if (ACT_LIKELY(line_nbytes <= ACT_LINE_SLACK_NBYTES))
        memcpy(emit->line_bytes, task->line, ACT_LINE_SLACK_NBYTES);
    else
        memcpy(emit->line_bytes, task->line, line_nbytes);
    emit->line_bytes += line_nbytes;
    act_emit_gather(emit, &copied);
    return ACT_OK;
}

/* Ends the file with its root, the one node that has no parent. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_emit_finish(struct act_emit *emit, bool sync, act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_emit_close(struct act_emit *emit);

#endif
