#include "build/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "os/memory.h"

/* What a part takes at the most, with what is made of it; see docs/PERFORMANCE.md. Parts that are
 * waiting may take half of the memory that the program may use. */
#define PART_MEMORY_NBYTES ((uint64_t)6 << 20)

enum {
    /* What a part gathers at least before another is begun, and at most. Small parts spread better
     * over threads, large ones leave less room in their last pages. */
    PART_NBYTES_MIN = 256 << 10,
    PART_NBYTES_MAX = 2 << 20,
    /* That wait to be built or joined, beside one for each thread. */
    PARTS_AHEAD = 2,
    /* So many parts' worth of records are there when the next one is larger. */
    PARTS_TO_GROW = 16
};

static struct act_part *part_of(const struct act_parts *parts, uint64_t number)
{
    return &parts->parts[number % parts->count];
}

/* -------------------------------------------------------------------------------- the threads */

/* From inside: builds the oldest part that nobody has begun, outside. */
static void build_next(struct act_parts *parts)
{
    struct act_part *part = part_of(parts, parts->begun++);
    act_os_monitor_leave(parts->monitor);
    act_part_build(part);
    act_os_monitor_enter(parts->monitor);
    part->built = true;
}

/* Builds parts until told to stop. */
static void work(void *context)
{
    struct act_parts *parts = context;
    act_os_monitor_enter(parts->monitor);
    for (;;) {
        while (!parts->stopping && parts->begun == parts->filled)
            act_os_monitor_wait(parts->monitor);
        if (parts->stopping)
            break;
        build_next(parts);
        act_os_monitor_wake(parts->monitor);
    }
    act_os_monitor_leave(parts->monitor);
}

/* Sees that the oldest part is built, by the caller's thread building any that no other has begun.
 * There must be a part that is not joined. */
static void await_oldest(struct act_parts *parts)
{
    const struct act_part *oldest = part_of(parts, parts->joined);
    act_os_monitor_enter(parts->monitor);
    while (!oldest->built) {
        if (parts->begun == parts->filled)
            act_os_monitor_wait(parts->monitor);
        else
            build_next(parts);
    }
    act_os_monitor_leave(parts->monitor);
}

static act_status join_oldest(struct act_parts *parts, act_error *error)
{
    await_oldest(parts);
    struct act_part *part = part_of(parts, parts->joined++);
    return act_part_join(part, parts->indexed, &parts->path, &parts->run, error);
}

/* -------------------------------------------------------------------------- opening, closing */

/* Starts to fill the next part, in a place that is free. */
static void start_part(struct act_parts *parts, struct act_part *part, size_t first_common)
{
    uint64_t limit_nbytes = parts->records_nbytes / PARTS_TO_GROW;
    if (limit_nbytes > PART_NBYTES_MAX)
        limit_nbytes = PART_NBYTES_MAX;
    if (limit_nbytes < parts->nbytes_min)
        limit_nbytes = parts->nbytes_min;
    parts->limit_nbytes = (size_t)limit_nbytes;
    parts->filling = part;
    act_part_start(parts->filling, first_common);
}

/* How many parts may be there at once, for so many threads: fewer where memory is scarce, and one
 * in the end, which the caller's thread builds. The file is the same. */
static size_t parts_allowed(unsigned thread_count)
{
    size_t count = (size_t)thread_count + PARTS_AHEAD;
    uint64_t available = act_os_memory_available(2 * PART_MEMORY_NBYTES * count, false);
    uint64_t allowed = available / 2 / PART_MEMORY_NBYTES;
    if (allowed < count)
        count = allowed ? (size_t)allowed : 1;
    return count;
}

act_status act_parts_open(struct act_parts *parts, struct act_indexed *indexed,
                          unsigned thread_count, act_error *error)
{
    memset(parts, 0, sizeof(*parts));
    if (thread_count > ACT_PARTS_THREADS_MAX)
        thread_count = ACT_PARTS_THREADS_MAX;
    parts->indexed = indexed;
    parts->count = parts_allowed(thread_count);
    if (thread_count > parts->count)
        thread_count = (unsigned)parts->count;
    parts->parts = calloc(parts->count, sizeof(*parts->parts));
    act_status status = ACT_OK;
    if (!parts->parts || !act_path_open(&parts->path) || !act_hot_run_open(&parts->run))
        status = act_fail_nomem(error);
    for (size_t i = 0; i < parts->count && status == ACT_OK; i++)
        status = act_part_open(&parts->parts[i], error);
    if (status != ACT_OK) {
        act_parts_close(parts);
        return status;
    }
    parts->nbytes_min = PART_NBYTES_MIN;
    start_part(parts, parts->parts, ACT_PART_NO_COMMON);
    parts->monitor = act_os_monitor_new();
    for (unsigned i = 1; parts->monitor && i < thread_count; i++)
        parts->threads[i] = act_os_thread_try(work, parts);
    return ACT_OK;
}

void act_parts_close(struct act_parts *parts)
{
    act_os_monitor_enter(parts->monitor);
    parts->stopping = true;
    act_os_monitor_wake(parts->monitor);
    act_os_monitor_leave(parts->monitor);
    for (unsigned i = 0; i < ACT_PARTS_THREADS_MAX; i++)
        act_os_thread_join(parts->threads[i]);
    act_os_monitor_free(parts->monitor);
    for (size_t i = 0; parts->parts && i < parts->count; i++)
        act_part_close(&parts->parts[i]);
    free(parts->parts);
    act_path_close(&parts->path);
    act_hot_run_close(&parts->run);
    memset(parts, 0, sizeof(*parts));
}

/* ------------------------------------------------------------------------------------- filling */

/* Gives the part that was filled to be built; the next one shares so many bytes with it. */
static void end_part(struct act_parts *parts, size_t next_common)
{
    parts->filling->next_common = next_common;
    parts->records_nbytes += parts->filling->records_nbytes;
    act_os_monitor_enter(parts->monitor);
    parts->filled++;
    act_os_monitor_wake(parts->monitor);
    act_os_monitor_leave(parts->monitor);
}

act_status act_parts_turn(struct act_parts *parts, size_t common, act_error *error)
{
    end_part(parts, common);
    if (parts->filled - parts->joined == parts->count) {
        act_status status = join_oldest(parts, error);
        if (status != ACT_OK)
            return status;
    }
    start_part(parts, part_of(parts, parts->filled), common);
    return ACT_OK;
}

act_status act_parts_finish(struct act_parts *parts, uint64_t key_nbytes_longest, bool sync,
                            act_build_report *report, act_error *error)
{
    act_status status = ACT_OK;
    bool many = parts->filled > 0;
    if (!many) {
        status = act_part_replay(parts->filling, parts->indexed, &parts->path, error);
    } else {
        end_part(parts, ACT_PART_NO_COMMON);
        while (status == ACT_OK && parts->joined < parts->filled)
            status = join_oldest(parts, error);
    }
    if (status != ACT_OK)
        return status;
    return act_indexed_finish(parts->indexed, &parts->path, many, key_nbytes_longest, sync, report,
                              error);
}
