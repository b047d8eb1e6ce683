/* Reuse distances, against counting them one by one. */
#include "cli/stack_distance.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

/* By a list of pages, the one touched last first. */
static void count_slowly(const uint32_t *touches, size_t touch_count, size_t page_count,
                         uint64_t *counts)
{
    uint32_t *list = calloc(page_count + 1, sizeof(*list));
    size_t known = 0;
    assert_non_null(list);
    memset(counts, 0, page_count * sizeof(*counts));
    for (size_t i = 0; i < 2 * touch_count; i++) {
        uint32_t page = touches[i % touch_count];
        size_t at = 0;
        while (at < known && list[at] != page)
            at++;
        if (i >= touch_count)
            counts[at]++;
        known += at == known;
        memmove(list + 1, list, at * sizeof(*list));
        list[0] = page;
    }
    free(list);
}

static void expect_counts(const uint32_t *touches, size_t touch_count, size_t page_count)
{
    uint64_t *counts = calloc(page_count, sizeof(*counts));
    uint64_t *expected = calloc(page_count, sizeof(*expected));
    assert_true(counts && expected);
    count_slowly(touches, touch_count, page_count, expected);
    assert_true(cli_stack_distances(touches, touch_count, page_count, counts));
    assert_memory_equal(counts, expected, page_count * sizeof(*counts));
    free(counts);
    free(expected);
}

static void a_circle(void **state)
{
    static const uint32_t touches[] = {0, 1, 2, 3, 4};
    uint64_t counts[5];
    (void)state;
    assert_true(cli_stack_distances(touches, 5, 5, counts));
    assert_int_equal(counts[4], 5);
    assert_int_equal(counts[0] + counts[1] + counts[2] + counts[3], 0);
}

static void nothing(void **state)
{
    uint64_t counts[3] = {9, 9, 9};
    (void)state;
    assert_true(cli_stack_distances(NULL, 0, 3, counts));
    assert_int_equal(counts[0] + counts[1] + counts[2], 0);
    assert_true(cli_stack_distances(NULL, 0, 0, counts));
    assert_false(cli_stack_distances(NULL, 0, UINT32_MAX, counts));
}

/* Long enough for times to be used up, again and again. */
static void as_counted_slowly(void **state)
{
    struct random r = random_of(5);
    (void)state;
    for (size_t pages = 1; pages < 400; pages = pages * 3 + 1) {
        enum {
            TOUCHES = 9000
        };
        uint32_t *touches = calloc(TOUCHES, sizeof(*touches));
        assert_non_null(touches);
        for (size_t i = 0; i < TOUCHES; i++)
            touches[i] = (uint32_t)random_below(&r, 1 + random_below(&r, pages));
        expect_counts(touches, TOUCHES, pages);
        free(touches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_circle),
        cmocka_unit_test(nothing),
        cmocka_unit_test(as_counted_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
