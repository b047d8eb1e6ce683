/* What is behind the addresses of a map, and what is noted of it. */
#ifndef ACT_READ_BACKING_H
#define ACT_READ_BACKING_H

#include "read/map.h"

/* Maps the whole file privately, before anybody reads. ACT_ERR_NOMEM, ACT_ERR_IO. */
act_status act_backing_begin_private(struct act_map *map, act_error *error);

/* How much of a map is copied, or mapped privately, by act_map_set_backing. */
uint64_t act_backing_copied_nbytes(const struct act_map *map);
uint64_t act_backing_private_nbytes(const struct act_map *map);

#endif
