/* A range over a set: its bounds, and the parts that it touches. */
#ifndef ACT_SET_RANGE_H
#define ACT_SET_RANGE_H

#include "read/bounds.h"
#include "set/set.h"

struct act_set_range {
    struct act_bounds bounds;
    size_t first; /* part */
    size_t last;
    bool is_empty; /* no key can lie within; then the parts mean nothing */
    bool reverse;
    uint64_t limit;
};

/* Copies the bounds of a range, which may be NULL. False if there is no memory. */
bool act_set_range_init(struct act_set_range *own, const struct act_set *set,
                        const act_range *range);
void act_set_range_free(struct act_set_range *own);

/* The range within a part that it touches, without a limit. Bounds that lie in other parts are left
 * out: so nothing is compared with them. Points into the first one. */
act_range act_set_range_in(const struct act_set_range *own, size_t part);

#endif
