#include "build/emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "os/random.h"

act_status act_emit_open(struct act_emit *emit, const char *path, act_error *error)
{
    memset(emit, 0, sizeof(*emit));
    if (!act_lines_open(&emit->lines))
        return act_fail_nomem(error);
    act_status status = act_sink_open(&emit->sink, path, error);
    if (status != ACT_OK)
        act_lines_close(&emit->lines);
    emit->seed = act_os_random();
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

/* The child bytes of a pending branch; of a line, anything. */
static const uint8_t *child_bytes_of(const struct act_emit *emit, const struct act_new_node *node)
{
    return emit->bytes + (node->header & ACT_NODE_LINE ? 0 : node->line);
}

/* Writes a node; there must be room in the sink. Returns its id. */
static uint64_t put_node(struct act_emit *emit, const struct act_new_node *node,
                         const uint8_t *child_bytes)
{
    uint64_t id = act_sink_position(&emit->sink);
    act_sink_set_end(&emit->sink,
                     act_node_encode(act_sink_end(&emit->sink), id, node, child_bytes));
    emit->report.nodes++;
    return id;
}

/* Writes line data, unless they are in the file. `*id_ret` is where they are. */
static act_status put_line(struct act_emit *emit, const struct act_emit_task *task,
                           uint64_t *id_ret, act_error *error)
{
    struct act_line_slot *slot;
    uint64_t id = act_lines_find(&emit->lines, task->line_hash, task->line, task->line_nbytes,
                                 &slot);
    if (id) {
        emit->report.lines_shared++;
        *id_ret = id;
        return ACT_OK;
    }
    act_status status = act_sink_reserve(&emit->sink, ACT_VARINT_NBYTES_MAX, error);
    if (status != ACT_OK)
        return status;
    id = act_sink_position(&emit->sink);
    act_sink_set_end(&emit->sink, act_varint_write(act_sink_end(&emit->sink), task->line_nbytes));
    status = act_sink_append(&emit->sink, task->line, task->line_nbytes, error);
    if (status != ACT_OK)
        return status;
    if (!act_lines_add(&emit->lines, slot, task->line_hash, task->line, task->line_nbytes, id))
        return act_fail_nomem(error);
    emit->report.lines++;
    *id_ret = id;
    return ACT_OK;
}

/*
 * Writes the last `count` pending nodes back to back and takes them off their stack. Their parent
 * becomes `*parent`, a branch without a value, with its child bytes at `child_bytes`.
 */
static act_status put_children(struct act_emit *emit, size_t count, struct act_new_node *parent,
                               uint8_t child_bytes[ACT_MASK_NBYTES], act_error *error)
{
    act_status status = act_sink_reserve(&emit->sink, count * ACT_NODE_NBYTES_MAX, error);
    if (status != ACT_OK)
        return status;
    const struct act_emit_pending *children = emit->pending + (emit->pending_count - count);
    uint64_t mask[4] = {0, 0, 0, 0};
    parent->child = act_sink_position(&emit->sink);
    parent->header = (uint8_t)(count < ACT_BRANCH_MASK ? count : ACT_BRANCH_MASK);
    bool few = count < ACT_BRANCH_MASK;
    size_t bytes_used = emit->bytes_used;
    for (size_t i = count; i-- > 0;) {
        if (!(children[i].node.header & ACT_NODE_LINE) &&
            children[i].node.header & ACT_BRANCH_COUNT)
            bytes_used = (size_t)children[i].node.line;
    }
    for (size_t i = 0; i < count; i++) {
        const struct act_emit_pending *child = &children[i];
        put_node(emit, &child->node, child_bytes_of(emit, &child->node));
        if (few)
            child_bytes[i] = child->byte;
        else
            mask[child->byte >> 6] |= (uint64_t)1 << (child->byte & 63);
    }
    if (!few)
        act_mask_encode(child_bytes, mask);
    emit->pending_count -= count;
    emit->bytes_used = bytes_used;
    return ACT_OK;
}

/* Puts a node on the stack of those which wait for their parent. */
static act_status push_pending(struct act_emit *emit, const struct act_new_node *node, uint8_t byte,
                               const uint8_t child_bytes[ACT_MASK_NBYTES], act_error *error)
{
    if (!act_reserve(&emit->pending, &emit->pending_capacity, emit->pending_count + 1,
                     sizeof(*emit->pending)))
        return act_fail_nomem(error);
    struct act_emit_pending *pending = &emit->pending[emit->pending_count];
    pending->node = *node;
    pending->byte = byte;
    if (!(node->header & ACT_NODE_LINE)) {
        /* Encoding reads a whole mask, and so there is always that much. */
        if (!act_reserve(&emit->bytes, &emit->bytes_capacity,
                         emit->bytes_used + 2 * ACT_MASK_NBYTES, 1))
            return act_fail_nomem(error);
        pending->node.line = emit->bytes_used;
        memcpy(emit->bytes + emit->bytes_used, child_bytes, ACT_MASK_NBYTES);
        emit->bytes_used += act_child_bytes_nbytes(node->header);
    }
    emit->pending_count++;
    return ACT_OK;
}

/* Does all that a completed node makes possible. */
static act_status put_task(struct act_emit *emit, const struct act_emit_task *task,
                           act_error *error)
{
    struct act_new_node node = {task->value, 0, 0, 0};
    uint8_t child_bytes[ACT_MASK_NBYTES] = {0};
    act_status status = ACT_OK;
    if (task->child_count)
        status = put_children(emit, task->child_count, &node, child_bytes, error);
    if (task->has_value)
        node.header |= ACT_NODE_VALUE;
    if (status == ACT_OK && task->line_nbytes) {
        status = put_line(emit, task, &node.line, error);
        if (status == ACT_OK && task->child_count) {
            status = act_sink_reserve(&emit->sink, ACT_NODE_NBYTES_MAX, error);
            if (status != ACT_OK)
                return status;
            node.child = put_node(emit, &node, child_bytes);
            node.header = ACT_NODE_LINE | ACT_LINE_CHILD;
        }
        node.header |= ACT_NODE_LINE;
    }
    if (status != ACT_OK)
        return status;
    return push_pending(emit, &node, task->byte, child_bytes, error);
}

/* ------------------------------------------------------------------------------------ batches */

act_status act_emit_run(struct act_emit *emit, act_error *error)
{
    const struct act_emit_task *tasks = emit->tasks;
    size_t count = emit->task_count;
    /* Every slot was asked for when its task came. Here they are there, and tell the entries. */
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].line_nbytes)
            act_lines_prefetch_entry(&emit->lines, tasks[i].line_hash);
    }
    for (size_t i = 0; i < count; i++) {
        act_status status = put_task(emit, &tasks[i], error);
        if (status != ACT_OK)
            return status;
    }
    emit->task_count = 0;
    emit->line_bytes_used = 0;
    /* Grown here, between batches, so that what was asked for is what is used. */
    if (!act_lines_reserve(&emit->lines, ACT_EMIT_BATCH))
        return act_fail_nomem(error);
    return ACT_OK;
}

/* Adds a task to the batch, where there must be room; its line stays where it is. */
static void gather(struct act_emit *emit, const struct act_emit_task *task)
{
    struct act_emit_task *gathered = &emit->tasks[emit->task_count++];
    *gathered = *task;
    if (task->line_nbytes) {
        gathered->line_hash = act_hash64(task->line, task->line_nbytes, emit->seed);
        act_lines_prefetch_slot(&emit->lines, gathered->line_hash);
    }
}

act_status act_emit_node_long(struct act_emit *emit, const struct act_emit_task *task,
                              act_error *error)
{
    act_status status = act_emit_run(emit, error);
    if (status != ACT_OK)
        return status;
    gather(emit, task);
    return act_emit_run(emit, error);
}

act_status act_emit_node(struct act_emit *emit, const struct act_emit_task *task, act_error *error)
{
    if (ACT_UNLIKELY(task->line_nbytes > ACT_EMIT_LINES_NBYTES - emit->line_bytes_used ||
                     emit->task_count == ACT_EMIT_BATCH)) {
        if (task->line_nbytes > ACT_EMIT_LINES_NBYTES)
            return act_emit_node_long(emit, task, error);
        act_status status = act_emit_run(emit, error);
        if (status != ACT_OK)
            return status;
    }
    struct act_emit_task copied = *task;
    if (task->line_nbytes) {
        copied.line = memcpy(emit->line_bytes + emit->line_bytes_used, task->line,
                             task->line_nbytes);
        emit->line_bytes_used += task->line_nbytes;
    }
    gather(emit, &copied);
    return ACT_OK;
}

act_status act_emit_finish(struct act_emit *emit, bool sync, act_error *error)
{
    act_status status = act_emit_run(emit, error);
    if (status == ACT_OK)
        status = act_sink_reserve(&emit->sink, ACT_NODE_NBYTES_MAX, error);
    if (status != ACT_OK)
        return status;
    const struct act_new_node *root = &emit->pending[0].node;
    uint64_t root_id = put_node(emit, root, child_bytes_of(emit, root));
    status = act_sink_finish(&emit->sink, root_id, sync, error);
    emit->report.file_nbytes = act_sink_position(&emit->sink);
    return status;
}
