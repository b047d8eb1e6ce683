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

uint64_t act_node_step_checked(const struct act_arena *arena, uint64_t parent_id, uint64_t id,
                               unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        struct act_node sibling;
        if (!act_node_decode(arena, id, &sibling) || sibling.end >= parent_id)
            return 0;
        id = sibling.end;
    }
    return id;
}

uint64_t act_node_step_blocks(const struct act_arena *arena, uint64_t parent_id, uint64_t id,
                              unsigned steps)
{
    /*
     * Blocks begin at fixed places, not where the steps in the one before ended: so a processor
     * can work on the next block while it still steps through this one.
     */
    uint8_t lengths[ACT_NODE_LENGTHS_BLOCK];
    uint64_t block = id;
    unsigned at = 0;
    while (steps && block + ACT_NODE_LENGTHS_READABLE <= arena->readable) {
        arena->lengths(arena->bytes + block, lengths);
        while (at < ACT_NODE_LENGTHS_BLOCK) {
            unsigned nbytes = lengths[at];
            if (ACT_UNLIKELY(!nbytes)) {
                /* Beyond the parent there need not be room for what is read here. */
                if (block + at >= parent_id)
                    return 0;
                nbytes = (unsigned)(act_node_end_roomy(arena, block + at) - (block + at));
            }
            at += nbytes;
            if (--steps == 0)
                break;
        }
        id = block + at;
        if (ACT_UNLIKELY(id >= parent_id))
            return 0;
        block += ACT_NODE_LENGTHS_BLOCK;
        at -= ACT_NODE_LENGTHS_BLOCK;
    }
    return act_node_step_checked(arena, parent_id, id, steps);
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
