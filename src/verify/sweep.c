#include "verify/sweep.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "format/file.h"
#include "os/paging.h"
#include "read/budget.h"
#include "read/map.h"
#include "read/paging.h"
#include "verify/index_check.h"

/* Nodes between two looks at the clock, and at a resident budget. */
enum {
    NODES_A_LOOK = 1 << 14,
    NODES_A_BUDGET = 1 << 8
};

/* How much is asked for at a time. */
#define ASK_NBYTES ((uint64_t)1 << 20)

typedef unsigned long long ull; /* what %llu takes */

act_status act_sweep_break(struct act_sweep *sweep, act_error *error, enum act_rule rule,
                           uint64_t offset, const char *format, ...)
{
    char what[ACT_ERROR_TEXT_NBYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    sweep->broken_rule = rule;
    sweep->broken_offset = offset;
    return act_fail(error, ACT_ERR_CORRUPT, offset, "damaged at offset %llu (%s): %s", (ull)offset,
                    act_rule_name(rule), what);
}

act_status act_sweep_fail_nomem(const struct act_sweep *sweep, act_error *error)
{
    return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET,
                    "out of memory while checking a file of %llu bytes", (ull)sweep->file_nbytes);
}

/*
 * A file that was merged into ends in a trailer, and its last 8 bytes, the root before the merge,
 * are not zero. Then the live root and the objects that the trailer names lie before it.
 */
static act_status check_tail(struct act_sweep *sweep, uint64_t root_end, act_error *error)
{
    struct act_trailer trailer;
    if (!act_trailer_read(sweep->arena.bytes, sweep->file_nbytes, &trailer))
        return ACT_OK;
    uint64_t at = sweep->file_nbytes - ACT_TRAILER_NBYTES;
    if (trailer.previous_root < ACT_ARENA_OFF || trailer.previous_root >= at)
        return act_sweep_break(
            sweep, error, ACT_RULE_TAIL, at,
            "the last 8 bytes are neither zero nor the offset of a former root: %llu",
            (ull)trailer.previous_root);
    if (root_end > at)
        return act_sweep_break(sweep, error, ACT_RULE_TAIL, at,
                               "the root node at offset %llu runs into the trailer of a merge",
                               (ull)sweep->root);
    if (trailer.previous_trailer == 0)
        return ACT_OK;
    /* The former root lies below `at`, which so is no less than a trailer takes. */
    if (trailer.previous_trailer < ACT_ARENA_OFF ||
        trailer.previous_trailer > at - ACT_TRAILER_NBYTES)
        return act_sweep_break(sweep, error, ACT_RULE_TAIL, at,
                               "the trailer before this one cannot lie at offset %llu",
                               (ull)trailer.previous_trailer);
    return ACT_OK;
}

/* The root of an empty map is a zero byte, which a hole of zeros must not be taken for. */
static act_status check_root(struct act_sweep *sweep, act_error *error)
{
    struct act_node node;
    if (!act_node_decode(&sweep->arena, sweep->root, &node))
        return act_sweep_break(sweep, error, ACT_RULE_NODE_BOUNDS, sweep->root,
                               "the root node runs past the end");
    act_status status = check_tail(sweep, node.end, error);
    if (status != ACT_OK)
        return status;
    bool indexed = sweep->index && sweep->root == sweep->index->root;
    struct act_trailer trailer;
    bool merged = act_trailer_read(sweep->arena.bytes, sweep->file_nbytes, &trailer) &&
                  node.end + ACT_TRAILER_NBYTES == sweep->file_nbytes;
    if (node.header == 0 && sweep->root != ACT_ARENA_OFF && !indexed && !merged)
        return act_sweep_break(sweep, error, ACT_RULE_EMPTY_ROOT, sweep->root,
                               "the root node is a zero byte, which stands for an empty map only "
                               "at offset %d, where an index says so, or before the trailer of a "
                               "merge",
                               ACT_ARENA_OFF);
    return ACT_OK;
}

act_status act_sweep_open(struct act_sweep *sweep, const act_map *map, uint64_t sums_nbytes,
                          act_progress_fn progress, void *context, act_error *error)
{
    memset(sweep, 0, sizeof(*sweep));
    act_map_settle(map);
    sweep->map = map;
    sweep->arena = map->arena;
    sweep->root = map->root;
    sweep->file_nbytes = map->file_nbytes;
    sweep->index = map->index_state == ACT_INDEX_VALID ? &map->index : NULL;
    sweep->broken_offset = ACT_NO_OFFSET;
    sweep->asked_from = map->file_nbytes;
    sweep->ask_below = act_map_reads_single(map) ? UINT64_MAX : 0;
    act_status status = act_index_check_header(sweep, map->index_state, error);
    if (status == ACT_OK)
        status = check_root(sweep, error);
    if (status != ACT_OK)
        return status;
    if (!act_pace_start(&sweep->pace, progress, context, map->root + sums_nbytes))
        return ACT_STOPPED;
    if (!act_marks_open(&sweep->marks, map->root + 1))
        return act_sweep_fail_nomem(sweep, error);
    if (act_marks_put(&sweep->marks, map->root) < 0) {
        act_marks_close(&sweep->marks);
        return act_sweep_fail_nomem(sweep, error);
    }
    return ACT_OK;
}

void act_sweep_close(struct act_sweep *sweep)
{
    act_marks_close(&sweep->marks);
}

/* Which children a branch says it has. */
static act_status check_branch(struct act_sweep *sweep, act_error *error)
{
    const struct act_node *node = &sweep->node;
    unsigned count = node->header & ACT_BRANCH_COUNT;
    struct act_children children;
    if (count > ACT_BRANCH_MASK)
        return act_sweep_break(sweep, error, ACT_RULE_CHILD_COUNT, node->id,
                               "the branch counts %u children in its header; %d means more than 31",
                               count, ACT_BRANCH_MASK);
    if (!act_node_children(&sweep->arena, node, &children)) {
        if (count == ACT_BRANCH_MASK)
            return act_sweep_break(
                sweep, error, ACT_RULE_CHILD_MASK, node->id,
                "the branch's mask has %u bits; with fewer than %d there is none", children.count,
                ACT_BRANCH_MASK);
        return act_sweep_break(sweep, error, ACT_RULE_CHILD_BYTES, node->id,
                               "the bytes of the branch's %u children do not ascend", count);
    }
    sweep->children_count = children.count;
    return ACT_OK;
}

static act_status check_line(struct act_sweep *sweep, act_error *error)
{
    const struct act_node *node = &sweep->node;
    if (node->header & ACT_LINE_RESERVED)
        return act_sweep_break(sweep, error, ACT_RULE_LINE_HEADER, node->id,
                               "the line node's header is 0x%02x, with bits that have no meaning",
                               node->header);
    if (act_node_has_value(node) && act_node_has_child(node))
        return act_sweep_break(sweep, error, ACT_RULE_LINE_VALUE_CHILD, node->id,
                               "the line node has a value and a child");
    if (node->line_rel - 1 >= node->id - ACT_ARENA_OFF)
        return act_sweep_break(sweep, error, ACT_RULE_LINE_OFFSET, node->id,
                               "the line node's data lies %llu bytes back, outside of the arena",
                               (ull)node->line_rel);
    if (!act_line_decode(&sweep->arena, node->id, node->line_rel, &sweep->line))
        return act_sweep_break(
            sweep, error, ACT_RULE_LINE_LENGTH, node->id,
            "the line data at offset %llu is empty or does not end before its node",
            (ull)(node->id - node->line_rel));
    sweep->children_count = act_node_has_child(node) ? 1 : 0;
    return ACT_OK;
}

/* The offset after a sibling, or 0 if it runs past the tail. */
static inline uint64_t end_of(const struct act_arena *arena, uint64_t id)
{
    struct act_node node;
    if (ACT_LIKELY(id < arena->roomy)) {
        uint64_t end = act_node_end_roomy(arena, id);
        return end <= arena->tail ? end : 0;
    }
    return act_node_decode_checked(arena, id, &node) ? node.end : 0;
}

/* The siblings are where the jump table before them says, if there is one. */
static act_status check_jump_table(struct act_sweep *sweep, act_error *error)
{
    uint64_t first = sweep->children[0];
    if (first >= sweep->arena.jump_end)
        return ACT_OK;
    for (unsigned i = 1; i < sweep->children_count; i++) {
        uint64_t child = act_jump_read(sweep->arena.bytes, first, i);
        if (ACT_UNLIKELY(child != sweep->children[i]))
            return act_sweep_break(sweep, error, ACT_RULE_JUMP_TABLE, first,
                                   "the jump table before the run at offset %llu does not lead to "
                                   "sibling %u",
                                   (ull)first, i + 1);
    }
    return ACT_OK;
}

/* Steps over the node's children, and marks each. */
static act_status reach_children(struct act_sweep *sweep, act_error *error)
{
    uint64_t id = sweep->node.id;
    uint64_t child = act_node_first_child(id, sweep->node.child_rel);
    if (!child)
        return act_sweep_break(sweep, error, ACT_RULE_CHILD_OFFSET, id,
                               "the node's first child lies %llu bytes back, outside of the arena",
                               (ull)sweep->node.child_rel);
    for (unsigned i = 0; i < sweep->children_count; i++) {
        uint64_t end = end_of(&sweep->arena, child);
        if (!end)
            return act_sweep_break(sweep, error, ACT_RULE_NODE_BOUNDS, child,
                                   "child %u of %u of the node at offset %llu runs past the end",
                                   i + 1, sweep->children_count, (ull)id);
        if (end > id)
            return act_sweep_break(
                sweep, error, ACT_RULE_SIBLING_RUN, id,
                "child %u of the node's %u, at offset %llu, does not end before it", i + 1,
                sweep->children_count, (ull)child);
        if (ACT_UNLIKELY(act_marks_put(&sweep->marks, child) < 0))
            return act_sweep_fail_nomem(sweep, error);
        sweep->children[i] = child;
        child = end;
    }
    sweep->references += sweep->children_count;
    return check_jump_table(sweep, error);
}

/* Asks for what comes next, from a node on downwards: half of it is there when more is asked for.
 */
static ACT_NOINLINE void ask_ahead(struct act_sweep *sweep, uint64_t id)
{
    uint64_t end = sweep->asked_from;
    if (id < end && end - id > ASK_NBYTES) {
        uint64_t room = sweep->file_nbytes - id;
        end = id + (room < ACT_NODE_READABLE ? room : ACT_NODE_READABLE);
    }
    uint64_t from = end > ASK_NBYTES ? end - ASK_NBYTES : 0;
    act_os_paging_fetch(sweep->arena.bytes + from, end - from);
    sweep->asked_from = from;
    sweep->ask_below = from ? from + ASK_NBYTES / 2 : 0;
}

act_status act_sweep_next(struct act_sweep *sweep, act_error *error)
{
    uint64_t id;
    if (!act_marks_take(&sweep->marks, ACT_ARENA_OFF, &id))
        return ACT_END;
    if (ACT_UNLIKELY(id < sweep->ask_below))
        ask_ahead(sweep, id);
    if (ACT_UNLIKELY(++sweep->nodes % NODES_A_LOOK == 0) &&
        !act_pace_tell(&sweep->pace, sweep->root - id))
        return ACT_STOPPED;
    if (ACT_UNLIKELY(sweep->nodes % NODES_A_BUDGET == 0))
        act_budget_keep(sweep->map);
    /* It could be decoded when it was reached: this fails only if the file has changed since. */
    if (ACT_UNLIKELY(!act_node_decode(&sweep->arena, id, &sweep->node)))
        return act_sweep_break(sweep, error, ACT_RULE_NODE_BOUNDS, id,
                               "the node runs past the end");
    sweep->values += act_node_has_value(&sweep->node);
    act_status status;
    if (act_node_is_line(&sweep->node)) {
        sweep->line_nodes++;
        status = check_line(sweep, error);
    } else {
        status = check_branch(sweep, error);
    }
    if (status != ACT_OK || sweep->children_count == 0)
        return status;
    return reach_children(sweep, error);
}
