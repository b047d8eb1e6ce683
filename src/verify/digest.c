/*
 * The digest of a map's entries. They are hashed as one text, gathered in a buffer: a call of the
 * hash for each key would take longer than the keys.
 */
#include <string.h>

#include "actree.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/pace.h"

enum {
    BUFFER_NBYTES = 16 << 10,
    ENTRIES_BETWEEN_LOOKS = 8192 /* at the clock */
};

struct digesting {
    act_hash128_state state;
    struct act_pace pace;
    uint64_t entries;
    size_t used;
    uint8_t buffer[BUFFER_NBYTES];
};

static void flush(struct digesting *digesting)
{
    act_hash128_update(&digesting->state, digesting->buffer, digesting->used);
    digesting->used = 0;
}

static void take_u64(struct digesting *digesting, uint64_t number)
{
    if (sizeof(digesting->buffer) - digesting->used < sizeof(number))
        flush(digesting);
    act_store_le64(digesting->buffer + digesting->used, number);
    digesting->used += sizeof(number);
}

static int visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct digesting *digesting = context;
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

act_status act_map_digest(const act_map *map, act_progress_fn progress, void *context,
                          act_digest *digest_ret, act_error *error)
{
    struct digesting digesting;
    digesting.entries = 0;
    digesting.used = 0;
    act_hash128_init(&digesting.state);
    if (!act_pace_start(&digesting.pace, progress, context, 0))
        return ACT_STOPPED;
    act_status status = act_map_scan(map, NULL, visit, &digesting, error);
    if (status != ACT_OK || !digest_ret)
        return status;
    flush(&digesting);
    digest_ret->entries = digesting.entries;
    act_hash128_finish(&digesting.state, digest_ret->bytes);
    return ACT_OK;
}
