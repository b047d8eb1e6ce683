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
    ACT_EMIT_BATCH = 32,
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

/* A node that is complete but for its place: its parent decides that. */
struct act_emit_pending {
    struct act_new_node node; /* of a branch, `line` is where its child bytes are in `bytes` */
    uint8_t byte;
};

struct act_emit {
    struct act_sink sink;
    struct act_lines lines;
    uint64_t seed; /* of the hashes, so that nobody can make many lines fall together */
    act_build_report report;

    struct act_emit_pending *pending; /* a stack */
    size_t pending_count;
    size_t pending_capacity;
    uint8_t *bytes; /* child bytes of the pending branches: a stack too */
    size_t bytes_used;
    size_t bytes_capacity;

    struct act_emit_task tasks[ACT_EMIT_BATCH];
    size_t task_count;
    uint8_t line_bytes[ACT_EMIT_LINES_NBYTES]; /* of the tasks */
    size_t line_bytes_used;
};

/* Starts a file. Errors: those of act_sink_open. */
act_status act_emit_open(struct act_emit *emit, const char *path, act_error *error);

/* Takes the tasks that have gathered. ACT_ERR_IO, ACT_ERR_NOMEM: only closing is left. */
act_status act_emit_run(struct act_emit *emit, act_error *error);

/* Takes a node whose line is too long to gather; otherwise as act_emit_node. */
act_status act_emit_node_long(struct act_emit *emit, const struct act_emit_task *task,
                              act_error *error);

/*
 * Takes a node. Its `line` may change when this returns; its `line_hash` need not be set. Errors
 * may come later than their cause. ACT_ERR_IO, ACT_ERR_NOMEM: only closing is left.
 */
act_status act_emit_node(struct act_emit *emit, const struct act_emit_task *task, act_error *error);

/* Ends the file with its root, the one node that has no parent. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_emit_finish(struct act_emit *emit, bool sync, act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_emit_close(struct act_emit *emit);

#endif
