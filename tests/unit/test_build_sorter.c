/* The sorter against qsort(), and what it does with keys that come twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/model_build.h"

static act_sorter *open_sorter(act_duplicates duplicates)
{
    act_sorter *sorter = NULL;
    const act_sorter_options options = {.duplicates = duplicates};
    assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
    assert_non_null(sorter);
    return sorter;
}

static void add(act_sorter *sorter, const char *key, uint64_t value)
{
    assert_int_equal(act_sorter_add(sorter, key, strlen(key), value, NULL), ACT_OK);
}

static void sort(act_sorter *sorter)
{
    assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
}

static void expect(act_sorter *sorter, const void *key, size_t key_nbytes, uint64_t value)
{
    const uint8_t *got = NULL;
    size_t got_nbytes = 0;
    uint64_t got_value = 0;
    assert_int_equal(act_sorter_next(sorter, &got, &got_nbytes, &got_value, NULL), ACT_OK);
    assert_int_equal(got_nbytes, key_nbytes);
    assert_memory_equal(got, key, key_nbytes);
    assert_int_equal(got_value, value);
}

static void expect_end(act_sorter *sorter)
{
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_END);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_END);
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Sorts the entries, whose values are their numbers, and compares with qsort(). */
static void sort_and_compare(struct model_entry *entries, size_t count)
{
    act_sorter *sorter = open_sorter(ACT_DUPLICATES_FIRST);
    for (size_t i = 0; i < count; i++) {
        entries[i].value = i;
        assert_int_equal(act_sorter_add(sorter, entries[i].key, entries[i].key_nbytes, i, NULL),
                         ACT_OK);
    }
    sort(sorter);
    qsort(entries, count, sizeof(*entries), model_compare);
    for (size_t i = 0; i < count;) {
        size_t next = i;
        uint64_t first = entries[i].value;
        for (; next < count && model_compare(&entries[i], &entries[next]) == 0; next++) {
            if (entries[next].value < first)
                first = entries[next].value;
        }
        expect(sorter, entries[i].key, entries[i].key_nbytes, first);
        i = next;
    }
    expect_end(sorter);
    act_sorter_close(sorter);
}

static void random_keys(void **state)
{
    (void)state;
    enum {
        COUNT_MAX = 3000,
        KEY_NBYTES = 64
    };
    static struct model_entry entries[COUNT_MAX];
    static uint8_t keys[COUNT_MAX][KEY_NBYTES];
    static const unsigned alphabets[] = {1, 2, 3, 256};
    uint64_t random = 42;
    for (unsigned round = 0; round < 200; round++) {
        size_t count = next_random(&random) % (round % 10 ? 100 : COUNT_MAX);
        unsigned alphabet = alphabets[round % 4];
        size_t shared = next_random(&random) % 3 ? 0 : next_random(&random) % 40;
        for (size_t i = 0; i < count; i++) {
            size_t nbytes = shared + next_random(&random) % (KEY_NBYTES - shared);
            memset(keys[i], 'p', shared);
            for (size_t j = shared; j < nbytes; j++)
                keys[i][j] = (uint8_t)(next_random(&random) % alphabet);
            entries[i] = (struct model_entry){keys[i], nbytes, 0, true};
        }
        sort_and_compare(entries, count);
    }
}

/* A zero byte is a byte; a key comes before what continues it, whatever by. */
static void zeros_and_prefixes(void **state)
{
    (void)state;
    enum {
        LENGTHS = 40
    };
    static uint8_t keys[3 * LENGTHS][LENGTHS];
    struct model_entry entries[3 * LENGTHS];
    for (size_t i = 0; i < LENGTHS; i++) {
        /* Longest first, so that nothing is in order. */
        size_t nbytes = LENGTHS - 1 - i;
        entries[3 * i] = (struct model_entry){keys[3 * i], nbytes, 0, true};
        memset(keys[3 * i + 1], 0xff, nbytes);
        entries[3 * i + 1] = (struct model_entry){keys[3 * i + 1], nbytes, 0, true};
        if (nbytes)
            keys[3 * i + 2][nbytes - 1] = 1;
        entries[3 * i + 2] = (struct model_entry){keys[3 * i + 2], nbytes, 0, true};
    }
    sort_and_compare(entries, 3 * LENGTHS);
}

/* Inputs that a quicksort with fixed pivots, or one that looks at one byte a time, chokes on. */
static void inputs_that_could_be_slow(void **state)
{
    (void)state;
    enum {
        COUNT = 60000,
        LONG_COUNT = 400,
        LONG_NBYTES = 70000
    };
    static struct model_entry entries[COUNT];
    static uint8_t keys[COUNT][4];
    for (unsigned shape = 0; shape < 5; shape++) {
        for (unsigned i = 0; i < COUNT; i++) {
            unsigned n = shape == 0   ? COUNT - i                       /* descending */
                         : shape == 1 ? (i < COUNT / 2 ? i : COUNT - i) /* up and down */
                         : shape == 2 ? i % 2                           /* few different */
                         : shape == 3 ? (i ? 7 : 8)                     /* all but one equal */
                                      : i * 40503u % 65536;
            keys[i][0] = 'k';
            keys[i][1] = (uint8_t)(n >> 16);
            keys[i][2] = (uint8_t)(n >> 8);
            keys[i][3] = (uint8_t)n;
            entries[i] = (struct model_entry){keys[i], 4, 0, true};
        }
        sort_and_compare(entries, COUNT);
    }

    static uint8_t long_keys[LONG_COUNT][LONG_NBYTES];
    for (unsigned i = 0; i < LONG_COUNT; i++) {
        long_keys[i][LONG_NBYTES - 2] = (uint8_t)(i * 151 >> 8);
        long_keys[i][LONG_NBYTES - 1] = (uint8_t)(i * 151);
        entries[i] = (struct model_entry){long_keys[i], LONG_NBYTES - (i % 3 == 0), 0, true};
    }
    sort_and_compare(entries, LONG_COUNT);
}

static void no_entries(void **state)
{
    (void)state;
    act_sorter *sorter = open_sorter(ACT_DUPLICATES_ERROR);
    sort(sorter);
    expect_end(sorter);
    act_sorter_close(sorter);
}

static void sorted_input_stays(void **state)
{
    (void)state;
    act_sorter *sorter = open_sorter(ACT_DUPLICATES_ERROR);
    assert_int_equal(act_sorter_add(sorter, NULL, 0, UINT64_MAX, NULL), ACT_OK);
    add(sorter, "a", 300);
    add(sorter, "ab", 0);
    sort(sorter);
    sort(sorter);
    expect(sorter, "", 0, UINT64_MAX);
    expect(sorter, "a", 1, 300);
    expect(sorter, "ab", 2, 0);
    expect_end(sorter);
    act_sorter_close(sorter);
}

static void policies_of_duplicates(void **state)
{
    (void)state;
    static const struct {
        act_duplicates duplicates;
        uint64_t value;
    } cases[] = {
        {ACT_DUPLICATES_FIRST, 30}, {ACT_DUPLICATES_LAST, 20}, {ACT_DUPLICATES_SUM, 100},
        {ACT_DUPLICATES_MIN, 10},   {ACT_DUPLICATES_MAX, 40},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int in_order = 0; in_order < 2; in_order++) {
            act_sorter *sorter = open_sorter(cases[i].duplicates);
            if (!in_order)
                add(sorter, "z", 1);
            add(sorter, "a", 5);
            add(sorter, "key", 30);
            add(sorter, "key", 10);
            if (!in_order)
                add(sorter, "keys", 2);
            add(sorter, "key", 40);
            add(sorter, "key", 20);
            sort(sorter);
            expect(sorter, "a", 1, 5);
            expect(sorter, "key", 3, cases[i].value);
            if (!in_order) {
                expect(sorter, "keys", 4, 2);
                expect(sorter, "z", 1, 1);
            }
            expect_end(sorter);
            act_sorter_close(sorter);
        }
    }
}

/* More equal keys than are sorted at once, among others: the first is still the first. */
static void many_equal_keys_keep_their_order(void **state)
{
    (void)state;
    for (int last = 0; last < 2; last++) {
        act_sorter *sorter = open_sorter(last ? ACT_DUPLICATES_LAST : ACT_DUPLICATES_FIRST);
        for (unsigned i = 0; i < 30000; i++)
            add(sorter, i % 3 ? "the same and long enough" : i % 2 ? "b" : "the other", i);
        sort(sorter);
        expect(sorter, "b", 1, last ? 29997 : 3);
        expect(sorter, "the other", 9, last ? 29994 : 0);
        expect(sorter, "the same and long enough", 24, last ? 29999 : 1);
        expect_end(sorter);
        act_sorter_close(sorter);
    }
}

static void duplicates_in_error_name_the_key(void **state)
{
    (void)state;
    act_error error = {0};
    act_sorter *sorter = NULL;
    assert_int_equal(act_sorter_open(NULL, &sorter, NULL), ACT_OK);
    add(sorter, "twice", 1);
    add(sorter, "once", 1);
    add(sorter, "twice", 1);
    sort(sorter);
    expect(sorter, "once", 4, 1);
    /* Nothing is given back that could be taken for an answer, however often one asks. */
    for (int i = 0; i < 4; i++) {
        uint64_t value = 77;
        assert_int_equal(act_sorter_next(sorter, NULL, NULL, i % 2 ? &value : NULL, &error),
                         ACT_ERR_DUPLICATE);
        assert_int_equal(value, 77);
        assert_int_equal(error.status, ACT_ERR_DUPLICATE);
        assert_non_null(strstr(error.text, "\"twice\""));
    }
    act_sorter_close(sorter);
}

static void a_sum_may_reach_the_limit_but_not_pass_it(void **state)
{
    (void)state;
    act_error error = {0};
    act_sorter *sorter = open_sorter(ACT_DUPLICATES_SUM);
    add(sorter, "full", UINT64_MAX - 1);
    add(sorter, "full", 1);
    add(sorter, "over", 1);
    add(sorter, "over", UINT64_MAX);
    sort(sorter);
    expect(sorter, "full", 4, UINT64_MAX);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, &error), ACT_ERR_OVERFLOW);
    assert_non_null(strstr(error.text, "\"over\""));
    act_sorter_close(sorter);
}

/* A length that nothing can have: no byte of the key is read, and the sorter is as it was. */
static void a_key_that_no_memory_holds_is_refused(void **state)
{
    (void)state;
    act_error error = {0};
    act_sorter *sorter = open_sorter(ACT_DUPLICATES_ERROR);
    add(sorter, "b", 2);
    assert_int_equal(act_sorter_add(sorter, "x", SIZE_MAX / 2, 3, &error), ACT_ERR_NOMEM);
    assert_int_equal(error.status, ACT_ERR_NOMEM);
    assert_int_equal(act_sorter_add(sorter, "x", SIZE_MAX, 3, NULL), ACT_ERR_NOMEM);
    add(sorter, "a", 1);
    sort(sorter);
    expect(sorter, "a", 1, 1);
    expect(sorter, "b", 1, 2);
    expect_end(sorter);
    act_sorter_close(sorter);
}

static int stop_at(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    assert_int_equal(total, 3);
    return --*(int *)context == 0;
}

static void progress_can_stop_it(void **state)
{
    (void)state;
    int calls = 1;
    act_sorter *sorter = open_sorter(ACT_DUPLICATES_ERROR);
    add(sorter, "b", 1);
    add(sorter, "c", 2);
    add(sorter, "a", 3);
    assert_int_equal(act_sorter_sort(sorter, stop_at, &calls, NULL), ACT_STOPPED);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    calls = -1;
    assert_int_equal(act_sorter_sort(sorter, stop_at, &calls, NULL), ACT_OK);
    assert_true(calls < -1);
    expect(sorter, "a", 1, 3);
    expect(sorter, "b", 1, 1);
    act_sorter_close(sorter);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    act_error error = {0};
    act_sorter *sorter = (act_sorter *)&error;
    act_sorter_options options = {.duplicates = (act_duplicates)6};
    assert_int_equal(act_sorter_open(&options, &sorter, &error), ACT_ERR_INVALID);
    assert_null(sorter);
    options.duplicates = (act_duplicates)-1;
    assert_int_equal(act_sorter_open(&options, &sorter, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "-1"));
    assert_int_equal(act_sorter_open(NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_add(NULL, "a", 1, 0, &error), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_sort(NULL, NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_next(NULL, NULL, NULL, NULL, &error), ACT_ERR_INVALID);
    act_sorter_close(NULL);

    /* Threads are of use only where memory has a limit. */
    options = (act_sorter_options){.threads = 4};
    assert_int_equal(act_sorter_open(&options, &sorter, &error), ACT_OK);
    assert_int_equal(act_sorter_add(sorter, "b", 1, 2, NULL), ACT_OK);
    assert_int_equal(act_sorter_add(sorter, "a", 1, 1, NULL), ACT_OK);
    sort(sorter);
    expect(sorter, "a", 1, 1);
    expect(sorter, "b", 1, 2);
    act_sorter_close(sorter);

    sorter = open_sorter(ACT_DUPLICATES_ERROR);
    assert_int_equal(act_sorter_add(sorter, NULL, 1, 0, &error), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, &error), ACT_ERR_INVALID);
    sort(sorter);
    assert_int_equal(act_sorter_add(sorter, "a", 1, 0, &error), ACT_ERR_INVALID);
    act_sorter_close(sorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys),
        cmocka_unit_test(zeros_and_prefixes),
        cmocka_unit_test(inputs_that_could_be_slow),
        cmocka_unit_test(no_entries),
        cmocka_unit_test(sorted_input_stays),
        cmocka_unit_test(policies_of_duplicates),
        cmocka_unit_test(many_equal_keys_keep_their_order),
        cmocka_unit_test(duplicates_in_error_name_the_key),
        cmocka_unit_test(a_sum_may_reach_the_limit_but_not_pass_it),
        cmocka_unit_test(a_key_that_no_memory_holds_is_refused),
        cmocka_unit_test(progress_can_stop_it),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
