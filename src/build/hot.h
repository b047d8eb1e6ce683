/*
 * The hot region: nodes whose subtrees do not fit in a page. There are few of them and every lookup
 * passes through some, so they lie together, at the end of the tree.
 *
 * Where that is shows only when all pages are written. Until then runs of such nodes wait in a
 * spool; what they refer to in pages is known already, and what they refer to among themselves is
 * found when they are written, in the order in which they came: children before parents.
 */
#ifndef ACT_BUILD_HOT_H
#define ACT_BUILD_HOT_H

#include "build/siblings.h"
#include "build/sink.h"
#include "build/spool.h"

/* `child` of a node whose children are in the hot region. */
#define ACT_HOT_CHILD UINT64_MAX

struct act_hot {
    struct act_spool spool;
    uint64_t runs;
    uint64_t base; /* of the ids in what comes next: see act_hot_append */
};

/* A run that was read back: its nodes, whose `child` is an id, and what these refer to. */
struct act_hot_run {
    struct act_siblings_node nodes[256];
    size_t count;
    uint64_t base;
    uint8_t *lines;
    uint8_t bytes[256 * ACT_MASK_NBYTES];
};

/* Starts with no run. `path` is that of the file to be built; NULL: runs stay in memory, for
 * act_hot_append. ACT_ERR_NOMEM. */
act_status act_hot_open(struct act_hot *hot, const char *path, act_error *error);

/* Frees it; all-zero bytes are allowed. */
void act_hot_close(struct act_hot *hot);

/* Adds a run. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_hot_add(struct act_hot *hot, const struct act_siblings_node *nodes, size_t count,
                       struct act_siblings_stores stores, act_error *error);

/* Adds so many runs, as they are in the spool of another one, from `bytes` on; what they refer to
 * in pages lies `base` further on, in wrapping arithmetic. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_hot_append(struct act_hot *hot, const void *bytes, size_t nbytes, uint64_t runs,
                          uint64_t base, act_error *error);

/* Forgets the runs, which are in memory. */
void act_hot_clear(struct act_hot *hot);

/* Room for a run; false when there is no memory. To be freed by act_hot_run_close. */
bool act_hot_run_open(struct act_hot_run *run);
void act_hot_run_close(struct act_hot_run *run);

/* Reads the next run; before the first one, the spool is rewound. ACT_ERR_IO. */
act_status act_hot_read(struct act_hot *hot, struct act_hot_run *run, act_error *error);

/* Writes all runs; the last one is of one node, the root. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_hot_write(struct act_hot *hot, struct act_sink *sink,
                         struct act_build_counts *counts, uint64_t *root_ret, act_error *error);

#endif
