#include "base/bytes.h"

#include "support/check.h"
#include "support/random.h"

static void le64_is_little_endian_at_every_alignment(void **state)
{
    (void)state;
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(0xf0 + i);
    for (size_t at = 0; at + 8 <= sizeof(bytes); at++) {
        uint64_t expected = 0;
        for (size_t i = 0; i < 8; i++)
            expected |= (uint64_t)bytes[at + i] << 8 * i;
        assert_int_equal(act_load_le64(bytes + at), expected);
    }
}

static void be64_orders_as_bytes_do(void **state)
{
    (void)state;
    static const uint8_t low[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_int_equal(act_load_be64(low), 0x0102030405060708u);

    struct random r = random_of(1);
    uint8_t a[8], b[8];
    for (int round = 0; round < 1000; round++) {
        random_fill(&r, a, 8);
        memcpy(b, a, 8);
        b[random_below(&r, 8)] = (uint8_t)random_u64(&r);
        int order = memcmp(a, b, 8);
        assert_int_equal(act_load_be64(a) < act_load_be64(b), order < 0);
        assert_int_equal(act_load_be64(a) == act_load_be64(b), order == 0);
    }
}

static void store_writes_eight_bytes_that_load_reads(void **state)
{
    (void)state;
    struct random r = random_of(2);
    for (size_t at = 0; at < 8; at++) {
        uint8_t bytes[18];
        memset(bytes, 0xee, sizeof(bytes));
        uint64_t value = random_u64(&r);
        act_store_le64(bytes + 1 + at, value);
        assert_int_equal(act_load_le64(bytes + 1 + at), value);
        assert_int_equal(bytes[1 + at], value & 0xff);
        assert_int_equal(bytes[8 + at], value >> 56);
        assert_int_equal(bytes[at], 0xee);
        assert_int_equal(bytes[9 + at], 0xee);
    }
}

static void equal_bytes_load_equal_and_others_differ(void **state)
{
    (void)state;
    uint8_t a[9] = {9, 1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t b[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_int_equal(act_load_u64(a + 1), act_load_u64(b));
    assert_int_equal(act_load_u32(a + 1), act_load_u32(b));
    for (size_t i = 0; i < 8; i++) {
        b[i] ^= 0x80;
        assert_int_not_equal(act_load_u64(a + 1), act_load_u64(b));
        assert_int_equal(act_load_u32(a + 1) != act_load_u32(b), i < 4);
        b[i] ^= 0x80;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(le64_is_little_endian_at_every_alignment),
        cmocka_unit_test(be64_orders_as_bytes_do),
        cmocka_unit_test(store_writes_eight_bytes_that_load_reads),
        cmocka_unit_test(equal_bytes_load_equal_and_others_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
