#include "verify/resident.h"

#include <string.h>

bool act_resident_has_all(const struct act_resident *resident, uint64_t off, uint64_t nbytes)
{
    if (!resident->cached)
        return true;
    uint64_t last = (off + nbytes - 1) >> resident->page_shift;
    for (uint64_t page = off >> resident->page_shift; page <= last; page++)
        if (!act_bit(resident->cached, page))
            return false;
    return true;
}

/* Where the page of an offset ends. */
static uint64_t page_end(const struct act_resident *resident, uint64_t off)
{
    return ((off >> resident->page_shift) + 1) << resident->page_shift;
}

/* A node near the end of its page, where the next one is missing: from a copy. */
static enum act_look decode_copy(const struct act_resident *resident, uint64_t id,
                                 struct act_node *node_ret)
{
    uint8_t copy[ACT_NODE_READABLE];
    struct act_arena arena = resident->arena;
    uint64_t nbytes = page_end(resident, id) - id; /* less than ACT_NODE_READABLE */
    memset(copy, 0, sizeof(copy));
    memcpy(copy, arena.bytes + id, (size_t)nbytes);
    arena.bytes = copy;
    arena.tail = nbytes;
    if (!act_node_decode_checked(&arena, 0, node_ret))
        return ACT_LOOK_MISSING;
    node_ret->id = id;
    node_ret->end += id;
    node_ret->bytes_off += id;
    return ACT_LOOK_DONE;
}

enum act_look act_resident_node(const struct act_resident *resident, uint64_t id,
                                struct act_node *node_ret)
{
    const struct act_arena *arena = &resident->arena;
    if (id >= arena->tail)
        return ACT_LOOK_DAMAGED;
    if (!act_resident_has(resident, id))
        return ACT_LOOK_MISSING;
    uint64_t end = page_end(resident, id);
    if (end - id < ACT_NODE_READABLE && end < arena->tail && !act_resident_has(resident, end))
        return decode_copy(resident, id, node_ret);
    return act_node_decode(arena, id, node_ret) ? ACT_LOOK_DONE : ACT_LOOK_DAMAGED;
}

enum act_look act_resident_line(const struct act_resident *resident, const struct act_node *node,
                                struct act_line *line_ret)
{
    const struct act_arena *arena = &resident->arena;
    if (node->line_rel - 1 >= node->id - ACT_ARENA_OFF)
        return ACT_LOOK_DAMAGED;
    uint64_t off = node->id - node->line_rel;
    if (!act_resident_has(resident, off))
        return ACT_LOOK_MISSING;
    /* A length of one byte is decoded from that byte; others, of up to nine, are rare. */
    uint64_t nbytes = arena->bytes[off];
    if (nbytes > ACT_VARINT_INLINE_MAX) {
        if (!act_resident_has(resident, off + 8))
            return ACT_LOOK_MISSING;
        return act_line_decode(arena, node->id, node->line_rel, line_ret) ? ACT_LOOK_DONE
                                                                          : ACT_LOOK_DAMAGED;
    }
    line_ret->bytes = arena->bytes + off + 1;
    line_ret->nbytes = nbytes;
    return nbytes - 1 < node->line_rel - 1 ? ACT_LOOK_DONE : ACT_LOOK_DAMAGED;
}

/* Where the table says that a sibling lies; 0 if it does not say, or is not there. */
static uint64_t read_jump(const struct act_resident *resident, uint64_t parent_id, uint64_t first,
                          unsigned index)
{
    const struct act_arena *arena = &resident->arena;
    uint64_t nbytes = act_resident_jump_nbytes(resident, first, index + 1);
    if (!nbytes || !act_resident_has_all(resident, first - nbytes, nbytes))
        return 0;
    uint64_t child = act_jump_read(arena->bytes, first, index);
    return child > first && child < parent_id ? child : 0;
}

enum act_look act_resident_child(const struct act_resident *resident, uint64_t parent_id,
                                 uint64_t first, unsigned index, uint64_t *child_ret)
{
    uint64_t child = index ? read_jump(resident, parent_id, first, index) : first;
    if (!child) {
        child = first;
        for (unsigned i = 0; i < index; i++) {
            struct act_node sibling;
            enum act_look look = act_resident_node(resident, child, &sibling);
            if (look != ACT_LOOK_DONE)
                return look;
            child = sibling.end;
            if (child >= parent_id)
                return ACT_LOOK_DAMAGED;
        }
    }
    *child_ret = child;
    return child < parent_id ? ACT_LOOK_DONE : ACT_LOOK_DAMAGED;
}

uint64_t act_resident_jump_nbytes(const struct act_resident *resident, uint64_t first,
                                  unsigned count)
{
    if (count < 2 || first >= resident->arena.jump_end || first <= ACT_INDEX_END ||
        !act_resident_has(resident, first - 1))
        return 0;
    uint64_t width = resident->arena.bytes[first - 1];
    uint64_t nbytes = 1 + width * (count - 1);
    bool sound = (width == 1 || width == 2 || width == 4) && nbytes < first - ACT_ARENA_OFF;
    return sound ? nbytes : 0;
}
