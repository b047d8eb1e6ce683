/*
 * The digest of a map's entries. They are hashed as one text, gathered in a buffer: a call of the
 * hash for each key would take longer than the keys.
 */
#include "verify/digest.h"

#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"

enum {
    ENTRIES_BETWEEN_LOOKS = 8192 /* at the clock */
};

static void flush(struct act_digesting *digesting)
{
    act_hash128_update(&digesting->state, digesting->buffer, digesting->used);
    digesting->used = 0;
}

static void take_u64(struct act_digesting *digesting, uint64_t number)
{
    if (sizeof(digesting->buffer) - digesting->used < sizeof(number))
        flush(digesting);
    act_store_le64(digesting->buffer + digesting->used, number);
    digesting->used += sizeof(number);
}

static ACT_ALWAYS_INLINE int take(struct act_digesting *digesting, const uint8_t *key,
                                  size_t key_nbytes, uint64_t value)
{
    take_u64(digesting, key_nbytes);
    if (sizeof(digesting->buffer) - digesting->used < key_nbytes)
        flush(digesting);
    if (ACT_UNLIKELY(key_nbytes > sizeof(digesting->buffer))) {
        act_hash128_update(&digesting->state, key, key_nbytes);
    } else if (key_nbytes) {
        memcpy(digesting->buffer + digesting->used, key, key_nbytes);
        digesting->used += key_nbytes;
    }
    take_u64(digesting, value);
    return ++digesting->entries % ENTRIES_BETWEEN_LOOKS == 0 &&
           !act_pace_tell(&digesting->pace, digesting->entries);
}

static int visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    return take(context, key, key_nbytes, value);
}

int act_digesting_add(struct act_digesting *digesting, const uint8_t *key, size_t key_nbytes,
                      uint64_t value)
{
    return take(digesting, key, key_nbytes, value);
}

bool act_digesting_start(struct act_digesting *digesting, act_progress_fn progress, void *context)
{
    digesting->entries = 0;
    digesting->used = 0;
    act_hash128_init(&digesting->state);
    return act_pace_start(&digesting->pace, progress, context, 0);
}

act_status act_digesting_add_map(struct act_digesting *digesting, const act_map *map,
                                 act_error *error)
{
    return act_map_scan(map, NULL, visit, digesting, error);
}

/* Two digests of the same entries. */
struct pair {
    struct act_digesting *whole;
    struct act_digesting part;
};

static int visit_for_both(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct pair *pair = context;
    take(&pair->part, key, key_nbytes, value);
    return take(pair->whole, key, key_nbytes, value);
}

act_status act_digesting_add_part(struct act_digesting *digesting, const act_map *map,
                                  act_digest *part_ret, act_error *error)
{
    struct pair pair;
    pair.whole = digesting;
    act_digesting_start(&pair.part, NULL, NULL);
    act_status status = act_map_scan(map, NULL, visit_for_both, &pair, error);
    if (status == ACT_OK)
        act_digesting_finish(&pair.part, part_ret);
    return status;
}

void act_digesting_finish(struct act_digesting *digesting, act_digest *digest_ret)
{
    flush(digesting);
    digest_ret->entries = digesting->entries;
    act_hash128_finish(&digesting->state, digest_ret->bytes);
}

bool act_digests_are_equal(const act_digest *a, const act_digest *b)
{
    return a->entries == b->entries && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

act_status act_map_digest(const act_map *map, act_progress_fn progress, void *context,
                          act_digest *digest_ret, act_error *error)
{
    struct act_digesting digesting;
    if (!act_digesting_start(&digesting, progress, context))
        return ACT_STOPPED;
    act_status status = act_digesting_add_map(&digesting, map, error);
    if (status == ACT_OK && digest_ret)
        act_digesting_finish(&digesting, digest_ret);
    return status;
}
