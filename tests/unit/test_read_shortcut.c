/* Lookups with shortcuts, and batches, against the entries themselves. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "read/map.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

enum {
    QUERIES = 4000,
    KEY_ROOM = 600
};

struct query {
    uint8_t key[KEY_ROOM];
    size_t key_nbytes;
    const struct entry *expected; /* NULL: no such key */
};

static struct query *make_queries(struct random *r, const struct entries *entries)
{
    struct query *queries = calloc(QUERIES, sizeof(*queries));
    assert_non_null(queries);
    for (size_t i = 0; i < QUERIES; i++) {
        struct query *query = &queries[i];
        query->key_nbytes = shapes_near_key(r, entries, query->key, KEY_ROOM);
        query->expected = entries_find(entries, query->key, query->key_nbytes);
    }
    return queries;
}

static void expect_singles(const act_map *map, const struct query *queries)
{
    for (size_t i = 0; i < QUERIES; i++) {
        const struct query *query = &queries[i];
        uint64_t value = 0;
        act_status status = act_map_get(map, query->key, query->key_nbytes, &value, NULL);
        assert_int_equal(status, query->expected ? ACT_OK : ACT_NOT_FOUND);
        assert_int_equal(value, query->expected ? query->expected->value : 0);
    }
}

static void expect_batches(const act_map *map, const struct query *queries, size_t batch,
                           const act_batch_options *options)
{
    static act_slice keys[QUERIES];
    static uint64_t values[QUERIES];
    static uint8_t found[QUERIES / 8 + 1];
    for (size_t i = 0; i < QUERIES; i++)
        keys[i] = (act_slice){queries[i].key, queries[i].key_nbytes};
    for (size_t done = 0; done < QUERIES; done += batch) {
        size_t count = QUERIES - done < batch ? QUERIES - done : batch;
        assert_int_equal(
            act_map_get_batch_with(map, keys + done, count, values, found, options, NULL), ACT_OK);
        for (size_t i = 0; i < count; i++) {
            const struct entry *expected = queries[done + i].expected;
            assert_int_equal(found[i / 8] >> i % 8 & 1, expected != NULL);
            assert_int_equal(values[i], expected ? expected->value : 0);
        }
    }
}

/* The same questions before there are shortcuts, and with them. Whether there are some after. */
static bool expect_answers(struct random *r, struct entries *entries, act_layout layout)
{
    entries_sort(entries);
    struct query *queries = make_queries(r, entries);
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    build_file(entries, path, layout, NULL);
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    expect_batches(map, queries, 1, NULL);
    assert_null(act_shortcuts_of(map));
    act_shortcuts_count(map, ACT_SHORTCUT_LOOKUPS_MIN);
    expect_singles(map, queries);
    for (size_t batch = 7; batch <= QUERIES; batch *= 3)
        expect_batches(map, queries, batch, NULL);
    static const act_batch_options options[] = {
        {2, ACT_FETCH_AUTO}, {3, ACT_FETCH_NEVER}, {1, ACT_FETCH_ALWAYS}, {1000, ACT_FETCH_ALWAYS}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        expect_batches(map, queries, QUERIES, &options[i]);
    bool made = act_shortcuts_of(map) != NULL;
    act_map_close(map);
    free(path);
    scratch_remove(dir);
    free(queries);
    entries_free(entries);
    return made;
}

/* Keys of short names between slashes, of which there are few: many share their first bytes. */
static void add_paths(struct random *r, struct entries *entries, size_t count)
{
    uint8_t key[KEY_ROOM];
    for (size_t i = 0; i < count; i++) {
        size_t nbytes = 0;
        size_t parts = 1 + random_below(r, 9);
        for (size_t part = 0; part < parts; part++) {
            uint64_t name = random_below(r, part < 3 ? 6 : 40);
            size_t name_nbytes = 1 + name % 7;
            for (size_t j = 0; j < name_nbytes; j++)
                key[nbytes++] = (uint8_t)('a' + name / 3 + (j == name_nbytes - 1 ? name % 3 : 0));
            key[nbytes++] = '/';
        }
        entries_add(entries, key, nbytes - random_below(r, 2), i);
    }
}

static void paths_have_shortcuts(void **state)
{
    (void)state;
    struct random r = random_of(31);
    struct entries entries = {0};
    add_paths(&r, &entries, 60000);
    assert_true(expect_answers(&r, &entries, ACT_LAYOUT_INDEXED));
}

static void random_keys_have_shortcuts_of_few_bytes(void **state)
{
    (void)state;
    struct random r = random_of(32);
    struct entries entries = {0};
    uint8_t key[24];
    for (size_t i = 0; i < 50000; i++) {
        random_fill(&r, key, sizeof(key));
        key[1] &= 0x1f; /* more of them than there is room for have none */
        entries_add(&entries, key, 1 + random_below(&r, sizeof(key)), shapes_value(&r));
    }
    assert_true(expect_answers(&r, &entries, ACT_LAYOUT_INDEXED));
}

/* Zeros are what keys are padded with: keys that end where others go on with them. */
static void keys_of_zeros(void **state)
{
    (void)state;
    struct random r = random_of(33);
    struct entries entries = {0};
    uint8_t key[40];
    for (size_t i = 0; i < 40000; i++) {
        size_t nbytes = random_below(&r, sizeof(key) + 1);
        for (size_t j = 0; j < nbytes; j++)
            key[j] = (uint8_t)(random_one_in(&r, 3) ? random_below(&r, 5) : 0);
        entries_add(&entries, key, nbytes, i);
    }
    assert_true(expect_answers(&r, &entries, ACT_LAYOUT_INDEXED));
}

/* Lines that end with a value and a child just where a prefix ends, and around there. */
static void values_on_lines(void **state)
{
    (void)state;
    struct random r = random_of(34);
    struct entries entries = {0};
    uint8_t key[80];
    for (unsigned first = 0; first < 200; first++) {
        for (size_t stop = 2; stop < 40; stop++) {
            memset(key, 'l', sizeof(key));
            key[0] = (uint8_t)first;
            key[1] = (uint8_t)stop;
            entries_add(&entries, key, stop, stop);
            entries_add(&entries, key, stop + 1 + random_below(&r, 20), first);
            key[stop] = 'm';
            entries_add(&entries, key, stop + 1 + random_below(&r, 30), first + 1);
        }
    }
    assert_true(expect_answers(&r, &entries, ACT_LAYOUT_INDEXED));
}

/* In a plain file there are none, and the top of a small one has none to give. */
static void all_shapes(void **state)
{
    (void)state;
    for (size_t shape = 0; shape < shapes_count(); shape++) {
        struct random r = random_of(40 + shape);
        struct entries entries = {0};
        shapes_make(&r, shape, &entries);
        expect_answers(&r, &entries, ACT_LAYOUT_INDEXED);
        struct entries again = {0};
        shapes_make(&r, shape, &again);
        assert_false(expect_answers(&r, &again, ACT_LAYOUT_PLAIN));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_shortcuts),
        cmocka_unit_test(random_keys_have_shortcuts_of_few_bytes),
        cmocka_unit_test(keys_of_zeros),
        cmocka_unit_test(values_on_lines),
        cmocka_unit_test(all_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
