/* Promises of the lookups that random questions do not meet. */
#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actree.h"
#include "maps.h"
#include "support/check.h"
#include "support/scratch.h"

static const char *const words[] = {"", "a", "ab", "abc", "abcdef", "?abx", "b", NULL};

static void get_tells_there_not_there(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    uint64_t value = 99;
    assert_int_equal(act_map_get(map, "abc", 3, &value, NULL), ACT_OK);
    assert_int_equal(value, 3);
    assert_int_equal(act_map_get(map, NULL, 0, &value, NULL), ACT_OK);
    assert_int_equal(value, 0);
    value = 99;
    assert_int_equal(act_map_get(map, "abcd", 4, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_map_get(map, "abx", 3, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_map_get(map, "ab\0", 3, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(value, 99);
    assert_int_equal(act_map_get(map, "abc", 3, NULL, NULL), ACT_OK);
    act_map_close(map);
}

static void a_batch_answers_in_the_order_of_its_keys(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    static const act_slice keys[] = {{"b", 1},   {NULL, 0},  {"abx", 3},  {"ab", 2},    {"b", 1},
                                     {"zzz", 3}, {"abc", 3}, {"abcd", 4}, {"abcdef", 6}};
    uint64_t values[9];
    uint8_t found[3] = {0, 0, 0xee};
    assert_int_equal(act_map_get_batch(map, keys, 9, values, found, NULL), ACT_OK);
    static const uint64_t expected[9] = {6, 0, 0, 2, 6, 0, 3, 0, 4};
    assert_memory_equal(values, expected, sizeof(expected));
    assert_int_equal(found[0], 0x5b);
    assert_int_equal(found[1], 0x01);
    assert_int_equal(found[2], 0xee);
    assert_int_equal(act_map_get_batch(map, NULL, 0, values, found, NULL), ACT_OK);
    assert_int_equal(found[0], 0x5b);
    assert_int_equal(act_map_get_batch(map, NULL, 1, values, found, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_get_batch(NULL, keys, 1, values, found, NULL), ACT_ERR_INVALID);
    static const act_batch_options never = {8, ACT_FETCH_NEVER};
    memset(values, 0xff, sizeof(values));
    assert_int_equal(act_map_get_batch_with(map, keys, 9, values, found, &never, NULL), ACT_OK);
    assert_memory_equal(values, expected, sizeof(expected));
    static const act_batch_options unknown = {0, (act_fetch_mode)3};
    assert_int_equal(act_map_get_batch_with(map, keys, 9, values, found, &unknown, NULL),
                     ACT_ERR_INVALID);
    act_map_close(map);
}

/* Whatever thread meets the damage, that of the first key is told. */
static void a_batch_of_several_threads_ends_at_damage(void **state)
{
    (void)state;
    static const uint8_t arena[] = {0x40, 7, 2, 2, 'a', 'b'};
    enum {
        COUNT = 8000
    };
    static act_slice keys[COUNT];
    static uint64_t values[COUNT];
    static uint8_t found[COUNT / 8];
    act_map *map = map_of_arena(arena, sizeof(arena), 18, NULL);
    act_error error, single;
    static const act_batch_options options = {4, ACT_FETCH_AUTO};
    for (size_t i = 0; i < COUNT; i++)
        keys[i] = (act_slice){"a", 1};
    assert_int_equal(act_map_get_batch_with(map, keys, COUNT, values, found, &options, NULL),
                     ACT_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(values[i], 7);
    keys[5000].bytes = "b";
    keys[7000].bytes = "b";
    assert_int_equal(act_map_get(map, "b", 1, NULL, &single), ACT_ERR_CORRUPT);
    assert_int_equal(act_map_get_batch_with(map, keys, COUNT, values, found, &options, &error),
                     ACT_ERR_CORRUPT);
    assert_int_equal(error.offset, single.offset);
    assert_string_equal(error.text, single.text);
    assert_int_equal(act_map_get_batch_with(map, keys, COUNT, values, found, &options, NULL),
                     ACT_ERR_CORRUPT);
    act_map_close(map);
}

/* Damage on the way of one key ends a batch, and is told as a single lookup tells it. */
static void a_batch_ends_at_damage(void **state)
{
    (void)state;
    /* A leaf at 16; a branch at 18 whose second child would begin where the branch does. */
    static const uint8_t arena[] = {0x40, 7, 2, 2, 'a', 'b'};
    act_map *map = map_of_arena(arena, sizeof(arena), 18, NULL);
    static const act_slice keys[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    act_error error, single;
    assert_int_equal(act_map_get_batch(map, keys, 1, NULL, NULL, &error), ACT_OK);
    assert_int_equal(act_map_get(map, "b", 1, NULL, &single), ACT_ERR_CORRUPT);
    assert_int_equal(act_map_get_batch(map, keys, 3, NULL, NULL, &error), ACT_ERR_CORRUPT);
    assert_int_equal(error.offset, single.offset);
    assert_string_equal(error.text, single.text);
    act_map_close(map);
}

static void answers_leave_the_error_alone(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_error error, untouched;
    memset(&error, 0xaa, sizeof(error));
    memset(&untouched, 0xaa, sizeof(untouched));
    uint64_t value;
    bool has_value;
    size_t nbytes;
    assert_int_equal(act_map_get(map, "ab", 2, &value, &error), ACT_OK);
    assert_int_equal(act_map_get(map, "zz", 2, &value, &error), ACT_NOT_FOUND);
    assert_int_equal(act_map_path_exists(map, "abcd", 4, &has_value, &error), ACT_OK);
    assert_int_equal(act_map_path_exists(map, "zz", 2, &has_value, &error), ACT_NOT_FOUND);
    assert_int_equal(act_map_longest_prefix(map, "zz", 2, &nbytes, &value, &error), ACT_OK);
    assert_memory_equal(&error, &untouched, sizeof(error));
    act_map_close(map);
}

static void paths_exist_with_and_without_a_value(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    static const struct {
        const char *path;
        bool exists, has_value;
    } cases[] = {{"", true, true},       {"a", true, true},    {"abcd", true, false},
                 {"abcde", true, false}, {"abx", true, false}, {"abcdefg", false, false},
                 {"aby", false, false},  {"ac", false, false}, {"c", false, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool has_value = !cases[i].has_value;
        assert_int_equal(
            act_map_path_exists(map, cases[i].path, strlen(cases[i].path), &has_value, NULL),
            cases[i].exists ? ACT_OK : ACT_NOT_FOUND);
        if (cases[i].exists)
            assert_int_equal(has_value, cases[i].has_value);
        assert_int_equal(act_map_path_exists(map, cases[i].path, strlen(cases[i].path), NULL, NULL),
                         cases[i].exists ? ACT_OK : ACT_NOT_FOUND);
    }
    act_map_close(map);
}

static void the_longest_prefix_may_be_empty_or_missing(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    size_t nbytes;
    uint64_t value;
    assert_int_equal(act_map_longest_prefix(map, "abcdxyz", 7, &nbytes, &value, NULL), ACT_OK);
    assert_int_equal(nbytes, 3);
    assert_int_equal(value, 3);
    assert_int_equal(act_map_longest_prefix(map, "abcdef", 6, &nbytes, &value, NULL), ACT_OK);
    assert_int_equal(nbytes, 6);
    assert_int_equal(act_map_longest_prefix(map, "zzz", 3, &nbytes, &value, NULL), ACT_OK);
    assert_int_equal(nbytes, 0);
    assert_int_equal(act_map_longest_prefix(map, "zzz", 3, NULL, NULL, NULL), ACT_OK);
    act_map_close(map);

    static const char *const without_root[] = {"ab", "b", NULL};
    map = map_of(without_root, NULL);
    assert_int_equal(act_map_longest_prefix(map, "a", 1, &nbytes, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_map_longest_prefix(map, "", 0, &nbytes, &value, NULL), ACT_NOT_FOUND);
    act_map_close(map);
}

struct seen {
    size_t nbytes[8];
    uint64_t values[8];
    size_t count, stop_at;
};

static int note(void *context, size_t prefix_nbytes, uint64_t value)
{
    struct seen *seen = context;
    seen->nbytes[seen->count] = prefix_nbytes;
    seen->values[seen->count] = value;
    return ++seen->count == seen->stop_at ? 5 : 0;
}

static void prefixes_come_shortest_first_until_stopped(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    struct seen seen = {0};
    assert_int_equal(act_map_prefixes(map, "abcdeg", 6, note, &seen, NULL), ACT_OK);
    static const size_t nbytes[] = {0, 1, 2, 3};
    assert_int_equal(seen.count, 4);
    assert_memory_equal(seen.nbytes, nbytes, sizeof(nbytes));
    assert_int_equal(seen.values[3], 3);

    act_error error, untouched;
    memset(&error, 0xaa, sizeof(error));
    memset(&untouched, 0xaa, sizeof(untouched));
    assert_int_equal(act_map_prefixes(map, "a", 1, NULL, NULL, NULL), ACT_ERR_INVALID);

    seen = (struct seen){.stop_at = 2};
    assert_int_equal(act_map_prefixes(map, "abcdeg", 6, note, &seen, &error), ACT_STOPPED);
    assert_int_equal(seen.count, 2);
    assert_memory_equal(&error, &untouched, sizeof(error));
    act_map_close(map);

    static const char *const nothing[] = {NULL};
    map = map_of(nothing, NULL);
    seen = (struct seen){0};
    assert_int_equal(act_map_prefixes(map, "abc", 3, note, &seen, NULL), ACT_OK);
    assert_int_equal(seen.count, 0);
    act_map_close(map);
}

/* -------------------------------------------------------------------------------------- damage */

/* 16: leaf 7; 18: a branch of "a" and "b", whose first child lies where `rel` says. */
static act_map *broken_branch(uint8_t rel)
{
    uint8_t arena[] = {0x40, 7, 0x42, 9, rel, 'a', 'b'};
    return map_of_arena(arena, sizeof(arena), 18, NULL);
}

static void a_broken_child_is_damage_only_where_it_is_met(void **state)
{
    (void)state;
    static const uint8_t rels[] = {0, 3, 19, 100, 247};
    for (size_t i = 0; i < sizeof(rels); i++) {
        act_map *map = broken_branch(rels[i]);
        uint64_t value = 99;
        act_error error;
        /* The root's own value, and a byte that it does not have, are told without the child. */
        assert_int_equal(act_map_get(map, "", 0, &value, &error), ACT_OK);
        assert_int_equal(value, 9);
        assert_int_equal(act_map_get(map, "c", 1, &value, &error), ACT_NOT_FOUND);
        memset(&error, 0xaa, sizeof(error));
        value = 99;
        assert_int_equal(act_map_get(map, "a", 1, &value, &error), ACT_ERR_CORRUPT);
        assert_int_equal(error.status, ACT_ERR_CORRUPT);
        assert_int_not_equal(error.offset, ACT_NO_OFFSET);
        assert_int_equal(value, 99);
        bool has_value;
        assert_int_equal(act_map_path_exists(map, "a", 1, &has_value, &error), ACT_ERR_CORRUPT);
        assert_int_equal(act_map_longest_prefix(map, "a", 1, NULL, NULL, &error), ACT_ERR_CORRUPT);
        /* In a batch likewise. */
        static const act_slice keys[] = {{"", 0}, {"c", 1}, {"a", 1}};
        assert_int_equal(act_map_get_batch(map, keys, 2, NULL, NULL, &error), ACT_OK);
        assert_int_equal(act_map_get_batch(map, keys, 3, NULL, NULL, &error), ACT_ERR_CORRUPT);
        struct seen seen = {0};
        assert_int_equal(act_map_prefixes(map, "a", 1, note, &seen, &error), ACT_ERR_CORRUPT);
        /* Those before the damage were told. */
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.values[0], 9);
        act_map_close(map);
    }
}

static void the_second_child_may_not_begin_where_its_parent_does(void **state)
{
    (void)state;
    act_map *map = broken_branch(2);
    uint64_t value;
    assert_int_equal(act_map_get(map, "a", 1, &value, NULL), ACT_OK);
    assert_int_equal(value, 7);
    assert_int_equal(act_map_get(map, "b", 1, &value, NULL), ACT_ERR_CORRUPT);
    act_map_close(map);
}

static void broken_lines_are_damage(void **state)
{
    (void)state;
    /* 16: line data "xyz"; 20: a line node with a value, whose line lies where `rel` says. */
    static const struct {
        uint8_t rel, length;
        act_status status;
    } cases[] = {{4, 3, ACT_OK},          {4, 0, ACT_ERR_CORRUPT},   {4, 4, ACT_ERR_CORRUPT},
                 {0, 3, ACT_ERR_CORRUPT}, {5, 3, ACT_ERR_CORRUPT},   {20, 3, ACT_ERR_CORRUPT},
                 {1, 3, ACT_ERR_CORRUPT}, {4, 255, ACT_ERR_CORRUPT}, {200, 3, ACT_ERR_CORRUPT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t arena[] = {cases[i].length, 'x', 'y', 'z', 0xc0, 5, cases[i].rel};
        act_map *map = map_of_arena(arena, sizeof(arena), 20, NULL);
        uint64_t value = 0;
        assert_int_equal(act_map_get(map, "xyz", 3, &value, NULL), cases[i].status);
        assert_int_equal(value, cases[i].status == ACT_OK ? 5 : 0);
        act_map_close(map);
    }
}

/* A line node with a value and a child: no writer makes one, and the reference reads its value. */
static void a_line_with_value_and_child_answers_with_its_own(void **state)
{
    (void)state;
    static const uint8_t arena[] = {1, 'x', 0x40, 7, 0xc1, 5, 2, 4}; /* 18: leaf 7; 20: the line */
    act_map *map = map_of_arena(arena, sizeof(arena), 20, NULL);
    uint64_t value = 0;
    assert_int_equal(act_map_get(map, "x", 1, &value, NULL), ACT_OK);
    assert_int_equal(value, 5);
    act_map_close(map);
}

#if CHECK_POSIX
/* A hundred gigabytes, nearly all of them a hole: offsets are as wide as they look. */
static void offsets_beyond_32_bits_lead_home(void **state)
{
    (void)state;
    const uint64_t root = (uint64_t)100 << 30;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "huge.act");
    uint8_t start[18] = "ACTree03";
    for (unsigned i = 0; i < 8; i++)
        start[8 + i] = (uint8_t)(root >> 8 * i);
    start[16] = 0x40; /* a leaf of value 7, as far away as can be */
    start[17] = 7;
    uint8_t end[10] = {0x01, 252};
    for (unsigned i = 0; i < 5; i++)
        end[2 + i] = (uint8_t)((root - 16) >> 8 * i);
    end[7] = 'k';
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    bool can = pwrite(fd, start, sizeof(start), 0) == sizeof(start) &&
               pwrite(fd, end, 8, (off_t)root) == 8 && ftruncate(fd, (off_t)root + 16) == 0;
    close(fd);
    act_map *map = NULL;
    act_status status = can ? act_map_open(path, NULL, &map, NULL) : ACT_OK;
    scratch_remove(dir);
    free(path);
    /* Not every file system, or address space under a checker, has so much room. */
    if (!can || status == ACT_ERR_NOMEM)
        skip();
    assert_int_equal(status, ACT_OK);
    uint64_t value = 0;
    act_error error = {0};
    status = act_map_get(map, "k", 1, &value, &error);
    if (status != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(value, 7);
    assert_int_equal(act_map_get(map, "j", 1, &value, NULL), ACT_NOT_FOUND);
    act_map_close(map);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_tells_there_not_there),
        cmocka_unit_test(a_batch_answers_in_the_order_of_its_keys),
        cmocka_unit_test(a_batch_ends_at_damage),
        cmocka_unit_test(a_batch_of_several_threads_ends_at_damage),
        cmocka_unit_test(answers_leave_the_error_alone),
        cmocka_unit_test(paths_exist_with_and_without_a_value),
        cmocka_unit_test(the_longest_prefix_may_be_empty_or_missing),
        cmocka_unit_test(prefixes_come_shortest_first_until_stopped),
        cmocka_unit_test(a_broken_child_is_damage_only_where_it_is_met),
        cmocka_unit_test(the_second_child_may_not_begin_where_its_parent_does),
        cmocka_unit_test(broken_lines_are_damage),
        cmocka_unit_test(a_line_with_value_and_child_answers_with_its_own),
#if CHECK_POSIX
        cmocka_unit_test(offsets_beyond_32_bits_lead_home),
#endif
    };
    const struct CMUnitTest damage_tests[] = {
        cmocka_unit_test(a_batch_ends_at_damage),
        cmocka_unit_test(a_batch_of_several_threads_ends_at_damage),
        cmocka_unit_test(a_broken_child_is_damage_only_where_it_is_met),
        cmocka_unit_test(the_second_child_may_not_begin_where_its_parent_does),
        cmocka_unit_test(broken_lines_are_damage),
        cmocka_unit_test(a_line_with_value_and_child_answers_with_its_own),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    map_of_arena_room_nbytes = 300;
    return failed + cmocka_run_group_tests_name("far from the end", damage_tests, NULL, NULL);
}
