/* Checking what was merged into an indexed file. */
#ifndef ACT_VERIFY_SEGMENTS_H
#define ACT_VERIFY_SEGMENTS_H

#include "verify/sweep.h"

/*
 * Whether the header names the root that the newest segment, if the file ends in one, is for; and
 * whether that segment's footer is what its checksum says. To be called before the sweep, for a
 * file with a valid index. ACT_OK; ACT_ERR_CORRUPT.
 */
act_status act_segments_check_newest(struct act_sweep *sweep, act_error *error);

/*
 * Compares the checksums of all segments, from the newest down to the file as it was built. With
 * `only_segments`, which `map->segmented` says, all that was merged is one; else there may be what
 * another program has merged, which has none, above and below and between them. `*whole_ret` tells
 * whether they reach to the end of the file, with nothing left out. ACT_OK; ACT_ERR_CORRUPT;
 * ACT_STOPPED.
 */
act_status act_segments_check_sums(struct act_sweep *sweep, bool only_segments, bool *whole_ret,
                                   act_error *error);

#endif
