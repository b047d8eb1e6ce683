/* Warming up for keys, which are put together by their parts. */
#include "read/warm_keys.h"

#include <stdlib.h>

#include "base/error.h"
#include "os/memory.h"
#include "set/set.h"

struct keys {
    const struct act_set *set;
    act_slice *sorted; /* by parts */
    size_t *ends;      /* of each part's keys */
    act_progress_fn progress;
    void *context;
    size_t count;
    size_t done; /* of parts that are done */
};

static int tell(void *context, uint64_t done, uint64_t total)
{
    const struct keys *keys = context;
    (void)total;
    return keys->progress(keys->context, keys->done + done, keys->count);
}

/* A counting sort. False without memory. */
static bool sort(struct keys *keys, const act_slice *from)
{
    const struct act_set *set = keys->set;
    size_t *parts = malloc((keys->count + 1) * sizeof(*parts));
    keys->sorted = malloc((keys->count + 1) * sizeof(*keys->sorted));
    keys->ends = calloc(set->manifest.count + 1, sizeof(*keys->ends));
    if (!parts || !keys->sorted || !keys->ends) {
        free(parts);
        return false;
    }
    for (size_t i = 0; i < keys->count; i++) {
        parts[i] = act_locate(&set->locator, from[i].bytes, from[i].nbytes);
        keys->ends[parts[i] + 1]++;
    }
    for (size_t i = 0; i < set->manifest.count; i++)
        keys->ends[i + 1] += keys->ends[i];
    /* What begins where the part before ends moves on to its own end. */
    for (size_t i = 0; i < keys->count; i++)
        keys->sorted[keys->ends[parts[i]]++] = from[i];
    free(parts);
    return true;
}

static act_status warm_part(struct keys *keys, size_t part, uint64_t pages_max,
                            act_warm_report *sum, act_error *error)
{
    size_t first = part ? keys->ends[part - 1] : 0;
    size_t count = keys->ends[part] - first;
    act_warm_report report;
    act_map *map;
    if (!count)
        return ACT_OK;
    act_status status = act_set_pin(keys->set, part, &map, error);
    if (status != ACT_OK)
        return status;
    status = act_warm_keys_within(map, keys->sorted + first, count, pages_max,
                                  keys->progress ? tell : NULL, keys, &report, error);
    act_set_unpin(keys->set, part);
    sum->pages += report.pages;
    sum->pieces += report.pieces;
    sum->keys_done += report.keys_done;
    sum->complete = report.complete;
    keys->done += count;
    return act_set_name_part(keys->set, part, status, error);
}

act_status act_set_warm_keys(const act_set *set, const act_slice *keys, size_t count,
                             act_progress_fn progress, void *context, act_warm_report *report_ret,
                             act_error *error)
{
    act_warm_report report = {0, 0, 0, true};
    act_status status = ACT_OK;
    if (report_ret)
        *report_ret = report;
    if (!set || (!keys && count))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no keys to warm up for");
    struct keys own = {.set = set, .progress = progress, .context = context, .count = count};
    uint64_t pages_max = act_os_memory_available(set->manifest.file_nbytes, false) / 2 /
                         ACT_PAGE_NBYTES;
    bool sorted = count < SIZE_MAX / sizeof(act_slice) && sort(&own, keys);
    if (!sorted)
        status = act_fail_nomem(error);
    for (size_t part = 0;
         sorted && part < set->manifest.count && status == ACT_OK && report.complete; part++)
        status = warm_part(&own, part, pages_max - report.pages, &report, error);
    free(own.sorted);
    free(own.ends);
    if (report_ret)
        *report_ret = report;
    return status;
}
