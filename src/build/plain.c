#include "build/plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "os/random.h"

act_status act_plain_open(struct act_plain *plain, const char *path, act_error *error)
{
    memset(plain, 0, sizeof(*plain));
    plain->line_bytes = plain->lines_of_tasks;
    if (!act_lines_open(&plain->lines, act_os_random()))
        return act_fail_nomem(error);
    act_status status = act_sink_open(&plain->sink, path, ACT_ARENA_OFF, error);
    if (status != ACT_OK)
        act_lines_close(&plain->lines);
    return status;
}

void act_plain_close(struct act_plain *plain)
{
    act_sink_close(&plain->sink);
    act_lines_close(&plain->lines);
    free(plain->pending);
    free(plain->bytes);
    memset(plain, 0, sizeof(*plain));
}

/* ----------------------------------------------------------------------------- single objects */

act_status act_plain_put_line(struct act_plain *plain, const struct act_build_task *task,
                              uint64_t *id_ret, act_error *error)
{
    struct act_sink *sink = &plain->sink;
    struct act_line_slot *slot;
    uint64_t id = act_lines_find(&plain->lines, task->line_hash, task->line, task->line_nbytes,
                                 &slot);
    if (id) {
        plain->counts.lines_shared++;
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
    if (!act_lines_add(&plain->lines, slot, task->line_hash, task->line, task->line_nbytes, id))
        return act_lines_fail_nomem(&plain->lines, error);
    plain->counts.lines++;
    *id_ret = id;
    return ACT_OK;
}

/*
 * Takes the last `count` pending nodes off their stack, and writes them back to back at `p` if they
 * are `wanted`. Which they are is put at `child_bytes`. Returns where they end.
 */
static ACT_ALWAYS_INLINE uint8_t *take_children(struct act_plain *plain, size_t count, bool wanted,
                                                uint8_t *p, uint8_t child_bytes[ACT_MASK_NBYTES])
{
    const struct act_new_node *children = plain->pending + (plain->pending_count - count);
    const uint8_t *start = p;
    uint64_t first_id = act_sink_position(&plain->sink);
    size_t bytes_nbytes = 0;
    bool few = count < ACT_BRANCH_MASK;
    uint64_t mask[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const struct act_new_node *child = &children[i];
        bool branch = !(child->header & ACT_NODE_LINE);
        if (wanted)
            p = act_node_encode(p, first_id + (uint64_t)(p - start), child,
                                plain->bytes + (branch ? child->line : 0));
        if (branch)
            bytes_nbytes += act_child_bytes_nbytes(child->header);
        if (few)
            child_bytes[i] = child->byte;
        else
            mask[child->byte >> 6] |= (uint64_t)1 << (child->byte & 63);
    }
    if (!few)
        act_mask_encode(child_bytes, mask);
    plain->bytes_used -= bytes_nbytes;
    plain->pending_count -= count;
    return p;
}

void act_plain_drop_children(struct act_plain *plain, size_t count,
                             uint8_t child_bytes[ACT_MASK_NBYTES])
{
    take_children(plain, count, false, NULL, child_bytes);
}

/* The bodies of the functions of these names, for the batches below. */
static ACT_ALWAYS_INLINE act_status put_children(struct act_plain *plain, size_t count,
                                                 uint64_t *first_id_ret,
                                                 uint8_t child_bytes[ACT_MASK_NBYTES],
                                                 act_error *error)
{
    struct act_sink *sink = &plain->sink;
    act_status status = act_sink_make_room(sink, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    *first_id_ret = act_sink_position(sink);
    act_sink_set_end(sink, take_children(plain, count, true, act_sink_end(sink), child_bytes));
    plain->counts.nodes += count;
    return ACT_OK;
}

static ACT_ALWAYS_INLINE act_status put_node(struct act_plain *plain,
                                             const struct act_new_node *node,
                                             const uint8_t *child_bytes, uint64_t *id_ret,
                                             act_error *error)
{
    struct act_sink *sink = &plain->sink;
    act_status status = act_sink_make_room(sink, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    uint64_t id = act_sink_position(sink);
    act_sink_set_end(sink, act_node_encode(act_sink_end(sink), id, node, child_bytes));
    plain->counts.nodes++;
    *id_ret = id;
    return ACT_OK;
}

act_status act_plain_put_children(struct act_plain *plain, size_t count, uint64_t *first_id_ret,
                                  uint8_t child_bytes[ACT_MASK_NBYTES], act_error *error)
{
    return put_children(plain, count, first_id_ret, child_bytes, error);
}

act_status act_plain_put_node(struct act_plain *plain, const struct act_new_node *node,
                              const uint8_t *child_bytes, uint64_t *id_ret, act_error *error)
{
    return put_node(plain, node, child_bytes, id_ret, error);
}

/* Completes a node with children. */
static act_status put_inner(struct act_plain *plain, const struct act_build_task *task,
                            act_error *error)
{
    uint8_t child_bytes[ACT_MASK_NBYTES];
    struct act_new_node node = {task->value, 0, 0, act_plain_branch_header(task), 0};
    act_status status = put_children(plain, task->child_count, &node.child, child_bytes, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (!task->line_nbytes) {
        act_plain_push_branch(plain, task, &node, child_bytes);
        return ACT_OK;
    }
    struct act_new_node line = {0, 0, 0, ACT_NODE_LINE | ACT_LINE_CHILD, 0};
    status = act_plain_put_line(plain, task, &line.line, error);
    if (ACT_LIKELY(status == ACT_OK))
        status = put_node(plain, &node, child_bytes, &line.child, error);
    act_plain_push(plain, task, &line);
    return status;
}

/* Completes a node without. */
static act_status put_leaf(struct act_plain *plain, const struct act_build_task *task,
                           act_error *error)
{
    struct act_new_node node = {task->value, 0, 0, act_plain_branch_header(task), 0};
    if (task->line_nbytes) {
        act_status status = act_plain_put_line(plain, task, &node.line, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
        node.header |= ACT_NODE_LINE;
    }
    act_plain_push(plain, task, &node);
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------ batches */

/* Makes room for what a batch can add, so that its single steps need not look. */
static act_status reserve(struct act_plain *plain, act_error *error)
{
    if (!act_lines_reserve(&plain->lines, ACT_PLAIN_BATCH))
        return act_lines_fail_nomem(&plain->lines, error);
    return act_reserve(&plain->pending, &plain->pending_capacity,
                       plain->pending_count + ACT_PLAIN_BATCH, sizeof(*plain->pending)) &&
                   act_reserve(&plain->bytes, &plain->bytes_capacity,
                               plain->bytes_used + (ACT_PLAIN_BATCH + 1) * ACT_MASK_NBYTES, 1)
               ? ACT_OK
               : act_fail_nomem(error);
}

act_status act_plain_run(struct act_plain *plain, act_error *error)
{
    const struct act_build_task *tasks = plain->tasks;
    size_t count = plain->task_count;
    for (size_t i = count > ACT_PLAIN_LAG ? count - ACT_PLAIN_LAG : 0; i < count; i++) {
        if (tasks[i].line_nbytes > ACT_LINE_SHORT_NBYTES)
            act_lines_prefetch_stored(&plain->lines, tasks[i].line_hash);
    }
    act_status reserved = reserve(plain, error);
    if (reserved != ACT_OK)
        return reserved;
    for (size_t i = 0; i < count; i++) {
        act_status status = tasks[i].child_count ? put_inner(plain, &tasks[i], error)
                                                 : put_leaf(plain, &tasks[i], error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
    }
    plain->task_count = 0;
    plain->line_bytes = plain->lines_of_tasks;
    return ACT_OK;
}

act_status act_plain_node_long(struct act_plain *plain, const struct act_build_task *task,
                               act_error *error)
{
    act_status status = act_plain_run(plain, error);
    if (status != ACT_OK)
        return status;
    act_plain_gather(plain, task);
    return act_plain_run(plain, error);
}

act_status act_plain_put_root(struct act_plain *plain, bool sync, act_build_report *report,
                              act_error *error)
{
    uint64_t root_id = 0;
    const struct act_new_node *root = &plain->pending[0];
    bool branch = !(root->header & ACT_NODE_LINE);
    act_status status = put_node(plain, root, plain->bytes + (branch ? root->line : 0), &root_id,
                                 error);
    uint8_t head[ACT_ARENA_OFF - ACT_ROOT_OFF];
    act_store_le64(head, root_id);
    if (status == ACT_OK)
        status = act_sink_finish(&plain->sink, head, sizeof(head), sync, error);
    act_build_counts_report(&plain->counts, act_sink_position(&plain->sink), report);
    return status;
}

/* An act_path_node_fn. */
static ACT_ALWAYS_INLINE act_status take_node(void *layout, const struct act_build_task *task,
                                              act_error *error)
{
    return act_plain_node(layout, task, error);
}

act_status act_plain_part(struct act_plain *plain, struct act_path *path, size_t common,
                          act_error *error)
{
    return act_path_part(path, common, take_node, plain, error);
}

act_status act_plain_end(struct act_plain *plain, struct act_path *path, act_error *error)
{
    return act_path_finish(path, false, take_node, plain, error);
}

act_status act_plain_finish(struct act_plain *plain, bool sync, act_build_report *report,
                            act_error *error)
{
    act_status status = act_plain_run(plain, error);
    return status == ACT_OK ? act_plain_put_root(plain, sync, report, error) : status;
}
