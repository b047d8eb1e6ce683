#include "build/indexed.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "build/lines.h"
#include "format/encode.h"
#include "format/index.h"

enum {
    /* Longer lines of hot nodes are kept in pages: a hot region is to be small. */
    HOT_LINE_NBYTES_MAX = 32
};

/* Opens all but the sink; that is closed too after a failure. */
static act_status open_rest(struct act_indexed *indexed, const char *path, act_error *error)
{
    act_status status = act_hot_open(&indexed->hot, path, error);
    if (status == ACT_OK &&
        (!act_pages_open(&indexed->pages, &indexed->sink, &indexed->counts) ||
         !act_reserve(&indexed->lines, &indexed->lines_capacity, ACT_LINE_SLACK_NBYTES, 1)))
        status = act_fail_nomem(error);
    if (status != ACT_OK)
        act_indexed_close(indexed);
    return status;
}

act_status act_indexed_open(struct act_indexed *indexed, const char *path, act_error *error)
{
    memset(indexed, 0, sizeof(*indexed));
    act_status status = act_sink_open(&indexed->sink, path, ACT_INDEX_END, error);
    if (status != ACT_OK)
        return status;
    indexed->sink.summed = true;
    return open_rest(indexed, path, error);
}

act_status act_indexed_open_part(struct act_indexed *indexed, act_error *error)
{
    memset(indexed, 0, sizeof(*indexed));
    act_sink_open_memory(&indexed->sink, ACT_PAGE_NBYTES);
    return open_rest(indexed, NULL, error);
}

/* Forgets the nodes. */
static void clear_nodes(struct act_indexed *indexed)
{
    indexed->pending_count = 0;
    indexed->groups_count = 0;
    indexed->kept_count = 0;
    indexed->lines_used = 0;
}

void act_indexed_clear(struct act_indexed *indexed)
{
    clear_nodes(indexed);
    indexed->sink.used = 0;
    act_pages_clear(&indexed->pages);
    act_hot_clear(&indexed->hot);
    memset(&indexed->counts, 0, sizeof(indexed->counts));
}

void act_indexed_close(struct act_indexed *indexed)
{
    act_sink_close(&indexed->sink);
    act_pages_close(&indexed->pages);
    act_hot_close(&indexed->hot);
    free(indexed->pending);
    free(indexed->pending_bytes);
    free(indexed->groups);
    free(indexed->group_ids);
    free(indexed->kept);
    free(indexed->kept_bytes);
    free(indexed->lines);
    memset(indexed, 0, sizeof(*indexed));
}

/* Makes room in an array, and in one beside it with `each` bytes for every element and some to
 * spare. False when there is no memory. */
static ACT_NOINLINE bool grow_both(void *array_pointer, void *beside_pointer, size_t *capacity,
                                   size_t needed, size_t element_nbytes, size_t each)
{
    size_t beside_capacity = 0;
    size_t grown = *capacity;
    /* They grow by half, and nothing lies beside an element that is larger: both can be counted. */
    if (needed > SIZE_MAX / 4 / element_nbytes ||
        !act_grow(array_pointer, &grown, needed + needed / 2, element_nbytes) ||
        !act_grow(beside_pointer, &beside_capacity, (grown + ACT_MASK_NBYTES) * each, 1))
        return false;
    *capacity = grown;
    return true;
}

static inline bool reserve_pending(struct act_indexed *indexed, size_t needed)
{
    return ACT_LIKELY(needed <= indexed->pending_capacity) ||
           grow_both(&indexed->pending, &indexed->pending_bytes, &indexed->pending_capacity, needed,
                     sizeof(*indexed->pending), ACT_MASK_NBYTES);
}

static inline bool reserve_kept(struct act_indexed *indexed, size_t needed)
{
    return ACT_LIKELY(needed <= indexed->kept_capacity) ||
           grow_both(&indexed->kept, &indexed->kept_bytes, &indexed->kept_capacity, needed,
                     sizeof(*indexed->kept), 1);
}

static inline bool reserve_groups(struct act_indexed *indexed, size_t needed)
{
    return ACT_LIKELY(needed <= indexed->groups_capacity) ||
           grow_both(&indexed->groups, &indexed->group_ids, &indexed->groups_capacity, needed,
                     sizeof(*indexed->groups), sizeof(*indexed->group_ids));
}

/* The last `count` pending nodes. */
static inline struct act_indexed_node *last_pending(const struct act_indexed *indexed, size_t count)
{
    return indexed->pending + (indexed->pending_count - count);
}

/* ------------------------------------------------------------------------------ writing units */

/*
 * Writes all that is below a pending node as a unit. Afterwards its `child` is an id, and nothing
 * counts as below it.
 */
static act_status write_unit(struct act_indexed *indexed, struct act_indexed_node *node,
                             act_error *error)
{
    struct act_siblings_place place;
    act_status status = act_pages_find(&indexed->pages, node->below_nbytes, node->siblings_above,
                                       &place, error);
    if (status != ACT_OK)
        return status;
    struct act_siblings_stores stores = {indexed->lines, indexed->kept_bytes, indexed->group_ids};
    uint64_t last = node->node.child;
    for (size_t i = node->groups_begin; i <= last; i++) {
        struct act_indexed_group group = indexed->groups[i];
        indexed->group_ids[i] = act_siblings_write(&place, indexed->kept + group.begin, group.count,
                                                   stores);
    }
    act_pages_done(&indexed->pages, &place);
    node->node.child = indexed->group_ids[last];
    node->node.bytes_at = (size_t)(node - indexed->pending) * ACT_MASK_NBYTES;
    memcpy(indexed->pending_bytes + node->node.bytes_at,
           indexed->kept_bytes + indexed->groups[last].begin, ACT_MASK_NBYTES);
    node->below_nbytes = 0;
    return ACT_OK;
}

/*
 * Writes what is below the last `count` pending nodes, siblings, and forgets it. Their own lines
 * take the place of those below them.
 */
static act_status write_units(struct act_indexed *indexed, size_t count, act_error *error)
{
    struct act_indexed_node *nodes = last_pending(indexed, count);
    size_t lines_used = nodes[0].lines_begin;
    size_t groups_begin = nodes[0].groups_begin;
    for (size_t i = 0; i < count; i++) {
        struct act_indexed_node *node = &nodes[i];
        if (node->below_nbytes) {
            act_status status = write_unit(indexed, node, error);
            if (status != ACT_OK)
                return status;
        }
        node->lines_begin = lines_used;
        node->groups_begin = groups_begin;
        if (node->node.line_nbytes && node->node.line != lines_used)
            memmove(indexed->lines + lines_used, indexed->lines + node->node.line,
                    node->node.line_nbytes);
        if (!node->node.line_written)
            node->node.line = lines_used;
        lines_used += node->node.line_nbytes;
    }
    indexed->lines_used = lines_used;
    if (groups_begin < indexed->groups_count) {
        indexed->kept_count = indexed->groups[groups_begin].begin;
        indexed->groups_count = groups_begin;
    }
    return ACT_OK;
}

/* ------------------------------------------------------------------------------ taking nodes */

/* Puts the mask of a branch with so many children at `mask_ret`, of the bytes that lead to them:
 * they may be there. */
static ACT_NOINLINE void put_mask(const uint8_t *bytes, size_t count, uint8_t *mask_ret)
{
    uint64_t mask[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < count; i++)
        mask[bytes[i] >> 6] |= (uint64_t)1 << (bytes[i] & 63);
    act_mask_encode(mask_ret, mask);
}

/* Moves the last `count` pending nodes into a group, the last one. */
static ACT_ALWAYS_INLINE act_status keep_children(struct act_indexed *indexed, size_t count,
                                                  act_error *error)
{
    if (ACT_UNLIKELY(!reserve_groups(indexed, indexed->groups_count + 1) ||
                     !reserve_kept(indexed, indexed->kept_count + count)))
        return act_fail_nomem(error);
    const struct act_indexed_node *children = last_pending(indexed, count);
    struct act_siblings_node *kept = indexed->kept + indexed->kept_count;
    uint8_t *bytes = indexed->kept_bytes + indexed->kept_count;
    for (size_t i = 0; i < count; i++) {
        kept[i] = children[i].node;
        bytes[i] = children[i].node.byte;
    }
    if (ACT_UNLIKELY(count >= ACT_BRANCH_MASK))
        put_mask(bytes, count, bytes);
    struct act_indexed_group *group = &indexed->groups[indexed->groups_count++];
    group->begin = indexed->kept_count;
    group->count = count;
    indexed->kept_count += count;
    return ACT_OK;
}

/* Moves the line of a node to a page. */
static act_status page_line(struct act_indexed *indexed, struct act_siblings_node *node,
                            act_error *error)
{
    uint64_t id = 0;
    act_status status = act_pages_put_line(&indexed->pages, indexed->lines + node->line,
                                           node->line_nbytes, &id, error);
    node->line = id;
    node->line_nbytes = 0;
    node->line_written = true;
    return status;
}

/* Adds nodes below which all is written as a run. */
static act_status add_run(struct act_indexed *indexed, const struct act_indexed_node *nodes,
                          size_t count, struct act_hot *to, act_error *error)
{
    struct act_siblings_node run[256];
    for (size_t i = 0; i < count; i++) {
        run[i] = nodes[i].node;
        if (run[i].line_nbytes > HOT_LINE_NBYTES_MAX) {
            act_status status = page_line(indexed, &run[i], error);
            if (status != ACT_OK)
                return status;
        }
    }
    struct act_siblings_stores stores = {indexed->lines, indexed->pending_bytes, NULL};
    return act_hot_add(to, run, count, stores, error);
}

/* The children do not fit in a page with all below them: they become hot. Which they are is put
 * where their parent finds it, in the place of the first of them. */
static ACT_NOINLINE act_status heat_children(struct act_indexed *indexed, size_t count,
                                             act_error *error)
{
    act_status status = write_units(indexed, count, error);
    const struct act_indexed_node *children = last_pending(indexed, count);
    if (status == ACT_OK)
        status = add_run(indexed, children, count, &indexed->hot, error);
    if (status != ACT_OK)
        return status;
    indexed->lines_used = children[0].lines_begin;
    uint8_t bytes[256];
    for (size_t i = 0; i < count; i++)
        bytes[i] = children[i].node.byte;
    uint8_t *child_bytes = indexed->pending_bytes +
                           (indexed->pending_count - count) * ACT_MASK_NBYTES;
    if (count < ACT_BRANCH_MASK)
        memcpy(child_bytes, bytes, count);
    else
        put_mask(bytes, count, child_bytes);
    return status;
}

/*
 * Takes the last `count` pending nodes, the children of the next one, which then stands in the
 * place of the first of them; fills in what that is to know of them.
 */
static ACT_ALWAYS_INLINE act_status take_children(struct act_indexed *indexed, size_t count,
                                                  act_error *error)
{
    struct act_indexed_node *parent = last_pending(indexed, count);
    const struct act_indexed_node *last = last_pending(indexed, 1);
    size_t nbytes = last->siblings_nbytes + act_siblings_table_nbytes_max(count);
    uint64_t above = last->siblings_above;
    act_status status;
    if (ACT_LIKELY(nbytes <= ACT_UNIT_NBYTES_MAX)) {
        size_t begin = indexed->kept_count;
        status = keep_children(indexed, count, error);
        parent->node.child = indexed->groups_count - 1;
        parent->node.bytes_at = begin;
    } else {
        status = heat_children(indexed, count, error);
        parent->node.child = ACT_HOT_CHILD;
        parent->node.bytes_at = (size_t)(parent - indexed->pending) * ACT_MASK_NBYTES;
        nbytes = 0;
    }
    parent->siblings_above = above;
    parent->below_nbytes = (uint32_t)nbytes;
    indexed->pending_count -= count;
    return status;
}

/* Puts the line of a task where those of pending nodes are, or into a page if it is long. */
static ACT_ALWAYS_INLINE act_status take_line(struct act_indexed *indexed,
                                              const struct act_build_task *task,
                                              struct act_indexed_node *node, act_error *error)
{
    size_t nbytes = task->line_nbytes;
    if (ACT_UNLIKELY(nbytes > ACT_SIBLINGS_LINE_NBYTES_MAX)) {
        act_status status = act_pages_put_line(&indexed->pages, task->line, nbytes,
                                               &node->node.line, error);
        node->node.line_nbytes = 0;
        node->node.line_written = true;
        if (node->siblings_above <= node->node.line)
            node->siblings_above = node->node.line + 1;
        return status;
    }
    node->node.line = indexed->lines_used;
    node->node.line_nbytes = (uint8_t)nbytes;
    if (ACT_UNLIKELY(!act_reserve(&indexed->lines, &indexed->lines_capacity,
                                  indexed->lines_used + nbytes + ACT_LINE_SLACK_NBYTES, 1)))
        return act_fail_nomem(error);
    act_copy_line(indexed->lines + indexed->lines_used, task->line, nbytes);
    indexed->lines_used += nbytes;
    return ACT_OK;
}

/*
 * Makes it known how much a node that was put where the others wait takes, with those of its
 * siblings that came before. When they are too much for a page, their parent will be hot, and there
 * is nothing to wait for with what is below them.
 */
static ACT_ALWAYS_INLINE act_status add_up(struct act_indexed *indexed, size_t sibling,
                                           act_error *error)
{
    struct act_indexed_node *node = last_pending(indexed, 1);
    /* The first one reads itself, to no effect: there is no foretelling whether it is. */
    const struct act_indexed_node *before = node - (sibling != 0);
    uint32_t before_nbytes = before->siblings_nbytes & (uint32_t) - (sibling != 0);
    if (ACT_UNLIKELY(before->siblings_above > node->siblings_above))
        node->siblings_above = before->siblings_above;
    node->siblings_nbytes = before_nbytes + node->below_nbytes +
                            (uint32_t)act_siblings_node_nbytes_max(&node->node);
    if (ACT_UNLIKELY(node->node.child == ACT_HOT_CHILD))
        node->siblings_nbytes += ACT_UNIT_NBYTES_MAX; /* its children come after all pages */
    if (ACT_LIKELY(node->siblings_nbytes <= ACT_UNIT_NBYTES_MAX))
        return ACT_OK;
    return write_units(indexed, before_nbytes <= ACT_UNIT_NBYTES_MAX ? sibling + 1 : 1, error);
}

/* Takes a node; an act_path_node_fn. */
static ACT_ALWAYS_INLINE act_status take_node(void *layout, const struct act_build_task *task,
                                              act_error *error)
{
    struct act_indexed *indexed = layout;
    if (ACT_UNLIKELY(!reserve_pending(indexed, indexed->pending_count + 1)))
        return act_fail_nomem(error);
    act_status status = ACT_OK;
    struct act_indexed_node *node = last_pending(indexed, task->child_count);
    if (task->child_count) {
        /* What begins with the first child begins there for this node. */
        status = take_children(indexed, task->child_count, error);
    } else {
        node->node.child = 0;
        node->siblings_above = 0;
        node->below_nbytes = 0;
        node->lines_begin = indexed->lines_used;
        node->groups_begin = indexed->groups_count;
    }
    node->siblings_nbytes = 0;
    node->node.value = task->value;
    node->node.child_count = task->child_count;
    node->node.byte = task->byte;
    node->node.has_value = task->has_value;
    node->node.line_written = false;
    if (ACT_LIKELY(status == ACT_OK))
        status = take_line(indexed, task, node, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    indexed->pending_count++;
    return add_up(indexed, task->sibling, error);
}

act_status act_indexed_part(struct act_indexed *indexed, struct act_path *path, size_t common,
                            act_error *error)
{
    return act_path_part(path, common, take_node, indexed, error);
}

/* -------------------------------------------------------------------------- parts of a file */

act_status act_indexed_lift(struct act_indexed *indexed, const struct act_path *path,
                            struct act_hot *to, act_error *error)
{
    act_status status = ACT_OK;
    for (size_t i = 0; i < indexed->pending_count && status == ACT_OK; i++) {
        if (indexed->pending[i].below_nbytes)
            status = write_unit(indexed, &indexed->pending[i], error);
    }
    const struct act_indexed_node *nodes = indexed->pending;
    for (size_t i = 0; i < path->open_count && status == ACT_OK; i++) {
        size_t count = path->open[i].child_count;
        if (count)
            status = add_run(indexed, nodes, count, to, error);
        nodes += count;
    }
    clear_nodes(indexed);
    return status;
}

act_status act_indexed_put(struct act_indexed *indexed, const struct act_hot_run *run, size_t index,
                           act_error *error)
{
    const struct act_siblings_node *lifted = &run->nodes[index];
    if (!reserve_pending(indexed, indexed->pending_count + 1) ||
        !act_reserve(&indexed->lines, &indexed->lines_capacity,
                     indexed->lines_used + lifted->line_nbytes + ACT_LINE_SLACK_NBYTES, 1))
        return act_fail_nomem(error);
    size_t bytes_at = indexed->pending_count * ACT_MASK_NBYTES;
    struct act_indexed_node *node = &indexed->pending[indexed->pending_count++];
    memset(node, 0, sizeof(*node));
    node->node = *lifted;
    node->node.bytes_at = bytes_at;
    memcpy(indexed->pending_bytes + bytes_at, run->bytes + lifted->bytes_at, ACT_MASK_NBYTES);
    node->lines_begin = indexed->lines_used;
    node->groups_begin = indexed->groups_count;
    node->siblings_nbytes = ACT_UNIT_NBYTES_MAX + 1;
    if (lifted->line_nbytes) {
        node->node.line = indexed->lines_used;
        memcpy(indexed->lines + indexed->lines_used, run->lines + lifted->line,
               lifted->line_nbytes);
        indexed->lines_used += lifted->line_nbytes;
    }
    return ACT_OK;
}

act_status act_indexed_close_open(struct act_indexed *indexed, struct act_path *path, size_t depth,
                                  act_error *error)
{
    return act_path_close_open(path, depth, take_node, indexed, error);
}

/* --------------------------------------------------------------------------------- finishing */

/* Appends what comes after the tree; `head` is what goes to the front of the file. */
static act_status put_index(struct act_indexed *indexed, struct act_index *index,
                            uint8_t head[ACT_INDEX_END - ACT_ROOT_OFF], act_error *error)
{
    static const uint8_t zeros[ACT_INDEX_TAIL_NBYTES - ACT_TAIL_NBYTES] = {0};
    struct act_sink *sink = &indexed->sink;
    index->jump_end = act_sink_position(sink);
    index->sums_off = act_sink_position(sink);
    act_status status = act_sink_append_sums(sink, &index->sums_hash, error);
    if (status != ACT_OK)
        return status;
    index->file_nbytes = act_sink_position(sink) + ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES;
    index->nodes = indexed->counts.nodes;
    index->line_nbytes = indexed->counts.line_nbytes;
    act_store_le64(head, index->root);
    act_index_write(head + (ACT_INDEX_OFF - ACT_ROOT_OFF), index);
    status = act_sink_append(sink, head + (ACT_INDEX_OFF - ACT_ROOT_OFF), ACT_INDEX_NBYTES, error);
    if (status == ACT_OK)
        status = act_sink_append(sink, zeros, sizeof(zeros), error);
    return status;
}

act_status act_indexed_finish(struct act_indexed *indexed, struct act_path *path, bool complete,
                              uint64_t key_nbytes_longest, bool sync, act_build_report *report,
                              act_error *error)
{
    struct act_index index = {.keys = report->keys, .key_nbytes_longest = key_nbytes_longest};
    uint8_t head[ACT_INDEX_END - ACT_ROOT_OFF];
    act_status status = act_path_finish(path, complete, take_node, indexed, error);
    if (status == ACT_OK)
        status = write_units(indexed, 1, error);
    if (status == ACT_OK)
        status = act_hot_add(
            &indexed->hot, &indexed->pending[0].node, 1,
            (struct act_siblings_stores){indexed->lines, indexed->pending_bytes, NULL}, error);
    if (status == ACT_OK)
        status = act_pages_flush(&indexed->pages, error);
    index.hot_off = act_sink_position(&indexed->sink);
    if (status == ACT_OK)
        status = act_hot_write(&indexed->hot, &indexed->sink, &indexed->counts, &index.root, error);
    if (status == ACT_OK)
        status = put_index(indexed, &index, head, error);
    if (status == ACT_OK)
        status = act_sink_finish(&indexed->sink, head, sizeof(head), sync, error);
    act_build_counts_report(&indexed->counts, act_sink_position(&indexed->sink), report);
    return status;
}
