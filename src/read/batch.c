/*
 * Looking up many keys at a time: in windows, whose missing pages are fetched together; in groups,
 * whose keys go down together in rounds, and finish one by one.
 */
#include <string.h>

#include "base/error.h"
#include "os/thread.h"
#include "read/budget.h"
#include "read/checks.h"
#include "read/descent.h"
#include "read/fetch.h"
#include "read/guard.h"
#include "read/rounds.h"
#include "read/shortcut.h"

enum {
    GROUP = ACT_ROUNDS_KEYS_MAX,
    PART_KEYS_MIN = 1024, /* below it starting a thread takes longer than it helps */
    PARTS_MAX = 64
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
    uint8_t tails[GROUP][ACT_KEY_TAIL_NBYTES];
};

/* Puts the keys at the root, or where a shortcut leads to. */
static ACT_ALWAYS_INLINE void begin(struct batch *batch, const act_slice *keys, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct act_descent *d = &batch->descents[i];
        act_descent_start(batch->map, batch->shortcuts, keys[i].bytes, keys[i].nbytes,
                          batch->tails[i], d);
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

/* get_group while there are bytes to compare with their checksums. */
ACT_NOINLINE static act_status get_checked(struct batch *batch, size_t done, unsigned count)
{
    for (size_t at = done; at < done + count; at++) {
        const act_slice *key = &batch->keys[at];
        uint64_t value = 0;
        act_status status = act_get_checked(batch->map, key->bytes, key->nbytes, &value,
                                            batch->error);
        if (status != ACT_OK && status != ACT_NOT_FOUND)
            return status;
        if (batch->values)
            batch->values[at] = value;
        if (batch->found)
            batch->found[at / 8] |= (uint8_t)((status == ACT_OK) << at % 8);
    }
    return ACT_OK;
}

static act_status get_group(struct batch *batch, size_t done, unsigned count)
{
    const struct act_arena *arena = &batch->map->arena;
    begin(batch, batch->keys + done, count);
    if (arena->jump_end)
        act_rounds(arena, batch->descents, count);
    for (unsigned i = 0; i < count; i++) {
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

/* Looks up the keys from `at` to `end`, group by group. */
static act_status get_window(struct batch *batch, size_t at, size_t end)
{
    size_t group = act_map_budget(batch->map) ? ACT_BUDGET_STEPS : GROUP;
    for (; at < end; at += group) {
        size_t count = end - at < group ? end - at : group;
        act_status status = act_checks_pending(batch->map) ? get_checked(batch, at, (unsigned)count)
                                                           : get_group(batch, at, (unsigned)count);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
        act_budget_keep(batch->map);
    }
    return ACT_OK;
}

/* What one thread does of a batch. */
struct part {
    const struct act_map *map;
    const act_slice *keys;
    size_t count;
    uint64_t *values;
    uint8_t *found;
    act_fetch_mode mode;
    act_status status;
    act_error error;
    struct act_os_thread *thread;
};

static void get_part(void *context)
{
    struct part *part = context;
    struct batch batch;
    batch.map = part->map;
    batch.keys = part->keys;
    batch.values = part->values;
    batch.found = part->found;
    batch.error = &part->error;
    batch.shortcuts = act_shortcuts_of(part->map);
    struct act_fetch fetch;
    act_fetch_begin(&fetch, part->map, part->keys, part->count, part->mode);
    part->status = ACT_OK;
    for (size_t done = 0; done < part->count && part->status == ACT_OK;) {
        size_t window = act_fetch_next(&fetch, done);
        part->status = get_window(&batch, done, done + window);
        done += window;
    }
    /* Making shortcuts touches pages of all parts of the tree: not while the disk is waited for. */
    if (!batch.shortcuts && !fetch.cold)
        act_shortcuts_count(part->map, part->count);
    act_fetch_end(&fetch);
}

/* Gives all parts but the first to threads. The first error is the one of the least key. */
static void get_parts(struct part *parts, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        parts[i].thread = act_os_thread_start(get_part, &parts[i]);
    get_part(&parts[0]);
    for (unsigned i = 1; i < count; i++)
        act_os_thread_join(parts[i].thread);
}

static unsigned parts_for(size_t count, const act_batch_options *options)
{
    size_t useful = count / PART_KEYS_MIN;
    size_t parts = options->threads < PARTS_MAX ? options->threads : PARTS_MAX;
    parts = parts < useful ? parts : useful;
    return parts ? (unsigned)parts : 1;
}

act_status act_map_get_batch_with(const act_map *map, const act_slice *keys, size_t count,
                                  uint64_t *values_ret, uint8_t *found_ret,
                                  const act_batch_options *options, act_error *error)
{
    static const act_batch_options defaults = {0, ACT_FETCH_AUTO};
    if (!map || (!keys && count))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or no keys");
    if (!options)
        options = &defaults;
    if (options->fetch != ACT_FETCH_AUTO && options->fetch != ACT_FETCH_NEVER &&
        options->fetch != ACT_FETCH_ALWAYS)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown way to fetch %d",
                        (int)options->fetch);
    if (found_ret)
        memset(found_ret, 0, (count + 7) / 8);
    struct part parts[PARTS_MAX];
    unsigned used = parts_for(count, options);
    /* Parts begin at whole bytes of the bitmap; they are long enough that some are left for the
     * last. */
    size_t each = (count / used + 7) / 8 * 8;
    for (unsigned i = 0; i < used; i++) {
        size_t begin = i * each;
        parts[i].map = map;
        parts[i].keys = keys ? keys + begin : NULL;
        parts[i].count = i == used - 1 ? count - begin : each;
        parts[i].values = values_ret ? values_ret + begin : NULL;
        parts[i].found = found_ret ? found_ret + begin / 8 : NULL;
        parts[i].mode = options->fetch;
    }
    get_parts(parts, used);
    act_status status = ACT_OK;
    for (unsigned i = 0; i < used && status == ACT_OK; i++) {
        status = parts[i].status;
        if (status != ACT_OK && error)
            *error = parts[i].error;
    }
    return act_guarded(map, status, error);
}

act_status act_map_get_batch(const act_map *map, const act_slice *keys, size_t count,
                             uint64_t *values_ret, uint8_t *found_ret, act_error *error)
{
    return act_map_get_batch_with(map, keys, count, values_ret, found_ret, NULL, error);
}
