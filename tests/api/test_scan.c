/* Promises of act_map_scan that random ranges do not meet. */
#include <string.h>

#include "actree.h"
#include "maps.h"
#include "support/check.h"

static const char *const words[] = {"", "a", "ab", "abc", "abd", "?abz", "b", "ba", "c", NULL};

/* The keys of a scan, joined by commas. */
struct heard {
    char keys[200];
    size_t count, stop_at;
};

static int hear(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct heard *heard = context;
    size_t used = strlen(heard->keys);
    snprintf(heard->keys + used, sizeof(heard->keys) - used, "%.*s=%d,", (int)key_nbytes,
             (const char *)key, (int)value);
    return ++heard->count == heard->stop_at ? -1 : 0;
}

static void expect(const act_map *map, const act_range *range, const char *keys)
{
    struct heard heard = {0};
    assert_int_equal(act_map_scan(map, range, hear, &heard, NULL), ACT_OK);
    assert_string_equal(heard.keys, keys);
}

static void nothing_to_scan_or_to_call_is_a_mistake(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    struct heard heard = {0};
    act_error error = {0};
    assert_int_equal(act_map_scan(NULL, NULL, hear, &heard, &error), ACT_ERR_INVALID);
    assert_int_equal(error.status, ACT_ERR_INVALID);
    error.status = ACT_OK;
    assert_int_equal(act_map_scan(map, NULL, NULL, &heard, &error), ACT_ERR_INVALID);
    assert_int_equal(error.status, ACT_ERR_INVALID);
    assert_int_equal(error.offset, ACT_NO_OFFSET);
    assert_int_equal(heard.count, 0);
    act_map_close(map);
}

static void no_range_is_everything(void **state)
{
    (void)state;
    static const act_range zeros = {0};
    act_map *map = map_of(words, NULL);
    expect(map, NULL, "=0,a=1,ab=2,abc=3,abd=4,b=6,ba=7,c=8,");
    expect(map, &zeros, "=0,a=1,ab=2,abc=3,abd=4,b=6,ba=7,c=8,");
    act_range range = {.reverse = true};
    expect(map, &range, "c=8,ba=7,b=6,abd=4,abc=3,ab=2,a=1,=0,");
    act_map_close(map);
}

static void a_bound_is_absent_only_while_its_pointer_is_null(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    /* Lengths without a pointer mean nothing. */
    act_range range = {.prefix_nbytes = 3, .from_nbytes = 2, .to_nbytes = 9, .limit = 2};
    expect(map, &range, "=0,a=1,");
    range = (act_range){.to = ""};
    expect(map, &range, "");
    range.reverse = true;
    expect(map, &range, "");
    range = (act_range){.from = "", .prefix = "", .limit = 1};
    expect(map, &range, "=0,");
    range.reverse = true;
    expect(map, &range, "c=8,");
    act_map_close(map);
}

static void the_conditions_add_up(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_range range = {.prefix = "a", .prefix_nbytes = 1, .from = "ab", .from_nbytes = 2};
    expect(map, &range, "ab=2,abc=3,abd=4,");
    range.to = "abd";
    range.to_nbytes = 3;
    expect(map, &range, "ab=2,abc=3,");
    range.reverse = true;
    expect(map, &range, "abc=3,ab=2,");
    range.limit = 1;
    expect(map, &range, "abc=3,");
    /* from above to; a prefix outside of both; nothing at all below a prefix. */
    range = (act_range){.from = "b", .from_nbytes = 1, .to = "a", .to_nbytes = 1};
    expect(map, &range, "");
    range = (act_range){.prefix = "a", .prefix_nbytes = 1, .from = "b", .from_nbytes = 1};
    expect(map, &range, "");
    range = (act_range){.prefix = "b", .prefix_nbytes = 1, .to = "ab", .to_nbytes = 2};
    expect(map, &range, "");
    range = (act_range){.prefix = "abz", .prefix_nbytes = 3};
    expect(map, &range, "");
    range = (act_range){.prefix = "abcd", .prefix_nbytes = 4, .reverse = true};
    expect(map, &range, "");
    act_map_close(map);
}

static void a_limit_is_a_plain_end(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_range range = {.limit = 3};
    expect(map, &range, "=0,a=1,ab=2,");
    range.limit = 8;
    expect(map, &range, "=0,a=1,ab=2,abc=3,abd=4,b=6,ba=7,c=8,");
    range.limit = UINT64_MAX;
    expect(map, &range, "=0,a=1,ab=2,abc=3,abd=4,b=6,ba=7,c=8,");
    act_map_close(map);
}

static void a_callback_stops_the_scan(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_error error, untouched;
    memset(&error, 0xaa, sizeof(error));
    memset(&untouched, 0xaa, sizeof(untouched));
    for (size_t stop_at = 1; stop_at <= 8; stop_at++) {
        struct heard heard = {.stop_at = stop_at};
        assert_int_equal(act_map_scan(map, NULL, hear, &heard, &error), ACT_STOPPED);
        assert_int_equal(heard.count, stop_at);
    }
    /* With an end of its own, and from behind. */
    const act_range ranges[] = {{.to = "c", .to_nbytes = 1}, {.limit = 7}, {.reverse = true}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        for (size_t stop_at = 1; stop_at <= 7; stop_at++) {
            struct heard heard = {.stop_at = stop_at};
            assert_int_equal(act_map_scan(map, &ranges[i], hear, &heard, &error), ACT_STOPPED);
            assert_int_equal(heard.count, stop_at);
        }
    }
    assert_memory_equal(&error, &untouched, sizeof(error));
    act_map_close(map);
}

static void an_empty_map_has_nothing_to_tell(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL}, *const root[] = {"", NULL};
    act_map *map = map_of(nothing, NULL);
    expect(map, NULL, "");
    act_map_close(map);
    map = map_of(root, NULL);
    expect(map, NULL, "=0,");
    act_range range = {.from = "\0", .from_nbytes = 1};
    expect(map, &range, "");
    act_map_close(map);
}

static void shared_subtrees_are_visited_by_every_path(void **state)
{
    (void)state;
    /* 16: leaf 1, leaf 2; 20: "x", "y" over them; then two branches over the one at 20: the second
     * child of each would lie behind it, so that they have one child each. */
    static const uint8_t arena[] = {
        0x40, 1, 0x40, 2,   /* 16, 18 */
        0x02, 4, 'x',  'y', /* 20 */
        0x01, 4, 'p',       /* 24: p over 20 */
        0x01, 7, 'q',       /* 27: q over 20 */
        0x02, 6, 'a',  'b', /* 30: a over 24, b over 27 */
    };
    act_map *map = map_of_arena(arena, sizeof(arena), 30, NULL);
    expect(map, NULL, "apx=1,apy=2,bqx=1,bqy=2,");
    act_range range = {.from = "apy", .from_nbytes = 3, .reverse = true};
    expect(map, &range, "bqy=2,bqx=1,apy=2,");
    act_map_close(map);
}

/* 2^60 keys in some hundred bytes: both halves of each node lead to the same one below. */
static act_map *bomb(bool with_values, const act_open_options *options)
{
    uint8_t arena[600] = {0};
    size_t at = 0;
    /* Two equal nodes side by side on each level, each the parent of the run below. */
    arena[at++] = with_values ? 0x40 : 0x00;
    if (with_values)
        arena[at++] = 1;
    arena[at++] = with_values ? 0x40 : 0x00;
    if (with_values)
        arena[at++] = 1;
    size_t run = 0;
    for (int level = 0; level < 60; level++) {
        size_t next = at;
        for (int half = 0; half < 2; half++) {
            arena[at] = 0x02;
            arena[at + 1] = (uint8_t)(at - run);
            arena[at + 2] = 'a';
            arena[at + 3] = 'b';
            at += 4;
        }
        run = next;
    }
    return map_of_arena(arena, at, 16 + run, options);
}

static int count_to(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    size_t *left = context;
    assert_int_equal(key_nbytes, 60);
    assert_int_equal(value, 1);
    (void)key;
    return --*left == 0;
}

static void a_small_file_of_endless_keys_can_be_stopped(void **state)
{
    (void)state;
    act_map *map = bomb(true, NULL);
    size_t left = 100000;
    assert_int_equal(act_map_scan(map, NULL, count_to, &left, NULL), ACT_STOPPED);
    assert_int_equal(left, 0);
    left = 2000;
    act_range range = {.limit = 1000, .reverse = true};
    assert_int_equal(act_map_scan(map, &range, count_to, &left, NULL), ACT_OK);
    assert_int_equal(left, 1000);
    act_map_close(map);
}

static void endless_paths_without_a_key_use_up_the_steps(void **state)
{
    (void)state;
    act_open_options options = {.steps_max = 10000};
    for (int reverse = 0; reverse < 2; reverse++) {
        act_map *map = bomb(false, &options);
        act_range range = {.reverse = reverse};
        struct heard heard = {0};
        act_error error = {0};
        assert_int_equal(act_map_scan(map, &range, hear, &heard, &error), ACT_ERR_LIMIT);
        assert_int_equal(error.status, ACT_ERR_LIMIT);
        assert_int_equal(heard.count, 0);

        act_iter *iter;
        assert_int_equal(act_iter_open(map, &range, &iter, NULL), ACT_OK);
        assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, &error), ACT_ERR_LIMIT);
        assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, &error), ACT_ERR_LIMIT);
        act_iter_close(iter);
        act_map_close(map);
    }
}

static void keys_longer_than_allowed_end_a_scan(void **state)
{
    (void)state;
    act_open_options options = {.key_nbytes_max = 2};
    act_map *map = map_of(words, &options);
    struct heard heard = {0};
    act_error error = {0};
    assert_int_equal(act_map_scan(map, NULL, hear, &heard, &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    assert_string_equal(heard.keys, "=0,a=1,ab=2,");
    /* Where none is met, none matters; and lookups build no keys. */
    act_range range = {.from = "b", .from_nbytes = 1};
    expect(map, &range, "b=6,ba=7,c=8,");
    uint64_t value;
    assert_int_equal(act_map_get(map, "abd", 3, &value, NULL), ACT_OK);
    assert_int_equal(value, 4);
    act_map_close(map);
}

static void damage_ends_a_scan_after_what_came_before(void **state)
{
    (void)state;
    /* "a" is 7, "b" is damaged: its node would begin where its parent does. */
    static const uint8_t arena[] = {0x40, 7, 0x42, 9, 2, 'a', 'b'};
    act_map *map = map_of_arena(arena, sizeof(arena), 18, NULL);
    struct heard heard = {0};
    act_error error;
    memset(&error, 0xaa, sizeof(error));
    assert_int_equal(act_map_scan(map, NULL, hear, &heard, &error), ACT_ERR_CORRUPT);
    assert_int_equal(error.status, ACT_ERR_CORRUPT);
    assert_int_not_equal(error.offset, ACT_NO_OFFSET);
    assert_string_equal(heard.keys, "=9,a=7,");
    heard = (struct heard){0};
    act_range range = {.reverse = true};
    assert_int_equal(act_map_scan(map, &range, hear, &heard, NULL), ACT_ERR_CORRUPT);
    assert_string_equal(heard.keys, "");
    act_map_close(map);
}

/*
 * "a" is 1; below "b" a branch whose header counts `count`, with as many leaves and room for a mask
 * of `bits` bits. Bytes without a meaning follow, as in the middle of a large file.
 */
static act_map *miscounted(unsigned count, unsigned bits)
{
    static uint8_t arena[1000];
    memset(arena, 0, sizeof(arena));
    size_t at = 0;
    for (unsigned i = 0; i < 64; i++) {
        arena[at++] = 0x40;
        arena[at++] = 9;
    }
    size_t first = at;
    arena[at++] = 0x40;
    arena[at++] = 1;
    size_t branch = at;
    arena[at++] = (uint8_t)count;
    arena[at++] = (uint8_t)branch;
    for (unsigned i = 0; i < 64; i++)
        arena[at + i] = (uint8_t)(bits ? 0 : i);
    for (unsigned bit = 0; bit < bits; bit++)
        arena[at + bit * 7 % 256 / 8] |= (uint8_t)(1u << bit * 7 % 256 % 8);
    at += count < 32 ? count : bits ? 32 : count;
    uint64_t root = 16 + at;
    arena[at++] = 2;
    arena[at] = (uint8_t)(at - 1 - first);
    arena[at + 1] = 'a';
    arena[at + 2] = 'b';
    return map_of_arena(arena, sizeof(arena), root, NULL);
}

static void expect_miscount(unsigned count, unsigned bits)
{
    act_map *map = miscounted(count, bits);
    struct heard heard = {0};
    assert_int_equal(act_map_scan(map, NULL, hear, &heard, NULL), ACT_ERR_CORRUPT);
    assert_string_equal(heard.keys, "a=1,");
    heard = (struct heard){0};
    act_range range = {.reverse = true};
    assert_int_equal(act_map_scan(map, &range, hear, &heard, NULL), ACT_ERR_CORRUPT);
    assert_string_equal(heard.keys, "");
    act_iter *iter;
    assert_int_equal(act_iter_open(map, NULL, &iter, NULL), ACT_OK);
    assert_int_equal(act_iter_seek(iter, "bx", 2, NULL), ACT_ERR_CORRUPT);
    act_iter_close(iter);
    act_map_close(map);
}

static int count_all(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    assert_true(key_nbytes == 1 ? *key == 'a' && value == 1 : *key == 'b' && value == 9);
    ++*(size_t *)context;
    return 0;
}

static void counts_that_cannot_be_are_damage(void **state)
{
    (void)state;
    for (unsigned count = 33; count < 64; count++)
        expect_miscount(count, 0);
    for (unsigned bits = 1; bits < 32; bits++)
        expect_miscount(32, bits);
    /* The same with a count that can be. */
    for (unsigned count = 31; count <= 32; count++) {
        act_map *map = miscounted(count, count == 32 ? 40 : 0);
        size_t keys = 0;
        assert_int_equal(act_map_scan(map, NULL, count_all, &keys, NULL), ACT_OK);
        assert_int_equal(keys, count == 32 ? 41 : 32);
        act_map_close(map);
    }
}

/* Three keys, of which the last is damaged: so it would be told if it were looked at. */
static void behind_its_end_a_scan_looks_at_nothing(void **state)
{
    (void)state;
    static const uint8_t arena[] = {0x40, 1, 0x40, 2, 33, 1, 1, 1, 3, 8, 'a', 'b', 'c'};
    act_map *map = map_of_arena(arena, sizeof(arena), 16 + 8, NULL);
    struct heard heard = {0};
    assert_int_equal(act_map_scan(map, NULL, hear, &heard, NULL), ACT_ERR_CORRUPT);
    assert_string_equal(heard.keys, "a=1,b=2,");
    act_range range = {.to = "b", .to_nbytes = 1};
    expect(map, &range, "a=1,");
    range = (act_range){.prefix = "a", .prefix_nbytes = 1};
    expect(map, &range, "a=1,");
    for (range = (act_range){.limit = 1}; range.limit <= 2; range.limit++)
        expect(map, &range, range.limit == 1 ? "a=1," : "a=1,b=2,");
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_scan_or_to_call_is_a_mistake),
        cmocka_unit_test(no_range_is_everything),
        cmocka_unit_test(a_bound_is_absent_only_while_its_pointer_is_null),
        cmocka_unit_test(the_conditions_add_up),
        cmocka_unit_test(a_limit_is_a_plain_end),
        cmocka_unit_test(a_callback_stops_the_scan),
        cmocka_unit_test(an_empty_map_has_nothing_to_tell),
        cmocka_unit_test(shared_subtrees_are_visited_by_every_path),
        cmocka_unit_test(a_small_file_of_endless_keys_can_be_stopped),
        cmocka_unit_test(endless_paths_without_a_key_use_up_the_steps),
        cmocka_unit_test(keys_longer_than_allowed_end_a_scan),
        cmocka_unit_test(damage_ends_a_scan_after_what_came_before),
        cmocka_unit_test(counts_that_cannot_be_are_damage),
        cmocka_unit_test(behind_its_end_a_scan_looks_at_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
