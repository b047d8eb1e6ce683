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
#include "build/path.h"
#include "build/siblings.h"
#include "build/sink.h"
#include "build/task.h"

/* A node that has come and is not written: a cache line, which is all that is copied of it. */
struct act_indexed_node {
    /* `line` counts from act_indexed.lines. While what is below is not written, `child` is the
     * number of a group, and `bytes_at` counts from act_indexed.kept_bytes; afterwards `child` is
     * an id, and `bytes_at` counts from act_indexed.pending_bytes. */
    struct act_siblings_node node;
    size_t lines_begin;       /* in act_indexed.lines: here begin those of all below it */
    size_t groups_begin;      /* in act_indexed.groups: of all below it; `child` is the last one */
    uint64_t siblings_above;  /* nothing below this one and those before it refers to line data
                                 outside of it from here on */
    uint32_t below_nbytes;    /* what all below it takes at most; 0 when it is written */
    uint32_t siblings_nbytes; /* of this one and those before it, with what is below them */
};

/* The children of a node that is not written, in act_indexed.kept. */
struct act_indexed_group {
    size_t begin;
    size_t count;
};

struct act_indexed {
    struct act_sink sink;
    struct act_pages pages;
    struct act_hot hot;
    struct act_indexed_node *pending; /* a stack of nodes that wait for their parents */
    uint8_t *pending_bytes; /* ACT_MASK_NBYTES for each: of its children, when they are written */
    size_t pending_count;
    size_t pending_capacity;          /* of both */
    struct act_indexed_group *groups; /* children before parents; a stack too */
    uint64_t *group_ids;              /* of the first node of each, when it is written */
    size_t groups_count;
    size_t groups_capacity;         /* of both */
    struct act_siblings_node *kept; /* the nodes of the groups; `child` is the number of a group */
    uint8_t *kept_bytes; /* which lead to them; where a group is of many, its mask instead */
    size_t kept_count;
    size_t kept_capacity; /* of both */
    uint8_t *lines;       /* of all these nodes */
    size_t lines_used;
    size_t lines_capacity;
    struct act_build_counts counts;
};

/* Starts a file. Errors: those of act_sink_open. */
act_status act_indexed_open(struct act_indexed *indexed, const char *path, act_error *error);

/*
 * Starts a part of a file, in memory: pages in `sink`, from position ACT_PAGE_NBYTES on; hot runs
 * in `hot`. It is ended by act_indexed_lift. ACT_ERR_NOMEM.
 */
act_status act_indexed_open_part(struct act_indexed *indexed, act_error *error);

/* Starts a part anew, in the same memory. */
void act_indexed_clear(struct act_indexed *indexed);

/*
 * Takes all nodes out that wait for parents, which are the open ones of `path`: what is below them
 * is written; they become a run of `to` for each parent that has any. ACT_ERR_NOMEM.
 */
act_status act_indexed_lift(struct act_indexed *indexed, const struct act_path *path,
                            struct act_hot *to, act_error *error);

/* Puts a node that was lifted, and came back in `run`, where the others wait; its parent will be
 * hot. ACT_ERR_NOMEM. */
act_status act_indexed_put(struct act_indexed *indexed, const struct act_hot_run *run, size_t index,
                           act_error *error);

/* Takes the open nodes of `path` that are deeper than `depth`. ACT_ERR_IO, ACT_ERR_NOMEM: only
 * closing is left. */
act_status act_indexed_close_open(struct act_indexed *indexed, struct act_path *path, size_t depth,
                                  act_error *error);

/* Takes what is complete when a key comes that shares `common` bytes with the last one of `path`.
 * ACT_ERR_IO, ACT_ERR_NOMEM: only closing is left. */
act_status act_indexed_part(struct act_indexed *indexed, struct act_path *path, size_t common,
                            act_error *error);

/*
 * Ends the file with all that is open; `complete`: the last key is complete, and there are open
 * nodes. Fills what it knows of the report, whose `keys` must be set.
 * ACT_ERR_IO, ACT_ERR_NOMEM.
 */
act_status act_indexed_finish(struct act_indexed *indexed, struct act_path *path, bool complete,
                              uint64_t key_nbytes_longest, bool sync, act_build_report *report,
                              act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_indexed_close(struct act_indexed *indexed);

#endif
