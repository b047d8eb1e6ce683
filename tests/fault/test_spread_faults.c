/*
 * Spreading entries over ranges and taking them back, while each allocation fails in turn: step by
 * step, since a sorter comes to some of them only by chance.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/loads.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"
#include "write_faults.h"

enum {
    COUNT = 6000,
    SAMPLE = COUNT / 3, /* of them */
    SHORT_NBYTES = 8,
    LONG_NBYTES = 64
};

static uint8_t bytes[COUNT][LONG_NBYTES + ACT_SPLITTERS_SLACK_NBYTES];
static struct act_key keys[COUNT];

static int compare(const void *a, const void *b)
{
    return act_key_compare_from(*(const struct act_key *)a, *(const struct act_key *)b, 0);
}

/* Short keys, and long ones of some groups, which part where no short one has anything. Each group
 * is large, so that it is divided by itself; and of two groups the words that lead to them follow
 * each other. */
static void make_keys(unsigned groups, unsigned seed)
{
    struct random random = random_of(seed);
    memset(bytes, 0, sizeof(bytes));
    for (size_t i = 0; i < COUNT; i++) {
        random_fill(&random, bytes[i], LONG_NBYTES);
        bytes[i][0] &= 0x7f;
        keys[i] = (struct act_key){bytes[i], SHORT_NBYTES};
        if (!groups || random_one_in(&random, 3))
            continue;
        size_t group = random_below(&random, groups);
        memset(bytes[i], 0xf0, 47);
        bytes[i][40] = (uint8_t)('a' + group / 2);
        bytes[i][47] = (uint8_t)('a' + group % 2);
        keys[i].nbytes = LONG_NBYTES;
    }
}

static void ranges_that_cannot_be_made(void **state)
{
    (void)state;
    /* Of many sizes, so that any table is full at any step of one of them. */
    for (unsigned round = 0; round < 120; round++) {
        bool reached = true;
        make_keys(round % 24, round);
        qsort(keys, SAMPLE, sizeof(*keys), compare);
        for (unsigned nth = 1; reached; nth++) {
            struct act_splitters splitters;
            write_fault_arm(CALL_ALLOCATE, nth, ENOMEM, false);
            bool made = act_splitters_make(&splitters, keys, SAMPLE, 10 + round);
            reached = write_fault_disarm() >= nth;
            assert_int_equal(made, !reached);
            assert_true(reached || nth > 5);
            act_splitters_close(&splitters);
        }
    }
}

/* Takes all entries, of which each must be above the one before. */
static act_status take_all(struct act_spread *spread, size_t memory_nbytes, act_error *error)
{
    struct act_loads loads;
    struct act_joined joined;
    uint8_t last[LONG_NBYTES];
    struct act_key before = {last, 0};
    size_t taken = 0;
    act_status status = act_loads_open(&loads, spread, 0, spread->splitters.range_count,
                                       ACT_DUPLICATES_ERROR, memory_nbytes, error);
    while (status == ACT_OK && (status = act_loads_next(&loads, &joined, error)) == ACT_OK) {
        assert_false(joined.clash);
        assert_in_range(joined.key.nbytes, SHORT_NBYTES, LONG_NBYTES);
        assert_true(act_key_compare_from(before, joined.key, 0) < 0);
        memcpy(last, joined.key.bytes, joined.key.nbytes);
        before.nbytes = joined.key.nbytes;
        taken++;
    }
    assert_true(status != ACT_END || taken == COUNT);
    act_loads_close(&loads);
    return status;
}

/* In one load, and in several. */
static void entries_that_cannot_be_taken_back(void **state)
{
    (void)state;
    make_keys(4, 7);
    for (unsigned loads = 0; loads < 2; loads++) {
        bool reached = true;
        for (unsigned nth = 1; reached; nth++) {
            struct act_chunk chunk = {.block = NULL};
            struct act_spread spread;
            bool suits;
            for (size_t i = 0; i < COUNT; i++)
                assert_int_equal(act_chunk_add(&chunk, 8 << 20, keys[i], i), ACT_CHUNK_ADDED);
            assert_int_equal(act_spread_open(&spread, &chunk, ACT_SPREAD_MEMORY_NBYTES_MIN,
                                             scratch_dir, false, &suits, NULL),
                             ACT_OK);
            assert_true(suits);
            assert_int_equal(act_spread_first(&spread, &chunk, NULL), ACT_OK);
            assert_int_equal(act_spread_end(&spread, NULL), ACT_OK);
            act_error error = {.status = ACT_OK};
            write_fault_arm(CALL_ALLOCATE, nth, ENOMEM, false);
            act_status status = take_all(&spread, loads ? 1 << 20 : 64 << 20, &error);
            reached = write_fault_disarm() >= nth;
            assert_int_equal(status, reached ? ACT_ERR_NOMEM : ACT_END);
            assert_int_equal(error.status, reached ? ACT_ERR_NOMEM : ACT_OK);
            assert_true(reached || nth > 8);
            act_spread_close(&spread);
            act_chunk_close(&chunk);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_that_cannot_be_made),
        cmocka_unit_test(entries_that_cannot_be_taken_back),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
