/*
 * Batches: keys are put together by their parts (a counting sort), each part looks up its own, and
 * the answers go back to where they were asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "set/set.h"

/* So many keys at a time: enough for each part to have a thousand, but no more than a million. */
enum {
    WINDOW_MIN = 64 << 10,
    WINDOW_MAX = 1 << 20,
    KEYS_A_PART = 1024
};

struct batch {
    const struct act_set *set;
    const act_batch_options *options;
    size_t window;    /* the room in the arrays that follow, but `ends` */
    uint32_t *parts;  /* of each key */
    uint32_t *order;  /* where the keys stood before, by parts */
    act_slice *keys;  /* by parts, as the next two */
    uint64_t *values; /* or NULL */
    uint8_t *found;   /* or NULL */
    size_t *ends;     /* of each part's keys */
};

static void close_batch(struct batch *batch)
{
    free(batch->parts);
    free(batch->order);
    free(batch->keys);
    free(batch->values);
    free(batch->found);
    free(batch->ends);
}

static bool open_batch(struct batch *batch, const struct act_set *set, size_t count, bool values,
                       bool found)
{
    size_t wanted = set->manifest.count > WINDOW_MAX / KEYS_A_PART
                        ? WINDOW_MAX
                        : set->manifest.count * KEYS_A_PART;
    if (wanted < WINDOW_MIN)
        wanted = WINDOW_MIN;
    batch->set = set;
    batch->window = count < wanted ? count : wanted;
    batch->parts = malloc(batch->window * sizeof(*batch->parts));
    batch->order = malloc(batch->window * sizeof(*batch->order));
    batch->keys = malloc(batch->window * sizeof(*batch->keys));
    batch->ends = malloc((set->manifest.count + 1) * sizeof(*batch->ends));
    if (values)
        batch->values = malloc(batch->window * sizeof(*batch->values));
    /* Each part's bits begin with a byte of their own. */
    if (found)
        batch->found = malloc(batch->window / 8 + set->manifest.count + 1);
    return batch->parts && batch->order && batch->keys && batch->ends &&
           (!values || batch->values) && (!found || batch->found);
}

/* Sorts the keys by parts. Afterwards part i's are those from ends[i] up to ends[i + 1]. */
static void gather(struct batch *batch, const act_slice *keys, size_t count)
{
    size_t part_count = batch->set->manifest.count;
    size_t *ends = batch->ends;
    memset(ends, 0, (part_count + 1) * sizeof(*ends));
    for (size_t i = 0; i < count; i++) {
        size_t part = act_locate(&batch->set->locator, keys[i].bytes, keys[i].nbytes);
        batch->parts[i] = (uint32_t)part;
        ends[part + 1]++;
    }
    for (size_t part = 0; part < part_count; part++)
        ends[part + 1] += ends[part];
    for (size_t i = 0; i < count; i++) {
        size_t at = ends[batch->parts[i]]++;
        batch->order[at] = (uint32_t)i;
        batch->keys[at] = keys[i];
    }
    /* Each begin has become its end. */
    memmove(ends + 1, ends, part_count * sizeof(*ends));
    ends[0] = 0;
}

/* Puts a part's answers where they belong. `first` is the place of the window's first key. */
static void scatter(const struct batch *batch, size_t begin, size_t end, size_t first,
                    uint64_t *values, uint8_t *found)
{
    for (size_t at = begin; at < end; at++) {
        size_t to = first + batch->order[at];
        if (values)
            values[to] = batch->values[at];
        if (found && batch->found[(at - begin) / 8] >> (at - begin) % 8 & 1)
            found[to / 8] |= (uint8_t)(1u << to % 8);
    }
}

static act_status look_up(struct batch *batch, size_t part, size_t first, uint64_t *values,
                          uint8_t *found, act_error *error)
{
    size_t begin = batch->ends[part];
    size_t end = batch->ends[part + 1];
    act_map *map;
    if (begin == end)
        return ACT_OK;
    act_status status = act_set_pin(batch->set, part, &map, error);
    if (status != ACT_OK)
        return status;
    status = act_map_get_batch_with(map, batch->keys + begin, end - begin,
                                    batch->values ? batch->values + begin : NULL, batch->found,
                                    batch->options, error);
    act_set_unpin(batch->set, part);
    if (status != ACT_OK)
        return act_set_name_part(batch->set, part, status, error);
    scatter(batch, begin, end, first, values, found);
    return ACT_OK;
}

act_status act_set_get_batch(const act_set *set, const act_slice *keys, size_t count,
                             uint64_t *values_ret, uint8_t *found_ret,
                             const act_batch_options *options, act_error *error)
{
    struct batch batch = {.options = options};
    act_status status = ACT_OK;
    if (count == 0)
        return ACT_OK;
    if (open_batch(&batch, set, count, values_ret != NULL, found_ret != NULL)) {
        if (found_ret)
            memset(found_ret, 0, (count + 7) / 8);
        for (size_t first = 0; first < count && status == ACT_OK; first += batch.window) {
            size_t left = count - first;
            gather(&batch, keys + first, left < batch.window ? left : batch.window);
            for (size_t part = 0; part < set->manifest.count && status == ACT_OK; part++)
                status = look_up(&batch, part, first, values_ret, found_ret, error);
        }
    } else {
        status = act_fail_nomem(error);
    }
    close_batch(&batch);
    return status;
}
