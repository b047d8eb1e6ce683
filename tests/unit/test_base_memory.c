#include "base/memory.h"

#include <stdlib.h>

#include "support/check.h"

/* A sanitizer ends the program where an allocation is too large to ever succeed; here NULL is the
 * very thing to look at. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void an_array_grows_and_keeps_its_contents(void **state)
{
    (void)state;
    uint32_t *array = NULL;
    size_t capacity = 0, moves = 0;
    for (size_t count = 0; count < 100000; count++) {
        size_t before = capacity;
        assert_true(act_reserve(&array, &capacity, count + 1, sizeof(*array)));
        assert_true(capacity >= count + 1);
        moves += capacity != before;
        array[count] = (uint32_t)count * 3;
    }
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(array[i], i * 3);
    /* By half each time: appending costs a constant amount on average. */
    assert_true(moves < 30);
    free(array);
}

static void enough_room_changes_nothing(void **state)
{
    (void)state;
    uint64_t *array = NULL;
    size_t capacity = 0;
    assert_true(act_reserve(&array, &capacity, 0, sizeof(*array)));
    assert_null(array);
    assert_int_equal(capacity, 0);

    assert_true(act_reserve(&array, &capacity, 1000, sizeof(*array)));
    assert_int_equal(capacity, 1000);
    const uint64_t *where = array;
    assert_true(act_reserve(&array, &capacity, 1000, sizeof(*array)));
    assert_true(act_reserve(&array, &capacity, 1, sizeof(*array)));
    assert_ptr_equal(array, where);
    assert_int_equal(capacity, 1000);
    free(array);
}

static void a_refusal_leaves_the_array_alone(void **state)
{
    (void)state;
    uint64_t *array = NULL;
    size_t capacity = 0;
    assert_true(act_reserve(&array, &capacity, 20, sizeof(*array)));
    const uint64_t *where = array;
    array[19] = 77;
    const size_t hopeless[] = {
        SIZE_MAX,                         /* the product overflows */
        SIZE_MAX / sizeof(*array) + 1,    /* by one */
        SIZE_MAX / sizeof(*array),        /* fits a size_t and no memory */
        SIZE_MAX / sizeof(*array) / 2 + 1 /* so does a half */
    };
    for (size_t i = 0; i < sizeof(hopeless) / sizeof(*hopeless); i++) {
        assert_false(act_reserve(&array, &capacity, hopeless[i], sizeof(*array)));
        assert_ptr_equal(array, where);
        assert_int_equal(capacity, 20);
        assert_int_equal(array[19], 77);
    }
    free(array);
}

static void growth_by_half_stops_at_what_a_size_can_tell(void **state)
{
    (void)state;
    /* As if the array were that large already: half more would overflow, and none is to be had. */
    void *array = NULL;
    size_t capacity = SIZE_MAX / 4 * 3;
    assert_false(act_reserve(&array, &capacity, capacity + 1, 1));
    assert_null(array);
    assert_int_equal(capacity, SIZE_MAX / 4 * 3);
}

static void huge_elements_are_counted_in_ones(void **state)
{
    (void)state;
    /* So large that 16 of them, the usual first step, would overflow, and that no machine has one:
     * refused without a crash. */
    const size_t half = SIZE_MAX / 2 + 1;
    void *array = NULL;
    size_t capacity = 0;
    assert_false(act_reserve(&array, &capacity, 1, half));
    assert_null(array);
    assert_int_equal(capacity, 0);
    assert_false(act_reserve(&array, &capacity, 2, half));
    assert_null(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_grows_and_keeps_its_contents),
        cmocka_unit_test(enough_room_changes_nothing),
        cmocka_unit_test(a_refusal_leaves_the_array_alone),
        cmocka_unit_test(growth_by_half_stops_at_what_a_size_can_tell),
        cmocka_unit_test(huge_elements_are_counted_in_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
