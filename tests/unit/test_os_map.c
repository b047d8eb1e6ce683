/* A file's bytes in memory: all of them, zeros after them, and at addresses fit for huge pages. */
#define _DEFAULT_SOURCE

#include "os/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"
#include "support/scratch.h"

enum {
    HUGE_PAGE_NBYTES = 2 << 20
};

static char *dir;
static char path[4096];

static int set_up(void **state)
{
    (void)state;
    dir = scratch_make();
    snprintf(path, sizeof(path), "%s/file", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + at / 256 + 1);
}

static void write_pattern(size_t nbytes)
{
    uint8_t *bytes = malloc(nbytes);
    assert_non_null(bytes);
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = pattern(i);
    scratch_write(path, bytes, nbytes);
    free(bytes);
}

static void expect_pattern(const struct act_os_bytes *opened, size_t nbytes)
{
    assert_int_equal(opened->nbytes, nbytes);
    size_t at = 0;
    while (at < nbytes && opened->bytes[at] == pattern(at))
        at++;
    assert_int_equal(at, nbytes);
    assert_true(opened->padding_nbytes >= 256);
    for (size_t i = 0; i < opened->padding_nbytes; i++)
        assert_int_equal(opened->bytes[nbytes + i], 0);
}

static const size_t sizes[] = {1,      4095,    4096,    4097,    65536,
                               100000, 2097151, 2097152, 2097153, 5000000};

static void mapped_and_read_files_are_the_same_with_zeros_after_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct act_os_bytes opened;
        write_pattern(sizes[i]);
        assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &opened, NULL),
                         ACT_OK);
        assert_true(opened.mapped);
        expect_pattern(&opened, sizes[i]);
        act_os_bytes_close(&opened);
        assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_READ, ACT_GUARD_NONE, 0, &opened, NULL),
                         ACT_OK);
        assert_false(opened.mapped);
        expect_pattern(&opened, sizes[i]);
        act_os_bytes_close(&opened);
    }
}

static void the_size_decides_by_itself(void **state)
{
    (void)state;
    struct act_os_bytes opened;
    write_pattern(1000);
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_AUTO, ACT_GUARD_NONE, 1000, &opened, NULL),
                     ACT_OK);
    assert_false(opened.mapped);
    act_os_bytes_close(&opened);
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_AUTO, ACT_GUARD_NONE, 999, &opened, NULL),
                     ACT_OK);
    assert_true(opened.mapped);
    act_os_bytes_close(&opened);
}

/* Whatever was mapped before: so several at once, with something small between. */
static void large_files_begin_where_huge_pages_do(void **state)
{
    (void)state;
    struct act_os_bytes opened[6];
    for (size_t i = 0; i < 6; i++) {
        write_pattern(i % 2 ? 4096 : 2097152 + i * 4096);
        assert_int_equal(
            act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &opened[i], NULL), ACT_OK);
        if (i % 2 == 0)
            assert_int_equal((uintptr_t)opened[i].bytes % HUGE_PAGE_NBYTES, 0);
        /* A new file: cutting the old one short would take its bytes from under the mapping. */
        assert_int_equal(remove(path), 0);
    }
    for (size_t i = 0; i < 6; i++)
        act_os_bytes_close(&opened[i]);
}

static void private_maps_and_copies_are_the_same(void **state)
{
    (void)state;
    static const size_t some[] = {1, 4096, 100000, 2097152, 5000001};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        struct act_os_bytes opened;
        write_pattern(some[i]);
        assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &opened, NULL),
                         ACT_OK);
        static const enum act_os_backing backings[] = {ACT_OS_BACKING_PRIVATE, ACT_OS_BACKING_COPY,
                                                       ACT_OS_BACKING_SHARED};
        for (size_t j = 0; j < 3; j++) {
            assert_int_equal(act_os_bytes_set_backing(&opened, 0, some[i], backings[j]), 0);
            expect_pattern(&opened, some[i]);
        }
        assert_int_equal(act_os_bytes_copy(&opened, NULL), ACT_OK);
        assert_true(opened.mapped && opened.copied);
        assert_int_equal((uintptr_t)opened.bytes % HUGE_PAGE_NBYTES, 0);
        assert_int_equal(remove(path), 0);
        expect_pattern(&opened, some[i]);
        act_os_bytes_close(&opened);
    }
}

static void what_cannot_be_copied_stays(void **state)
{
    (void)state;
    struct act_os_bytes opened;
    act_error error;
    write_pattern(100000);
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &opened, NULL),
                     ACT_OK);
    const uint8_t *before = opened.bytes;
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(act_os_bytes_copy(&opened, &error), ACT_ERR_IO);
    assert_int_equal(error.status, ACT_ERR_IO);
    assert_int_equal(act_os_bytes_set_backing(&opened, 4096, 4096, ACT_OS_BACKING_COPY), EIO);
    assert_int_equal(act_os_bytes_set_backing(&opened, 0, 4096, ACT_OS_BACKING_COPY), 0);
    assert_true(opened.bytes == before && !opened.copied);
    assert_int_equal(opened.nbytes, 100000);
    act_os_bytes_close(&opened);
    assert_int_equal(remove(path), 0);
}

/* The file has its length again, but not its bytes. */
static void what_a_guard_does_not_hold_of_is_not_copied(void **state)
{
    (void)state;
    struct act_os_bytes opened;
    act_error error;
    write_pattern(100000);
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_SIGNAL, 0, &opened, NULL),
                     ACT_OK);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(truncate(path, 100000), 0);
    assert_int_equal(act_os_bytes_copy(&opened, &error), ACT_ERR_IO);
    assert_int_not_equal(error.os_code, 0);
    assert_true(opened.guard && !opened.copied);
    act_os_bytes_close(&opened);
    assert_int_equal(remove(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapped_and_read_files_are_the_same_with_zeros_after_them),
        cmocka_unit_test(the_size_decides_by_itself),
        cmocka_unit_test(large_files_begin_where_huge_pages_do),
        cmocka_unit_test(private_maps_and_copies_are_the_same),
        cmocka_unit_test(what_cannot_be_copied_stays),
        cmocka_unit_test(what_a_guard_does_not_hold_of_is_not_copied),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
