#include "build/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "format/varint.h"

/* Appends an entry. False when there is no memory for it. */
static bool append(struct act_ahead_batch *batch, const struct act_joined *joined)
{
    size_t extra = 2 * (size_t)ACT_VARINT_NBYTES_MAX;
    size_t nbytes = joined->key.nbytes;
    if (ACT_UNLIKELY(extra + nbytes > batch->capacity - batch->used) &&
        (nbytes > SIZE_MAX - extra - batch->used ||
         !act_reserve(&batch->bytes, &batch->capacity, batch->used + extra + nbytes, 1)))
        return false;
    uint8_t *p = act_varint_write(batch->bytes + batch->used, nbytes);
    memcpy(p, joined->key.bytes, nbytes);
    p = act_varint_write(p + nbytes, joined->value);
    batch->used = (size_t)(p - batch->bytes);
    return true;
}

/* Fills the batch that no entries are taken from. */
static void fill(void *context)
{
    struct act_ahead *ahead = context;
    struct act_ahead_batch *batch = &ahead->batches[ACT_AHEAD_BATCHES - 1 - ahead->taken];
    struct act_joined joined;
    batch->used = 0;
    batch->clash = false;
    batch->status = act_reserve(&batch->bytes, &batch->capacity, ahead->batch_nbytes, 1)
                        ? ACT_OK
                        : act_fail_nomem(&batch->error);
    size_t enough = ahead->batch_nbytes - ahead->batch_nbytes / 8;
    while (batch->status == ACT_OK && !batch->clash && batch->used < enough) {
        batch->status = act_runs_merge_next(ahead->merge, ahead->duplicates, &joined,
                                            &batch->error);
        if (batch->status != ACT_OK)
            return;
        if (!append(batch, &joined))
            batch->status = act_fail_nomem(&batch->error);
        batch->clash = joined.clash;
    }
}

void act_ahead_open(struct act_ahead *ahead, struct act_runs_merge *merge,
                    act_duplicates duplicates, size_t batch_nbytes)
{
    memset(ahead, 0, sizeof(*ahead));
    ahead->merge = merge;
    ahead->duplicates = duplicates;
    ahead->batch_nbytes = batch_nbytes;
    ahead->thread = act_os_thread_start(fill, ahead);
}

/* Turns to the batch that was filled, and has the other one filled. */
static void turn(struct act_ahead *ahead)
{
    act_os_thread_join(ahead->thread);
    ahead->thread = NULL;
    ahead->taken = ACT_AHEAD_BATCHES - 1 - ahead->taken;
    ahead->at = 0;
    const struct act_ahead_batch *batch = &ahead->batches[ahead->taken];
    if (batch->status == ACT_OK && !batch->clash)
        ahead->thread = act_os_thread_start(fill, ahead);
}

act_status act_ahead_next(struct act_ahead *ahead, struct act_joined *joined, act_error *error)
{
    struct act_ahead_batch *batch = &ahead->batches[ahead->taken];
    if (ACT_UNLIKELY(ahead->at == batch->used)) {
        if (batch->status == ACT_OK) {
            turn(ahead);
            batch = &ahead->batches[ahead->taken];
        }
        if (ahead->at == batch->used) {
            if (batch->status != ACT_END)
                *error = batch->error;
            return batch->status;
        }
    }
    const uint8_t *p = batch->bytes + ahead->at;
    joined->key = act_key_of_entry(p);
    p = joined->key.bytes + joined->key.nbytes;
    joined->value = act_varint_read(&p);
    ahead->at = (size_t)(p - batch->bytes);
    joined->clash = batch->clash && ahead->at == batch->used;
    return ACT_OK;
}

void act_ahead_close(struct act_ahead *ahead)
{
    act_os_thread_join(ahead->thread);
    for (int i = 0; i < ACT_AHEAD_BATCHES; i++)
        free(ahead->batches[i].bytes);
    memset(ahead, 0, sizeof(*ahead));
}
