/*
 * The sorter: entries are collected in a chunk. Without a limit of memory it grows, is sorted, and
 * gives the entries back. Otherwise, when it is full, either all entries are spread over ranges of
 * keys (build/spread.h), each of which is sorted in the end; or a full chunk becomes a sorted run
 * of a temporary file, and the runs are merged. With a second thread there are then two chunks: one
 * is sorted while the other one is written and filled again; and the merge is ahead of the caller.
 *
 * Ranges that are too large to be sorted in memory, and all between them, become sorted runs after
 * all: in order are then the ranges before these, the runs, and the ranges after them.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "build/ahead.h"
#include "build/chunk.h"
#include "build/large.h"
#include "build/loads.h"
#include "build/merge.h"
#include "build/spill.h"
#include "build/spread.h"
#include "os/memory.h"
#include "os/thread.h"

enum {
    CHUNKS_MAX = 2
};

/* Sorting a chunk on a thread of its own. */
struct job {
    struct act_os_thread *thread; /* NULL when it has ended, or was done at once */
    struct act_chunk *chunk;      /* NULL while there is none */
    atomic_bool stop;
};

/* Where entries are taken from. */
enum source {
    FROM_CHUNK,
    FROM_RUNS,
    FROM_LOADS
};

struct act_sorter {
    act_duplicates duplicates;
    bool threaded; /* by a second one */
    char *folder;  /* of temporary files, or NULL */
    uint64_t added;
    struct act_chunk chunks[CHUNKS_MAX];
    unsigned filling; /* the index of one of them; the other one is the job's */
    size_t chunk_nbytes_max;
    struct act_spill spill;
    struct job job;
    bool spreading; /* instead of making runs */
    bool spread_ended;
    struct act_spread spread;
    size_t runs_from; /* ranges of which sorted runs are made */
    size_t runs_to;
    struct act_loads loads;
    bool ended;  /* act_sorter_sort was called */
    bool sorted; /* and done */
    enum source source;
    struct act_runs_merge merge;
    struct act_ahead ahead; /* of it, with a second thread */
    struct act_key clash;   /* what the failure is about, if it is about a key */
    act_error failure;      /* a final one, or ACT_OK */
};

/* ---------------------------------------------------------------------------- opening, closing */

static act_status check_options(const act_sorter_options *options, act_error *error)
{
    if ((int)options->duplicates < ACT_DUPLICATES_ERROR ||
        (int)options->duplicates > ACT_DUPLICATES_MAX)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown policy of duplicates %d",
                        (int)options->duplicates);
    if (options->memory_nbytes && options->memory_nbytes < ACT_SORTER_MEMORY_NBYTES_MIN)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "%llu bytes of memory are not enough for sorting, which takes %llu",
                        (unsigned long long)options->memory_nbytes,
                        (unsigned long long)ACT_SORTER_MEMORY_NBYTES_MIN);
    return ACT_OK;
}

/* A limit that is more than a quarter of what the program may use is that quarter: whatever the
 * caller does with the entries takes memory too, and so do the files that are written. */
static uint64_t memory_allowed(uint64_t memory_nbytes)
{
    uint64_t quarter = act_os_memory_available(memory_nbytes, false) / 4;
    if (quarter < ACT_SORTER_MEMORY_NBYTES_MIN)
        quarter = ACT_SORTER_MEMORY_NBYTES_MIN;
    return memory_nbytes < quarter ? memory_nbytes : quarter;
}

static void plan_memory(act_sorter *sorter, uint64_t memory_nbytes)
{
    uint64_t allowed = memory_nbytes ? memory_allowed(memory_nbytes) : UINT64_MAX;
    size_t nbytes = allowed < SIZE_MAX / 2 ? (size_t)allowed : SIZE_MAX / 2;
    sorter->spill.memory_nbytes = nbytes;
    size_t beside = act_spill_writer_nbytes(nbytes);
    /* What is in the first chunk is spread block by block, beside it: more than a writer takes. */
    if (memory_nbytes && nbytes >= ACT_SPREAD_MEMORY_NBYTES_MIN)
        beside = nbytes / ACT_SPREAD_SHARES;
    sorter->chunk_nbytes_max = (nbytes - beside) / (sorter->threaded ? CHUNKS_MAX : 1);
}

act_status act_sorter_open(const act_sorter_options *options, act_sorter **sorter_ret,
                           act_error *error)
{
    static const act_sorter_options defaults = {.duplicates = ACT_DUPLICATES_ERROR};
    if (!sorter_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the sorter");
    *sorter_ret = NULL;
    if (!options)
        options = &defaults;
    act_status status = check_options(options, error);
    if (status != ACT_OK)
        return status;
    act_sorter *sorter = calloc(1, sizeof(*sorter));
    if (!sorter)
        return act_fail_nomem(error);
    if (options->temp_dir) {
        size_t nbytes = strlen(options->temp_dir) + 1;
        sorter->folder = malloc(nbytes);
        if (!sorter->folder) {
            free(sorter);
            return act_fail_nomem(error);
        }
        memcpy(sorter->folder, options->temp_dir, nbytes);
    }
    sorter->duplicates = options->duplicates;
    sorter->threaded = options->threads > 1 && options->memory_nbytes;
    sorter->spill.duplicates = options->duplicates;
    sorter->spill.folder = sorter->folder;
    plan_memory(sorter, options->memory_nbytes);
    atomic_init(&sorter->job.stop, false);
    *sorter_ret = sorter;
    return ACT_OK;
}

static void close_chunks(act_sorter *sorter)
{
    for (int i = 0; i < CHUNKS_MAX; i++)
        act_chunk_close(&sorter->chunks[i]);
}

void act_sorter_close(act_sorter *sorter)
{
    if (!sorter)
        return;
    atomic_store(&sorter->job.stop, true);
    act_os_thread_join(sorter->job.thread);
    act_ahead_close(&sorter->ahead);
    act_runs_merge_close(&sorter->merge);
    act_spread_close(&sorter->spread);
    act_loads_close(&sorter->loads);
    act_spill_close(&sorter->spill);
    close_chunks(sorter);
    free(sorter->folder);
    free(sorter);
}

/* ---------------------------------------------------------------------------------- the errors */

/* Remembers an error after which nothing can be done, and passes it on. */
ACT_COLD
static act_status fail_finally(act_sorter *sorter, const act_error *failure, act_error *error)
{
    if (&sorter->failure != failure)
        sorter->failure = *failure;
    if (error)
        *error = *failure;
    return failure->status;
}

/* Why nothing can be done, or ACT_OK. */
static act_status check_usable(act_sorter *sorter, act_error *error)
{
    if (ACT_UNLIKELY(!sorter))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no sorter");
    if (ACT_UNLIKELY(sorter->failure.status != ACT_OK))
        return fail_finally(sorter, &sorter->failure, error);
    return ACT_OK;
}

/* ------------------------------------------------------------------------------ adding entries */

static int asked_to_stop(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    struct job *job = context;
    return atomic_load_explicit(&job->stop, memory_order_relaxed);
}

static void do_job(void *context)
{
    struct job *job = context;
    struct act_pace pace;
    if (act_pace_start(&pace, asked_to_stop, job, 0))
        act_chunk_sort(job->chunk, &pace);
}

/* Waits until the job's chunk is sorted, if there is one. */
static void finish_job(struct job *job)
{
    act_os_thread_join(job->thread);
    job->thread = NULL;
}

/* Makes a run of a chunk, which is empty afterwards. */
static act_status write_run(act_sorter *sorter, struct act_chunk *chunk, struct act_pace *pace,
                            act_error *error)
{
    act_status status = act_spill_write(&sorter->spill, chunk, pace, error);
    if (status == ACT_OK)
        act_chunk_clear(chunk, sorter->chunk_nbytes_max);
    return status;
}

/* Begins to spread entries, if that suits those of the first chunk. */
static act_status try_to_spread(act_sorter *sorter, act_error *error)
{
    struct act_chunk *chunk = &sorter->chunks[sorter->filling];
    act_error failure;
    act_status status = act_spread_open(&sorter->spread, chunk, sorter->spill.memory_nbytes,
                                        sorter->folder, sorter->threaded, &sorter->spreading,
                                        &failure);
    if (status == ACT_OK && sorter->spreading) {
        status = act_spread_first(&sorter->spread, chunk, &failure);
        /* After an error a thread may still be about it, and it goes with the sorter. */
        if (status == ACT_OK)
            act_chunk_close(chunk);
    }
    return status == ACT_OK ? ACT_OK : fail_finally(sorter, &failure, error);
}

/* Makes runs of the chunk that is full, or of the one before. */
static act_status spill_chunk(act_sorter *sorter, act_error *error)
{
    struct act_chunk *chunk = &sorter->chunks[sorter->filling];
    if (sorter->threaded) {
        struct job *job = &sorter->job;
        struct act_chunk *full = chunk;
        finish_job(job);
        chunk = job->chunk;
        job->chunk = full;
        job->thread = act_os_thread_start(do_job, job);
        sorter->filling = CHUNKS_MAX - 1 - sorter->filling;
    }
    if (!chunk)
        return ACT_OK;
    act_error failure;
    struct act_pace pace;
    act_pace_start(&pace, NULL, NULL, 0);
    act_status status = write_run(sorter, chunk, &pace, &failure);
    return status == ACT_OK ? ACT_OK : fail_finally(sorter, &failure, error);
}

/* Makes a place to fill again where there was no more room. */
static act_status make_room(act_sorter *sorter, act_error *error)
{
    act_error failure;
    act_status status = ACT_OK;
    if (!sorter->spreading && !sorter->spill.run_count && !sorter->job.chunk) {
        status = try_to_spread(sorter, error);
        if (status != ACT_OK || sorter->spreading)
            return status;
    }
    if (!sorter->spreading)
        return spill_chunk(sorter, error);
    status = act_spread_turn(&sorter->spread, &failure);
    return status == ACT_OK ? ACT_OK : fail_finally(sorter, &failure, error);
}

/* Puts an entry where there is room for it. */
static enum act_chunk_added add_to_chunk(act_sorter *sorter, struct act_key key, uint64_t value)
{
    if (sorter->spreading)
        return act_chunk_add(act_spread_filling(&sorter->spread), sorter->spread.block_nbytes_max,
                             key, value);
    return act_chunk_add(&sorter->chunks[sorter->filling], sorter->chunk_nbytes_max, key, value);
}

act_status act_sorter_add(act_sorter *sorter, const void *key, size_t key_nbytes, uint64_t value,
                          act_error *error)
{
    act_status status = check_usable(sorter, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (ACT_UNLIKELY(!key && key_nbytes))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no key");
    if (ACT_UNLIKELY(sorter->ended))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "nothing can be added after sorting");
    struct act_key added = {key, key_nbytes};
    for (;;) {
        switch (add_to_chunk(sorter, added, value)) {
        case ACT_CHUNK_ADDED:
            if (key_nbytes > sorter->spill.key_nbytes_max)
                sorter->spill.key_nbytes_max = key_nbytes;
            sorter->added++;
            return ACT_OK;
        case ACT_CHUNK_NOMEM:
            return act_fail_nomem(error);
        case ACT_CHUNK_FULL:
            status = make_room(sorter, error);
            if (status != ACT_OK)
                return status;
        }
    }
}

/* -------------------------------------------------------------------------------------- sorting */

static act_status sort_in_memory(act_sorter *sorter, act_progress_fn progress, void *context)
{
    struct act_chunk *chunk = &sorter->chunks[sorter->filling];
    struct act_pace pace;
    if (!act_pace_start(&pace, progress, context, chunk->count) || !act_chunk_sort(chunk, &pace))
        return ACT_STOPPED;
    return ACT_OK;
}

/* Makes the last runs: of the chunk that is being sorted, if any, and of the one that was filled.
 */
static act_status write_last(act_sorter *sorter, struct act_pace *pace, act_error *error)
{
    struct act_chunk *last = &sorter->chunks[sorter->filling];
    struct job *job = &sorter->job;
    act_status status = ACT_OK;
    if (!act_chunk_sort(last, pace))
        return ACT_STOPPED;
    finish_job(job);
    if (job->chunk)
        status = write_run(sorter, job->chunk, pace, error);
    if (status != ACT_OK)
        return status;
    job->chunk = NULL;
    if (last->count)
        status = write_run(sorter, last, pace, error);
    if (status == ACT_OK)
        close_chunks(sorter);
    return status;
}

static act_status start_merge(act_sorter *sorter, act_error *error)
{
    const struct act_spill *spill = &sorter->spill;
    act_status status = act_spill_merge(spill, &sorter->merge, error);
    if (status != ACT_OK)
        return status;
    sorter->source = FROM_RUNS;
    if (sorter->threaded)
        act_ahead_open(&sorter->ahead, &sorter->merge, sorter->duplicates,
                       act_spill_batch_nbytes(spill->memory_nbytes));
    return ACT_OK;
}

/* Makes the last runs, merges some if there are too many to be merged at once, and begins that. */
static act_status sort_runs(act_sorter *sorter, act_progress_fn progress, void *context,
                            act_error *error)
{
    struct act_spill *spill = &sorter->spill;
    size_t count = sorter->chunks[0].count + sorter->chunks[1].count;
    size_t runs = spill->run_count + (sorter->chunks[0].count > 0) + (sorter->chunks[1].count > 0);
    struct act_pace pace;
    if (!act_pace_start(&pace, progress, context,
                        2 * (uint64_t)count + act_spill_passes(spill, runs) * sorter->added))
        return ACT_STOPPED;
    act_status status = write_last(sorter, &pace, error);
    while (status == ACT_OK && act_spill_passes(spill, spill->run_count))
        status = act_spill_pass(spill, &pace, error);
    return status == ACT_OK ? start_merge(sorter, error) : status;
}

/* ------------------------------------------------------------------------- sorting what is spread
 */

/* Waits until all is spread, and finds the ranges that are too large. */
static act_status end_spread(act_sorter *sorter, act_error *error)
{
    const struct act_spread *spread = &sorter->spread;
    if (sorter->spread_ended)
        return ACT_OK;
    act_status status = act_spread_end(&sorter->spread, error);
    if (status != ACT_OK)
        return status;
    sorter->spread_ended = true;
    sorter->runs_from = spread->splitters.range_count;
    sorter->runs_to = spread->splitters.range_count;
    for (size_t i = spread->splitters.range_count; i-- > 0;) {
        if (!act_loads_too_large(spread, i, sorter->spill.memory_nbytes))
            continue;
        if (sorter->runs_from == spread->splitters.range_count)
            sorter->runs_to = i + 1;
        sorter->runs_from = i;
    }
    return ACT_OK;
}

static act_status start_loads(act_sorter *sorter, size_t from, size_t end, act_error *error)
{
    sorter->source = FROM_LOADS;
    return act_loads_open(&sorter->loads, &sorter->spread, from, end, sorter->duplicates,
                          sorter->spill.memory_nbytes, error);
}

static act_status sort_spread(act_sorter *sorter, act_progress_fn progress, void *context,
                              act_error *error)
{
    act_status status = end_spread(sorter, error);
    if (status != ACT_OK)
        return status;
    struct act_pace pace;
    if (!act_pace_start(&pace, progress, context,
                        sorter->added + act_large_steps(&sorter->spread, &sorter->spill,
                                                        sorter->runs_from, sorter->runs_to)))
        return ACT_STOPPED;
    pace.before = sorter->added;
    if (sorter->runs_from < sorter->runs_to)
        status = act_large_sort(&sorter->spread, &sorter->spill, sorter->runs_from, sorter->runs_to,
                                &pace, error);
    return status == ACT_OK ? start_loads(sorter, 0, sorter->runs_from, error) : status;
}

/* Goes on when what entries were taken from has no more. ACT_END if that was all. */
static act_status turn(act_sorter *sorter, act_error *error)
{
    size_t range_count = sorter->spread.splitters.range_count;
    if (!sorter->spreading)
        return ACT_END;
    if (sorter->source == FROM_LOADS) {
        if (sorter->loads.end == range_count)
            return ACT_END;
        act_loads_close(&sorter->loads);
        return start_merge(sorter, error);
    }
    act_ahead_close(&sorter->ahead);
    act_runs_merge_close(&sorter->merge);
    return start_loads(sorter, sorter->runs_to, range_count, error);
}

act_status act_sorter_sort(act_sorter *sorter, act_progress_fn progress, void *context,
                           act_error *error)
{
    act_status status = check_usable(sorter, error);
    if (status != ACT_OK || sorter->sorted)
        return status;
    sorter->ended = true;
    act_error failure;
    if (sorter->spreading)
        status = sort_spread(sorter, progress, context, &failure);
    else if (sorter->spill.run_count || sorter->job.chunk)
        status = sort_runs(sorter, progress, context, &failure);
    else
        status = sort_in_memory(sorter, progress, context);
    if (status > ACT_STOPPED)
        return fail_finally(sorter, &failure, error);
    sorter->sorted = status == ACT_OK;
    return status;
}

void act_sorter_get_report(const act_sorter *sorter, act_sort_report *report_ret)
{
    *report_ret = sorter->spill.report;
    report_ret->entries = sorter->added;
    if (sorter->spreading) {
        report_ret->runs += sorter->spread.run_count;
        report_ret->temp_nbytes += sorter->spread.runs_nbytes;
    }
}

/* --------------------------------------------------------------------------- giving them back */

/* Says that entries of a key cannot be joined. */
ACT_COLD
static act_status fail_clash(act_sorter *sorter, struct act_key key, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    act_error failure;
    act_quote(quoted, key.bytes, key.nbytes);
    if (sorter->duplicates == ACT_DUPLICATES_SUM)
        act_fail(&failure, ACT_ERR_OVERFLOW, ACT_NO_OFFSET,
                 "the values of key %s add up to more than 2^64 - 1", quoted);
    else
        act_fail(&failure, ACT_ERR_DUPLICATE, ACT_NO_OFFSET, "key %s was given twice", quoted);
    sorter->clash = key;
    return fail_finally(sorter, &failure, error);
}

/* The next entry, from wherever they come. */
static act_status next(act_sorter *sorter, struct act_joined *joined, act_error *error)
{
    act_error failure;
    act_status status;
    do {
        if (sorter->source == FROM_LOADS)
            status = act_loads_next(&sorter->loads, joined, &failure);
        else if (sorter->source == FROM_CHUNK)
            status = act_chunk_next(&sorter->chunks[sorter->filling], sorter->duplicates, joined)
                         ? ACT_OK
                         : ACT_END;
        else if (sorter->threaded)
            status = act_ahead_next(&sorter->ahead, joined, &failure);
        else
            status = act_runs_merge_next(&sorter->merge, sorter->duplicates, joined, &failure);
        if (ACT_LIKELY(status == ACT_OK))
            return ACT_OK;
        if (status == ACT_END) {
            status = turn(sorter, &failure);
            if (status == ACT_END)
                return ACT_END;
        }
    } while (status == ACT_OK);
    return fail_finally(sorter, &failure, error);
}

act_status act_sorter_next(act_sorter *sorter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                           uint64_t *value_ret, act_error *error)
{
    struct act_joined joined = {.key = {NULL, 0}};
    act_status status = check_usable(sorter, error);
    if (ACT_UNLIKELY(status == ACT_OK && !sorter->sorted))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "entries are given back after sorting");
    if (ACT_LIKELY(status == ACT_OK))
        status = next(sorter, &joined, error);
    if (ACT_UNLIKELY(status == ACT_OK && joined.clash))
        status = fail_clash(sorter, joined.key, error);
    if (status == ACT_ERR_DUPLICATE || status == ACT_ERR_OVERFLOW)
        joined.key = sorter->clash;
    else if (status != ACT_OK)
        return status;
    if (key_ret)
        *key_ret = joined.key.bytes;
    if (key_nbytes_ret)
        *key_nbytes_ret = joined.key.nbytes;
    if (value_ret && status == ACT_OK)
        *value_ret = joined.value;
    return status;
}
