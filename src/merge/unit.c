#include "merge/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

void act_units_close(struct act_units *units)
{
    free(units->made);
    memset(units, 0, sizeof(*units));
}

static uint64_t own_nbytes(const struct act_new_node *node)
{
    enum {
        NEAR = 3 /* a distance below 64 kB */
    };
    uint64_t nbytes = 1;
    if (node->header & ACT_NODE_VALUE)
        nbytes += act_varint_nbytes_of(node->value);
    if (node->header & ACT_NODE_LINE)
        return nbytes + NEAR + (node->header & ACT_LINE_CHILD ? NEAR : 0);
    if (node->header & ACT_BRANCH_COUNT)
        nbytes += NEAR + act_child_bytes_nbytes(node->header);
    return nbytes;
}

uint64_t act_unit_own_nbytes(const struct act_made *made)
{
    return own_nbytes(&made->node.node) + (made->has_branch ? own_nbytes(&made->branch.node) : 0);
}

/* --------------------------------------------------------------------------------- measuring */

/* The node whose children are those of an old node: itself, or the branch that it leads to as a
 * line. False if it is damaged, or a line leads to a line. */
static bool find_holder(const struct act_units *units, const struct act_old_node *old,
                        struct act_old_node *holder_ret)
{
    if (!act_node_is_line(&old->node)) {
        *holder_ret = *old;
        return true;
    }
    holder_ret->children.count = 0;
    return !old->child || (act_old_read(units->arena, old->child, holder_ret, NULL) == ACT_OK &&
                           !act_node_is_line(&holder_ret->node));
}

/* Goes down to the children of a holder, if there are any. False if that is deeper than units are.
 */
static bool push(struct act_units *units, const struct act_old_node *holder, size_t parent)
{
    if (holder->children.count == 0)
        return true;
    if (units->depth == ACT_UNIT_LEVELS)
        return false;
    units->levels[units->depth++] = (struct act_unit_level){
        holder->child, holder->node.id, holder->children.count, parent, units->count};
    return true;
}

/* Adds the line of a node, its branch and the jump table before its children; goes down to them.
 * False if it is no unit, or the sum is more than one's. */
static bool measure_below(struct act_units *units, const struct act_old_node *old,
                          uint64_t *nbytes_ref)
{
    struct act_old_node holder;
    if (!find_holder(units, old, &holder))
        return false;
    if (act_node_is_line(&old->node)) {
        *nbytes_ref += old->line.nbytes <= ACT_UNIT_LINE_NBYTES_MAX ? 1 + old->line.nbytes : 0;
        *nbytes_ref += old->child ? holder.node.end - holder.node.id : 0;
    }
    *nbytes_ref += 2 * (uint64_t)holder.children.count;
    if (*nbytes_ref > ACT_MERGED_UNIT_NBYTES_MAX)
        return false;
    return push(units, &holder, 0);
}

bool act_unit_measure(struct act_units *units, uint64_t id, uint64_t *nbytes_ref)
{
    struct act_old_node old;
    units->depth = 0;
    if (act_old_read(units->arena, id, &old, NULL) != ACT_OK ||
        !measure_below(units, &old, nbytes_ref))
        return false;
    while (units->depth) {
        struct act_unit_level *level = &units->levels[units->depth - 1];
        if (level->left == 0) {
            units->depth--;
            continue;
        }
        if (act_old_read(units->arena, level->next, &old, NULL) != ACT_OK ||
            old.node.end > level->end)
            return false;
        *nbytes_ref += old.node.end - level->next;
        level->next = old.node.end;
        level->left--;
        if (!measure_below(units, &old, nbytes_ref))
            return false;
    }
    return true;
}

/* ----------------------------------------------------------------------------------- copying */

static bool is_line(const struct act_made *made)
{
    return made->node.node.header & ACT_NODE_LINE;
}

static act_status fail_damaged(uint64_t id, act_error *error)
{
    return act_fail(error, ACT_ERR_CORRUPT, id, "damaged node at offset %llu",
                    (unsigned long long)id);
}

/* Goes down to the children of a copy; takes its branch, if it leads to one. */
static act_status go_below(struct act_units *units, size_t number, act_error *error)
{
    struct act_made *made = &units->made[number];
    struct act_old_node old, holder;
    act_status status = act_old_read(units->arena, made->old_id, &old, error);
    if (status != ACT_OK)
        return status;
    if (!find_holder(units, &old, &holder))
        return fail_damaged(made->old_id, error);
    if (is_line(made) && old.child) {
        status = act_old_copy(units->arena, old.child, &made->branch, error);
        made->has_branch = true;
    }
    if (status != ACT_OK)
        return status;
    /* It was measured: so it fits. */
    return push(units, &holder, number) ? ACT_OK : fail_damaged(made->old_id, error);
}

/* Copies the next one of the siblings of the last level. */
static act_status copy_next(struct act_units *units, act_error *error)
{
    struct act_unit_level *level = &units->levels[units->depth - 1];
    struct act_node node;
    if (!act_node_decode(units->arena, level->next, &node) || node.end > level->end)
        return fail_damaged(level->next, error);
    if (!act_reserve(&units->made, &units->made_capacity, units->count + 1, sizeof(*units->made)))
        return act_fail_nomem(error);
    struct act_made *made = &units->made[units->count++];
    made->old_id = level->next;
    made->has_branch = false;
    level->next = node.end;
    level->left--;
    act_status status = act_old_copy(units->arena, made->old_id, &made->node, error);
    return status == ACT_OK ? go_below(units, units->count - 1, error) : status;
}

/* All below the siblings of the last level is appended, and now they are. */
static act_status complete(struct act_units *units, act_error *error)
{
    const struct act_unit_level *level = &units->levels[--units->depth];
    act_status status = ACT_OK;
    for (size_t i = level->children; i < units->count && status == ACT_OK; i++)
        status = act_unit_take_line(units, &units->made[i], ACT_UNIT_LINE_NBYTES_MAX, error);
    struct act_made *parent = &units->made[level->parent];
    if (status == ACT_OK)
        status = act_append_run(
            units->append, &units->made[level->children], units->count - level->children,
            parent->has_branch ? &parent->branch.node.child : &parent->node.node.child, error);
    units->count = level->children;
    return status;
}

act_status act_unit_copy(struct act_units *units, struct act_made *made, act_error *error)
{
    units->depth = 0;
    units->count = 1;
    if (!act_reserve(&units->made, &units->made_capacity, 1, sizeof(*units->made)))
        return act_fail_nomem(error);
    units->made[0] = *made;
    act_status status = go_below(units, 0, error);
    while (status == ACT_OK && units->depth)
        status = units->levels[units->depth - 1].left ? copy_next(units, error)
                                                      : complete(units, error);
    *made = units->made[0];
    return status;
}

/* --------------------------------------------------------------------------- beside hot nodes */

act_status act_unit_take_branch(struct act_units *units, struct act_made *made, act_error *error)
{
    struct act_old_node old;
    uint64_t child = made->node.node.child;
    if (!is_line(made) || !(made->node.node.header & ACT_LINE_CHILD) ||
        act_old_read(units->arena, child, &old, NULL) != ACT_OK || act_node_is_line(&old.node))
        return ACT_OK;
    made->has_branch = true;
    return act_old_copy(units->arena, child, &made->branch, error);
}

act_status act_unit_take_line(struct act_units *units, struct act_made *made, uint64_t nbytes_max,
                              act_error *error)
{
    enum {
        NEAR_NBYTES = 4096
    };
    struct act_append *append = units->append;
    uint64_t off = made->node.node.line;
    struct act_line line;
    if (!is_line(made) || off >= append->begin)
        return ACT_OK;
    if (!act_line_decode(units->arena, made->old_id, made->old_id - off, &line) ||
        line.nbytes > nbytes_max)
        return ACT_OK;
    uint64_t position = act_append_position(append);
    unsigned slot = (unsigned)(off * 0x9e3779b97f4a7c15u >> 32) % ACT_UNIT_LINES;
    if (units->lines_from[slot] == off && position - units->lines_to[slot] < NEAR_NBYTES) {
        made->node.node.line = units->lines_to[slot];
        return ACT_OK;
    }
    units->lines_from[slot] = off;
    units->lines_to[slot] = made->node.node.line = position;
    act_status status = act_append_varint(append, line.nbytes, error);
    return status == ACT_OK ? act_append_bytes(append, line.bytes, (size_t)line.nbytes, error)
                            : status;
}
