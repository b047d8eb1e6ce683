/* Temporary files: what was written is read, and no name of them is seen. */
#define _XOPEN_SOURCE 700

#include "os/temp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

static void what_was_written_is_read(void **state)
{
    (void)state;
    static uint8_t bytes[300000], read[sizeof(bytes)];
    struct random random = random_of(1);
    random_fill(&random, bytes, sizeof(bytes));
    struct act_os_temp *temp;
    assert_int_equal(act_os_temp_open(scratch_dir, &temp, NULL), ACT_OK);
    assert_int_equal(scratch_count(scratch_dir), 0);
    assert_int_equal(act_os_temp_nbytes(temp), 0);
    size_t written = 0;
    while (written < sizeof(bytes)) {
        size_t part = random_below(&random, 9000);
        part = part < sizeof(bytes) - written ? part : sizeof(bytes) - written;
        assert_int_equal(act_os_temp_write(temp, bytes + written, part, NULL), ACT_OK);
        written += part;
        assert_int_equal(act_os_temp_nbytes(temp), written);
        size_t off = random_below(&random, written + 1);
        assert_int_equal(act_os_temp_read(temp, off, read, written - off, NULL), ACT_OK);
        assert_memory_equal(read, bytes + off, written - off);
    }
    assert_int_equal(scratch_count(scratch_dir), 0);
    act_os_temp_close(temp);
    act_os_temp_close(NULL);
}

static void what_was_not_written_cannot_be_read(void **state)
{
    (void)state;
    char text[8];
    act_error error = {0};
    struct act_os_temp *temp;
    assert_int_equal(act_os_temp_open(scratch_dir, &temp, NULL), ACT_OK);
    assert_int_equal(act_os_temp_write(temp, "abc", 3, NULL), ACT_OK);
    assert_int_equal(act_os_temp_read(temp, 1, text, 3, &error), ACT_ERR_IO);
    assert_int_equal(error.os_code, EIO);
    assert_non_null(strstr(error.text, scratch_dir));
    act_os_temp_close(temp);
}

/* What is told to be of no more use is forgotten, and nothing else is; twice is no more than once.
 */
static void the_rest_stays_when_a_part_is_forgotten(void **state)
{
    (void)state;
    enum {
        FROM = 5000,
        TO = 250001
    };
    static uint8_t bytes[300000], read[sizeof(bytes)];
    struct random random = random_of(2);
    random_fill(&random, bytes, sizeof(bytes));
    struct act_os_temp *temp;
    assert_int_equal(act_os_temp_open(scratch_dir, &temp, NULL), ACT_OK);
    assert_int_equal(act_os_temp_write(temp, bytes, sizeof(bytes), NULL), ACT_OK);
    for (int i = 0; i < 2; i++) {
        act_os_temp_forget(temp, FROM, TO - FROM);
        act_os_temp_forget(temp, FROM, 0);
        assert_int_equal(act_os_temp_nbytes(temp), sizeof(bytes));
        assert_int_equal(act_os_temp_read(temp, 0, read, sizeof(read), NULL), ACT_OK);
        assert_memory_equal(read, bytes, FROM);
        assert_memory_equal(read + TO, bytes + TO, sizeof(bytes) - TO);
    }
    /* It need not be forgotten, but is nothing else than what it was, or zeros. */
    static const uint8_t zeros[TO - FROM];
    assert_true(memcmp(read + FROM, zeros, TO - FROM) == 0 ||
                memcmp(read + FROM, bytes + FROM, TO - FROM) == 0);
    act_os_temp_close(temp);
}

static void folders_that_cannot_take_it(void **state)
{
    (void)state;
    act_error error = {0};
    char *file = scratch_path(scratch_dir, "file"), *none = scratch_path(scratch_dir, "none");
    struct act_os_temp *temp = (struct act_os_temp *)&error;
    scratch_write(file, "", 0);
    assert_int_equal(act_os_temp_open(none, &temp, &error), ACT_ERR_IO);
    assert_null(temp);
    assert_int_equal(error.os_code, ENOENT);
    assert_non_null(strstr(error.text, none));
    assert_int_equal(act_os_temp_open(file, &temp, &error), ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOTDIR);
    free(none);
    free(file);
}

static void the_folder_of_the_system(void **state)
{
    (void)state;
    act_error error = {0};
    struct act_os_temp *temp;
    char *none = scratch_path(scratch_dir, "none");
    const char *set = getenv("TMPDIR");
    char *before = set ? strdup(set) : NULL;
    assert_int_equal(setenv("TMPDIR", none, 1), 0);
    assert_int_equal(act_os_temp_open(NULL, &temp, &error), ACT_ERR_IO);
    assert_non_null(strstr(error.text, none));
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    assert_int_equal(act_os_temp_open(NULL, &temp, &error), ACT_OK);
    act_os_temp_close(temp);
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
    free(before);
    free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(what_was_not_written_cannot_be_read),
        cmocka_unit_test(the_rest_stays_when_a_part_is_forgotten),
        cmocka_unit_test(folders_that_cannot_take_it),
        cmocka_unit_test(the_folder_of_the_system),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
