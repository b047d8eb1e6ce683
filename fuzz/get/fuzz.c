/*
 * The script holds keys, each after a byte with its length; the file follows. All ways to look a
 * key up must agree with each other, and with a scan where the file is sound.
 */
#include "fuzz/input.h"

enum {
    SCANNED_MAX = 12
};

struct prefixes {
    const act_map *map;
    const uint8_t *key;
    size_t count, longest;
    uint64_t value;
};

static int visit_prefix(void *context, size_t prefix_nbytes, uint64_t value)
{
    struct prefixes *prefixes = context;
    uint64_t got = 0;
    FUZZ_EXPECT(prefixes->count == 0 || prefix_nbytes > prefixes->longest);
    /* Each is a key by itself. */
    FUZZ_EXPECT(act_map_get(prefixes->map, prefixes->key, prefix_nbytes, &got, NULL) == ACT_OK);
    FUZZ_EXPECT(got == value);
    prefixes->count++;
    prefixes->longest = prefix_nbytes;
    prefixes->value = value;
    return 0;
}

static void look_up(const act_map *map, bool sound, const uint8_t *key, size_t key_nbytes,
                    struct fuzz_told *told)
{
    uint64_t value = 0, prefix_value = 0;
    bool has_value = false;
    size_t prefix_nbytes = 0;
    struct prefixes prefixes = {.map = map, .key = key};
    act_error error;
    act_status get = act_map_get(map, key, key_nbytes, &value, &error);
    fuzz_tell_error(told, get, &error);
    fuzz_tell(told, value);
    act_status exists = act_map_path_exists(map, key, key_nbytes, &has_value, NULL);
    act_status longest = act_map_longest_prefix(map, key, key_nbytes, &prefix_nbytes, &prefix_value,
                                                NULL);
    act_status all = act_map_prefixes(map, key, key_nbytes, visit_prefix, &prefixes, NULL);
    fuzz_tell(told, (uint64_t)exists);
    fuzz_tell(told, has_value);
    fuzz_tell(told, (uint64_t)longest);
    fuzz_tell(told, prefix_nbytes);
    fuzz_tell(told, prefixes.count);
    FUZZ_EXPECT(get == ACT_OK || get == ACT_NOT_FOUND || get == ACT_ERR_CORRUPT);
    FUZZ_EXPECT(exists == ACT_OK || exists == ACT_NOT_FOUND || exists == ACT_ERR_CORRUPT);
    FUZZ_EXPECT(longest == ACT_OK || longest == ACT_NOT_FOUND || longest == ACT_ERR_CORRUPT);
    FUZZ_EXPECT(all == ACT_OK || all == ACT_ERR_CORRUPT);
    if (sound)
        FUZZ_EXPECT(get != ACT_ERR_CORRUPT && exists != ACT_ERR_CORRUPT &&
                    longest != ACT_ERR_CORRUPT && all != ACT_ERR_CORRUPT);
    if (get == ACT_OK) {
        FUZZ_EXPECT(exists == ACT_OK && has_value);
        FUZZ_EXPECT(all == ACT_ERR_CORRUPT || prefixes.longest == key_nbytes);
    }
    if (all == ACT_OK && longest != ACT_ERR_CORRUPT)
        FUZZ_EXPECT((longest == ACT_OK) == (prefixes.count > 0));
    if (all == ACT_OK && longest == ACT_OK)
        FUZZ_EXPECT(prefix_nbytes == prefixes.longest && prefix_value == prefixes.value);
}

struct scan {
    const act_map *map;
    struct fuzz_told *told;
    size_t count;
};

static int visit_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scan *scan = context;
    uint64_t got = 0;
    FUZZ_EXPECT(act_map_get(scan->map, key, key_nbytes, &got, NULL) == ACT_OK && got == value);
    look_up(scan->map, true, key, key_nbytes, scan->told);
    if (key_nbytes > 0)
        look_up(scan->map, true, key, key_nbytes - 1, scan->told);
    return ++scan->count >= SCANNED_MAX;
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    uint8_t *copy;
    const uint8_t *keys = data;
    size_t keys_nbytes = fuzz_script(data, data_nbytes, &keys);
    act_map *map = fuzz_open(data, data_nbytes, (size_t)(keys - data) + keys_nbytes, &copy);
    if (map) {
        bool sound = act_map_verify(map, NULL, NULL, NULL, NULL) == ACT_OK;
        for (size_t at = 0; at < keys_nbytes;) {
            size_t nbytes = keys[at++];
            if (nbytes > keys_nbytes - at)
                nbytes = keys_nbytes - at;
            look_up(map, sound, keys + at, nbytes, told);
            at += nbytes;
        }
        struct scan scan = {.map = map, .told = told};
        if (sound)
            act_map_scan(map, NULL, visit_entry, &scan, NULL);
    }
    act_map_close(map);
    free(copy);
}
