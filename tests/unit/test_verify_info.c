#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/forge.h"

static act_map_info info_of(struct forge *f)
{
    act_map_info info = {0};
    act_error error = {.text = ""};
    if (forge_open(f, &error) || act_map_get_info(f->map, NULL, NULL, &info, &error))
        fail_msg("no info: %s", error.text);
    /* What holds for every map. */
    uint64_t fan_out = 0, depth = 0;
    for (unsigned i = 0; i < ACT_FAN_OUT_BUCKETS; i++)
        fan_out += info.fan_out[i];
    for (unsigned i = 0; i < ACT_DEPTH_BUCKETS; i++)
        depth += info.node_depth[i];
    assert_int_equal(fan_out, info.branch_nodes + info.leaf_nodes);
    assert_int_equal(info.fan_out[0], info.leaf_nodes);
    assert_int_equal(depth, info.branch_nodes + info.leaf_nodes + info.line_nodes);
    assert_int_equal(info.node_depth[0], 1);
    return info;
}

static uint64_t bytes_of_all_kinds(const act_map_info *info)
{
    return info->header_nbytes + info->branch_nbytes + info->leaf_nbytes + info->line_node_nbytes +
           info->line_data_nbytes + info->unreferenced_nbytes + info->tail_nbytes;
}

static void an_empty_map_is_one_leaf(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    forge_end(&f, forge_leaf(&f, FORGE_NONE));
    act_map_info info = info_of(&f);
    act_map_info expected = {.leaf_nodes = 1,
                             .header_nbytes = 16,
                             .leaf_nbytes = 1,
                             .tail_nbytes = 8,
                             .node_depth = {1},
                             .fan_out = {1}};
    assert_memory_equal(&info, &expected, sizeof(info));
    forge_free(&f);
}

static void the_empty_key_is_a_key_of_no_bytes(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    forge_end(&f, forge_leaf(&f, 300));
    act_map_info info = info_of(&f);
    act_map_info expected = {.keys = 1,
                             .leaf_nodes = 1,
                             .header_nbytes = 16,
                             .leaf_nbytes = 4,
                             .tail_nbytes = 8,
                             .value_nbytes = 3,
                             .node_depth = {1},
                             .fan_out = {1}};
    assert_memory_equal(&info, &expected, sizeof(info));
    forge_free(&f);
}

/* One of everything, told in full:
 *   a 1, abc 300, abcd -, b -, bxyz 5, cxyz 5 (the last two lines share their data). */
static void every_figure_of_a_small_map(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    FORGE_BYTES(&f, 0xde, 0xad);                         /* nobody's */
    uint64_t bc = forge_data(&f, "bc");                  /* 3 bytes */
    uint64_t xyz = forge_data(&f, "xyz");                /* 4 */
    uint64_t abcd = forge_leaf(&f, FORGE_NONE);          /* 1: dangling */
    uint64_t abc = forge_fork(&f, 300, abcd, "d");       /* 1 + 3 + 1 + 1 */
    uint64_t a_bc = forge_line(&f, FORGE_NONE, abc, bc); /* 1 + 1 + 1 */
    uint64_t bxyz = forge_line(&f, 5, FORGE_NONE, xyz);  /* 1 + 1 + 1 */
    uint64_t a = forge_fork(&f, 1, a_bc, "b");           /* 4: and a line of "bc" below "ab" */
    uint64_t b = forge_fork(&f, FORGE_NONE, bxyz, "x");  /* 3 */
    forge_line(&f, 5, FORGE_NONE, xyz);                  /* 3: "cxyz" */
    forge_end(&f, forge_fork(&f, FORGE_NONE, a, "abc")); /* 1 + 1 + 3 */
    assert_int_equal(b, a + 4);
    act_map_info info = info_of(&f);
    /* Keys: "a", "ab" + "bc", "bx" + "xyz", "c" + "xyz". */
    act_map_info expected = {.keys = 4,
                             .key_nbytes = 1 + 4 + 5 + 4,
                             .key_nbytes_longest = 5,
                             .dangling_paths = 1,
                             .branch_nodes = 4,
                             .leaf_nodes = 1,
                             .line_nodes = 3,
                             .lines = 2,
                             .header_nbytes = 16,
                             .branch_nbytes = 6 + 4 + 3 + 5,
                             .leaf_nbytes = 1,
                             .line_node_nbytes = 3 + 3 + 3,
                             .line_data_nbytes = 3 + 4,
                             .unreferenced_nbytes = 2,
                             .tail_nbytes = 8,
                             .value_nbytes = 3 + 1 + 1 + 1,
                             .node_depth_max = 4,
                             .node_depth = {1, 3, 2, 1, 1},
                             .fan_out = {1, 3, 0, 1}};
    assert_memory_equal(&info, &expected, sizeof(info));
    assert_int_equal(bytes_of_all_kinds(&info), f.nbytes);
    forge_free(&f);
}

static void shared_subtrees_count_once_as_objects_and_each_time_as_keys(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t tail = forge_data(&f, "tail");
    uint64_t leaves = forge_leaf(&f, 1);
    forge_line(&f, 2, FORGE_NONE, tail);
    forge_leaf(&f, FORGE_NONE);
    /* Reached from the root and through a line: at depths 1 and 2. */
    uint64_t pair = forge_fork(&f, 3, leaves, "abc");
    uint64_t line = forge_line(&f, FORGE_NONE, pair, tail);
    assert_int_equal(line, pair + 1 + 1 + 1 + 3);
    forge_end(&f, forge_fork(&f, FORGE_NONE, pair, "xy"));
    act_map_info info = info_of(&f);
    assert_true(info.shared);
    /* "x" and "ytail": each a key, and below each "a" and "btail", and the dangling "c". */
    assert_int_equal(info.keys, 6);
    assert_int_equal(info.key_nbytes, 1 + 2 + 6 + 5 + 6 + 10);
    assert_int_equal(info.key_nbytes_longest, 10);
    assert_int_equal(info.dangling_paths, 2);
    assert_int_equal(info.branch_nodes, 2);
    assert_int_equal(info.leaf_nodes, 2);
    assert_int_equal(info.line_nodes, 2);
    assert_int_equal(info.lines, 1);
    assert_int_equal(info.node_depth_max, 3);
    /* By the shortest way: the pair lies right below the root. */
    assert_int_equal(info.node_depth[1], 2);
    assert_int_equal(info.node_depth[2], 3);
    assert_int_equal(bytes_of_all_kinds(&info), f.nbytes);
    forge_free(&f);
}

static void a_tree_is_not_shared(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t leaves = forge_leaf(&f, 1);
    forge_leaf(&f, 1);
    forge_end(&f, forge_fork(&f, FORGE_NONE, leaves, "ab"));
    assert_false(info_of(&f).shared);
    forge_free(&f);
}

static void exponential_maps_are_counted_exactly_until_2_to_the_64(void **state)
{
    (void)state;
    struct forge f;
    for (unsigned levels = 55; levels <= 70; levels++) {
        forge_start(&f);
        forge_end(&f, forge_shared(&f, levels, 2, 1));
        act_map_info info = info_of(&f);
        uint64_t keys = levels < 64 ? (uint64_t)1 << levels : UINT64_MAX;
        assert_true(info.keys == keys);
        assert_true(info.key_nbytes == (levels <= 58 ? keys * levels : UINT64_MAX));
        assert_int_equal(info.key_nbytes_longest, levels);
        assert_int_equal(info.leaf_nodes, 2);
        assert_int_equal(info.branch_nodes, 2 * levels - 1);
        assert_int_equal(info.node_depth_max, levels);
        assert_int_equal(info.fan_out[2], 2 * levels - 1);
        assert_int_equal(info.node_depth[1], 2);
        assert_int_equal(info.node_depth[ACT_DEPTH_BUCKETS - 1],
                         levels < 63 ? 0 : 2 * (levels - 62));
        forge_free(&f);
    }
}

static void paths_without_keys_do_not_count_as_keys(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t top = forge_shared(&f, 63, 2, FORGE_NONE);
    forge_leaf(&f, 7);
    forge_end(&f, forge_fork(&f, FORGE_NONE, top, "ab"));
    act_map_info info = info_of(&f);
    assert_int_equal(info.keys, 1);
    assert_int_equal(info.key_nbytes, 1);
    assert_int_equal(info.key_nbytes_longest, 1);
    assert_true(info.dangling_paths == (uint64_t)1 << 63);
    forge_free(&f);

    forge_start(&f);
    forge_end(&f, forge_shared(&f, 64, 2, FORGE_NONE));
    info = info_of(&f);
    assert_int_equal(info.keys, 0);
    assert_true(info.dangling_paths == UINT64_MAX);
    forge_free(&f);
}

/* A key that no memory holds, in a small file. */
static void long_keys_are_measured_not_built(void **state)
{
    (void)state;
    enum {
        DATA_NBYTES = 100000,
        LINES = 50000
    };
    struct forge f;
    forge_start(&f);
    char *text = malloc(DATA_NBYTES + 1);
    assert_non_null(text);
    memset(text, 'z', DATA_NBYTES);
    text[DATA_NBYTES] = 0;
    uint64_t data = forge_data(&f, text);
    free(text);
    uint64_t at = forge_leaf(&f, 1);
    for (unsigned i = 0; i < LINES; i++)
        at = forge_line(&f, FORGE_NONE, at, data);
    forge_end(&f, at);
    act_map_info info = info_of(&f);
    assert_int_equal(info.keys, 1);
    assert_true(info.key_nbytes == (uint64_t)LINES * DATA_NBYTES);
    assert_true(info.key_nbytes_longest == (uint64_t)LINES * DATA_NBYTES);
    assert_int_equal(info.line_nodes, LINES);
    assert_int_equal(info.lines, 1);
    assert_int_equal(info.line_data_nbytes, DATA_NBYTES + 4);
    assert_int_equal(info.node_depth_max, LINES);
    assert_int_equal(info.unreferenced_nbytes, 0);
    forge_free(&f);
}

/* More marks than one chunk, line data far below and between: each is counted once. */
static void line_data_is_counted_once_wherever_it_lies(void **state)
{
    (void)state;
    enum {
        COUNT = 30000
    };
    struct forge f;
    uint64_t last = 0;
    forge_start(&f);
    uint64_t first_data = forge_data(&f, "first");
    uint64_t line_nbytes = 0, data_nbytes = 6;
    uint64_t at = forge_leaf(&f, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 3 == 0) {
            last = forge_data(&f, "own");
            data_nbytes += 4;
        }
        uint64_t before = forge_here(&f);
        at = forge_line(&f, FORGE_NONE, at, i % 3 == 1 ? first_data : last);
        line_nbytes += forge_here(&f) - before;
    }
    forge_end(&f, at);
    act_map_info info = info_of(&f);
    assert_int_equal(info.lines, 1 + COUNT / 3);
    assert_int_equal(info.line_data_nbytes, data_nbytes);
    assert_int_equal(info.line_node_nbytes, line_nbytes);
    assert_int_equal(info.unreferenced_nbytes, 0);
    assert_int_equal(bytes_of_all_kinds(&info), f.nbytes);
    assert_int_equal(info.key_nbytes, (uint64_t)COUNT / 3 * (5 + 3 + 3));
    forge_free(&f);
}

/* All nodes wait at once, which makes the table of ways grow: levels written from the bottom. */
static void maps_written_level_by_level_are_counted_too(void **state)
{
    (void)state;
    enum {
        LEVELS = 14
    };
    struct forge f;
    uint64_t starts[1 << (LEVELS - 1)];
    forge_start(&f);
    for (unsigned i = 0; i < 1u << LEVELS; i++) {
        uint64_t at = forge_leaf(&f, 1);
        if (i % 2 == 0)
            starts[i / 2] = at;
    }
    for (unsigned level = LEVELS - 1; level > 0; level--) {
        for (unsigned i = 0; i < 1u << level; i++) {
            uint64_t at = forge_fork(&f, FORGE_NONE, starts[i], "ab");
            if (i % 2 == 0)
                starts[i / 2] = at;
        }
    }
    forge_end(&f, forge_fork(&f, FORGE_NONE, starts[0], "ab"));
    act_map_info info = info_of(&f);
    assert_int_equal(info.keys, 1 << LEVELS);
    assert_int_equal(info.key_nbytes, LEVELS << LEVELS);
    assert_int_equal(info.leaf_nodes, 1 << LEVELS);
    assert_int_equal(info.branch_nodes, (1 << LEVELS) - 1);
    for (unsigned level = 0; level <= LEVELS; level++)
        assert_int_equal(info.node_depth[level], 1 << level);
    assert_false(info.shared);
    assert_int_equal(info.unreferenced_nbytes, 0);
    forge_free(&f);
}

static void what_a_merge_leaves_behind_is_unreferenced(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t old_root = forge_fork(&f, FORGE_NONE, leaf, "a");
    FORGE_BYTES(&f, 0, 0, 0, 0, 0, 0, 0, 0);
    uint64_t copy = forge_leaf(&f, 1);
    forge_leaf(&f, 2);
    forge_root(&f, forge_fork(&f, FORGE_NONE, copy, "ab"));
    forge_trailer(&f, 0, old_root);
    act_map_info info = info_of(&f);
    assert_int_equal(info.keys, 2);
    assert_int_equal(info.tail_nbytes, 16);
    assert_int_equal(info.unreferenced_nbytes, 2 + 3 + 8);
    assert_int_equal(bytes_of_all_kinds(&info), f.nbytes);
    forge_free(&f);
}

static void nothing_is_unreferenced_where_objects_overlap(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    /* Two lines of data, one inside of the other: 0x03 0x02 'a' 'b'. */
    FORGE_BYTES(&f, 3, 2, 'a', 'b');
    uint64_t first = forge_line(&f, 1, FORGE_NONE, 16);
    forge_line(&f, 1, FORGE_NONE, 17);
    forge_end(&f, forge_fork(&f, FORGE_NONE, first, "ab"));
    act_map_info info = info_of(&f);
    assert_int_equal(info.lines, 2);
    assert_int_equal(info.line_data_nbytes, 7);
    assert_int_equal(info.unreferenced_nbytes, 0);
    assert_int_equal(bytes_of_all_kinds(&info), f.nbytes + 3);
    forge_free(&f);
}

static void all_fan_outs(void **state)
{
    (void)state;
    uint8_t children[256];
    for (unsigned i = 0; i < 256; i++)
        children[i] = (uint8_t)i;
    struct forge f;
    for (unsigned count = 1; count <= 256; count++) {
        forge_start(&f);
        uint64_t first = forge_leaf(&f, 9);
        for (unsigned i = 1; i < count; i++)
            forge_leaf(&f, 9);
        forge_end(&f, forge_branch(&f, FORGE_NONE, first, children, count));
        act_map_info info = info_of(&f);
        assert_int_equal(info.keys, count);
        assert_int_equal(info.fan_out[count], 1);
        assert_int_equal(info.fan_out[0], count);
        assert_int_equal(bytes_of_all_kinds(&info), f.nbytes);
        forge_free(&f);
    }
}

static void damage_is_told_as_by_verify(void **state)
{
    (void)state;
    struct forge f;
    act_map_info info = {.keys = 4711};
    act_error error, verify_error;
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t bad = forge_fork(&f, FORGE_NONE, leaf, "ab");
    forge_end(&f, forge_fork(&f, FORGE_NONE, bad, "x"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_map_get_info(f.map, NULL, NULL, &info, &error), ACT_ERR_CORRUPT);
    assert_int_equal(act_map_verify(f.map, NULL, NULL, NULL, &verify_error), ACT_ERR_CORRUPT);
    assert_string_equal(error.text, verify_error.text);
    assert_true(error.offset == bad);
    assert_int_equal(info.keys, 4711);
    /* Before the first node: a bad tail. */
    f.bytes[f.nbytes - 1] = 1;
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_map_get_info(f.map, NULL, NULL, &info, &error), ACT_ERR_CORRUPT);
    assert_true(error.offset == f.nbytes - 16);
    forge_free(&f);
}

static int stop(void *context, uint64_t done, uint64_t total)
{
    uint64_t *seen = context;
    *seen += done + total;
    return 1;
}

static void it_can_be_stopped(void **state)
{
    (void)state;
    struct forge f;
    uint64_t seen = 0;
    act_map_info info = {.keys = 4711};
    forge_start(&f);
    forge_end(&f, forge_leaf(&f, 1));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_map_get_info(f.map, stop, &seen, &info, NULL), ACT_STOPPED);
    assert_int_equal(seen, 16);
    assert_int_equal(info.keys, 4711);
    assert_int_equal(act_map_get_info(f.map, NULL, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_map_get_info(NULL, NULL, NULL, &info, NULL), ACT_ERR_INVALID);
    forge_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_is_one_leaf),
        cmocka_unit_test(the_empty_key_is_a_key_of_no_bytes),
        cmocka_unit_test(every_figure_of_a_small_map),
        cmocka_unit_test(shared_subtrees_count_once_as_objects_and_each_time_as_keys),
        cmocka_unit_test(a_tree_is_not_shared),
        cmocka_unit_test(exponential_maps_are_counted_exactly_until_2_to_the_64),
        cmocka_unit_test(paths_without_keys_do_not_count_as_keys),
        cmocka_unit_test(long_keys_are_measured_not_built),
        cmocka_unit_test(line_data_is_counted_once_wherever_it_lies),
        cmocka_unit_test(maps_written_level_by_level_are_counted_too),
        cmocka_unit_test(what_a_merge_leaves_behind_is_unreferenced),
        cmocka_unit_test(nothing_is_unreferenced_where_objects_overlap),
        cmocka_unit_test(all_fan_outs),
        cmocka_unit_test(damage_is_told_as_by_verify),
        cmocka_unit_test(it_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
