/*
 * What merges write beside what they change: so that lookups after many of them take the
 * steps, and read about the lines of memory, that they would in a file made anew.
 */
#include "merge/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read/map.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    DIRS = 300,
    FILES = 100,
    LINE_BITS = 6, /* of memory, as caches have it */
    PAGE_BITS = 12,
    PIECES_MAX = 200 /* of one lookup */
};

/* Folders of files, of which some, but not all, are small enough to be copied. */
static void make_entries(struct entries *entries)
{
    struct random r = random_of(7);
    char key[80];
    for (unsigned dir = 0; dir < DIRS; dir++) {
        for (unsigned file = 0; file < FILES; file++) {
            int nbytes = snprintf(key, sizeof(key), "share/dir%03u/%02u/name-%llx", dir,
                                  (unsigned)random_below(&r, 20),
                                  (unsigned long long)random_u64(&r) >> 40);
            entries_add(entries, key, (size_t)nbytes, random_u64(&r) >> 40);
        }
    }
    entries_sort(entries);
}

/* Gives each of these another value, in one merge. */
static void merge_some(struct entries *entries, struct random *r, unsigned count)
{
    struct entries some = {0};
    act_merge_options options = {.no_sync = true};
    act_merge *merge;
    for (unsigned i = 0; i < count; i++) {
        struct entry *e = &entries->items[random_below(r, entries->count)];
        e->value = random_u64(r) >> 40;
        entries_add(&some, e->key, e->key_nbytes, e->value);
    }
    entries_sort(&some);
    assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_OK);
    for (size_t i = 0; i < some.count; i++)
        assert_int_equal(act_merge_set(merge, some.items[i].key, some.items[i].key_nbytes,
                                       some.items[i].value, NULL),
                         ACT_OK);
    assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
    act_merge_close(merge);
    entries_free(&some);
}

static act_map *open_map(const char *path)
{
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    return map;
}

/* -------------------------------------------------------------------------- what lookups touch */

/* Different pieces of the file. */
struct pieces {
    uint64_t off[PIECES_MAX];
    size_t count; /* in this lookup */
    uint64_t sum; /* in all before */
};

struct touched {
    struct pieces lines;
    struct pieces pages;
    uint64_t touches; /* in all lookups */
    uint64_t lowest;  /* of this lookup */
    uint64_t last;
};

static void note_pieces(struct pieces *pieces, const act_touch *touch, int bits)
{
    uint64_t last = (touch->off + touch->nbytes - 1) >> bits;
    for (uint64_t piece = touch->off >> bits; piece <= last; piece++) {
        size_t i = 0;
        while (i < pieces->count && pieces->off[i] != piece)
            i++;
        if (i == pieces->count) {
            assert_true(i < PIECES_MAX);
            pieces->off[pieces->count++] = piece;
        }
    }
}

static int note_touch(void *context, const act_touch *touch)
{
    struct touched *touched = context;
    touched->touches++;
    touched->last = touch->off;
    touched->lowest = touch->off < touched->lowest ? touch->off : touched->lowest;
    note_pieces(&touched->lines, touch, LINE_BITS);
    note_pieces(&touched->pages, touch, PAGE_BITS);
    return 0;
}

static void trace(const act_map *map, const struct entry *e, struct touched *touched)
{
    uint64_t value;
    touched->lines.count = touched->pages.count = 0;
    touched->lowest = UINT64_MAX;
    assert_int_equal(
        act_map_trace_get(map, e->key, e->key_nbytes, note_touch, touched, &value, NULL), ACT_OK);
    assert_int_equal(value, e->value);
    touched->lines.sum += touched->lines.count;
    touched->pages.sum += touched->pages.count;
}

static struct touched trace_all(const act_map *map, const struct entries *entries)
{
    struct touched touched = {.touches = 0};
    for (size_t i = 0; i < entries->count; i++)
        trace(map, &entries->items[i], &touched);
    return touched;
}

/* As many steps, hardly more lines of memory, and twice the pages. */
static void lookups_after_many_merges(void **state)
{
    (void)state;
    struct random r = random_of(1);
    struct entries entries = {0};
    char *anew = scratch_path(scratch_dir, "anew");
    make_entries(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    for (int i = 0; i < 100; i++)
        merge_some(&entries, &r, 30);
    build_file(&entries, anew, ACT_LAYOUT_INDEXED, NULL);
    act_map *merged_map = open_map(scratch_map);
    act_map *anew_map = open_map(anew);
    struct touched after = trace_all(merged_map, &entries);
    struct touched before = trace_all(anew_map, &entries);
    assert_int_equal(after.touches, before.touches);
    if (after.lines.sum * 100 > before.lines.sum * 115)
        fail_msg("%llu lines of memory, %llu anew", (unsigned long long)after.lines.sum,
                 (unsigned long long)before.lines.sum);
    if (after.pages.sum * 10 > before.pages.sum * 22)
        fail_msg("%llu pages, %llu anew", (unsigned long long)after.pages.sum,
                 (unsigned long long)before.pages.sum);
    act_map_close(merged_map);
    act_map_close(anew_map);
    free(anew);
    entries_free(&entries);
}

/* A lookup by usual steps begins below the root, wherever that lies; absent keys stay at it. */
static void the_root_is_left(void **state)
{
    static const char *const keys[] = {"share/dir001/x", "s", "t", ""};
    (void)state;
    struct random r = random_of(2);
    struct entries entries = {0};
    make_entries(&entries);
    entries_add(&entries, "other", 5, 1);
    entries_sort(&entries);
    for (int lines = 0; lines < 2; lines++) {
        build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
        merge_some(&entries, &r, 1);
        act_map *map = open_map(scratch_map);
        assert_true(map->root >= map->arena.usual_end);
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            uint8_t tail[ACT_KEY_TAIL_NBYTES];
            struct act_descent d;
            act_descent_start(map, NULL, keys[i], strlen(keys[i]), tail, &d);
            bool leaves = keys[i][0] == 's' && (!lines || keys[i][1]);
            assert_int_equal(d.id < map->arena.usual_end, leaves);
            assert_int_equal((size_t)(d.key_end - d.key) < strlen(keys[i]), leaves);
        }
        act_map_close(map);
        /* Now all keys begin with "share/dir": the root is a line. */
        entries_free(&entries);
        make_entries(&entries);
    }
    entries_free(&entries);
}

/* ---------------------------------------------------------------------------- what is copied */

enum {
    SMALL = 8,
    LARGE = 200
};

/* A folder that fits in what is copied, one that does not, and much else. */
static void build_folders(struct entries *entries)
{
    struct random r = random_of(3);
    char key[80];
    make_entries(entries);
    for (unsigned i = 0; i < SMALL + LARGE; i++) {
        int nbytes = snprintf(key, sizeof(key), "share/%s/%x/%llx", i < SMALL ? "small" : "large",
                              i % 8, (unsigned long long)random_u64(&r));
        entries_add(entries, key, (size_t)nbytes, i);
    }
    entries_sort(entries);
    build_file(entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
}

/* Of the keys with this prefix, how many lie wholly in what was appended from `off` on, but for the
 * one that is changed; and how many end there. */
static void count_copied(const struct entries *entries, const char *prefix, uint64_t off,
                         size_t *whole_ret, size_t *ends_ret)
{
    act_map *map = open_map(scratch_map);
    size_t at = entries_lower_bound(entries, prefix, strlen(prefix));
    size_t end = entries_prefix_end(entries, prefix, strlen(prefix));
    *whole_ret = *ends_ret = 0;
    for (; at < end; at++) {
        struct touched touched = {.touches = 0};
        trace(map, &entries->items[at], &touched);
        *whole_ret += touched.lowest >= off;
        *ends_ret += touched.last >= off;
    }
    act_map_close(map);
}

static void change_first(struct entries *entries, const char *prefix)
{
    size_t at = entries_lower_bound(entries, prefix, strlen(prefix));
    struct entries one = {.items = &entries->items[at], .count = 1};
    struct random r = random_of(4);
    merge_some(&one, &r, 1);
}

/* Sets a key, or removes it. */
static void change_to(const char *key, bool there)
{
    act_merge_options options = {.no_sync = true};
    act_merge *merge;
    assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_OK);
    if (there)
        assert_int_equal(act_merge_set(merge, key, strlen(key), 1, NULL), ACT_OK);
    else
        assert_int_equal(act_merge_remove(merge, key, strlen(key), NULL), ACT_OK);
    assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
    act_merge_close(merge);
}

static uint64_t file_nbytes(void)
{
    size_t nbytes;
    free(scratch_read(scratch_map, &nbytes));
    return nbytes;
}

static void units_are_copied_and_no_more(void **state)
{
    (void)state;
    struct entries entries = {0};
    size_t whole, ends;
    build_folders(&entries);
    uint64_t before = file_nbytes();
    change_first(&entries, "share/small/");
    count_copied(&entries, "share/small/", before, &whole, &ends);
    assert_int_equal(whole, SMALL);
    assert_true(file_nbytes() - before < 6000);
    uint64_t after = file_nbytes();
    change_first(&entries, "share/large/");
    count_copied(&entries, "share/large/", after, &whole, &ends);
    /* Of eight folders the one that was changed. */
    assert_true(ends >= LARGE / 8 && ends < LARGE / 2);
    /* The other one lies where it did. */
    count_copied(&entries, "share/small/", before, &whole, &ends);
    assert_int_equal(whole, SMALL);
    count_copied(&entries, "share/small/", after, &whole, &ends);
    assert_int_equal(ends, 0);
    entries_free(&entries);
}

/* A folder that is left with one key, and so becomes a line, stays with those beside it. */
static void what_is_folded_is_copied_with_its_siblings(void **state)
{
    (void)state;
    static const char *const keys[] = {"share/fold/a/1", "share/fold/a/2", "share/fold/b/1"};
    static const char key[] = "share/fold/b/2";
    struct entries entries = {0};
    size_t whole, ends;
    make_entries(&entries);
    for (size_t i = 0; i < 3; i++)
        entries_add(&entries, keys[i], strlen(keys[i]), i);
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    change_to(key, true);
    uint64_t before = file_nbytes();
    change_to(key, false);
    count_copied(&entries, "share/fold/", before, &whole, &ends);
    assert_int_equal(whole, 3);
    entries_free(&entries);
}

/* What is damaged beside the way is not copied; the merge does what it would without copying. */
static void damage_beside_the_way_stays(void **state)
{
    (void)state;
    struct entries entries = {0};
    size_t nbytes;
    build_folders(&entries);
    act_map *map = open_map(scratch_map);
    struct touched touched = {.touches = 0};
    size_t end = entries_prefix_end(&entries, "share/small/", 12);
    trace(map, &entries.items[end - 1], &touched);
    act_map_close(map);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    bytes[touched.last] = 0; /* the line of the last small one gets a length that none has */
    scratch_write(scratch_map, bytes, nbytes);
    free(bytes);
    struct random r = random_of(5);
    struct entries one = {.items = &entries.items[end - SMALL], .count = 1};
    act_merge_options options = {.no_sync = true};
    act_merge *merge;
    act_error error = {0};
    assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_OK);
    assert_int_equal(
        act_merge_set(merge, one.items[0].key, one.items[0].key_nbytes, random_u64(&r), &error),
        ACT_OK);
    assert_int_equal(act_merge_finish(merge, NULL, &error), ACT_OK);
    act_merge_close(merge);
    map = open_map(scratch_map);
    assert_int_equal(act_map_get(map, one.items[0].key, one.items[0].key_nbytes, NULL, NULL),
                     ACT_OK);
    const struct entry *e = &entries.items[end - 1];
    assert_int_equal(act_map_get(map, e->key, e->key_nbytes, NULL, &error), ACT_ERR_CORRUPT);
    act_map_close(map);
    entries_free(&entries);
}

/* Whether it is a unit, beside what has been counted. */
static bool measures_beside(const struct forge *f, uint64_t id, uint64_t *nbytes_ref)
{
    static struct act_units units;
    units.arena = &f->map->arena;
    return act_unit_measure(&units, id, nbytes_ref);
}

static bool measures(const struct forge *f, uint64_t id)
{
    uint64_t nbytes = 0;
    return measures_beside(f, id, &nbytes);
}

static void expect_measure(const struct forge *f, uint64_t id, uint64_t nbytes)
{
    uint64_t sum = 0;
    assert_true(measures_beside(f, id, &sum));
    assert_int_equal(sum, nbytes);
    /* As much as a unit may have, and one byte more. */
    sum = ACT_MERGED_UNIT_NBYTES_MAX - nbytes;
    assert_true(measures_beside(f, id, &sum));
    assert_int_equal(sum, ACT_MERGED_UNIT_NBYTES_MAX);
    sum = ACT_MERGED_UNIT_NBYTES_MAX - nbytes + 1;
    assert_false(nbytes && measures_beside(f, id, &sum));
}

/* What is below a node: others with two bytes each for their table, lines with their length. */
static void units_are_measured_to_the_byte(void **state)
{
    (void)state;
    struct forge f;
    char longest[ACT_UNIT_LINE_NBYTES_MAX + 2] = {0};
    uint8_t all[256];
    forge_start(&f);
    uint64_t data = forge_data(&f, "abc");
    memset(longest, 'l', ACT_UNIT_LINE_NBYTES_MAX);
    uint64_t longest_data = forge_data(&f, longest);
    longest[ACT_UNIT_LINE_NBYTES_MAX] = 'l';
    uint64_t too_long_data = forge_data(&f, longest);
    uint64_t leaf = forge_leaf(&f, 1); /* two bytes each */
    forge_leaf(&f, 2);
    uint64_t fork = forge_fork(&f, FORGE_NONE, leaf, "xy"); /* header, distance, two children */
    uint64_t line = forge_line(&f, FORGE_NONE, fork, data);
    uint64_t line_end = forge_here(&f);
    uint64_t end = forge_line(&f, 1, FORGE_NONE, data);
    uint64_t ends_nbytes = forge_here(&f) - line;
    uint64_t over = forge_fork(&f, FORGE_NONE, line, "xy");
    uint64_t longest_line = forge_line(&f, 1, FORGE_NONE, longest_data);
    uint64_t too_long_line = forge_line(&f, 1, FORGE_NONE, too_long_data);
    uint64_t many = forge_leaf(&f, 0);
    for (unsigned i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
        if (i)
            forge_leaf(&f, 0);
    }
    uint64_t wide = forge_branch(&f, FORGE_NONE, many, all, 256);
    forge_end(&f, over);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    expect_measure(&f, leaf, 0);
    expect_measure(&f, fork, 2 * (2 + 2));
    assert_int_equal(line - fork, 4);
    expect_measure(&f, line, 4 + 4 + 2 * (2 + 2));
    expect_measure(&f, end, 4);
    assert_true(ends_nbytes > line_end - line);
    expect_measure(&f, over, ends_nbytes + 2 * 2 + 4 + (4 + 4 + 2 * (2 + 2)));
    expect_measure(&f, longest_line, 1 + ACT_UNIT_LINE_NBYTES_MAX);
    expect_measure(&f, too_long_line, 0);
    expect_measure(&f, wide, ACT_MERGED_UNIT_NBYTES_MAX);
    forge_free(&f);
}

/* What is damaged, or has a form that no writer makes, is no unit, be it as near as can be. */
static void what_is_no_unit(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t data = forge_data(&f, "ab");
    uint64_t leaf = forge_leaf(&f, 1);
    forge_leaf(&f, 2);
    uint64_t both = forge_fork(&f, FORGE_NONE, leaf, "ab");
    uint64_t unit = forge_line(&f, FORGE_NONE, both, data);
    uint64_t to_line = forge_line(&f, FORGE_NONE, unit, data);
    uint64_t bad = FORGE_BYTES(&f, 33, 1, 1, 1); /* 33 children */
    uint64_t to_bad = forge_line(&f, FORGE_NONE, bad, data);
    uint64_t good_then_bad = forge_leaf(&f, 3);
    FORGE_BYTES(&f, 33, 1, 1, 1);
    uint64_t second_bad = forge_fork(&f, FORGE_NONE, good_then_bad, "ab");
    uint64_t last = forge_leaf(&f, 4);
    uint64_t over = forge_fork(&f, FORGE_NONE, last, "ab"); /* the second one is itself */
    uint64_t above_line = forge_fork(&f, FORGE_NONE, to_line, "a");
    forge_end(&f, above_line);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_true(measures(&f, leaf) && measures(&f, both) && measures(&f, unit));
    const uint64_t others[] = {to_line, bad, to_bad, second_bad, over, above_line};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (measures(&f, others[i]))
            fail_msg("number %zu is a unit", i);
    }
    /* Nor is the branch taken that such a line leads to; of `unit` it is. */
    const uint64_t lines[] = {unit, to_line, to_bad};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        static struct act_units units;
        struct act_made made = {.old_id = lines[i]};
        units.arena = &f.map->arena;
        assert_int_equal(act_old_copy(units.arena, lines[i], &made.node, NULL), ACT_OK);
        assert_int_equal(act_unit_take_branch(&units, &made, NULL), ACT_OK);
        assert_int_equal(made.has_branch, i == 0);
    }
    forge_free(&f);
}

/* Copies what is below a node to a buffer of its own, and throws it away. */
static act_status copy(const struct forge *f, uint64_t id, act_error *error)
{
    static struct act_units units;
    struct act_append append;
    struct act_made made = {.old_id = id};
    assert_int_equal(act_append_open(&append, NULL, f->nbytes, f->nbytes, true, NULL), ACT_OK);
    units.arena = &f->map->arena;
    units.append = &append;
    act_status status = act_old_copy(units.arena, id, &made.node, error);
    if (status == ACT_OK)
        status = act_unit_copy(&units, &made, error);
    act_append_close(&append);
    act_units_close(&units);
    return status;
}

/* Somebody writes to the file between measuring and copying: that is told, if it is seen at all. */
static void bytes_that_change_before_they_are_copied(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t begin = forge_here(&f);
    uint64_t data = forge_data(&f, "ab");
    uint64_t leaf = forge_leaf(&f, 1);
    forge_leaf(&f, 2);
    uint64_t fork = forge_fork(&f, FORGE_NONE, leaf, "xy");
    uint64_t run = forge_line(&f, FORGE_NONE, fork, data);
    forge_line(&f, 3, FORGE_NONE, data);
    forge_leaf(&f, 4);
    uint64_t root = forge_fork(&f, FORGE_NONE, run, "abc");
    forge_end(&f, root);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_true(measures(&f, root));
    assert_int_equal(copy(&f, root, NULL), ACT_OK);
    unsigned told = 0, copied = 0;
    for (uint64_t at = begin; at < f.nbytes; at++) {
        uint8_t was = f.copy[at];
        for (unsigned byte = 0; byte < 256; byte++) {
            act_error error = {0};
            f.copy[at] = (uint8_t)byte;
            act_status status = copy(&f, root, &error);
            assert_int_equal(error.status, status);
            assert_true(status == ACT_OK || status == ACT_ERR_CORRUPT);
            told += status != ACT_OK;
            copied += status == ACT_OK;
        }
        f.copy[at] = was;
    }
    assert_true(told > 1000 && copied > 1000);
    forge_free(&f);
}

/* The same with a chain that was cut where it was measured, and is longer than units are deep. */
static void a_chain_that_grows_before_it_is_copied(void **state)
{
    (void)state;
    struct forge f;
    act_error error = {0};
    forge_start(&f);
    uint64_t root = forge_shared(&f, 2 * ACT_UNIT_LEVELS, 1, 1);
    forge_end(&f, root);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_false(measures(&f, root));
    uint64_t link = root - 3 * 100; /* of three bytes each: one child, next to it */
    assert_int_equal(f.copy[link], 1);
    f.copy[link] = 0;
    assert_true(measures(&f, root));
    f.copy[link] = 1;
    assert_int_equal(copy(&f, root, &error), ACT_ERR_CORRUPT);
    assert_int_equal(error.offset, root - 3 * (uint64_t)ACT_UNIT_LEVELS);
    forge_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups_after_many_merges),
        cmocka_unit_test(the_root_is_left),
        cmocka_unit_test(units_are_copied_and_no_more),
        cmocka_unit_test(what_is_folded_is_copied_with_its_siblings),
        cmocka_unit_test(damage_beside_the_way_stays),
        cmocka_unit_test(units_are_measured_to_the_byte),
        cmocka_unit_test(what_is_no_unit),
        cmocka_unit_test(bytes_that_change_before_they_are_copied),
        cmocka_unit_test(a_chain_that_grows_before_it_is_copied),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
