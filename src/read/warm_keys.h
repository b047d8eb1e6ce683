/* Warming up for keys, within limits that are the caller's. */
#ifndef ACT_READ_WARM_KEYS_H
#define ACT_READ_WARM_KEYS_H

#include "read/map.h"

/* As act_map_warm_keys, of no more pages than `most_pages`, besides what memory and budget allow.
 * The map and the keys are there, and so is the place for the report. */
act_status act_warm_keys_within(const struct act_map *map, const act_slice *keys, size_t count,
                                uint64_t most_pages, act_progress_fn progress, void *context,
                                act_warm_report *report_ret, act_error *error);

#endif
