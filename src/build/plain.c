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

/* Writes line data, unless they are in the file. `*id_ret` is where they are. */
static act_status put_line(struct act_plain *plain, const struct act_build_task *task,
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
        return act_fail_nomem(error);
    plain->counts.lines++;
    *id_ret = id;
    return ACT_OK;
}

/*
 * Writes the last `count` pending nodes back to back and takes them off their stack. Where they
 * are is `*first_id_ret`; which they are, as bytes or mask of a branch, is put at `child_bytes`.
 */
static act_status put_children(struct act_plain *plain, size_t count, uint64_t *first_id_ret,
                               uint8_t child_bytes[ACT_MASK_NBYTES], act_error *error)
{
    struct act_sink *sink = &plain->sink;
    act_status status = act_sink_make_room(sink, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    const struct act_new_node *children = plain->pending + (plain->pending_count - count);
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
    act_sink_set_end(sink, p);
    plain->bytes_used -= bytes_nbytes;
    plain->pending_count -= count;
    plain->counts.nodes += count;
    *first_id_ret = first_id;
    return ACT_OK;
}

/* Writes a node by itself. `*id_ret` is where. */
static act_status put_node(struct act_plain *plain, const struct act_new_node *node,
                           const uint8_t *child_bytes, uint64_t *id_ret, act_error *error)
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

/* Puts a node on the stack of those that wait, where there must be room. */
static void push(struct act_plain *plain, const struct act_build_task *task, unsigned header,
                 uint64_t child, uint64_t line)
{
    struct act_new_node *node = &plain->pending[plain->pending_count++];
    node->value = task->value;
    node->child = child;
    node->line = line;
    node->header = (uint8_t)header;
    node->byte = task->byte;
}

/* Completes a node with children. */
static act_status put_inner(struct act_plain *plain, const struct act_build_task *task,
                            act_error *error)
{
    size_t count = task->child_count;
    unsigned header = (task->has_value ? ACT_NODE_VALUE : 0) | act_branch_count(count);
    uint8_t child_bytes[ACT_MASK_NBYTES];
    uint64_t child = 0, line = 0;
    act_status status = put_children(plain, count, &child, child_bytes, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (!task->line_nbytes) {
        push(plain, task, header, child, plain->bytes_used);
        memcpy(plain->bytes + plain->bytes_used, child_bytes, ACT_MASK_NBYTES);
        plain->bytes_used += act_child_bytes_nbytes((uint8_t)header);
        return ACT_OK;
    }
    status = put_line(plain, task, &line, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    struct act_new_node branch = {task->value, child, 0, (uint8_t)header, 0};
    status = put_node(plain, &branch, child_bytes, &child, error);
    push(plain, task, ACT_NODE_LINE | ACT_LINE_CHILD, child, line);
    return status;
}

/* Completes a node without. */
static act_status put_leaf(struct act_plain *plain, const struct act_build_task *task,
                           act_error *error)
{
    unsigned header = task->has_value ? ACT_NODE_VALUE : 0;
    uint64_t line = 0;
    if (task->line_nbytes) {
        act_status status = put_line(plain, task, &line, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
        header |= ACT_NODE_LINE;
    }
    push(plain, task, header, 0, line);
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------ batches */

/* Makes room for what a batch can add, so that its single steps need not look. */
static bool reserve(struct act_plain *plain)
{
    return act_lines_reserve(&plain->lines, ACT_PLAIN_BATCH) &&
           act_reserve(&plain->pending, &plain->pending_capacity,
                       plain->pending_count + ACT_PLAIN_BATCH, sizeof(*plain->pending)) &&
           act_reserve(&plain->bytes, &plain->bytes_capacity,
                       plain->bytes_used + (ACT_PLAIN_BATCH + 1) * ACT_MASK_NBYTES, 1);
}

/* Adds a task to the batch, where there must be room; its line stays where it is. */
static inline void gather(struct act_plain *plain, const struct act_build_task *task)
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

/* Works the gathered tasks off. */
static ACT_NOINLINE act_status run(struct act_plain *plain, act_error *error)
{
    const struct act_build_task *tasks = plain->tasks;
    size_t count = plain->task_count;
    for (size_t i = count > ACT_PLAIN_LAG ? count - ACT_PLAIN_LAG : 0; i < count; i++) {
        if (tasks[i].line_nbytes > ACT_LINE_SHORT_NBYTES)
            act_lines_prefetch_stored(&plain->lines, tasks[i].line_hash);
    }
    if (!reserve(plain))
        return act_fail_nomem(error);
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

/* Takes a node whose line is too long to gather. */
static ACT_NOINLINE act_status take_long_node(struct act_plain *plain,
                                              const struct act_build_task *task, act_error *error)
{
    act_status status = run(plain, error);
    if (status != ACT_OK)
        return status;
    gather(plain, task);
    return run(plain, error);
}

/*
 * Takes a node; an act_path_node_fn. Its line may change when this returns; ACT_LINE_SLACK_NBYTES
 * after it must be readable.
 */
static ACT_ALWAYS_INLINE act_status take_node(void *layout, const struct act_build_task *task,
                                              act_error *error)
{
    struct act_plain *plain = layout;
    size_t line_nbytes = task->line_nbytes;
    size_t room = (size_t)(plain->lines_of_tasks + ACT_PLAIN_LINES_NBYTES - plain->line_bytes);
    if (ACT_UNLIKELY(line_nbytes > room || plain->task_count == ACT_PLAIN_BATCH)) {
        if (line_nbytes > ACT_PLAIN_LINES_NBYTES)
            return take_long_node(plain, task, error);
        act_status status = run(plain, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
    }
    struct act_build_task copied = *task;
    copied.line = plain->line_bytes;
    act_copy_line(plain->line_bytes, task->line, line_nbytes);
    plain->line_bytes += line_nbytes;
    gather(plain, &copied);
    return ACT_OK;
}

act_status act_plain_part(struct act_plain *plain, struct act_path *path, size_t common,
                          act_error *error)
{
    return act_path_part(path, common, take_node, plain, error);
}

act_status act_plain_finish(struct act_plain *plain, struct act_path *path, bool sync,
                            act_build_report *report, act_error *error)
{
    uint64_t root_id = 0;
    act_status status = act_path_finish(path, false, take_node, plain, error);
    if (status == ACT_OK)
        status = run(plain, error);
    if (status != ACT_OK)
        return status;
    const struct act_new_node *root = &plain->pending[0];
    bool branch = !(root->header & ACT_NODE_LINE);
    status = put_node(plain, root, plain->bytes + (branch ? root->line : 0), &root_id, error);
    uint8_t head[ACT_ARENA_OFF - ACT_ROOT_OFF];
    act_store_le64(head, root_id);
    if (status == ACT_OK)
        status = act_sink_finish(&plain->sink, head, sizeof(head), sync, error);
    act_build_counts_report(&plain->counts, act_sink_position(&plain->sink), report);
    return status;
}
