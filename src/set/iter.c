/*
 * Iterators over sets: one over the part at hand, and another when that has come to its end.
 *
 * While no part is open, `part` is the one to go on in, and `from_behind` says from which of its
 * ends; ends are those of the range's order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "set/range.h"
#include "set/set.h"

struct act_set_iter {
    const struct act_set *set;
    struct act_set_range range;
    uint64_t used; /* of the limit */
    size_t part;
    bool from_behind;
    act_iter *iter; /* NULL: the part is not open */
    act_status failure;
    act_error failure_error;
};

static void leave_part(act_set_iter *iter)
{
    if (!iter->iter)
        return;
    act_iter_close(iter->iter);
    iter->iter = NULL;
    act_set_unpin(iter->set, iter->part);
}

/* Opens the part at hand; its iterator stands at the front. */
static act_status enter_part(act_set_iter *iter, act_error *error)
{
    act_range range = act_set_range_in(&iter->range, iter->part);
    act_map *map;
    act_status status = act_set_pin(iter->set, iter->part, &map, error);
    if (status != ACT_OK)
        return status;
    status = act_iter_open(map, &range, &iter->iter, error);
    if (status != ACT_OK) {
        act_set_unpin(iter->set, iter->part);
        return act_set_name_part(iter->set, iter->part, status, error);
    }
    act_iter_rewind(iter->iter, iter->from_behind);
    return ACT_OK;
}

static act_status fail(act_set_iter *iter, act_status status, act_error *error)
{
    leave_part(iter);
    iter->failure = status;
    if (error)
        *error = iter->failure_error;
    return status;
}

act_status act_set_iter_open(const act_set *set, const act_range *range, act_set_iter **iter_ret,
                             act_error *error)
{
    if (!iter_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the iterator");
    *iter_ret = NULL;
    if (!set)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set");
    act_set_iter *iter = calloc(1, sizeof(*iter));
    if (!iter)
        return act_fail_nomem(error);
    iter->set = set;
    if (!act_set_range_init(&iter->range, set, range)) {
        free(iter);
        return act_fail_nomem(error);
    }
    act_set_iter_rewind(iter, false);
    *iter_ret = iter;
    return ACT_OK;
}

void act_set_iter_close(act_set_iter *iter)
{
    if (!iter)
        return;
    leave_part(iter);
    act_set_range_free(&iter->range);
    free(iter);
}

void act_set_iter_rewind(act_set_iter *iter, bool to_end)
{
    leave_part(iter);
    iter->part = to_end != iter->range.reverse ? iter->range.last : iter->range.first;
    iter->from_behind = to_end;
    iter->used = 0;
    iter->failure = ACT_OK;
}

/* Steps over an entry, in the order of the range or (`back`) against it. */
static act_status step(act_set_iter *iter, bool back, const uint8_t **key_ret,
                       size_t *key_nbytes_ret, uint64_t *value_ret, act_error *error)
{
    if (iter->failure != ACT_OK)
        return fail(iter, iter->failure, error);
    if (iter->range.is_empty)
        return ACT_END;
    bool upwards = back == iter->range.reverse;
    size_t end = upwards ? iter->range.last : iter->range.first;
    for (;;) {
        act_status status = iter->iter ? ACT_OK : enter_part(iter, &iter->failure_error);
        if (status != ACT_OK)
            return fail(iter, status, error);
        status = back ? act_iter_prev(iter->iter, key_ret, key_nbytes_ret, value_ret,
                                      &iter->failure_error)
                      : act_iter_next(iter->iter, key_ret, key_nbytes_ret, value_ret,
                                      &iter->failure_error);
        if (status == ACT_OK || (status == ACT_END && iter->part == end))
            return status;
        if (status != ACT_END)
            return fail(iter,
                        act_set_name_part(iter->set, iter->part, status, &iter->failure_error),
                        error);
        leave_part(iter);
        iter->part = upwards ? iter->part + 1 : iter->part - 1;
        iter->from_behind = back;
    }
}

act_status act_set_iter_next(act_set_iter *iter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                             uint64_t *value_ret, act_error *error)
{
    if (iter->range.limit && iter->used == iter->range.limit)
        return ACT_END;
    act_status status = step(iter, false, key_ret, key_nbytes_ret, value_ret, error);
    if (status == ACT_OK)
        iter->used++;
    return status;
}

act_status act_set_iter_prev(act_set_iter *iter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                             uint64_t *value_ret, act_error *error)
{
    act_status status = step(iter, true, key_ret, key_nbytes_ret, value_ret, error);
    if (status == ACT_OK && iter->used)
        iter->used--;
    return status;
}

act_status act_set_iter_seek(act_set_iter *iter, const void *key, size_t key_nbytes,
                             act_error *error)
{
    act_set_iter_rewind(iter, false);
    if (iter->range.is_empty)
        return ACT_OK;
    size_t part = act_locate(&iter->set->locator, key, key_nbytes);
    /* Beyond the range: its end, be it in front or behind. */
    if (part < iter->range.first || part > iter->range.last) {
        act_set_iter_rewind(iter, (part > iter->range.last) != iter->range.reverse);
        return ACT_OK;
    }
    iter->part = part;
    act_status status = enter_part(iter, &iter->failure_error);
    if (status != ACT_OK)
        return fail(iter, status, error);
    status = act_iter_seek(iter->iter, key, key_nbytes, &iter->failure_error);
    if (status == ACT_OK)
        return ACT_OK;
    return fail(iter, act_set_name_part(iter->set, part, status, &iter->failure_error), error);
}
