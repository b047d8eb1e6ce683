/* Cursors over files made by hand: shapes that no builder writes, damage, limits, depth. */
#include "read/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/forge.h"
#include "support/random.h"

/* ------------------------------------------------------------------------------------- helpers */

static act_cursor *cursor_at(const act_map *map, const char *root)
{
    act_cursor *cursor;
    act_error error = {.text = ""};
    if (act_cursor_open(map, root, strlen(root), &cursor, &error) != ACT_OK)
        fail_msg("cannot open a cursor: %s", error.text);
    return cursor;
}

/* Opens what was made so far with limits. */
static act_map *map_with_limits(const struct forge *f, uint64_t key_nbytes_max, uint64_t steps_max)
{
    act_open_options options = {.key_nbytes_max = key_nbytes_max, .steps_max = steps_max};
    act_map *map;
    assert_int_equal(act_map_open_memory(f->bytes, f->nbytes, &options, &map, NULL), ACT_OK);
    return map;
}

static void expect_path(const act_cursor *cursor, const char *path)
{
    size_t nbytes;
    const uint8_t *bytes = act_cursor_path(cursor, &nbytes);
    assert_non_null(bytes);
    if (nbytes != strlen(path) || memcmp(bytes, path, nbytes) != 0)
        fail_msg("stands on \"%.*s\", not on \"%s\"", (int)nbytes, (const char *)bytes, path);
}

static uint64_t count_of(const act_cursor *cursor)
{
    uint64_t count = 12345;
    assert_int_equal(act_cursor_val_count(cursor, &count, NULL), ACT_OK);
    return count;
}

/* ------------------------------------------------------------------------------- unusual shapes */

static void frames_are_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct act_cursor_frame) <= 32);
}

/* No builder writes it: a line that has a value and a child. The child's side is what counts. */
static void line_with_value_and_child(void **state)
{
    struct forge f;
    (void)state;
    forge_start(&f);
    uint64_t data = forge_data(&f, "abc");
    uint64_t leaf = forge_leaf(&f, 7);
    uint64_t child = forge_fork(&f, FORGE_NONE, leaf, "x");
    forge_end(&f, forge_line(&f, 99, child, data));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    act_cursor *cursor = cursor_at(f.map, "");
    size_t descended;
    uint64_t value;
    assert_int_equal(act_cursor_descend_to_val(cursor, "abcx", 4, &descended, NULL), ACT_OK);
    assert_int_equal(descended, 4);
    assert_int_equal(act_cursor_ascend_byte(cursor, NULL), ACT_OK);
    assert_false(act_cursor_is_val(cursor));
    act_cursor_reset(cursor);
    assert_int_equal(act_cursor_value_at(cursor, "abc", 3, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_value_at(cursor, "abcx", 4, &value, NULL), ACT_OK);
    assert_int_equal(value, 7);
    assert_int_equal(count_of(cursor), 1);
    act_cursor_close(cursor);
    forge_free(&f);
}

/* A merge may leave a line below a line. */
static void line_below_line(void **state)
{
    struct forge f;
    (void)state;
    forge_start(&f);
    uint64_t ab = forge_data(&f, "ab");
    uint64_t cd = forge_data(&f, "cd");
    uint64_t low = forge_line(&f, 5, FORGE_NONE, cd);
    forge_end(&f, forge_line(&f, FORGE_NONE, low, ab));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    act_cursor *cursor = cursor_at(f.map, "a");
    assert_int_equal(act_cursor_descend_until(cursor, NULL), ACT_OK);
    expect_path(cursor, "bcd");
    assert_int_equal(act_cursor_ascend(cursor, 2, NULL), ACT_OK);
    expect_path(cursor, "b");
    assert_int_equal(act_cursor_child_count(cursor), 1);
    assert_int_equal(act_cursor_descend_first_byte(cursor, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_check(cursor, "d", 1, NULL), ACT_OK);
    assert_true(act_cursor_is_val(cursor));
    assert_int_equal(act_cursor_ascend_until(cursor, NULL), ACT_OK);
    expect_path(cursor, "");
    assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_OK);
    expect_path(cursor, "bcd");
    assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "");
    act_cursor_close(cursor);
    forge_free(&f);
}

/* Around the number of children from which on a mask is written, and all 256. */
static void children_of_every_number(void **state)
{
    static const unsigned counts[] = {1, 2, 31, 32, 33, 64, 255, 256};
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct forge f;
        uint8_t bytes[256];
        unsigned count = counts[i];
        forge_start(&f);
        uint64_t first = forge_here(&f);
        /* Spread over all bytes, the last one 255, but for the single child. */
        for (unsigned k = 0; k < count; k++) {
            bytes[k] = (uint8_t)(255 - (count - 1 - k) * 256 / count);
            forge_leaf(&f, k % 3 ? k * 1000 : FORGE_NONE);
        }
        forge_end(&f, forge_branch(&f, FORGE_NONE, first, bytes, count));
        assert_int_equal(forge_open(&f, NULL), ACT_OK);
        act_cursor *cursor = cursor_at(f.map, "");
        assert_int_equal(act_cursor_child_count(cursor), count);
        uint64_t mask[4];
        uint64_t wanted[4] = {0};
        for (unsigned k = 0; k < count; k++)
            wanted[bytes[k] / 64] |= (uint64_t)1 << bytes[k] % 64;
        act_cursor_child_mask(cursor, mask);
        assert_memory_equal(mask, wanted, sizeof(mask));
        assert_int_equal(act_cursor_descend_indexed_byte(cursor, count, NULL), ACT_NOT_FOUND);
        for (unsigned k = 0; k < count; k++) {
            assert_int_equal(k ? act_cursor_to_next_sibling_byte(cursor, NULL)
                               : act_cursor_descend_first_byte(cursor, NULL),
                             ACT_OK);
            assert_int_equal(*act_cursor_path(cursor, NULL), bytes[k]);
            assert_int_equal(act_cursor_is_val(cursor), k % 3 != 0);
        }
        assert_int_equal(act_cursor_to_next_sibling_byte(cursor, NULL), ACT_NOT_FOUND);
        for (unsigned k = count; k-- > 1;) {
            assert_int_equal(*act_cursor_path(cursor, NULL), bytes[k]);
            assert_int_equal(act_cursor_to_prev_sibling_byte(cursor, NULL), ACT_OK);
        }
        assert_int_equal(act_cursor_to_prev_sibling_byte(cursor, NULL), ACT_NOT_FOUND);
        for (unsigned k = 0; k < count; k++) {
            act_cursor_reset(cursor);
            assert_int_equal(act_cursor_descend_indexed_byte(cursor, k, NULL), ACT_OK);
            assert_int_equal(*act_cursor_path(cursor, NULL), bytes[k]);
        }
        act_cursor_close(cursor);
        forge_free(&f);
    }
}

/* From a byte that does not exist, to the nearest that does: by any byte, below any branch. */
static void siblings_of_what_is_not_there(void **state)
{
    static const unsigned counts[] = {1, 3, 31, 32, 40, 200};
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct forge f;
        struct random r = random_of(i);
        bool there[256] = {false};
        uint8_t bytes[256];
        unsigned count = 0;
        forge_start(&f);
        uint64_t first = forge_here(&f);
        for (unsigned left = counts[i]; left;) {
            uint8_t byte = (uint8_t)random_u64(&r);
            left -= !there[byte];
            there[byte] = true;
        }
        for (unsigned b = 0; b < 256; b++) {
            if (there[b]) {
                bytes[count++] = (uint8_t)b;
                forge_leaf(&f, b);
            }
        }
        forge_end(&f, forge_branch(&f, FORGE_NONE, first, bytes, count));
        assert_int_equal(forge_open(&f, NULL), ACT_OK);
        act_cursor *cursor = cursor_at(f.map, "");
        for (unsigned b = 0; b < 256; b++) {
            for (int up = -1; up <= 1; up += 2) {
                int wanted = (int)b + up;
                while (wanted >= 0 && wanted < 256 && !there[wanted])
                    wanted += up;
                bool found = wanted >= 0 && wanted < 256;
                act_cursor_reset(cursor);
                act_cursor_descend_to_byte(cursor, (uint8_t)b, NULL);
                assert_int_equal(act_cursor_path_exists(cursor), there[b]);
                assert_int_equal(up > 0 ? act_cursor_to_next_sibling_byte(cursor, NULL)
                                        : act_cursor_to_prev_sibling_byte(cursor, NULL),
                                 found ? ACT_OK : ACT_NOT_FOUND);
                assert_int_equal(*act_cursor_path(cursor, NULL), found ? (unsigned)wanted : b);
                assert_int_equal(act_cursor_path_exists(cursor), found || there[b]);
            }
        }
        act_cursor_close(cursor);
        forge_free(&f);
    }
}

/* -------------------------------------------------------------------------------------- damage */

/* Above the node in question lies a root with a good leaf at "a", and the node at "b". */
static void end_beside_leaf(struct forge *f, uint64_t leaf)
{
    forge_end(f, forge_fork(f, FORGE_NONE, leaf, "ab"));
}

/* Moves into the node, and over it, fail where it lies; the cursor is at its root then, and works.
 */
static void expect_damage(struct forge *f, uint64_t offset)
{
    act_error error;
    act_cursor *other;
    assert_int_equal(forge_open(f, NULL), ACT_OK);
    act_cursor *cursor = cursor_at(f->map, "");
    for (int move = 0; move < 9; move++) {
        uint64_t value;
        uint64_t count;
        size_t nbytes;
        act_status status = ACT_OK;
        memset(&error, 0, sizeof(error));
        assert_int_equal(act_cursor_descend_to_check(cursor, "a", 1, NULL), ACT_OK);
        switch (move) {
        case 0:
            status = act_cursor_to_next_sibling_byte(cursor, &error);
            break;
        case 1:
            status = act_cursor_to_next_step(cursor, &error);
            break;
        case 2:
            status = act_cursor_to_next_val(cursor, &error);
            break;
        case 3:
            status = act_cursor_to_next_k_path(cursor, 1, &error);
            break;
        case 4:
            status = act_cursor_move_to_path(cursor, "bcd", 3, &nbytes, &error);
            break;
        case 5:
            act_cursor_reset(cursor);
            status = act_cursor_descend_last_path(cursor, &error);
            break;
        case 6:
            act_cursor_reset(cursor);
            status = act_cursor_descend_indexed_byte(cursor, 1, &error);
            break;
        case 7:
            act_cursor_reset(cursor);
            status = act_cursor_val_count(cursor, &count, &error);
            break;
        case 8:
            act_cursor_reset(cursor);
            status = act_cursor_value_at(cursor, "b", 1, &value, &error);
            break;
        }
        if (status != ACT_ERR_CORRUPT || error.offset != offset)
            fail_msg("move %d: status %d at %llu, not %llu", move, (int)status,
                     (unsigned long long)error.offset, (unsigned long long)offset);
        assert_int_equal(error.status, ACT_ERR_CORRUPT);
        assert_true(act_cursor_at_root(cursor));
        assert_true(act_cursor_path_exists(cursor));
        assert_int_equal(act_cursor_child_count(cursor), 2);
    }
    assert_int_equal(act_cursor_open(f->map, "b", 1, &other, &error), ACT_ERR_CORRUPT);
    assert_true(error.offset == offset);
    assert_null(other);
    act_cursor_close(cursor);
    forge_free(f);
}

static uint64_t start_with_leaf(struct forge *f)
{
    forge_start(f);
    return forge_leaf(f, 1);
}

static void child_outside_of_the_arena(void **state)
{
    struct forge f;
    (void)state;
    uint64_t leaf = start_with_leaf(&f);
    uint64_t bad = forge_here(&f);
    FORGE_BYTES(&f, 0x01, 0xf0, 'x'); /* a child 240 bytes back */
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

static void child_that_is_the_node_itself(void **state)
{
    struct forge f;
    (void)state;
    uint64_t leaf = start_with_leaf(&f);
    uint64_t bad = forge_here(&f);
    FORGE_BYTES(&f, 0x01, 0x00, 'x');
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

static void children_out_of_order(void **state)
{
    struct forge f;
    (void)state;
    forge_start(&f);
    uint64_t low = forge_leaf(&f, 1);
    forge_leaf(&f, 2);
    uint64_t leaf = forge_leaf(&f, 3);
    uint64_t bad = forge_fork(&f, FORGE_NONE, low, "yx");
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

static void count_above_32(void **state)
{
    struct forge f;
    (void)state;
    uint64_t leaf = start_with_leaf(&f);
    uint8_t bytes[50];
    bytes[0] = 33;
    bytes[1] = 2;
    for (unsigned i = 2; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    uint64_t bad = forge_bytes(&f, bytes, 2 + 33);
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

static void mask_of_31_bits(void **state)
{
    struct forge f;
    (void)state;
    uint64_t leaf = start_with_leaf(&f);
    uint8_t bytes[2 + 32] = {32, 2, 0xff, 0xff, 0xff, 0x7f};
    uint64_t bad = forge_bytes(&f, bytes, sizeof(bytes));
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

static void line_data_outside_of_the_arena(void **state)
{
    struct forge f;
    (void)state;
    uint64_t leaf = start_with_leaf(&f);
    uint64_t bad = forge_here(&f);
    FORGE_BYTES(&f, 0xc0, 5, 0x10); /* line data 16 bytes back: in the header */
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

static void line_data_without_a_byte(void **state)
{
    struct forge f;
    (void)state;
    forge_start(&f);
    uint64_t data = forge_data(&f, "");
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t bad = forge_line(&f, 5, FORGE_NONE, data);
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

static void line_data_longer_than_to_its_node(void **state)
{
    struct forge f;
    (void)state;
    forge_start(&f);
    uint64_t data = FORGE_BYTES(&f, 9, 'a', 'b');
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t bad = forge_line(&f, 5, FORGE_NONE, data);
    end_beside_leaf(&f, leaf);
    expect_damage(&f, bad);
}

/* The second child would begin where the parent does. */
static void siblings_up_to_their_parent(void **state)
{
    struct forge f;
    act_error error;
    (void)state;
    forge_start(&f);
    uint64_t low = forge_leaf(&f, 1);
    uint64_t root = forge_fork(&f, FORGE_NONE, low, "ab");
    forge_end(&f, root);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    act_cursor *cursor = cursor_at(f.map, "");
    assert_int_equal(act_cursor_descend_first_byte(cursor, &error), ACT_OK);
    assert_int_equal(act_cursor_to_next_sibling_byte(cursor, &error), ACT_ERR_CORRUPT);
    assert_true(error.offset == root);
    expect_path(cursor, "");
    assert_int_equal(act_cursor_descend_last_byte(cursor, &error), ACT_ERR_CORRUPT);
    assert_true(error.offset == root);
    act_cursor_close(cursor);
    forge_free(&f);
}

static void damaged_root(void **state)
{
    struct forge f;
    act_error error;
    act_cursor *cursor;
    (void)state;
    start_with_leaf(&f);
    uint64_t bad = forge_here(&f);
    FORGE_BYTES(&f, 0x02, 0x01, 'b', 'a');
    forge_end(&f, bad);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_cursor_open(f.map, NULL, 0, &cursor, &error), ACT_ERR_CORRUPT);
    assert_null(cursor);
    assert_true(error.offset == bad);
    forge_free(&f);
}

/* -------------------------------------------------------------------------------------- limits */

static void longest_path(void **state)
{
    struct forge f;
    act_error error;
    (void)state;
    forge_start(&f);
    uint64_t data = forge_data(&f, "0123456789");
    forge_end(&f, forge_line(&f, 5, FORGE_NONE, data));
    act_map *map = map_with_limits(&f, 10, 0);
    act_cursor *cursor = cursor_at(map, "");
    assert_int_equal(act_cursor_descend_until(cursor, &error), ACT_OK);
    expect_path(cursor, "0123456789");
    assert_int_equal(act_cursor_descend_to_byte(cursor, 'x', &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    expect_path(cursor, "");
    assert_int_equal(act_cursor_descend_to(cursor, "abcdefghij", 10, &error), ACT_OK);
    assert_int_equal(act_cursor_ascend_byte(cursor, &error), ACT_OK);
    assert_int_equal(act_cursor_descend_to(cursor, "xy", 2, &error), ACT_ERR_LIMIT);
    act_cursor_close(cursor);
    /* The root counts. */
    cursor = cursor_at(map, "012345678");
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_OK);
    expect_path(cursor, "9");
    assert_int_equal(act_cursor_move_to_path(cursor, "xy", 2, NULL, &error), ACT_ERR_LIMIT);
    act_cursor_close(cursor);
    cursor = cursor_at(map, "0123456789");
    expect_path(cursor, "");
    assert_true(act_cursor_is_val(cursor));
    act_cursor_close(cursor);
    assert_int_equal(act_cursor_open(map, "0123456789a", 11, &cursor, &error), ACT_ERR_LIMIT);
    assert_null(cursor);
    act_map_close(map);
    map = map_with_limits(&f, 9, 0);
    cursor = cursor_at(map, "");
    uint64_t value;
    assert_int_equal(act_cursor_value_at(cursor, "0123456789", 10, &value, &error), ACT_OK);
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_ERR_LIMIT);
    /* Counting puts no key together. */
    assert_int_equal(act_cursor_val_count(cursor, &value, &error), ACT_OK);
    assert_int_equal(value, 1);
    assert_int_equal(act_cursor_descend_until_max_bytes(cursor, 9, &error), ACT_OK);
    act_cursor_close(cursor);
    act_map_close(map);
    forge_free(&f);
}

/* 2^64 paths and no value: every search ends, by its budget. */
static void dead_paths(void **state)
{
    struct forge f;
    act_error error;
    uint64_t count = 77;
    (void)state;
    forge_start(&f);
    forge_end(&f, forge_shared(&f, 64, 2, FORGE_NONE));
    act_map *map = map_with_limits(&f, 0, 10000);
    act_cursor *cursor = cursor_at(map, "");
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    expect_path(cursor, "");
    assert_int_equal(act_cursor_val_count(cursor, &count, &error), ACT_OK);
    assert_int_equal(count, 0);
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 65, &error), ACT_ERR_LIMIT);
    expect_path(cursor, "");
    /* Moves that search nothing go on after that. */
    assert_int_equal(act_cursor_to_next_step(cursor, &error), ACT_OK);
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 65, &error), ACT_ERR_LIMIT);
    assert_int_equal(act_cursor_descend_first_byte(cursor, &error), ACT_OK);
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_ERR_LIMIT);
    assert_int_equal(act_cursor_descend_to(cursor, "b", 1, &error), ACT_OK);
    cursor->steps_left = 0;
    assert_int_equal(act_cursor_to_prev_sibling_byte(cursor, &error), ACT_OK);
    cursor->steps_left = 0;
    assert_int_equal(act_cursor_to_next_sibling_byte(cursor, &error), ACT_OK);
    act_cursor_reset(cursor);
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 64, &error), ACT_OK);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(act_cursor_to_next_k_path(cursor, 64, &error), ACT_OK);
    act_cursor_reset(cursor);
    assert_int_equal(act_cursor_descend_last_path(cursor, &error), ACT_OK);
    assert_int_equal(act_cursor_to_next_step(cursor, &error), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_descend_last_path(cursor, &error), ACT_OK);
    act_cursor_close(cursor);
    act_map_close(map);
    forge_free(&f);
}

/* Shared runs are gone over once, so that any number of keys can be counted; up to 2^64 - 1. */
static void count_of_shared_runs(void **state)
{
    static const struct {
        unsigned levels;
        unsigned fan_out;
        uint64_t count;
    } rows[] = {
        {1, 2, 2},
        {5, 3, 243},
        {63, 2, (uint64_t)1 << 63},
        {64, 2, UINT64_MAX},
        {65, 2, UINT64_MAX},
        {7, 200, UINT64_C(12800000000000000)},
        {512, 256, UINT64_MAX},
        {2000, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct forge f;
        forge_start(&f);
        forge_end(&f, forge_shared(&f, rows[i].levels, rows[i].fan_out, 5));
        assert_int_equal(forge_open(&f, NULL), ACT_OK);
        act_cursor *cursor = cursor_at(f.map, "");
        assert_true(count_of(cursor) == rows[i].count);
        act_cursor_descend_first_byte(cursor, NULL);
        if (rows[i].count < UINT64_MAX)
            assert_true(count_of(cursor) == rows[i].count / rows[i].fan_out);
        act_cursor_close(cursor);
        forge_free(&f);
    }
}

/* The same number, counted one by one: enough nodes that counts are noted, at several depths. */
static void count_is_that_of_a_walk(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 30; seed++) {
        struct forge f;
        struct random r = random_of(seed);
        uint64_t run = 0;
        unsigned run_count = 0;
        forge_start(&f);
        uint64_t data = forge_data(&f, "line");
        /* Runs that refer to the run before, most of them by several of their nodes. */
        for (unsigned level = 0; level < 8; level++) {
            unsigned count = 1 + (unsigned)random_below(&r, level < 2 ? 60 : 4);
            uint64_t ids[60];
            uint8_t bytes[60];
            for (unsigned k = 0; k < count; k++) {
                for (unsigned b = 0; b < run_count; b++)
                    bytes[b] = (uint8_t)b;
                uint64_t value = random_one_in(&r, 3) ? random_u64(&r) : FORGE_NONE;
                if (level && random_one_in(&r, 3))
                    ids[k] = forge_line(&f, FORGE_NONE, run, data);
                else if (level && !random_one_in(&r, 4))
                    ids[k] = forge_branch(&f, value, run, bytes, run_count);
                else
                    ids[k] = random_one_in(&r, 2) ? forge_leaf(&f, value)
                                                  : forge_line(&f, value, FORGE_NONE, data);
            }
            run = ids[0];
            run_count = count;
        }
        uint8_t bytes[60];
        for (unsigned b = 0; b < run_count; b++)
            bytes[b] = (uint8_t)b;
        forge_end(&f, forge_branch(&f, FORGE_NONE, run, bytes, run_count));
        assert_int_equal(forge_open(&f, NULL), ACT_OK);
        act_cursor *cursor = cursor_at(f.map, "");
        uint64_t walked = 0;
        while (act_cursor_to_next_val(cursor, NULL) == ACT_OK)
            walked++;
        assert_true(count_of(cursor) == walked);
        act_cursor_close(cursor);
        forge_free(&f);
    }
}

/* Long runs of bytes that lead to no key, again and again: copying them counts, too. */
static void dead_lines(void **state)
{
    struct forge f;
    act_error error;
    static uint8_t bytes[4096];
    uint8_t children[256];
    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    for (unsigned i = 0; i < 256; i++)
        children[i] = (uint8_t)i;
    forge_start(&f);
    uint64_t data = forge_varint(&f, sizeof(bytes));
    forge_bytes(&f, bytes, sizeof(bytes));
    uint64_t run = forge_here(&f);
    for (unsigned i = 0; i < 256; i++)
        forge_line(&f, i == 255 ? 5 : FORGE_NONE, FORGE_NONE, data);
    forge_end(&f, forge_branch(&f, FORGE_NONE, run, children, 256));
    /* 256 nodes, and 16 for the bytes of each. */
    act_map *map = map_with_limits(&f, 0, 256 * 17);
    act_cursor *cursor = cursor_at(map, "");
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_OK);
    assert_int_equal(*act_cursor_path(cursor, NULL), 255);
    act_cursor_close(cursor);
    act_map_close(map);
    map = map_with_limits(&f, 0, 256 * 17 - 1);
    cursor = cursor_at(map, "");
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_ERR_LIMIT);
    expect_path(cursor, "");
    act_cursor_close(cursor);
    act_map_close(map);
    forge_free(&f);
}

/* A budget is for one call; what the caller spells out needs none. */
static void budget_of_steps(void **state)
{
    struct forge f;
    act_error error;
    uint8_t path[100];
    uint64_t count;
    (void)state;
    memset(path, 'x', sizeof(path));
    forge_start(&f);
    uint64_t id = forge_leaf(&f, 9);
    for (size_t i = 0; i < sizeof(path); i++)
        id = forge_fork(&f, i % 10 == 9 ? i : FORGE_NONE, id, "x");
    forge_end(&f, id);
    act_map *map = map_with_limits(&f, 0, 10);
    act_cursor *cursor = cursor_at(map, "");
    for (int i = 0; i < 10; i++)
        assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_OK);
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_val_count(cursor, &count, &error), ACT_OK);
    assert_int_equal(count, 11);
    assert_int_equal(act_cursor_descend_until(cursor, &error), ACT_OK);
    act_cursor_reset(cursor);
    assert_int_equal(act_cursor_descend_last_path(cursor, &error), ACT_ERR_LIMIT);
    assert_int_equal(act_cursor_descend_to_check(cursor, path, sizeof(path), &error), ACT_OK);
    act_cursor_close(cursor);
    act_map_close(map);
    map = map_with_limits(&f, 0, 9);
    cursor = cursor_at(map, "");
    assert_int_equal(act_cursor_to_next_val(cursor, &error), ACT_ERR_LIMIT);
    assert_int_equal(act_cursor_descend_until(cursor, &error), ACT_ERR_LIMIT);
    assert_int_equal(act_cursor_descend_until_max_bytes(cursor, 9, &error), ACT_OK);
    act_cursor_close(cursor);
    act_map_close(map);
    forge_free(&f);
}

/* --------------------------------------------------------------------------------------- depth */

enum {
    CHAIN = 1000000
};

/* A node for each byte of a key of a million: the C stack has no part in it. */
static void chain_of_a_million_nodes(void **state)
{
    struct forge f;
    size_t nbytes;
    uint64_t count;
    act_cursor *fork;
    (void)state;
    forge_start(&f);
    uint64_t id = forge_leaf(&f, 42);
    for (int i = 0; i < CHAIN; i++)
        id = forge_fork(&f, FORGE_NONE, id, i % 2 ? "a" : "b");
    forge_end(&f, id);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    act_cursor *cursor = cursor_at(f.map, "abab");
    assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_OK);
    act_cursor_path(cursor, &nbytes);
    assert_int_equal(nbytes, CHAIN - 4);
    assert_int_equal(act_cursor_fork(cursor, &fork, NULL), ACT_OK);
    assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_NOT_FOUND);
    assert_true(act_cursor_at_root(cursor));
    assert_int_equal(act_cursor_val_count(cursor, &count, NULL), ACT_OK);
    assert_int_equal(count, 1);
    assert_int_equal(act_cursor_ascend(fork, CHAIN - 10, NULL), ACT_OK);
    expect_path(fork, "ababab");
    assert_int_equal(act_cursor_descend_until(fork, NULL), ACT_OK);
    assert_int_equal(act_cursor_ascend_until(fork, NULL), ACT_OK);
    expect_path(fork, "");
    for (int i = 0; i < CHAIN - 4; i++)
        assert_int_equal(act_cursor_to_next_step(fork, NULL), ACT_OK);
    assert_true(act_cursor_is_val(fork));
    assert_int_equal(act_cursor_to_next_step(fork, NULL), ACT_NOT_FOUND);
    act_cursor_close(cursor);
    act_cursor_close(fork);
    forge_free(&f);
}

/* ------------------------------------------------------------------------------------ any bytes */

/* One random move or question. */
static act_status random_call(struct random *r, act_cursor *cursor)
{
    uint8_t path[6];
    size_t nbytes = (size_t)random_below(r, sizeof(path) + 1);
    size_t number = (size_t)random_below(r, 6);
    size_t result;
    uint64_t value;
    for (size_t i = 0; i < nbytes; i++)
        path[i] = (uint8_t)("ab\0\1\2\xff"[random_below(r, 6)]);
    switch (random_below(r, 21)) {
    case 0:
        return act_cursor_descend_to(cursor, path, nbytes, NULL);
    case 1:
        return act_cursor_descend_to_existing(cursor, path, nbytes, &result, NULL);
    case 2:
        return act_cursor_descend_to_val(cursor, path, nbytes, &result, NULL);
    case 3:
        return act_cursor_descend_indexed_byte(cursor, number, NULL);
    case 4:
        return act_cursor_descend_last_byte(cursor, NULL);
    case 5:
        return act_cursor_descend_until(cursor, NULL);
    case 6:
        return act_cursor_descend_until_max_bytes(cursor, number, NULL);
    case 7:
        return act_cursor_descend_last_path(cursor, NULL);
    case 8:
        return act_cursor_move_to_path(cursor, path, nbytes, &result, NULL);
    case 9:
        return act_cursor_ascend(cursor, number, NULL);
    case 10:
        return act_cursor_ascend_until(cursor, NULL);
    case 11:
        return act_cursor_ascend_until_branch(cursor, NULL);
    case 12:
        return act_cursor_to_next_sibling_byte(cursor, NULL);
    case 13:
        return act_cursor_to_prev_sibling_byte(cursor, NULL);
    case 14:
    case 15:
        return act_cursor_to_next_step(cursor, NULL);
    case 16:
        return act_cursor_to_next_val(cursor, NULL);
    case 17:
        return act_cursor_descend_first_k_path(cursor, number, NULL);
    case 18:
        return act_cursor_to_next_k_path(cursor, number, NULL);
    case 19:
        return act_cursor_value_at(cursor, path, nbytes, &value, NULL);
    default:
        return act_cursor_val_count(cursor, &value, NULL);
    }
}

/* What must hold wherever a cursor stands. */
static void expect_consistent(const act_cursor *cursor)
{
    uint64_t mask[4];
    uint64_t value;
    unsigned children = 0;
    act_cursor_child_mask(cursor, mask);
    for (int i = 0; i < 4; i++)
        children += act_popcount64(mask[i]);
    assert_int_equal(act_cursor_child_count(cursor), children);
    if (!act_cursor_path_exists(cursor))
        assert_true(children == 0 && !act_cursor_is_val(cursor));
    assert_int_equal(act_cursor_value(cursor, &value) == ACT_OK, act_cursor_is_val(cursor));
}

/* Bytes that are mostly small numbers look like nodes more often than not. */
static void fill_arena(struct random *r, uint8_t *bytes, size_t nbytes)
{
    static const uint8_t headers[] = {0x00, 0x01, 0x02, 0x03, 0x40, 0x41, 0x42,
                                      0x80, 0x81, 0xc0, 0xc1, 0x20, 0x60};
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = random_one_in(r, 3)   ? headers[random_below(r, sizeof(headers))]
                   : random_one_in(r, 8) ? (uint8_t)random_u64(r)
                                         : (uint8_t)random_below(r, 24);
}

/* Whatever the bytes are: no byte outside is read (a sanitizer sees it), and every call ends in one
 * of the answers it has. */
static void arenas_of_any_bytes(void **state)
{
    unsigned moved = 0;
    unsigned damaged = 0;
    (void)state;
    for (unsigned seed = 0; seed < 10000; seed++) {
        struct random r = random_of(seed);
        size_t nbytes = 25 + (size_t)random_below(&r, 100);
        uint8_t *bytes = malloc(nbytes);
        act_open_options options = {.key_nbytes_max = 300, .steps_max = 200};
        act_map *map;
        act_cursor *cursor;
        assert_non_null(bytes);
        fill_arena(&r, bytes, nbytes);
        memcpy(bytes, "ACTree03", 8);
        memset(bytes + 8, 0, 8);
        bytes[8] = (uint8_t)(nbytes - 9 - random_below(&r, 8 < nbytes - 24 ? 8 : nbytes - 24));
        if (act_map_open_memory(bytes, nbytes, &options, &map, NULL) == ACT_OK) {
            if (act_cursor_open(map, NULL, 0, &cursor, NULL) == ACT_OK) {
                for (int i = 0; i < 60; i++) {
                    act_status status = random_call(&r, cursor);
                    moved += status == ACT_OK;
                    damaged += status == ACT_ERR_CORRUPT;
                    if (status != ACT_OK && status != ACT_NOT_FOUND && status != ACT_ERR_CORRUPT &&
                        status != ACT_ERR_LIMIT)
                        fail_msg("seed %u: status %d", seed, (int)status);
                    expect_consistent(cursor);
                }
                act_cursor_close(cursor);
            }
            act_map_close(map);
        }
        free(bytes);
    }
    /* They led somewhere often enough. */
    assert_true(moved > 15000);
    assert_true(damaged > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_small),
        cmocka_unit_test(line_with_value_and_child),
        cmocka_unit_test(line_below_line),
        cmocka_unit_test(children_of_every_number),
        cmocka_unit_test(siblings_of_what_is_not_there),
        cmocka_unit_test(child_outside_of_the_arena),
        cmocka_unit_test(child_that_is_the_node_itself),
        cmocka_unit_test(children_out_of_order),
        cmocka_unit_test(count_above_32),
        cmocka_unit_test(mask_of_31_bits),
        cmocka_unit_test(line_data_outside_of_the_arena),
        cmocka_unit_test(line_data_without_a_byte),
        cmocka_unit_test(line_data_longer_than_to_its_node),
        cmocka_unit_test(siblings_up_to_their_parent),
        cmocka_unit_test(damaged_root),
        cmocka_unit_test(longest_path),
        cmocka_unit_test(dead_paths),
        cmocka_unit_test(dead_lines),
        cmocka_unit_test(count_of_shared_runs),
        cmocka_unit_test(count_is_that_of_a_walk),
        cmocka_unit_test(budget_of_steps),
        cmocka_unit_test(chain_of_a_million_nodes),
        cmocka_unit_test(arenas_of_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
