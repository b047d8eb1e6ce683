/*
 * Scans on several threads.
 *
 * Each part of the range is a scan of its own, on a thread of its own. The caller's thread waits
 * for them in the order of parts, and begins another when one has ended: so all threads that there
 * are are of the parts that come next, and there is nothing to agree on but a flag.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "os/thread.h"
#include "read/map.h"

enum {
    THREADS_MAX = 64,
    PARTS_PER_THREAD = 16
};

/* The keys that the range is split at. */
struct cuts {
    uint8_t *bytes;
    size_t bytes_capacity;
    size_t *ends;
    size_t ends_capacity;
    size_t count;
    bool out_of_memory;
};

struct crew {
    const act_map *map;
    const act_range *range;
    act_part_visit_fn visit;
    void *context;
    struct cuts cuts;
    atomic_bool stop; /* no entry is visited any more */
};

/* A part that is being scanned. */
struct job {
    struct crew *crew;
    struct act_os_thread *thread;
    size_t part;
    bool is_asked_to_stop; /* by `visit`, not by another part */
    act_status status;
    act_error error;
};

/* ---------------------------------------------------------------------------------------- cuts */

static int add_cut(void *context, const uint8_t *key, size_t key_nbytes)
{
    struct cuts *cuts = context;
    size_t at = cuts->count ? cuts->ends[cuts->count - 1] : 0;
    /* A byte more: an empty bound is to have a pointer, too. */
    if (!act_reserve(&cuts->bytes, &cuts->bytes_capacity, at + key_nbytes + 1, 1) ||
        !act_reserve(&cuts->ends, &cuts->ends_capacity, cuts->count + 1, sizeof(*cuts->ends))) {
        cuts->out_of_memory = true;
        return 1;
    }
    memcpy(cuts->bytes + at, key, key_nbytes);
    cuts->ends[cuts->count++] = at + key_nbytes;
    return 0;
}

/* Narrows a range to a part. */
static void narrow(const struct cuts *cuts, size_t part, act_range *range)
{
    if (part > 0) {
        size_t begin = part > 1 ? cuts->ends[part - 2] : 0;
        range->from = cuts->bytes + begin;
        range->from_nbytes = cuts->ends[part - 1] - begin;
    }
    if (part < cuts->count) {
        size_t begin = part > 0 ? cuts->ends[part - 1] : 0;
        range->to = cuts->bytes + begin;
        range->to_nbytes = cuts->ends[part] - begin;
    }
}

/* ---------------------------------------------------------------------------------------- jobs */

static int visit_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct job *job = context;
    struct crew *crew = job->crew;
    if (atomic_load_explicit(&crew->stop, memory_order_relaxed))
        return 1;
    job->is_asked_to_stop = crew->visit(crew->context, job->part, key, key_nbytes, value) != 0;
    return job->is_asked_to_stop;
}

static void scan_part(void *context)
{
    struct job *job = context;
    struct crew *crew = job->crew;
    act_range range = {0};
    if (crew->range)
        range = *crew->range;
    narrow(&crew->cuts, job->part, &range);
    job->status = act_map_scan(crew->map, &range, visit_entry, job, &job->error);
    if (job->status != ACT_OK)
        atomic_store(&crew->stop, true);
}

static void start(struct crew *crew, struct job *job, size_t part, bool on_thread)
{
    memset(job, 0, sizeof(*job));
    job->crew = crew;
    job->part = part;
    if (on_thread)
        job->thread = act_os_thread_start(scan_part, job);
    else
        scan_part(job);
}

/* What the scan comes to when this part has ended and those before came to `status`. */
static act_status finish(struct job *job, act_part_end_fn part_end, act_status status,
                         act_error *error)
{
    struct crew *crew = job->crew;
    act_os_thread_join(job->thread);
    if (status != ACT_OK)
        return status;
    if (job->status == ACT_STOPPED && !job->is_asked_to_stop)
        return ACT_OK; /* for a part that comes later */
    if (job->status > ACT_STOPPED && error)
        *error = job->error;
    if (job->status == ACT_OK && part_end && !atomic_load(&crew->stop) &&
        part_end(crew->context, job->part)) {
        atomic_store(&crew->stop, true);
        return ACT_STOPPED;
    }
    return job->status;
}

static act_status scan_parts(struct crew *crew, const act_parallel_options *options,
                             struct job *jobs, size_t threads, act_error *error)
{
    size_t parts = crew->cuts.count + 1;
    size_t begun = 0;
    act_status status = ACT_OK;
    for (size_t part = 0; part < parts; part++) {
        while (begun < parts && begun < part + threads && !atomic_load(&crew->stop)) {
            start(crew, &jobs[begun % threads], begun, threads > 1);
            begun++;
        }
        if (part == begun)
            break;
        status = finish(&jobs[part % threads], options->part_end, status, error);
    }
    return status;
}

act_status act_map_scan_parallel(const act_map *map, const act_range *range,
                                 const act_parallel_options *options, act_part_visit_fn visit,
                                 void *context, act_error *error)
{
    static const act_parallel_options defaults;
    if (!options)
        options = &defaults;
    if (!map || !visit || (range && (range->reverse || range->limit)))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "no map, no function to call, or a range with a limit or in reverse");
    size_t threads = options->threads ? options->threads : 1;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    size_t parts = options->parts ? options->parts : threads * PARTS_PER_THREAD;
    struct crew crew = {.map = map, .range = range, .visit = visit, .context = context};
    atomic_init(&crew.stop, false);
    struct job *jobs = malloc(threads * sizeof(*jobs));
    if (!jobs)
        return act_fail_nomem(error);
    act_status status = act_map_split(map, range, parts, add_cut, &crew.cuts, error);
    if (crew.cuts.out_of_memory)
        status = act_fail_nomem(error);
    if (status == ACT_OK)
        status = scan_parts(&crew, options, jobs, threads, error);
    free(crew.cuts.bytes);
    free(crew.cuts.ends);
    free(jobs);
    return status;
}
