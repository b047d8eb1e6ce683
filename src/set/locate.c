#include "set/locate.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "read/bounds.h"

/* The first 8 bytes as a number that orders as they do, with zeros for what is missing. */
static uint64_t head_of(const uint8_t *bytes, size_t nbytes)
{
    if (ACT_LIKELY(nbytes >= 8))
        return act_load_be64(bytes);
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < nbytes ? bytes[i] : 0);
    return head;
}

static size_t count_shared(const struct act_manifest_part *a, const struct act_manifest_part *b)
{
    size_t most = a->from_nbytes < b->from_nbytes ? a->from_nbytes : b->from_nbytes;
    size_t shared = 0;
    while (shared < most && a->from[shared] == b->from[shared])
        shared++;
    return shared;
}

bool act_locator_init(struct act_locator *locator, const struct act_manifest *manifest)
{
    memset(locator, 0, sizeof(*locator));
    locator->parts = manifest->parts;
    locator->count = manifest->count;
    if (locator->count == 1)
        return true;
    locator->heads = malloc((locator->count - 1) * sizeof(*locator->heads));
    if (!locator->heads)
        return false;
    /* Of keys in order the first and the last share the least. */
    const struct act_manifest_part *first = &locator->parts[1];
    const struct act_manifest_part *last = &locator->parts[locator->count - 1];
    size_t shared = locator->shared_nbytes = count_shared(first, last);
    for (size_t i = 1; i < locator->count; i++)
        locator->heads[i - 1] = head_of(locator->parts[i].from + shared,
                                        locator->parts[i].from_nbytes - shared);
    return true;
}

void act_locator_free(struct act_locator *locator)
{
    free(locator->heads);
    memset(locator, 0, sizeof(*locator));
}

/* How many of the heads are at most this one. */
static size_t count_up_to(const uint64_t *heads, size_t count, uint64_t head)
{
    size_t below = 0;
    while (count > 1) {
        size_t half = count / 2;
        below = heads[below + half - 1] <= head ? below + half : below;
        count -= half;
    }
    return below + (heads[below] <= head);
}

/* Of parts whose heads are the key's, the first `end` and some before it: keys are compared. */
static ACT_NOINLINE size_t compare_whole(const struct act_locator *locator, size_t end,
                                         const uint8_t *key, size_t key_nbytes)
{
    uint64_t head = locator->heads[end - 1];
    size_t begin = head ? count_up_to(locator->heads, locator->count - 1, head - 1) : 0;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        const struct act_manifest_part *part = &locator->parts[middle + 1];
        if (act_key_compare(part->from, part->from_nbytes, key, key_nbytes) <= 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

size_t act_locate(const struct act_locator *locator, const void *key, size_t key_nbytes)
{
    if (locator->count == 1)
        return 0;
    const uint8_t *bytes = key;
    size_t shared = locator->shared_nbytes;
    if (shared) {
        size_t common = key_nbytes < shared ? key_nbytes : shared;
        int order = common ? memcmp(bytes, locator->parts[1].from, common) : 0;
        if (order < 0 || (order == 0 && key_nbytes < shared))
            return 0;
        if (order > 0)
            return locator->count - 1;
        bytes += shared;
    }
    uint64_t head = head_of(bytes, key_nbytes - shared);
    size_t part = count_up_to(locator->heads, locator->count - 1, head);
    if (ACT_UNLIKELY(part > 0 && locator->heads[part - 1] == head))
        return compare_whole(locator, part, key, key_nbytes);
    return part;
}
