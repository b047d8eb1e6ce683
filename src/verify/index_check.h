/* The rules of an index that are not about single nodes: its headers, and its checksums. */
#ifndef ACT_VERIFY_INDEX_CHECK_H
#define ACT_VERIFY_INDEX_CHECK_H

#include "verify/sweep.h"

/* Checks the header of an index, its copy, and what they say of the file. ACT_ERR_CORRUPT. */
act_status act_index_check_header(struct act_sweep *sweep, enum act_index_state state,
                                  act_error *error);

/* Compares each block with its checksum, after a sweep. ACT_STOPPED, ACT_ERR_CORRUPT. */
act_status act_index_check_sums(struct act_sweep *sweep, act_error *error);

#endif
