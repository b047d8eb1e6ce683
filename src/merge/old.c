#include "merge/old.h"

#include <string.h>

#include "base/error.h"

ACT_COLD static act_status fail(uint64_t id, act_error *error)
{
    return act_fail(error, ACT_ERR_CORRUPT, id, "damaged node at offset %llu",
                    (unsigned long long)id);
}

/* Looks at the node's own bytes alone. */
static bool line_is_good(const struct act_node *node)
{
    /* With both, readers do not agree which value is that of the path: there is nothing to keep. */
    bool both = act_node_has_value(node) && act_node_has_child(node);
    return !both && !(node->header & ACT_LINE_RESERVED) &&
           node->line_rel - 1 < node->id - ACT_ARENA_OFF;
}

/* act_old_read without the line data: of a node that is only copied, they need not be in memory. */
static act_status read_own(const struct act_arena *arena, uint64_t id, struct act_old_node *old_ret,
                           act_error *error)
{
    struct act_node *node = &old_ret->node;
    if (!act_node_decode(arena, id, node))
        return fail(id, error);
    if (act_node_is_line(node) ? !line_is_good(node)
                               : !act_node_children(arena, node, &old_ret->children))
        return fail(id, error);
    old_ret->child = 0;
    if (act_node_has_child(node)) {
        old_ret->child = act_node_first_child(id, node->child_rel);
        if (!old_ret->child)
            return fail(id, error);
    }
    return ACT_OK;
}

act_status act_old_read(const struct act_arena *arena, uint64_t id, struct act_old_node *old_ret,
                        act_error *error)
{
    act_status status = read_own(arena, id, old_ret, error);
    if (status == ACT_OK && act_node_is_line(&old_ret->node) &&
        !act_line_decode(arena, id, old_ret->node.line_rel, &old_ret->line))
        status = fail(id, error);
    return status;
}

unsigned act_old_bytes(const struct act_old_node *old, uint8_t bytes_ret[256])
{
    const struct act_children *children = &old->children;
    if (children->bytes) {
        memcpy(bytes_ret, children->bytes, children->count);
        return children->count;
    }
    unsigned count = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        if (children->mask[byte / 64] >> byte % 64 & 1)
            bytes_ret[count++] = (uint8_t)byte;
    }
    return count;
}

act_status act_old_children(const struct act_arena *arena, const struct act_old_node *old,
                            uint64_t ids_ret[256], act_error *error)
{
    uint64_t id = old->child;
    for (unsigned i = 0; i < old->children.count; i++) {
        struct act_node sibling;
        if (!act_node_decode(arena, id, &sibling) || sibling.end > old->node.id)
            return fail(old->node.id, error);
        ids_ret[i] = id;
        id = sibling.end;
    }
    return ACT_OK;
}

act_status act_old_copy(const struct act_arena *arena, uint64_t id,
                        struct act_append_node *copy_ret, act_error *error)
{
    struct act_old_node old = {.child = 0};
    act_status status = read_own(arena, id, &old, error);
    if (status != ACT_OK)
        return status;
    struct act_new_node *node = &copy_ret->node;
    *node = (struct act_new_node){.header = old.node.header, .child = old.child};
    if (act_node_has_value(&old.node))
        node->value = old.node.value;
    if (act_node_is_line(&old.node))
        node->line = id - old.node.line_rel;
    else if (old.child)
        memcpy(copy_ret->child_bytes, arena->bytes + old.node.bytes_off,
               act_child_bytes_nbytes(old.node.header));
    return ACT_OK;
}
