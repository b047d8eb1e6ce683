#include "verify/marks.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/random.h"

static void an_empty_set_gives_nothing(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1, 17, 65535, 65536, 65537, 1000000};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct act_marks marks;
        uint64_t offset = 4711;
        assert_true(act_marks_open(&marks, limits[i]));
        assert_false(act_marks_take(&marks, 0, &offset));
        assert_false(act_marks_take(&marks, limits[i], &offset));
        assert_int_equal(offset, 4711);
        act_marks_close(&marks);
    }
}

static void a_mark_is_new_once(void **state)
{
    (void)state;
    struct act_marks marks;
    uint64_t offset;
    assert_true(act_marks_open(&marks, 100));
    assert_int_equal(act_marks_put(&marks, 99), 1);
    assert_int_equal(act_marks_put(&marks, 99), 0);
    assert_int_equal(act_marks_put(&marks, 98), 1);
    assert_true(act_marks_take(&marks, 0, &offset));
    assert_int_equal(offset, 99);
    assert_true(act_marks_take(&marks, 0, &offset));
    assert_int_equal(offset, 98);
    assert_false(act_marks_take(&marks, 0, &offset));
    act_marks_close(&marks);
}

static void the_floor_holds_marks_back(void **state)
{
    (void)state;
    struct act_marks marks;
    uint64_t offset;
    assert_true(act_marks_open(&marks, 200000));
    act_marks_put(&marks, 150000);
    act_marks_put(&marks, 140000);
    act_marks_put(&marks, 10);
    assert_false(act_marks_take(&marks, 150001, &offset));
    assert_true(act_marks_take(&marks, 150000, &offset));
    assert_int_equal(offset, 150000);
    assert_false(act_marks_take(&marks, 149999, &offset));
    /* A search that ended at the floor has not gone past what is put below it later. */
    assert_int_equal(act_marks_put(&marks, 149998), 1);
    assert_true(act_marks_take(&marks, 100, &offset));
    assert_int_equal(offset, 149998);
    assert_true(act_marks_take(&marks, 100, &offset));
    assert_int_equal(offset, 140000);
    assert_false(act_marks_take(&marks, 100, &offset));
    assert_int_equal(act_marks_put(&marks, 99), 1);
    assert_true(act_marks_take(&marks, 0, &offset));
    assert_int_equal(offset, 99);
    assert_true(act_marks_take(&marks, 0, &offset));
    assert_int_equal(offset, 10);
    assert_false(act_marks_take(&marks, 0, &offset));
    act_marks_close(&marks);
}

static void chunks_are_freed_behind(void **state)
{
    (void)state;
    struct act_marks marks;
    uint64_t offset;
    assert_true(act_marks_open(&marks, 10 << ACT_MARKS_CHUNK_LOG2));
    for (uint64_t i = 0; i < 10; i++)
        act_marks_put(&marks, i << ACT_MARKS_CHUNK_LOG2);
    for (size_t i = 10; i-- > 0;) {
        assert_true(act_marks_take(&marks, 0, &offset));
        assert_true(offset == (uint64_t)i << ACT_MARKS_CHUNK_LOG2);
        for (size_t j = i + 1; j < 10; j++)
            assert_null(marks.chunks[j]);
    }
    act_marks_close(&marks);
}

/* Where marks are few they are kept in lists, which become bits when they are many, or are taken.
 */
static void lists_become_bits(void **state)
{
    (void)state;
    enum {
        MARKS = 3 * ACT_MARKS_FEW_MAX
    };
    struct act_marks marks;
    struct random r = random_of(1);
    uint64_t offset, last = 1 << ACT_MARKS_CHUNK_LOG2;
    bool *flags = calloc(1 << ACT_MARKS_CHUNK_LOG2, sizeof(*flags));
    assert_non_null(flags);
    assert_true(act_marks_open(&marks, 3 << ACT_MARKS_CHUNK_LOG2));
    for (size_t count = 0; count < MARKS;) {
        uint64_t at = random_below(&r, 1 << ACT_MARKS_CHUNK_LOG2);
        bool is_new = !flags[at];
        assert_int_equal(act_marks_put(&marks, at), is_new);
        assert_int_equal(act_marks_put(&marks, at), 0);
        flags[at] = true;
        count += is_new;
        assert_true((marks.chunks[0] != NULL) == (count > ACT_MARKS_FEW_MAX));
        assert_true((marks.few[0] != NULL) == (count <= ACT_MARKS_FEW_MAX));
    }
    for (size_t count = 0; count < MARKS; count++) {
        assert_true(act_marks_take(&marks, 0, &offset));
        assert_true(offset < last && flags[offset]);
        last = offset;
    }
    assert_false(act_marks_take(&marks, 0, &offset));
    act_marks_close(&marks);
    free(flags);
}

/* Marks all over a file take little, however large it is. */
static void few_marks_take_little(void **state)
{
    (void)state;
    enum {
        CHUNKS = 20000,
        EACH = 40
    };
    struct act_marks marks;
    uint64_t offset;
    assert_true(act_marks_open(&marks, (uint64_t)CHUNKS << ACT_MARKS_CHUNK_LOG2));
    for (uint64_t i = 0; i < CHUNKS * EACH; i++)
        assert_int_equal(act_marks_put(&marks, (i << ACT_MARKS_CHUNK_LOG2) / EACH), 1);
    uint64_t taken = marks.allowance.taken - marks.allowance.left;
    assert_true(taken < (uint64_t)CHUNKS * (16 + 4 + 2 * 2 * EACH) + (1 << 16));
    for (uint64_t i = CHUNKS * EACH; i-- > 0;) {
        assert_true(act_marks_take(&marks, 0, &offset));
        assert_true(offset == (i << ACT_MARKS_CHUNK_LOG2) / EACH);
    }
    assert_false(act_marks_take(&marks, 0, &offset));
    /* All that is left is the table of chunks, and one of them. */
    taken = marks.allowance.taken - marks.allowance.left;
    assert_true(taken < CHUNKS * 16 + (1 << 16));
    act_marks_close(&marks);
}

/* Against an array of flags: puts below what was taken, takes with and without a floor. */
static void random_marks_come_out_in_order(void **state)
{
    (void)state;
    enum {
        LIMIT = 300000
    };
    bool *flags = malloc(LIMIT);
    assert_non_null(flags);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random r = random_of(seed);
        struct act_marks marks;
        assert_true(act_marks_open(&marks, LIMIT));
        for (size_t i = 0; i < LIMIT; i++)
            flags[i] = false;
        uint64_t below = LIMIT;
        unsigned spread = 1u << (1 + random_below(&r, 18));
        while (below > 0) {
            for (uint64_t puts = random_below(&r, 4); puts > 0; puts--) {
                uint64_t back = 1 + random_below(&r, spread);
                if (back > below)
                    continue;
                assert_int_equal(act_marks_put(&marks, below - back), !flags[below - back]);
                flags[below - back] = true;
            }
            uint64_t floor = random_one_in(&r, 2)
                                 ? 0
                                 : below - random_below(&r, below < 2000 ? below : 2000);
            uint64_t expected = below;
            while (expected > floor && !flags[expected - 1])
                expected--;
            uint64_t offset;
            if (expected > floor) {
                assert_true(act_marks_take(&marks, floor, &offset));
                assert_true(offset == expected - 1);
                flags[offset] = false;
                below = offset;
            } else {
                assert_false(act_marks_take(&marks, floor, &offset));
                below = floor;
            }
        }
        act_marks_close(&marks);
    }
    free(flags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_gives_nothing),     cmocka_unit_test(a_mark_is_new_once),
        cmocka_unit_test(the_floor_holds_marks_back),     cmocka_unit_test(chunks_are_freed_behind),
        cmocka_unit_test(random_marks_come_out_in_order), cmocka_unit_test(lists_become_bits),
        cmocka_unit_test(few_marks_take_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
