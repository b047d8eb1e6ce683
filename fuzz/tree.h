/* The nodes of a file that may be damaged, as far as they can be found: for the mutator. */
#ifndef FUZZ_TREE_H
#define FUZZ_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FUZZ_FILE_NBYTES_MAX = 1 << 16,
    FUZZ_NODES_MAX = 300
};

/* A node, and where its parts stand: offset 0 for those that it does not have. */
struct fuzz_node {
    uint32_t at;
    uint32_t value; /* varints, */
    uint32_t child;
    uint32_t line;
    uint32_t labels; /* and child bytes, or the mask */
    uint32_t end;
    uint64_t child_rel;
    uint64_t line_rel;
    unsigned count; /* of its children */
    uint8_t header;
};

/* What can be reached from the root, and from the roots before it; runs of siblings in order. */
struct fuzz_tree {
    struct fuzz_node nodes[FUZZ_NODES_MAX];
    size_t count;
};

/* The node at an offset; false if it runs past the end. */
bool fuzz_node_decode(const uint8_t *bytes, size_t nbytes, uint64_t at, struct fuzz_node *node_ret);

/* Finds the nodes of a file of at most FUZZ_FILE_NBYTES_MAX bytes. */
void fuzz_tree_find(const uint8_t *bytes, size_t nbytes, struct fuzz_tree *tree_ret);

/* Whether something of the tree lies where an indexed file has the header of its index, or that is
 * not known: then answers may change when that header does. */
bool fuzz_tree_meets_index(const uint8_t *bytes, size_t nbytes);

/* Bytes of the varint at an offset that is inside. */
static inline size_t fuzz_varint_nbytes(const uint8_t *bytes, size_t at)
{
    return bytes[at] <= 247 ? 1 : bytes[at] - 246u;
}

/* Writes a number to a varint of a given width, as far as it fits. */
void fuzz_varint_put(uint8_t *varint, size_t width, uint64_t number);

static inline uint64_t fuzz_u64(const uint8_t *at)
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number << 8 | at[i];
    return number;
}

static inline void fuzz_put_u64(uint8_t *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

/* Makes the checksums of an index and of segments match what they are of, where these are found. */
void fuzz_fix_checksums(uint8_t *bytes, size_t nbytes);

#endif
