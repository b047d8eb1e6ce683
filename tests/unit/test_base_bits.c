#include "base/bits.h"

#include "support/check.h"
#include "support/random.h"

/* One bit after the other, which cannot be wrong. */
static void compare_with_counting(uint64_t v)
{
    unsigned count = 0, lowest = 64, highest = 64;
    for (unsigned i = 0; i < 64; i++) {
        if (!(v >> i & 1))
            continue;
        count++;
        highest = i;
        if (lowest == 64)
            lowest = i;
    }
    assert_int_equal(act_popcount64(v), count);
    if (v) {
        assert_int_equal(act_lowest_bit64(v), lowest);
        assert_int_equal(act_highest_bit64(v), highest);
    }
}

static void single_bits_and_their_neighbours(void **state)
{
    (void)state;
    compare_with_counting(0);
    for (unsigned i = 0; i < 64; i++) {
        compare_with_counting((uint64_t)1 << i);
        compare_with_counting(((uint64_t)1 << i) - 1);
        compare_with_counting(~((uint64_t)1 << i));
        compare_with_counting(UINT64_MAX << i);
        for (unsigned j = 0; j < 64; j++)
            compare_with_counting((uint64_t)1 << i | (uint64_t)1 << j);
    }
}

static void random_words(void **state)
{
    (void)state;
    struct random r = random_of(1);
    for (int round = 0; round < 20000; round++) {
        uint64_t v = random_u64(&r);
        compare_with_counting(v);
        compare_with_counting(v & random_u64(&r) & random_u64(&r));
        compare_with_counting(v | random_u64(&r) | random_u64(&r));
    }
}

static void bitmaps_hold_what_was_set(void **state)
{
    (void)state;
    uint8_t bits[8] = {0};
    for (unsigned i = 0; i < 64; i += 1 + i % 3)
        act_set_bit(bits, i);
    unsigned next = 0;
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(act_bit(bits, i), i == next);
        assert_int_equal(act_bit(bits, i), bits[i / 8] >> i % 8 & 1);
        next += i == next ? 1 + i % 3 : 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_bits_and_their_neighbours),
        cmocka_unit_test(random_words),
        cmocka_unit_test(bitmaps_hold_what_was_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
