/* Ranges of entries: iterators, and scans on top of the same walk. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "read/map.h"
#include "read/walk.h"

/* An end of a range: a key, or nothing. */
struct bound {
    uint8_t *key; /* NULL: no bound */
    size_t nbytes;
};

/* Where an iterator's walk has to go before it steps: rewinding cannot fail, seeking can. */
enum pending {
    NOWHERE,
    TO_LOWER,
    TO_UPPER
};

struct act_iter {
    struct act_walk walk;
    struct bound lower; /* entries >= this */
    struct bound upper; /* entries < this */
    bool reverse;
    uint64_t limit;
    uint64_t used; /* of the limit */
    enum pending pending;
    act_status failure; /* ACT_OK, or what every step answers until the next seek */
    act_error failure_error;
};

static int compare(const void *a, size_t a_nbytes, const void *b, size_t b_nbytes)
{
    size_t common = a_nbytes < b_nbytes ? a_nbytes : b_nbytes;
    int order = common ? memcmp(a, b, common) : 0;
    if (order != 0)
        return order;
    return a_nbytes < b_nbytes ? -1 : a_nbytes > b_nbytes;
}

/* ------------------------------------------------------------------------------------- bounds */

static bool set_bound(struct bound *bound, const void *key, size_t nbytes)
{
    uint8_t *copy = malloc(nbytes ? nbytes : 1);
    if (!copy)
        return false;
    if (nbytes)
        memcpy(copy, key, nbytes);
    free(bound->key);
    bound->key = copy;
    bound->nbytes = nbytes;
    return true;
}

/* The bound becomes the first key above all that start with it: none if all its bytes are 255. */
static void above_prefix(struct bound *bound)
{
    while (bound->nbytes && bound->key[bound->nbytes - 1] == 255)
        bound->nbytes--;
    if (bound->nbytes) {
        bound->key[bound->nbytes - 1]++;
    } else {
        free(bound->key);
        bound->key = NULL;
    }
}

/* The two bounds that a range comes to. False when there is no memory. */
static bool set_bounds(struct act_iter *iter, const act_range *range)
{
    if (range->prefix) {
        if (!set_bound(&iter->lower, range->prefix, range->prefix_nbytes) ||
            !set_bound(&iter->upper, range->prefix, range->prefix_nbytes))
            return false;
        above_prefix(&iter->upper);
    }
    if (range->from && (!iter->lower.key || compare(range->from, range->from_nbytes,
                                                    iter->lower.key, iter->lower.nbytes) > 0)) {
        if (!set_bound(&iter->lower, range->from, range->from_nbytes))
            return false;
    }
    if (range->to && (!iter->upper.key || compare(range->to, range->to_nbytes, iter->upper.key,
                                                  iter->upper.nbytes) < 0)) {
        if (!set_bound(&iter->upper, range->to, range->to_nbytes))
            return false;
    }
    return true;
}

static bool is_empty(const struct act_iter *iter)
{
    return iter->lower.key && iter->upper.key &&
           compare(iter->lower.key, iter->lower.nbytes, iter->upper.key, iter->upper.nbytes) >= 0;
}

/* -------------------------------------------------------------------------- opening and closing */

static void finish(struct act_iter *iter)
{
    act_walk_free(&iter->walk);
    free(iter->lower.key);
    free(iter->upper.key);
}

static act_status start(struct act_iter *iter, const act_map *map, const act_range *range,
                        act_error *error)
{
    memset(iter, 0, sizeof(*iter));
    act_status status = act_walk_init(&iter->walk, map, error);
    if (status != ACT_OK)
        return status;
    if (range) {
        iter->reverse = range->reverse;
        iter->limit = range->limit;
        if (!set_bounds(iter, range)) {
            finish(iter);
            act_fail_nomem(error);
            return ACT_ERR_NOMEM;
        }
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
    act_status status = start(iter, map, range, error);
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
    finish(iter);
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

/* Goes where the last rewind said. */
static act_status settle(struct act_iter *iter, act_error *error)
{
    if (iter->failure != ACT_OK)
        return fail(iter, iter->failure, error);
    const struct bound *bound = iter->pending == TO_LOWER ? &iter->lower : &iter->upper;
    act_status status = ACT_OK;
    if (bound->key)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the bounds are freed by finish() */
        status = act_walk_seek(&iter->walk, bound->key, bound->nbytes, false, &iter->failure_error);
    else
        act_walk_rewind(&iter->walk, iter->pending == TO_UPPER);
    if (status != ACT_OK)
        return fail(iter, status, error);
    iter->pending = NOWHERE;
    return ACT_OK;
}

/* One step of the walk, upwards or downwards, kept within the bounds. */
static act_status step(struct act_iter *iter, bool upwards, act_error *error)
{
    struct act_walk *walk = &iter->walk;
    if (iter->pending != NOWHERE || iter->failure != ACT_OK) {
        act_status status = settle(iter, error);
        if (status != ACT_OK)
            return status;
    }
    if (is_empty(iter))
        return ACT_END;
    act_status status = upwards ? act_walk_next(walk, &iter->failure_error)
                                : act_walk_prev(walk, &iter->failure_error);
    if (status == ACT_END)
        return ACT_END;
    if (status != ACT_OK)
        return fail(iter, status, error);
    act_ahead_pass(&walk->ahead, walk->map, walk->path, walk->key_nbytes, upwards);
    const struct bound *bound = upwards ? &iter->upper : &iter->lower;
    if (bound->key) {
        int order = compare(walk->path, walk->key_nbytes, bound->key, bound->nbytes);
        if (upwards ? order >= 0 : order < 0) {
            /* Stepped over an entry outside: back to the bound, when asked again. */
            iter->pending = upwards ? TO_UPPER : TO_LOWER;
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
    iter->pending = to_end != iter->reverse ? TO_UPPER : TO_LOWER;
    iter->failure = ACT_OK;
    iter->used = 0;
}

act_status act_iter_seek(act_iter *iter, const void *key, size_t key_nbytes, act_error *error)
{
    act_iter_rewind(iter, false);
    const struct bound *lower = &iter->lower;
    const struct bound *upper = &iter->upper;
    if (lower->key && compare(key, key_nbytes, lower->key, lower->nbytes) < 0) {
        iter->pending = TO_LOWER;
        return ACT_OK;
    }
    if (upper->key && compare(key, key_nbytes, upper->key, upper->nbytes) >= 0) {
        iter->pending = TO_UPPER;
        return ACT_OK;
    }
    iter->pending = NOWHERE;
    act_status status = act_walk_seek(&iter->walk, key, key_nbytes, iter->reverse,
                                      &iter->failure_error);
    return status == ACT_OK ? ACT_OK : fail(iter, status, error);
}

/* -------------------------------------------------------------------------------------- scans */

/* A scan with a limit: `visit` is called by way of count_down. */
struct limited {
    act_visit_fn visit;
    void *context;
    uint64_t left;
};

static int count_down(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct limited *limited = context;
    limited->left--;
    int stop = limited->visit(limited->context, key, key_nbytes, value);
    if (stop)
        limited->left = UINT64_MAX; /* so it was not the limit */
    return stop || !limited->left;
}

static act_status run(struct act_iter *iter, act_visit_fn visit, void *context, act_error *error)
{
    if (!iter->limit)
        return act_walk_run(&iter->walk, visit, context, error);
    struct limited limited = {visit, context, iter->limit};
    act_status status = act_walk_run(&iter->walk, count_down, &limited, error);
    return status == ACT_STOPPED && !limited.left ? ACT_END : status;
}

act_status act_map_scan(const act_map *map, const act_range *range, act_visit_fn visit,
                        void *context, act_error *error)
{
    if (!map || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or no function to call");
    struct act_iter iter;
    act_status status = start(&iter, map, range, error);
    if (status != ACT_OK)
        return status;
    if (!iter.reverse && !iter.upper.key) {
        status = settle(&iter, error);
        if (status == ACT_OK)
            status = run(&iter, visit, context, error);
    } else {
        while (status == ACT_OK) {
            const uint8_t *key;
            size_t key_nbytes;
            uint64_t value;
            status = act_iter_next(&iter, &key, &key_nbytes, &value, error);
            if (status == ACT_OK && visit(context, key, key_nbytes, value))
                status = ACT_STOPPED;
        }
    }
    finish(&iter);
    return status == ACT_END ? ACT_OK : status;
}
