/* Iterators over ranges of entries. */
#include "read/iter.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "read/guard.h"
#include "read/map.h"

/* -------------------------------------------------------------------------- opening and closing */

void act_iter_finish(act_iter *iter)
{
    act_walk_free(&iter->walk);
    act_bounds_free(&iter->bounds);
}

act_status act_iter_start(act_iter *iter, const act_map *map, const act_range *range,
                          act_error *error)
{
    memset(iter, 0, sizeof(*iter));
    act_status status = act_walk_init(&iter->walk, map, error);
    if (status != ACT_OK)
        return status;
    if (range) {
        iter->reverse = range->reverse;
        iter->limit = range->limit;
    }
    if (!act_bounds_of(range, &iter->bounds)) {
        act_iter_finish(iter);
        return act_fail_nomem(error);
    }
    act_iter_rewind(iter, false);
    return ACT_OK;
}

act_status act_iter_open(const act_map *map, const act_range *range, act_iter **iter_ret,
                         act_error *error)
{
    if (!iter_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the iterator");
    *iter_ret = NULL;
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    act_iter *iter = malloc(sizeof(*iter));
    if (!iter)
        return act_fail_nomem(error);
    act_status status = act_iter_start(iter, map, range, error);
    if (status != ACT_OK) {
        free(iter);
        return status;
    }
    *iter_ret = iter;
    return ACT_OK;
}

void act_iter_close(act_iter *iter)
{
    if (!iter)
        return;
    act_iter_finish(iter);
    free(iter);
}

/* ------------------------------------------------------------------------------------ stepping */

static act_status fail(struct act_iter *iter, act_status status, act_error *error)
{
    iter->failure = status;
    if (error)
        *error = iter->failure_error;
    return status;
}

act_status act_iter_settle(act_iter *iter, act_error *error)
{
    if (iter->failure != ACT_OK)
        return fail(iter, iter->failure, error);
    const struct act_bound *bound = iter->pending == ACT_ITER_TO_LOWER ? &iter->bounds.lower
                                                                       : &iter->bounds.upper;
    act_status status = ACT_OK;
    if (bound->key)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the bounds are freed by finish() */
        status = act_walk_seek(&iter->walk, bound->key, bound->nbytes, false, &iter->failure_error);
    else
        act_walk_rewind(&iter->walk, iter->pending == ACT_ITER_TO_UPPER);
    status = act_guarded(iter->walk.map, status, &iter->failure_error);
    if (status != ACT_OK)
        return fail(iter, status, error);
    iter->pending = ACT_ITER_NOWHERE;
    return ACT_OK;
}

/* One step of the walk, upwards or downwards, kept within the bounds. */
static act_status step(struct act_iter *iter, bool upwards, act_error *error)
{
    struct act_walk *walk = &iter->walk;
    if (iter->pending != ACT_ITER_NOWHERE || iter->failure != ACT_OK) {
        act_status status = act_iter_settle(iter, error);
        if (status != ACT_OK)
            return status;
    }
    if (act_bounds_are_empty(&iter->bounds))
        return ACT_END;
    act_status status = upwards ? act_walk_next(walk, &iter->failure_error)
                                : act_walk_prev(walk, &iter->failure_error);
    status = act_guarded(walk->map, status, &iter->failure_error);
    if (status == ACT_END)
        return ACT_END;
    if (status != ACT_OK)
        return fail(iter, status, error);
    act_ahead_pass(&walk->ahead, walk->map, walk->path, walk->key_nbytes, upwards);
    const struct act_bound *bound = upwards ? &iter->bounds.upper : &iter->bounds.lower;
    if (bound->key) {
        int order = act_key_compare(walk->path, walk->key_nbytes, bound->key, bound->nbytes);
        if (upwards ? order >= 0 : order < 0) {
            /* Stepped over an entry outside: back to the bound, when asked again. */
            iter->pending = upwards ? ACT_ITER_TO_UPPER : ACT_ITER_TO_LOWER;
            return ACT_END;
        }
    }
    return ACT_OK;
}

static act_status give(const struct act_iter *iter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                       uint64_t *value_ret)
{
    if (key_ret)
        *key_ret = iter->walk.path;
    if (key_nbytes_ret)
        *key_nbytes_ret = iter->walk.key_nbytes;
    if (value_ret)
        *value_ret = iter->walk.value;
    return ACT_OK;
}

act_status act_iter_next(act_iter *iter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                         uint64_t *value_ret, act_error *error)
{
    if (iter->limit && iter->used == iter->limit)
        return ACT_END;
    act_status status = step(iter, !iter->reverse, error);
    if (status != ACT_OK)
        return status;
    iter->used++;
    return give(iter, key_ret, key_nbytes_ret, value_ret);
}

act_status act_iter_prev(act_iter *iter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                         uint64_t *value_ret, act_error *error)
{
    act_status status = step(iter, iter->reverse, error);
    if (status != ACT_OK)
        return status;
    if (iter->used)
        iter->used--;
    return give(iter, key_ret, key_nbytes_ret, value_ret);
}

void act_iter_rewind(act_iter *iter, bool to_end)
{
    iter->pending = to_end != iter->reverse ? ACT_ITER_TO_UPPER : ACT_ITER_TO_LOWER;
    iter->failure = ACT_OK;
    iter->used = 0;
}

act_status act_iter_seek(act_iter *iter, const void *key, size_t key_nbytes, act_error *error)
{
    act_iter_rewind(iter, false);
    const struct act_bound *lower = &iter->bounds.lower;
    const struct act_bound *upper = &iter->bounds.upper;
    if (lower->key && act_key_compare(key, key_nbytes, lower->key, lower->nbytes) < 0) {
        iter->pending = ACT_ITER_TO_LOWER;
        return ACT_OK;
    }
    if (upper->key && act_key_compare(key, key_nbytes, upper->key, upper->nbytes) >= 0) {
        iter->pending = ACT_ITER_TO_UPPER;
        return ACT_OK;
    }
    iter->pending = ACT_ITER_NOWHERE;
    act_status status = act_walk_seek(&iter->walk, key, key_nbytes, iter->reverse,
                                      &iter->failure_error);
    status = act_guarded(iter->walk.map, status, &iter->failure_error);
    return status == ACT_OK ? ACT_OK : fail(iter, status, error);
}
