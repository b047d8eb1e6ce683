#include "format/node.h"

bool act_node_decode_checked(const struct act_arena *arena, uint64_t id, struct act_node *node_ret)
{
    if (id >= arena->tail)
        return false;
    const uint8_t *start = arena->bytes + id;
    const uint8_t *end = arena->bytes + arena->tail;
    const uint8_t *p = start + 1;
    unsigned header = *start;
    node_ret->id = id;
    node_ret->header = (uint8_t)header;
    if (header & ACT_NODE_VALUE && !act_varint_read_checked(&p, end, &node_ret->value))
        return false;
    if (header & ACT_NODE_LINE) {
        if (header & ACT_LINE_CHILD && !act_varint_read_checked(&p, end, &node_ret->child_rel))
            return false;
        if (!act_varint_read_checked(&p, end, &node_ret->line_rel))
            return false;
        node_ret->end = id + (uint64_t)(p - start);
        return true;
    }
    unsigned count = header & ACT_BRANCH_COUNT;
    if (count && !act_varint_read_checked(&p, end, &node_ret->child_rel))
        return false;
    node_ret->bytes_off = id + (uint64_t)(p - start);
    node_ret->end = node_ret->bytes_off + (count < ACT_BRANCH_MASK ? count : ACT_MASK_NBYTES);
    return node_ret->end <= arena->tail;
}

uint64_t act_node_child(const struct act_arena *arena, uint64_t parent_id, uint64_t child_rel,
                        unsigned index)
{
    uint64_t id = act_node_first_child(parent_id, child_rel);
    if (!id)
        return 0;
    for (unsigned i = 0; i < index; i++) {
        if (ACT_LIKELY(id < arena->roomy)) {
            id = act_node_end_roomy(arena, id);
        } else {
            struct act_node sibling;
            if (!act_node_decode_checked(arena, id, &sibling))
                return 0;
            id = sibling.end;
        }
        if (ACT_UNLIKELY(id >= parent_id))
            return 0;
    }
    return id;
}

bool act_node_children(const struct act_arena *arena, const struct act_node *node,
                       struct act_children *children_ret)
{
    const uint8_t *bytes = arena->bytes + node->bytes_off;
    unsigned count = node->header & ACT_BRANCH_COUNT;
    if (count == ACT_BRANCH_MASK) {
        children_ret->bytes = NULL;
        children_ret->count = 0;
        for (unsigned i = 0; i < 4; i++) {
            children_ret->mask[i] = act_load_le64(bytes + 8 * (size_t)i);
            children_ret->count += act_popcount64(children_ret->mask[i]);
        }
        return children_ret->count >= ACT_BRANCH_MASK;
    }
    children_ret->bytes = bytes;
    children_ret->count = count;
    if (count > ACT_BRANCH_MASK)
        return false;
    for (unsigned i = 1; i < count; i++) {
        if (bytes[i - 1] >= bytes[i])
            return false;
    }
    return true;
}
