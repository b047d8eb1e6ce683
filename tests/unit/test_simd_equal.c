#include "simd/equal.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/random.h"

static void every_length_sees_every_byte_and_no_other(void **state)
{
    (void)state;
    struct random r = random_of(1);
    for (size_t nbytes = 0; nbytes < 70; nbytes++) {
        /* Of their own size, so that a sanitizer sees one byte too many. */
        uint8_t *a = malloc(nbytes + 1), *b = malloc(nbytes + 1);
        assert_true(a && b);
        random_fill(&r, a, nbytes);
        memcpy(b, a, nbytes);
        a = realloc(a, nbytes ? nbytes : 1);
        b = realloc(b, nbytes ? nbytes : 1);
        assert_true(a && b);
        assert_true(act_equal(a, b, nbytes));
        for (size_t i = 0; i < nbytes; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                b[i] ^= (uint8_t)(1u << bit);
                assert_false(act_equal(a, b, nbytes));
                b[i] ^= (uint8_t)(1u << bit);
            }
        }
        free(b);
        free(a);
    }
}

static void up_to_16_bytes_the_rest_is_ignored(void **state)
{
    (void)state;
    struct random r = random_of(2);
    for (int round = 0; round < 200; round++) {
        uint8_t a[19], b[17];
        random_fill(&r, a, sizeof(a));
        random_fill(&r, b, sizeof(b));
        unsigned shift = (unsigned)round % 3;
        for (unsigned nbytes = 0; nbytes <= 16; nbytes++) {
            memcpy(b, a + shift, nbytes);
            assert_true(act_equal_upto16(a + shift, b, nbytes));
            for (unsigned i = 0; i < 16; i++) {
                b[i] ^= 0x80;
                bool same = memcmp(a + shift, b, nbytes) == 0;
                assert_int_equal(act_equal_upto16(a + shift, b, nbytes), same);
                b[i] ^= 0x80;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_sees_every_byte_and_no_other),
        cmocka_unit_test(up_to_16_bytes_the_rest_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
