/* Compact files: the same map as in a plain file, sound, never larger; equal subtrees once. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "build/compact.h"
#include "build/key.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/expect.h"
#include "support/hex.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

/*
 * That what the accounts say has been saved is no more than what has: it decides what can be
 * afforded.
 */
static void expect_saved(const struct entries *entries, const act_build_report *plain)
{
    struct act_compact compact;
    struct act_path path;
    assert_true(act_path_open(&path));
    assert_int_equal(act_compact_open(&compact, scratch_map, ACT_SHARE_NBYTES_DEFAULT, NULL),
                     ACT_OK);
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *e = &entries->items[i];
        if (i) {
            size_t most = e->key_nbytes < path.key_nbytes ? e->key_nbytes : path.key_nbytes;
            size_t common = act_common_nbytes(e->key, path.key, most);
            assert_int_equal(act_compact_part(&compact, &path, common, NULL), ACT_OK);
        }
        assert_true(act_path_reserve(&path, e->key_nbytes));
        memcpy(path.key, e->key, e->key_nbytes);
        act_path_set(&path, e->key_nbytes, e->has_value, e->value);
    }
    assert_int_equal(act_compact_end(&compact, &path, NULL), ACT_OK);
    uint64_t root_id = act_sink_position(&compact.plain.sink);
    uint64_t nbytes = root_id + act_node_nbytes_at(root_id, &compact.plain.pending[0]) +
                      ACT_TAIL_NBYTES;
    assert_true(compact.spare <= (int64_t)(plain->file_nbytes - nbytes));
    act_compact_close(&compact);
    act_path_close(&path);
}

/* Builds plain and compact, reads the latter back in every way. Frees the entries. */
static act_build_report expect_built(struct entries *entries, act_build_report *plain_ret)
{
    act_build_report plain, report;
    act_map *map;
    act_verify_report verified;
    act_map_info info;
    act_error error = {0};
    entries_sort(entries);
    build_file(entries, scratch_map, ACT_LAYOUT_PLAIN, &plain);
    expect_saved(entries, &plain);
    build_file(entries, scratch_map, ACT_LAYOUT_COMPACT, &report);
    assert_true(report.file_nbytes <= plain.file_nbytes);
    assert_int_equal(report.keys, plain.keys);
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    if (act_map_verify(map, NULL, NULL, &verified, &error) != ACT_OK)
        fail_msg("%s", error.text);
    expect_scan(map, entries);
    expect_lookups(map, entries);
    assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
    assert_int_equal(info.keys, report.keys);
    /* A node that was written again, being small, may be lost when its parent is shared after all.
     */
    assert_true(verified.nodes <= report.nodes);
    assert_true(info.unreferenced_nbytes <= report.file_nbytes / 50);
    act_map_close(map);
    entries_free(entries);
    if (plain_ret)
        *plain_ret = plain;
    return report;
}

static void add_text(struct entries *entries, const char *key, uint64_t value)
{
    entries_add(entries, key, strlen(key), value);
}

static void expect_bytes(const char *hex)
{
    size_t nbytes;
    uint8_t wanted[256];
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    assert_int_equal(nbytes - 24, strlen(hex) / 2);
    assert_true(hex_decode(hex, strlen(hex), wanted));
    assert_memory_equal(bytes + 16, wanted, nbytes - 24);
    free(bytes);
}

static void no_keys(void **state)
{
    (void)state;
    struct entries entries = {0};
    expect_built(&entries, NULL);
    expect_bytes("00");
}

static void equal_children_are_written_once(void **state)
{
    (void)state;
    struct entries entries = {0};
    static const char *const keys[] = {"ax", "ay", "bx", "by", "cq", "cr", "d"};
    for (size_t i = 0; i < 7; i++)
        add_text(&entries, keys[i], 5);
    act_build_report plain;
    act_build_report report = expect_built(&entries, &plain);
    /* Which byte leads to a child is not the child's: those of c are the same as those of a. */
    expect_bytes("40054005"
                 "02047879" /* a */
                 "02087879" /* b */
                 "020c7172" /* c */
                 "4005"     /* d */
                 "040e61626364");
    assert_int_equal(report.runs_shared, 2);
    assert_int_equal(plain.runs_shared, 0);
    assert_int_equal(plain.file_nbytes - report.file_nbytes, 8);
}

static void a_part_of_a_run_is_enough(void **state)
{
    (void)state;
    struct entries entries = {0};
    static const char *const keys[] = {"a1", "a2", "a3", "a4", "b5", "b6"};
    static const uint64_t values[] = {7, 300, 301, 9, 300, 301};
    for (size_t i = 0; i < 6; i++)
        add_text(&entries, keys[i], values[i]);
    expect_built(&entries, NULL);
    expect_bytes("4007"
                 "40f92c01"
                 "40f92d01"
                 "4009"
                 "040c31323334" /* a: four children */
                 "02103536"     /* b: the middle ones of these */
                 "020a6162");
}

static void lines_are_cut_where_their_rest_is_known(void **state)
{
    (void)state;
    struct entries entries = {0};
    static const char *const keys[] = {"1a", "1b", "1c",   "2a", "2b",    "2c",
                                       "a",  "b",  "aing", "c",  "bping", "cing"};
    for (size_t i = 0; i < 12; i++)
        add_text(&entries, keys[i], 0);
    expect_built(&entries, NULL);
    expect_bytes("400040004000"
                 "026e67"
                 "c00003"     /* aing, after the i */
                 "010369"     /* bping, after the p: i, and then the same */
                 "030f616263" /* 1 */
                 "0314616263" /* 2 */
                 "41001069"   /* a */
                 "41001170"   /* b */
                 "41001869"   /* c: i, and then the same */
                 "05163132616263");
}

/* The same of lines that lead to branches: the rest of the second is the first, if that is near. */
static void lines_before_branches_are_cut_too(void **state)
{
    (void)state;
    for (unsigned far = 0; far < 2; far++) {
        struct entries entries = {0};
        static const char *const keys[] = {"m/1bcd/p",  "m/1bcd/q", "m/3",     "n/2abcd/p",
                                           "n/2abcd/q", "n/4",      "n/5bc/p", "n/5bc/q"};
        for (size_t i = 0; i < 8; i++)
            add_text(&entries, keys[i], (uint8_t)keys[i][strlen(keys[i]) - 1]);
        char between[300];
        memset(between, 'z', sizeof(between));
        memcpy(between, "m/9", 3);
        entries_add(&entries, between, far ? sizeof(between) : 4, 1);
        act_build_report plain;
        act_build_report report = expect_built(&entries, &plain);
        assert_true(report.file_nbytes < plain.file_nbytes);
        assert_true(report.runs_shared > 0);
    }
}

/* But not where the rest is far, and both the line and the branch are near; or where it cannot be
 * afforded that other references may get longer by it, since nothing has been saved yet. */
static void lines_are_not_cut_for_what_is_far(void **state)
{
    (void)state;
    static const struct {
        bool far, line_near, saved;
        unsigned line_nodes;
    } rounds[] = {{false, true, false, 3},
                  {false, true, true, 3},
                  {true, true, true, 4},
                  {true, false, true, 2},
                  {true, false, false, 3}};
    for (size_t round = 0; round < sizeof(rounds) / sizeof(rounds[0]); round++) {
        struct entries entries = {0};
        static const char *const keys[] = {"a/1bcd/p",  "a/1bcd/q", "a/3",
                                           "c/kp", /* the branch again, beside another node */
                                           "c/kq",      "c/l",      "d/2abcd/r", /* the line */
                                           "d/2abcd/s", "d/4",      "e/2abcd/p",
                                           "e/2abcd/q", "e/5"};
        for (size_t i = 0; i < 12; i++) {
            if (rounds[round].line_near || keys[i][0] != 'd')
                add_text(&entries, keys[i], (uint8_t)keys[i][strlen(keys[i]) - 1]);
        }
        for (char c = 'p'; rounds[round].saved && c < 'v'; c++) {
            char key[] = {'0', c};
            entries_add(&entries, key, sizeof(key), (uint8_t)c);
            key[0] = '1';
            entries_add(&entries, key, sizeof(key), (uint8_t)c);
        }
        char between[300];
        memset(between, 'z', sizeof(between));
        entries_add(&entries, between, 1, 1);
        between[0] = 'b';
        entries_add(&entries, between, rounds[round].far ? sizeof(between) : 4, 1);
        act_build_report plain;
        act_build_report report = expect_built(&entries, &plain);
        assert_true(report.file_nbytes < plain.file_nbytes);
        act_map *map;
        act_map_info info;
        assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
        assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
        act_map_close(map);
        assert_int_equal(info.line_nodes, rounds[round].line_nodes);
    }
}

static void every_shape(void **state)
{
    (void)state;
    struct random r = random_of(2);
    for (size_t round = 0; round < (CHECK_SLOW_BUILD ? 4 : 40); round++) {
        for (size_t shape = 0; shape < shapes_count(); shape++) {
            struct entries entries = {0};
            shapes_make(&r, shape, &entries);
            if (round % 2)
                shapes_add_paths(&r, random_below(&r, 60), &entries);
            /* Values that repeat: none, few, or some among many others. */
            uint64_t different = round % 4 == 3 ? 0 : 1 + random_below(&r, 5);
            for (size_t i = 0; i < entries.count && different; i++)
                entries.items[i].value %= different;
            expect_built(&entries, NULL);
        }
    }
}

/* Widths, depths and values for which references come to be just as long as a byte can tell. */
static void never_larger_than_plain(void **state)
{
    (void)state;
    struct random r = random_of(3);
    for (unsigned round = 0; round < (CHECK_SLOW_BUILD ? 100 : 2000); round++) {
        struct entries entries = {0};
        uint64_t count = 1 + random_below(&r, random_one_in(&r, 20) ? 6000 : 300);
        uint64_t letters = 1 + random_below(&r, 256), longest = 1 + random_below(&r, 5);
        uint64_t values = 1 + random_below(&r, random_one_in(&r, 2) ? 3 : 300);
        for (uint64_t i = 0; i < count; i++) {
            uint8_t key[8];
            size_t nbytes = 1 + random_below(&r, longest);
            for (size_t k = 0; k < nbytes; k++)
                key[k] = (uint8_t)random_below(&r, letters);
            entries_add(&entries, key, nbytes, random_below(&r, values));
        }
        expect_built(&entries, NULL);
    }
}

/*
 * References over just so many bytes as one byte can tell: 60 of them, each over one that is longer
 * than need be, because what it leads to was written before. Made to be larger than plain.
 */
static void references_that_make_others_grow(void **state)
{
    (void)state;
    for (unsigned children = 60; children < 63; children++) {
        for (unsigned larger = 0; larger < 3; larger++) {
            struct entries entries = {0};
            uint64_t number = 0;
            for (unsigned part = 0; part < 100; part++) {
                for (unsigned child = 0; child < children; child++) {
                    uint8_t key[4] = {(uint8_t)(1 + part / 50), (uint8_t)(1 + part % 50),
                                      (uint8_t)(1 + child), 1};
                    uint64_t values[2] = {7, 9};
                    if (child) {
                        values[0] = ++number % 240;
                        values[1] = number / 240 % 240;
                    }
                    for (unsigned i = 0; i < larger && child == children - 1; i++)
                        values[i] = 248 + values[i] % 7;
                    entries_add(&entries, key, sizeof(key), values[0]);
                    key[3] = 2;
                    entries_add(&entries, key, sizeof(key), values[1]);
                }
            }
            expect_built(&entries, NULL);
        }
    }
}

/*
 * The same many times over, when so much has been saved that the plain file is no longer written:
 * references that have grown make those behind them grow, be they to children or to lines. Made to
 * be larger than plain.
 */
static void references_that_have_grown_make_others_grow(void **state)
{
    (void)state;
    for (unsigned lines = 0; lines < 2; lines++) {
        struct entries entries = {0};
        for (unsigned i = 0; i < 26 * 100; i++) {
            uint8_t key[3] = {0, (uint8_t)(i / 100), (uint8_t)(i % 100)};
            entries_add(&entries, key, sizeof(key), 300 + i % 100);
        }
        uint64_t number = 0;
        for (unsigned part = 0; part < 400; part++) {
            for (unsigned child = 0; child < 61; child++) {
                uint8_t key[9] = {(uint8_t)(1 + part / 50), (uint8_t)(1 + part % 50),
                                  (uint8_t)(1 + child), 1};
                uint64_t values[2] = {7, 9};
                if (child) {
                    values[0] = ++number % 240;
                    values[1] = number / 240 % 240;
                }
                if (child && lines) {
                    key[4] = (uint8_t)values[0];
                    key[5] = (uint8_t)values[1];
                    entries_add(&entries, key, child == 60 ? 9 : 6, 250);
                    continue;
                }
                for (unsigned i = 0; i < 2; i++) {
                    key[3] = (uint8_t)(1 + i);
                    entries_add(&entries, key, 4, values[i] + (child == 60 ? 248 : 0));
                }
            }
        }
        expect_built(&entries, NULL);
    }
}

/* Much more than is written both ways: each of 64 parts is the same, and known after the first. */
static void large_equal_parts(void **state)
{
    (void)state;
    struct random r = random_of(4);
    struct entries part = {0}, entries = {0};
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t key[12];
        size_t nbytes = 1 + random_below(&r, sizeof(key));
        for (size_t k = 0; k < nbytes; k++)
            key[k] = (uint8_t)('a' + random_below(&r, 3 + k));
        entries_add(&part, key, nbytes, random_below(&r, 2));
    }
    entries_sort(&part);
    for (unsigned copy = 0; copy < 64; copy++) {
        for (size_t i = 0; i < part.count; i++) {
            uint8_t key[13] = {(uint8_t)(3 * copy)};
            memcpy(key + 1, part.items[i].key, part.items[i].key_nbytes);
            entries_add(&entries, key, part.items[i].key_nbytes + 1, part.items[i].value);
        }
    }
    act_build_report plain;
    build_file(&part, scratch_map, ACT_LAYOUT_PLAIN, &plain);
    act_build_report report = expect_built(&entries, NULL);
    assert_true(report.file_nbytes < plain.file_nbytes + 64 * 8);
    entries_free(&part);
}

/* A key for each way through `levels` of two bytes: 2^levels keys, and a node for each level. */
static void add_all_ways(act_builder *builder, unsigned levels)
{
    uint8_t key[32];
    for (uint32_t way = 0; way < (uint32_t)1 << levels; way++) {
        for (unsigned i = 0; i < levels; i++)
            key[i] = way >> (levels - 1 - i) & 1 ? 'b' : 'a';
        assert_int_equal(act_builder_add(builder, key, levels, 1, NULL), ACT_OK);
    }
}

static act_build_report build_all_ways(unsigned levels, uint64_t share_nbytes)
{
    const act_builder_options options = {
        .layout = ACT_LAYOUT_COMPACT, .no_sync = true, .share_nbytes = share_nbytes};
    act_builder *builder;
    act_build_report report;
    assert_int_equal(act_builder_open(scratch_map, &options, &builder, NULL), ACT_OK);
    add_all_ways(builder, levels);
    assert_int_equal(act_builder_finish(builder, &report, NULL), ACT_OK);
    act_builder_close(builder);
    return report;
}

static void all_ways_take_a_node_for_each_level(void **state)
{
    (void)state;
    enum {
        LEVELS = 17
    };
    /* Little memory is enough where little is to be known. */
    for (unsigned i = 0; i < 2; i++) {
        act_build_report report = build_all_ways(LEVELS, i ? 64 << 10 : 0);
        assert_int_equal(report.keys, 1 << LEVELS);
        assert_true(report.nodes <= 2 * LEVELS + 1);
        assert_true(report.file_nbytes < 25 + 2 * LEVELS * 4);
    }
}

static void the_limit_of_memory_decides_how_much_is_shared(void **state)
{
    (void)state;
    struct random r = random_of(5);
    struct entries entries = {0};
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t key[10];
        random_fill(&r, key, sizeof(key));
        for (unsigned copy = 0; copy < 2; copy++) {
            key[0] = (uint8_t)copy;
            entries_add(&entries, key, sizeof(key), key[9]);
        }
    }
    entries_sort(&entries);
    uint64_t file_nbytes[2];
    for (unsigned i = 0; i < 2; i++) {
        const act_builder_options options = {.layout = ACT_LAYOUT_COMPACT,
                                             .no_sync = true,
                                             .share_nbytes = i ? ACT_SHARE_NBYTES_MIN : 0};
        act_builder *builder;
        act_build_report report;
        assert_int_equal(act_builder_open(scratch_map, &options, &builder, NULL), ACT_OK);
        for (size_t k = 0; k < entries.count; k++)
            assert_int_equal(act_builder_add(builder, entries.items[k].key,
                                             entries.items[k].key_nbytes, entries.items[k].value,
                                             NULL),
                             ACT_OK);
        assert_int_equal(act_builder_finish(builder, &report, NULL), ACT_OK);
        act_builder_close(builder);
        act_map *map;
        assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
        expect_scan(map, &entries);
        assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
        act_map_close(map);
        file_nbytes[i] = report.file_nbytes;
    }
    act_build_report plain;
    build_file(&entries, scratch_map, ACT_LAYOUT_PLAIN, &plain);
    assert_true(file_nbytes[0] < plain.file_nbytes * 3 / 4);
    assert_true(file_nbytes[1] > file_nbytes[0] * 5 / 4);
    assert_true(file_nbytes[1] <= plain.file_nbytes);
    entries_free(&entries);
}

/* What is forgotten depends on the entries alone, so that files can be compared. */
static void the_same_entries_make_the_same_file(void **state)
{
    (void)state;
    struct random r = random_of(6);
    uint8_t *bytes[2];
    size_t nbytes[2];
    for (unsigned i = 0; i < 2; i++) {
        struct entries entries = {0};
        r = random_of(6);
        for (unsigned k = 0; k < 20000; k++) {
            uint8_t key[6];
            for (size_t j = 0; j < sizeof(key); j++)
                key[j] = (uint8_t)random_below(&r, 8);
            entries_add(&entries, key, 1 + random_below(&r, sizeof(key)), random_below(&r, 3));
        }
        expect_built(&entries, NULL);
        bytes[i] = scratch_read(scratch_map, &nbytes[i]);
    }
    assert_int_equal(nbytes[0], nbytes[1]);
    assert_memory_equal(bytes[0], bytes[1], nbytes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void a_limit_that_is_too_low_is_refused(void **state)
{
    (void)state;
    const act_builder_options options = {.layout = ACT_LAYOUT_COMPACT,
                                         .share_nbytes = ACT_SHARE_NBYTES_MIN - 1};
    act_builder *builder;
    act_error error;
    unsigned files = scratch_count(scratch_dir);
    assert_int_equal(act_builder_open(scratch_map, &options, &builder, &error), ACT_ERR_INVALID);
    assert_null(builder);
    assert_non_null(strstr(error.text, "4095"));
    assert_int_equal(scratch_count(scratch_dir), files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_keys),
        cmocka_unit_test(equal_children_are_written_once),
        cmocka_unit_test(a_part_of_a_run_is_enough),
        cmocka_unit_test(lines_are_cut_where_their_rest_is_known),
        cmocka_unit_test(lines_before_branches_are_cut_too),
        cmocka_unit_test(lines_are_not_cut_for_what_is_far),
        cmocka_unit_test(every_shape),
        cmocka_unit_test(never_larger_than_plain),
        cmocka_unit_test(references_that_make_others_grow),
        cmocka_unit_test(references_that_have_grown_make_others_grow),
        cmocka_unit_test(large_equal_parts),
        cmocka_unit_test(all_ways_take_a_node_for_each_level),
        cmocka_unit_test(the_limit_of_memory_decides_how_much_is_shared),
        cmocka_unit_test(the_same_entries_make_the_same_file),
        cmocka_unit_test(a_limit_that_is_too_low_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
