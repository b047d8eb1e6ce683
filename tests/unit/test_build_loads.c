/* Loads: how large they are, and what a dying disk may make of them. */
#include "build/loads.h"

#include <string.h>

#include "spreading.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    PIECE_NBYTES = 128 << 10 /* that a load is to have of each run, where there is memory for it */
};

/* Takes all that the runs give; how many entries that is. */
static act_status take_all(struct spreading *spreading, size_t memory_nbytes, size_t *taken_ret,
                           act_error *error)
{
    struct act_loads loads;
    struct act_joined joined;
    size_t ranges = spreading->spread.splitters.range_count;
    act_status status = act_loads_open(&loads, &spreading->spread, 0, ranges, ACT_DUPLICATES_LAST,
                                       memory_nbytes, error);
    *taken_ret = 0;
    while (status == ACT_OK) {
        status = act_loads_next(&loads, &joined, error);
        *taken_ret += status == ACT_OK;
    }
    /* What a thread has under way is of these loads. */
    for (unsigned i = 0; i < loads.load_count; i++) {
        if (loads.loads[i].given)
            act_crew_await(&spreading->spread.crew, &loads.loads[i].job);
    }
    act_loads_close(&loads);
    return status;
}

static void a_load_has_a_piece_of_each_run(void **state)
{
    (void)state;
    static const struct {
        unsigned most; /* of a load, in pieces of all runs, times 4 */
        unsigned expected;
    } rows[] = {{1, 1}, {4, 4}, {5, 4}, {15, 4}, {16, 4}, {20, 5}, {40, 10}};
    struct spreading spreading;
    spreading_open(&spreading, false);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct act_loads loads;
        size_t quarter = spreading.spread.run_count * PIECE_NBYTES / 4;
        size_t memory_nbytes = rows[i].most * quarter * ACT_LOADS_SHARES;
        assert_int_equal(act_loads_open(&loads, &spreading.spread, 0, 0, ACT_DUPLICATES_LAST,
                                        memory_nbytes, NULL),
                         ACT_OK);
        assert_int_equal(loads.load_nbytes, rows[i].expected * quarter);
        act_loads_close(&loads);
        size_t taken;
        spreading_write(&spreading, 0, spreading.runs[0], (size_t)spreading.spread.runs[0].nbytes);
        assert_int_equal(take_all(&spreading, memory_nbytes, &taken, NULL), ACT_END);
        assert_int_equal(taken, SPREADING_ENTRIES);
    }
    spreading_close(&spreading);
}

/* Whatever is wrong with a run is told, wherever it is, by a text that names the folder. */
static void damage_is_told(void **state)
{
    (void)state;
    struct spreading spreading;
    spreading_open(&spreading, false);
    for (int damage = 0; damage < SPREADING_DAMAGES; damage++)
        spreading_expect_told(&spreading, (enum spreading_damage)damage, take_all,
                              SPREADING_MEMORY_NBYTES);
    spreading_close(&spreading);
}

/* All entries of a run are said to be of its first range, in all runs: no block is as large. */
static void a_range_that_takes_everything(void **state)
{
    (void)state;
    struct spreading spreading;
    size_t taken;
    act_error error = {0};
    spreading_open(&spreading, false);
    size_t range_count = spreading.spread.splitters.range_count;
    for (size_t i = 0; i < spreading.spread.run_count; i++) {
        uint8_t *table = spreading.runs[i];
        for (size_t range = 1; range < range_count; range++)
            memcpy(table + range * sizeof(uint64_t), table + range_count * sizeof(uint64_t),
                   sizeof(uint64_t));
    }
    spreading_write(&spreading, 0, spreading.runs[0], (size_t)spreading.spread.runs[0].nbytes);
    assert_int_equal(take_all(&spreading, SPREADING_MEMORY_NBYTES, &taken, &error), ACT_ERR_IO);
    spreading_close(&spreading);
}

/* A key has lost its last byte, and all else is as if it never had one: there is less of the range
 * than was written. */
static void a_key_that_is_shorter(void **state)
{
    (void)state;
    struct spreading spreading;
    size_t taken;
    act_error error = {0};
    spreading_open(&spreading, false);
    size_t range_count = spreading.spread.splitters.range_count;
    size_t nbytes = (size_t)spreading.spread.runs[0].nbytes;
    uint8_t *table = spreading.runs[0];
    uint8_t *entry = table + act_spread_table_nbytes(0, range_count);
    for (size_t range = 1; range <= range_count; range++) {
        uint64_t begin;
        memcpy(&begin, table + range * sizeof(begin), sizeof(begin));
        assert_true(begin > 0);
        begin--;
        memcpy(table + range * sizeof(begin), &begin, sizeof(begin));
    }
    size_t shorter = --entry[0];
    memmove(entry + 1 + shorter, entry + 2 + shorter,
            (size_t)(table + nbytes - (entry + 2 + shorter)));
    spreading_write(&spreading, 0, table, nbytes);
    assert_int_equal(take_all(&spreading, SPREADING_MEMORY_NBYTES, &taken, &error), ACT_ERR_IO);
    spreading_close(&spreading);
}

/* And nothing that is read can do harm, or give more than there was. */
static void any_bytes_are_safe(void **state)
{
    (void)state;
    for (int threaded = 0; threaded < 2; threaded++) {
        struct random random = random_of(12);
        struct spreading spreading;
        unsigned told = 0;
        spreading_open(&spreading, threaded);
        for (unsigned round = 0; round < 200; round++) {
            size_t taken;
            act_error error = {0};
            spreading_write_random(&spreading, &random);
            act_status status = take_all(&spreading, SPREADING_MEMORY_NBYTES, &taken, &error);
            assert_true(status == ACT_END || status == ACT_ERR_IO);
            assert_in_range(taken, 0, SPREADING_ENTRIES);
            told += status == ACT_ERR_IO;
        }
        assert_in_range(told, 50, 199);
        spreading_close(&spreading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_has_a_piece_of_each_run),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(a_range_that_takes_everything),
        cmocka_unit_test(a_key_that_is_shorter),
        cmocka_unit_test(any_bytes_are_safe),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
