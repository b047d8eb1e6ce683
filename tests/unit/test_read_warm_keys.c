/*
 * Bringing in what lookups will touch: which pages are asked for, when, and in which pieces. The
 * system's part is put in its place by the linker.
 */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "os/memory.h"
#include "os/paging.h"
#include "read/map.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    KEYS = 60000,
    PAGES_MAX = 8192
};

static struct {
    const act_map *map;
    uint64_t available;
    unsigned pieces;
    uint64_t last_end; /* of the piece asked for last */
    unsigned turns;    /* pieces that lie before the one asked for before */
    bool asked[PAGES_MAX];
    bool needed[PAGES_MAX];
} sys;

uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately);
uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately)
{
    (void)lately;
    assert_true(enough > 0);
    return sys.available;
}

void __wrap_act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes);
void __wrap_act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t off = (uint64_t)(bytes - sys.map->arena.bytes);
    assert_int_equal(off % ACT_PAGE_NBYTES, 0);
    assert_true(nbytes > 0 && off + nbytes <= sys.map->file_nbytes);
    for (uint64_t page = off / ACT_PAGE_NBYTES; page * ACT_PAGE_NBYTES < off + nbytes; page++) {
        assert_false(sys.asked[page]);
        sys.asked[page] = true;
    }
    /* Neighbours come together. */
    assert_true(off != sys.last_end || sys.pieces == 0 || off == sys.map->index.hot_off);
    sys.turns += off < sys.last_end;
    sys.last_end = off + nbytes;
    sys.pieces++;
}

static struct entries entries;

static void make_keys(void)
{
    struct random r = random_of(4);
    for (size_t i = 0; i < KEYS; i++) {
        char key[400];
        int nbytes = snprintf(key, sizeof(key), "usr/share/%llx/%llx.txt",
                              (unsigned long long)random_below(&r, 1000),
                              (unsigned long long)random_u64(&r));
        if (i % 1000 == 0) {
            memset(key + nbytes, 'l', 300); /* its line is not in the unit */
            nbytes += 300;
        }
        entries_add(&entries, key, (size_t)nbytes, i);
    }
    entries_sort(&entries);
}

static act_map *open_layout(act_layout layout)
{
    act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map *map;
    memset(&sys, 0, sizeof(sys));
    sys.available = UINT64_MAX;
    build_file(&entries, scratch_map, layout, NULL);
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    sys.map = map;
    assert_true(map->file_nbytes / ACT_PAGE_NBYTES < PAGES_MAX);
    return map;
}

/* Some of the keys, the first twice, and some that are not there. */
static act_slice *choose_keys(size_t count, uint64_t seed)
{
    struct random r = random_of(seed);
    act_slice *keys = calloc(count + 1, sizeof(*keys));
    assert_non_null(keys);
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries.items[random_below(&r, entries.count)];
        keys[i] = (act_slice){entry->key, entry->key_nbytes - (i % 5 == 0)};
    }
    keys[count] = keys[0];
    return keys;
}

static int need(void *context, const act_touch *touch)
{
    (void)context;
    for (uint64_t page = touch->off / ACT_PAGE_NBYTES;
         page <= (touch->off + touch->nbytes - 1) / ACT_PAGE_NBYTES; page++)
        sys.needed[page] = true;
    return 0;
}

static void expect_warm(act_layout layout, size_t count)
{
    act_map *map = open_layout(layout);
    act_slice *keys = choose_keys(count, count);
    act_warm_report report;
    assert_int_equal(act_map_warm_keys(map, keys, count + 1, NULL, NULL, &report, NULL), ACT_OK);
    assert_true(report.complete);
    assert_int_equal(report.keys_done, count + 1);
    assert_int_equal(report.pieces, sys.pieces);
    for (size_t i = 0; i <= count; i++)
        act_map_trace_get(map, keys[i].bytes, keys[i].nbytes, need, NULL, NULL, NULL);
    uint64_t pages = 0;
    for (uint64_t page = 0; page < PAGES_MAX; page++) {
        uint64_t off = page * ACT_PAGE_NBYTES;
        bool hot = layout == ACT_LAYOUT_INDEXED && off >= map->index.hot_off &&
                   off < map->index.sums_off;
        pages += sys.asked[page];
        assert_true(sys.asked[page] || !sys.needed[page]);
        assert_true(sys.needed[page] || !sys.asked[page] || hot);
    }
    assert_int_equal(report.pages, pages);
    assert_true(pages > 10);
    if (layout == ACT_LAYOUT_INDEXED)
        assert_true(sys.turns <= 3); /* rounds: hot region, pages, long lines */
    free(keys);
    act_map_close(map);
}

static void what_lookups_touch_and_nothing_else(void **state)
{
    (void)state;
    expect_warm(ACT_LAYOUT_INDEXED, 5000);
    expect_warm(ACT_LAYOUT_INDEXED, 12);
    expect_warm(ACT_LAYOUT_PLAIN, 5000);
    expect_warm(ACT_LAYOUT_COMPACT, 500);
}

static void more_keys_than_a_window(void **state)
{
    (void)state;
    expect_warm(ACT_LAYOUT_INDEXED, 140000);
}

/* As other entries, of which a file has so many pages that it is asked whether there is room. */
static void make_long_keys(void)
{
    struct random r = random_of(6);
    for (size_t i = 0; i < KEYS; i++) {
        char key[200];
        for (size_t at = 0; at < sizeof(key); at++)
            key[at] = (char)('a' + random_below(&r, 16));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
}

/* Fewer pages than the keys need. */
static void expect_part(const act_map *map, const act_slice *keys, uint64_t pages)
{
    act_warm_report report;
    memset(sys.asked, 0, sizeof(sys.asked));
    sys.pieces = 0;
    sys.last_end = 1;
    assert_int_equal(act_map_warm_keys(map, keys, 5000, NULL, NULL, &report, NULL), ACT_OK);
    assert_false(report.complete);
    assert_true(report.pages <= pages);
    assert_true(report.keys_done < 5000);
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    struct entries kept = entries;
    memset(&entries, 0, sizeof(entries));
    make_long_keys();
    act_map *map = open_layout(ACT_LAYOUT_INDEXED);
    act_slice *keys = choose_keys(5000, 1);
    for (uint64_t pages = 0; pages < 200; pages += 40) {
        sys.available = 2 * pages * ACT_PAGE_NBYTES;
        expect_part(map, keys, pages);
    }
    /* In the first of several windows too. */
    act_slice *more = choose_keys(70000, 1);
    act_warm_report report;
    memset(sys.asked, 0, sizeof(sys.asked));
    assert_int_equal(act_map_warm_keys(map, more, 70000, NULL, NULL, &report, NULL), ACT_OK);
    assert_true(!report.complete && report.pages <= 160 && report.keys_done < 65536);
    free(more);
    /* For a single key the hot region is not asked for as a whole. */
    sys.available = UINT64_MAX;
    memset(sys.asked, 0, sizeof(sys.asked));
    assert_true(map->index.sums_off - map->index.hot_off > 8 * ACT_PAGE_NBYTES);
    assert_int_equal(act_map_warm_keys(map, keys, 1, NULL, NULL, &report, NULL), ACT_OK);
    assert_true(report.complete && report.pages < 8);
    act_map_close(map);

    /* Nor than a budget allows. */
    act_open_options options = {.access = ACT_ACCESS_MAP,
                                .resident_nbytes_max = ACT_RESIDENT_NBYTES_MIN};
    sys.available = UINT64_MAX;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    sys.map = map;
    expect_part(map, keys, ACT_RESIDENT_NBYTES_MIN / ACT_PAGE_NBYTES);
    /* Of budget and room, the less. */
    sys.available = 2 * 50 * ACT_PAGE_NBYTES;
    expect_part(map, keys, 50);
    act_map_close(map);
    free(keys);
    entries_free(&entries);
    entries = kept;
}

/* Line data of many pages, all wanted at once. */
static void a_key_of_more_pages_than_a_list_begins_with(void **state)
{
    (void)state;
    enum {
        LONG = 5000 * ACT_PAGE_NBYTES
    };
    struct entries kept = entries;
    memset(&entries, 0, sizeof(entries));
    uint8_t *key = malloc(LONG);
    assert_non_null(key);
    memset(key, 'k', LONG);
    entries_add(&entries, key, LONG, 1);
    entries_add(&entries, "x", 1, 1);
    entries_sort(&entries);
    act_map *map = open_layout(ACT_LAYOUT_INDEXED);
    const act_slice slice = {key, LONG};
    act_warm_report report;
    assert_int_equal(act_map_warm_keys(map, &slice, 1, NULL, NULL, &report, NULL), ACT_OK);
    assert_true(report.complete);
    assert_in_range(report.pages, LONG / ACT_PAGE_NBYTES, LONG / ACT_PAGE_NBYTES + 3);
    act_map_close(map);
    free(key);
    entries_free(&entries);
    entries = kept;
}

/* What a copy holds need not be asked for. */
static void copies_are_in_memory(void **state)
{
    (void)state;
    act_map_close(open_layout(ACT_LAYOUT_INDEXED));
    act_open_options options = {.access = ACT_ACCESS_MAP, .huge = ACT_HUGE_ON};
    act_slice *keys = choose_keys(5000, 1);
    act_warm_report report;
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    if (map->os_bytes.copied) {
        sys.map = map;
        assert_int_equal(act_map_warm_keys(map, keys, 5000, NULL, NULL, &report, NULL), ACT_OK);
        assert_true(report.complete && report.pages == 0 && sys.pieces == 0);
    }
    act_map_close(map);
    free(keys);
}

static int stop(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    (void)done;
    assert_int_equal(total, 5000);
    return 1;
}

static void stops_and_refuses(void **state)
{
    (void)state;
    act_map *map = open_layout(ACT_LAYOUT_INDEXED);
    act_slice *keys = choose_keys(5000, 1);
    act_warm_report report;
    act_error error;
    assert_int_equal(act_map_warm_keys(map, keys, 5000, stop, NULL, &report, NULL), ACT_STOPPED);
    assert_int_equal(act_map_warm_keys(map, NULL, 1, NULL, NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(act_map_warm_keys(NULL, keys, 1, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_warm_keys(map, NULL, 0, NULL, NULL, &report, NULL), ACT_OK);
    assert_int_equal(report.pages, 0);
    assert_int_equal(sys.pieces, 0);
    act_map_close(map);

    /* What is in memory already. */
    size_t nbytes;
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_warm_keys(map, keys, 5000, NULL, NULL, &report, NULL), ACT_OK);
    assert_int_equal(report.pages, 0);
    act_map_close(map);
    free(bytes);
    free(keys);
}

/* In a damaged file it ends, and asks for nothing beyond the file. */
static void damaged(void **state)
{
    (void)state;
    struct random r = random_of(5);
    act_slice *keys = choose_keys(300, 2);
    act_map_close(open_layout(ACT_LAYOUT_INDEXED));
    size_t nbytes;
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    for (int i = 0; i < 60; i++) {
        act_open_options options = {.access = ACT_ACCESS_MAP};
        act_map *map;
        for (int j = 0; j < 500; j++)
            bytes[256 + random_below(&r, nbytes - 256)] ^= (uint8_t)random_u64(&r);
        scratch_write(scratch_map, bytes, nbytes);
        memset(&sys, 0, sizeof(sys));
        sys.available = UINT64_MAX;
        if (act_map_open(scratch_map, &options, &map, NULL) != ACT_OK)
            continue;
        sys.map = map;
        act_status status = act_map_warm_keys(map, keys, 300, NULL, NULL, NULL, NULL);
        assert_true(status == ACT_OK || status == ACT_ERR_CORRUPT);
        act_map_close(map);
    }
    free(bytes);
    free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lookups_touch_and_nothing_else),
        cmocka_unit_test(more_keys_than_a_window),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(a_key_of_more_pages_than_a_list_begins_with),
        cmocka_unit_test(copies_are_in_memory),
        cmocka_unit_test(stops_and_refuses),
        cmocka_unit_test(damaged),
    };
    make_keys();
    int status = cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
    entries_free(&entries);
    return status;
}
