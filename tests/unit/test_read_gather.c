/* Entries gathered into runs: how long these are, and what they hold. */
#include "read/gather.h"

#include <string.h>

#include "support/check.h"

enum {
    RUNS_MAX = 100
};

struct runs {
    size_t counts[RUNS_MAX];
    size_t count;
    size_t stop_at;
    uint64_t next; /* the value that the next entry has to have */
    size_t key_nbytes;
};

static void make_key(uint8_t *key, size_t nbytes, uint64_t value)
{
    for (size_t i = 0; i < nbytes; i++)
        key[i] = (uint8_t)(value >> i % 8 * 8);
}

static int take_run(void *context, const act_entry_run *run)
{
    static uint8_t key[ACT_GATHER_NBYTES];
    struct runs *runs = context;
    assert_true(run->count > 0 && runs->count < RUNS_MAX);
    for (size_t i = 0; i < run->count; i++) {
        make_key(key, runs->key_nbytes, runs->next);
        assert_int_equal(run->values[i], runs->next++);
        assert_int_equal(run->key_offs[i], i * runs->key_nbytes);
        assert_int_equal(run->key_offs[i + 1], (i + 1) * runs->key_nbytes);
        assert_memory_equal(run->keys + run->key_offs[i], key, runs->key_nbytes);
    }
    runs->counts[runs->count++] = run->count;
    return runs->count == runs->stop_at;
}

static void gather_entries(struct runs *runs, size_t key_nbytes, uint64_t count)
{
    static uint8_t key[ACT_GATHER_NBYTES];
    struct act_gather gather;
    runs->key_nbytes = key_nbytes;
    assert_int_equal(act_gather_init(&gather, take_run, runs, NULL), ACT_OK);
    for (uint64_t value = 0; value < count; value++) {
        make_key(key, key_nbytes, value);
        assert_int_equal(act_gather_add(&gather, key, key_nbytes, value), 0);
    }
    assert_int_equal(act_gather_flush(&gather), ACT_OK);
    assert_int_equal(runs->next, count);
    /* What was given away is not given again. */
    size_t given = runs->count;
    assert_int_equal(act_gather_flush(&gather), ACT_OK);
    assert_int_equal(runs->count, given);
    act_gather_free(&gather);
    act_gather_free(&gather);
}

static void runs_grow_fourfold_up_to_the_most(void **state)
{
    (void)state;
    struct runs runs = {.count = 0};
    gather_entries(&runs, 9, 10 * ACT_GATHER_COUNT + 1);
    assert_in_range(runs.counts[0], 1, 64);
    for (size_t i = 1; i < runs.count - 1; i++) {
        size_t wanted = runs.counts[i - 1] * 4;
        assert_int_equal(runs.counts[i], wanted < ACT_GATHER_COUNT ? wanted : ACT_GATHER_COUNT);
    }
    assert_true(runs.counts[runs.count - 1] <= ACT_GATHER_COUNT);
}

/* An empty key is one, too; of long ones there are fewer. */
static void long_keys_end_a_run(void **state)
{
    (void)state;
    struct runs runs = {.count = 0};
    gather_entries(&runs, 0, 1000);
    runs = (struct runs){.count = 0};
    gather_entries(&runs, ACT_GATHER_NBYTES, 3);
    assert_int_equal(runs.count, 3);
    runs = (struct runs){.count = 0};
    gather_entries(&runs, ACT_GATHER_NBYTES / 2, 5);
    assert_int_equal(runs.count, 3);
    assert_int_equal(runs.counts[0], 2);
    runs = (struct runs){.count = 0};
    gather_entries(&runs, ACT_GATHER_NBYTES / 2 - 1, 5);
    assert_int_equal(runs.counts[0], 3);
}

static void a_run_asks_to_stop(void **state)
{
    (void)state;
    struct runs runs = {.stop_at = 1, .key_nbytes = ACT_GATHER_NBYTES};
    static const uint8_t zeros[ACT_GATHER_NBYTES];
    struct act_gather gather;
    assert_int_equal(act_gather_init(&gather, take_run, &runs, NULL), ACT_OK);
    assert_int_equal(act_gather_add(&gather, zeros, sizeof(zeros), 0), 1);
    assert_int_equal(gather.failure, ACT_STOPPED);
    act_gather_free(&gather);
    runs = (struct runs){.stop_at = 1, .key_nbytes = 1};
    assert_int_equal(act_gather_init(&gather, take_run, &runs, NULL), ACT_OK);
    assert_int_equal(act_gather_add(&gather, zeros, 1, 0), 0);
    assert_int_equal(act_gather_flush(&gather), ACT_STOPPED);
    act_gather_free(&gather);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_grow_fourfold_up_to_the_most),
        cmocka_unit_test(long_keys_end_a_run),
        cmocka_unit_test(a_run_asks_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
