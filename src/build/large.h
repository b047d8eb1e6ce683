/*
 * Ranges of spread entries that are too large to be sorted in memory: sorted runs are made of them,
 * which can then be merged.
 */
#ifndef ACT_BUILD_LARGE_H
#define ACT_BUILD_LARGE_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "base/pace.h"
#include "build/spill.h"
#include "build/spread.h"

/* How many entries act_large_sort counts at most. */
uint64_t act_large_steps(const struct act_spread *spread, const struct act_spill *spill,
                         size_t from, size_t to);

/*
 * Makes sorted runs of some ranges, few enough of them to be merged at once; `spill` has none
 * before. ACT_OK; ACT_STOPPED: it has none again; ACT_ERR_IO, ACT_ERR_NOMEM: final.
 */
act_status act_large_sort(const struct act_spread *spread, struct act_spill *spill, size_t from,
                          size_t to, struct act_pace *pace, act_error *error);

#endif
