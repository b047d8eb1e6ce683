/* The model of what a limited memory keeps, where it is known what that must be. */
#include "cli/reclaim.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/random.h"

static const struct cli_recent none = {NULL, 0, 0};

static struct cli_reclaim_counts run(struct cli_page_trace *trace, const struct cli_recent *recent,
                                     size_t capacity)
{
    struct cli_reclaim_counts counts;
    struct cli_reclaim *model = cli_reclaim_open(trace, recent);
    assert_non_null(model);
    cli_reclaim_run(model, trace->touch_count, capacity, recent->count > 0, &counts);
    cli_reclaim_close(model);
    return counts;
}

static void add(struct cli_page_trace *trace, uint64_t page)
{
    assert_true(cli_page_trace_add(trace, page));
}

static void what_fits_is_read_once(void **state)
{
    struct cli_page_trace trace = {0};
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        add(&trace, i * 3);
    assert_int_equal(run(&trace, &none, 1000).faults, 0);
    assert_true(run(&trace, &none, 999).faults > 0);
    cli_page_trace_free(&trace);
}

/* Used or not while they are there, they go in the order in which they came. */
static void a_circle_that_does_not_fit_misses_always(void **state)
{
    struct cli_page_trace trace = {0};
    (void)state;
    for (int turn = 0; turn < 5; turn++)
        for (uint64_t i = 0; i < 1000; i++)
            add(&trace, i);
    assert_int_equal(run(&trace, &none, 500).faults, 5000);
    cli_page_trace_free(&trace);
}

/* How much is missed where each other touch is of one of so many pages: with recency, or without.
 */
static void miss_among(uint64_t used, uint64_t *with_ret, uint64_t *without_ret)
{
    struct cli_page_trace trace = {0};
    struct random r = random_of(1);
    const struct cli_recent_range range = {0, 100000, 100000 + used};
    const struct cli_recent recent = {&range, 1, 0};
    for (int i = 0; i < 20000; i++) {
        add(&trace, random_below(&r, 10000));
        add(&trace, 100000 + random_below(&r, used));
    }
    *without_ret = run(&trace, &none, 1000).faults;
    *with_ret = run(&trace, &recent, 1000).faults;
    cli_page_trace_free(&trace);
    /* Nine of ten of the others are not there, whatever is done. */
    assert_true(*with_ret > 17500 && *with_ret < 18700);
}

/* Pages that are used now and then stay only where there is recency; those used so often that they
 * come back at once are made active without it. */
static void recency_keeps_what_is_used(void **state)
{
    uint64_t with, without;
    (void)state;
    miss_among(200, &with, &without);
    assert_true(without > with + 1000);
    miss_among(20, &with, &without);
    assert_true(without < with + 100);
}

static void neighbours_come_along(void **state)
{
    struct cli_page_trace trace = {0};
    const struct cli_recent_range range = {0, 1000, 1100};
    const struct cli_recent recent = {&range, 1, 64};
    (void)state;
    /* Two circles: of pages alone, of which half fits, and one page of the hot region. */
    for (int turn = 0; turn < 10; turn++) {
        add(&trace, 1050);
        for (uint64_t i = 0; i < 2000; i++)
            add(&trace, 5000 + i);
    }
    struct cli_reclaim_counts counts = run(&trace, &recent, 1000);
    assert_true(counts.faults >= 20000);
    assert_true(counts.reads >= counts.faults);
    assert_true(counts.reads <= counts.faults + 10 * 64);
    /* Also before the hot region's first page, and not beyond its end. */
    assert_int_equal(cli_page_trace_number(&trace, 1000 - 32), 2001);
    assert_int_equal(trace.page_count, 1 + 2000 + 132 - 1);
    cli_page_trace_free(&trace);
}

static void hardly_any_memory(void **state)
{
    struct cli_page_trace trace = {0};
    struct random r = random_of(2);
    (void)state;
    for (int i = 0; i < 3000; i++)
        add(&trace, random_below(&r, 100));
    for (size_t capacity = 0; capacity < 3; capacity++)
        assert_true(run(&trace, &none, capacity).faults > trace.touch_count / 2);
    cli_page_trace_free(&trace);
    assert_int_equal(run(&trace, &none, 0).faults, 0);
}

/* More memory is not always better in such a memory, but it is nearly so. */
static void more_memory_misses_less(void **state)
{
    struct cli_page_trace trace = {0};
    struct random r = random_of(3);
    uint64_t before = UINT64_MAX;
    (void)state;
    for (int i = 0; i < 60000; i++)
        add(&trace, random_below(&r, 1 + random_below(&r, 5000)));
    for (size_t capacity = 250; capacity <= 5000; capacity *= 2) {
        uint64_t faults = run(&trace, &none, capacity).faults;
        assert_true(faults < before);
        before = faults;
    }
    cli_page_trace_free(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_read_once),
        cmocka_unit_test(a_circle_that_does_not_fit_misses_always),
        cmocka_unit_test(recency_keeps_what_is_used),
        cmocka_unit_test(neighbours_come_along),
        cmocka_unit_test(hardly_any_memory),
        cmocka_unit_test(more_memory_misses_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
