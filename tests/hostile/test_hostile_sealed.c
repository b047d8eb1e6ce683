/*
 * Nodes that are damaged, under checksums that match: somebody wrote them so. Comparing bytes with
 * their checksums finds nothing then, and must change no answer: whatever is read of such a file is
 * the same with it and without.
 */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "base/hash.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/seal.h"

enum {
    BLOCKS = 2,        /* that nothing refers to */
    VISITED_MAX = 400, /* entries, then a scan is stopped */
    MOVES_MAX = 60,
    TWO_BITS = CHECK_SLOW_BUILD ? 300 : 3000
};

/* All that a map was asked, as one number. */
struct answers {
    uint64_t hash;
    unsigned visited;
};

static void note_bytes(struct answers *a, const void *bytes, size_t nbytes)
{
    a->hash = act_hash64(bytes, nbytes, a->hash + nbytes);
}

static void note(struct answers *a, uint64_t number)
{
    note_bytes(a, &number, sizeof(number));
}

static int note_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct answers *a = context;
    note_bytes(a, key, key_nbytes);
    note(a, value);
    return ++a->visited % VISITED_MAX == 0;
}

static int note_prefix(void *context, size_t prefix_nbytes, uint64_t value)
{
    note(context, prefix_nbytes);
    note(context, value);
    return 0;
}

static int note_touch(void *context, const act_touch *touch)
{
    note(context, touch->off);
    note(context, touch->nbytes);
    return 0;
}

static void note_extents(const act_map *map, const uint8_t *prefix, size_t nbytes,
                         struct answers *a)
{
    const act_region region = {
        .kind = ACT_REGION_PREFIX, .prefix = prefix, .prefix_nbytes = nbytes};
    uint64_t asked = 0;
    note(a, act_map_populate(map, &region, NULL, NULL, NULL, &asked, NULL));
    note(a, asked);
}

/* ------------------------------------------------------------------------------------ asking */

static void ask_key(const act_map *map, const uint8_t *key, size_t nbytes, struct answers *a)
{
    uint64_t value = 0;
    bool has_value = false;
    const act_slice slice = {key, nbytes};
    uint8_t found;
    note(a, act_map_get(map, key, nbytes, &value, NULL));
    note(a, act_map_get(map, key, nbytes, NULL, NULL));
    note(a, act_map_trace_get(map, key, nbytes, note_touch, a, NULL, NULL));
    note_extents(map, key, nbytes, a);
    note(a, act_map_path_exists(map, key, nbytes, &has_value, NULL));
    note(a, value + has_value);
    note(a, act_map_prefixes(map, key, nbytes, note_prefix, a, NULL));
    act_status status = act_map_get_batch(map, &slice, 1, NULL, &found, NULL);
    note(a, status);
    note(a, status == ACT_OK ? found : 0);
    note(a, act_map_get_batch(map, &slice, 1, NULL, NULL, NULL));
    value = 0;
    status = act_map_get_batch(map, &slice, 1, &value, NULL, NULL);
    note(a, status == ACT_OK ? value : status);
}

static void ask_iterator(const act_map *map, const uint8_t *key, size_t nbytes, struct answers *a)
{
    act_iter *iter;
    const uint8_t *there;
    size_t there_nbytes;
    uint64_t value;
    assert_int_equal(act_iter_open(map, NULL, &iter, NULL), ACT_OK);
    note(a, act_iter_seek(iter, key, nbytes, NULL));
    for (unsigned i = 0; i < 6; i++) {
        act_status status = i % 3 ? act_iter_next(iter, &there, &there_nbytes, &value, NULL)
                                  : act_iter_prev(iter, &there, &there_nbytes, &value, NULL);
        note(a, status);
        if (status == ACT_OK)
            note_entry(a, there, there_nbytes, value);
    }
    act_iter_close(iter);
}

static void ask_cursor(const act_map *map, const uint8_t *key, size_t nbytes, struct answers *a)
{
    act_cursor *cursor;
    uint64_t value = 0;
    size_t descended = 0;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, NULL);
    note(a, status);
    if (status != ACT_OK)
        return;
    note(a, act_cursor_value_at(cursor, key, nbytes, &value, NULL));
    note(a, act_cursor_descend_to_existing(cursor, key, nbytes / 2, &descended, NULL));
    note(a, act_cursor_value_at(cursor, key + nbytes / 2, nbytes - nbytes / 2, &value, NULL));
    note(a, value + descended);
    status = act_cursor_val_count(cursor, &value, NULL);
    note(a, status == ACT_OK ? value : status);
    note(a, act_cursor_descend_last_path(cursor, NULL));
    note(a, act_cursor_to_prev_sibling_byte(cursor, NULL));
    note(a, act_cursor_ascend_byte(cursor, NULL));
    note(a, act_cursor_descend_to_existing_byte(cursor, nbytes ? key[0] : 0, NULL));
    note(a, act_cursor_to_next_sibling_byte(cursor, NULL));
    note(a, act_cursor_descend_first_k_path(cursor, 2, NULL));
    note(a, act_cursor_to_next_k_path(cursor, 2, NULL));
    act_cursor_close(cursor);
}

static void ask_for_all(const act_map *map, struct answers *a)
{
    act_cursor *cursor;
    for (int reverse = 0; reverse < 2; reverse++) {
        act_range range = {.reverse = reverse};
        a->visited = 0;
        note(a, act_map_scan(map, &range, note_entry, a, NULL));
        /* And stopped after some. */
        a->visited = VISITED_MAX - 3;
        note(a, act_map_scan(map, &range, note_entry, a, NULL));
    }
    act_status status = act_cursor_open(map, NULL, 0, &cursor, NULL);
    note(a, status);
    for (unsigned moves = 0; moves < MOVES_MAX && status == ACT_OK; moves++) {
        status = act_cursor_to_next_val(cursor, NULL);
        note(a, status);
        if (status == ACT_OK) {
            size_t nbytes;
            const uint8_t *path = act_cursor_path(cursor, &nbytes);
            note_bytes(a, path, nbytes);
        }
    }
    act_cursor_close(cursor);
}

/* ------------------------------------------------------------------------------------ the files */

static struct {
    uint8_t *bytes;
    size_t nbytes;
    struct act_index index;
    struct entries entries;
    unsigned damaged; /* how many files a scan called so */
} file;

/* All kinds of nodes: lines, with and without a child, on lines too, branches by bytes and by
 * masks, in the hot region and in pages. */
static int make_file(void **state)
{
    (void)state;
    scratch_set_up(state);
    memset(&file, 0, sizeof(file));
    for (unsigned i = 0; i < 40; i++) {
        uint8_t key[3] = {'m', (uint8_t)(i * 6), 'x'};
        entries_add(&file.entries, key, 2 + i % 2, i);
    }
    static const char *const words[] = {"",           "a long line to a leaf",
                                        "branch/one", "branch/two",
                                        "b",          "branch/tworty",
                                        "line of",    "line of two",
                                        "zzzz",       "zzzzzzzz",
                                        "line of one"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        entries_add(&file.entries, words[i], strlen(words[i]), 1000 * i);
    uint8_t deep[400];
    memset(deep, 'q', sizeof(deep));
    entries_add(&file.entries, deep, sizeof(deep), 5);
    entries_add(&file.entries, deep, sizeof(deep) - 1, 6);
    entries_add(&file.entries, deep, 250, 7);
    entries_sort(&file.entries);
    build_file(&file.entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    file.bytes = scratch_read(scratch_map, &file.nbytes);
    seal_behind_blocks(&file.bytes, &file.nbytes, BLOCKS, &file.index);
    return 0;
}

static int remove_file(void **state)
{
    free(file.bytes);
    entries_free(&file.entries);
    return scratch_tear_down(state);
}

static act_map *open_file(act_checksums checksums, act_error *error)
{
    act_open_options options = {.steps_max = 1 << 12, .checksums = checksums};
    act_map *map;
    if (act_map_open_memory(file.bytes, file.nbytes, &options, &map, error) != ACT_OK)
        assert_null(map);
    return map;
}

static uint64_t ask(const act_map *map, struct random *r)
{
    struct answers a = {0, 0};
    for (unsigned i = 0; i < 8; i++) {
        const struct entry *e = &file.entries.items[random_below(r, file.entries.count)];
        uint8_t key[402];
        size_t nbytes = e->key_nbytes;
        memcpy(key, e->key, nbytes);
        key[nbytes] = (uint8_t)i;
        if (i == 3)
            nbytes++;
        else if (i == 7)
            nbytes /= 2;
        ask_key(map, key, nbytes, &a);
        ask_iterator(map, key, nbytes, &a);
        ask_cursor(map, key, nbytes, &a);
    }
    ask_for_all(map, &a);
    return a.hash;
}

/* Asks the same of the bytes as they are, with and without checks. */
static void compare(const char *what, uint64_t number, uint64_t seed)
{
    act_map *checked = open_file(ACT_CHECKSUMS_TOUCH, NULL);
    act_map *unchecked = open_file(ACT_CHECKSUMS_OFF, NULL);
    assert_int_equal(checked != NULL, unchecked != NULL);
    if (checked) {
        struct random r = random_of(seed);
        struct random same = r;
        if (ask(checked, &r) != ask(unchecked, &same))
            fail_msg("%s %llu: another answer with checksums", what, (unsigned long long)number);
        struct answers a = {0, 0};
        file.damaged += act_map_scan(unchecked, NULL, note_entry, &a, NULL) == ACT_ERR_CORRUPT;
    }
    act_map_close(checked);
    act_map_close(unchecked);
}

static void flip(size_t bit)
{
    file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* Where bits are flipped: all that is not a header, a checksum, or of the blocks before. */
static size_t first_bit(void)
{
    return 8 * (ACT_INDEX_END + (size_t)BLOCKS * ACT_SUMS_BLOCK_NBYTES);
}

static void every_flipped_bit(void **state)
{
    (void)state;
    size_t step = CHECK_SLOW_BUILD ? 5 : 1;
    for (size_t bit = first_bit(); bit < 8 * file.index.sums_off; bit += step) {
        flip(bit);
        seal(file.bytes, &file.index);
        compare("flipped bit", bit, bit);
        flip(bit);
    }
    assert_true(file.damaged > 100);
}

static void two_flipped_bits(void **state)
{
    (void)state;
    struct random r = random_of(2);
    size_t count = 8 * file.index.sums_off - first_bit();
    for (unsigned i = 0; i < TWO_BITS; i++) {
        size_t one = first_bit() + random_below(&r, count);
        size_t two = first_bit() + random_below(&r, count);
        flip(one);
        flip(two);
        seal(file.bytes, &file.index);
        compare("two flipped bits", i, i);
        flip(one);
        flip(two);
    }
    assert_true(file.damaged > 50);
}

static void set_every_byte(uint8_t to)
{
    for (uint64_t at = first_bit() / 8; at < file.index.sums_off; at++) {
        uint8_t was = file.bytes[at];
        file.bytes[at] = to;
        seal(file.bytes, &file.index);
        compare("byte set", at, at);
        file.bytes[at] = was;
    }
    assert_true(file.damaged > 100);
}

/* The first byte of a number says how many follow: so offsets lead far out of the file. */
static void every_byte_set_to_the_highest(void **state)
{
    (void)state;
    set_every_byte(0xff);
}

/* So nodes are their own children, and line data is where its node is. */
static void every_byte_set_to_zero(void **state)
{
    (void)state;
    set_every_byte(0);
}

/* ------------------------------------------------------- what another program has merged into it
 */

/* Appends bytes to the file as it was built, of which the root is one, and zeros. */
static void append(const uint8_t *bytes, size_t nbytes, size_t root_at, size_t zeros)
{
    size_t built = (size_t)file.index.file_nbytes;
    file.nbytes = built + nbytes + zeros;
    file.bytes = realloc(file.bytes, file.nbytes);
    assert_non_null(file.bytes);
    memcpy(file.bytes + built, bytes, nbytes);
    memset(file.bytes + built + nbytes, 0, zeros);
    act_store_le64(file.bytes + ACT_ROOT_OFF, built + root_at);
}

#define APPEND(root_at, zeros, ...)                                                                \
    append((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), root_at, zeros)

static void expect_root(act_status expected)
{
    act_error error = {0};
    act_map *map = open_file(ACT_CHECKSUMS_TOUCH, &error);
    assert_int_equal(map ? ACT_OK : error.status, expected);
    if (map) {
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        assert_true(stat.merged_unchecked);
    } else {
        assert_int_equal(error.offset, ACT_ROOT_OFF);
    }
    act_map_close(map);
    map = open_file(ACT_CHECKSUMS_OFF, NULL);
    assert_non_null(map);
    act_map_close(map);
}

static void roots_that_no_writer_leaves(void **state)
{
    (void)state;
    /* A leaf, and the end of a file. */
    APPEND(0, 8, 0x40, 7);
    expect_root(ACT_OK);
    /* Something between it and the end. */
    APPEND(0, 8, 0x40, 7, 1);
    expect_root(ACT_ERR_CORRUPT);
    /* No end at all. */
    APPEND(0, 0, 0x40, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    expect_root(ACT_ERR_CORRUPT);
    /* Another node of the file as it was built. */
    file.nbytes = (size_t)file.index.file_nbytes;
    act_store_le64(file.bytes + ACT_ROOT_OFF, file.index.root - 2);
    expect_root(ACT_ERR_CORRUPT);
}

/* A way of indexes that came later, and one that leaves out some runs. */
static void indexes_of_other_kinds(void **state)
{
    (void)state;
    act_map_stat stat;
    const act_open_options options = {.checksums = ACT_CHECKSUMS_TOUCH};
    act_map *map;
    file.index.jump_end--;
    seal(file.bytes, &file.index);
    APPEND(1, 8, 0, 0x40, 7);
    expect_root(ACT_OK);
    file.index.jump_end++;
    seal(file.bytes, &file.index);
    expect_root(ACT_OK);
    /* Version 2. */
    uint8_t *header = file.bytes + ACT_INDEX_OFF;
    header[8] = 2;
    act_store_le64(header + ACT_INDEX_NBYTES - 8, act_hash64(header, ACT_INDEX_NBYTES - 8, 0));
    assert_int_equal(act_map_open_memory(file.bytes, file.nbytes, &options, &map, NULL), ACT_OK);
    act_map_get_stat(map, &stat);
    assert_true(stat.index_unusable);
    assert_int_equal(stat.layout, ACT_LAYOUT_PLAIN);
    assert_int_equal(stat.checksummed_nbytes, 0);
    act_map_close(map);
    /* And damaged. */
    header[9] = 1;
    map = open_file(ACT_CHECKSUMS_OFF, NULL);
    act_map_get_stat(map, &stat);
    assert_true(stat.index_unusable);
    act_map_close(map);
}

/* When all is compared in the middle of a step back, the rest goes on as ever. */
static void steps_back_that_compare_the_last_block(void **state)
{
    (void)state;
    const act_open_options options = {.checksums = ACT_CHECKSUMS_TOUCH};
    struct answers a = {0, 0};
    act_range range = {.reverse = true};
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_scan(map, &range, note_entry, &a, NULL), ACT_OK);
    assert_int_equal(a.visited, file.entries.count);
    act_map_close(map);
    /* Or before the first step, by another walk. */
    act_iter *iter;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_iter_open(map, NULL, &iter, NULL), ACT_OK);
    assert_int_equal(act_map_scan(map, NULL, note_entry, &a, NULL), ACT_OK);
    for (size_t i = 0; i < file.entries.count; i++)
        assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, NULL), ACT_END);
    act_iter_close(iter);
    act_map_close(map);
}

/* A branch with two children, as key bytes: asks for all of them, with and without checks. */
static void compare_appended(uint64_t number, act_status scanned)
{
    static const char *const keys[] = {"", "a", "b", "c", "ab", "bb"};
    act_map *maps[2];
    struct answers answers[2] = {{0, 0}, {0, 0}};
    for (int checked = 0; checked < 2; checked++) {
        maps[checked] = open_file((act_checksums)checked, NULL);
        assert_non_null(maps[checked]);
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            const uint8_t *key = (const uint8_t *)keys[i];
            ask_key(maps[checked], key, strlen(keys[i]), &answers[checked]);
            ask_iterator(maps[checked], key, strlen(keys[i]), &answers[checked]);
            ask_cursor(maps[checked], key, strlen(keys[i]), &answers[checked]);
        }
        ask_for_all(maps[checked], &answers[checked]);
        struct answers none = {0, 0};
        assert_int_equal(act_map_scan(maps[checked], NULL, note_entry, &none, NULL), scanned);
        /* With shortcuts, if there can be any. */
        act_shortcuts_count(maps[checked], ACT_SHORTCUT_LOOKUPS_MIN);
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            ask_key(maps[checked], (const uint8_t *)keys[i], strlen(keys[i]), &answers[checked]);
        act_map_close(maps[checked]);
    }
    if (answers[0].hash != answers[1].hash)
        fail_msg("appended %u: another answer with checksums", (unsigned)number);
}

static void nodes_that_were_appended(void **state)
{
    (void)state;
    /* Two leaves, "a" and "b", above all jump tables. */
    APPEND(4, 8, 0x40, 7, 0x40, 8, 2, 4, 'a', 'b');
    compare_appended(1, ACT_OK);
    /* Two children where the header of the index is, which has no tables before it. */
    uint64_t rel = file.index.file_nbytes + 4 - (ACT_INDEX_OFF + 100);
    APPEND(4, 8, 0x40, 7, 0x40, 8, 2, 0xfa, (uint8_t)rel, (uint8_t)(rel >> 8), (uint8_t)(rel >> 16),
           'a', 'b');
    compare_appended(2, ACT_OK);
    /* A child that would not end before the end of the file: a value of 9 bytes, and a mask. */
    APPEND(2, 8, 0x60, 0xff, 1, 2, 'a');
    compare_appended(3, ACT_ERR_CORRUPT);
    /* The same as the second one; as a line's; and a line of which the data lie nowhere. */
    APPEND(4, 8, 0x40, 7, 0x60, 0xff, 2, 4, 'a', 'b');
    compare_appended(4, ACT_ERR_CORRUPT);
    APPEND(4, 8, 1, 'a', 0x60, 0xff, 0x81, 2, 4);
    compare_appended(5, ACT_ERR_CORRUPT);
    APPEND(2, 8, 1, 'a', 0xc0, 5, 0xff, 0, 0, 0, 0, 0, 0, 0, 1);
    compare_appended(6, ACT_ERR_CORRUPT);
    APPEND(2, 8, 1, 'a', 0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 12);
    compare_appended(7, ACT_ERR_CORRUPT);
    /* A second child that would be its own parent. */
    APPEND(1, 8, 0, 2, 1, 'a', 'b');
    compare_appended(8, ACT_ERR_CORRUPT);
    /* Two children in the header, below another branch. */
    rel += 4;
    APPEND(8, 8, 2, 0xfa, (uint8_t)(rel - 8), (uint8_t)((rel - 8) >> 8), (uint8_t)((rel - 8) >> 16),
           'x', 'y', 0, 1, 8, 'a');
    compare_appended(9, ACT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_flipped_bit, make_file, remove_file),
        cmocka_unit_test_setup_teardown(two_flipped_bits, make_file, remove_file),
        cmocka_unit_test_setup_teardown(every_byte_set_to_the_highest, make_file, remove_file),
        cmocka_unit_test_setup_teardown(every_byte_set_to_zero, make_file, remove_file),
        cmocka_unit_test_setup_teardown(roots_that_no_writer_leaves, make_file, remove_file),
        cmocka_unit_test_setup_teardown(indexes_of_other_kinds, make_file, remove_file),
        cmocka_unit_test_setup_teardown(steps_back_that_compare_the_last_block, make_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(nodes_that_were_appended, make_file, remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
