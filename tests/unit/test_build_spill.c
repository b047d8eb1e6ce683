/*
 * Sorting through temporary files, in so little memory that there are hundreds of runs and several
 * passes, against a plain list that qsort() has sorted.
 */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/sorted_list.h"

static act_sorter_options options_of(act_duplicates duplicates, unsigned threads)
{
    act_sorter_options options = {.duplicates = duplicates,
                                  .memory_nbytes = ACT_SORTER_MEMORY_NBYTES_MIN,
                                  .temp_dir = scratch_dir,
                                  .threads = threads};
    return options;
}

static act_sort_report report_of(const act_sorter *sorter)
{
    act_sort_report report;
    act_sorter_get_report(sorter, &report);
    return report;
}

/* --------------------------------------------------------------------------------------- tests */

static void hundreds_of_runs_and_several_passes(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < 3; shape++) {
        struct list list = list_make(shape, 13 << 20, shape);
        act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 0);
        act_sort_report report = list_check(&list, &options);
        assert_true(report.runs > 200);
        assert_true(report.passes >= 2);
        assert_true(report.temp_nbytes > 0);
        list_close(&list);
    }
}

static void every_policy_and_any_number_of_runs(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct list list = list_make(round % 3, (size_t)1 << (12 + round % 11), round);
        act_sorter_options options = options_of((act_duplicates)(1 + round % 5), round / 5 % 3);
        options.memory_nbytes += round * 37;
        list_check(&list, &options);
        list_close(&list);
    }
}

/* Of equal keys in several runs and passes the first that came is first, the last one last. */
static void equal_keys_keep_their_order(void **state)
{
    (void)state;
    for (unsigned policy = ACT_DUPLICATES_FIRST; policy <= ACT_DUPLICATES_MAX; policy++) {
        struct list list = list_open(60000, 60000 * 150);
        for (size_t i = 0; i < 60000; i++) {
            uint8_t *key = list.keys + list.keys_used;
            memset(key, 'k', 150);
            key[149] = (uint8_t)(i % 7);
            list_add(&list, 150, i);
        }
        act_sorter_options options = options_of((act_duplicates)policy, 0);
        act_sort_report report = list_check(&list, &options);
        assert_true(report.runs > 100);
        list_close(&list);
    }
}

/* Keys that do not fit the buffers, and some for which there is not even memory. */
static void keys_longer_than_everything(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 70000, 5000, 200000, 70000, 3000, 65536, 65535};
    enum {
        COUNT = 200
    };
    for (unsigned threads = 0; threads < 3; threads += 2) {
        struct random random = random_of(threads);
        struct list list = list_open(COUNT, (size_t)COUNT * 200000);
        for (size_t i = 0; i < COUNT; i++) {
            size_t nbytes = lengths[i % 9];
            uint8_t *key = list.keys + list.keys_used;
            memset(key, 'x', nbytes);
            if (nbytes)
                key[random_one_in(&random, 2) ? nbytes - 1 : nbytes / 2] = (uint8_t)random_below(
                    &random, 5);
            list_add(&list, nbytes, i);
        }
        act_sorter_options options = options_of(ACT_DUPLICATES_LAST, threads);
        act_sort_report report = list_check(&list, &options);
        assert_true(report.runs > 20);
        list_close(&list);
    }
}

static void sorted_input_and_its_reverse(void **state)
{
    (void)state;
    for (unsigned reverse = 0; reverse < 2; reverse++) {
        struct list list = list_open(20000, 20000 * 8);
        for (unsigned i = 0; i < 20000; i++) {
            char text[9];
            snprintf(text, sizeof(text), "%08u", reverse ? 20000 - i : i);
            memcpy(list.keys + list.keys_used, text, 8);
            list_add(&list, 8, i);
        }
        act_sorter_options options = options_of(ACT_DUPLICATES_ERROR, 2);
        assert_true(list_check(&list, &options).runs > 1);
        list_close(&list);
    }
}

static void what_fits_needs_no_files(void **state)
{
    (void)state;
    struct list list = list_make(2, 20000, 3);
    act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 0);
    options.temp_dir = "/there/is/no/such/folder";
    act_sort_report report = list_check(&list, &options);
    assert_int_equal(report.runs, 0);
    assert_int_equal(report.temp_nbytes, 0);
    list_close(&list);
}

/* More entries than fit, with two of them such that the policy fails. */
static act_sorter *sort_with_clash(act_duplicates duplicates, bool near_each_other)
{
    act_sorter_options options = options_of(duplicates, 0);
    act_sorter *sorter;
    assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
    for (unsigned i = 0; i < 30000; i++) {
        char text[20];
        snprintf(text, sizeof(text), "key %08u", i * 7919 % 30000);
        assert_int_equal(act_sorter_add(sorter, text, strlen(text), UINT64_MAX - 1, NULL), ACT_OK);
        if (i == 100 || i == (near_each_other ? 101 : 29000))
            assert_int_equal(act_sorter_add(sorter, "key 00000001x", 13, UINT64_MAX - 1, NULL),
                             ACT_OK);
    }
    assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
    assert_true(report_of(sorter).runs > 10);
    return sorter;
}

static void clashes_name_the_key_in_its_place(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool sum = i / 2;
        act_error error = {0};
        const uint8_t *key = NULL;
        size_t key_nbytes = 0;
        act_sorter *sorter = sort_with_clash(sum ? ACT_DUPLICATES_SUM : ACT_DUPLICATES_ERROR,
                                             i % 2);
        assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL), ACT_OK);
        assert_memory_equal(key, "key 00000000", 12);
        assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL), ACT_OK);
        assert_memory_equal(key, "key 00000001", 12);
        for (int again = 0; again < 2; again++) {
            key = NULL;
            assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, &error),
                             sum ? ACT_ERR_OVERFLOW : ACT_ERR_DUPLICATE);
            assert_int_equal(key_nbytes, 13);
            assert_memory_equal(key, "key 00000001x", 13);
            assert_non_null(strstr(error.text, "\"key 00000001x\""));
        }
        act_sorter_close(sorter);
    }
}

/* Stopped at its first call, and then gone on with, the sorter gives the same. */
static void progress_can_stop_it(void **state)
{
    (void)state;
    struct list list = list_make(1, 13 << 20, 8);
    act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 2);
    act_sorter *sorter;
    int calls = 1;
    assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(
            act_sorter_add(sorter, list.items[i].key, list.items[i].key_nbytes, i, NULL), ACT_OK);
    assert_int_equal(act_sorter_sort(sorter, list_count_down, &calls, NULL), ACT_STOPPED);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_add(sorter, "a", 1, 0, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_sort(sorter, list_count_down, &calls, NULL), ACT_OK);
    list_sort(&list);
    const uint8_t *key;
    size_t key_nbytes;
    assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL), ACT_OK);
    assert_int_equal(key_nbytes, list.items[0].key_nbytes);
    assert_memory_equal(key, list.items[0].key, key_nbytes);
    act_sorter_close(sorter);
    list_close(&list);
}

/* Closing does not wait for what is under way, and leaves nothing behind. */
static void closing_at_any_time(void **state)
{
    (void)state;
    struct list list = list_make(2, 1 << 20, 9);
    for (size_t stop_at = 0; stop_at < list.count; stop_at += 1 + list.count / 50) {
        act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 2);
        act_sorter *sorter;
        assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
        for (size_t i = 0; i < stop_at; i++)
            assert_int_equal(
                act_sorter_add(sorter, list.items[i].key, list.items[i].key_nbytes, i, NULL),
                ACT_OK);
        if (stop_at % 2)
            assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
        for (size_t i = 0; stop_at % 2 && i < stop_at / 2; i++)
            assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_OK);
        act_sorter_close(sorter);
    }
    list_close(&list);
}

static void folders_that_are_not_there(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 3; threads += 2) {
        struct list list = list_make(2, 1 << 20, 10);
        act_error error = {0}, again = {0};
        act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, threads);
        options.temp_dir = "/there/is/no/such/folder";
        act_sorter *sorter;
        assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
        act_status status = ACT_OK;
        for (size_t i = 0; status == ACT_OK && i < list.count; i++)
            status = act_sorter_add(sorter, list.items[i].key, list.items[i].key_nbytes, i, &error);
        assert_int_equal(status, ACT_ERR_IO);
        assert_non_null(strstr(error.text, "\"/there/is/no/such/folder\""));
        assert_int_equal(act_sorter_add(sorter, "a", 1, 0, &again), ACT_ERR_IO);
        assert_string_equal(again.text, error.text);
        assert_int_equal(act_sorter_sort(sorter, NULL, NULL, &again), ACT_ERR_IO);
        assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_ERR_IO);
        act_sorter_close(sorter);
        list_close(&list);
    }
}

static void too_little_memory_is_refused(void **state)
{
    (void)state;
    act_error error = {0};
    act_sorter *sorter = (act_sorter *)&error;
    act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 0);
    options.memory_nbytes--;
    assert_int_equal(act_sorter_open(&options, &sorter, &error), ACT_ERR_INVALID);
    assert_null(sorter);
    assert_non_null(strstr(error.text, "65535"));
    options.memory_nbytes = UINT64_MAX;
    options.temp_dir = NULL;
    struct list list = list_make(2, 20000, 3);
    list_check(&list, &options);
    list_close(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundreds_of_runs_and_several_passes),
        cmocka_unit_test(every_policy_and_any_number_of_runs),
        cmocka_unit_test(equal_keys_keep_their_order),
        cmocka_unit_test(keys_longer_than_everything),
        cmocka_unit_test(sorted_input_and_its_reverse),
        cmocka_unit_test(what_fits_needs_no_files),
        cmocka_unit_test(clashes_name_the_key_in_its_place),
        cmocka_unit_test(progress_can_stop_it),
        cmocka_unit_test(closing_at_any_time),
        cmocka_unit_test(folders_that_are_not_there),
        cmocka_unit_test(too_little_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
