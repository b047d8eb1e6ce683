/*
 * Writing a run of siblings with what belongs to it, in one piece: the line data of each, the
 * branch below a line, the jump table, the nodes. What lies deeper has been written before.
 */
#ifndef ACT_BUILD_SIBLINGS_H
#define ACT_BUILD_SIBLINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/task.h"
#include "format/encode.h"
#include "format/layout.h"
#include "format/varint.h"

/* A node whose place is not yet known. */
struct act_siblings_node {
    uint64_t value;
    uint64_t child;   /* id of the first child once it is written */
    uint64_t line_id; /* of line data that were written before, or 0 */
    size_t line_at;   /* where the line's bytes are in some array; the line may have none */
    uint32_t line_nbytes_short; /* length of a line that is written with the run, or 0 */
    uint16_t child_count;
    uint8_t byte; /* which leads here from the parent */
    bool has_value;
    uint8_t child_bytes[ACT_MASK_NBYTES]; /* bytes or mask, when there are children */
};

enum {
    /* Longer lines are written beforehand: so that they do not take the room of nodes. */
    ACT_SIBLINGS_LINE_NBYTES_MAX = 247
};

/* Where short line data lie in the page that is being written, by hash: 0 where none is known. */
enum {
    ACT_SIBLINGS_LINES = 512
};
struct act_siblings_lines {
    uint16_t at[ACT_SIBLINGS_LINES];
};

/* A stretch of the file that is being written. */
struct act_siblings_place {
    uint8_t *bytes; /* in memory */
    uint64_t off;   /* in the file: of bytes[0] */
    uint8_t *end;   /* where the next byte goes; there must be room for all of the run */
    struct act_siblings_lines *lines; /* of these bytes; NULL: every line is written */
    struct act_build_counts *counts;
};

/* How many bytes a node takes at most in its run, and what is written before the run for it, when
 * all that it refers to lies within 64 kB. */
static inline size_t act_siblings_node_nbytes_max(const struct act_siblings_node *node)
{
    enum {
        NEAR = 3 /* a distance below 64 kB */
    };
    unsigned count = act_branch_count(node->child_count);
    bool line = node->line_id || node->line_nbytes_short;
    size_t nbytes = 1;
    if (node->has_value)
        nbytes += act_varint_nbytes_of(node->value);
    if (node->child_count)
        nbytes += NEAR + count;
    if (line)
        nbytes += node->line_id ? ACT_VARINT_NBYTES_MAX : NEAR;
    if (line && node->child_count)
        nbytes += 1 + NEAR;
    if (node->line_nbytes_short)
        nbytes += 1 + node->line_nbytes_short;
    return nbytes;
}

/* What a jump table takes at most, in a page. */
static inline size_t act_siblings_table_nbytes_max(size_t count)
{
    return count < 2 ? 0 : 1 + 2 * (count - 1);
}

/*
 * Writes the run at place->end and moves that. `lines` is what line_at counts from;
 * ACT_LINE_SLACK_NBYTES after each line must be readable. Returns the id of the first node.
 */
uint64_t act_siblings_write(struct act_siblings_place *place, const struct act_siblings_node *nodes,
                            size_t count, const uint8_t *lines);

/* Writes a node by itself, the root, with its line and branch. Returns its id. */
uint64_t act_siblings_write_root(struct act_siblings_place *place,
                                 const struct act_siblings_node *node, const uint8_t *lines);

#endif
