/* Former roots of a file. */
#ifndef ACT_READ_HISTORY_H
#define ACT_READ_HISTORY_H

#include "read/map.h"

/* act_map_history for bytes whose root can be decoded. `index` is NULL without a valid one. */
act_status act_history_walk(const uint8_t *bytes, uint64_t file_nbytes, uint64_t root,
                            const struct act_index *index, act_root_fn visit, void *context,
                            act_error *error);

#endif
