#include "format/varint.h"

#include <string.h>

#include "support/check.h"
#include "support/random.h"

/* The whole encoding, written down: first byte and length for values around every boundary. */
static const struct {
    uint64_t value;
    unsigned nbytes;
    uint8_t first;
} boundaries[] = {
    {0, 1, 0},
    {1, 1, 1},
    {246, 1, 246},
    {247, 1, 247},
    {248, 2, 248},
    {255, 2, 248},
    {256, 3, 249},
    {0xffff, 3, 249},
    {0x10000, 4, 250},
    {0xffffff, 4, 250},
    {0x1000000, 5, 251},
    {0xffffffff, 5, 251},
    {0x100000000, 6, 252},
    {0xffffffffff, 6, 252},
    {0x10000000000, 7, 253},
    {0xffffffffffff, 7, 253},
    {0x1000000000000, 8, 254},
    {0xffffffffffffff, 8, 254},
    {0x100000000000000, 9, 255},
    {(uint64_t)1 << 63, 9, 255},
    {UINT64_MAX, 9, 255},
};
enum {
    BOUNDARIES = sizeof(boundaries) / sizeof(*boundaries)
};

static void every_boundary_is_written_in_the_shortest_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < BOUNDARIES; i++) {
        uint64_t value = boundaries[i].value;
        uint8_t bytes[16];
        memset(bytes, 0xcc, sizeof(bytes));
        const uint8_t *end = act_varint_write(bytes, value);
        assert_int_equal(end - bytes, boundaries[i].nbytes);
        assert_int_equal(bytes[0], boundaries[i].first);
        for (unsigned b = 1; b < boundaries[i].nbytes; b++)
            assert_int_equal(bytes[b], value >> 8 * (b - 1) & 0xff);
        /* Nine bytes may be written to; the tenth is somebody else's. */
        assert_int_equal(bytes[9], 0xcc);
        assert_int_equal(act_varint_nbytes_of(value), boundaries[i].nbytes);
        assert_int_equal(act_varint_nbytes(bytes[0]), boundaries[i].nbytes);
    }
}

/* Also those that nobody writes. */
static void the_tables_say_the_same_for_every_first_byte(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t bytes[16] = {(uint8_t)first, 1, 2, 3, 4, 5, 6, 7, 8};
        const uint8_t *p = bytes, *q = bytes;
        assert_int_equal(act_varint_read_mixed(&p), act_varint_read(&q));
        assert_ptr_equal(p, q);
        assert_int_equal(act_varint_lengths[first], act_varint_nbytes((uint8_t)first));
    }
}

static void all_readers_read_what_was_written(void **state)
{
    (void)state;
    struct random r = random_of(1);
    for (size_t i = 0; i < BOUNDARIES + 10000; i++) {
        uint64_t value = i < BOUNDARIES ? boundaries[i].value
                                        : random_u64(&r) >> random_below(&r, 64);
        uint8_t bytes[18];
        random_fill(&r, bytes, sizeof(bytes));
        const uint8_t *end = act_varint_write(bytes, value);
        assert_int_equal(act_varint_nbytes_of(value), end - bytes);

        const uint8_t *p = bytes;
        assert_int_equal(act_varint_read(&p), value);
        assert_ptr_equal(p, end);
        p = bytes;
        assert_int_equal(act_varint_read_mixed(&p), value);
        assert_ptr_equal(p, end);
        p = bytes;
        uint64_t read = 0;
        assert_int_equal(act_varint_read_checked(&p, end, &read), 1);
        assert_int_equal(read, value);
        assert_ptr_equal(p, end);
    }
}

static void a_cut_varint_is_refused_and_nothing_moves(void **state)
{
    (void)state;
    for (size_t i = 0; i < BOUNDARIES; i++) {
        uint8_t bytes[9];
        act_varint_write(bytes, boundaries[i].value);
        for (unsigned kept = 0; kept < boundaries[i].nbytes; kept++) {
            const uint8_t *p = bytes;
            uint64_t value = 42;
            assert_int_equal(act_varint_read_checked(&p, bytes + kept, &value), 0);
            assert_ptr_equal(p, bytes);
            assert_int_equal(value, 42);
        }
    }
    /* At the very end, and behind it. */
    const uint8_t one[2] = {5, 6};
    const uint8_t *p = one + 1;
    uint64_t value = 42;
    assert_int_equal(act_varint_read_checked(&p, one + 1, &value), 0);
    assert_int_equal(act_varint_read_checked(&p, one, &value), 0);
    assert_ptr_equal(p, one + 1);
}

static void longer_forms_than_needed_are_understood(void **state)
{
    (void)state;
    for (unsigned nbytes = 1; nbytes <= 8; nbytes++) {
        for (uint64_t value = 0; value < 256; value++) {
            uint8_t bytes[9] = {(uint8_t)(247 + nbytes), (uint8_t)value};
            const uint8_t *p = bytes;
            assert_int_equal(act_varint_read(&p), value);
            assert_ptr_equal(p, bytes + 1 + nbytes);
            uint64_t read = ~value;
            p = bytes;
            assert_int_equal(act_varint_read_checked(&p, bytes + 1 + nbytes, &read), 1);
            assert_int_equal(read, value);
            assert_ptr_equal(p, bytes + 1 + nbytes);
        }
    }
}

static void both_readers_agree_on_any_bytes(void **state)
{
    (void)state;
    struct random r = random_of(2);
    for (unsigned first = 0; first < 256; first++) {
        for (int round = 0; round < 100; round++) {
            uint8_t bytes[9];
            random_fill(&r, bytes, sizeof(bytes));
            bytes[0] = (uint8_t)first;
            const uint8_t *fast = bytes, *careful = bytes;
            uint64_t value = 0;
            uint64_t expected = act_varint_read(&fast);
            assert_int_equal(act_varint_read_checked(&careful, bytes + 9, &value), 1);
            assert_int_equal(value, expected);
            assert_ptr_equal(careful, fast);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_boundary_is_written_in_the_shortest_form),
        cmocka_unit_test(the_tables_say_the_same_for_every_first_byte),
        cmocka_unit_test(all_readers_read_what_was_written),
        cmocka_unit_test(a_cut_varint_is_refused_and_nothing_moves),
        cmocka_unit_test(longer_forms_than_needed_are_understood),
        cmocka_unit_test(both_readers_agree_on_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
