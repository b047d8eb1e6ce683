#include "build/spread.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"

enum {
    RANGES_WANTED_MAX = 4096, /* so that one cache line of each is together in a second cache */
    RANGE_NBYTES_MIN = 256,   /* of a block */
    SAMPLES = 16,             /* for each range */
    SAMPLES_MIN = 512
};

/* --------------------------------------------------------------------------------- the ranges */

static struct act_key key_at(const struct act_chunk *chunk, size_t number)
{
    const struct act_sort_record *record = act_chunk_records(chunk) + (chunk->count - 1 - number);
    return act_key_of_entry(chunk->block + record->entry);
}

/* Takes keys of a chunk, evenly; how many of them are above the one before. */
static size_t take_sample(const struct act_chunk *chunk, struct act_sort_record *records,
                          size_t count)
{
    const struct act_sort_record *all = act_chunk_records(chunk) + (chunk->count - 1);
    size_t ascents = 0;
    for (size_t i = 0; i < count; i++) {
        size_t number = (size_t)((uint64_t)i * chunk->count / count);
        records[i].entry = (all - number)->entry;
        ascents += i && act_key_compare_from(act_key_of_entry(chunk->block + records[i - 1].entry),
                                             key_at(chunk, number), 0) < 0;
    }
    return ascents;
}

/* Sorts the sample; how many of its keys are the same as another one. */
static size_t sort_sample(const struct act_chunk *chunk, struct act_sort_record *records,
                          struct act_key *keys, size_t count)
{
    struct act_pace pace = {.progress = NULL};
    act_sort(records, count, NULL, chunk->block, &pace);
    size_t repeated = 0;
    for (size_t i = 0; i < count; i++) {
        keys[i] = act_key_of_entry(chunk->block + records[i].entry);
        repeated += i && act_key_compare_from(keys[i - 1], keys[i], 0) == 0;
    }
    return repeated;
}

/* Makes the ranges, if it suits. */
static act_status make_ranges(struct act_spread *spread, const struct act_chunk *chunk,
                              bool *suits_ret, act_error *error)
{
    size_t wanted = spread->block_nbytes_max / RANGE_NBYTES_MIN;
    if (wanted > RANGES_WANTED_MAX)
        wanted = RANGES_WANTED_MAX;
    size_t count = wanted * SAMPLES < chunk->count ? wanted * SAMPLES : chunk->count;
    if (count < SAMPLES_MIN)
        return ACT_OK;
    struct act_sort_record *records = calloc(count, sizeof(*records));
    struct act_key *keys = calloc(count, sizeof(*keys));
    if (!records || !keys) {
        free(records);
        free(keys);
        return act_fail_nomem(error);
    }
    bool made = true;
    size_t ascents = take_sample(chunk, records, count);
    *suits_ret = ascents > count / 8 && ascents < count - count / 8 &&
                 sort_sample(chunk, records, keys, count) < count / 2;
    if (*suits_ret)
        made = act_splitters_make(&spread->splitters, keys, count, wanted);
    free(records);
    free(keys);
    return made ? ACT_OK : act_fail_nomem(error);
}

/* --------------------------------------------------------------------------- opening, closing */

static act_status open_temps(struct act_spread *spread, const char *folder, unsigned count,
                             act_error *error)
{
    act_status status = ACT_OK;
    for (unsigned i = 0; i < count && status == ACT_OK; i++)
        status = act_os_temp_open(folder, &spread->temps[i], error);
    return status;
}

static act_status open_workers(struct act_spread *spread, unsigned count, act_error *error)
{
    size_t range_count = spread->splitters.range_count;
    spread->totals = calloc(range_count, sizeof(*spread->totals));
    bool there = spread->totals;
    for (unsigned i = 0; i < count; i++) {
        struct act_spread_worker *worker = &spread->workers[i];
        worker->places = calloc(range_count, sizeof(*worker->places));
        worker->counts = calloc(range_count, sizeof(*worker->counts));
        there = there && worker->places && worker->counts;
    }
    return there ? ACT_OK : act_fail_nomem(error);
}

static act_status open_threads(struct act_spread *spread, bool threaded, act_error *error)
{
    spread->block_count = threaded ? ACT_SPREAD_BLOCKS : 1;
    act_status status = open_workers(spread, threaded ? ACT_CREW_WORKERS : 1, error);
    if (status != ACT_OK)
        return status;
    if (threaded)
        spread->monitor = act_os_monitor_new();
    act_crew_open(&spread->crew, spread->monitor);
    for (unsigned i = 0; i < spread->block_count; i++)
        spread->blocks[i].spread = spread;
    return ACT_OK;
}

act_status act_spread_open(struct act_spread *spread, const struct act_chunk *chunk,
                           size_t memory_nbytes, const char *folder, bool threaded, bool *suits_ret,
                           act_error *error)
{
    memset(spread, 0, sizeof(*spread));
    *suits_ret = false;
    if (memory_nbytes < ACT_SPREAD_MEMORY_NBYTES_MIN)
        return ACT_OK;
    spread->block_nbytes_max = memory_nbytes / ACT_SPREAD_SHARES;
    act_status status = make_ranges(spread, chunk, suits_ret, error);
    if (status == ACT_OK && *suits_ret)
        status = open_temps(spread, folder, threaded ? ACT_CREW_WORKERS : 1, error);
    if (status == ACT_OK && *suits_ret)
        status = open_threads(spread, threaded, error);
    if (status != ACT_OK || !*suits_ret)
        act_spread_close(spread);
    return status;
}

static void close_blocks(struct act_spread *spread)
{
    for (unsigned i = 0; i < ACT_SPREAD_BLOCKS; i++)
        act_chunk_close(&spread->blocks[i].own);
    for (unsigned i = 0; i < ACT_CREW_WORKERS; i++) {
        struct act_spread_worker *worker = &spread->workers[i];
        free(worker->bytes);
        free(worker->places);
        free(worker->counts);
        memset(worker, 0, sizeof(*worker));
    }
}

void act_spread_close(struct act_spread *spread)
{
    act_crew_close(&spread->crew);
    close_blocks(spread);
    act_os_monitor_free(spread->monitor);
    for (unsigned i = 0; i < ACT_CREW_WORKERS; i++)
        act_os_temp_close(spread->temps[i]);
    act_splitters_close(&spread->splitters);
    free(spread->totals);
    free(spread->runs);
    memset(spread, 0, sizeof(*spread));
}

/* ----------------------------------------------------------------------------- making of a run */

/* Where in the chunk an entry begins, or where the last one ends. */
static size_t off_of(const struct act_chunk *chunk, size_t number)
{
    return number == chunk->count ? chunk->used
                                  : act_chunk_records(chunk)[chunk->count - 1 - number].entry;
}

/* Finds the range of each entry, which is kept in its record, and what there is of each range. */
static void find_ranges(const struct act_spread_block *block, struct act_spread_worker *worker)
{
    const struct act_splitters *splitters = &block->spread->splitters;
    struct act_chunk *chunk = block->chunk;
    struct act_sort_record *last = act_chunk_records(chunk) + (chunk->count - 1);
    memset(worker->places, 0, splitters->range_count * sizeof(*worker->places));
    memset(worker->counts, 0, splitters->range_count * sizeof(*worker->counts));
    for (size_t i = block->from; i < block->to;) {
        struct act_key keys[ACT_SPLITTERS_TOGETHER];
        size_t ranges[ACT_SPLITTERS_TOGETHER];
        size_t count = block->to - i;
        if (count > ACT_SPLITTERS_TOGETHER)
            count = ACT_SPLITTERS_TOGETHER;
        for (size_t j = 0; j < count; j++)
            keys[j] = act_key_of_entry(chunk->block + (last - i - j)->entry);
        act_splitters_find(splitters, keys, count, ranges);
        for (size_t j = 0; j < count; j++, i++) {
            struct act_sort_record *record = last - i;
            size_t next = i + 1 < block->to ? (record - 1)->entry : off_of(chunk, block->to);
            size_t prefix = splitters->ranges[ranges[j]].nbytes;
            const uint8_t *suffix = keys[j].bytes + prefix;
            record->cache = ranges[j];
            worker->places[ranges[j]] += act_varint_nbytes_of(keys[j].nbytes - prefix) +
                                         (size_t)(chunk->block + next - suffix);
            worker->counts[ranges[j]]++;
        }
    }
}

/* Copies the entries to where they belong. */
static void copy_entries(const struct act_spread_block *block, struct act_spread_worker *worker)
{
    const struct act_chunk *chunk = block->chunk;
    const struct act_splitters_range *ranges = block->spread->splitters.ranges;
    const struct act_sort_record *last = act_chunk_records(chunk) + (chunk->count - 1);
    for (size_t i = block->from; i < block->to; i++) {
        const struct act_sort_record *record = last - i;
        size_t next = i + 1 < block->to ? (record - 1)->entry : off_of(chunk, block->to);
        struct act_key key = act_key_of_entry(chunk->block + record->entry);
        size_t prefix = ranges[record->cache].nbytes;
        size_t *place = &worker->places[record->cache];
        uint8_t *p = act_varint_write(worker->bytes + *place, key.nbytes - prefix);
        size_t nbytes = (size_t)(chunk->block + next - (key.bytes + prefix));
        act_copy_bytes(p, key.bytes + prefix, nbytes);
        *place = (size_t)(p + nbytes - worker->bytes);
    }
}

/* Adds what there is in the run to the totals. */
static void add_to_totals(struct act_spread *spread, const struct act_spread_worker *worker)
{
    act_os_monitor_enter(spread->monitor);
    for (size_t i = 0; i < spread->splitters.range_count; i++) {
        uint64_t bounds[2];
        memcpy(bounds, worker->bytes + i * sizeof(*bounds), sizeof(bounds));
        spread->totals[i].nbytes += bounds[1] - bounds[0];
        spread->totals[i].count += worker->counts[i];
    }
    act_os_monitor_leave(spread->monitor);
}

static act_status make_run(struct act_spread_block *block, struct act_spread_worker *worker,
                           struct act_os_temp *temp, act_error *error)
{
    size_t range_count = block->spread->splitters.range_count;
    size_t table_nbytes = act_spread_table_nbytes(0, range_count);
    size_t entries_nbytes = off_of(block->chunk, block->to) - off_of(block->chunk, block->from);
    size_t needed = table_nbytes + entries_nbytes;
    if (needed > worker->capacity) {
        size_t most = table_nbytes + block->spread->block_nbytes_max;
        needed = needed < most ? most : needed;
        free(worker->bytes);
        worker->capacity = 0;
        worker->bytes = malloc(needed);
        if (!worker->bytes)
            return act_fail_nomem(error);
        worker->capacity = needed;
    }
    find_ranges(block, worker);
    uint64_t begin = 0;
    for (size_t i = 0; i < range_count; i++) {
        size_t here = worker->places[i];
        memcpy(worker->bytes + i * sizeof(begin), &begin, sizeof(begin));
        worker->places[i] = table_nbytes + (size_t)begin;
        begin += here;
    }
    memcpy(worker->bytes + range_count * sizeof(begin), &begin, sizeof(begin));
    copy_entries(block, worker);
    add_to_totals(block->spread, worker);
    block->run = (struct act_spread_run){temp, act_os_temp_nbytes(temp),
                                         table_nbytes + (size_t)begin};
    return act_os_temp_write(temp, worker->bytes, table_nbytes + (size_t)begin, error);
}

static void work(void *context, unsigned number)
{
    struct act_spread_block *block = context;
    struct act_spread *spread = block->spread;
    block->status = make_run(block, &spread->workers[number], spread->temps[number], &block->error);
}

/* --------------------------------------------------------------------------- giving and taking */

/* Takes a block back, when its run is made. */
static act_status take_back(struct act_spread *spread, struct act_spread_block *block,
                            act_error *error)
{
    if (!block->given)
        return ACT_OK;
    act_crew_await(&spread->crew, &block->job);
    block->given = false;
    if (block->status != ACT_OK) {
        *error = block->error;
        return block->status;
    }
    act_chunk_clear(&block->own, spread->block_nbytes_max);
    if (!act_reserve(&spread->runs, &spread->run_capacity, spread->run_count + 1,
                     sizeof(*spread->runs)))
        return act_fail_nomem(error);
    spread->runs[spread->run_count++] = block->run;
    spread->runs_nbytes += block->run.nbytes;
    return ACT_OK;
}

/* Gives away entries of a chunk, in the block that is free, and makes the next one free. */
static act_status give(struct act_spread *spread, struct act_chunk *chunk, size_t from, size_t to,
                       act_error *error)
{
    struct act_spread_block *block = &spread->blocks[spread->filling];
    block->chunk = chunk;
    block->from = from;
    block->to = to;
    block->job.work = work;
    block->job.context = block;
    block->given = true;
    act_crew_give(&spread->crew, &block->job);
    spread->filling = (spread->filling + 1) % spread->block_count;
    return take_back(spread, &spread->blocks[spread->filling], error);
}

static act_status take_all_back(struct act_spread *spread, act_error *error)
{
    act_status status = ACT_OK;
    for (unsigned i = 0; status == ACT_OK && i < spread->block_count; i++) {
        unsigned number = (spread->filling + i) % spread->block_count;
        status = take_back(spread, &spread->blocks[number], error);
    }
    return status;
}

act_status act_spread_turn(struct act_spread *spread, act_error *error)
{
    struct act_chunk *chunk = act_spread_filling(spread);
    return give(spread, chunk, 0, chunk->count, error);
}

act_status act_spread_first(struct act_spread *spread, struct act_chunk *chunk, act_error *error)
{
    act_status status = ACT_OK;
    size_t from = 0;
    while (status == ACT_OK && from < chunk->count) {
        size_t most = off_of(chunk, from) + spread->block_nbytes_max;
        size_t to = from + 1;
        while (to < chunk->count && off_of(chunk, to + 1) <= most)
            to++;
        status = give(spread, chunk, from, to, error);
        from = to;
    }
    return status == ACT_OK ? take_all_back(spread, error) : status;
}

act_status act_spread_end(struct act_spread *spread, act_error *error)
{
    act_status status = ACT_OK;
    if (act_spread_filling(spread)->count)
        status = act_spread_turn(spread, error);
    if (status == ACT_OK)
        status = take_all_back(spread, error);
    if (status == ACT_OK)
        close_blocks(spread);
    return status;
}

/* ------------------------------------------------------------------------------------- reading */

size_t act_spread_table_nbytes(size_t from, size_t to)
{
    return (to - from + 1) * sizeof(uint64_t);
}

act_status act_spread_read_table(const struct act_spread *spread, const struct act_spread_run *run,
                                 size_t from, size_t to, uint64_t *table_ret, act_error *error)
{
    act_status status = act_os_temp_read(run->temp, run->off + from * sizeof(*table_ret), table_ret,
                                         act_spread_table_nbytes(from, to), error);
    if (status != ACT_OK)
        return status;
    uint64_t most = run->nbytes - act_spread_table_nbytes(0, spread->splitters.range_count);
    for (size_t i = to - from + 1; i-- > 0;) {
        if (table_ret[i] > most)
            return act_os_temp_fail_damaged(run->temp, error);
        most = table_ret[i];
    }
    return ACT_OK;
}

act_status act_spread_read(const struct act_spread *spread, const struct act_spread_run *run,
                           uint64_t off, uint8_t *bytes, size_t nbytes, act_error *error)
{
    size_t table_nbytes = act_spread_table_nbytes(0, spread->splitters.range_count);
    return act_os_temp_read(run->temp, run->off + table_nbytes + off, bytes, nbytes, error);
}

void act_spread_forget(const struct act_spread *spread, const struct act_spread_run *run,
                       uint64_t off, uint64_t nbytes)
{
    size_t table_nbytes = act_spread_table_nbytes(0, spread->splitters.range_count);
    act_os_temp_forget(run->temp, run->off + table_nbytes + off, nbytes);
}
