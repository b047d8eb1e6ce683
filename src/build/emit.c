#include "build/emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "os/random.h"

act_status act_emit_open(struct act_emit *emit, const char *path, act_error *error)
{
    memset(emit, 0, sizeof(*emit));
    emit->line_bytes = emit->lines_of_tasks;
    if (!act_lines_open(&emit->lines, act_os_random()))
        return act_fail_nomem(error);
    act_status status = act_sink_open(&emit->sink, path, error);
    if (status != ACT_OK)
        act_lines_close(&emit->lines);
    return status;
}

void act_emit_close(struct act_emit *emit)
{
    act_sink_close(&emit->sink);
    act_lines_close(&emit->lines);
    free(emit->pending);
    free(emit->bytes);
    memset(emit, 0, sizeof(*emit));
}

/* ----------------------------------------------------------------------------- single objects */

/* Writes line data, unless they are in the file. `*id_ret` is where they are. */
static act_status put_line(struct act_emit *emit, const struct act_emit_task *task,
                           uint64_t *id_ret, act_error *error)
{
    struct act_sink *sink = &emit->sink;
    struct act_line_slot *slot;
    uint64_t id = act_lines_find(&emit->lines, task->line_hash, task->line, task->line_nbytes,
                                 &slot);
    if (id) {
        emit->report.lines_shared++;
        *id_ret = id;
        return ACT_OK;
    }
    act_status status = act_sink_make_room(sink, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    id = act_sink_position(sink);
    act_sink_set_end(sink, act_varint_write(act_sink_end(sink), task->line_nbytes));
    status = act_sink_append(sink, task->line, task->line_nbytes, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (!act_lines_add(&emit->lines, slot, task->line_hash, task->line, task->line_nbytes, id))
        return act_fail_nomem(error);
    emit->report.lines++;
    *id_ret = id;
    return ACT_OK;
}

/*
 * Writes the last `count` pending nodes back to back and takes them off their stack. Where they
 * are is `*first_id_ret`; which they are, as bytes or mask of a branch, is put at `child_bytes`.
 */
static act_status put_children(struct act_emit *emit, size_t count, uint64_t *first_id_ret,
                               uint8_t child_bytes[ACT_MASK_NBYTES], act_error *error)
{
    struct act_sink *sink = &emit->sink;
    act_status status = act_sink_make_room(sink, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    const struct act_new_node *children = emit->pending + (emit->pending_count - count);
    uint8_t *start = act_sink_end(sink);
    uint8_t *p = start;
    uint64_t first_id = act_sink_position(sink);
    size_t bytes_nbytes = 0;
    bool few = count < ACT_BRANCH_MASK;
    uint64_t mask[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const struct act_new_node *child = &children[i];
        bool branch = !(child->header & ACT_NODE_LINE);
        p = act_node_encode(p, first_id + (uint64_t)(p - start), child,
                            emit->bytes + (branch ? child->line : 0));
        if (branch)
            bytes_nbytes += act_child_bytes_nbytes(child->header);
        if (few)
            child_bytes[i] = child->byte;
        else
            mask[child->byte >> 6] |= (uint64_t)1 << (child->byte & 63);
    }
    if (!few)
        act_mask_encode(child_bytes, mask);
    act_sink_set_end(sink, p);
    emit->bytes_used -= bytes_nbytes;
    emit->pending_count -= count;
    emit->report.nodes += count;
    *first_id_ret = first_id;
    return ACT_OK;
}

/* Writes a node by itself. `*id_ret` is where. */
static act_status put_node(struct act_emit *emit, const struct act_new_node *node,
                           const uint8_t *child_bytes, uint64_t *id_ret, act_error *error)
{
    struct act_sink *sink = &emit->sink;
    act_status status = act_sink_make_room(sink, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    uint64_t id = act_sink_position(sink);
    act_sink_set_end(sink, act_node_encode(act_sink_end(sink), id, node, child_bytes));
    emit->report.nodes++;
    *id_ret = id;
    return ACT_OK;
}

/* Puts a node on the stack of those that wait, where there must be room. */
static void push(struct act_emit *emit, const struct act_emit_task *task, unsigned header,
                 uint64_t child, uint64_t line)
{
    struct act_new_node *node = &emit->pending[emit->pending_count++];
    node->value = task->value;
    node->child = child;
    node->line = line;
    node->header = (uint8_t)header;
    node->byte = task->byte;
}

/* Completes a node with children. */
static act_status put_inner(struct act_emit *emit, const struct act_emit_task *task,
                            act_error *error)
{
    size_t count = task->child_count;
    unsigned header = (task->has_value ? ACT_NODE_VALUE : 0) |
                      (count < ACT_BRANCH_MASK ? (unsigned)count : ACT_BRANCH_MASK);
    uint8_t child_bytes[ACT_MASK_NBYTES];
    uint64_t child = 0, line = 0;
    act_status status = put_children(emit, count, &child, child_bytes, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (!task->line_nbytes) {
        push(emit, task, header, child, emit->bytes_used);
        memcpy(emit->bytes + emit->bytes_used, child_bytes, ACT_MASK_NBYTES);
        emit->bytes_used += act_child_bytes_nbytes((uint8_t)header);
        return ACT_OK;
    }
    status = put_line(emit, task, &line, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    struct act_new_node branch = {task->value, child, 0, (uint8_t)header, 0};
    status = put_node(emit, &branch, child_bytes, &child, error);
    push(emit, task, ACT_NODE_LINE | ACT_LINE_CHILD, child, line);
    return status;
}

/* Completes a node without. */
static act_status put_leaf(struct act_emit *emit, const struct act_emit_task *task,
                           act_error *error)
{
    unsigned header = task->has_value ? ACT_NODE_VALUE : 0;
    uint64_t line = 0;
    if (task->line_nbytes) {
        act_status status = put_line(emit, task, &line, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
        header |= ACT_NODE_LINE;
    }
    push(emit, task, header, 0, line);
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------ batches */

/* Makes room for what a batch can add, so that its single steps need not look. */
static bool reserve(struct act_emit *emit)
{
    return act_lines_reserve(&emit->lines, ACT_EMIT_BATCH) &&
           act_reserve(&emit->pending, &emit->pending_capacity,
                       emit->pending_count + ACT_EMIT_BATCH, sizeof(*emit->pending)) &&
           act_reserve(&emit->bytes, &emit->bytes_capacity,
                       emit->bytes_used + (ACT_EMIT_BATCH + 1) * ACT_MASK_NBYTES, 1);
}

act_status act_emit_run(struct act_emit *emit, act_error *error)
{
    const struct act_emit_task *tasks = emit->tasks;
    size_t count = emit->task_count;
    for (size_t i = count > ACT_EMIT_LAG ? count - ACT_EMIT_LAG : 0; i < count; i++) {
        if (tasks[i].line_nbytes > ACT_LINE_SHORT_NBYTES)
            act_lines_prefetch_stored(&emit->lines, tasks[i].line_hash);
    }
    if (!reserve(emit))
        return act_fail_nomem(error);
    for (size_t i = 0; i < count; i++) {
        act_status status = tasks[i].child_count ? put_inner(emit, &tasks[i], error)
                                                 : put_leaf(emit, &tasks[i], error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
    }
    emit->task_count = 0;
    emit->line_bytes = emit->lines_of_tasks;
    return ACT_OK;
}

act_status act_emit_node_long(struct act_emit *emit, const struct act_emit_task *task,
                              act_error *error)
{
    act_status status = act_emit_run(emit, error);
    if (status != ACT_OK)
        return status;
    act_emit_gather(emit, task);
    return act_emit_run(emit, error);
}

act_status act_emit_finish(struct act_emit *emit, bool sync, act_error *error)
{
    uint64_t root_id;
    act_status status = act_emit_run(emit, error);
    if (status != ACT_OK)
        return status;
    const struct act_new_node *root = &emit->pending[0];
    bool branch = !(root->header & ACT_NODE_LINE);
    status = put_node(emit, root, emit->bytes + (branch ? root->line : 0), &root_id, error);
    if (status == ACT_OK)
        status = act_sink_finish(&emit->sink, root_id, sync, error);
    emit->report.file_nbytes = act_sink_position(&emit->sink);
    return status;
}
