/*
 * From completed nodes, in post-order, to a file in which equal subtrees are written once.
 *
 * It is the plain layout, but for what need not be written. When the children of a node are
 * complete, they are looked for among the siblings that were written before, be it as a part of a
 * longer run: which byte leads to a child is known to the parent only, so that any nodes that lie
 * back to back are as good. A line whose last bytes are written already, with all that follows, is
 * no line then but a branch with one child. And the branch below a line may be any that is equal.
 *
 * The result is to be no larger than the plain file. A reference that leads far back is longer than
 * one to what is written now; how much, in the worst of cases, is known, though not yet from where
 * it will lead. So accounts are kept: `spare` bytes at least are saved so far, and nothing is done
 * that could cost more than it saves and there is to spare. A reference over another one which grew
 * may take more bytes too; that shows only later, is booked then, and is what a reserve is for.
 * Until there is one, the plain file is written as well, and in the end the smaller one is kept.
 */
#ifndef ACT_BUILD_COMPACT_H
#define ACT_BUILD_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/path.h"
#include "build/plain.h"
#include "build/share.h"
#include "build/task.h"

struct act_compact {
    struct act_plain plain; /* its steps; its batches are not used */
    struct act_plain other; /* the same entries as a plain file, while there is `is_close` */
    bool is_close;          /* the compact file has not been smaller by a reserve yet */
    struct act_shares shares;
    struct act_share *known; /* of each pending node: what it is. `place` is where its child was
                                found, or 0 if that was written for it */
    size_t known_capacity;
    int64_t spare; /* so many bytes less than the plain file has until here, at least */
    uint64_t runs_shared;
};

/*
 * Starts a file; `share_nbytes` is the most memory for knowing what was written before. Errors:
 * those of act_sink_open.
 */
act_status act_compact_open(struct act_compact *compact, const char *path, uint64_t share_nbytes,
                            act_error *error);

/*
 * Takes a node. Its `line` may change when this returns; ACT_LINE_SLACK_NBYTES after it must be
 * readable. Its `line_hash` need not be set. ACT_ERR_IO, ACT_ERR_NOMEM: only closing is left.
 */
act_status act_compact_node(struct act_compact *compact, const struct act_build_task *task,
                            act_error *error);

/* Takes what is complete when a key comes that shares `common` bytes with the last one of `path`.
 * Errors as of act_compact_node. */
act_status act_compact_part(struct act_compact *compact, struct act_path *path, size_t common,
                            act_error *error);

/* Takes all that is open: what is left then is to finish. Errors as of act_compact_node. */
act_status act_compact_end(struct act_compact *compact, struct act_path *path, act_error *error);

/* Ends the file with its root, the one node that has no parent, and fills what it knows of the
 * report. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_compact_finish(struct act_compact *compact, bool sync, act_build_report *report,
                              act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_compact_close(struct act_compact *compact);

#endif
