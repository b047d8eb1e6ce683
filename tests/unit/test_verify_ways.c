#include "verify/ways.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

static bool put(struct act_ways_table *table, const struct act_ways *ways)
{
    return act_ways_put(table, ways, &ways->id, 1);
}

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
    assert_true(act_ways_open(&table, 1000));
    struct act_ways a = {100, 3, 30, 12, 2, 9};
    struct act_ways b = {100, 4, 50, 20, 5, 6};
    struct act_ways c = {101, 1, 1, 1, 1, 1};
    assert_true(put(&table, &a));
    assert_true(put(&table, &c));
    assert_true(put(&table, &b));
    assert_true(act_ways_take(&table, 100, &got));
    struct act_ways both = {100, 7, 80, 20, 2, 9};
    assert_memory_equal(&got, &both, sizeof(got));
    assert_true(act_ways_take(&table, 101, &got));
    assert_memory_equal(&got, &c, sizeof(got));
    assert_true(act_ways_take(&table, 101, &got));
    assert_int_equal(got.id, 0);
    assert_int_equal(got.paths, 0);
    act_ways_close(&table);
}

static void sums_of_ways_saturate(void **state)
{
    (void)state;
    struct act_ways_table table;
    struct act_ways got;
    assert_true(act_ways_open(&table, 1000));
    struct act_ways a = {16, UINT64_MAX - 1, UINT64_MAX, 1, 1, 1};
    for (int i = 0; i < 3; i++)
        assert_true(put(&table, &a));
    assert_true(act_ways_take(&table, 16, &got));
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
        assert_true(act_ways_open(&table, (1 << ACT_WAYS_PART_LOG2) - 1));
        memset(paths, 0, IDS * sizeof(*paths));
        size_t used = 0;
        for (unsigned step = 0; step < 100000; step++) {
            size_t i = random_below(&r, IDS);
            uint64_t id = 16 + i * (seed + 3);
            /* Fills up, then empties. */
            if (random_below(&r, 100000) > step) {
                struct act_ways ways = {.id = id, .paths = 1 + random_below(&r, 5)};
                used += paths[i] == 0;
                paths[i] += ways.paths;
                assert_true(put(&table, &ways));
            } else {
                struct act_ways got;
                assert_true(act_ways_take(&table, id, &got));
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

/* Some ways to a node; mostly a single one. */
static struct act_ways some_ways(struct random *r, uint64_t id)
{
    struct act_ways ways = {.id = id, .paths = 1};
    if (random_one_in(r, 8))
        ways.paths = random_one_in(r, 10) ? UINT64_MAX - random_below(r, 3) : random_below(r, 1000);
    ways.paths += ways.paths == 0;
    ways.path_nbytes_longest = random_below(r, random_one_in(r, 4) ? UINT64_MAX : 400);
    ways.path_nbytes = ways.path_nbytes_longest;
    ways.depth_least = ways.depth_most = random_below(r, 300);
    if (ways.paths > 1) {
        ways.path_nbytes = act_saturating_mul(ways.path_nbytes, 2);
        ways.depth_most += random_below(r, 1000);
    }
    return ways;
}

static void add(struct act_ways *sum, const struct act_ways *ways, uint64_t id)
{
    if (!sum->id) {
        *sum = *ways;
        sum->id = id;
        return;
    }
    sum->paths = act_saturating_add(sum->paths, ways->paths);
    sum->path_nbytes = act_saturating_add(sum->path_nbytes, ways->path_nbytes);
    if (ways->path_nbytes_longest > sum->path_nbytes_longest)
        sum->path_nbytes_longest = ways->path_nbytes_longest;
    if (ways->depth_least < sum->depth_least)
        sum->depth_least = ways->depth_least;
    if (ways->depth_most > sum->depth_most)
        sum->depth_most = ways->depth_most;
}

/* As a sweep does it: ways are put below what is taken, of nodes anywhere in the file, some of them
 * again and again. Against an array. */
static void nodes_far_below_wait(void **state)
{
    (void)state;
    enum {
        NODES = 20000,
        PARTS = 7
    };
    struct act_ways *expected = malloc(NODES * sizeof(*expected));
    assert_non_null(expected);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct random r = random_of(seed);
        struct act_ways_table table;
        struct act_ways got;
        uint64_t step = (PARTS << ACT_WAYS_PART_LOG2) / NODES;
        size_t lately = seed % 2 ? 30 : NODES; /* how many nodes are put to most */
        memset(expected, 0, NODES * sizeof(*expected));
        assert_true(act_ways_open(&table, PARTS << ACT_WAYS_PART_LOG2));
        for (size_t i = NODES; i-- > 0;) {
            uint64_t id = 1 + i * step;
            assert_true(act_ways_take(&table, id, &got));
            assert_memory_equal(&got, &expected[i], sizeof(got));
            for (int j = 0; i && j < 4; j++) {
                size_t to = random_below(&r, i < lately ? i : lately);
                size_t count = random_one_in(&r, 20) ? 1 + random_below(&r, 256) : 1;
                struct act_ways ways = some_ways(&r, 0);
                uint64_t ids[256];
                count = count < i - to ? count : i - to;
                for (size_t k = 0; k < count; k++)
                    ids[k] = 1 + (to + k) * step;
                assert_true(act_ways_put(&table, &ways, ids, count));
                for (size_t k = 0; k < count; k++)
                    add(&expected[to + k], &ways, ids[k]);
            }
        }
        act_ways_close(&table);
    }
    free(expected);
}

/* Many references to few nodes, far below, take no more room than the nodes do. */
static void ways_to_one_node_do_not_pile_up(void **state)
{
    (void)state;
    struct act_ways_table table;
    struct act_ways got;
    assert_true(act_ways_open(&table, 100 << ACT_WAYS_PART_LOG2));
    for (uint64_t i = 0; i < 1000000; i++) {
        struct act_ways ways = {16 + i % 100, 1, i, i, 5, 5};
        assert_true(put(&table, &ways));
    }
    assert_true(table.allowance.taken - table.allowance.left < 64 << 10);
    for (uint64_t i = 100; i-- > 0;) {
        assert_true(act_ways_take(&table, 16 + i, &got));
        assert_int_equal(got.paths, 10000);
        assert_int_equal(got.path_nbytes_longest, 999900 + i);
        assert_int_equal(got.path_nbytes, 10000 * (999900 + 2 * i) / 2);
    }
    act_ways_close(&table);
}

/* What the children of one node have in common is kept once for some of them. */
static void ways_of_siblings_are_kept_together(void **state)
{
    (void)state;
    enum {
        SIBLINGS = 250,
        RUNS = 200,
        ONE_NBYTES = 5
    };
    struct act_ways_table table;
    struct act_ways got;
    uint64_t ids[SIBLINGS];
    uint64_t id = 16;
    assert_true(act_ways_open(&table, 4 << ACT_WAYS_PART_LOG2));
    uint64_t before = table.allowance.taken - table.allowance.left;
    const uint64_t large = UINT64_MAX / 2;
    const struct act_ways ways = {0, large, large, large, large, large};
    for (unsigned run = 0; run < RUNS; run++) {
        for (unsigned i = 0; i < SIBLINGS; i++)
            ids[i] = id++;
        assert_true(act_ways_put(&table, &ways, ids, SIBLINGS));
    }
    uint64_t taken = table.allowance.taken - table.allowance.left - before;
    assert_true(taken < (uint64_t)ONE_NBYTES * SIBLINGS * RUNS);
    while (id-- > 16) {
        assert_true(act_ways_take(&table, id, &got));
        assert_int_equal(got.id, id);
        assert_true(got.path_nbytes_longest == large);
    }
    act_ways_close(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_stay_at_the_top),
        cmocka_unit_test(ways_to_one_node_add_up),
        cmocka_unit_test(sums_of_ways_saturate),
        cmocka_unit_test(a_random_table_forgets_nothing),
        cmocka_unit_test(nodes_far_below_wait),
        cmocka_unit_test(ways_to_one_node_do_not_pile_up),
        cmocka_unit_test(ways_of_siblings_are_kept_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
