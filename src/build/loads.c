#include "build/loads.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"

enum {
    PREFETCH_AHEAD = 16,
    PREFETCH_SECOND = 24,     /* bytes further on: many entries go on in another cache line */
    PIECE_NBYTES = 128 << 10, /* read at a time, if it does not make loads too large */
    SMALL_SHARES = 4          /* of a load: it is one at least */
};

/* ------------------------------------------------------------------------------------ planning */

/* What a load takes of these entries, of so many ranges. */
static uint64_t needed_nbytes(const struct act_spread *spread, const struct act_spread_total *total,
                              size_t ranges)
{
    return total->nbytes + total->count * sizeof(struct act_sort_record) +
           spread->run_count * (uint64_t)act_spread_table_nbytes(0, ranges);
}

bool act_loads_too_large(const struct act_spread *spread, size_t range, size_t memory_nbytes)
{
    return needed_nbytes(spread, &spread->totals[range], 1) > memory_nbytes / ACT_LOADS_SHARES;
}

static struct act_spread_total total_of(const struct act_load *load)
{
    struct act_spread_total total = {0, 0};
    for (size_t i = load->from; i < load->to; i++) {
        total.nbytes += load->loads->spread->totals[i].nbytes;
        total.count += load->loads->spread->totals[i].count;
    }
    return total;
}

/* Chooses ranges for a load: as many as fit, one at least. */
static void plan(struct act_loads *loads, struct act_load *load)
{
    const struct act_spread *spread = loads->spread;
    struct act_spread_total total = {0, 0};
    load->from = loads->next;
    while (loads->next < loads->end) {
        total.nbytes += spread->totals[loads->next].nbytes;
        total.count += spread->totals[loads->next].count;
        size_t ranges = loads->next - load->from + 1;
        if (ranges > 1 && needed_nbytes(spread, &total, ranges) > loads->load_nbytes)
            break;
        loads->next++;
    }
    load->to = loads->next;
}

/* ------------------------------------------------------------------------- reading and sorting */

static act_status fail_damaged(const struct act_load *load, act_error *error)
{
    return act_os_temp_fail_damaged(load->loads->spread->temps[0], error);
}

/* Reads what all runs have of the ranges, one after the other. */
static act_status read_pieces(struct act_load *load, size_t nbytes, act_error *error)
{
    const struct act_spread *spread = load->loads->spread;
    size_t row = load->to - load->from + 1;
    if (!act_reserve(&load->tables, &load->tables_capacity, row * spread->run_count,
                     sizeof(*load->tables)) ||
        !act_reserve(&load->places, &load->places_capacity, spread->run_count,
                     sizeof(*load->places)))
        return act_fail_nomem(error);
    act_status status = ACT_OK;
    size_t place = 0;
    for (size_t i = 0; i < spread->run_count && status == ACT_OK; i++) {
        const struct act_spread_run *run = &spread->runs[i];
        uint64_t *table = load->tables + i * row;
        status = act_spread_read_table(spread, run, load->from, load->to, table, error);
        if (status != ACT_OK)
            return status;
        uint64_t piece = table[row - 1] - table[0];
        if (piece > nbytes - place)
            return fail_damaged(load, error);
        status = act_spread_read(spread, run, table[0], load->chunk.block + place, (size_t)piece,
                                 error);
        if (status == ACT_OK)
            act_spread_forget(spread, run, table[0], piece);
        load->places[i] = place;
        place += (size_t)piece;
    }
    return status == ACT_OK && place != nbytes ? fail_damaged(load, error) : status;
}

/* Makes records of the entries in a piece of a range. How many there are, at most so many; SIZE_MAX
 * if they are none. */
static size_t find_entries(const struct act_load *load, size_t begin, size_t end,
                           struct act_sort_record *records, size_t most)
{
    const uint8_t *block = load->chunk.block;
    size_t count = 0;
    while (begin < end && count < most) {
        const uint8_t *p = block + begin;
        struct act_key key = act_key_of_entry(p);
        size_t key_begin = (size_t)(key.bytes - block);
        if (key_begin > end || key.nbytes > end - key_begin)
            return SIZE_MAX;
        records[count++] = (struct act_sort_record){0, begin};
        p = key.bytes + key.nbytes;
        act_varint_read(&p);
        begin = (size_t)(p - block);
    }
    return begin == end ? count : SIZE_MAX;
}

/* Sorts a range, whose records begin at `records`. */
static act_status sort_range(struct act_load *load, size_t range, struct act_sort_record *records,
                             struct act_loads_worker *worker, act_error *error)
{
    const struct act_spread *spread = load->loads->spread;
    size_t row = load->to - load->from + 1;
    size_t expected = (size_t)spread->totals[range].count;
    size_t count = 0;
    for (size_t i = 0; i < spread->run_count; i++) {
        const uint64_t *table = load->tables + i * row;
        const uint64_t *bounds = table + (range - load->from);
        size_t offset = (size_t)(load->places[i] - table[0]);
        size_t found = find_entries(load, (size_t)bounds[0] + offset, (size_t)bounds[1] + offset,
                                    records + count, expected - count);
        if (found == SIZE_MAX)
            return fail_damaged(load, error);
        count += found;
    }
    if (count != expected)
        return fail_damaged(load, error);
    if (count > worker->capacity) {
        free(worker->records);
        worker->records = NULL;
        worker->capacity = 0;
        if (!act_reserve(&worker->records, &worker->capacity, count + count / 4,
                         sizeof(*worker->records)))
            return act_fail_nomem(error);
    }
    struct act_pace pace = {.progress = NULL};
    act_sort(records, count, worker->records, load->chunk.block, &pace);
    return ACT_OK;
}

/* Leaves one record of each key, moved to the end of those that are left, with its value. */
static void join_equal(struct act_load *load, const struct act_sort_record *records, size_t count)
{
    act_duplicates duplicates = load->loads->duplicates;
    const uint8_t *block = load->chunk.block;
    struct act_sort_record *left = act_chunk_records(&load->chunk) + load->end;
    struct act_key key = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        struct act_key other = act_key_of_entry(block + records[i].entry);
        const uint8_t *p = other.bytes + other.nbytes;
        uint64_t value = act_varint_read(&p);
        if (ACT_UNLIKELY(i && key.nbytes == other.nbytes &&
                         act_common_nbytes(key.bytes, other.bytes, key.nbytes) == key.nbytes)) {
            if (act_join(duplicates, &left[-1].cache, value))
                continue;
            load->clash = true;
            break;
        }
        key = other;
        *left++ = (struct act_sort_record){value, records[i].entry};
    }
    load->end = (size_t)(left - act_chunk_records(&load->chunk));
}

static act_status fill(struct act_load *load, struct act_loads_worker *worker, act_error *error)
{
    struct act_spread_total total = total_of(load);
    if (!act_chunk_prepare(&load->chunk, (size_t)total.nbytes, (size_t)total.count,
                           load->loads->load_nbytes))
        return act_fail_nomem(error);
    if (!act_reserve(&load->ends, &load->ends_capacity, load->to - load->from, sizeof(*load->ends)))
        return act_fail_nomem(error);
    act_status status = read_pieces(load, (size_t)total.nbytes, error);
    struct act_sort_record *records = act_chunk_records(&load->chunk);
    load->end = 0;
    load->clash = false;
    for (size_t i = load->from; i < load->to && status == ACT_OK; i++) {
        size_t count = (size_t)load->loads->spread->totals[i].count;
        status = sort_range(load, i, records, worker, error);
        if (status == ACT_OK && !load->clash)
            join_equal(load, records, count);
        load->ends[i - load->from] = load->end;
        records += count;
    }
    return status;
}

static void work(void *context, unsigned number)
{
    struct act_load *load = context;
    load->status = fill(load, &load->loads->workers[number], &load->error);
}

/* ------------------------------------------------------------------------------ from the caller */

/* Has the next ranges made a load, if there are any. */
static void give(struct act_loads *loads, struct act_load *load)
{
    if (loads->next == loads->end)
        return;
    plan(loads, load);
    load->loads = loads;
    load->job.work = work;
    load->job.context = load;
    load->given = true;
    act_crew_give(&loads->spread->crew, &load->job);
}

act_status act_loads_open(struct act_loads *loads, struct act_spread *spread, size_t from,
                          size_t end, act_duplicates duplicates, size_t memory_nbytes,
                          act_error *error)
{
    memset(loads, 0, sizeof(*loads));
    loads->spread = spread;
    loads->duplicates = duplicates;
    loads->next = from;
    loads->end = end;
    size_t most = memory_nbytes / ACT_LOADS_SHARES;
    uint64_t wanted = (uint64_t)spread->run_count * PIECE_NBYTES;
    loads->load_nbytes = wanted > most                  ? most
                         : wanted < most / SMALL_SHARES ? most / SMALL_SHARES
                                                        : (size_t)wanted;
    loads->workers = calloc(ACT_CREW_WORKERS, sizeof(*loads->workers));
    if (!loads->workers || !act_reserve(&loads->key, &loads->key_capacity, 1, 1))
        return act_fail_nomem(error);
    loads->load_count = spread->crew.thread ? ACT_LOADS : 1;
    for (unsigned i = 0; i < loads->load_count; i++)
        give(loads, &loads->loads[i]);
    return ACT_OK;
}

/* Begins to take from the range at hand: from now on the key begins as its keys do. */
static act_status begin_range(struct act_loads *loads, const struct act_load *load,
                              act_error *error)
{
    struct act_key prefix = act_splitters_prefix(&loads->spread->splitters, load->range);
    if (!act_reserve(&loads->key, &loads->key_capacity, prefix.nbytes + 1, 1))
        return act_fail_nomem(error);
    memcpy(loads->key, prefix.bytes, prefix.nbytes);
    return ACT_OK;
}

/* Waits for the load that is next. ACT_END if there is none. */
static act_status await(struct act_loads *loads, act_error *error)
{
    struct act_load *load = &loads->loads[loads->taken];
    if (!load->given)
        return ACT_END;
    act_crew_await(&loads->spread->crew, &load->job);
    if (load->status != ACT_OK) {
        *error = load->error;
        return load->status;
    }
    load->ready = true;
    load->range = load->from;
    load->next = 0;
    return begin_range(loads, load, error);
}

/* Goes on to a load and a range that have more. ACT_END if there are none. */
static act_status turn(struct act_loads *loads, act_error *error)
{
    for (;;) {
        struct act_load *load = &loads->loads[loads->taken];
        act_status status = load->ready ? ACT_OK : await(loads, error);
        if (status != ACT_OK)
            return status;
        while (load->next == load->ends[load->range - load->from] && load->next < load->end) {
            load->range++;
            status = begin_range(loads, load, error);
            if (status != ACT_OK)
                return status;
        }
        if (load->next < load->end)
            return ACT_OK;
        load->ready = false;
        load->given = false;
        give(loads, load);
        loads->taken = (loads->taken + 1) % loads->load_count;
    }
}

act_status act_loads_next(struct act_loads *loads, struct act_joined *joined, act_error *error)
{
    struct act_load *load = &loads->loads[loads->taken];
    if (ACT_UNLIKELY(!load->ready || load->next == load->ends[load->range - load->from])) {
        act_status status = turn(loads, error);
        if (status != ACT_OK)
            return status;
        load = &loads->loads[loads->taken];
    }
    const uint8_t *block = load->chunk.block;
    const struct act_sort_record *record = act_chunk_records(&load->chunk) + load->next;
    if (ACT_LIKELY(load->end - load->next > PREFETCH_AHEAD)) {
        ACT_PREFETCH(block + record[PREFETCH_AHEAD].entry);
        ACT_PREFETCH(block + record[PREFETCH_AHEAD].entry + PREFETCH_SECOND);
    }
    struct act_key suffix = act_key_of_entry(block + record->entry);
    size_t prefix = loads->spread->splitters.ranges[load->range].nbytes;
    size_t nbytes = prefix + suffix.nbytes;
    if (ACT_UNLIKELY(!act_reserve(&loads->key, &loads->key_capacity, nbytes, 1)))
        return act_fail_nomem(error);
    act_copy_bytes(loads->key + prefix, suffix.bytes, suffix.nbytes);
    joined->key = (struct act_key){loads->key, nbytes};
    joined->value = record->cache;
    joined->clash = load->clash && load->next + 1 == load->end;
    load->next++;
    return ACT_OK;
}

void act_loads_close(struct act_loads *loads)
{
    for (unsigned i = 0; i < ACT_LOADS; i++) {
        act_chunk_close(&loads->loads[i].chunk);
        free(loads->loads[i].tables);
        free(loads->loads[i].places);
        free(loads->loads[i].ends);
    }
    for (unsigned i = 0; loads->workers && i < ACT_CREW_WORKERS; i++)
        free(loads->workers[i].records);
    free(loads->workers);
    free(loads->key);
    memset(loads, 0, sizeof(*loads));
}
