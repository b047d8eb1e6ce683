#include "build/spill.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"

/*
 * What is read or written at a time. Less would make a disk wait for its own movements, more is of
 * no use; with little memory it is less all the same, so that more than two runs can be merged.
 */
enum {
    WRITE_NBYTES_MAX = 1 << 20,
    BATCH_NBYTES_MAX = 2 << 20,
    READ_NBYTES_MAX = 1 << 20,
    READ_NBYTES_MIN = 128 << 10,
    SHARES = 16, /* of little memory */
    TELL_EVERY = 1 << 12
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t act_spill_writer_nbytes(size_t memory_nbytes)
{
    return least(WRITE_NBYTES_MAX, memory_nbytes / SHARES);
}

size_t act_spill_batch_nbytes(size_t memory_nbytes)
{
    return least(BATCH_NBYTES_MAX, memory_nbytes / SHARES);
}

void act_spill_close(struct act_spill *spill)
{
    act_os_temp_close(spill->temp);
    free(spill->runs);
    spill->temp = NULL;
    spill->runs = NULL;
}

/* ----------------------------------------------------------------------------- writing a chunk */

static act_status write_chunk(struct act_spill *spill, struct act_chunk *chunk,
                              struct act_run_writer *writer, struct act_pace *pace,
                              act_error *error)
{
    struct act_joined joined = {.key = {NULL, 0}};
    while (act_chunk_next(chunk, spill->duplicates, &joined)) {
        act_status status = act_run_write(writer, &joined, error);
        if (status != ACT_OK)
            return status;
        if (chunk->next % TELL_EVERY == 0 && !act_pace_tell(pace, chunk->next))
            return ACT_STOPPED;
    }
    pace->before += chunk->count;
    return act_run_finish(writer, &spill->runs[spill->run_count], error);
}

act_status act_spill_write(struct act_spill *spill, struct act_chunk *chunk, struct act_pace *pace,
                           act_error *error)
{
    if (!act_chunk_sort(chunk, pace))
        return ACT_STOPPED;
    pace->before += chunk->count;
    if (!act_reserve(&spill->runs, &spill->run_capacity, spill->run_count + 1,
                     sizeof(*spill->runs)))
        return act_fail_nomem(error);
    act_status status = ACT_OK;
    if (!spill->temp)
        status = act_os_temp_open(spill->folder, &spill->temp, error);
    if (status != ACT_OK)
        return status;
    struct act_run_writer writer;
    status = act_run_writer_open(&writer, spill->temp,
                                 act_spill_writer_nbytes(spill->memory_nbytes), error);
    if (status == ACT_OK)
        status = write_chunk(spill, chunk, &writer, pace, error);
    act_run_writer_close(&writer);
    /* A run that was stopped half way is written again behind what there is of it. */
    if (status != ACT_OK) {
        chunk->next = 0;
        return status;
    }
    spill->report.temp_nbytes += spill->runs[spill->run_count].nbytes;
    spill->report.runs++;
    spill->run_count++;
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------- merging */

/* What a run takes that is being read, beside its buffer: its key. */
static size_t reader_nbytes(const struct act_spill *spill)
{
    return sizeof(struct act_run_reader) + spill->key_nbytes_max + spill->key_nbytes_max / 2;
}

/* What is there for reading runs: not what is for one that is written, or for batches. */
static size_t readers_nbytes(const struct act_spill *spill)
{
    size_t writer_nbytes = act_spill_writer_nbytes(spill->memory_nbytes);
    size_t batches_nbytes = 2 * act_spill_batch_nbytes(spill->memory_nbytes);
    return spill->memory_nbytes - (writer_nbytes > batches_nbytes ? writer_nbytes : batches_nbytes);
}

static size_t smallest_buffer_nbytes(const struct act_spill *spill)
{
    return least(READ_NBYTES_MIN, spill->memory_nbytes / SHARES);
}

/* How many runs can be merged at once; two at least, be the keys ever so long. */
static size_t fan_in(const struct act_spill *spill)
{
    size_t most = readers_nbytes(spill) / (smallest_buffer_nbytes(spill) + reader_nbytes(spill));
    return most < 2 ? 2 : most;
}

/* The buffer of each of so many runs. */
static size_t buffer_nbytes(const struct act_spill *spill, size_t run_count)
{
    size_t share = readers_nbytes(spill) / run_count;
    size_t kept = reader_nbytes(spill);
    size_t nbytes = least(READ_NBYTES_MAX, share > kept ? share - kept : 0);
    size_t smallest = smallest_buffer_nbytes(spill);
    return nbytes < smallest ? smallest : nbytes;
}

static size_t divide_up(size_t number, size_t by)
{
    return number / by + (number % by != 0);
}

unsigned act_spill_passes(const struct act_spill *spill, size_t run_count)
{
    size_t most = fan_in(spill);
    unsigned passes = 0;
    for (; run_count > most; passes++)
        run_count = divide_up(run_count, most);
    return passes;
}

/* Merges some runs into one more of another file. */
static act_status merge_group(const struct act_spill *spill, const struct act_run *runs,
                              size_t count, struct act_os_temp *to, struct act_run *run_ret,
                              struct act_pace *pace, act_error *error)
{
    struct act_runs_merge merge;
    struct act_run_writer writer;
    act_status status = act_runs_merge_open(&merge, spill->temp, runs, count,
                                            buffer_nbytes(spill, count), error);
    if (status != ACT_OK)
        return status;
    status = act_run_writer_open(&writer, to, act_spill_writer_nbytes(spill->memory_nbytes), error);
    uint64_t done = 0;
    while (status == ACT_OK) {
        struct act_joined joined;
        status = act_runs_merge_next(&merge, spill->duplicates, &joined, error);
        if (status == ACT_OK)
            status = act_run_write(&writer, &joined, error);
        if (++done % TELL_EVERY == 0 && !act_pace_tell(pace, done))
            status = ACT_STOPPED;
    }
    if (status == ACT_END)
        status = act_run_finish(&writer, run_ret, error);
    pace->before += done;
    act_run_writer_close(&writer);
    act_runs_merge_close(&merge);
    return status;
}

act_status act_spill_pass(struct act_spill *spill, struct act_pace *pace, act_error *error)
{
    /* Groups as even as can be: no run is copied alone. */
    size_t group_count = divide_up(spill->run_count, fan_in(spill));
    struct act_run *merged = calloc(group_count, sizeof(*merged));
    struct act_os_temp *to = NULL;
    act_status status = merged ? act_os_temp_open(spill->folder, &to, error)
                               : act_fail_nomem(error);
    size_t from = 0;
    for (size_t i = 0; status == ACT_OK && i < group_count; i++) {
        size_t count = divide_up(spill->run_count - from, group_count - i);
        status = merge_group(spill, spill->runs + from, count, to, &merged[i], pace, error);
        from += count;
    }
    if (status != ACT_OK) {
        act_os_temp_close(to);
        free(merged);
        return status;
    }
    act_os_temp_close(spill->temp);
    free(spill->runs);
    spill->temp = to;
    spill->runs = merged;
    spill->run_count = group_count;
    spill->run_capacity = group_count;
    spill->report.temp_nbytes += act_os_temp_nbytes(to);
    spill->report.passes++;
    return ACT_OK;
}

act_status act_spill_merge(const struct act_spill *spill, struct act_runs_merge *merge,
                           act_error *error)
{
    return act_runs_merge_open(merge, spill->temp, spill->runs, spill->run_count,
                               buffer_nbytes(spill, spill->run_count), error);
}
