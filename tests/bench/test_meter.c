#include "meter.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

static struct histogram histogram;

static void add_times(uint64_t first, uint64_t count)
{
    memset(&histogram, 0, sizeof histogram);
    for (uint64_t i = 0; i < count; i++)
        histogram_add(&histogram, first + i);
}

static void no_times_have_no_quantiles(void **state)
{
    (void)state;
    add_times(0, 0);
    assert_int_equal(histogram_quantile(&histogram, 500), 0);
}

static void short_times_are_exact(void **state)
{
    (void)state;
    add_times(1, 200);
    for (unsigned percent = 1; percent <= 100; percent++)
        assert_int_equal(histogram_quantile(&histogram, percent * 10), 2 * percent);
    assert_int_equal(histogram_quantile(&histogram, 0), 1);
}

/* Whatever its size, a time comes back within 1/128 of itself. */
static void long_times_are_nearly_exact(void **state)
{
    (void)state;
    for (unsigned bits = 8; bits < 40; bits++)
        for (int64_t off = -1; off <= 1; off++) {
            uint64_t ns = ((uint64_t)1 << bits) + (uint64_t)off, got;

            add_times(ns, 1);
            got = histogram_quantile(&histogram, 1000);
            assert_true(got >= ns - ns / 128 && got <= ns + ns / 128);
        }
}

static void times_beyond_all_buckets_count_as_the_longest(void **state)
{
    (void)state;
    add_times(UINT64_MAX - 3, 3);
    assert_int_equal(histogram.total, 3);
    assert_true(histogram_quantile(&histogram, 1) > (uint64_t)1 << 44);
}

static void a_stopwatch_never_goes_back(void **state)
{
    struct stopwatch watch = stopwatch_start();
    struct lap first = stopwatch_stop(watch), second = stopwatch_stop(watch);

    (void)state;
    assert_true(second.ns >= first.ns && second.waited_ns >= first.waited_ns);
}

static void memory_that_is_touched_is_seen(void **state)
{
    enum {
        NBYTES = 16 << 20
    };
    uint64_t before;
    char *bytes = malloc(NBYTES);

    (void)state;
    assert_non_null(bytes);
    meter_reset_peak();
    before = meter_resident_nbytes();
    if (before == 0)
        skip(); /* no /proc */
    memset(bytes, 1, NBYTES);
    assert_true(meter_resident_nbytes() >= before + NBYTES / 2);
    assert_true(meter_peak_nbytes() >= before + NBYTES / 2);
    assert_int_equal(bytes[NBYTES - 1], 1);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_times_have_no_quantiles),
        cmocka_unit_test(short_times_are_exact),
        cmocka_unit_test(long_times_are_nearly_exact),
        cmocka_unit_test(times_beyond_all_buckets_count_as_the_longest),
        cmocka_unit_test(a_stopwatch_never_goes_back),
        cmocka_unit_test(memory_that_is_touched_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
