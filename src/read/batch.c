/*
 * Looking up many keys at a time: in groups, whose keys go down together in rounds, and finish one
 * by one.
 */
#include <string.h>

#include "base/error.h"
#include "read/descent.h"
#include "read/rounds.h"
#include "read/shortcut.h"

enum {
    GROUP = ACT_ROUNDS_KEYS_MAX
};

struct batch {
    const struct act_map *map;
    const struct act_shortcuts *shortcuts;
    const act_slice *keys;
    uint64_t *values;
    uint8_t *found;
    act_error *error;
    struct act_descent descents[GROUP];
    enum act_next next[GROUP];
    uint8_t copies[GROUP][ACT_KEY_COPY_NBYTES];
};

/* Puts the keys at the root, or where a shortcut leads to. */
static ACT_ALWAYS_INLINE void begin(struct batch *batch, const act_slice *keys, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct act_descent *d = &batch->descents[i];
        const uint8_t *key = keys[i].bytes;
        bool padded = act_key_pad(&key, keys[i].nbytes, batch->copies[i]);
        d->key = key;
        d->key_end = key + keys[i].nbytes;
        d->id = padded ? batch->map->root : UINT64_MAX; /* rounds leave that as it is */
        batch->next[i] = padded ? ACT_NEXT_NODE : ACT_NEXT_ODD;
        if (padded && batch->shortcuts)
            act_shortcut_take(batch->shortcuts, d);
        ACT_PREFETCH((const void *)((uintptr_t)batch->map->arena.bytes + (uintptr_t)d->id));
    }
}

/* What was found of a key. ACT_OK, or ACT_ERR_CORRUPT. */
static ACT_ALWAYS_INLINE act_status finish(struct batch *batch, struct act_descent *d,
                                           enum act_next next, size_t at)
{
    if (ACT_LIKELY(next != ACT_NEXT_ODD))
        next = act_descent_finish(&batch->map->arena, d, next);
    bool found = next == ACT_NEXT_FOUND;
    if (ACT_UNLIKELY(next == ACT_NEXT_ODD)) {
        if (d->id == UINT64_MAX)
            d->id = batch->map->root;
        act_status status = act_descend(batch->map, d, batch->error);
        if (status != ACT_OK && status != ACT_NOT_FOUND)
            return status;
        found = status == ACT_OK;
    }
    if (batch->values)
        batch->values[at] = found ? d->number : 0;
    if (batch->found)
        batch->found[at / 8] |= (uint8_t)(found << at % 8);
    return ACT_OK;
}

static act_status get_group(struct batch *batch, size_t done, unsigned count)
{
    const struct act_arena *arena = &batch->map->arena;
    begin(batch, batch->keys + done, count);
    if (arena->jump_end)
        act_rounds(arena, batch->descents, count);
    for (unsigned i = 0; i < count; i++) {
        if (ACT_LIKELY(batch->next[i] == ACT_NEXT_NODE))
            batch->next[i] = act_descent_node(arena, &batch->descents[i]);
        if (batch->next[i] == ACT_NEXT_LINE)
            ACT_PREFETCH(batch->descents[i].line);
    }
    for (unsigned i = 0; i < count; i++) {
        act_status status = finish(batch, &batch->descents[i], batch->next[i], done + i);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
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
    batch.keys = keys;
    batch.values = values_ret;
    batch.found = found_ret;
    batch.error = error;
    batch.shortcuts = act_shortcuts_of(map);
    for (size_t done = 0; done < count; done += GROUP) {
        size_t group = count - done < GROUP ? count - done : GROUP;
        act_status status = get_group(&batch, done, (unsigned)group);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
    }
    if (!batch.shortcuts)
        act_shortcuts_count(map, count);
    return ACT_OK;
}
