#include "cli/page_trace.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/random.h"

static void pages_have_numbers(void **state)
{
    struct cli_page_trace trace = {0};
    (void)state;
    assert_true(cli_page_trace_add(&trace, 7));
    assert_true(cli_page_trace_add(&trace, 7)); /* twice running: once */
    assert_true(cli_page_trace_add(&trace, UINT64_MAX >> 13));
    assert_true(cli_page_trace_add(&trace, 7));
    assert_int_equal(trace.touch_count, 3);
    assert_int_equal(trace.page_count, 2);
    assert_int_equal(trace.touches[0], 0);
    assert_int_equal(trace.touches[1], 1);
    assert_int_equal(trace.touches[2], 0);
    assert_int_equal(trace.pages[1], UINT64_MAX >> 13);
    assert_int_equal(cli_page_trace_number(&trace, 7), 0);
    assert_int_equal(cli_page_trace_number(&trace, 8), 2);
    assert_int_equal(trace.touch_count, 3);
    cli_page_trace_free(&trace);
    assert_int_equal(trace.page_count, 0);
}

static void many_pages(void **state)
{
    enum {
        PAGES = 50000
    };
    struct cli_page_trace trace = {0};
    struct random r = random_of(1);
    (void)state;
    for (uint64_t i = 0; i < PAGES; i++)
        assert_true(cli_page_trace_add(&trace, i * i));
    for (int i = 0; i < PAGES; i++) {
        uint64_t number = random_below(&r, PAGES);
        assert_true(cli_page_trace_add(&trace, number * number));
        assert_int_equal(trace.touches[trace.touch_count - 1], number);
    }
    assert_int_equal(trace.page_count, PAGES);
    cli_page_trace_free(&trace);
}

static void groups_of_neighbours(void **state)
{
    static const uint64_t pages[] = {64, 0, 63, 127, 128, 1000, 64};
    struct cli_page_trace trace = {0};
    (void)state;
    assert_int_equal(cli_page_trace_groups(&trace, 64), 0);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        assert_true(cli_page_trace_add(&trace, pages[i]));
    assert_int_equal(cli_page_trace_groups(&trace, 64), 4);
    assert_int_equal(cli_page_trace_groups(&trace, 1), 6);
    cli_page_trace_free(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_have_numbers),
        cmocka_unit_test(many_pages),
        cmocka_unit_test(groups_of_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
