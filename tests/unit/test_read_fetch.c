/*
 * Batches whose pages are fetched: which pages, and when. The system's part is put in its place by
 * the linker, so that the disk is as slow as the test likes, and all that is asked for is seen.
 */
#include "read/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "os/paging.h"
#include "read/paging.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    KEYS = 40000,
    PAGES_MAX = 4096
};

static struct entries entries;
static act_map *map, *plain;
static char *dir;
static act_batch_options batch_options; /* of the batches; all-zero again after each test */

/* What the disk says, and what was asked of it. */
static struct {
    uint64_t reads;
    uint64_t reads_a_question; /* that each look finds more */
    bool quick; /* only the first looks do: then all is read that was asked for, and no more */
    unsigned questions;
    unsigned pieces;
    uint64_t end;     /* of the last piece, in pages */
    uint64_t nearest; /* pages, at least, from there to the next one upwards */
    unsigned turns;   /* pieces that lie before the last one */
    bool asked[PAGES_MAX];
    unsigned settings;
    bool single; /* how units are read by whoever touches them: one by one, not ahead */
} disk;

uint64_t __wrap_act_os_paging_reads(void);
uint64_t __wrap_act_os_paging_reads(void)
{
    disk.questions++;
    disk.reads += disk.quick && disk.questions > 2 ? disk.pieces : disk.reads_a_question;
    if (disk.quick)
        disk.pieces = 0;
    return disk.reads;
}

void __wrap_act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes);
void __wrap_act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t off = (uint64_t)(bytes - map->arena.bytes);
    /* The hot region is another matter, and comes first. */
    bool hot = off >= map->index.hot_off / ACT_PAGE_NBYTES * ACT_PAGE_NBYTES;
    uint64_t first = off / ACT_PAGE_NBYTES;
    if (!hot && disk.end && first < disk.end)
        disk.turns++;
    else if (!hot && disk.end && first - disk.end < disk.nearest)
        disk.nearest = first - disk.end;
    if (!hot)
        disk.end = (off + nbytes + ACT_PAGE_NBYTES - 1) / ACT_PAGE_NBYTES;
    disk.pieces++;
    assert_true(disk.single || act_map_reads_single(map));
    assert_true(off + nbytes <= map->file_nbytes + ACT_PAGE_NBYTES);
    for (uint64_t page = off / ACT_PAGE_NBYTES; page * ACT_PAGE_NBYTES < off + nbytes; page++) {
        assert_true(page < PAGES_MAX);
        disk.asked[page] = true;
    }
}

void __wrap_act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging);
void __wrap_act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging)
{
    (void)bytes;
    (void)nbytes;
    disk.settings++;
    disk.single = paging == ACT_OS_PAGING_SINGLE;
}

static act_map *open_with(const char *name, const act_open_options *options)
{
    char *path = scratch_path(dir, name);
    act_map *opened;
    assert_int_equal(act_map_open(path, options, &opened, NULL), ACT_OK);
    free(path);
    return opened;
}

static act_map *open_layout(const char *name, act_layout layout)
{
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    char *path = scratch_path(dir, name);
    build_file(&entries, path, layout, NULL);
    free(path);
    act_map *opened = open_with(name, &options);
    act_map_settle(opened);
    return opened;
}

static int make_maps(void **state)
{
    (void)state;
    struct random r = random_of(8);
    dir = scratch_make();
    for (size_t i = 0; i < KEYS; i++) {
        char key[64];
        int nbytes = snprintf(key, sizeof(key), "usr/share/%llx/%llx.txt",
                              (unsigned long long)random_below(&r, 1000),
                              (unsigned long long)random_u64(&r));
        entries_add(&entries, key, (size_t)nbytes, i);
    }
    entries_sort(&entries);
    map = open_layout("map.act", ACT_LAYOUT_INDEXED);
    plain = open_layout("plain.act", ACT_LAYOUT_PLAIN);
    return 0;
}

static int remove_maps(void **state)
{
    (void)state;
    act_map_close(map);
    act_map_close(plain);
    entries_free(&entries);
    scratch_remove(dir);
    return 0;
}

/* Looks up `count` keys, every seventh of them absent; each look finds so many reads more. */
static void get_batch(const act_map *of, size_t count, uint64_t reads_a_question)
{
    struct random r = random_of(count);
    act_slice *keys = calloc(count, sizeof(*keys));
    const struct entry **expected = calloc(count, sizeof(const struct entry *));
    uint64_t *values = calloc(count, sizeof(*values));
    uint8_t *found = calloc(count / 8 + 1, 1);
    assert_true(keys && expected && values && found);
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries.items[random_below(&r, entries.count)];
        bool absent = i % 7 == 3;
        expected[i] = absent ? NULL : e;
        keys[i].bytes = e->key;
        keys[i].nbytes = e->key_nbytes - absent;
    }
    bool quick = disk.quick;
    memset(&disk, 0, sizeof(disk));
    disk.quick = quick;
    disk.nearest = UINT64_MAX;
    disk.reads_a_question = reads_a_question;
    assert_int_equal(act_map_get_batch_with(of, keys, count, values, found, &batch_options, NULL),
                     ACT_OK);
    assert_false(disk.single);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found[i / 8] >> i % 8 & 1, expected[i] != NULL);
        assert_int_equal(values[i], expected[i] ? expected[i]->value : 0);
    }
    free(keys);
    free(expected);
    free(values);
    free(found);
}

static unsigned pages_asked(void)
{
    unsigned count = 0;
    for (size_t page = 0; page < PAGES_MAX; page++)
        count += disk.asked[page];
    return count;
}

static void pages_in_memory_are_not_asked_for(void **state)
{
    (void)state;
    get_batch(map, 5000, 0);
    assert_int_equal(disk.pieces, 0);
    assert_int_equal(disk.settings, 0);
    assert_true(disk.questions > 5000 / 300 && disk.questions < 5000 / 100);
    /* Nor is it worth while for a page now and then, or for few keys. */
    get_batch(map, 5000, 8);
    assert_true(disk.pieces <= 1 + 256);
    get_batch(map, 127, 1000);
    assert_int_equal(disk.questions, 0);
    assert_int_equal(disk.pieces, 0);
}

static void pages_on_the_disk_are_asked_for(void **state)
{
    (void)state;
    get_batch(map, 10000, 100);
    uint64_t pages = map->index.hot_off / ACT_PAGE_NBYTES;
    uint64_t hot = map->index.sums_off / ACT_PAGE_NBYTES - map->index.hot_off / ACT_PAGE_NBYTES;
    assert_true(pages > 100 && hot > 1);
    /* So many keys need nearly every page, and the hot region, which is asked for in one piece. */
    assert_true(pages_asked() >= pages * 9 / 10 + hot);
    assert_true(disk.asked[map->index.hot_off / ACT_PAGE_NBYTES]);
    assert_true(disk.asked[map->index.sums_off / ACT_PAGE_NBYTES]);
    assert_true(disk.pieces < 10000);
    /* Once to one by one, and back. */
    assert_int_equal(disk.settings, 2);
}

/* All in one go, each piece beyond the one before, while memory has room for them. */
static void a_whole_batch_is_asked_for_in_the_order_of_the_file(void **state)
{
    (void)state;
    get_batch(map, 10000, 100);
    assert_int_equal(disk.turns, 0);
    assert_true(disk.pieces < 1000);
    /* Of fewer keys there are pages in between, and short gaps come along. */
    get_batch(map, 270, 100);
    assert_int_equal(disk.turns, 0);
    assert_true(disk.pieces > 5 && disk.nearest > 2 && disk.nearest < UINT64_MAX);
    /* Of more keys than that, in a few. */
    get_batch(map, 150000, 100);
    assert_int_equal(disk.turns, 2);
    /* With a budget, and in a file read page by page, only what is looked up next. */
    act_map *before = map;
    const act_open_options kept[] = {
        {.access = ACT_ACCESS_MAP, .advice = ACT_ADVICE_RANDOM},
        {.access = ACT_ACCESS_MAP, .resident_nbytes_max = ACT_RESIDENT_NBYTES_MIN},
    };
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
        map = open_with("map.act", &kept[i]);
        get_batch(map, 10000, 100);
        assert_true(disk.turns > 30);
        act_map_close(map);
    }
    map = before;
}

/* Shortcuts are made by a batch when it is over, from pages here and there: not by a cold one. */
static void a_cold_batch_makes_no_shortcuts(void **state)
{
    (void)state;
    act_map *before = map;
    map = open_layout("again.act", ACT_LAYOUT_INDEXED);
    disk.quick = true;
    /* The last window that pages are asked for has four keys: hardly anything is read after it. */
    get_batch(map, 1 + 38 * 256 + 4, 100);
    assert_null(act_shortcuts_of(map));
    disk.quick = false;
    get_batch(map, 10000, 0);
    assert_non_null(act_shortcuts_of(map));
    act_map_close(map);
    map = before;
}

/* A few keys of a large file: the pages that they need, and no other. */
static void each_key_has_its_page_asked_for(void **state)
{
    (void)state;
    get_batch(map, 130, 100);
    assert_true(pages_asked() < map->file_nbytes / ACT_PAGE_NBYTES);
    assert_true(disk.pieces > 30 && disk.pieces <= 130);
}

/* Of a new map the first key's pages come alone; then it is known what to do with the others. */
static void a_new_map_begins_page_by_page(void **state)
{
    (void)state;
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map *usual = map;
    map = open_with("map.act", &options);
    assert_true(act_map_reads_single(map));
    act_slice key = {entries.items[7].key, entries.items[7].key_nbytes};
    uint64_t value;
    assert_int_equal(act_map_get(map, key.bytes, key.nbytes, &value, NULL), ACT_OK);
    struct act_fetch fetch;
    act_slice keys[200];
    for (size_t i = 0; i < 200; i++)
        keys[i] = key;
    act_fetch_begin(&fetch, map, keys, 200, ACT_FETCH_AUTO);
    assert_int_equal(act_fetch_next(&fetch, 0), 1);
    assert_true(act_map_reads_single(map));
    assert_int_equal(act_fetch_next(&fetch, 1), 199);
    assert_false(act_map_reads_single(map));
    act_fetch_end(&fetch);
    act_map_close(map);

    /* Where nothing is looked at, or all is fetched, it is known at once. */
    static const struct {
        size_t count;
        act_fetch_mode mode;
    } at_once[] = {{100, ACT_FETCH_AUTO}, {200, ACT_FETCH_NEVER}, {200, ACT_FETCH_ALWAYS}};
    for (size_t i = 0; i < 3; i++) {
        map = open_with("map.act", &options);
        act_fetch_begin(&fetch, map, keys, at_once[i].count, at_once[i].mode);
        (void)act_fetch_next(&fetch, 0);
        assert_false(act_map_reads_single(map));
        act_fetch_end(&fetch);
        act_map_close(map);
    }
    map = usual;
}

static void every_size_of_a_batch_is_answered(void **state)
{
    (void)state;
    static const size_t counts[] = {1,   15,  16,  17,  63,  64,  65,  79,  80,   81,
                                    271, 272, 273, 527, 528, 529, 783, 784, 1000, 1040};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        get_batch(map, counts[i], 0);
        get_batch(map, counts[i], 300);
    }
}

static void the_caller_may_know_better(void **state)
{
    (void)state;
    batch_options.fetch = ACT_FETCH_ALWAYS;
    get_batch(map, 10, 0);
    assert_true(disk.pieces > 5);
    batch_options.fetch = ACT_FETCH_NEVER;
    get_batch(map, 3000, 1000);
    assert_int_equal(disk.questions, 0);
    assert_int_equal(disk.pieces, 0);
    memset(&batch_options, 0, sizeof(batch_options));
}

/* Without an index nobody knows the page before being there. */
/* For a single key a hot region of many pages is not asked for as a whole. */
static void a_large_hot_region_is_left_alone(void **state)
{
    (void)state;
    struct entries kept = entries;
    struct random r = random_of(10);
    char key[200];
    memset(&entries, 0, sizeof(entries));
    for (size_t i = 0; i < 50000; i++) {
        for (size_t at = 0; at < sizeof(key); at++)
            key[at] = (char)('a' + random_below(&r, 16));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    act_map *usual = map;
    map = open_layout("hot.act", ACT_LAYOUT_INDEXED);
    uint64_t first = map->index.hot_off / ACT_PAGE_NBYTES;
    assert_true(map->index.sums_off - map->index.hot_off >= 5 * ACT_PAGE_NBYTES);
    batch_options.fetch = ACT_FETCH_ALWAYS;
    get_batch(map, 1, 0);
    assert_int_equal(disk.pieces, 1);
    assert_false(disk.asked[first + 2]);
    get_batch(map, 100, 0);
    assert_true(disk.asked[first + 2]);
    act_map_close(map);
    map = usual;
    entries_free(&entries);
    entries = kept;
    memset(&batch_options, 0, sizeof(batch_options));
}

static void plain_files_are_left_alone(void **state)
{
    (void)state;
    get_batch(plain, 3000, 1000);
    assert_int_equal(disk.questions, 0);
    assert_int_equal(disk.pieces, 0);
}

static void keys_too_long_to_be_copied_are_passed_by(void **state)
{
    (void)state;
    static uint8_t key[300];
    act_slice keys[400];
    uint8_t found[50];
    for (size_t i = 0; i < 400; i++)
        keys[i] = (act_slice){key, sizeof(key)};
    memset(&disk, 0, sizeof(disk));
    disk.reads_a_question = 1000;
    assert_int_equal(act_map_get_batch(map, keys, 400, NULL, found, NULL), ACT_OK);
    for (size_t i = 0; i < sizeof(found); i++)
        assert_int_equal(found[i], 0);
    assert_true(disk.pieces <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_in_memory_are_not_asked_for),
        cmocka_unit_test(pages_on_the_disk_are_asked_for),
        cmocka_unit_test(a_whole_batch_is_asked_for_in_the_order_of_the_file),
        cmocka_unit_test(a_cold_batch_makes_no_shortcuts),
        cmocka_unit_test(each_key_has_its_page_asked_for),
        cmocka_unit_test(a_new_map_begins_page_by_page),
        cmocka_unit_test(every_size_of_a_batch_is_answered),
        cmocka_unit_test(the_caller_may_know_better),
        cmocka_unit_test(a_large_hot_region_is_left_alone),
        cmocka_unit_test(plain_files_are_left_alone),
        cmocka_unit_test(keys_too_long_to_be_copied_are_passed_by),
    };
    return cmocka_run_group_tests(tests, make_maps, remove_maps);
}
