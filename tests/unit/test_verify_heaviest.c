#include "verify/heaviest.h"

#include <string.h>

#include "support/check.h"
#include "support/random.h"

static void put(struct act_heaviest *heaviest, const char *prefix, uint64_t nbytes)
{
    act_prefix_residency item = {(const uint8_t *)prefix, strlen(prefix), nbytes, 0, 0, false};
    assert_true(act_heaviest_put(heaviest, &item));
}

static void the_heaviest_stay_in_order(void **state)
{
    (void)state;
    struct act_heaviest heaviest;
    struct random r = random_of(3);
    uint64_t count_above[3] = {0};
    act_heaviest_init(&heaviest, 10);
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t nbytes = random_below(&r, 1000000);
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        put(&heaviest, name, nbytes);
        count_above[0] += nbytes >= 999000;
    }
    act_heaviest_sort(&heaviest);
    assert_int_equal(heaviest.count, 10);
    for (size_t i = 1; i < heaviest.count; i++)
        assert_true(heaviest.items[i - 1].cached_nbytes >= heaviest.items[i].cached_nbytes);
    uint64_t kept = 0;
    for (size_t i = 0; i < heaviest.count; i++)
        kept += heaviest.items[i].cached_nbytes >= 999000;
    assert_int_equal(kept, count_above[0] < 10 ? count_above[0] : 10);
    act_heaviest_free(&heaviest);
}

static void of_equal_ones_the_lower_prefix(void **state)
{
    (void)state;
    struct act_heaviest heaviest;
    act_heaviest_init(&heaviest, 2);
    put(&heaviest, "c", 5);
    put(&heaviest, "b", 5);
    put(&heaviest, "d", 5);
    put(&heaviest, "", 5);
    act_heaviest_sort(&heaviest);
    assert_int_equal(heaviest.count, 2);
    assert_int_equal(heaviest.items[0].prefix_nbytes, 0);
    assert_memory_equal(heaviest.items[1].prefix, "b", 1);
    act_heaviest_free(&heaviest);
}

static void none(void **state)
{
    (void)state;
    struct act_heaviest heaviest;
    act_heaviest_init(&heaviest, 0);
    put(&heaviest, "a", 5);
    act_heaviest_sort(&heaviest);
    assert_int_equal(heaviest.count, 0);
    act_heaviest_free(&heaviest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heaviest_stay_in_order),
        cmocka_unit_test(of_equal_ones_the_lower_prefix),
        cmocka_unit_test(none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
