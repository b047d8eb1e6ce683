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

act_status act_indexed_open(struct act_indexed *indexed, const char *path, act_error *error)
{
    memset(indexed, 0, sizeof(*indexed));
    act_status status = act_sink_open(&indexed->sink, path, ACT_INDEX_END, error);
    if (status == ACT_OK)
        status = act_hot_open(&indexed->hot, path, error);
    if (status == ACT_OK &&
        (!act_pages_open(&indexed->pages, &indexed->sink, &indexed->counts) ||
         !act_reserve(&indexed->lines, &indexed->lines_capacity, ACT_LINE_SLACK_NBYTES, 1)))
        status = act_fail_nomem(error);
    indexed->sink.summed = true;
    if (status != ACT_OK)
        act_indexed_close(indexed);
    return status;
}

void act_indexed_close(struct act_indexed *indexed)
{
    act_sink_close(&indexed->sink);
    act_pages_close(&indexed->pages);
    act_hot_close(&indexed->hot);
    free(indexed->pending);
    free(indexed->groups);
    free(indexed->kept);
    free(indexed->lines);
    memset(indexed, 0, sizeof(*indexed));
}

/* ------------------------------------------------------------------------------ writing units */

/*
 * Writes all that is below a node as a unit. Afterwards its `child` is an id, and nothing counts as
 * below it.
 */
static act_status write_unit(struct act_indexed *indexed, struct act_indexed_node *node,
                             act_error *error)
{
    struct act_siblings_place place;
    act_status status = act_pages_find(&indexed->pages, node->below_nbytes, node->above, &place,
                                       error);
    if (status != ACT_OK)
        return status;
    for (size_t i = node->groups_begin; i < node->groups_end; i++) {
        struct act_indexed_group *group = &indexed->groups[i];
        struct act_siblings_node *nodes = indexed->kept + group->begin;
        for (size_t j = 0; j < group->count; j++) {
            if (nodes[j].child_count)
                nodes[j].child = indexed->groups[nodes[j].child].id;
        }
        group->id = act_siblings_write(&place, nodes, group->count, indexed->lines);
    }
    act_pages_done(&indexed->pages, &place);
    node->node.child = indexed->groups[node->groups_end - 1].id;
    node->below_nbytes = 0;
    return ACT_OK;
}

/*
 * Writes what is below the last `count` pending nodes, siblings, and forgets it. Their own lines
 * take the place of those below them.
 */
static act_status write_units(struct act_indexed *indexed, size_t count, act_error *error)
{
    struct act_indexed_node *nodes = indexed->pending + (indexed->pending_count - count);
    size_t lines_used = nodes[0].lines_begin;
    size_t groups_begin = indexed->groups_count;
    for (size_t i = 0; i < count; i++) {
        struct act_indexed_node *node = &nodes[i];
        if (node->below_nbytes) {
            if (node->groups_begin < groups_begin)
                groups_begin = node->groups_begin;
            act_status status = write_unit(indexed, node, error);
            if (status != ACT_OK)
                return status;
        }
        memmove(indexed->lines + lines_used, indexed->lines + node->node.line_at,
                node->node.line_nbytes_short);
        node->node.line_at = lines_used;
        node->lines_begin = lines_used;
        lines_used += node->node.line_nbytes_short;
    }
    indexed->lines_used = lines_used;
    if (groups_begin < indexed->groups_count) {
        indexed->kept_count = indexed->groups[groups_begin].begin;
        indexed->groups_count = groups_begin;
    }
    return ACT_OK;
}

/* ------------------------------------------------------------------------------ taking nodes */

/* Moves the last `count` pending nodes into a group, and says what is below their parent. */
static act_status keep_children(struct act_indexed *indexed, size_t count, size_t nbytes,
                                struct act_indexed_node *parent, act_error *error)
{
    const struct act_indexed_node *children = indexed->pending + (indexed->pending_count - count);
    if (!act_reserve(&indexed->groups, &indexed->groups_capacity, indexed->groups_count + 1,
                     sizeof(*indexed->groups)) ||
        !act_reserve(&indexed->kept, &indexed->kept_capacity, indexed->kept_count + count,
                     sizeof(*indexed->kept)))
        return act_fail_nomem(error);
    struct act_indexed_group *group = &indexed->groups[indexed->groups_count];
    group->begin = indexed->kept_count;
    group->count = count;
    parent->groups_begin = indexed->groups_count;
    for (size_t i = 0; i < count; i++) {
        const struct act_indexed_node *child = &children[i];
        if (child->node.child_count && child->groups_begin < parent->groups_begin)
            parent->groups_begin = child->groups_begin;
        if (child->above > parent->above)
            parent->above = child->above;
        indexed->kept[indexed->kept_count++] = child->node;
    }
    parent->node.child = indexed->groups_count++;
    parent->groups_end = indexed->groups_count;
    parent->below_nbytes = nbytes;
    return ACT_OK;
}

/* Moves the line of a node to a page. */
static act_status page_line(struct act_indexed *indexed, struct act_siblings_node *node,
                            act_error *error)
{
    act_status status = act_pages_put_line(&indexed->pages, indexed->lines + node->line_at,
                                           node->line_nbytes_short, &node->line_id, error);
    node->line_nbytes_short = 0;
    return status;
}

/* The children do not fit in a page with all below them: they become hot. */
static act_status heat_children(struct act_indexed *indexed, size_t count,
                                struct act_indexed_node *parent, act_error *error)
{
    act_status status = write_units(indexed, count, error);
    const struct act_indexed_node *children = indexed->pending + (indexed->pending_count - count);
    struct act_siblings_node nodes[256];
    for (size_t i = 0; i < count && status == ACT_OK; i++) {
        nodes[i] = children[i].node;
        if (nodes[i].line_nbytes_short > HOT_LINE_NBYTES_MAX)
            status = page_line(indexed, &nodes[i], error);
    }
    if (status == ACT_OK)
        status = act_hot_add(&indexed->hot, nodes, count, indexed->lines, error);
    indexed->lines_used = children[0].lines_begin;
    parent->node.child = ACT_HOT_CHILD;
    return status;
}

static void set_child_bytes(const struct act_indexed_node *children, size_t count,
                            uint8_t child_bytes[ACT_MASK_NBYTES])
{
    if (count < ACT_BRANCH_MASK) {
        for (size_t i = 0; i < count; i++)
            child_bytes[i] = children[i].node.byte;
        return;
    }
    uint64_t mask[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < count; i++)
        mask[children[i].node.byte >> 6] |= (uint64_t)1 << (children[i].node.byte & 63);
    act_mask_encode(child_bytes, mask);
}

static act_status take_children(struct act_indexed *indexed, size_t count,
                                struct act_indexed_node *parent, act_error *error)
{
    struct act_indexed_node *children = indexed->pending + (indexed->pending_count - count);
    set_child_bytes(children, count, parent->node.child_bytes);
    parent->lines_begin = children[0].lines_begin;
    size_t nbytes = children[count - 1].siblings_nbytes + act_siblings_table_nbytes_max(count);
    act_status status = nbytes <= ACT_UNIT_NBYTES_MAX
                            ? keep_children(indexed, count, nbytes, parent, error)
                            : heat_children(indexed, count, parent, error);
    indexed->pending_count -= count;
    return status;
}

/* Puts the line of a task where those of pending nodes are, or into a page if it is long. */
static act_status take_line(struct act_indexed *indexed, const struct act_build_task *task,
                            struct act_indexed_node *node, act_error *error)
{
    size_t nbytes = task->line_nbytes;
    node->node.line_at = indexed->lines_used;
    if (nbytes > ACT_SIBLINGS_LINE_NBYTES_MAX) {
        act_status status = act_pages_put_line(&indexed->pages, task->line, nbytes,
                                               &node->node.line_id, error);
        if (node->above <= node->node.line_id)
            node->above = node->node.line_id + 1;
        return status;
    }
    if (!act_reserve(&indexed->lines, &indexed->lines_capacity,
                     indexed->lines_used + nbytes + ACT_LINE_SLACK_NBYTES, 1))
        return act_fail_nomem(error);
    act_copy_line(indexed->lines + indexed->lines_used, task->line, nbytes);
    indexed->lines_used += nbytes;
    node->node.line_nbytes_short = (uint32_t)nbytes;
    return ACT_OK;
}

/*
 * Puts a node where the others wait. When it and its siblings so far are too much for a page, their
 * parent will be hot, and there is nothing to wait for with what is below them.
 */
static ACT_ALWAYS_INLINE act_status push(struct act_indexed *indexed,
                                         const struct act_indexed_node *new_node, act_error *error)
{
    size_t count = indexed->pending_count;
    if (ACT_UNLIKELY(!act_reserve(&indexed->pending, &indexed->pending_capacity, count + 1,
                                  sizeof(*indexed->pending))))
        return act_fail_nomem(error);
    struct act_indexed_node *node = &indexed->pending[count];
    *node = *new_node;
    size_t before_nbytes = 0;
    if (count && indexed->pending[count - 1].parent_depth == node->parent_depth)
        before_nbytes = indexed->pending[count - 1].siblings_nbytes;
    node->siblings_nbytes = before_nbytes + node->below_nbytes +
                            act_siblings_node_nbytes_max(&node->node);
    if (node->node.child == ACT_HOT_CHILD)
        node->siblings_nbytes += ACT_UNIT_NBYTES_MAX; /* its children come after all pages */
    indexed->pending_count = ++count;
    if (ACT_LIKELY(node->siblings_nbytes <= ACT_UNIT_NBYTES_MAX))
        return ACT_OK;
    size_t siblings = 1;
    if (before_nbytes <= ACT_UNIT_NBYTES_MAX) {
        while (siblings < count &&
               indexed->pending[count - siblings - 1].parent_depth == node->parent_depth)
            siblings++;
    }
    return write_units(indexed, siblings, error);
}

act_status act_indexed_node(struct act_indexed *indexed, const struct act_build_task *task,
                            act_error *error)
{
    struct act_indexed_node node;
    memset(&node, 0, sizeof(node));
    node.node.value = task->value;
    node.node.child_count = task->child_count;
    node.node.byte = task->byte;
    node.node.has_value = task->has_value;
    node.parent_depth = task->parent_depth;
    node.lines_begin = indexed->lines_used;
    if (task->child_count) {
        act_status status = take_children(indexed, task->child_count, &node, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
    }
    act_status status = take_line(indexed, task, &node, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    return push(indexed, &node, error);
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

act_status act_indexed_finish(struct act_indexed *indexed, uint64_t key_nbytes_longest, bool sync,
                              act_build_report *report, act_error *error)
{
    struct act_index index = {.keys = report->keys, .key_nbytes_longest = key_nbytes_longest};
    uint8_t head[ACT_INDEX_END - ACT_ROOT_OFF];
    act_status status = write_units(indexed, 1, error);
    if (status == ACT_OK)
        status = act_hot_add(&indexed->hot, &indexed->pending[0].node, 1, indexed->lines, error);
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
