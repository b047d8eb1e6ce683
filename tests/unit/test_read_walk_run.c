/* Scans of what the fast walk has limits for: depth, branches with masks, long lines, long keys. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    STOPS = 37 /* a scan is stopped after each of so many first entries */
};

struct scan {
    const struct entries *expected;
    size_t count;
    size_t stop_at;
};

static int compare(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scan *scan = context;
    assert_true(scan->count < scan->expected->count);
    const struct entry *entry = &scan->expected->items[scan->count];
    if (entries_compare(key, key_nbytes, entry->key, entry->key_nbytes) != 0)
        fail_msg("entry %zu of the scan is another key", scan->count);
    assert_int_equal(value, entry->value);
    return ++scan->count == scan->stop_at;
}

static size_t scan(const act_map *map, const struct entries *expected, const act_range *range,
                   size_t stop_at, act_status status)
{
    struct scan scan = {expected, 0, stop_at};
    assert_int_equal(act_map_scan(map, range, compare, &scan, NULL), status);
    return scan.count;
}

/* Scans the whole map, and as much of it as a visitor or a limit lets pass. */
static void expect_stops(const act_map *map, const struct entries *entries)
{
    assert_int_equal(scan(map, entries, NULL, 0, ACT_OK), entries->count);
    for (size_t at = 1; at < STOPS && at < entries->count; at++) {
        act_range range = {.limit = at};
        assert_int_equal(scan(map, entries, NULL, at, ACT_STOPPED), at);
        assert_int_equal(scan(map, entries, &range, 0, ACT_OK), at);
        assert_int_equal(scan(map, entries, &range, at, ACT_STOPPED), at);
    }
}

/* Scans a map of the entries: whole, from each kind of opening, stopped, and cut short. */
static void expect_scans(struct entries *entries)
{
    static const enum act_access ways[] = {ACT_ACCESS_MAP, ACT_ACCESS_READ};
    entries_sort(entries);
    uint64_t longest = 0;
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].key_nbytes > longest)
            longest = entries->items[i].key_nbytes;
    }
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    /* Without a limit that matters, with one that just lets all pass, and one that does not. */
    const uint64_t limits[] = {0, longest, longest - 1};
    for (size_t i = 0; i < 12; i++) {
        if (i % 6 == 0)
            build_file(entries, path, i ? ACT_LAYOUT_INDEXED : ACT_LAYOUT_PLAIN, NULL);
        act_open_options options = {.access = ways[i / 3 % 2], .key_nbytes_max = limits[i % 3]};
        act_map *map;
        assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
        if (i % 3 == 2)
            assert_true(scan(map, entries, NULL, 0, ACT_ERR_LIMIT) < entries->count);
        else
            expect_stops(map, entries);
        act_map_close(map);
    }
    free(path);
    scratch_remove(dir);
    entries_free(entries);
}

/* A child that goes deeper at each of `depth` branches, with siblings before it and after it. */
static void add_ladder(struct entries *entries, size_t depth, unsigned before, unsigned after)
{
    uint8_t *key = malloc(depth + 2);
    assert_non_null(key);
    memset(key, 128, depth + 1);
    for (size_t at = 0; at <= depth; at++) {
        for (unsigned i = 0; i < before + after; i++) {
            key[at] = (uint8_t)(i < before ? 128 - before + i : 129 + i - before);
            entries_add(entries, key, at + 1, at * 1000 + i);
            key[at + 1] = 'x';
            if (i % 3 == 0)
                entries_add(entries, key, at + 2, i);
            key[at + 1] = 128;
        }
        key[at] = 128;
    }
    entries_add(entries, key, depth + 1, 7);
    free(key);
}

static void deeper_than_there_are_places(void **state)
{
    (void)state;
    static const unsigned siblings[][2] = {{0, 1}, {1, 0}, {1, 1}, {3, 2}};
    for (size_t i = 0; i < sizeof(siblings) / sizeof(siblings[0]); i++) {
        for (size_t depth = 120; depth <= 1200; depth += depth < 135 ? 1 : 355) {
            struct entries entries = {0};
            add_ladder(&entries, depth, siblings[i][0], siblings[i][1]);
            expect_scans(&entries);
        }
    }
}

static void masks_within_masks(void **state)
{
    (void)state;
    static const unsigned siblings[][2] = {{127, 127}, {20, 20}, {0, 40}, {40, 0}, {128, 0}};
    for (size_t i = 0; i < sizeof(siblings) / sizeof(siblings[0]); i++) {
        for (size_t depth = 1; depth <= 40; depth += depth < 14 || depth > 19 ? 13 : 1) {
            struct entries entries = {0};
            add_ladder(&entries, depth, siblings[i][0], siblings[i][1]);
            expect_scans(&entries);
        }
    }
}

/* Lines of every length, on leaves and on branches, below wide and narrow branches. */
static void lines_of_every_length(void **state)
{
    (void)state;
    struct random r = random_of(20);
    struct entries entries = {0};
    uint8_t key[900];
    for (size_t nbytes = 1; nbytes < 300; nbytes++) {
        random_fill(&r, key, sizeof(key));
        key[0] = (uint8_t)(nbytes % 60);
        key[1] = (uint8_t)(nbytes / 60);
        entries_add(&entries, key, 2 + nbytes, nbytes);
        key[2] ^= 1;
        for (size_t last = 0; last < nbytes % 4; last++) {
            key[2 + nbytes] = (uint8_t)last;
            entries_add(&entries, key, 3 + nbytes, nbytes * 1000);
            entries_add(&entries, key, 3 + nbytes + 299 - nbytes / 2, last);
        }
    }
    expect_scans(&entries);
}

/* Keys that end anywhere near where the buffer of the path does, as it grows. */
static void keys_of_every_length_near_the_buffers_end(void **state)
{
    (void)state;
    uint8_t *key = malloc(10000);
    assert_non_null(key);
    for (size_t step = 1; step <= 64; step += 21) {
        struct entries entries = {0};
        for (size_t nbytes = 3000; nbytes < 9900; nbytes += step) {
            memset(key, 'p', nbytes);
            entries_add(&entries, key, nbytes, nbytes);
            key[nbytes - 1] = 'q';
            entries_add(&entries, key, nbytes, 2 * nbytes);
        }
        expect_scans(&entries);
    }
    free(key);
}

/* A line to a key, below which what comes first is a key with more, or a branch without a value. */
static void stopped_at_each_kind_of_node(void **state)
{
    (void)state;
    static const char *const keys[] = {"a",     "b",     "nab",   "nabc",  "nabcd",
                                       "nabce", "xab",   "xabcd", "xabce", "xabcf",
                                       "yab",   "yabcd", "yac",   "zzz",   "zzzz"};
    enum {
        COUNT = sizeof(keys) / sizeof(keys[0])
    };
    struct entries entries = {0};
    for (size_t i = 0; i < COUNT; i++)
        entries_add(&entries, keys[i], strlen(keys[i]), i);
    act_map *map;
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    for (size_t stop_at = 1; stop_at <= COUNT; stop_at++)
        assert_int_equal(scan(map, &entries, NULL, stop_at, ACT_STOPPED), stop_at);
    assert_int_equal(scan(map, &entries, NULL, COUNT + 1, ACT_OK), COUNT);
    act_map_close(map);
    entries_free(&entries);
}

static int count_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scan *scan = context;
    assert_true(key_nbytes == 2 && key[0] == 'x' && key[1] == 'a' + scan->count);
    assert_int_equal(value, scan->count);
    return ++scan->count == scan->stop_at;
}

/* A branch of three children before which so many leaves lie: the rest would be itself. */
static void children_that_run_over_their_parent(void **state)
{
    (void)state;
    static const uint8_t room[300];
    for (size_t leaves = 1; leaves < 4; leaves++) {
        struct forge f;
        forge_start(&f);
        uint64_t first = forge_leaf(&f, 0);
        for (size_t i = 1; i < leaves; i++)
            forge_leaf(&f, i);
        uint64_t branch = forge_fork(&f, FORGE_NONE, first, "abc");
        uint64_t root = forge_fork(&f, FORGE_NONE, branch, "x");
        forge_bytes(&f, room, sizeof(room));
        forge_end(&f, root);
        assert_int_equal(forge_open(&f, NULL), ACT_OK);
        for (size_t stop_at = 1; stop_at <= leaves + 1; stop_at++) {
            struct scan scan = {NULL, 0, stop_at};
            act_status status = stop_at <= leaves ? ACT_STOPPED
                                : leaves < 3      ? ACT_ERR_CORRUPT
                                                  : ACT_OK;
            assert_int_equal(act_map_scan(f.map, NULL, count_entry, &scan, NULL), status);
            assert_int_equal(scan.count, stop_at <= leaves ? stop_at : leaves);
        }
        forge_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deeper_than_there_are_places),
        cmocka_unit_test(masks_within_masks),
        cmocka_unit_test_setup_teardown(stopped_at_each_kind_of_node, scratch_set_up,
                                        scratch_tear_down),
        cmocka_unit_test(children_that_run_over_their_parent),
        cmocka_unit_test(lines_of_every_length),
        cmocka_unit_test(keys_of_every_length_near_the_buffers_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
