/*
 * The script is a byte and keys, each after a byte with its length; the file follows. The byte says
 * how often all keys are asked for again, and whether keys of the file are among them. A batch
 * answers what lookups of its keys one by one answer; on a damaged file, it fails if one of them
 * does, with the place of a damage that one of them met.
 */
#include "fuzz/list.h"

enum {
    KEYS_MAX = 400
};

struct keys {
    act_slice slices[KEYS_MAX];
    act_status statuses[KEYS_MAX]; /* of lookups one by one */
    uint64_t values[KEYS_MAX];
    uint64_t offsets[KEYS_MAX];
    size_t count;
};

static void take(struct keys *keys, const void *key, size_t key_nbytes)
{
    if (keys->count < KEYS_MAX)
        keys->slices[keys->count++] = (act_slice){key, key_nbytes};
}

static void look_up(const act_map *map, struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        act_error error = {.offset = 0};
        keys->values[i] = 0;
        keys->statuses[i] = act_map_get(map, keys->slices[i].bytes, keys->slices[i].nbytes,
                                        &keys->values[i], &error);
        keys->offsets[i] = error.offset;
    }
}

static bool damage_was_met(const struct keys *keys, uint64_t offset)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->statuses[i] == ACT_ERR_CORRUPT && keys->offsets[i] == offset)
            return true;
    }
    return false;
}

static void compare(const act_map *map, const struct keys *keys, bool wants_values,
                    struct fuzz_told *told)
{
    /* Of their own size, so that a sanitizer sees what is written beyond. */
    size_t bits_nbytes = (keys->count + 7) / 8;
    uint64_t *values = calloc(keys->count, sizeof(*values));
    uint8_t *found = malloc(bits_nbytes);
    act_error error = {.offset = 0};
    FUZZ_EXPECT(values && found);
    memset(found, 0xff, bits_nbytes);
    act_status status = act_map_get_batch(map, keys->slices, keys->count,
                                          wants_values ? values : NULL, found, &error);
    fuzz_tell(told, (uint64_t)status);
    bool damaged = false;
    for (size_t i = 0; i < keys->count; i++)
        damaged |= keys->statuses[i] == ACT_ERR_CORRUPT;
    FUZZ_EXPECT(status == (damaged ? ACT_ERR_CORRUPT : ACT_OK));
    if (damaged) {
        FUZZ_EXPECT(damage_was_met(keys, error.offset));
    } else {
        for (size_t i = 0; i < keys->count; i++) {
            FUZZ_EXPECT((found[i / 8] >> i % 8 & 1) == (keys->statuses[i] == ACT_OK));
            FUZZ_EXPECT(!wants_values || values[i] == keys->values[i]);
        }
        FUZZ_EXPECT(keys->count % 8 == 0 || found[bits_nbytes - 1] >> keys->count % 8 == 0);
        fuzz_tell_bytes(told, found, bits_nbytes);
        fuzz_tell_bytes(told, values, keys->count * sizeof(*values));
    }
    free(values);
    free(found);
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    static struct keys keys;
    static struct fuzz_list list;
    uint8_t *copy;
    const uint8_t *script = data;
    size_t script_nbytes = fuzz_script(data, data_nbytes, &script);
    act_map *map = fuzz_open(data, data_nbytes, (size_t)(script - data) + script_nbytes, &copy);
    if (map && script_nbytes > 1) {
        keys.count = 0;
        for (size_t at = 1; at < script_nbytes;) {
            size_t nbytes = script[at++];
            if (nbytes > script_nbytes - at)
                nbytes = script_nbytes - at;
            take(&keys, script + at, nbytes);
            at += nbytes;
        }
        if (script[0] & 1) {
            fuzz_list_scan(&list, map);
            for (size_t i = 0; i < list.count && i < 50; i++)
                take(&keys, list.entries[i].key, list.entries[i].key_nbytes);
        }
        size_t once = keys.count;
        for (unsigned again = script[0] >> 1 & 7; again > 0; again--) {
            for (size_t i = 0; i < once; i++)
                take(&keys, keys.slices[i].bytes, keys.slices[i].nbytes);
        }
        look_up(map, &keys);
        compare(map, &keys, !(script[0] & 16), told);
    }
    act_map_close(map);
    free(copy);
}
