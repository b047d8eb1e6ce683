/* Runs of entries, ranges that are split, scans on threads: what they give is what a scan gives. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

enum {
    PARTS_MAX = 300
};

/* Entries by part, of which there is one where there are no parts. */
struct parts {
    struct entries entries[PARTS_MAX];
    size_t ended;   /* parts whose end was told */
    size_t stop_at; /* after so many entries of a part, unless 0 */
    size_t stop_at_end;
};

static int keep(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    entries_add(context, key, key_nbytes, value);
    return 0;
}

static int keep_run(void *context, const act_entry_run *run)
{
    assert_true(run->count > 0);
    assert_int_equal(run->key_offs[0], 0);
    for (size_t i = 0; i < run->count; i++)
        keep(context, run->keys + run->key_offs[i],
             (size_t)(run->key_offs[i + 1] - run->key_offs[i]), run->values[i]);
    return 0;
}

static int keep_in_part(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                        uint64_t value)
{
    struct parts *parts = context;
    assert_true(part < PARTS_MAX);
    keep(&parts->entries[part], key, key_nbytes, value);
    return parts->entries[part].count == parts->stop_at;
}

static int end_part(void *context, size_t part)
{
    struct parts *parts = context;
    assert_int_equal(part, parts->ended);
    parts->ended++;
    return parts->ended == parts->stop_at_end;
}

static void free_parts(struct parts *parts)
{
    for (size_t i = 0; i < PARTS_MAX; i++)
        entries_free(&parts->entries[i]);
    memset(parts, 0, sizeof(*parts));
}

static void expect_same(const struct entries *one, const struct entries *other)
{
    assert_int_equal(one->count, other->count);
    for (size_t i = 0; i < one->count; i++) {
        const struct entry *a = &one->items[i];
        const struct entry *b = &other->items[i];
        assert_int_equal(entries_compare(a->key, a->key_nbytes, b->key, b->key_nbytes), 0);
        assert_int_equal(a->value, b->value);
    }
}

/* A range whose bounds are near the keys of a map; `bytes` is what it refers to. */
static act_range random_range(struct random *r, const struct entries *entries, uint8_t bytes[3][64])
{
    act_range range = {.limit = 0};
    if (random_one_in(r, 4)) {
        range.prefix = bytes[0];
        range.prefix_nbytes = shapes_near_key(r, entries, bytes[0], 64) / 2;
    }
    if (random_one_in(r, 2)) {
        range.from = bytes[1];
        range.from_nbytes = shapes_near_key(r, entries, bytes[1], 64);
    }
    if (random_one_in(r, 2)) {
        range.to = bytes[2];
        range.to_nbytes = shapes_near_key(r, entries, bytes[2], 64);
    }
    return range;
}

static void expect_runs(const act_map *map, const act_range *range)
{
    struct entries one = {0};
    struct entries other = {0};
    assert_int_equal(act_map_scan(map, range, keep, &one, NULL), ACT_OK);
    assert_int_equal(act_map_scan_runs(map, range, keep_run, &other, NULL), ACT_OK);
    expect_same(&one, &other);
    entries_free(&one);
    entries_free(&other);
}

static void expect_parts(const act_map *map, const act_range *range, unsigned threads, size_t count)
{
    static struct parts parts;
    struct entries one = {0};
    struct entries other = {0};
    act_parallel_options options = {.threads = threads, .parts = count, .part_end = end_part};
    assert_int_equal(act_map_scan(map, range, keep, &one, NULL), ACT_OK);
    assert_int_equal(act_map_scan_parallel(map, range, &options, keep_in_part, &parts, NULL),
                     ACT_OK);
    assert_true(parts.ended >= 1);
    assert_true(parts.ended <= (count ? count : 16 * (threads ? threads : 1)));
    for (size_t i = 0; i < PARTS_MAX; i++) {
        entries_append(&other, &parts.entries[i]);
        assert_true(i < parts.ended || !parts.entries[i].count);
    }
    expect_same(&one, &other);
    entries_free(&one);
    entries_free(&other);
    free_parts(&parts);
}

/* The cuts of a range, which must ascend and lie within. */
struct cuts {
    const act_range *range;
    uint8_t last[2000];
    size_t last_nbytes;
    size_t count;
    size_t stop_at;
};

static int check_cut(void *context, const uint8_t *key, size_t key_nbytes)
{
    struct cuts *cuts = context;
    const act_range *range = cuts->range;
    assert_true(key_nbytes <= sizeof(cuts->last));
    assert_true(entries_compare(key, key_nbytes, cuts->last, cuts->last_nbytes) > 0);
    if (range && range->from)
        assert_true(entries_compare(key, key_nbytes, range->from, range->from_nbytes) > 0);
    if (range && range->to)
        assert_true(entries_compare(key, key_nbytes, range->to, range->to_nbytes) < 0);
    memcpy(cuts->last, key, key_nbytes);
    cuts->last_nbytes = key_nbytes;
    return ++cuts->count == cuts->stop_at;
}

static size_t count_cuts(const act_map *map, const act_range *range, size_t parts)
{
    struct cuts cuts = {.range = range};
    assert_int_equal(act_map_split(map, range, parts, check_cut, &cuts, NULL), ACT_OK);
    assert_true(cuts.count < parts);
    return cuts.count;
}

static void maps_of_all_shapes(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    struct random r = random_of(4);
    for (size_t shape = 0; shape < 2 * shapes_count(); shape++) {
        struct entries entries = {0};
        shapes_make(&r, shape / 2, &entries);
        build_file(&entries, path, shape % 2 ? ACT_LAYOUT_PLAIN : ACT_LAYOUT_INDEXED, NULL);
        act_map *map;
        assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
        for (size_t i = 0; i < (CHECK_SLOW_BUILD ? 8 : 40); i++) {
            uint8_t bytes[3][64];
            act_range range = random_range(&r, &entries, bytes);
            /* To start so many threads takes a second where they are watched. */
            bool many = i == 5 && (!CHECK_SLOW_BUILD || shape < 2);
            expect_parts(map, i ? &range : NULL, many ? 100 : (unsigned)i % 4,
                         random_below(&r, 60));
            count_cuts(map, i ? &range : NULL, 1 + random_below(&r, 2000));
            range.limit = random_one_in(&r, 2) ? random_below(&r, 50) : 0;
            range.reverse = random_one_in(&r, 2);
            expect_runs(map, i ? &range : NULL);
        }
        act_map_close(map);
        entries_free(&entries);
    }
    free(path);
    scratch_remove(dir);
}

/* ------------------------------------------------------------------------------------ one map */

/* A map of some megabytes, which takes many pages. */
static act_map *open_large(act_layout layout, uint64_t key_nbytes_max)
{
    struct entries entries = {0};
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    for (unsigned i = 0; i < 40000; i++) {
        char key[64];
        int nbytes = snprintf(key, sizeof(key), "/%u/%02u/file-%u.%u", i % 7, i / 7 % 90, i,
                              i * 2654435761u % 1000);
        entries_add(&entries, key, (size_t)nbytes, i);
    }
    entries_sort(&entries);
    build_file(&entries, path, layout, NULL);
    act_open_options options = {.key_nbytes_max = key_nbytes_max};
    act_map *map;
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    entries_free(&entries);
    free(path);
    scratch_remove(dir);
    return map;
}

static void parts_are_of_about_equal_size(void **state)
{
    (void)state;
    static struct parts parts;
    for (size_t i = 0; i < 8; i++) {
        act_map *map = open_large(i % 2 ? ACT_LAYOUT_PLAIN : ACT_LAYOUT_INDEXED, 0);
        act_range range = {.prefix = i / 2 % 2 ? "/3" : NULL, .prefix_nbytes = 2};
        act_parallel_options options = {.parts = i / 4 ? 3 : 2, .part_end = end_part};
        assert_int_equal(count_cuts(map, &range, options.parts), options.parts - 1);
        assert_int_equal(act_map_scan_parallel(map, &range, &options, keep_in_part, &parts, NULL),
                         ACT_OK);
        size_t total = range.prefix ? 40000 / 7 : 40000;
        for (size_t part = 0; part < options.parts; part++)
            assert_in_range(parts.entries[part].count, total / options.parts / 2,
                            total / options.parts * 2);
        free_parts(&parts);
        act_map_close(map);
    }
}

/* For one cut some tens of thousands of nodes are looked at, at most; not for all together. */
static void each_of_many_cuts_is_looked_for(void **state)
{
    (void)state;
    enum {
        PARTS = 1000
    };
    struct entries entries = {0};
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    for (unsigned i = 0; i < 60000; i++) {
        uint8_t key[6];
        for (size_t at = 0; at < sizeof(key); at++)
            key[at] = (uint8_t)((i + 1) * 2654435761u * (at < 4 ? 1 : 7) >> (24 - 8 * (at % 4)));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    /* There are no more of them than large runs to cut between: those of the first byte. */
    assert_in_range(count_cuts(map, NULL, PARTS), 200, 256);
    act_map_close(map);
    free(path);
    scratch_remove(dir);
}

/* A few keys between many: they wait for a page that they fit into, and so may lie anywhere. What
 * the large ones around them say of the order counts. */
static void few_keys_between_many_do_not_mislead(void **state)
{
    (void)state;
    enum {
        MANY = 30000,
        FEW = 3
    };
    static struct parts parts;
    struct entries entries = {0};
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    for (unsigned group = 0; group < 9; group++) {
        for (unsigned i = 0; i < (group % 2 ? FEW : MANY / 5); i++) {
            char key[16];
            int nbytes = snprintf(key, sizeof(key), "%u%08x", group, i * 2654435761u);
            entries_add(&entries, key, (size_t)nbytes, i);
        }
    }
    entries_sort(&entries);
    build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    act_parallel_options options = {.parts = 5, .part_end = end_part};
    assert_int_equal(act_map_scan_parallel(map, NULL, &options, keep_in_part, &parts, NULL),
                     ACT_OK);
    for (size_t part = 0; part < options.parts; part++)
        assert_in_range(parts.entries[part].count, MANY / 5 / 2, MANY / 5 * 2);
    free_parts(&parts);
    act_map_close(map);
    entries_free(&entries);
    free(path);
    scratch_remove(dir);
}

static void what_asks_to_stop_is_asked_no_more(void **state)
{
    (void)state;
    static struct parts parts;
    act_map *map = open_large(ACT_LAYOUT_INDEXED, 0);
    for (unsigned threads = 1; threads < 4; threads++) {
        act_parallel_options options = {threads, 0, end_part};
        parts.stop_at = 5;
        assert_int_equal(act_map_scan_parallel(map, NULL, &options, keep_in_part, &parts, NULL),
                         ACT_STOPPED);
        assert_int_equal(parts.ended, 0);
        for (size_t i = 0; i < PARTS_MAX; i++)
            assert_true(parts.entries[i].count <= 5 && (i < threads || !parts.entries[i].count));
        free_parts(&parts);
        parts.stop_at_end = 2;
        assert_int_equal(act_map_scan_parallel(map, NULL, &options, keep_in_part, &parts, NULL),
                         ACT_STOPPED);
        assert_int_equal(parts.ended, 2);
        assert_int_equal(parts.entries[2 + threads].count, 0);
        free_parts(&parts);
    }
    struct cuts cuts = {.stop_at = 2};
    assert_int_equal(act_map_split(map, NULL, 9, check_cut, &cuts, NULL), ACT_STOPPED);
    assert_int_equal(cuts.count, 2);
    act_map_close(map);
}

static int stop_second_run(void *context, const act_entry_run *run)
{
    size_t *count = context;
    assert_true(run->count > 0);
    return ++*count == 2;
}

static void a_run_stops_a_scan(void **state)
{
    (void)state;
    size_t count = 0;
    act_map *map = open_large(ACT_LAYOUT_INDEXED, 0);
    assert_int_equal(act_map_scan_runs(map, NULL, stop_second_run, &count, NULL), ACT_STOPPED);
    assert_int_equal(count, 2);
    /* The last one, too, which is given away by the end. */
    act_range few = {.limit = 17};
    count = 0;
    assert_int_equal(act_map_scan_runs(map, &few, stop_second_run, &count, NULL), ACT_STOPPED);
    assert_int_equal(count, 2);
    act_map_close(map);
}

static int count_runs(void *context, const act_entry_run *run)
{
    size_t *count = context;
    assert_true(run->count > 0);
    ++*count;
    return 0;
}

/* The first ones are short, for whoever wants no more; the others are not. */
static void runs_grow(void **state)
{
    (void)state;
    size_t count = 0;
    act_map *map = open_large(ACT_LAYOUT_INDEXED, 0);
    assert_int_equal(act_map_scan_runs(map, NULL, count_runs, &count, NULL), ACT_OK);
    assert_in_range(count, 40000 / 1024, 40000 / 500);
    act_map_close(map);
}

static int wait_at_first(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                         uint64_t value)
{
    (void)context;
    (void)key;
    (void)key_nbytes;
    if (part == 0 && value == 0)
        nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    return 0;
}

/* A part is told to stop since a later one has failed: that one's error is what the scan says. */
static void an_error_stops_the_parts_before_it(void **state)
{
    (void)state;
    struct entries entries = {0};
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    for (unsigned i = 0; i < 20000; i++) {
        char key[16];
        entries_add(&entries, key, (size_t)snprintf(key, sizeof(key), "k%05u", i), i);
    }
    entries_add(&entries, "z23456789", 9, 1);
    build_file(&entries, path, ACT_LAYOUT_PLAIN, NULL);
    act_map *map;
    act_open_options open_options = {.key_nbytes_max = 8};
    assert_int_equal(act_map_open(path, &open_options, &map, NULL), ACT_OK);
    act_parallel_options options = {.threads = 2, .parts = 2};
    assert_int_equal(act_map_scan_parallel(map, NULL, &options, wait_at_first, NULL, NULL),
                     ACT_ERR_LIMIT);
    act_map_close(map);
    entries_free(&entries);
    free(path);
    scratch_remove(dir);
}

static void a_thread_that_fails_ends_the_scan(void **state)
{
    (void)state;
    static struct parts parts;
    /* Some keys are a byte longer than others. */
    act_map *map = open_large(ACT_LAYOUT_INDEXED, 19);
    for (unsigned threads = 0; threads < 4; threads++) {
        act_error error = {0};
        act_parallel_options options = {threads, 0, end_part};
        assert_int_equal(act_map_scan_parallel(map, NULL, &options, keep_in_part, &parts, &error),
                         ACT_ERR_LIMIT);
        assert_int_equal(error.status, ACT_ERR_LIMIT);
        free_parts(&parts);
    }
    /* Runs have what came before. */
    struct entries one = {0};
    struct entries other = {0};
    act_error error = {0};
    assert_int_equal(act_map_scan(map, NULL, keep, &one, NULL), ACT_ERR_LIMIT);
    assert_int_equal(act_map_scan_runs(map, NULL, keep_run, &other, &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    assert_true(one.count > 0);
    expect_same(&one, &other);
    entries_free(&one);
    entries_free(&other);
    act_map_close(map);
}

static int count_all(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                     uint64_t value)
{
    size_t *counts = context;
    (void)key;
    (void)key_nbytes;
    (void)value;
    return ++counts[part] == 1000000;
}

static void subtrees_in_common_are_visited_on_each_way(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    forge_end(&f, forge_shared(&f, 10, 3, 1));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    for (unsigned threads = 1; threads < 4; threads++) {
        size_t counts[PARTS_MAX] = {0};
        size_t total = 0;
        act_parallel_options options = {.threads = threads, .parts = 40};
        assert_int_equal(act_map_scan_parallel(f.map, NULL, &options, count_all, counts, NULL),
                         ACT_OK);
        for (size_t i = 0; i < PARTS_MAX; i++)
            total += counts[i];
        assert_int_equal(total, 59049);
    }
    forge_free(&f);
    /* More than anybody can visit. */
    forge_start(&f);
    forge_end(&f, forge_shared(&f, 2000, 200, 1));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    size_t counts[PARTS_MAX] = {0};
    act_parallel_options options = {.threads = 2};
    count_cuts(f.map, NULL, 1000);
    assert_int_equal(act_map_scan_parallel(f.map, NULL, &options, count_all, counts, NULL),
                     ACT_STOPPED);
    forge_free(&f);
}

static void no_way_to_scan_is_a_mistake(void **state)
{
    (void)state;
    act_map *map = open_large(ACT_LAYOUT_PLAIN, 0);
    struct cuts cuts = {0};
    act_error error = {0};
    act_range reverse = {.reverse = true};
    act_range limit = {.limit = 1};
    assert_int_equal(act_map_split(map, NULL, 0, check_cut, &cuts, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_split(NULL, NULL, 2, check_cut, &cuts, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_split(map, NULL, 2, NULL, &cuts, &error), ACT_ERR_INVALID);
    assert_int_equal(error.status, ACT_ERR_INVALID);
    assert_int_equal(act_map_scan_runs(map, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_scan_runs(NULL, NULL, keep_run, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_scan_parallel(NULL, NULL, NULL, keep_in_part, NULL, NULL),
                     ACT_ERR_INVALID);
    assert_int_equal(act_map_scan_parallel(map, NULL, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_scan_parallel(map, &reverse, NULL, keep_in_part, NULL, NULL),
                     ACT_ERR_INVALID);
    assert_int_equal(act_map_scan_parallel(map, &limit, NULL, keep_in_part, NULL, NULL),
                     ACT_ERR_INVALID);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_of_all_shapes),
        cmocka_unit_test(parts_are_of_about_equal_size),
        cmocka_unit_test(each_of_many_cuts_is_looked_for),
        cmocka_unit_test(few_keys_between_many_do_not_mislead),
        cmocka_unit_test(what_asks_to_stop_is_asked_no_more),
        cmocka_unit_test(a_run_stops_a_scan),
        cmocka_unit_test(runs_grow),
        cmocka_unit_test(an_error_stops_the_parts_before_it),
        cmocka_unit_test(a_thread_that_fails_ends_the_scan),
        cmocka_unit_test(subtrees_in_common_are_visited_on_each_way),
        cmocka_unit_test(no_way_to_scan_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
