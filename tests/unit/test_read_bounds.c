/* The two ends that a range comes to, and the order of keys that they are in. */
#include "read/bounds.h"

#include <string.h>

#include "support/check.h"

static void expect_bound(const struct act_bound *bound, const char *text, size_t nbytes)
{
    if (!text) {
        assert_null(bound->key);
        return;
    }
    assert_non_null(bound->key);
    assert_int_equal(bound->nbytes, nbytes);
    assert_memory_equal(bound->key, text, nbytes);
}

static void keys_are_ordered_by_bytes_and_then_by_length(void **state)
{
    (void)state;
    assert_true(act_key_compare("a", 1, "b", 1) < 0);
    assert_true(act_key_compare("b", 1, "a", 1) > 0);
    assert_true(act_key_compare("b", 1, "ab", 2) > 0);
    assert_true(act_key_compare("a", 1, "a\0", 2) < 0);
    assert_true(act_key_compare("a\0", 2, "a", 1) > 0);
    assert_true(act_key_compare("ab", 2, "ac", 2) < 0);
    assert_int_equal(act_key_compare("ab", 1, "ac", 1), 0);
    assert_int_equal(act_key_compare(NULL, 0, NULL, 0), 0);
    assert_true(act_key_compare("\x7f", 1, "\x80", 1) < 0);
}

/* The first key above all that begin with it; of bytes that are all 255 there is none. */
static void a_prefix_ends_below_the_next_one(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *upper;
        size_t nbytes, upper_nbytes;
    } cases[] = {
        {"a", "b", 1, 1},
        {"ab", "ac", 2, 2},
        {"a\xfd", "a\xfe", 2, 2},
        {"a\xfe", "a\xff", 2, 2},
        {"a\xff", "b", 2, 1},
        {"a\xff\xff", "b", 3, 1},
        {"a\xff\xfe", "a\xff\xff", 3, 3},
        {"\0", "\1", 1, 1},
        {"\xff", NULL, 1, 0},
        {"\xff\xff", NULL, 2, 0},
        {"", NULL, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct act_bounds bounds;
        act_range range = {.prefix = cases[i].prefix, .prefix_nbytes = cases[i].nbytes};
        assert_true(act_bounds_of(&range, &bounds));
        expect_bound(&bounds.lower, cases[i].prefix, cases[i].nbytes);
        expect_bound(&bounds.upper, cases[i].upper, cases[i].upper_nbytes);
        assert_false(act_bounds_are_empty(&bounds));
        act_bounds_free(&bounds);
        assert_null(bounds.lower.key);
    }
}

static void of_two_ends_the_narrower_one_counts(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;     /* besides the prefix "b" */
        const char *lower, *upper; /* what comes of it */
        bool empty;
    } cases[] = {
        {NULL, NULL, "b", "c", false},  {"a", "d", "b", "c", false},
        {"b", "c", "b", "c", false},    {"ba", "bz", "ba", "bz", false},
        {"ba", "ba", "ba", "ba", true}, {"bb", "ba", "bb", "ba", true},
        {"c", NULL, "c", "c", true},    {NULL, "b", "b", "b", true},
        {NULL, "a", "b", "a", true},    {"d", NULL, "d", "c", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct act_bounds bounds;
        act_range range = {.prefix = "b",
                           .prefix_nbytes = 1,
                           .from = cases[i].from,
                           .from_nbytes = cases[i].from ? strlen(cases[i].from) : 0,
                           .to = cases[i].to,
                           .to_nbytes = cases[i].to ? strlen(cases[i].to) : 0};
        assert_true(act_bounds_of(&range, &bounds));
        expect_bound(&bounds.lower, cases[i].lower, strlen(cases[i].lower));
        expect_bound(&bounds.upper, cases[i].upper, strlen(cases[i].upper));
        assert_int_equal(act_bounds_are_empty(&bounds), cases[i].empty);
        act_bounds_free(&bounds);
    }
}

static void what_is_left_open_is_no_bound(void **state)
{
    (void)state;
    struct act_bounds bounds;
    assert_true(act_bounds_of(NULL, &bounds));
    expect_bound(&bounds.lower, NULL, 0);
    expect_bound(&bounds.upper, NULL, 0);
    assert_false(act_bounds_are_empty(&bounds));
    act_bounds_free(&bounds);
    /* An empty key is one: nothing lies below it. */
    act_range range = {.from = "", .to = ""};
    assert_true(act_bounds_of(&range, &bounds));
    expect_bound(&bounds.lower, "", 0);
    expect_bound(&bounds.upper, "", 0);
    assert_true(act_bounds_are_empty(&bounds));
    act_bounds_free(&bounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_ordered_by_bytes_and_then_by_length),
        cmocka_unit_test(a_prefix_ends_below_the_next_one),
        cmocka_unit_test(of_two_ends_the_narrower_one_counts),
        cmocka_unit_test(what_is_left_open_is_no_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
