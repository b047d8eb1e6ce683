/* Scans: all entries of a range, by callback. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "os/guard.h"
#include "read/gather.h"
#include "read/guard.h"
#include "read/iter.h"
#include "read/map.h"

/* A scan with a bound or a limit: `visit` is called by way of visit_within. */
struct within {
    act_visit_fn visit;
    void *context;
    const struct act_bound *upper;
    uint64_t left;  /* of the limit; UINT64_MAX without one */
    bool is_at_end; /* so it was not `visit` that stopped the scan */
};

static int visit_within(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct within *within = context;
    const struct act_bound *upper = within->upper;
    if (upper->key && act_key_compare(key, key_nbytes, upper->key, upper->nbytes) >= 0) {
        within->is_at_end = true;
        return 1;
    }
    if (within->visit(within->context, key, key_nbytes, value))
        return 1;
    if (within->left != UINT64_MAX && --within->left == 0)
        within->is_at_end = true;
    return within->is_at_end;
}

static act_status scan_upwards(act_iter *iter, act_visit_fn visit, void *context, act_error *error)
{
    struct within within = {.visit = visit,
                            .context = context,
                            .upper = &iter->bounds.upper,
                            .left = iter->limit ? iter->limit : UINT64_MAX};
    if (act_bounds_are_empty(&iter->bounds))
        return ACT_END;
    act_status status = act_iter_settle(iter, error);
    if (status != ACT_OK)
        return status;
    if (!within.upper->key && !iter->limit)
        return act_walk_run(&iter->walk, visit, context, error);
    status = act_walk_run(&iter->walk, visit_within, &within, error);
    return status == ACT_STOPPED && within.is_at_end ? ACT_END : status;
}

static act_status scan_downwards(act_iter *iter, act_visit_fn visit, void *context,
                                 act_error *error)
{
    for (;;) {
        const uint8_t *key;
        size_t key_nbytes;
        uint64_t value;
        act_status status = act_iter_next(iter, &key, &key_nbytes, &value, error);
        if (status != ACT_OK)
            return status;
        if (visit(context, key, key_nbytes, value))
            return ACT_STOPPED;
    }
}

/* A scan of a map with a guard: `visit` is called by way of visit_guarded. */
struct guarded {
    struct act_os_guard *guard;
    act_visit_fn visit;
    void *context;
};

static int visit_guarded(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    const struct guarded *guarded = context;
    if (ACT_UNLIKELY(!act_os_guard_holds(guarded->guard))) {
        act_os_guard_break(guarded->guard);
        return 1;
    }
    return guarded->visit(guarded->context, key, key_nbytes, value);
}

act_status act_map_scan(const act_map *map, const act_range *range, act_visit_fn visit,
                        void *context, act_error *error)
{
    if (!map || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or no function to call");
    act_iter iter;
    act_status status = act_iter_start(&iter, map, range, error);
    if (status != ACT_OK)
        return status;
    struct guarded guarded = {map->os_bytes.guard, visit, context};
    if (guarded.guard) {
        visit = visit_guarded;
        context = &guarded;
    }
    status = iter.reverse ? scan_downwards(&iter, visit, context, error)
                          : scan_upwards(&iter, visit, context, error);
    act_iter_finish(&iter);
    return act_guarded(map, status == ACT_END ? ACT_OK : status, error);
}

act_status act_map_scan_runs(const act_map *map, const act_range *range, act_visit_run_fn visit,
                             void *context, act_error *error)
{
    if (!map || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or no function to call");
    struct act_gather gather;
    if (act_gather_init(&gather, visit, context, error) != ACT_OK)
        return ACT_ERR_NOMEM;
    act_error fault;
    act_status status = act_map_scan(map, range, act_gather_add, &gather, &fault);
    if (status == ACT_STOPPED)
        status = gather.failure == ACT_STOPPED ? ACT_STOPPED : act_fail_nomem(&fault);
    /* What came before the end, or before the fault. */
    if (status != ACT_STOPPED && act_gather_flush(&gather) != ACT_OK)
        status = ACT_STOPPED;
    act_gather_free(&gather);
    if (status > ACT_STOPPED && error)
        *error = fault;
    return status;
}
