/* Warming parts one after the other, within what there is for all of them. */
#ifndef ACT_SET_WARM_H
#define ACT_SET_WARM_H

#include "set/set.h"

struct act_set_warming {
    const struct act_set *set;
    act_progress_fn progress; /* may be NULL */
    void *context;
    uint64_t total;       /* for the progress; 0: not known */
    uint64_t left;        /* bytes that may be brought in yet */
    act_warm_state state; /* the sums so far */
};

/* Begins. `nbytes_max` is as in act_warm_options. */
void act_set_warming_start(struct act_set_warming *warming, const struct act_set *set,
                           uint64_t nbytes_max, act_progress_fn progress, void *context,
                           uint64_t total);

/*
 * Does what act_map_warm does, for a part. `counted_nbytes` of what is wanted have been brought in,
 * and counted, before. ACT_NOT_FOUND: the part has no such prefix, and nothing is counted.
 */
act_status act_set_warm_part(struct act_set_warming *warming, size_t part,
                             const act_warm_options *options, uint64_t counted_nbytes,
                             act_error *error);

#endif
