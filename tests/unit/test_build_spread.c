/*
 * Sorting by spreading entries over ranges of keys: what comes in any order, and more of it than
 * there is memory for; and what the ranges, of which the first entries decide, do not suit.
 */
#include "build/spread.h"

#include <stdlib.h>
#include <string.h>

#include "build/large.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/sorted_list.h"

enum {
    MEMORY_NBYTES = ACT_SPREAD_MEMORY_NBYTES_MIN,
    /* Larger than a run of spread entries, smaller than a sorted one. */
    RUN_NBYTES = MEMORY_NBYTES / ACT_SPREAD_SHARES + 5000
};

static act_sorter_options options_of(act_duplicates duplicates, unsigned threads)
{
    act_sorter_options options = {.duplicates = duplicates,
                                  .memory_nbytes = MEMORY_NBYTES,
                                  .temp_dir = scratch_dir,
                                  .threads = threads};
    return options;
}

static size_t nbytes_of(const struct list *list)
{
    return list->keys_used + list->count * (2 + sizeof(struct act_sort_record));
}

/* Sorts, and compares; and whether all was spread, or so many bytes of entries and records at most
 * were made sorted runs of. */
static void check_spread(struct list *list, act_duplicates duplicates, unsigned threads,
                         size_t large_nbytes)
{
    act_sorter_options options = options_of(duplicates, threads);
    act_sort_report report = list_check(list, &options);
    size_t runs_min = nbytes_of(list) / RUN_NBYTES;
    assert_in_range(report.runs, runs_min,
                    8 + 3 * runs_min + 4 * large_nbytes / (MEMORY_NBYTES / 2));
    if (!large_nbytes)
        assert_int_equal(report.passes, 0);
}

/* Writes a key of two numbers, most significant byte first. */
static void add_numbers(struct list *list, uint64_t first, uint64_t second, uint64_t value)
{
    uint8_t *key = list->keys + list->keys_used;
    for (unsigned i = 0; i < 8; i++) {
        key[i] = (uint8_t)(first >> (56 - 8 * i));
        key[8 + i] = (uint8_t)(second >> (56 - 8 * i));
    }
    list_add(list, 16, value);
}

/* --------------------------------------------------------------------------------------- tests */

static void keys_of_any_shape(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2 * (LIST_SHAPES - 1); round++) {
        struct list list = list_make(1 + round / 2, 1 << 20, round);
        check_spread(&list, ACT_DUPLICATES_FIRST, round % 2 ? 2 : 0, 0);
        list_close(&list);
    }
}

/* Each key several times, far from each other. */
static void every_policy(void **state)
{
    (void)state;
    for (unsigned policy = ACT_DUPLICATES_FIRST; policy <= ACT_DUPLICATES_MAX; policy++) {
        struct random random = random_of(policy);
        struct list list = list_open(60000, 60000 * 16);
        for (size_t i = 0; i < 60000; i++)
            add_numbers(&list, 7, random_below(&random, 15000) * 77777777, i * 40503 % 1000);
        check_spread(&list, (act_duplicates)policy, policy % 3, 0);
        list_close(&list);
    }
}

/* A third of all entries is of one key, the least, the greatest or one between. */
static void a_range_that_is_one_key(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        static const uint64_t often[] = {0, UINT64_C(1) << 63, UINT64_MAX};
        struct random random = random_of(round);
        struct list list = list_open(60000, 60000 * 16);
        for (size_t i = 0; i < 60000; i++)
            add_numbers(&list, random_one_in(&random, 3) ? often[round % 3] : random_u64(&random),
                        0, i);
        check_spread(&list, round < 3 ? ACT_DUPLICATES_FIRST : ACT_DUPLICATES_LAST, round / 3 * 2,
                     nbytes_of(&list));
        list_close(&list);
    }
}

/* What the ranges were made for comes first, and then all else, before, between or after it. */
static void entries_unlike_the_first_ones(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        static const uint64_t later[] = {0, UINT64_C(0x3000000000000001), UINT64_MAX};
        struct random random = random_of(round);
        struct list list = list_open(60000, 60000 * 16);
        for (size_t i = 0; i < 60000; i++) {
            bool first = i < 15000;
            add_numbers(&list,
                        first ? (UINT64_C(1) << 63) + 2 * random_below(&random, 2)
                              : later[round % 3],
                        random_u64(&random), i);
        }
        check_spread(&list, ACT_DUPLICATES_ERROR, round / 3 * 2, nbytes_of(&list));
        list_close(&list);
    }
}

/* With so much memory that a block would do for more ranges than there may be. */
static void ranges_are_not_too_many(void **state)
{
    (void)state;
    static const size_t memories[] = {12 << 20, 13 << 20, 64 << 20, SIZE_MAX / 2};
    struct random random = random_of(6);
    struct act_chunk chunk = {.block = NULL};
    size_t counts[4];
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t key[12];
        random_fill(&random, key, sizeof(key));
        assert_int_equal(act_chunk_add(&chunk, 8 << 20, (struct act_key){key, sizeof(key)}, i),
                         ACT_CHUNK_ADDED);
    }
    for (size_t i = 0; i < 4; i++) {
        struct act_spread spread;
        bool suits;
        assert_int_equal(
            act_spread_open(&spread, &chunk, memories[i], scratch_dir, false, &suits, NULL),
            ACT_OK);
        assert_true(suits);
        counts[i] = spread.splitters.range_count;
        act_spread_close(&spread);
    }
    assert_in_range(counts[0], 2000, 4096);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(counts[i], counts[0]);
    act_chunk_close(&chunk);
}

/* Of which sorted runs are better: they are longer, and equal keys are joined in them. */
static void what_is_not_spread(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < 3; shape++) {
        struct random random = random_of(shape);
        struct list list = list_open(100000, 100000 * 16);
        for (size_t i = 0; i < 100000; i++)
            add_numbers(&list, 1,
                        shape == 0   ? i + random_below(&random, 3)
                        : shape == 1 ? 100000 - i
                                     : random_below(&random, 100),
                        i);
        act_sorter_options options = options_of(ACT_DUPLICATES_SUM, 0);
        act_sort_report report = list_check(&list, &options);
        assert_in_range(report.runs, 2, 1 + nbytes_of(&list) / (MEMORY_NBYTES * 3 / 4));
        list_close(&list);
    }
}

/* A key larger than a block, and one larger than all memory, among others. */
static void large_keys(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 3; threads += 2) {
        struct random random = random_of(threads);
        struct list list = list_open(100000, 100000 * 16 + (8 << 20));
        for (size_t i = 0; i < 100000; i++) {
            if (i == 10 || i == 60000 || i == 80000) {
                size_t nbytes = i == 80000 ? 1 << 20 : 50000;
                memset(list.keys + list.keys_used, 'k', nbytes);
                list_add(&list, nbytes, i);
            } else {
                add_numbers(&list, random_u64(&random), 0, i);
            }
        }
        act_sorter_options options = options_of(ACT_DUPLICATES_LAST, threads);
        assert_true(list_check(&list, &options).runs > 100000 * 34 / RUN_NBYTES);
        list_close(&list);
    }
}

/* More of one range than can be merged at once, in long runs of many keys. */
static void a_range_that_takes_passes(void **state)
{
    (void)state;
    struct random random = random_of(3);
    struct list list = list_open(300000, 300000 * 16);
    for (size_t i = 0; i < 300000; i++)
        add_numbers(&list, i < 15000 ? random_u64(&random) / 2 : UINT64_MAX, random_u64(&random),
                    i);
    act_sorter_options options = options_of(ACT_DUPLICATES_ERROR, 2);
    assert_true(list_check(&list, &options).passes > 0);
    list_close(&list);
}

static int note_total(void *context, uint64_t done, uint64_t total)
{
    assert_int_equal(done, 0);
    *(uint64_t *)context = total;
    return 1;
}

/* Stopped and gone on with, it gives the same, and says the same of what it took. */
static void progress_can_stop_it(void **state)
{
    (void)state;
    act_sort_report reports[2];
    for (int stops = 0; stops < 2; stops++) {
        struct random random = random_of(4);
        struct list list = list_open(60000, 60000 * 16);
        for (size_t i = 0; i < 60000; i++)
            add_numbers(&list, i < 15000 ? random_u64(&random) : 5, random_u64(&random), i);
        act_sorter_options options = options_of(ACT_DUPLICATES_ERROR, 2);
        act_sorter *sorter = list_fill_sorter(&list, &options);
        uint64_t total = 0;
        if (stops) {
            /* What is all one key is too large for its range: it takes three steps more. */
            assert_int_equal(act_sorter_sort(sorter, note_total, &total, NULL), ACT_STOPPED);
            assert_in_range(total, 60000 + 3 * 45000, 60000 * 5);
        }
        for (int calls = stops; calls > 0;) {
            assert_int_equal(act_sorter_sort(sorter, list_count_down, &calls, NULL), ACT_STOPPED);
            assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
        }
        int calls = 0;
        assert_int_equal(act_sorter_sort(sorter, list_count_down, &calls, NULL), ACT_OK);
        act_sorter_get_report(sorter, &reports[stops]);
        list_sort(&list);
        list_check_sorted(&list, sorter, ACT_DUPLICATES_ERROR);
        list_close(&list);
    }
    assert_memory_equal(&reports[0], &reports[1], sizeof(reports[0]));
}

struct stopper {
    struct act_pace pace;
    unsigned calls; /* that are left */
};

/* Each call seems to be long after the one before. */
static int stop_later(void *context, uint64_t done, uint64_t total)
{
    struct stopper *stopper = context;
    assert_true(done <= total);
    stopper->pace.called_ms = 0;
    return --stopper->calls == 0;
}

/* Of sorted runs whose making was stopped in the midst of it there are none, and they are made
 * again. */
static void large_ranges_are_stopped(void **state)
{
    (void)state;
    struct random random = random_of(5);
    struct act_chunk chunk = {.block = NULL};
    struct act_spread spread;
    struct act_spill spill = {
        .folder = scratch_dir, .memory_nbytes = 4 * MEMORY_NBYTES, .key_nbytes_max = 12};
    bool suits;
    for (unsigned i = 0; i < 60000; i++) {
        uint8_t key[12];
        random_fill(&random, key, sizeof(key));
        assert_int_equal(act_chunk_add(&chunk, 8 << 20, (struct act_key){key, sizeof(key)}, i),
                         ACT_CHUNK_ADDED);
    }
    assert_int_equal(
        act_spread_open(&spread, &chunk, MEMORY_NBYTES, scratch_dir, false, &suits, NULL), ACT_OK);
    assert_true(suits);
    assert_int_equal(act_spread_first(&spread, &chunk, NULL), ACT_OK);
    assert_int_equal(act_spread_end(&spread, NULL), ACT_OK);
    size_t to = spread.splitters.range_count;
    size_t expected = 0;
    for (unsigned calls = 1; expected == 0; calls++) {
        struct stopper stopper = {.calls = calls};
        stopper.pace.progress = stop_later;
        stopper.pace.context = &stopper;
        stopper.pace.total = act_large_steps(&spread, &spill, 0, to);
        act_status status = act_large_sort(&spread, &spill, 0, to, &stopper.pace, NULL);
        if (status == ACT_OK) {
            expected = spill.run_count;
            assert_true(calls > 3);
        } else {
            assert_int_equal(status, ACT_STOPPED);
            assert_int_equal(spill.run_count, 0);
            assert_null(spill.temp);
        }
        assert_int_equal(spill.report.runs, spill.run_count);
    }
    assert_in_range(expected, 3, 30);
    act_spill_close(&spill);
    act_spread_close(&spread);
    act_chunk_close(&chunk);
}

/* Adds one key, so many others in any order, and that one again. */
static void add_with_clash(struct list *list, size_t count)
{
    struct random random = random_of(14);
    uint32_t *numbers = calloc(count, sizeof(*numbers));
    assert_non_null(numbers);
    for (uint32_t i = 0; i < count; i++) { /* shuffled: else they would not be spread */
        size_t other = random_below(&random, i + 1);
        numbers[i] = numbers[other];
        numbers[other] = i;
    }
    add_numbers(list, 1, 77770, UINT64_MAX);
    for (size_t i = 0; i < count; i++)
        add_numbers(list, 1, numbers[i] * UINT64_C(10) + 1, i);
    add_numbers(list, 1, 77770, UINT64_MAX);
    free(numbers);
}

/* Two of a key, far from each other: told in its place, by its name. In ranges that are sorted as
 * they are, and in more entries, of which the ranges are too large. */
static void clashes_name_the_key_in_its_place(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        act_sorter_options options = options_of(
            round % 2 ? ACT_DUPLICATES_SUM : ACT_DUPLICATES_ERROR, round / 2 % 2 * 2);
        struct list list = list_open(100002, 100002 * 16);
        bool large = round / 4;
        add_with_clash(&list, large ? 100000 : 40000);
        act_sorter *sorter = list_fill_sorter(&list, &options);
        act_sort_report before, report;
        act_sorter_get_report(sorter, &before);
        assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
        act_sorter_get_report(sorter, &report);
        assert_true(before.runs > nbytes_of(&list) / RUN_NBYTES);
        assert_int_equal(report.runs > before.runs + ACT_SPREAD_BLOCKS, large);
        act_status status = ACT_OK;
        const uint8_t *key = NULL;
        size_t key_nbytes = 0;
        unsigned taken = 0;
        while (status == ACT_OK) {
            status = act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL);
            taken += status == ACT_OK;
        }
        assert_int_equal(status, round % 2 ? ACT_ERR_OVERFLOW : ACT_ERR_DUPLICATE);
        assert_int_equal(taken, 7777);
        assert_int_equal(key_nbytes, 16);
        assert_memory_equal(key, list.items[0].key, 16);
        act_sorter_close(sorter);
        list_close(&list);
    }
}

/* Closing does not wait for what nobody has begun, and leaves nothing behind. */
static void closing_at_any_time(void **state)
{
    (void)state;
    struct list list = list_make(2, 4 << 20, 9);
    size_t all = list.count;
    for (unsigned round = 0; round < 40; round++) {
        act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 2);
        list.count = all * (round + 1) / 40;
        act_sorter *sorter = list_fill_sorter(&list, &options);
        if (round % 2)
            assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
        for (size_t i = 0; round % 2 && i < list.count / 2; i++)
            assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_OK);
        act_sorter_close(sorter);
    }
    list_close(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_any_shape),
        cmocka_unit_test(every_policy),
        cmocka_unit_test(a_range_that_is_one_key),
        cmocka_unit_test(entries_unlike_the_first_ones),
        cmocka_unit_test(ranges_are_not_too_many),
        cmocka_unit_test(what_is_not_spread),
        cmocka_unit_test(large_keys),
        cmocka_unit_test(a_range_that_takes_passes),
        cmocka_unit_test(progress_can_stop_it),
        cmocka_unit_test(large_ranges_are_stopped),
        cmocka_unit_test(clashes_name_the_key_in_its_place),
        cmocka_unit_test(closing_at_any_time),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
