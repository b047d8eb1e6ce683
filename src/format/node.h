/*
 * Decoding nodes and line data out of untrusted bytes.
 *
 * Every function here takes an arena: the whole file's bytes and where its tail begins. A node's
 * offset is called its id. The rules that make any bytes safe to walk: an id lies in the arena,
 * below its parent's (so every descent ends), and a node's own bytes end before the tail.
 */
#ifndef ACT_FORMAT_NODE_H
#define ACT_FORMAT_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bits.h"
#include "format/index.h"
#include "format/layout.h"
#include "format/varint.h"
#include "simd/node_lengths.h"

/* A file's bytes. `tail` is its size less ACT_TAIL_NBYTES: no object reaches beyond. */
struct act_arena {
    const uint8_t *bytes;
    uint64_t tail;
    uint64_t readable; /* how many bytes may be read: the file's, and padding after them */
    /* Below this offset lies the tail, or anything from which a node and wide loads can be read. */
    uint64_t roomy;
    /* How siblings are stepped over in blocks; NULL: one by one. */
    act_node_lengths_fn lengths;
    /* Runs of siblings that begin below this offset have jump tables; 0 without an index. */
    uint64_t jump_end;
    /* Nodes below this offset end before the tail, and can be read without looking. */
    uint64_t usual_end;
    /* From here on lie the nodes of the hot region; UINT64_MAX without an index. */
    uint64_t hot_off;
    /* From here on lies what was merged into an indexed file, with jump tables; else UINT64_MAX. */
    uint64_t merged_off;
};

/* What a node's longest form takes, and 8 bytes more that a varint's load may reach. */
enum {
    ACT_NODE_READABLE = ACT_NODE_NBYTES_MAX + 8
};

/*
 * The arena of a file with `padding_nbytes` readable bytes after it, any number. With
 * ACT_NODE_READABLE of them no node is too near to the end for wide loads: not the root either,
 * where every lookup begins, and which is the last one in most files.
 */
static inline struct act_arena act_arena_of(const uint8_t *bytes, uint64_t file_nbytes,
                                            uint64_t padding_nbytes)
{
    struct act_arena arena;
    arena.bytes = bytes;
    arena.tail = file_nbytes - ACT_TAIL_NBYTES;
    arena.readable = file_nbytes + padding_nbytes;
    arena.roomy = arena.readable > ACT_NODE_READABLE ? arena.readable - ACT_NODE_READABLE : 0;
    if (arena.roomy > arena.tail)
        arena.roomy = arena.tail;
    arena.usual_end = arena.roomy > ACT_NODE_NBYTES_MAX ? arena.roomy - ACT_NODE_NBYTES_MAX : 0;
    arena.lengths = act_node_lengths_best();
    arena.jump_end = 0;
    arena.hot_off = UINT64_MAX;
    arena.merged_off = UINT64_MAX;
    return arena;
}

/* A node's own bytes, decoded; nothing it refers to is touched. */
struct act_node {
    uint64_t id;
    uint64_t end;       /* offset after its last byte: where its next sibling lies */
    uint64_t value;     /* when header & ACT_NODE_VALUE */
    uint64_t child_rel; /* distance back to the first child, when there is one */
    uint64_t line_rel;  /* distance back to the line data, of a line */
    uint64_t bytes_off; /* of the child bytes, or of the mask */
    uint8_t header;
};

static inline bool act_node_is_line(const struct act_node *node)
{
    return node->header & ACT_NODE_LINE;
}

static inline bool act_node_has_value(const struct act_node *node)
{
    return node->header & ACT_NODE_VALUE;
}

static inline bool act_node_has_child(const struct act_node *node)
{
    return node->header & (act_node_is_line(node) ? ACT_LINE_CHILD : ACT_BRANCH_COUNT);
}

/* The careful body of act_node_decode, for the end of a file. */
bool act_node_decode_checked(const struct act_arena *arena, uint64_t id, struct act_node *node_ret);

/*
 * Decodes the node at `id`, which may be any number. False if its own bytes do not end before the
 * tail. What its offsets lead to is not looked at.
 */
static ACT_ALWAYS_INLINE bool act_node_decode(const struct act_arena *arena, uint64_t id,
                                              struct act_node *node_ret)
{
    if (ACT_UNLIKELY(id >= arena->roomy))
        return act_node_decode_checked(arena, id, node_ret);
    const uint8_t *start = arena->bytes + id;
    const uint8_t *p = start + 1;
    uint8_t header = *start;
    node_ret->id = id;
    node_ret->header = header;
    if (header & ACT_NODE_VALUE)
        node_ret->value = act_varint_read(&p);
    if (header & ACT_NODE_LINE) {
        if (header & ACT_LINE_CHILD)
            node_ret->child_rel = act_varint_read(&p);
        node_ret->line_rel = act_varint_read(&p);
        node_ret->end = id + (uint64_t)(p - start);
        return ACT_LIKELY(node_ret->end <= arena->tail);
    }
    unsigned count = header & ACT_BRANCH_COUNT;
    if (count)
        node_ret->child_rel = act_varint_read(&p);
    node_ret->bytes_off = id + (uint64_t)(p - start);
    node_ret->end = node_ret->bytes_off + (count < ACT_BRANCH_MASK ? count : ACT_MASK_NBYTES);
    return ACT_LIKELY(node_ret->end <= arena->tail);
}

/*
 * Where the node ends that lies at `id`, without decoding it: for stepping over siblings. `id` must
 * be below arena->roomy.
 */
static ACT_ALWAYS_INLINE uint64_t act_node_end_roomy(const struct act_arena *arena, uint64_t id)
{
    const uint8_t *start = arena->bytes + id;
    unsigned header = *start;
    uint64_t at = 1;
    if (header & ACT_NODE_VALUE)
        at += act_varint_nbytes(start[at]);
    if (header & ACT_NODE_LINE) {
        if (header & ACT_LINE_CHILD)
            at += act_varint_nbytes(start[at]);
        return id + at + act_varint_nbytes(start[at]);
    }
    unsigned count = header & ACT_BRANCH_COUNT;
    if (count)
        at += act_varint_nbytes(start[at]);
    return id + at + (count < ACT_BRANCH_MASK ? count : ACT_MASK_NBYTES);
}

/* From this many siblings on, stepping over them in blocks pays. Measured. */
enum {
    ACT_BLOCK_STEPS_MIN = 4
};

/* act_node_child for many siblings; `id` is the first one's. */
uint64_t act_node_step_blocks(const struct act_arena *arena, uint64_t parent_id, uint64_t id,
                              unsigned steps);

/* act_node_child near the end of the file; `id` is the first one's. */
uint64_t act_node_step_checked(const struct act_arena *arena, uint64_t parent_id, uint64_t id,
                               unsigned steps);

/* The id of the first child by itself; 0 as above. */
static inline uint64_t act_node_first_child(uint64_t parent_id, uint64_t child_rel)
{
    /* One compare: child_rel of 0 wraps to the top. The id itself is at least ACT_ARENA_OFF. */
    return child_rel - 1 < parent_id - ACT_ARENA_OFF ? parent_id - child_rel : 0;
}

/*
 * The id of child `index` of a node at `parent_id`, whose first child lies `child_rel` bytes back:
 * by the jump table where there is one, or by stepping over the siblings before it. 0 if an offset
 * leads out of the arena, or a sibling does not lie wholly below the parent (the child itself only
 * begins there).
 */
static ACT_ALWAYS_INLINE uint64_t act_node_child(const struct act_arena *arena, uint64_t parent_id,
                                                 uint64_t child_rel, unsigned index)
{
    uint64_t id = act_node_first_child(parent_id, child_rel);
    if (index && id < arena->jump_end) {
        uint64_t child = act_jump_read(arena->bytes, id, index);
        if (ACT_LIKELY(child > id && child < parent_id))
            return child;
        /* The table is damaged, or `id` is 0: the siblings themselves tell. */
    }
    if (ACT_UNLIKELY(!id || parent_id > arena->roomy))
        return id ? act_node_step_checked(arena, parent_id, id, index) : 0;
    if (index >= ACT_BLOCK_STEPS_MIN && arena->lengths)
        return act_node_step_blocks(arena, parent_id, id, index);
    for (unsigned i = 0; i < index; i++) {
        id = act_node_end_roomy(arena, id);
        if (ACT_UNLIKELY(id >= parent_id))
            return 0;
    }
    return id;
}

/* Line data: the bytes that a line node adds to the path. */
struct act_line {
    const uint8_t *bytes;
    uint64_t nbytes; /* at least 1 */
};

/*
 * Decodes the line data `line_rel` bytes before the node at `id`. False if it lies outside of the
 * arena, is empty, or does not end at or before the node.
 */
static inline bool act_line_decode(const struct act_arena *arena, uint64_t id, uint64_t line_rel,
                                   struct act_line *line_ret)
{
    if (ACT_UNLIKELY(line_rel - 1 >= id - ACT_ARENA_OFF))
        return false;
    const uint8_t *p = arena->bytes + (id - line_rel);
    const uint8_t *node = arena->bytes + id;
    /* At most 9 bytes from below the node, so at most 8 past its first: inside the file. */
    uint64_t nbytes = act_varint_read(&p);
    if (ACT_UNLIKELY(p > node || nbytes - 1 >= (uint64_t)(node - p)))
        return false;
    line_ret->bytes = p;
    line_ret->nbytes = nbytes;
    return true;
}

/* The children of a branch, by their bytes. */
struct act_children {
    const uint8_t *bytes; /* ascending, `count` of them; NULL when there is a mask */
    uint64_t mask[4];     /* only when bytes is NULL */
    unsigned count;
};

/*
 * Reads which children a branch has. False if its count is above 32, its mask has fewer than 32
 * bits, or its bytes are not strictly ascending.
 */
bool act_node_children(const struct act_arena *arena, const struct act_node *node,
                       struct act_children *children_ret);

#endif
