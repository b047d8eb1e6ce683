/* Lookups with shortcuts, and batches, against the entries themselves. */
#define _DEFAULT_SOURCE

#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "read/map.h"
#include "read/rounds.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

#if CHECK_POSIX
#include <sys/mman.h>
#include <unistd.h>
#endif

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

/* Opens what was made by hand, all of it as if it were the hot region of an indexed file. */
static act_map *open_as_hot(struct forge *f, uint64_t root)
{
    forge_end(f, root);
    assert_int_equal(forge_open(f, NULL), ACT_OK);
    f->map->arena.hot_off = 0;
    f->map->arena.jump_end = 1;
    act_shortcuts_count(f->map, ACT_SHORTCUT_LOOKUPS_MIN);
    return f->map;
}

/* A line with a value, where the prefix ends, and a branch with one below: the line's counts. */
static void a_value_where_the_prefix_ends(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 7);
    uint64_t branch = forge_fork(&f, 9, leaf, "x");
    uint64_t data = forge_data(&f, "0123456789abcdef");
    const act_map *map = open_as_hot(&f, forge_line(&f, 5, branch, data));
    assert_non_null(act_shortcuts_of(map));
    uint64_t value;
    assert_int_equal(act_map_get(map, "0123456789abcdef", 16, &value, NULL), ACT_OK);
    assert_int_equal(value, 5);
    assert_int_equal(act_map_get(map, "0123456789abcdefx", 17, &value, NULL), ACT_OK);
    assert_int_equal(value, 7);
    forge_free(&f);
}

/* 320 thousand million short ways, none as long as a prefix: it is given up in time. */
static void ways_without_end_are_not_all_walked(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    const act_map *map = open_as_hot(&f, forge_shared(&f, 5, 200, 1));
    assert_null(act_shortcuts_of(map));
    forge_free(&f);
}

#if CHECK_POSIX
/* Keys that are too long for rounds are nowhere: what lies before the file is not read for them. */
static void rounds_pass_by_what_is_nowhere(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                          0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    struct act_arena arena = {.bytes = pages + page, .usual_end = page, .jump_end = page};
    struct act_descent d = {.id = UINT64_MAX, .key = arena.bytes, .key_end = arena.bytes};
    act_rounds(&arena, &d, 1);
    assert_int_equal(d.id, UINT64_MAX);
    assert_ptr_equal(d.key, arena.bytes);
    munmap(pages, 2 * page);
}
#endif

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

/* One by one without shortcuts, with them, and in a batch with them: one answer, or one error. */
static void expect_agreement(const uint8_t *bytes, size_t nbytes, const struct query *queries)
{
    static act_slice keys[QUERIES];
    static uint64_t expected[QUERIES], values[QUERIES];
    act_map *map, *with;
    if (act_map_open_memory(bytes, nbytes, NULL, &map, NULL) != ACT_OK)
        return;
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &with, NULL), ACT_OK);
    act_shortcuts_count(with, ACT_SHORTCUT_LOOKUPS_MIN);
    act_status status = ACT_OK;
    for (size_t i = 0; i < QUERIES; i++) {
        uint64_t value = 0;
        keys[i] = (act_slice){queries[i].key, queries[i].key_nbytes};
        expected[i] = 0;
        act_status one = act_map_get(map, keys[i].bytes, keys[i].nbytes, &expected[i], NULL);
        assert_int_equal(act_map_get(with, keys[i].bytes, keys[i].nbytes, &value, NULL), one);
        assert_int_equal(value, expected[i]);
        if (one == ACT_ERR_CORRUPT)
            status = one;
    }
    assert_int_equal(act_map_get_batch(with, keys, QUERIES, values, NULL, NULL), status);
    if (status == ACT_OK)
        assert_memory_equal(values, expected, sizeof(values));
    act_map_close(with);
    act_map_close(map);
}

/* Any change; or one that jump tables are known by: no distance, a width that is none. */
static void damage(struct random *r, uint8_t *byte)
{
    switch (random_below(r, 3)) {
    case 0:
        *byte = 0;
        break;
    case 1:
        *byte = *byte == 1 ? 8 | 2 : 8 | 1;
        break;
    default:
        *byte ^= (uint8_t)random_u64(r);
    }
}

static void damaged_files_answer_the_same_in_every_way(void **state)
{
    (void)state;
    struct random r = random_of(35);
    struct entries entries = {0};
    add_paths(&r, &entries, 20000);
    entries_sort(&entries);
    struct query *queries = make_queries(&r, &entries);
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
    size_t nbytes;
    unsigned char *bytes = scratch_read(path, &nbytes);
    uint8_t *damaged = malloc(nbytes);
    assert_non_null(damaged);
    for (int round = 0; round < (CHECK_SLOW_BUILD ? 10 : 100); round++) {
        memcpy(damaged, bytes, nbytes);
        /* The last eighth has the hot region in it, and the root. */
        for (uint64_t left = 1 + random_below(&r, 60); left; left--) {
            size_t room = random_one_in(&r, 2) ? nbytes / 8 : nbytes - 256;
            damage(&r, &damaged[nbytes - 1 - random_below(&r, room)]);
        }
        expect_agreement(damaged, nbytes, queries);
    }
    free(damaged);
    free(bytes);
    free(path);
    scratch_remove(dir);
    free(queries);
    entries_free(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_shortcuts),
        cmocka_unit_test(random_keys_have_shortcuts_of_few_bytes),
        cmocka_unit_test(keys_of_zeros),
        cmocka_unit_test(values_on_lines),
        cmocka_unit_test(a_value_where_the_prefix_ends),
        cmocka_unit_test(ways_without_end_are_not_all_walked),
#if CHECK_POSIX
        cmocka_unit_test(rounds_pass_by_what_is_nowhere),
#endif
        cmocka_unit_test(all_shapes),
        cmocka_unit_test(damaged_files_answer_the_same_in_every_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
