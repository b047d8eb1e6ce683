/* What options of opening ask for besides a map. */
#ifndef ACT_READ_MAPPING_H
#define ACT_READ_MAPPING_H

#include "read/map.h"

/* Whether the options on pages make sense. ACT_OK or ACT_ERR_INVALID. */
act_status act_mapping_check(const act_open_options *options, act_error *error);

/*
 * Does what the options on pages say, for a map that was opened with them. After an error the map
 * is as good, and to be closed. The errors are those of act_map_open.
 */
act_status act_mapping_set_up(struct act_map *map, const act_open_options *options,
                              act_error *error);

/* How much of a map is locked. */
uint64_t act_mapping_locked_nbytes(const struct act_map *map);

/* Undoes what closing memory that is not mapped would leave. */
void act_mapping_tear_down(struct act_map *map);

#endif
