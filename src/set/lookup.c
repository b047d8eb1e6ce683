/* Lookups of single keys. */
#include <string.h>

#include "base/error.h"
#include "read/bounds.h"
#include "set/set.h"

act_status act_set_get(const act_set *set, const void *key, size_t key_nbytes, uint64_t *value_ret,
                       act_error *error)
{
    size_t part = act_locate(&set->locator, key, key_nbytes);
    act_map *map;
    act_status status = act_set_pin(set, part, &map, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    status = act_map_get(map, key, key_nbytes, value_ret, error);
    act_set_unpin(set, part);
    return ACT_UNLIKELY(status > ACT_STOPPED) ? act_set_name_part(set, part, status, error)
                                              : status;
}

static bool begins_with(const struct act_manifest_part *part, const void *prefix, size_t nbytes)
{
    return part->from_nbytes >= nbytes && (nbytes == 0 || memcmp(part->from, prefix, nbytes) == 0);
}

act_status act_set_path_exists(const act_set *set, const void *path, size_t path_nbytes,
                               bool *has_value_ret, act_error *error)
{
    /* What lies below the path begins in its own part, and may go on in those that begin below. */
    size_t part = act_locate(&set->locator, path, path_nbytes);
    act_status status;
    do {
        act_map *map;
        status = act_set_pin(set, part, &map, error);
        if (status != ACT_OK)
            return status;
        status = act_map_path_exists(map, path, path_nbytes, has_value_ret, error);
        act_set_unpin(set, part);
        if (status > ACT_STOPPED)
            return act_set_name_part(set, part, status, error);
        part++;
    } while (status == ACT_NOT_FOUND && part < set->manifest.count &&
             begins_with(&set->manifest.parts[part], path, path_nbytes));
    return status;
}

/* How many bytes the longest prefix of a key has that is below the lowest key of a part, to which
 * the key itself belongs. */
static size_t prefix_below(const struct act_manifest_part *part, const uint8_t *key,
                           size_t key_nbytes)
{
    size_t most = key_nbytes < part->from_nbytes ? key_nbytes : part->from_nbytes;
    size_t shared = 0;
    while (shared < most && key[shared] == part->from[shared])
        shared++;
    return shared == part->from_nbytes ? shared - 1 : shared;
}

act_status act_set_longest_prefix(const act_set *set, const void *key, size_t key_nbytes,
                                  size_t *prefix_nbytes_ret, uint64_t *value_ret, act_error *error)
{
    for (;;) {
        size_t part = act_locate(&set->locator, key, key_nbytes);
        act_map *map;
        act_status status = act_set_pin(set, part, &map, error);
        if (status != ACT_OK)
            return status;
        status = act_map_longest_prefix(map, key, key_nbytes, prefix_nbytes_ret, value_ret, error);
        act_set_unpin(set, part);
        if (status != ACT_NOT_FOUND || part == 0)
            return act_set_name_part(set, part, status, error);
        key_nbytes = prefix_below(&set->manifest.parts[part], key, key_nbytes);
    }
}

/* Of the prefixes of a key that are `nbytes` long and longer, those that belong to the same part as
 * the first of them: how long the longest is. */
static size_t last_prefix(const struct act_set *set, size_t part, const uint8_t *key,
                          size_t key_nbytes)
{
    if (part + 1 == set->manifest.count)
        return key_nbytes;
    const struct act_manifest_part *next = &set->manifest.parts[part + 1];
    if (act_key_compare(key, key_nbytes, next->from, next->from_nbytes) < 0)
        return key_nbytes;
    return prefix_below(next, key, key_nbytes);
}

act_status act_set_prefixes(const act_set *set, const void *key, size_t key_nbytes,
                            act_prefix_fn visit, void *context, act_error *error)
{
    if (!visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no function to call");
    /* One part after the other, each with the longest prefix that belongs to it. */
    size_t nbytes = 0;
    for (;;) {
        size_t part = act_locate(&set->locator, key, nbytes);
        size_t last = last_prefix(set, part, key, key_nbytes);
        act_map *map;
        act_status status = act_set_pin(set, part, &map, error);
        if (status != ACT_OK)
            return status;
        status = act_map_prefixes(map, key, last, visit, context, error);
        act_set_unpin(set, part);
        if (status != ACT_OK)
            return act_set_name_part(set, part, status, error);
        if (last == key_nbytes)
            return ACT_OK;
        nbytes = last + 1;
    }
}
