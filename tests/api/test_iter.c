/* Promises of iterators that random walks do not meet. */
#define _XOPEN_SOURCE 700

#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "maps.h"
#include "support/check.h"

static const char *const words[] = {"", "a", "ab", "abc", "b", "ba", "c", NULL};

static act_iter *open_iter(const act_map *map, const act_range *range)
{
    act_iter *iter;
    assert_int_equal(act_iter_open(map, range, &iter, NULL), ACT_OK);
    assert_non_null(iter);
    return iter;
}

static void expect_next(act_iter *iter, const char *key)
{
    const uint8_t *got;
    size_t nbytes;
    uint64_t value;
    assert_int_equal(act_iter_next(iter, &got, &nbytes, &value, NULL), ACT_OK);
    assert_int_equal(nbytes, strlen(key));
    assert_memory_equal(got, key, nbytes);
    assert_string_equal(words[value], key);
}

static void expect_prev(act_iter *iter, const char *key)
{
    const uint8_t *got;
    size_t nbytes;
    uint64_t value;
    assert_int_equal(act_iter_prev(iter, &got, &nbytes, &value, NULL), ACT_OK);
    assert_int_equal(nbytes, strlen(key));
    assert_memory_equal(got, key, nbytes);
    assert_string_equal(words[value], key);
}

static void expect_end(act_iter *iter, bool forward)
{
    act_error error, untouched;
    memset(&error, 0xaa, sizeof(error));
    memset(&untouched, 0xaa, sizeof(untouched));
    const uint8_t *key = NULL;
    size_t nbytes = 77;
    uint64_t value = 77;
    for (int again = 0; again < 3; again++)
        assert_int_equal(forward ? act_iter_next(iter, &key, &nbytes, &value, &error)
                                 : act_iter_prev(iter, &key, &nbytes, &value, &error),
                         ACT_END);
    assert_null(key);
    assert_int_equal(nbytes, 77);
    assert_int_equal(value, 77);
    assert_memory_equal(&error, &untouched, sizeof(error));
}

static void no_map_or_no_place_is_a_mistake(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_error error = {0};
    act_iter *iter = (act_iter *)&iter;
    assert_int_equal(act_iter_open(NULL, NULL, &iter, &error), ACT_ERR_INVALID);
    assert_null(iter);
    assert_int_equal(error.status, ACT_ERR_INVALID);
    error.status = ACT_OK;
    assert_int_equal(act_iter_open(map, NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(error.status, ACT_ERR_INVALID);
    act_map_close(map);
}

static void next_and_prev_give_the_same_entry(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_iter *iter = open_iter(map, NULL);
    expect_end(iter, false);
    expect_next(iter, "");
    expect_prev(iter, "");
    expect_next(iter, "");
    expect_next(iter, "a");
    expect_next(iter, "ab");
    expect_prev(iter, "ab");
    expect_prev(iter, "a");
    expect_next(iter, "a");
    for (int i = 2; words[i]; i++)
        expect_next(iter, words[i]);
    expect_end(iter, true);
    expect_prev(iter, "c");
    expect_next(iter, "c");
    expect_end(iter, true);
    act_iter_close(iter);
    act_map_close(map);
}

static void results_may_be_left_out(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_iter *iter = open_iter(map, NULL);
    assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    expect_next(iter, "a");
    assert_int_equal(act_iter_prev(iter, NULL, NULL, NULL, NULL), ACT_OK);
    expect_next(iter, "a");
    act_iter_close(iter);
    act_iter_close(NULL);
    act_map_close(map);
}

static void a_reverse_range_turns_everything(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_range range = {.reverse = true, .from = "ab", .from_nbytes = 2, .to = "ba", .to_nbytes = 2};
    act_iter *iter = open_iter(map, &range);
    expect_end(iter, false);
    expect_next(iter, "b");
    expect_next(iter, "abc");
    expect_prev(iter, "abc");
    expect_next(iter, "abc");
    expect_next(iter, "ab");
    expect_end(iter, true);
    expect_prev(iter, "ab");
    act_iter_rewind(iter, false);
    expect_next(iter, "b");
    act_iter_rewind(iter, true);
    expect_end(iter, true);
    expect_prev(iter, "ab");
    act_iter_close(iter);
    act_map_close(map);
}

static void seek(act_iter *iter, const char *key)
{
    assert_int_equal(act_iter_seek(iter, key, strlen(key), NULL), ACT_OK);
}

static void seek_stands_before_the_first_at_or_after(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_iter *iter = open_iter(map, NULL);
    seek(iter, "ab");
    expect_next(iter, "ab");
    seek(iter, "abb");
    expect_next(iter, "abc");
    seek(iter, "abb");
    expect_prev(iter, "ab");
    seek(iter, "");
    expect_end(iter, false);
    expect_next(iter, "");
    seek(iter, "zzz");
    expect_end(iter, true);
    expect_prev(iter, "c");
    seek(iter, "abcdefgh");
    expect_next(iter, "b");
    act_iter_close(iter);

    act_range range = {.reverse = true};
    iter = open_iter(map, &range);
    seek(iter, "abb");
    expect_next(iter, "ab");
    seek(iter, "abb");
    expect_prev(iter, "abc");
    seek(iter, "abc");
    expect_next(iter, "abc");
    seek(iter, "abcd");
    expect_next(iter, "abc");
    seek(iter, "");
    expect_next(iter, "");
    expect_end(iter, true);
    seek(iter, "zzz");
    expect_end(iter, false);
    expect_next(iter, "c");
    act_iter_close(iter);
    act_map_close(map);
}

static void a_key_outside_the_range_leads_to_its_end(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_range range = {.prefix = "a", .prefix_nbytes = 1};
    for (int reverse = 0; reverse < 2; reverse++) {
        range.reverse = reverse;
        act_iter *iter = open_iter(map, &range);
        seek(iter, reverse ? "b" : "");
        expect_end(iter, false);
        expect_next(iter, reverse ? "abc" : "a");
        seek(iter, reverse ? "" : "b");
        expect_end(iter, true);
        expect_prev(iter, reverse ? "a" : "abc");
        act_iter_close(iter);
    }
    act_map_close(map);
}

static void a_limit_counts_what_was_given(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    act_range range = {.limit = 2};
    act_iter *iter = open_iter(map, &range);
    expect_next(iter, "");
    expect_next(iter, "a");
    expect_end(iter, true);
    /* What is given back is free again. */
    expect_prev(iter, "a");
    expect_next(iter, "a");
    expect_end(iter, true);
    /* A seek counts anew. */
    seek(iter, "b");
    expect_next(iter, "b");
    expect_next(iter, "ba");
    expect_end(iter, true);
    act_iter_rewind(iter, false);
    expect_next(iter, "");
    expect_next(iter, "a");
    expect_end(iter, true);
    act_iter_close(iter);
    act_map_close(map);
}

static void bounds_are_copied(void **state)
{
    (void)state;
    act_map *map = map_of(words, NULL);
    char *prefix = strdup("a"), *from = strdup("ab"), *to = strdup("abd");
    assert_true(prefix && from && to);
    act_range *range = calloc(1, sizeof(*range));
    assert_non_null(range);
    *range = (act_range){.prefix = prefix,
                         .prefix_nbytes = 1,
                         .from = from,
                         .from_nbytes = 2,
                         .to = to,
                         .to_nbytes = 3};
    act_iter *iter = open_iter(map, range);
    free(range);
    free(to);
    free(from);
    free(prefix);
    expect_next(iter, "ab");
    act_iter_rewind(iter, false);
    expect_next(iter, "ab");
    expect_next(iter, "abc");
    expect_end(iter, true);
    act_iter_close(iter);
    act_map_close(map);
}

static void damage_stays_until_a_seek(void **state)
{
    (void)state;
    /* "" is 0, "a" is 1, "b" is damaged: its node would begin where its parent does. */
    static const uint8_t arena[] = {0x40, 1, 0x42, 0, 2, 'a', 'b'};
    act_map *map = map_of_arena(arena, sizeof(arena), 18, NULL);
    act_iter *iter = open_iter(map, NULL);
    expect_next(iter, "");
    expect_next(iter, "a");
    act_error error;
    for (int again = 0; again < 3; again++) {
        memset(&error, 0xaa, sizeof(error));
        assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, &error), ACT_ERR_CORRUPT);
        assert_int_equal(error.status, ACT_ERR_CORRUPT);
    }
    assert_int_equal(act_iter_prev(iter, NULL, NULL, NULL, &error), ACT_ERR_CORRUPT);
    seek(iter, "a");
    expect_next(iter, "a");
    act_iter_rewind(iter, false);
    expect_next(iter, "");
    act_iter_close(iter);
    act_map_close(map);
}

static void keys_too_long_are_an_error_until_a_seek(void **state)
{
    (void)state;
    act_open_options options = {.key_nbytes_max = 2};
    act_map *map = map_of(words, &options);
    act_iter *iter = open_iter(map, NULL);
    expect_next(iter, "");
    expect_next(iter, "a");
    expect_next(iter, "ab");
    act_error error;
    assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, NULL), ACT_ERR_LIMIT);
    seek(iter, "b");
    expect_next(iter, "b");
    expect_next(iter, "ba");
    act_iter_close(iter);
    act_map_close(map);
}

static void an_empty_map_ends_at_once(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    act_map *map = map_of(nothing, NULL);
    act_iter *iter = open_iter(map, NULL);
    expect_end(iter, true);
    expect_end(iter, false);
    seek(iter, "x");
    expect_end(iter, true);
    act_iter_rewind(iter, true);
    expect_end(iter, false);
    act_iter_close(iter);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_map_or_no_place_is_a_mistake),
        cmocka_unit_test(next_and_prev_give_the_same_entry),
        cmocka_unit_test(results_may_be_left_out),
        cmocka_unit_test(a_reverse_range_turns_everything),
        cmocka_unit_test(seek_stands_before_the_first_at_or_after),
        cmocka_unit_test(a_key_outside_the_range_leads_to_its_end),
        cmocka_unit_test(a_limit_counts_what_was_given),
        cmocka_unit_test(bounds_are_copied),
        cmocka_unit_test(damage_stays_until_a_seek),
        cmocka_unit_test(keys_too_long_are_an_error_until_a_seek),
        cmocka_unit_test(an_empty_map_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
