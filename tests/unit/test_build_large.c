/* Sorted runs of ranges that are too large: of what is read back as it was written, and of what is
 * not. */
#include "build/large.h"

#include <string.h>

#include "spreading.h"
#include "support/check.h"
#include "support/scratch.h"

static struct act_spill spill_of(size_t key_nbytes_max)
{
    struct act_spill spill = {.folder = scratch_dir,
                              .memory_nbytes = SPREADING_MEMORY_NBYTES,
                              .duplicates = ACT_DUPLICATES_LAST,
                              .key_nbytes_max = key_nbytes_max};
    return spill;
}

/* Makes sorted runs of all ranges and merges them; how many entries that gives. */
static act_status sort_all(struct spreading *spreading, size_t key_nbytes_max, size_t *taken_ret,
                           act_error *error)
{
    struct act_spill spill = spill_of(key_nbytes_max);
    struct act_pace pace = {.progress = NULL};
    struct act_runs_merge merge;
    struct act_joined joined;
    size_t ranges = spreading->spread.splitters.range_count;
    *taken_ret = 0;
    act_status status = act_large_sort(&spreading->spread, &spill, 0, ranges, &pace, error);
    if (status == ACT_OK) {
        assert_in_range(spill.run_count, 1, 100);
        assert_int_equal(act_spill_merge(&spill, &merge, NULL), ACT_OK);
        while ((status = act_runs_merge_next(&merge, spill.duplicates, &joined, error)) == ACT_OK)
            ++*taken_ret;
        act_runs_merge_close(&merge);
    }
    act_spill_close(&spill);
    return status;
}

static void what_is_whole_is_sorted(void **state)
{
    (void)state;
    struct spreading spreading;
    size_t taken;
    spreading_open(&spreading, false);
    assert_int_equal(sort_all(&spreading, SPREADING_KEY_NBYTES, &taken, NULL), ACT_END);
    assert_int_equal(taken, SPREADING_ENTRIES);
    spreading_close(&spreading);
}

/* Runs are of half of the memory, but for the last one: what was written beside takes the rest. */
static void runs_take_half_of_the_memory(void **state)
{
    (void)state;
    enum {
        ENTRY_NBYTES = 1 + SPREADING_KEY_NBYTES + 1 + sizeof(struct act_sort_record),
        RUN_NBYTES = SPREADING_MEMORY_NBYTES / 2
    };
    struct spreading spreading;
    struct act_spill spill = spill_of(SPREADING_KEY_NBYTES);
    struct act_pace pace = {.progress = NULL};
    spreading_open(&spreading, false);
    assert_int_equal(act_large_sort(&spreading.spread, &spill, 0,
                                    spreading.spread.splitters.range_count, &pace, NULL),
                     ACT_OK);
    assert_int_equal(spill.report.runs,
                     (SPREADING_ENTRIES * ENTRY_NBYTES + RUN_NBYTES - 1) / RUN_NBYTES);
    act_spill_close(&spill);
    spreading_close(&spreading);
}

/* Whatever is wrong with a run is told, wherever it is, by a text that names the folder. It makes
 * no difference how long keys may be, except that the longer ones could lead out of what was read.
 */
static void damage_is_told(void **state)
{
    (void)state;
    struct spreading spreading;
    spreading_open(&spreading, false);
    for (int damage = 0; damage < SPREADING_DAMAGES; damage++) {
        spreading_expect_told(&spreading, (enum spreading_damage)damage, sort_all, 1 << 20);
        spreading_expect_told(&spreading, (enum spreading_damage)damage, sort_all,
                              SPREADING_KEY_NBYTES);
    }
    spreading_close(&spreading);
}

/* A disk that gives zeros back leaves no entries: that is told, there is nothing to merge. */
static void zeros_are_told(void **state)
{
    (void)state;
    static const uint8_t zeros[64 << 10];
    struct spreading spreading;
    struct act_spill spill = spill_of(SPREADING_KEY_NBYTES);
    struct act_pace pace = {.progress = NULL};
    act_error error = {0};
    spreading_open(&spreading, false);
    for (size_t i = 0; i < spreading.spread.run_count; i++) {
        assert_in_range(spreading.spread.runs[i].nbytes, 1, sizeof(zeros));
        memset(spreading.runs[i], 0, (size_t)spreading.spread.runs[i].nbytes);
    }
    spreading_write(&spreading, 0, zeros, (size_t)spreading.spread.runs[0].nbytes);
    assert_int_equal(act_large_sort(&spreading.spread, &spill, 0,
                                    spreading.spread.splitters.range_count, &pace, &error),
                     ACT_ERR_IO);
    assert_non_null(strstr(error.text, scratch_dir));
    act_spill_close(&spill);
    spreading_close(&spreading);
}

/* And nothing that is read can do harm, or give more than there was. */
static void any_bytes_are_safe(void **state)
{
    (void)state;
    struct random random = random_of(13);
    struct spreading spreading;
    unsigned told = 0;
    spreading_open(&spreading, false);
    for (unsigned round = 0; round < 200; round++) {
        size_t taken;
        act_error error = {0};
        spreading_write_random(&spreading, &random);
        act_status status = sort_all(&spreading, round % 2 ? SPREADING_KEY_NBYTES : 1 << 20, &taken,
                                     &error);
        assert_true(status == ACT_END || status == ACT_ERR_IO);
        assert_in_range(taken, 0, SPREADING_ENTRIES);
        told += status == ACT_ERR_IO;
    }
    assert_in_range(told, 50, 199);
    spreading_close(&spreading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_whole_is_sorted), cmocka_unit_test(runs_take_half_of_the_memory),
        cmocka_unit_test(damage_is_told),          cmocka_unit_test(zeros_are_told),
        cmocka_unit_test(any_bytes_are_safe),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
