#include "build/large.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* What is under way. */
struct large {
    const struct act_spread *spread;
    struct act_spill *spill;
    struct act_pace *pace;
    size_t from; /* ranges */
    size_t to;
    uint64_t count; /* of entries that were sorted */
    struct act_chunk chunk;
    uint64_t *table; /* of a run */
    uint8_t *key;    /* room for the longest one */
};

/* Chunks take half of the memory; what was written beside them takes less. */
static size_t chunk_nbytes_max(const struct act_spill *spill)
{
    return spill->memory_nbytes / 2;
}

uint64_t act_large_steps(const struct act_spread *spread, const struct act_spill *spill,
                         size_t from, size_t to)
{
    uint64_t count = 0;
    uint64_t nbytes = 0;
    for (size_t i = from; i < to; i++) {
        const struct act_spread_total *total = &spread->totals[i];
        size_t more = act_splitters_prefix(&spread->splitters, i).nbytes + ACT_VARINT_NBYTES_MAX +
                      sizeof(struct act_sort_record);
        count += total->count;
        nbytes += total->nbytes + total->count * more;
    }
    /* Chunks are half full at least, or have one entry. */
    size_t runs = 2 + (size_t)(nbytes / (chunk_nbytes_max(spill) / 2));
    return (3 + act_spill_passes(spill, runs)) * count;
}

/* Makes a sorted run of the chunk, which is empty afterwards. */
static act_status write_run(struct large *large, act_error *error)
{
    act_status status = act_spill_write(large->spill, &large->chunk, large->pace, error);
    if (status == ACT_OK)
        act_chunk_clear(&large->chunk, chunk_nbytes_max(large->spill));
    return status;
}

static act_status sort_entry(struct large *large, struct act_key key, uint64_t value,
                             act_error *error)
{
    enum act_chunk_added added;
    while ((added = act_chunk_add(&large->chunk, chunk_nbytes_max(large->spill), key, value)) ==
           ACT_CHUNK_FULL) {
        act_status status = write_run(large, error);
        if (status != ACT_OK)
            return status;
    }
    large->pace->before++;
    large->count++;
    return added == ACT_CHUNK_NOMEM ? act_fail_nomem(error) : ACT_OK;
}

/* Sorts entries of a range, as they stand in the file. */
static act_status sort_piece(struct large *large, size_t range, const uint8_t *bytes,
                             const uint8_t *end, act_error *error)
{
    struct act_key prefix = act_splitters_prefix(&large->spread->splitters, range);
    act_status status = ACT_OK;
    while (bytes < end && status == ACT_OK) {
        struct act_key suffix = act_key_of_entry(bytes);
        if (suffix.bytes > end || suffix.nbytes > (size_t)(end - suffix.bytes) ||
            suffix.nbytes > large->spill->key_nbytes_max - prefix.nbytes)
            return act_os_temp_fail_damaged(large->spread->temps[0], error);
        act_copy_bytes(large->key, prefix.bytes, prefix.nbytes);
        act_copy_bytes(large->key + prefix.nbytes, suffix.bytes, suffix.nbytes);
        bytes = suffix.bytes + suffix.nbytes;
        uint64_t value = act_varint_read(&bytes);
        struct act_key whole = {large->key, prefix.nbytes + suffix.nbytes};
        status = sort_entry(large, whole, value, error);
    }
    if (status == ACT_OK && bytes != end)
        return act_os_temp_fail_damaged(large->spread->temps[0], error);
    return status;
}

/* Sorts what a run has of the ranges. */
static act_status sort_run(struct large *large, const struct act_spread_run *run, act_error *error)
{
    size_t count = large->to - large->from;
    const uint64_t *table = large->table;
    act_status status = act_spread_read_table(large->spread, run, large->from, large->to,
                                              large->table, error);
    if (status != ACT_OK)
        return status;
    size_t nbytes = (size_t)(table[count] - table[0]);
    uint8_t *bytes = calloc(1, nbytes + ACT_SORT_SLACK_NBYTES);
    if (!bytes)
        return act_fail_nomem(error);
    status = act_spread_read(large->spread, run, table[0], bytes, nbytes, error);
    for (size_t i = 0; i < count && status == ACT_OK; i++)
        status = sort_piece(large, large->from + i, bytes + (table[i] - table[0]),
                            bytes + (table[i + 1] - table[0]), error);
    free(bytes);
    return status;
}

/* How many entries of the ranges were written. */
static uint64_t count_written(const struct large *large)
{
    uint64_t count = 0;
    for (size_t i = large->from; i < large->to; i++)
        count += large->spread->totals[i].count;
    return count;
}

static act_status make_runs(struct large *large, act_error *error)
{
    act_status status = ACT_OK;
    large->table = malloc(act_spread_table_nbytes(large->from, large->to));
    large->key = malloc(large->spill->key_nbytes_max + 1);
    if (!large->table || !large->key)
        return act_fail_nomem(error);
    for (size_t i = 0; i < large->spread->run_count && status == ACT_OK; i++)
        status = sort_run(large, &large->spread->runs[i], error);
    if (status == ACT_OK && large->count != count_written(large))
        return act_os_temp_fail_damaged(large->spread->temps[0], error);
    /* They are some, so that the chunk has the last one of them. */
    return status == ACT_OK ? write_run(large, error) : status;
}

act_status act_large_sort(const struct act_spread *spread, struct act_spill *spill, size_t from,
                          size_t to, struct act_pace *pace, act_error *error)
{
    struct large large = {.spread = spread, .spill = spill, .pace = pace, .from = from, .to = to};
    act_status status = make_runs(&large, error);
    free(large.table);
    free(large.key);
    act_chunk_close(&large.chunk);
    while (status == ACT_OK && act_spill_passes(spill, spill->run_count))
        status = act_spill_pass(spill, pace, error);
    if (status == ACT_STOPPED) {
        act_spill_close(spill);
        spill->run_count = 0;
        spill->run_capacity = 0;
        spill->report = (act_sort_report){0};
    }
    return status;
}
