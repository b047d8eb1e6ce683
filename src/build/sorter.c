/*
 * Entries in one growing store: the key's length, varint; the key; the value, varint. Beside them
 * a record for each, which is what is sorted. Memory for an entry: its key, 16 bytes of record, 2
 * to 18 for length and value; up to half as much again is room to grow.
 */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "build/key.h"
#include "build/sort.h"

struct act_sorter {
    uint8_t *store;
    size_t store_used;
    size_t store_capacity;
    struct act_sort_record *records;
    size_t count;
    size_t record_capacity;
    act_duplicates duplicates;
    bool in_order; /* they came sorted, so far */
    bool sorted;   /* act_sorter_sort was called */
    size_t next;
};

act_status act_sorter_open(const act_sorter_options *options, act_sorter **sorter_ret,
                           act_error *error)
{
    if (!sorter_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the sorter");
    *sorter_ret = NULL;
    act_duplicates duplicates = options ? options->duplicates : ACT_DUPLICATES_ERROR;
    if ((int)duplicates < ACT_DUPLICATES_ERROR || (int)duplicates > ACT_DUPLICATES_MAX)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown policy of duplicates %d",
                        (int)duplicates);
    act_sorter *sorter = calloc(1, sizeof(*sorter));
    if (!sorter)
        return act_fail_nomem(error);
    sorter->duplicates = duplicates;
    sorter->in_order = true;
    *sorter_ret = sorter;
    return ACT_OK;
}

void act_sorter_close(act_sorter *sorter)
{
    if (!sorter)
        return;
    free(sorter->records);
    free(sorter->store);
    free(sorter);
}

static struct act_key key_at(const act_sorter *sorter, size_t index)
{
    return act_key_of_entry(sorter->store + sorter->records[index].entry);
}

act_status act_sorter_add(act_sorter *sorter, const void *key, size_t key_nbytes, uint64_t value,
                          act_error *error)
{
    if (ACT_UNLIKELY(!sorter || (!key && key_nbytes)))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, sorter ? "no key" : "no sorter");
    if (ACT_UNLIKELY(sorter->sorted))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "nothing can be added after sorting");
    size_t extra = 2 * (size_t)ACT_VARINT_NBYTES_MAX + ACT_SORT_SLACK_NBYTES;
    if (ACT_UNLIKELY(key_nbytes > SIZE_MAX - extra - sorter->store_used ||
                     !act_reserve(&sorter->store, &sorter->store_capacity,
                                  sorter->store_used + extra + key_nbytes, 1) ||
                     !act_reserve(&sorter->records, &sorter->record_capacity, sorter->count + 1,
                                  sizeof(*sorter->records))))
        return act_fail_nomem(error);

    uint8_t *p = act_varint_write(sorter->store + sorter->store_used, key_nbytes);
    struct act_key added = {p, key_nbytes};
    if (key_nbytes)
        memcpy(p, key, key_nbytes);
    p = act_varint_write(p + key_nbytes, value);
    if (sorter->in_order && sorter->count &&
        act_key_compare_from(key_at(sorter, sorter->count - 1), added, 0) > 0)
        sorter->in_order = false;
    sorter->records[sorter->count++] = (struct act_sort_record){0, sorter->store_used};
    sorter->store_used = (size_t)(p - sorter->store);
    return ACT_OK;
}

act_status act_sorter_sort(act_sorter *sorter, act_progress_fn progress, void *context,
                           act_error *error)
{
    if (!sorter)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no sorter");
    if (sorter->sorted)
        return ACT_OK;
    struct act_pace pace;
    if (!act_pace_start(&pace, progress, context, sorter->count))
        return ACT_STOPPED;
    if (!sorter->in_order && !act_sort(sorter->records, sorter->count, sorter->store, &pace))
        return ACT_STOPPED;
    sorter->sorted = true;
    return ACT_OK;
}

/* --------------------------------------------------------------------------- giving them back */

/* Takes another value of the same key into account. */
static act_status combine(const act_sorter *sorter, struct act_key key, uint64_t value,
                          uint64_t *combined, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    switch (sorter->duplicates) {
    case ACT_DUPLICATES_ERROR:
        return act_fail(error, ACT_ERR_DUPLICATE, ACT_NO_OFFSET, "key %s was given twice",
                        act_quote(quoted, key.bytes, key.nbytes));
    case ACT_DUPLICATES_FIRST:
        break;
    case ACT_DUPLICATES_LAST:
        *combined = value;
        break;
    case ACT_DUPLICATES_SUM:
        if (value > UINT64_MAX - *combined)
            return act_fail(error, ACT_ERR_OVERFLOW, ACT_NO_OFFSET,
                            "the values of key %s add up to more than 2^64 - 1",
                            act_quote(quoted, key.bytes, key.nbytes));
        *combined += value;
        break;
    case ACT_DUPLICATES_MIN:
        if (value < *combined)
            *combined = value;
        break;
    case ACT_DUPLICATES_MAX:
        if (value > *combined)
            *combined = value;
        break;
    }
    return ACT_OK;
}

static uint64_t value_after(struct act_key key)
{
    const uint8_t *p = key.bytes + key.nbytes;
    return act_varint_read(&p);
}

act_status act_sorter_next(act_sorter *sorter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                           uint64_t *value_ret, act_error *error)
{
    enum {
        PREFETCH_AHEAD = 12
    };
    if (ACT_UNLIKELY(!sorter || !sorter->sorted))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        sorter ? "entries are given back after sorting" : "no sorter");
    if (sorter->next == sorter->count)
        return ACT_END;
    struct act_key key = key_at(sorter, sorter->next);
    uint64_t value = value_after(key);
    size_t next = sorter->next + 1;
    for (; next < sorter->count; next++) {
        if (next + PREFETCH_AHEAD < sorter->count)
            ACT_PREFETCH(sorter->store + sorter->records[next + PREFETCH_AHEAD].entry);
        struct act_key other = key_at(sorter, next);
        if (other.nbytes != key.nbytes || memcmp(other.bytes, key.bytes, key.nbytes) != 0)
            break;
        act_status status = combine(sorter, key, value_after(other), &value, error);
        if (status != ACT_OK)
            return status;
    }
    sorter->next = next;
    if (key_ret)
        *key_ret = key.bytes;
    if (key_nbytes_ret)
        *key_nbytes_ret = key.nbytes;
    if (value_ret)
        *value_ret = value;
    return ACT_OK;
}
