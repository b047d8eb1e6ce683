#include "read/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "support/check.h"

/*
 * A file made of nothing but bytes with checksums: two blocks and a bit, and three segments behind,
 * of which two share a granule with others.
 */
enum {
    BLOCK = ACT_SUMS_BLOCK_NBYTES,
    SUMS_OFF = 2 * BLOCK + 1000,
    BUILT = SUMS_OFF + 3 * ACT_SUM_NBYTES + ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES,
    FIRST = BUILT,         /* where the segments begin */
    SECOND = FIRST + 5000, /* which is larger than a block */
    THIRD = SECOND + 100000,
    END = THIRD + 3000,
    UNITS = 6
};

static uint8_t *bytes;
static struct act_checks *checks;

/* A segment whose root takes one byte. */
static void put_segment(struct act_checked_segment *segment, uint64_t begin, uint64_t end)
{
    segment->segment = (struct act_segment){
        .begin = begin, .root = end - ACT_TRAILER_NBYTES - 1, .jump_begin = BUILT};
    segment->end = end;
    segment->segment.sum = act_segment_sum_of(bytes, &segment->segment, end);
}

static int make(void **state)
{
    (void)state;
    struct act_index index = {.file_nbytes = BUILT, .sums_off = SUMS_OFF};
    struct act_checked_segment *segments = calloc(3, sizeof(*segments));
    bytes = malloc(END);
    assert_true(bytes && segments);
    for (size_t i = 0; i < END; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    for (uint64_t block = 0; block < 3; block++) {
        uint64_t begin = act_sums_begin(block);
        uint64_t sum = act_hash64(bytes + begin, (size_t)(act_sums_end(block, SUMS_OFF) - begin),
                                  0);
        act_store_le64(bytes + SUMS_OFF + 8 * block, sum);
    }
    put_segment(&segments[0], FIRST, SECOND);
    put_segment(&segments[1], SECOND, THIRD);
    put_segment(&segments[2], THIRD, END);
    assert_int_equal(act_checks_make(bytes, END, &index, segments, 3, &checks, NULL), ACT_OK);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    act_checks_free(checks);
    free(bytes);
    return 0;
}

static void units_are_told(void **state)
{
    (void)state;
    static const uint64_t bounds[UNITS][2] = {{ACT_INDEX_END, BLOCK}, {BLOCK, 2 * BLOCK},
                                              {2 * BLOCK, SUMS_OFF},  {FIRST, SECOND},
                                              {SECOND, THIRD},        {THIRD, END}};
    assert_int_equal(act_checks_units(checks), UNITS);
    for (size_t i = 0; i < UNITS; i++) {
        uint64_t begin;
        uint64_t end;
        act_checks_unit(checks, i, &begin, &end);
        assert_int_equal(begin, bounds[i][0]);
        assert_int_equal(end, bounds[i][1]);
        assert_true(act_checks_covers(checks, begin) && act_checks_covers(checks, end - 1));
    }
    assert_false(act_checks_covers(checks, ACT_INDEX_END - 1));
    assert_false(act_checks_covers(checks, SUMS_OFF));
    assert_false(act_checks_covers(checks, BUILT - 1));
    assert_false(act_checks_covers(checks, END));
    assert_int_equal(act_checks_covered_nbytes(checks), SUMS_OFF - ACT_INDEX_END + END - BUILT);
}

/* One bad byte in each unit: found by whoever comes over it, and by nobody else. */
static void bad_units_are_found(void **state)
{
    for (size_t bad = 0; bad < UNITS; bad++) {
        uint64_t begin;
        uint64_t end;
        uint64_t from;
        uint64_t to;
        size_t found;
        act_error error;
        act_checks_unit(checks, bad, &begin, &end);
        /* The last byte is a trailer's in a segment. */
        bytes[bad % 2 ? begin : end - 1] ^= 0x10;
        for (size_t i = 0; i < UNITS; i++) {
            act_checks_unit(checks, i, &from, &to);
            assert_int_equal(act_checks_find_bad(checks, from, to, &found), i == bad);
            assert_int_equal(act_checks_touch(checks, from, from + 1, NULL) == ACT_OK, i != bad);
        }
        assert_true(act_checks_find_bad(checks, 0, END, &found));
        assert_int_equal(found, bad);
        assert_int_equal(act_checks_touch(checks, begin, end, &error), ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, begin);
        assert_int_equal(act_checks_look(checks, ACT_INDEX_END, END, NULL), ACT_ERR_CORRUPT);
        assert_true(atomic_load(&checks->left) > 0);
        drop(state);
        make(state);
    }
}

/* When all was compared, nothing is left to be asked; and what was found good is not asked again.
 */
static void what_is_left_is_counted(void **state)
{
    (void)state;
    uint64_t before = atomic_load(&checks->left);
    assert_int_equal(before, (END + BLOCK - 1) / BLOCK);
    assert_int_equal(act_checks_touch(checks, 1000, 1001, NULL), ACT_OK);
    assert_int_equal(atomic_load(&checks->left), before - 1);
    assert_true(act_checks_granule_is_good(checks, 5));
    assert_false(act_checks_granule_is_good(checks, BLOCK));
    assert_int_equal(act_checks_touch(checks, 1000, 1001, NULL), ACT_OK);
    assert_int_equal(atomic_load(&checks->left), before - 1);
    /* Beside it lies another unit, which nobody has looked at. */
    assert_int_equal(act_checks_touch(checks, FIRST, FIRST + 10, NULL), ACT_OK);
    assert_int_equal(atomic_load(&checks->left), before - 1);
    for (size_t i = 0; i < UNITS; i++) {
        uint64_t begin;
        uint64_t end;
        act_checks_unit(checks, i, &begin, &end);
        assert_int_equal(act_checks_touch(checks, begin, end, NULL), ACT_OK);
    }
    assert_int_equal(atomic_load(&checks->left), 0);
}

/* Where there is no checksum there is nothing to fail, beyond the end neither. */
static void bytes_without_a_unit(void **state)
{
    (void)state;
    assert_int_equal(act_checks_touch(checks, 0, 16, NULL), ACT_OK);
    assert_int_equal(act_checks_touch(checks, SUMS_OFF, SUMS_OFF + 8, NULL), ACT_OK);
    assert_int_equal(act_checks_touch(checks, END - 1, END + 100, NULL), ACT_OK);
    assert_int_equal(act_checks_touch(checks, UINT64_MAX - 1, UINT64_MAX, NULL), ACT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(units_are_told, make, drop),
        cmocka_unit_test_setup_teardown(bad_units_are_found, make, drop),
        cmocka_unit_test_setup_teardown(what_is_left_is_counted, make, drop),
        cmocka_unit_test_setup_teardown(bytes_without_a_unit, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
