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

/* Works the gathered tasks off. ACT_ERR_IO, ACT_ERR_NOMEM: only closing is left. */
act_status act_plain_run(struct act_plain *plain, act_error *error);

/* Takes a node whose line is too long to gather; otherwise as act_plain_node. */
act_status act_plain_node_long(struct act_plain *plain, const struct act_build_task *task,
                               act_error *error);

/* Adds a task to the batch, where there must be room; its line stays where it is. */
static inline void act_plain_gather(struct act_plain *plain, const struct act_build_task *task)
{
    size_t count = plain->task_count++;
    struct act_build_task *gathered = &plain->tasks[count];
    *gathered = *task;
    if (task->line_nbytes) {
        gathered->line_hash = act_lines_hash(&plain->lines, task->line, task->line_nbytes);
        act_lines_prefetch_slot(&plain->lines, gathered->line_hash);
    }
    if (count >= ACT_PLAIN_LAG && gathered[-ACT_PLAIN_LAG].line_nbytes > ACT_LINE_SHORT_NBYTES)
        act_lines_prefetch_stored(&plain->lines, gathered[-ACT_PLAIN_LAG].line_hash);
}

/*
 * Takes a node. Its `line` may change when this returns; ACT_LINE_SLACK_NBYTES after it must be
 * readable. Its `line_hash` need not be set. Errors may come later than their cause. ACT_ERR_IO,
 * ACT_ERR_NOMEM: only closing is left.
 */
static inline act_status act_plain_node(struct act_plain *plain, const struct act_build_task *task,
                                        act_error *error)
{
    size_t line_nbytes = task->line_nbytes;
    size_t room = (size_t)(plain->lines_of_tasks + ACT_PLAIN_LINES_NBYTES - plain->line_bytes);
    if (ACT_UNLIKELY(line_nbytes > room || plain->task_count == ACT_PLAIN_BATCH)) {
        if (line_nbytes > ACT_PLAIN_LINES_NBYTES)
            return act_plain_node_long(plain, task, error);
        act_status status = act_plain_run(plain, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
    }
    struct act_build_task copied = *task;
    copied.line = plain->line_bytes;
    act_copy_line(plain->line_bytes, task->line, line_nbytes);
    plain->line_bytes += line_nbytes;
    act_plain_gather(plain, &copied);
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------------
 * The steps, for who decides otherwise which of them to take. All of them may answer ACT_ERR_IO or
 * ACT_ERR_NOMEM: only closing is left.
 */

/* The header of a node's branch, or of its leaf. */
static inline uint8_t act_plain_branch_header(const struct act_build_task *task)
{
    return (uint8_t)((task->has_value ? ACT_NODE_VALUE : 0) | act_branch_count(task->child_count));
}

/* Writes line data, unless they are in the file; act_lines_reserve must have made room for one
 * more. `*id_ret` is where they are. */
act_status act_plain_put_line(struct act_plain *plain, const struct act_build_task *task,
                              uint64_t *id_ret, act_error *error);

/*
 * Writes the last `count` pending nodes back to back and takes them off their stack. Where they
 * are is `*first_id_ret`; which they are, as bytes or mask of a branch, is put at `child_bytes`.
 */
act_status act_plain_put_children(struct act_plain *plain, size_t count, uint64_t *first_id_ret,
                                  uint8_t child_bytes[ACT_MASK_NBYTES], act_error *error);

/* The same without writing them. */
void act_plain_drop_children(struct act_plain *plain, size_t count,
                             uint8_t child_bytes[ACT_MASK_NBYTES]);

/* Writes a node by itself. `*id_ret` is where. */
act_status act_plain_put_node(struct act_plain *plain, const struct act_new_node *node,
                              const uint8_t *child_bytes, uint64_t *id_ret, act_error *error);

/* Puts a node on the stack of those that wait, where there must be room: a line or a leaf. */
static inline void act_plain_push(struct act_plain *plain, const struct act_build_task *task,
                                  const struct act_new_node *node)
{
    struct act_new_node *pushed = &plain->pending[plain->pending_count++];
    *pushed = *node;
    pushed->byte = task->byte;
}

/* The same for a branch with children, and which they are: ACT_MASK_NBYTES must be readable. */
static inline void act_plain_push_branch(struct act_plain *plain, const struct act_build_task *task,
                                         const struct act_new_node *node,
                                         const uint8_t *child_bytes)
{
    act_plain_push(plain, task, node);
    plain->pending[plain->pending_count - 1].line = plain->bytes_used;
    memcpy(plain->bytes + plain->bytes_used, child_bytes, ACT_MASK_NBYTES);
    plain->bytes_used += act_child_bytes_nbytes(node->header);
}

/* Ends the file with its root, as act_plain_finish does. */
act_status act_plain_put_root(struct act_plain *plain, bool sync, act_build_report *report,
                              act_error *error);

/* Takes what is complete when a key comes that shares `common` bytes with the last one of `path`.
 * Errors as of act_plain_node. */
act_status act_plain_part(struct act_plain *plain, struct act_path *path, size_t common,
                          act_error *error);

/* Takes all that is open: what is left then is to finish. Errors as of act_plain_node. */
act_status act_plain_end(struct act_plain *plain, struct act_path *path, act_error *error);

/* Ends the file with its root, the one node that has no parent, and fills what it knows of the
 * report. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_plain_finish(struct act_plain *plain, bool sync, act_build_report *report,
                            act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_plain_close(struct act_plain *plain);

#endif
