#include "read/bounds.h"

#include <stdlib.h>
#include <string.h>

int act_key_compare(const void *a, size_t a_nbytes, const void *b, size_t b_nbytes)
{
    size_t common = a_nbytes < b_nbytes ? a_nbytes : b_nbytes;
    int order = common ? memcmp(a, b, common) : 0;
    if (order != 0)
        return order;
    return a_nbytes < b_nbytes ? -1 : a_nbytes > b_nbytes;
}

static bool set_bound(struct act_bound *bound, const void *key, size_t nbytes)
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
static void above_prefix(struct act_bound *bound)
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

static bool set_bounds(struct act_bounds *bounds, const act_range *range)
{
    struct act_bound *lower = &bounds->lower;
    struct act_bound *upper = &bounds->upper;
    if (range->prefix) {
        if (!set_bound(lower, range->prefix, range->prefix_nbytes) ||
            !set_bound(upper, range->prefix, range->prefix_nbytes))
            return false;
        above_prefix(upper);
    }
    if (range->from && (!lower->key || act_key_compare(range->from, range->from_nbytes, lower->key,
                                                       lower->nbytes) > 0)) {
        if (!set_bound(lower, range->from, range->from_nbytes))
            return false;
    }
    if (range->to && (!upper->key || act_key_compare(range->to, range->to_nbytes, upper->key,
                                                     upper->nbytes) < 0)) {
        if (!set_bound(upper, range->to, range->to_nbytes))
            return false;
    }
    return true;
}

bool act_bounds_of(const act_range *range, struct act_bounds *bounds_ret)
{
    memset(bounds_ret, 0, sizeof(*bounds_ret));
    if (!range || set_bounds(bounds_ret, range))
        return true;
    act_bounds_free(bounds_ret);
    return false;
}

void act_bounds_free(struct act_bounds *bounds)
{
    free(bounds->lower.key);
    free(bounds->upper.key);
    memset(bounds, 0, sizeof(*bounds));
}

bool act_bounds_are_empty(const struct act_bounds *bounds)
{
    const struct act_bound *lower = &bounds->lower;
    const struct act_bound *upper = &bounds->upper;
    return lower->key && upper->key &&
           act_key_compare(lower->key, lower->nbytes, upper->key, upper->nbytes) >= 0;
}
