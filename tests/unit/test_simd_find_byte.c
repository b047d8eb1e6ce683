#include "simd/find_byte.h"

#include <string.h>

#include "support/check.h"
#include "support/random.h"

typedef unsigned (*find_fn)(const uint8_t *bytes, unsigned count, uint8_t byte);

static unsigned find_best(const uint8_t *bytes, unsigned count, uint8_t byte)
{
    return act_find_byte(bytes, count, byte);
}

#if ACT_USE_SSE2
static unsigned find_sse2(const uint8_t *bytes, unsigned count, uint8_t byte)
{
    return act_find_byte_sse2(bytes, count, byte);
}
#endif

#if ACT_USE_NEON
static unsigned find_neon(const uint8_t *bytes, unsigned count, uint8_t byte)
{
    return act_find_byte_neon(bytes, count, byte);
}
#endif

/* Every body there is, each by itself. */
static const find_fn bodies[] = {
    act_find_byte_portable,
    act_find_byte_exact,
    find_best,
#if ACT_USE_SSE2
    find_sse2,
#endif
#if ACT_USE_NEON
    find_neon,
#endif
};

static void check_all_bytes(const uint8_t *bytes, unsigned count)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned expected = 0;
        while (expected < count && bytes[expected] != byte)
            expected++;
        for (size_t b = 0; b < sizeof(bodies) / sizeof(*bodies); b++)
            assert_int_equal(bodies[b](bytes, count, (uint8_t)byte), expected);
    }
}

static void ascending_bytes_are_found_in_every_count(void **state)
{
    (void)state;
    struct random r = random_of(1);
    for (unsigned count = 0; count < 32; count++) {
        for (int round = 0; round < 40; round++) {
            uint8_t bytes[40];
            random_fill(&r, bytes, sizeof(bytes));
            /* What lies behind the count must not be taken for a child. */
            unsigned byte = (unsigned)random_below(&r, 8);
            for (unsigned i = 0; i < count; i++) {
                bytes[i] = (uint8_t)byte;
                byte += 1 + (unsigned)random_below(&r, 7);
            }
            check_all_bytes(bytes, count);
        }
    }
}

static void the_highest_and_the_lowest_bytes_are_found(void **state)
{
    (void)state;
    for (unsigned count = 1; count < 32; count++) {
        uint8_t bytes[32];
        for (unsigned i = 0; i < 32; i++)
            bytes[i] = (uint8_t)i;
        check_all_bytes(bytes, count);
        for (unsigned i = 0; i < 32; i++)
            bytes[i] = (uint8_t)(256 - count + i);
        check_all_bytes(bytes, count);
        for (unsigned i = 0; i < 32; i++)
            bytes[i] = (uint8_t)(128 - count / 2 + i);
        check_all_bytes(bytes, count);
    }
}

static void any_bytes_give_the_first_match(void **state)
{
    (void)state;
    /* A damaged node's bytes need not ascend: the answer is still one and the same. */
    struct random r = random_of(2);
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[32];
        uint64_t few = 1 + random_below(&r, 256);
        for (unsigned i = 0; i < 32; i++)
            bytes[i] = (uint8_t)random_below(&r, few);
        check_all_bytes(bytes, (unsigned)random_below(&r, 32));
    }
}

static void a_mask_counts_the_bits_below(void **state)
{
    (void)state;
    struct random r = random_of(3);
    for (int round = 0; round < 300; round++) {
        uint8_t mask[33]; /* at an odd address too */
        uint64_t set_in = 1 + random_below(&r, 5);
        memset(mask, 0, sizeof(mask));
        uint8_t *at = mask + round % 2;
        for (unsigned bit = 0; bit < 256; bit++) {
            if (random_one_in(&r, set_in))
                at[bit / 8] |= (uint8_t)(1u << bit % 8);
        }
        int below = 0;
        for (unsigned bit = 0; bit < 256; bit++) {
            bool set = at[bit / 8] >> bit % 8 & 1;
            assert_int_equal(act_find_bit(at, (uint8_t)bit), set ? below : -1);
            below += set;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascending_bytes_are_found_in_every_count),
        cmocka_unit_test(the_highest_and_the_lowest_bytes_are_found),
        cmocka_unit_test(any_bytes_give_the_first_match),
        cmocka_unit_test(a_mask_counts_the_bits_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
