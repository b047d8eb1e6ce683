/* Scans, over one part after the other. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "set/range.h"
#include "set/set.h"

/* A scan of either kind: what it calls, and what is left of its limit. */
struct set_scan {
    act_visit_fn visit; /* one of these */
    act_visit_run_fn visit_run;
    void *context;
    uint64_t left; /* 0: no limit */
};

static int count_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct set_scan *scan = context;
    scan->left--;
    return scan->visit(scan->context, key, key_nbytes, value);
}

static int count_run(void *context, const act_entry_run *run)
{
    struct set_scan *scan = context;
    scan->left -= run->count;
    return scan->visit_run(scan->context, run);
}

static act_status scan_part(const act_map *map, const act_range *range, struct set_scan *scan,
                            act_error *error)
{
    if (!range->limit)
        return scan->visit ? act_map_scan(map, range, scan->visit, scan->context, error)
                           : act_map_scan_runs(map, range, scan->visit_run, scan->context, error);
    return scan->visit ? act_map_scan(map, range, count_entry, scan, error)
                       : act_map_scan_runs(map, range, count_run, scan, error);
}

static act_status scan_parts(const struct act_set *set, const struct act_set_range *range,
                             struct set_scan *scan, act_error *error)
{
    size_t count = range->last - range->first + 1;
    for (size_t i = 0; i < count; i++) {
        size_t part = range->reverse ? range->last - i : range->first + i;
        act_range own = act_set_range_in(range, part);
        act_map *map;
        own.limit = scan->left;
        act_status status = act_set_pin(set, part, &map, error);
        if (status != ACT_OK)
            return status;
        status = scan_part(map, &own, scan, error);
        act_set_unpin(set, part);
        if (status != ACT_OK)
            return act_set_name_part(set, part, status, error);
        if (range->limit && scan->left == 0)
            break;
    }
    return ACT_OK;
}

static act_status scan_set(const struct act_set *set, const act_range *range, struct set_scan *scan,
                           act_error *error)
{
    struct act_set_range own;
    if (!act_set_range_init(&own, set, range))
        return act_fail_nomem(error);
    scan->left = own.limit;
    act_status status = own.is_empty ? ACT_OK : scan_parts(set, &own, scan, error);
    act_set_range_free(&own);
    return status;
}

act_status act_set_scan(const act_set *set, const act_range *range, act_visit_fn visit,
                        void *context, act_error *error)
{
    struct set_scan scan = {.visit = visit, .context = context};
    if (!set || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set, or no function to call");
    return scan_set(set, range, &scan, error);
}

act_status act_set_scan_runs(const act_set *set, const act_range *range, act_visit_run_fn visit,
                             void *context, act_error *error)
{
    struct set_scan scan = {.visit_run = visit, .context = context};
    if (!set || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set, or no function to call");
    return scan_set(set, range, &scan, error);
}
