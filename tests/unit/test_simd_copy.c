#include "simd/copy.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/random.h"

static void every_length_and_zeros_after_it(void **state)
{
    (void)state;
    struct random r = random_of(1);
    for (size_t nbytes = 0; nbytes < 16; nbytes++) {
        for (int round = 0; round < 20; round++) {
            /* Of its own size, so that a sanitizer sees one byte too many. */
            uint8_t *from = malloc(nbytes ? nbytes : 1);
            assert_non_null(from);
            random_fill(&r, from, nbytes);
            uint8_t to[18], expected[18];
            memset(to, 0xaa, sizeof(to));
            memset(expected, 0, sizeof(expected));
            memcpy(expected + 1, from, nbytes);
            expected[0] = expected[17] = 0xaa;
            act_copy_upto15(to + 1, from, nbytes);
            assert_memory_equal(to, expected, sizeof(to));
            free(from);
        }
    }
    uint8_t none[16];
    memset(none, 0xaa, sizeof(none));
    act_copy_upto15(none, NULL, 0);
    for (size_t i = 0; i < sizeof(none); i++)
        assert_int_equal(none[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_zeros_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
