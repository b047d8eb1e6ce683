/*
 * What does not fit into memory: chunks are sorted and written to a temporary file, as runs, and
 * merged in the end. If there are more runs than can be read at once, neighbours are merged to
 * longer runs in another file before.
 */
#ifndef ACT_BUILD_SPILL_H
#define ACT_BUILD_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "base/pace.h"
#include "build/chunk.h"
#include "build/merge.h"
#include "build/run.h"
#include "os/temp.h"

struct act_spill {
    const char *folder; /* of the temporary files, or NULL; the caller's */
    size_t memory_nbytes;
    act_duplicates duplicates;
    struct act_os_temp *temp;
    struct act_run *runs; /* by age */
    size_t run_count;
    size_t run_capacity;
    size_t key_nbytes_max; /* of all keys; the caller's to set, before passes and merge */
    act_sort_report report;
};

/* How many bytes of so much memory writing a run takes; and a batch, of the two that are there for
 * the entries of the last merge. */
size_t act_spill_writer_nbytes(size_t memory_nbytes);
size_t act_spill_batch_nbytes(size_t memory_nbytes);

/* Sorts a chunk, and makes a run of it. ACT_OK, ACT_STOPPED, ACT_ERR_NOMEM, ACT_ERR_IO. */
act_status act_spill_write(struct act_spill *spill, struct act_chunk *chunk, struct act_pace *pace,
                           act_error *error);

/* How many passes over all entries so many runs need before act_spill_merge. */
unsigned act_spill_passes(const struct act_spill *spill, size_t run_count);

/*
 * Makes one such pass. ACT_OK; ACT_STOPPED, ACT_ERR_NOMEM, ACT_ERR_IO: the runs are as they were.
 * Counts entries for `pace`, and adds them to `pace->before`.
 */
act_status act_spill_pass(struct act_spill *spill, struct act_pace *pace, act_error *error);

/* Begins the last merge. */
act_status act_spill_merge(const struct act_spill *spill, struct act_runs_merge *merge,
                           act_error *error);

/* Frees it, and what the disk holds of it. */
void act_spill_close(struct act_spill *spill);

#endif
