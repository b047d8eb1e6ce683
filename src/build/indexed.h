/*
 * From completed nodes, in post-order, to the bytes of an indexed file.
 *
 * What is below a node is kept, not yet written, until it is too much for a page. Then what is
 * below each of its children goes into pages, as a unit that crosses no page's border, and the
 * children themselves, as a run, to the hot region. So all that is in memory are the units below
 * open nodes, less than two pages for each, and the nodes that wait for their siblings.
 */
#ifndef ACT_BUILD_INDEXED_H
#define ACT_BUILD_INDEXED_H

#include "build/hot.h"
#include "build/pages.h"
#include "build/siblings.h"
#include "build/sink.h"
#include "build/task.h"

/* A node that has come and is not written. */
struct act_indexed_node {
    struct act_siblings_node node; /* line_at counts from act_indexed.lines */
    size_t parent_depth;
    size_t lines_begin;     /* in act_indexed.lines: here begin those of all below it */
    uint64_t above;         /* nothing below it refers to line data outside of it from here on */
    size_t below_nbytes;    /* what all below it takes at most; 0 when it is written */
    size_t siblings_nbytes; /* of this one and those before it, with what is below them */
    size_t groups_begin;    /* in act_indexed.groups: of all below it; the last one is its own */
    size_t groups_end;
};

/* The children of a node that is not written, in act_indexed.kept. */
struct act_indexed_group {
    size_t begin;
    size_t count;
    uint64_t id; /* of the first one, when it is written */
};

struct act_indexed {
    struct act_sink sink;
    struct act_pages pages;
    struct act_hot hot;
    struct act_indexed_node *pending; /* a stack of nodes that wait for their parents */
    size_t pending_count;
    size_t pending_capacity;
    struct act_indexed_group *groups; /* children before parents; a stack too */
    size_t groups_count;
    size_t groups_capacity;
    struct act_siblings_node *kept; /* the nodes of the groups; `child` is the number of a group */
    size_t kept_count;
    size_t kept_capacity;
    uint8_t *lines; /* of all these nodes */
    size_t lines_used;
    size_t lines_capacity;
    struct act_build_counts counts;
};

/* Starts a file. Errors: those of act_sink_open. */
act_status act_indexed_open(struct act_indexed *indexed, const char *path, act_error *error);

/* Takes a node; nothing of the task is needed when this returns. ACT_ERR_IO, ACT_ERR_NOMEM: only
 * closing is left. */
act_status act_indexed_node(struct act_indexed *indexed, const struct act_build_task *task,
                            act_error *error);

/*
 * Ends the file with its root, the one node that has no parent. Fills what it knows of the report,
 * whose `keys` must be set. ACT_ERR_IO, ACT_ERR_NOMEM.
 */
act_status act_indexed_finish(struct act_indexed *indexed, uint64_t key_nbytes_longest, bool sync,
                              act_build_report *report, act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_indexed_close(struct act_indexed *indexed);

#endif
