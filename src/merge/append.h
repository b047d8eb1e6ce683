/*
 * What is appended to a file: nodes and line data, each referring only to what lies before it; then
 * the root and its trailer; and last the root's offset in the header, which makes all of it count.
 */
#ifndef ACT_MERGE_APPEND_H
#define ACT_MERGE_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "format/encode.h"
#include "format/file.h"
#include "format/index.h"
#include "format/segment.h"
#include "os/update.h"

enum {
    ACT_APPEND_BLOCKS = 4, /* blocks of a checksum each, written at a time */
    ACT_APPEND_UNIT_NBYTES = ACT_APPEND_BLOCKS * ACT_SUMS_BLOCK_NBYTES,
    /* A run with its jump table: 256 nodes, and two bytes for each. */
    ACT_APPEND_ROOM_NBYTES = 256 * (ACT_NODE_NBYTES_MAX + 2) + 64
};

/* A node that was made or copied, and waits for its siblings. */
struct act_append_node {
    struct act_new_node node;
    uint8_t child_bytes[ACT_MASK_NBYTES]; /* the bytes or the mask of a branch with children */
};

/* The same with what is written right before its run. */
struct act_made {
    struct act_append_node node;
    struct act_append_node branch; /* of a line, when has_branch: what it leads to, not written */
    bool has_branch;
    /* The old node that this is a copy of, or of whose line it is the rest, so that what lies below
     * is the same; 0: it is new. */
    uint64_t old_id;
};

struct act_append {
    struct act_os_update *update;
    uint64_t begin;       /* where the first byte goes, */
    uint64_t file_nbytes; /* and how long the file was: what lies between them is taken away */
    uint64_t flushed;     /* in the file; whole units, until it ends */
    uint8_t *buffer;
    size_t used;
    bool tables;  /* with jump tables, checksums and a footer */
    bool started; /* something has been changed */
    uint64_t sum;
};

/* Starts at `begin` of a file of `file_nbytes`, which nothing is done to yet. ACT_ERR_NOMEM. */
act_status act_append_open(struct act_append *append, struct act_os_update *update, uint64_t begin,
                           uint64_t file_nbytes, bool tables, act_error *error);

/* Frees it; all-zero bytes are allowed. */
void act_append_close(struct act_append *append);

/* Where the next byte goes. */
static inline uint64_t act_append_position(const struct act_append *append)
{
    return append->flushed + append->used;
}

/* Appends any number of bytes. ACT_ERR_IO. */
act_status act_append_bytes(struct act_append *append, const void *bytes, size_t nbytes,
                            act_error *error);

/* Appends a varint. ACT_ERR_IO. */
act_status act_append_varint(struct act_append *append, uint64_t number, act_error *error);

/* Reads what was appended. ACT_ERR_IO. */
act_status act_append_read(const struct act_append *append, uint64_t off, uint8_t *bytes,
                           size_t nbytes, act_error *error);

/* Appends a node by itself. ACT_ERR_IO. */
act_status act_append_node(struct act_append *append, const struct act_append_node *node,
                           uint64_t *id_ret, act_error *error);

/*
 * Appends 1 to 256 siblings back to back, and before them the branches that lines lead to; the id
 * of the first. ACT_ERR_IO.
 */
act_status act_append_run(struct act_append *append, struct act_made *made, size_t count,
                          uint64_t *first_id_ret, act_error *error);

/*
 * Appends the root, with a footer before it where there are tables, and the trailer. The fields
 * `begin`, `root` and `sum` of `segment` are filled in. ACT_ERR_IO.
 */
act_status act_append_root(struct act_append *append, const struct act_append_node *root,
                           struct act_segment *segment, const struct act_trailer *trailer,
                           act_error *error);

/*
 * Makes it count: waits for the disk, unless told not to, sets the root, and waits again.
 * ACT_ERR_IO: either it does not count, and act_append_undo may be called, or `*counts_ret` is
 * true.
 */
act_status act_append_commit(struct act_append *append, uint64_t root, bool sync, bool *counts_ret,
                             act_error *error);

/* Takes away what lies beyond `begin`, of this merge or an earlier one. ACT_ERR_IO. */
act_status act_append_undo(struct act_append *append, act_error *error);

#endif
