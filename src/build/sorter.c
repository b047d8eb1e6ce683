/*
 * The sorter: entries are collected in a chunk. Without a limit of memory it grows, is sorted, and
 * gives the entries back. Otherwise a full chunk becomes a run of a temporary file, at once or, if
 * there may be a second thread, while another chunk is filled; and the runs are merged, ahead of
 * the caller if there may be a second thread.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "build/ahead.h"
#include "build/chunk.h"
#include "build/merge.h"
#include "build/spill.h"
#include "os/thread.h"

enum {
    CHUNKS_MAX = 2
};

/* Making a run of a chunk, perhaps on a thread of its own. */
struct job {
    struct act_os_thread *thread; /* NULL while there is none */
    struct act_spill *spill;
    struct act_chunk *chunk;
    size_t chunk_nbytes_max;
    atomic_bool stop;
    act_status status;
    act_error error;
};

struct act_sorter {
    act_duplicates duplicates;
    bool limited;  /* in memory */
    bool threaded; /* by a second one */
    char *folder;  /* of temporary files, or NULL */
    uint64_t added;
    struct act_chunk chunks[CHUNKS_MAX];
    unsigned filling; /* the index of one of them; the other one is the job's */
    size_t chunk_nbytes_max;
    struct act_spill spill; /* the job's, while there is one; but what it is told beforehand */
    struct job job;
    size_t job_count; /* begun so far: runs, sooner or later */
    bool sorted;      /* act_sorter_sort was done */
    bool merging;     /* what it gives back comes from here, not from the chunk */
    struct act_merge merge;
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

static void plan_memory(act_sorter *sorter, uint64_t memory_nbytes)
{
    sorter->limited = memory_nbytes != 0;
    if (!sorter->limited || memory_nbytes > SIZE_MAX / 2)
        memory_nbytes = SIZE_MAX / 2;
    size_t chunks_nbytes = (size_t)memory_nbytes - act_spill_writer_nbytes((size_t)memory_nbytes);
    sorter->spill.memory_nbytes = (size_t)memory_nbytes;
    sorter->chunk_nbytes_max = chunks_nbytes / (sorter->threaded ? CHUNKS_MAX : 1);
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
    sorter->job.spill = &sorter->spill;
    sorter->job.chunk_nbytes_max = sorter->chunk_nbytes_max;
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
    act_merge_close(&sorter->merge);
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
    job->status = ACT_STOPPED;
    if (act_pace_start(&pace, asked_to_stop, job, 0))
        job->status = act_spill_write(job->spill, job->chunk, &pace, &job->error);
    if (job->status == ACT_OK)
        act_chunk_clear(job->chunk, job->chunk_nbytes_max);
}

/* Waits until the job is done; then its chunk is empty. */
static act_status finish_job(act_sorter *sorter, act_error *error)
{
    struct job *job = &sorter->job;
    act_os_thread_join(job->thread);
    job->thread = NULL;
    return job->status == ACT_OK ? ACT_OK : fail_finally(sorter, &job->error, error);
}

/* Makes a run of the chunk that is full, and gives another place to fill. */
static act_status spill_chunk(act_sorter *sorter, act_error *error)
{
    act_status status = finish_job(sorter, error);
    if (status != ACT_OK)
        return status;
    sorter->job_count++;
    sorter->job.chunk = &sorter->chunks[sorter->filling];
    if (!sorter->threaded) {
        do_job(&sorter->job);
        return finish_job(sorter, error);
    }
    sorter->filling = CHUNKS_MAX - 1 - sorter->filling;
    sorter->job.thread = act_os_thread_start(do_job, &sorter->job);
    return ACT_OK;
}

act_status act_sorter_add(act_sorter *sorter, const void *key, size_t key_nbytes, uint64_t value,
                          act_error *error)
{
    act_status status = check_usable(sorter, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (ACT_UNLIKELY(!key && key_nbytes))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no key");
    if (ACT_UNLIKELY(sorter->sorted))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "nothing can be added after sorting");
    struct act_key added = {key, key_nbytes};
    for (;;) {
        switch (act_chunk_add(&sorter->chunks[sorter->filling], sorter->chunk_nbytes_max, added,
                              value)) {
        case ACT_CHUNK_ADDED:
            if (key_nbytes > sorter->spill.key_nbytes_max)
                sorter->spill.key_nbytes_max = key_nbytes;
            sorter->added++;
            return ACT_OK;
        case ACT_CHUNK_NOMEM:
            return act_fail_nomem(error);
        case ACT_CHUNK_FULL:
            status = spill_chunk(sorter, error);
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

/* Makes the last run, once the job has made the one before. */
static act_status write_last(act_sorter *sorter, struct act_pace *pace, act_error *error)
{
    struct act_chunk *chunk = &sorter->chunks[sorter->filling];
    if (!act_chunk_sort(chunk, pace))
        return ACT_STOPPED;
    act_status status = finish_job(sorter, error);
    if (status == ACT_OK && chunk->count)
        status = act_spill_write(&sorter->spill, chunk, pace, error);
    if (status == ACT_OK)
        close_chunks(sorter);
    return status;
}

/* Makes the last run, merges some if there are too many to be merged at once, and begins that. */
static act_status sort_runs(act_sorter *sorter, act_progress_fn progress, void *context,
                            act_error *error)
{
    struct act_spill *spill = &sorter->spill;
    uint64_t last = sorter->chunks[sorter->filling].count;
    struct act_pace pace;
    unsigned passes = act_spill_passes(spill, sorter->job_count + (last > 0));
    if (!act_pace_start(&pace, progress, context, 2 * last + passes * sorter->added))
        return ACT_STOPPED;
    act_status status = write_last(sorter, &pace, error);
    while (status == ACT_OK && act_spill_passes(spill, spill->run_count))
        status = act_spill_pass(spill, &pace, error);
    if (status == ACT_OK)
        status = act_spill_merge(spill, &sorter->merge, error);
    if (status != ACT_OK)
        return status;
    sorter->merging = true;
    if (sorter->threaded)
        act_ahead_open(&sorter->ahead, &sorter->merge, sorter->duplicates,
                       act_spill_batch_nbytes(spill->memory_nbytes));
    return ACT_OK;
}

act_status act_sorter_sort(act_sorter *sorter, act_progress_fn progress, void *context,
                           act_error *error)
{
    act_status status = check_usable(sorter, error);
    if (status != ACT_OK || sorter->sorted)
        return status;
    act_error failure;
    status = sorter->job_count ? sort_runs(sorter, progress, context, &failure)
                               : sort_in_memory(sorter, progress, context);
    if (status > ACT_STOPPED)
        return fail_finally(sorter, &failure, error);
    sorter->sorted = status == ACT_OK;
    return status;
}

void act_sorter_get_report(const act_sorter *sorter, act_sort_report *report_ret)
{
    *report_ret = sorter->spill.report;
    report_ret->entries = sorter->added;
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
    if (!sorter->merging)
        return act_chunk_next(&sorter->chunks[sorter->filling], sorter->duplicates, joined)
                   ? ACT_OK
                   : ACT_END;
    act_error failure;
    act_status status = sorter->threaded
                            ? act_ahead_next(&sorter->ahead, joined, &failure)
                            : act_merge_next(&sorter->merge, sorter->duplicates, joined, &failure);
    return status > ACT_END ? fail_finally(sorter, &failure, error) : status;
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
