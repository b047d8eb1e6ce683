#include "verify/ways.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

static void sums_stay_at_the_top(void **state)
{
    (void)state;
    assert_int_equal(act_saturating_add(2, 3), 5);
    assert_true(act_saturating_add(UINT64_MAX, 0) == UINT64_MAX);
    assert_true(act_saturating_add(UINT64_MAX - 1, 1) == UINT64_MAX);
    assert_true(act_saturating_add(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(act_saturating_add(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_int_equal(act_saturating_mul(6, 7), 42);
    assert_int_equal(act_saturating_mul(UINT64_MAX, 0), 0);
    assert_int_equal(act_saturating_mul(0, UINT64_MAX), 0);
    assert_true(act_saturating_mul((uint64_t)1 << 63, 1) == (uint64_t)1 << 63);
    assert_true(act_saturating_mul((uint64_t)1 << 63, 2) == UINT64_MAX);
    assert_true(act_saturating_mul((uint64_t)1 << 32, (uint64_t)1 << 32) == UINT64_MAX);
    assert_true(act_saturating_mul(UINT64_MAX / 3, 3) == UINT64_MAX);
    assert_true(act_saturating_mul(UINT64_MAX / 5, 4) == UINT64_MAX / 5 * 4);
}

static void ways_to_one_node_add_up(void **state)
{
    (void)state;
    struct act_ways_table table;
    struct act_ways got;
    assert_true(act_ways_open(&table));
    struct act_ways a = {100, 3, 30, 12, 2, 9};
    struct act_ways b = {100, 4, 50, 20, 5, 6};
    struct act_ways c = {101, 1, 1, 1, 1, 1};
    assert_true(act_ways_put(&table, &a));
    assert_true(act_ways_put(&table, &c));
    assert_true(act_ways_put(&table, &b));
    act_ways_take(&table, 100, &got);
    struct act_ways both = {100, 7, 80, 20, 2, 9};
    assert_memory_equal(&got, &both, sizeof(got));
    act_ways_take(&table, 101, &got);
    assert_memory_equal(&got, &c, sizeof(got));
    act_ways_take(&table, 101, &got);
    assert_int_equal(got.id, 0);
    assert_int_equal(got.paths, 0);
    act_ways_close(&table);
}

static void sums_of_ways_saturate(void **state)
{
    (void)state;
    struct act_ways_table table;
    struct act_ways got;
    assert_true(act_ways_open(&table));
    struct act_ways a = {16, UINT64_MAX - 1, UINT64_MAX, 1, 1, 1};
    for (int i = 0; i < 3; i++)
        assert_true(act_ways_put(&table, &a));
    act_ways_take(&table, 16, &got);
    assert_true(got.paths == UINT64_MAX);
    assert_true(got.path_nbytes == UINT64_MAX);
    act_ways_close(&table);
}

/* Against a plain array, through growth and many removals in any order. */
static void a_random_table_forgets_nothing(void **state)
{
    (void)state;
    enum {
        IDS = 5000
    };
    uint64_t *paths = calloc(IDS, sizeof(*paths));
    assert_non_null(paths);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct random r = random_of(seed);
        struct act_ways_table table;
        assert_true(act_ways_open(&table));
        memset(paths, 0, IDS * sizeof(*paths));
        size_t used = 0;
        for (unsigned step = 0; step < 100000; step++) {
            size_t i = random_below(&r, IDS);
            uint64_t id = 16 + i * (seed * seed * 64 + 1);
            /* Fills up, then empties. */
            if (random_below(&r, 100000) > step) {
                struct act_ways ways = {.id = id, .paths = 1 + random_below(&r, 5)};
                used += paths[i] == 0;
                paths[i] += ways.paths;
                assert_true(act_ways_put(&table, &ways));
            } else {
                struct act_ways got;
                act_ways_take(&table, id, &got);
                assert_true(got.id == (paths[i] ? id : 0));
                assert_true(got.paths == paths[i]);
                used -= paths[i] != 0;
                paths[i] = 0;
            }
            assert_true(table.used == used);
        }
        act_ways_close(&table);
    }
    free(paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_stay_at_the_top),
        cmocka_unit_test(ways_to_one_node_add_up),
        cmocka_unit_test(sums_of_ways_saturate),
        cmocka_unit_test(a_random_table_forgets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
