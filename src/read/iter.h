/* Inside an iterator: for scans, which are iterators that do not stop between entries. */
#ifndef ACT_READ_ITER_H
#define ACT_READ_ITER_H

#include "read/bounds.h"
#include "read/walk.h"

/* Where an iterator's walk has to go before it steps: rewinding cannot fail, seeking can. */
enum act_iter_pending {
    ACT_ITER_NOWHERE,
    ACT_ITER_TO_LOWER,
    ACT_ITER_TO_UPPER
};

struct act_iter {
    struct act_walk walk;
    struct act_bounds bounds;
    bool reverse;
    uint64_t limit;
    uint64_t used; /* of the limit */
    enum act_iter_pending pending;
    act_status failure; /* ACT_OK, or what every step answers until the next seek */
    act_error failure_error;
};

/* act_iter_open in memory of the caller's; to be ended by act_iter_finish. ACT_ERR_NOMEM. */
act_status act_iter_start(act_iter *iter, const act_map *map, const act_range *range,
                          act_error *error);
void act_iter_finish(act_iter *iter);

/* Goes where the last rewind said, by a seek: as of act_iter_seek. */
act_status act_iter_settle(act_iter *iter, act_error *error);

#endif
