#include "verify/heaviest.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

static void put(struct act_heaviest *heaviest, const char *prefix, uint64_t nbytes)
{
    act_prefix_residency item = {(const uint8_t *)prefix, strlen(prefix), nbytes, 0, 0, false};
    assert_true(act_heaviest_put(heaviest, &item));
}

static int descending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Whatever order they come in, those that are left are the first of all of them. */
static void the_heaviest_stay_in_order(void **state)
{
    (void)state;
    enum {
        COUNT = 300
    };
    uint64_t all[COUNT];
    struct random r = random_of(3);
    for (size_t most = 1; most <= 40; most++) {
        for (unsigned round = 0; round < 20; round++) {
            struct act_heaviest heaviest;
            act_heaviest_init(&heaviest, most);
            for (unsigned i = 0; i < COUNT; i++) {
                char name[16];
                snprintf(name, sizeof(name), "%u", i);
                all[i] = round % 2 ? random_below(&r, 1000000) : i * (uint64_t)7919 % 1009;
                put(&heaviest, name, all[i]);
            }
            qsort(all, COUNT, sizeof(all[0]), descending);
            act_heaviest_sort(&heaviest);
            assert_int_equal(heaviest.count, most);
            for (size_t i = 0; i < most; i++)
                assert_int_equal(heaviest.items[i].cached_nbytes, all[i]);
            act_heaviest_free(&heaviest);
            assert_int_equal(heaviest.count, 0);
            assert_null(heaviest.items);
        }
    }
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
