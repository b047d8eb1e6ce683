/*
 * How long a node would be, at every offset of a block of bytes.
 *
 * Siblings lie back to back, and where the next one begins is known only from the lengths inside
 * the one before: some 20 cycles each, one after the other. These lengths, computed for a whole
 * block at once as if a node began at every byte, turn that chain into one load a sibling.
 */
#ifndef ACT_SIMD_NODE_LENGTHS_H
#define ACT_SIMD_NODE_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

enum {
    ACT_NODE_LENGTHS_BLOCK = 128, /* offsets in a block */
    /* Bytes from the start of a block that must be readable: the last load begins 16 further. */
    ACT_NODE_LENGTHS_READABLE = ACT_NODE_LENGTHS_BLOCK + 16
};

/*
 * Fills `lengths`: for each offset the length of the node that begins there, or 0 where this was
 * not found out: a line with both value and child, which no builder writes.
 */
typedef void (*act_node_lengths_fn)(const uint8_t *bytes, uint8_t lengths[ACT_NODE_LENGTHS_BLOCK]);

/* The plain body: the same answers, one offset after the other; for tests. */
void act_node_lengths_portable(const uint8_t *bytes, uint8_t lengths[ACT_NODE_LENGTHS_BLOCK]);

/* For processors with AVX2. */
void act_node_lengths_avx2(const uint8_t *bytes, uint8_t lengths[ACT_NODE_LENGTHS_BLOCK]);

/* The body for this processor, or NULL where stepping from node to node is the fastest. */
act_node_lengths_fn act_node_lengths_best(void);

#endif
