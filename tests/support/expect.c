#include "support/expect.h"

#include "support/check.h"
#include "support/hex.h"

struct expected {
    const struct entries *entries;
    size_t at;
};

static void skip_paths(struct expected *expected)
{
    while (expected->at < expected->entries->count &&
           !expected->entries->items[expected->at].has_value)
        expected->at++;
}

static int expect_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct expected *expected = context;
    skip_paths(expected);
    if (expected->at == expected->entries->count)
        fail_msg("%s is one entry too many", hex_shown(key, key_nbytes));
    const struct entry *e = &expected->entries->items[expected->at++];
    if (entries_compare(key, key_nbytes, e->key, e->key_nbytes) != 0 || value != e->value)
        fail_msg("%s is not the next entry", hex_shown(key, key_nbytes));
    return 0;
}

void expect_scan(const act_map *map, const struct entries *entries)
{
    struct expected expected = {entries, 0};
    assert_int_equal(act_map_scan(map, NULL, expect_entry, &expected, NULL), ACT_OK);
    skip_paths(&expected);
    assert_int_equal(expected.at, entries->count);
}

void expect_lookups(const act_map *map, const struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *e = &entries->items[i];
        bool has_value = !e->has_value;
        uint64_t value = ~e->value;
        assert_int_equal(act_map_path_exists(map, e->key, e->key_nbytes, &has_value, NULL), ACT_OK);
        assert_int_equal(has_value, e->has_value);
        act_status status = act_map_get(map, e->key, e->key_nbytes, &value, NULL);
        assert_int_equal(status, e->has_value ? ACT_OK : ACT_NOT_FOUND);
        if (e->has_value)
            assert_int_equal(value, e->value);
    }
}
