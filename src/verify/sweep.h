/*
 * Every reachable node of a map once, in descending order of offset, each checked by the rules of
 * the format.
 *
 * A node lies below its parents, so when the highest node that was reached and not yet taken is
 * taken, all ways to it are known. That makes one pass, without a stack, linear however many paths
 * the map has.
 */
#ifndef ACT_VERIFY_SWEEP_H
#define ACT_VERIFY_SWEEP_H

#include "actree.h"
#include "base/pace.h"
#include "format/node.h"
#include "verify/marks.h"

struct act_sweep {
    const act_map *map;
    struct act_arena arena;
    uint64_t root;
    uint64_t file_nbytes;
    const struct act_index *index; /* NULL in a plain file */
    struct act_marks marks;        /* nodes that were reached and wait for their turn */
    struct act_pace pace;
    /* Where pages are read one by one: what was asked for begins here, and below that is more. */
    uint64_t asked_from;
    uint64_t ask_below; /* when a node below this is taken; 0: nothing is asked for */

    /* The node whose turn it is; valid after act_sweep_next gave ACT_OK. */
    struct act_node node;
    struct act_line line;    /* of a line node */
    unsigned children_count; /* of a line node 0 or 1 */
    uint64_t children[256];  /* their offsets, in order */

    /* Of the nodes so far, as act_verify_report has them. */
    uint64_t nodes;
    uint64_t references;
    uint64_t values;
    uint64_t line_nodes;

    /* After ACT_ERR_CORRUPT. */
    enum act_rule broken_rule;
    uint64_t broken_offset;
};

/* Starts a sweep; calls `progress`, which may be NULL, with offsets swept over, of those and
 * `sums_nbytes` that come after the sweep. Checks the tail of the file, and the headers of an
 * index. ACT_OK; after ACT_STOPPED, ACT_ERR_CORRUPT, ACT_ERR_NOMEM there is nothing to close, but
 * the fields on what is broken hold. */
act_status act_sweep_open(struct act_sweep *sweep, const act_map *map, uint64_t sums_nbytes,
                          act_progress_fn progress, void *context, act_error *error);

void act_sweep_close(struct act_sweep *sweep);

/* Goes on to the next node below. ACT_OK; ACT_END after the last; ACT_STOPPED; ACT_ERR_CORRUPT;
 * ACT_ERR_NOMEM. */
act_status act_sweep_next(struct act_sweep *sweep, act_error *error);

/* Notes which rule is broken, and where; returns ACT_ERR_CORRUPT. */
ACT_COLD ACT_PRINTF(5, 6) act_status
    act_sweep_break(struct act_sweep *sweep, act_error *error, enum act_rule rule, uint64_t offset,
                    const char *format, ...);

/* What failed when the memory of a sweep did. */
act_status act_sweep_fail_nomem(const struct act_sweep *sweep, act_error *error);

#endif
