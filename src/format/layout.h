/*
 * Where things lie in an ACTree03 file, and the bits of its headers. docs/FORMAT.md tells the
 * whole; these are its numbers.
 */
#ifndef ACT_FORMAT_LAYOUT_H
#define ACT_FORMAT_LAYOUT_H

#include <stdint.h>

#define ACT_MAGIC        "ACTree03"
#define ACT_MAGIC_NBYTES 8u

enum {
    ACT_ROOT_OFF = 8,        /* where the root's offset stands, a u64 */
    ACT_ARENA_OFF = 16,      /* where nodes and line data begin */
    ACT_TAIL_NBYTES = 8,     /* zeros after the last object, or the end of a trailer */
    ACT_TRAILER_NBYTES = 16, /* what a merge writes instead: previous trailer, previous root */
    ACT_FILE_NBYTES_MIN = 25 /* header, one byte of root, tail */
};

/* Bits of a node's first byte. */
enum {
    ACT_NODE_LINE = 0x80,     /* a line node; else a branch */
    ACT_NODE_VALUE = 0x40,    /* a value follows */
    ACT_LINE_CHILD = 0x01,    /* of a line: a child offset follows */
    ACT_LINE_RESERVED = 0x3e, /* of a line: zero */
    ACT_BRANCH_COUNT = 0x3f   /* of a branch: number of children, or ACT_BRANCH_MASK */
};

enum {
    ACT_BRANCH_MASK = 32, /* this count says that a mask follows, and 32 children or more */
    ACT_MASK_NBYTES = 32,
    ACT_NODE_NBYTES_MAX = 51 /* header, two varints of 9, a mask */
};

#endif
