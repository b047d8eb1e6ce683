/*
 * Looking up many keys at a time. In an indexed file each way down has two parts: the hot region,
 * which is in the caches, and a unit in one page, which mostly is not. All keys of a group go
 * through the first part, and ask for the second; when the last one has asked, what the first one
 * asked for is there. Going down in two parts, rather than changing between keys at each node,
 * keeps what the processor has learned of the way.
 */
#include <string.h>

#include "base/error.h"
#include "read/descent.h"
#include "read/fetch.h"

enum {
    GROUP = 16 /* keys under way at once. Measured; see docs/PERFORMANCE.md */
};

/* A key under way. */
struct lane {
    struct act_descent d;
    enum act_next next;
};

struct batch {
    const struct act_map *map;
    uint64_t *values;
    uint8_t *found;
    act_error *error;
    struct lane lanes[GROUP];
    uint8_t copies[GROUP][ACT_KEY_COPY_NBYTES];
};

static ACT_ALWAYS_INLINE void begin(struct batch *batch, struct lane *lane, const act_slice *key,
                                    uint8_t copy[ACT_KEY_COPY_NBYTES])
{
    const uint8_t *bytes = key->bytes;
    bool padded = act_key_pad(&bytes, key->nbytes, copy);
    lane->d.id = batch->map->root;
    lane->d.key = bytes;
    lane->d.key_end = bytes + key->nbytes;
    lane->next = ACT_LIKELY(padded) ? act_descent_begin(&batch->map->arena, &lane->d)
                                    : ACT_NEXT_ODD;
}

/* ACT_OK, or ACT_ERR_CORRUPT. */
static ACT_ALWAYS_INLINE act_status finish(struct batch *batch, struct lane *lane, size_t at)
{
    enum act_next next = act_descent_finish(&batch->map->arena, &lane->d, lane->next);
    bool found = next == ACT_NEXT_FOUND;
    if (ACT_UNLIKELY(next == ACT_NEXT_ODD)) {
        act_status status = act_descend(batch->map, &lane->d, batch->error);
        if (status != ACT_OK && status != ACT_NOT_FOUND)
            return status;
        found = status == ACT_OK;
    }
    if (batch->values)
        batch->values[at] = found ? lane->d.number : 0;
    if (batch->found)
        batch->found[at / 8] |= (uint8_t)(found << at % 8);
    return ACT_OK;
}

/* Looks up the keys from `at` to `end`, group by group. */
static act_status get_window(struct batch *batch, const act_slice *keys, size_t at, size_t end)
{
    while (at < end) {
        size_t group = end - at < GROUP ? end - at : GROUP;
        for (size_t i = 0; i < group; i++)
            begin(batch, &batch->lanes[i], &keys[at + i], batch->copies[i]);
        for (size_t i = 0; i < group; i++) {
            act_status status = finish(batch, &batch->lanes[i], at + i);
            if (ACT_UNLIKELY(status != ACT_OK))
                return status;
        }
        at += group;
    }
    return ACT_OK;
}

act_status act_map_get_batch(const act_map *map, const act_slice *keys, size_t count,
                             uint64_t *values_ret, uint8_t *found_ret, act_error *error)
{
    if (!map || (!keys && count))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or no keys");
    if (found_ret)
        memset(found_ret, 0, (count + 7) / 8);
    struct batch batch;
    batch.map = map;
    batch.values = values_ret;
    batch.found = found_ret;
    batch.error = error;
    struct act_fetch fetch;
    act_fetch_begin(&fetch, map, keys, count);
    act_status status = ACT_OK;
    for (size_t done = 0; done < count && status == ACT_OK;) {
        size_t window = act_fetch_next(&fetch, done);
        status = get_window(&batch, keys, done, done + window);
        done += window;
    }
    act_fetch_end(&fetch);
    return status;
}
