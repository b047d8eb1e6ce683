#include "format/file.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "support/check.h"

/* The empty map: magic, root at 16, a leaf without a value, 8 zeros. */
static const uint8_t empty_map[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};

static act_status check(const uint8_t *bytes, size_t nbytes, act_error *error)
{
    /* A copy of its own size: a sanitizer sees one byte too many. */
    uint8_t *copy = malloc(nbytes ? nbytes : 1);
    assert_non_null(copy);
    if (nbytes)
        memcpy(copy, bytes, nbytes);
    uint64_t root = 4711;
    act_status status = act_file_check(copy, nbytes, "it", &root, error);
    if (status == ACT_OK)
        assert_int_equal(root, act_load_le64(copy + ACT_ROOT_OFF));
    else
        assert_int_equal(root, 4711);
    free(copy);
    return status;
}

static void the_smallest_file_is_the_empty_map(void **state)
{
    (void)state;
    assert_int_equal(check(empty_map, sizeof(empty_map), NULL), ACT_OK);
}

static void shorter_files_are_cut_or_none_at_all(void **state)
{
    (void)state;
    for (size_t nbytes = 0; nbytes < sizeof(empty_map); nbytes++) {
        act_error error;
        assert_int_equal(check(empty_map, nbytes, &error), ACT_ERR_TRUNCATED);
        assert_int_equal(error.status, ACT_ERR_TRUNCATED);
        assert_int_equal(error.offset, nbytes);
        char expected[80];
        snprintf(expected, sizeof(expected),
                 "\"it\" has %u bytes; an ACTree03 file has 25 at least", (unsigned)nbytes);
        assert_string_equal(error.text, expected);
        uint8_t other[sizeof(empty_map)];
        memcpy(other, empty_map, sizeof(other));
        for (size_t i = 0; i < nbytes && i < 8; i++) {
            other[i] ^= 0x20;
            assert_int_equal(check(other, nbytes, &error), ACT_ERR_FORMAT);
            other[i] ^= 0x20;
        }
    }
}

static void every_byte_of_the_magic_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        uint8_t bytes[sizeof(empty_map)];
        memcpy(bytes, empty_map, sizeof(bytes));
        bytes[i]++;
        act_error error;
        assert_int_equal(check(bytes, sizeof(bytes), &error), ACT_ERR_FORMAT);
        assert_int_equal(error.offset, 0);
    }
}

static void the_root_lies_between_header_and_tail(void **state)
{
    (void)state;
    uint8_t bytes[200] = {0};
    memcpy(bytes, empty_map, sizeof(empty_map));
    static const uint64_t good[] = {16, 17, 100, 191};
    static const uint64_t bad[] = {0,
                                   1,
                                   8,
                                   15,
                                   192,
                                   193,
                                   199,
                                   200,
                                   201,
                                   (uint64_t)1 << 32,
                                   (uint64_t)1 << 63,
                                   UINT64_MAX,
                                   UINT64_MAX - 7};
    act_error error;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        act_store_le64(bytes + ACT_ROOT_OFF, good[i]);
        assert_int_equal(check(bytes, sizeof(bytes), &error), ACT_OK);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        act_store_le64(bytes + ACT_ROOT_OFF, bad[i]);
        assert_int_equal(check(bytes, sizeof(bytes), &error), ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, 8);
    }
}

static void the_root_ends_before_the_tail(void **state)
{
    (void)state;
    /* A branch of 3 with a value of 9 bytes: header, value, child offset, bytes are 14 in all. */
    for (uint64_t root = 60; root < 92; root++) {
        uint8_t bytes[100] = {0};
        memcpy(bytes, empty_map, sizeof(empty_map));
        bytes[root] = 0x43;
        bytes[root + 1] = 0xff;
        act_store_le64(bytes + ACT_ROOT_OFF, root);
        act_error error;
        if (root + 14 <= 92) {
            assert_int_equal(check(bytes, sizeof(bytes), &error), ACT_OK);
            continue;
        }
        assert_int_equal(check(bytes, sizeof(bytes), &error), ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, root);
    }
}

static void a_trailer_is_there_when_the_last_eight_bytes_are_not_zero(void **state)
{
    (void)state;
    uint8_t bytes[40] = {0};
    struct act_trailer trailer;
    act_store_le64(bytes + 24, 99);
    assert_false(act_trailer_read(bytes, sizeof(bytes), &trailer));
    for (size_t i = 32; i < 40; i++) {
        bytes[i] = 3;
        assert_true(act_trailer_read(bytes, sizeof(bytes), &trailer));
        assert_int_equal(trailer.previous_trailer, 99);
        assert_int_equal(trailer.previous_root, (uint64_t)3 << 8 * (i - 32));
        bytes[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_file_is_the_empty_map),
        cmocka_unit_test(shorter_files_are_cut_or_none_at_all),
        cmocka_unit_test(every_byte_of_the_magic_counts),
        cmocka_unit_test(the_root_lies_between_header_and_tail),
        cmocka_unit_test(the_root_ends_before_the_tail),
        cmocka_unit_test(a_trailer_is_there_when_the_last_eight_bytes_are_not_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
