#include "set/range.h"

#include <string.h>

bool act_set_range_init(struct act_set_range *own, const struct act_set *set,
                        const act_range *range)
{
    memset(own, 0, sizeof(*own));
    own->last = set->manifest.count - 1;
    if (!range)
        return true;
    own->reverse = range->reverse;
    own->limit = range->limit;
    if (!act_bounds_of(range, &own->bounds))
        return false;
    const struct act_bound *lower = &own->bounds.lower;
    const struct act_bound *upper = &own->bounds.upper;
    own->is_empty = act_bounds_are_empty(&own->bounds) || (upper->key && !upper->nbytes);
    if (lower->key)
        own->first = act_locate(&set->locator, lower->key, lower->nbytes);
    if (upper->key) {
        const struct act_manifest_part *part;
        own->last = act_locate(&set->locator, upper->key, upper->nbytes);
        part = &set->manifest.parts[own->last];
        /* The bound itself does not belong to the range. */
        if (own->last > own->first &&
            act_key_compare(part->from, part->from_nbytes, upper->key, upper->nbytes) == 0)
            own->last--;
    }
    return true;
}

void act_set_range_free(struct act_set_range *own)
{
    act_bounds_free(&own->bounds);
}

act_range act_set_range_in(const struct act_set_range *own, size_t part)
{
    act_range range = {.reverse = own->reverse};
    if (part == own->first) {
        range.from = own->bounds.lower.key;
        range.from_nbytes = own->bounds.lower.nbytes;
    }
    if (part == own->last) {
        range.to = own->bounds.upper.key;
        range.to_nbytes = own->bounds.upper.nbytes;
    }
    return range;
}
