#include "read/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"

act_status act_gather_init(struct act_gather *gather, act_visit_run_fn visit, void *context,
                           act_error *error)
{
    memset(gather, 0, sizeof(*gather));
    gather->visit = visit;
    gather->context = context;
    gather->count_max = ACT_GATHER_COUNT_FIRST;
    gather->key_offs = malloc((ACT_GATHER_COUNT + 1) * sizeof(*gather->key_offs));
    gather->values = malloc(ACT_GATHER_COUNT * sizeof(*gather->values));
    if (!gather->key_offs || !gather->values ||
        !act_reserve(&gather->keys, &gather->keys_capacity, 2 * (size_t)ACT_GATHER_NBYTES, 1)) {
        act_gather_free(gather);
        return act_fail_nomem(error);
    }
    gather->key_offs[0] = 0;
    return ACT_OK;
}

void act_gather_free(struct act_gather *gather)
{
    free(gather->keys);
    free(gather->key_offs);
    free(gather->values);
    memset(gather, 0, sizeof(*gather));
}

act_status act_gather_flush(struct act_gather *gather)
{
    act_entry_run run = {.count = gather->count,
                         .keys = gather->keys,
                         .key_offs = gather->key_offs,
                         .values = gather->values};
    gather->count = 0;
    gather->count_max *= 4;
    if (gather->count_max > ACT_GATHER_COUNT)
        gather->count_max = ACT_GATHER_COUNT;
    return run.count && gather->visit(gather->context, &run) ? ACT_STOPPED : ACT_OK;
}

int act_gather_add(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct act_gather *gather = context;
    size_t at = (size_t)gather->key_offs[gather->count];
    if (!act_reserve(&gather->keys, &gather->keys_capacity, at + key_nbytes, 1)) {
        gather->failure = ACT_ERR_NOMEM;
        return 1;
    }
    if (key_nbytes)
        memcpy(gather->keys + at, key, key_nbytes);
    gather->values[gather->count++] = value;
    gather->key_offs[gather->count] = at + key_nbytes;
    if (ACT_LIKELY(gather->count < gather->count_max && at + key_nbytes < ACT_GATHER_NBYTES))
        return 0;
    gather->failure = act_gather_flush(gather);
    return gather->failure != ACT_OK;
}
