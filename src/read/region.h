/* Which bytes of a file a region stands for. */
#ifndef ACT_READ_REGION_H
#define ACT_READ_REGION_H

#include "read/map.h"

/*
 * Puts the region's bytes into `spans`, which is empty before, and to be freed by act_spans_free in
 * any case. NULL: the whole. ACT_OK; ACT_NOT_FOUND, ACT_ERR_INVALID and what a prefix may lead to,
 * as actree/mapping.h has it.
 */
act_status act_region_spans(const struct act_map *map, const act_region *region,
                            struct act_spans *spans, act_error *error);

#endif
