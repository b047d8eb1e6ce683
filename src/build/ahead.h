/*
 * A merge that is ahead of whoever takes its entries: while they are taken from one batch, another
 * is filled on a thread of its own.
 */
#ifndef ACT_BUILD_AHEAD_H
#define ACT_BUILD_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/duplicates.h"
#include "build/merge.h"
#include "os/thread.h"

enum {
    ACT_AHEAD_BATCHES = 2
};

struct act_ahead_batch {
    uint8_t *bytes; /* of each entry the key's length, varint; the key; the value, varint */
    size_t used;
    size_t capacity;
    bool clash;        /* of the last entry */
    act_status status; /* what came after it; ACT_OK while there may be more */
    act_error error;
};

struct act_ahead {
    struct act_runs_merge *merge;
    act_duplicates duplicates;
    size_t batch_nbytes;
    struct act_ahead_batch batches[ACT_AHEAD_BATCHES];
    unsigned taken; /* the index of the batch that entries are taken from */
    size_t at;      /* in it */
    struct act_os_thread *thread;
};

/* Begins to fill the first batch, of so many bytes unless a key is longer. The merge is its own
 * from now on, but remains to be closed by the caller. */
void act_ahead_open(struct act_ahead *ahead, struct act_runs_merge *merge,
                    act_duplicates duplicates, size_t batch_nbytes);

/* As act_runs_merge_next, without telling `shared`; `error` is needed. */
act_status act_ahead_next(struct act_ahead *ahead, struct act_joined *joined, act_error *error);

/* Waits for the thread and frees all; all-zero bytes are allowed. */
void act_ahead_close(struct act_ahead *ahead);

#endif
