/*
 * Merging sorted runs.
 *
 * A tree of losers (Knuth, TAOCP volume 3, 5.4.1) finds the least of the runs' next keys. What is
 * compared is mostly no keys but numbers: how many bytes a key shares with the one that was given
 * last, and what follows there. Runs know that from how they are written; and when two keys part,
 * the one that loses knows it of the winner. That is offset-value coding (Conner, IBM Technical
 * Disclosure Bulletin 20, 1977; Do and Graefe, "Robust and efficient sorting with offset-value
 * coding", ACM TODS 2023): a byte of a key is looked at about once, however many keys share it.
 */
#ifndef ACT_BUILD_MERGE_H
#define ACT_BUILD_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/duplicates.h"
#include "build/run.h"

struct act_runs_merge_code {
    size_t depth;
    uint64_t cache;
};

struct act_runs_merge {
    struct act_run_reader *readers;    /* one for each run, by the age of the runs */
    struct act_runs_merge_code *codes; /* of their keys at hand */
    size_t *losers;                    /* [1] and on: of the match at that place of the tree */
    size_t count;
    size_t winner;
    uint8_t *key; /* given last */
    size_t key_capacity;
};

/*
 * Begins to merge `count` runs of a file, at least one: older runs first, as of equal keys theirs
 * are the first. Each is read through a buffer of so many bytes, and has its key at hand beside it.
 * ACT_ERR_NOMEM, ACT_ERR_IO.
 */
act_status act_runs_merge_open(struct act_runs_merge *merge, const struct act_os_temp *temp,
                               const struct act_run *runs, size_t count, size_t buffer_nbytes,
                               act_error *error);

/* The next entry. ACT_OK, ACT_END; ACT_ERR_NOMEM and ACT_ERR_IO are final. */
act_status act_runs_merge_next(struct act_runs_merge *merge, act_duplicates duplicates,
                               struct act_joined *joined, act_error *error);

/* Frees it; all-zero bytes are allowed. */
void act_runs_merge_close(struct act_runs_merge *merge);

#endif
