#include "cli/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

static void of_nothing(void **state)
{
    static struct cli_histogram histogram;
    (void)state;
    assert_int_equal(cli_histogram_quantile(&histogram, 500000), 0);
}

static void buckets_follow_each_other(void **state)
{
    (void)state;
    assert_int_equal(cli_histogram_first_ns(0), 0);
    for (size_t i = 1; i < CLI_HISTOGRAM_BUCKETS; i++) {
        uint64_t first = cli_histogram_first_ns(i), last = cli_histogram_last_ns(i);
        assert_int_equal(first, cli_histogram_last_ns(i - 1) + 1);
        assert_true(last - first <= first / CLI_HISTOGRAM_STEPS);
    }
    assert_int_equal(cli_histogram_last_ns(CLI_HISTOGRAM_BUCKETS - 1), UINT64_MAX);
}

static void each_time_in_its_bucket(void **state)
{
    struct random r = random_of(1);
    (void)state;
    for (int i = 0; i < 2000; i++) {
        static struct cli_histogram histogram;
        uint64_t ns = i == 0 ? UINT64_MAX : random_u64(&r) >> random_below(&r, 64);
        memset(&histogram, 0, sizeof(histogram));
        cli_histogram_add(&histogram, ns);
        for (size_t bucket = 0; bucket < CLI_HISTOGRAM_BUCKETS; bucket++) {
            if (histogram.counts[bucket])
                assert_true(cli_histogram_first_ns(bucket) <= ns &&
                            ns <= cli_histogram_last_ns(bucket));
        }
        assert_int_equal(cli_histogram_quantile(&histogram, 1), ns);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void quantiles(void **state)
{
    enum {
        COUNT = 5000
    };
    static struct cli_histogram histogram;
    static uint64_t all[COUNT];
    static const unsigned wanted[] = {1, 10000, 250000, 500000, 900000, 999000, 1000000};
    struct random r = random_of(2);
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = random_u64(&r) >> (20 + random_below(&r, 40));
        cli_histogram_add(&histogram, all[i]);
    }
    qsort(all, COUNT, sizeof(all[0]), compare);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        uint64_t place = ((uint64_t)COUNT * wanted[i] + 999999) / 1000000;
        uint64_t exact = all[place ? place - 1 : 0];
        uint64_t said = cli_histogram_quantile(&histogram, wanted[i]);
        assert_true(said >= exact && said - exact <= exact / CLI_HISTOGRAM_STEPS);
    }
    assert_int_equal(cli_histogram_quantile(&histogram, 1000000), all[COUNT - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nothing),
        cmocka_unit_test(buckets_follow_each_other),
        cmocka_unit_test(each_time_in_its_bucket),
        cmocka_unit_test(quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
