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

/*
 * A node whose place is not yet known. Nodes are copied from where they wait to where they are
 * written from, so they are small: what is of varying length lies in arrays beside them.
 */
struct act_siblings_node {
    uint64_t value;
    uint64_t child;  /* id of the first child once it is written */
    uint64_t line;   /* id of line data that were written before, or where they are in `lines` */
    size_t bytes_at; /* where the bytes or the mask of the children are in `bytes`, if any */
    uint16_t child_count; /* 0 to 256 */
    uint8_t line_nbytes;  /* length of a line that is written with the run; 0: there is none */
    uint8_t byte;         /* which leads here from the parent */
    bool has_value;
    bool line_written; /* `line` is an id; line_nbytes is 0 */
};

/* What nodes refer to before they are written. */
struct act_siblings_stores {
    const uint8_t *lines; /* ACT_LINE_SLACK_NBYTES after each line must be readable */
    const uint8_t *bytes; /* ACT_MASK_NBYTES from each place on must be readable */
    const uint64_t *ids;
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
    /* Without a branch: which parts a node has cannot be foretold. */
    size_t value = node->has_value;
    size_t child = node->child_count != 0;
    size_t near_line = node->line_nbytes != 0;
    size_t line = near_line | node->line_written;
    return 1 + value * act_varint_nbytes_of(node->value) +
           child * (NEAR + act_branch_count(node->child_count)) +
           near_line * (NEAR + 1 + (size_t)node->line_nbytes) +
           node->line_written * (size_t)ACT_VARINT_NBYTES_MAX + (line & child) * (1 + NEAR);
}

/* What a jump table takes at most, in a page. */
static inline size_t act_siblings_table_nbytes_max(size_t count)
{
    return 2 * (count - 1) + (count > 1);
}

/* Writes the run at place->end and moves that. Returns the id of the first node. */
uint64_t act_siblings_write(struct act_siblings_place *place, const struct act_siblings_node *nodes,
                            size_t count, struct act_siblings_stores stores);

/* Writes a node by itself, the root, with its line and branch. Returns its id. */
uint64_t act_siblings_write_root(struct act_siblings_place *place,
                                 const struct act_siblings_node *node,
                                 struct act_siblings_stores stores);

#endif
