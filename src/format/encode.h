/* Encoding nodes and line data: the other direction of format/node.h. */
#ifndef ACT_FORMAT_ENCODE_H
#define ACT_FORMAT_ENCODE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "format/layout.h"
#include "format/varint.h"

/* A node before it has a place. What it refers to has one: offsets from the start of the file. */
struct act_new_node {
    uint64_t value; /* when header & ACT_NODE_VALUE */
    uint64_t child; /* id of the first child, when there is one */
    uint64_t line;  /* id of the line data, of a line */
    uint8_t header;
    uint8_t byte; /* which leads here from the parent; the parent's encoding holds it */
};

/*
 * Encodes a node that is to stand at `id` of the file at `p`, where ACT_NODE_NBYTES_MAX bytes must
 * be writable, whatever the length; returns its end. `child_bytes` are the bytes or the mask of a
 * branch with children, NULL otherwise; ACT_MASK_NBYTES must be readable.
 */
static inline uint8_t *act_node_encode(uint8_t *p, uint64_t id, const struct act_new_node *node,
                                       const uint8_t *child_bytes)
{
    unsigned header = node->header;
    *p++ = (uint8_t)header;
    if (header & ACT_NODE_VALUE)
        p = act_varint_write(p, node->value);
    if (header & ACT_NODE_LINE) {
        if (header & ACT_LINE_CHILD)
            p = act_varint_write(p, id - node->child);
        return act_varint_write(p, id - node->line);
    }
    unsigned count = header & ACT_BRANCH_COUNT;
    if (count) {
        p = act_varint_write(p, id - node->child);
        /* Of a fixed length, and so in two instructions; what lies beyond is written over. */
        memcpy(p, child_bytes, ACT_MASK_NBYTES);
        p += count;
    }
    return p;
}

/* What the header of a branch with so many children counts; and so many bytes tell which they are,
 * for a mask has as many bytes as its count says. */
static inline unsigned act_branch_count(size_t child_count)
{
    return child_count < ACT_BRANCH_MASK ? (unsigned)child_count : ACT_BRANCH_MASK;
}

/* How many bytes of `child_bytes` belong to a branch with this header. */
static inline unsigned act_child_bytes_nbytes(uint8_t header)
{
    unsigned count = header & ACT_BRANCH_COUNT;
    return count < ACT_BRANCH_MASK ? count : ACT_MASK_NBYTES;
}

/* How many bytes a node takes that is to stand at `id`. */
static inline unsigned act_node_nbytes_at(uint64_t id, const struct act_new_node *node)
{
    unsigned header = node->header;
    unsigned nbytes = 1;
    if (header & ACT_NODE_VALUE)
        nbytes += act_varint_nbytes_of(node->value);
    if (header & ACT_NODE_LINE) {
        nbytes += act_varint_nbytes_of(id - node->line);
        if (header & ACT_LINE_CHILD)
            nbytes += act_varint_nbytes_of(id - node->child);
    } else if (header & ACT_BRANCH_COUNT) {
        nbytes += act_varint_nbytes_of(id - node->child) + act_child_bytes_nbytes((uint8_t)header);
    }
    return nbytes;
}

/* Encodes a set of bytes as a mask of ACT_MASK_NBYTES at `p`. */
static inline void act_mask_encode(uint8_t *p, const uint64_t words[4])
{
    for (unsigned i = 0; i < 4; i++)
        act_store_le64(p + 8 * i, words[i]);
}

#endif
