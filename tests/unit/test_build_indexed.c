/* Indexed files: the same map as in a plain file, sound and checksummed, whatever its shape. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "build/key.h"
#include "build/parts.h"
#include "build/spool.h"
#include "format/index.h"
#include "monitors.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/expect.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"
#include "verify/sweep.h"

/* Reads everything back in every way. */
static void expect_file(const struct entries *entries, const act_build_report *report)
{
    act_map *map;
    act_verify_report verified;
    act_map_info info;
    act_map_stat stat;
    act_error error = {0};
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    if (act_map_verify(map, NULL, NULL, &verified, &error) != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(verified.soundness, ACT_SOUND_CHECKSUMMED);
    expect_scan(map, entries);
    expect_lookups(map, entries);

    assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
    act_map_get_stat(map, &stat);
    assert_int_equal(stat.layout, ACT_LAYOUT_INDEXED);
    assert_int_equal(stat.indexed_nbytes, report->file_nbytes);
    assert_int_equal(stat.file_nbytes, report->file_nbytes);
    assert_int_equal(info.keys, report->keys);
    assert_int_equal(verified.nodes, report->nodes);
    assert_int_equal(info.lines, report->lines);
    assert_false(info.shared);
    assert_int_equal(info.header_nbytes + info.branch_nbytes + info.leaf_nbytes +
                         info.line_node_nbytes + info.line_data_nbytes + info.jump_nbytes +
                         info.index_nbytes + info.unreferenced_nbytes + info.tail_nbytes,
                     report->file_nbytes);
    act_map_close(map);
}

/* The same through parts of at least so many bytes of records. */
static act_build_report build_in_parts(const struct entries *entries, unsigned threads,
                                       size_t nbytes_min)
{
    struct act_indexed indexed;
    struct act_parts parts;
    act_build_report report = {0};
    struct entry last = {0};
    size_t longest = 0;
    assert_int_equal(act_indexed_open(&indexed, scratch_map, NULL), ACT_OK);
    assert_int_equal(act_parts_open(&parts, &indexed, threads, NULL), ACT_OK);
    parts.nbytes_min = nbytes_min;
    parts.limit_nbytes = nbytes_min;
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *e = &entries->items[i];
        size_t most = e->key_nbytes < last.key_nbytes ? e->key_nbytes : last.key_nbytes;
        size_t common = act_common_nbytes(e->key, last.key, most);
        struct act_part_record record = {common, e->key_nbytes - common, e->value, e->has_value};
        uint8_t *suffix = calloc(1, record.suffix_nbytes + ACT_LINE_SLACK_NBYTES);
        if (record.suffix_nbytes)
            memcpy(suffix, e->key + common, record.suffix_nbytes);
        assert_int_equal(act_parts_add(&parts, last.key_nbytes, suffix, &record, NULL), ACT_OK);
        free(suffix);
        report.keys += e->has_value;
        if (e->has_value && e->key_nbytes > longest)
            longest = e->key_nbytes;
        last = *e;
    }
    assert_true(parts.records_nbytes >= parts.filled * nbytes_min);
    assert_int_equal(act_parts_finish(&parts, longest, false, &report, NULL), ACT_OK);
    act_parts_close(&parts);
    act_indexed_close(&indexed);
    monitors_expect_sound();
    return report;
}

/* Builds on one thread and in parts, and reads everything back. Frees the entries. */
static act_build_report expect_built(struct entries *entries)
{
    act_build_report report;
    entries_sort(entries);
    build_file(entries, scratch_map, ACT_LAYOUT_INDEXED, &report);
    expect_file(entries, &report);
    static const size_t limits[] = {1, 500, 20000};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]) && entries->count; i++) {
        act_build_report in_parts = build_in_parts(entries, 2 + (unsigned)i, limits[i]);
        expect_file(entries, &in_parts);
        assert_int_equal(in_parts.nodes, report.nodes);
    }
    entries_free(entries);
    return report;
}

static void no_keys(void **state)
{
    (void)state;
    struct entries entries = {0};
    assert_int_equal(expect_built(&entries).keys, 0);
}

static void single_keys(void **state)
{
    (void)state;
    uint8_t key[70000];
    struct random r = random_of(1);
    random_fill(&r, key, sizeof(key));
    static const size_t lengths[] = {0,    1,    2,    3,    247,  248,  249,  250,   3800,
                                     3829, 3830, 3831, 3832, 4094, 4096, 8192, 65536, 70000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct entries entries = {0};
        entries_add(&entries, key, lengths[i], i);
        expect_built(&entries);
        if (lengths[i]) {
            entries_add(&entries, "", 0, UINT64_MAX);
            entries_add(&entries, key, lengths[i], 1);
            expect_built(&entries);
        }
    }
}

static void every_shape(void **state)
{
    (void)state;
    struct random r = random_of(2);
    for (size_t round = 0; round < (CHECK_SLOW_BUILD ? 3 : 20); round++) {
        for (size_t shape = 0; shape < shapes_count(); shape++) {
            struct entries entries = {0};
            shapes_make(&r, shape, &entries);
            if (round % 2)
                shapes_add_paths(&r, random_below(&r, 60), &entries);
            expect_built(&entries);
        }
    }
}

/* Units of every size around that of a page, below one branch. */
static void subtrees_around_a_page(void **state)
{
    (void)state;
    struct random r = random_of(3);
    for (unsigned fan_out = 2; fan_out <= 256; fan_out += fan_out < 34 ? 1 : 37) {
        struct entries entries = {0};
        for (unsigned child = 0; child < fan_out; child++) {
            uint8_t key[20] = {(uint8_t)child};
            size_t count = random_below(&r, CHECK_SLOW_BUILD ? 60 : 500);
            for (size_t i = 0; i <= count; i++) {
                random_fill(&r, key + 1, sizeof(key) - 1);
                key[1] &= 15;
                entries_add(&entries, key, 1 + random_below(&r, sizeof(key)), shapes_value(&r));
            }
        }
        expect_built(&entries);
    }
}

/* What parts keep of a key is one number if it fits: around the largest that do. */
static void keys_that_no_number_can_tell(void **state)
{
    (void)state;
    static const uint64_t values[] = {7, UINT32_MAX, (uint64_t)UINT32_MAX + 1};
    enum {
        SUFFIX_MAX = 1 << ACT_PART_SUFFIX_BITS
    };
    static uint8_t key[ACT_PART_LARGE + 1 + SUFFIX_MAX];
    struct entries entries = {0};
    memset(key, 'k', sizeof(key));
    key[0] = 0;
    for (size_t common = ACT_PART_LARGE - 1; common <= ACT_PART_LARGE + 1; common++) {
        for (size_t suffix = SUFFIX_MAX - 1; suffix <= SUFFIX_MAX; suffix++) {
            for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                key[common] = 'a';
                entries_add(&entries, key, common + 1, i);
                key[common] = 'k';
                entries_add(&entries, key, common + suffix, values[i]);
                key[0]++;
            }
        }
    }
    expect_built(&entries);
}

/* Nodes of all kinds, each as far from what it refers to as it may be: they take what is kept for
 * them, and no byte less. */
static void nodes_take_what_is_kept_for_them(void **state)
{
    (void)state;
    enum {
        COUNT = 64,
        LINE_NBYTES = 20
    };
    static uint8_t written[1 << 14];
    static const uint8_t lines[LINE_NBYTES + ACT_LINE_SLACK_NBYTES], bytes[ACT_MASK_NBYTES];
    const uint64_t off = (uint64_t)1 << 60, ids[] = {off - 1000};
    struct act_siblings_node nodes[COUNT] = {{0}};
    struct act_build_counts counts = {0};
    struct act_siblings_place place = {
        .bytes = written, .off = off, .end = written, .counts = &counts};
    size_t nbytes = act_siblings_table_nbytes_max(COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        nodes[i].has_value = i & 1;
        nodes[i].value = UINT64_MAX;
        if (i & 2)
            nodes[i].child_count = i & 8 ? 256 : 5;
        if (i & 4)
            nodes[i].line_nbytes = LINE_NBYTES;
        else if (i & 16)
            nodes[i].line_written = true;
        nodes[i].line = i & 4 ? 0 : 100;
        nbytes += act_siblings_node_nbytes_max(&nodes[i]);
    }
    struct act_siblings_stores stores = {lines, bytes, ids};
    act_siblings_write(&place, nodes, COUNT, stores);
    assert_int_equal(place.end - place.bytes, nbytes);
    assert_int_equal(act_siblings_table_nbytes_max(1), 0); /* a node by itself has none */
}

/* Two short lines in turns, which differ in one bit: each is written once in a page. */
static void lines_that_differ_in_a_bit(void **state)
{
    (void)state;
    for (size_t nbytes = 1; nbytes <= 8; nbytes++) {
        for (size_t bit = 0; bit < 8 * nbytes; bit++) {
            struct entries entries = {0};
            act_build_report report;
            uint8_t key[9] = {0};
            for (size_t i = 0; i < nbytes; i++)
                key[1 + i] = (uint8_t)(17 * i + 5);
            for (; key[0] < 8; key[0]++) {
                key[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
                entries_add(&entries, key, 1 + nbytes, 7);
            }
            build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, &report);
            entries_free(&entries);
            assert_int_equal(report.lines, 2);
        }
    }
}

/* Long lines go to pages by themselves; what refers to them must come after. */
static void long_lines_among_small_subtrees(void **state)
{
    (void)state;
    struct random r = random_of(4);
    static uint8_t key[20000];
    for (size_t round = 0; round < 30; round++) {
        struct entries entries = {0};
        for (unsigned i = 0; i < 400; i++) {
            size_t nbytes = 3 + random_below(&r, 30);
            if (random_one_in(&r, 8))
                nbytes = 3 + random_below(&r, random_one_in(&r, 20) ? sizeof(key) - 3 : 600);
            random_fill(&r, key, nbytes);
            key[0] &= 3;
            key[1] &= 7;
            entries_add(&entries, key, nbytes, i);
        }
        expect_built(&entries);
    }
}

/* A line that leads to a branch finds room in an older page than the lines below that branch. */
static void long_lines_above_long_lines(void **state)
{
    (void)state;
    struct random r = random_of(8);
    struct entries entries = {0};
    static uint8_t key[4000];
    for (unsigned i = 0; i < 300; i++) {
        size_t above = 300 + random_below(&r, 1200);
        random_fill(&r, key, sizeof(key));
        key[0] = (uint8_t)(i >> 8);
        key[1] = (uint8_t)i;
        for (unsigned child = 0; child < 2; child++) {
            key[above] = (uint8_t)child;
            entries_add(&entries, key, above + 300 + random_below(&r, 2000), i);
        }
    }
    expect_built(&entries);
}

/* Nearly all nodes are hot: more of them than the spool keeps in memory. Their lines are not. */
static void a_hot_region_larger_than_memory(void **state)
{
    (void)state;
    struct random r = random_of(5);
    struct entries entries = {0};
    size_t count = CHECK_SLOW_BUILD ? 3000 : 30000;
    for (size_t i = 0; i < count; i++) {
        uint8_t key[240];
        random_fill(&r, key, sizeof(key));
        key[0] = (uint8_t)(i >> 8);
        key[1] = (uint8_t)i;
        /* 20 tails of a page together below each pair of bytes. */
        for (unsigned j = 0; j < 20; j++) {
            key[2] = (uint8_t)j;
            random_fill(&r, key + 3, sizeof(key) - 3);
            entries_add(&entries, key, sizeof(key), j);
        }
    }
    uint64_t keys_nbytes = 0;
    for (size_t i = 0; i < entries.count; i++)
        keys_nbytes += entries.items[i].key_nbytes;
    act_build_report report = expect_built(&entries);
    act_map *map;
    act_map_stat stat;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    act_map_get_stat(map, &stat);
    act_map_close(map);
    assert_true(report.file_nbytes > keys_nbytes);
    assert_true(stat.hot_end - stat.hot_off > ACT_SPOOL_BUFFER_NBYTES / (CHECK_SLOW_BUILD ? 4 : 1));
    assert_true(stat.hot_end - stat.hot_off < keys_nbytes / 10);
}

/* Marks what the nodes, their line data and jump tables take of a file. */
static void mark_objects(const act_map *map, uint8_t *taken)
{
    struct act_sweep sweep;
    assert_int_equal(act_sweep_open(&sweep, map, 0, NULL, NULL, NULL), ACT_OK);
    while (act_sweep_next(&sweep, NULL) == ACT_OK) {
        const struct act_node *node = &sweep.node;
        memset(taken + node->id, 1, node->end - node->id);
        if (act_node_is_line(node)) {
            uint64_t id = node->id - node->line_rel;
            uint64_t bytes_off = (uint64_t)(sweep.line.bytes - sweep.arena.bytes);
            memset(taken + id, 1, bytes_off + sweep.line.nbytes - id);
        }
        if (sweep.children_count > 1) {
            uint64_t first = sweep.children[0];
            size_t nbytes = 1 + (size_t)sweep.arena.bytes[first - 1] * (sweep.children_count - 1);
            memset(taken + first - nbytes, 1, nbytes);
        }
    }
    act_sweep_close(&sweep);
}

/* Room that is left in pages once held what was in memory before: other keys, or anything. */
static void room_that_is_left_is_zero(void **state)
{
    (void)state;
    struct random r = random_of(7);
    struct entries entries = {0};
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t key[24];
        random_fill(&r, key, sizeof(key));
        key[0] &= 31;
        entries_add(&entries, key, 2 + random_below(&r, sizeof(key) - 2), shapes_value(&r));
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    act_map *map;
    act_map_stat stat;
    size_t nbytes;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    act_map_get_stat(map, &stat);
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    uint8_t *taken = calloc(1, nbytes);
    assert_non_null(taken);
    mark_objects(map, taken);
    size_t left = 0;
    for (size_t at = ACT_INDEX_END; at < stat.hot_end; at++) {
        if (taken[at])
            continue;
        left++;
        if (bytes[at])
            fail_msg("0x%02x at offset %zu belongs to nothing", bytes[at], at);
    }
    assert_true(left > 100);
    act_map_close(map);
    free(bytes);
    free(taken);
    entries_free(&entries);
}

/* As if nodes or records took a good part of the address space, or a key all of it. */
static void more_than_memory_holds_is_refused(void **state)
{
    (void)state;
    static struct act_hot_run run;
    struct act_indexed indexed;
    struct act_part part;
    struct act_path path;
    act_error error = {0};
    assert_int_equal(act_indexed_open_part(&indexed, NULL), ACT_OK);
    indexed.pending_count = SIZE_MAX / 4 / sizeof(*indexed.pending);
    assert_int_equal(act_indexed_put(&indexed, &run, 0, &error), ACT_ERR_NOMEM);
    assert_int_equal(error.status, ACT_ERR_NOMEM);
    indexed.pending_count = SIZE_MAX / 3 * 2 + 1; /* half as much again begins at 0 */
    assert_int_equal(act_indexed_put(&indexed, &run, 0, &error), ACT_ERR_NOMEM);
    assert_int_equal(indexed.pending_capacity, 0);
    act_indexed_close(&indexed);

    assert_int_equal(act_part_open(&part, NULL), ACT_OK);
    part.records_nbytes = SIZE_MAX / 2;
    assert_false(act_part_grow(&part, SIZE_MAX / 2));
    assert_int_equal(part.records_capacity, 0);
    act_part_close(&part);

    assert_true(act_path_open(&path));
    size_t capacity = path.key_capacity;
    for (size_t less = 0; less < ACT_LINE_SLACK_NBYTES; less++)
        assert_false(act_path_reserve(&path, SIZE_MAX - less));
    assert_int_equal(path.key_capacity, capacity);
    act_path_close(&path);
}

/* ------------------------------------------------------------------------------------- damage */

static size_t make_small(uint8_t **bytes_ret, struct entries *entries)
{
    struct random r = random_of(6);
    size_t nbytes;
    for (unsigned i = 0; i < 300; i++) {
        uint8_t key[12];
        random_fill(&r, key, sizeof(key));
        key[0] &= 7;
        entries_add(entries, key, 1 + random_below(&r, sizeof(key)), shapes_value(&r));
    }
    entries_sort(entries);
    build_file(entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    *bytes_ret = scratch_read(scratch_map, &nbytes);
    return nbytes;
}

static int count_any(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    size_t *count = context;
    (void)key;
    (void)key_nbytes;
    (void)value;
    return ++*count > 100000;
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct entries entries = {0};
    uint8_t *bytes;
    size_t nbytes = make_small(&bytes, &entries);
    for (size_t bit = 0; bit < 8 * nbytes; bit += CHECK_SLOW_BUILD ? 7 : 1) {
        act_map *map;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (act_map_open_memory(bytes, nbytes, NULL, &map, NULL) == ACT_OK) {
            size_t count = 0;
            if (act_map_verify(map, NULL, NULL, NULL, NULL) != ACT_ERR_CORRUPT)
                fail_msg("bit %zu of byte %zu is not missed", bit % 8, bit / 8);
            act_map_scan(map, NULL, count_any, &count, NULL);
            for (size_t i = 0; i < entries.count; i += 17)
                act_map_get(map, entries.items[i].key, entries.items[i].key_nbytes, NULL, NULL);
            act_map_close(map);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(bytes);
    entries_free(&entries);
}

/* What is sound by itself, but not what the index says of it. */
static void another_root_or_more_bytes_are_found(void **state)
{
    (void)state;
    struct entries entries = {0};
    uint8_t *bytes;
    size_t nbytes = make_small(&bytes, &entries);
    act_map *map;
    act_verify_report report;
    uint8_t *longer = calloc(1, nbytes + 16);
    assert_non_null(longer);
    memcpy(longer, bytes, nbytes);
    assert_int_equal(act_map_open_memory(longer, nbytes + 16, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_verify(map, NULL, NULL, &report, NULL), ACT_ERR_CORRUPT);
    assert_int_equal(report.broken_rule, ACT_RULE_INDEX_HEADER);
    assert_int_equal(report.broken_offset, nbytes);
    act_map_close(map);

    /* The first child of the root is a map too. */
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    struct act_sweep sweep;
    assert_int_equal(act_sweep_open(&sweep, map, 0, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    act_store_le64(bytes + 8, sweep.children[0]);
    act_sweep_close(&sweep);
    act_map_close(map);
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_verify(map, NULL, NULL, &report, NULL), ACT_ERR_CORRUPT);
    assert_int_equal(report.broken_rule, ACT_RULE_INDEX_HEADER);
    assert_int_equal(report.broken_offset, 8);
    act_map_close(map);
    free(longer);
    free(bytes);
    entries_free(&entries);
}

/* Whatever is in the header: the answers are right, by the plain way if need be. */
static void a_damaged_header_changes_no_answer(void **state)
{
    (void)state;
    struct entries entries = {0};
    uint8_t *bytes;
    size_t nbytes = make_small(&bytes, &entries);
    for (size_t at = ACT_INDEX_OFF; at < ACT_INDEX_END; at++) {
        act_map *map;
        act_map_stat stat;
        bytes[at] ^= 0x5a;
        assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
        act_map_get_stat(map, &stat);
        assert_int_equal(stat.layout, ACT_LAYOUT_PLAIN);
        assert_int_equal(stat.index_unusable, at >= ACT_INDEX_OFF + 8);
        expect_lookups(map, &entries);
        expect_scan(map, &entries);
        act_map_close(map);
        bytes[at] ^= 0x5a;
    }
    free(bytes);
    entries_free(&entries);
}

/* A table whose width is none, or that leads out of its run, is passed by. */
static void jump_tables_that_cannot_be_right(void **state)
{
    (void)state;
    struct entries entries = {0};
    for (unsigned i = 0; i < 40; i++) {
        uint8_t key = (uint8_t)(i * 5);
        entries_add(&entries, &key, 1, i);
    }
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    /* The root is a mask of 40 leaves of two bytes each, its only run right after the headers. */
    size_t first = ACT_INDEX_END + 39 + 1;
    assert_int_equal(bytes[first - 1], 1);
    assert_int_equal(bytes[first - 2], 2);
    for (unsigned width = 0; width < 256; width++) {
        if (width == 1 || width == 2 || width == 4)
            continue;
        act_map *map;
        bytes[first - 1] = (uint8_t)width;
        assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
        expect_lookups(map, &entries);
        act_verify_report report;
        assert_int_equal(act_map_verify(map, NULL, NULL, &report, NULL), ACT_ERR_CORRUPT);
        assert_int_equal(report.broken_rule, ACT_RULE_JUMP_TABLE);
        assert_int_equal(report.broken_offset, first);
        act_map_close(map);
    }
    bytes[first - 1] = 1;
    memset(bytes + ACT_INDEX_END, 255, 39);
    act_map *map;
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    expect_lookups(map, &entries);
    act_map_close(map);
    free(bytes);
    entries_free(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_keys),
        cmocka_unit_test(single_keys),
        cmocka_unit_test(every_shape),
        cmocka_unit_test(subtrees_around_a_page),
        cmocka_unit_test(keys_that_no_number_can_tell),
        cmocka_unit_test(nodes_take_what_is_kept_for_them),
        cmocka_unit_test(lines_that_differ_in_a_bit),
        cmocka_unit_test(long_lines_among_small_subtrees),
        cmocka_unit_test(long_lines_above_long_lines),
        cmocka_unit_test(a_hot_region_larger_than_memory),
        cmocka_unit_test(room_that_is_left_is_zero),
        cmocka_unit_test(more_than_memory_holds_is_refused),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(another_root_or_more_bytes_are_found),
        cmocka_unit_test(a_damaged_header_changes_no_answer),
        cmocka_unit_test(jump_tables_that_cannot_be_right),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
