/* Bytes that wait, in memory or in a file: they come back as they were, or there is an error. */
#include "build/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

#if CHECK_POSIX
#include <signal.h>
#include <sys/resource.h>
#endif

static char *dir;
static char path[4096];

static int set_up(void **state)
{
    (void)state;
    dir = scratch_make();
    snprintf(path, sizeof(path), "%s/map.act", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

/* Writes and reads `total` bytes in pieces of up to `most`. */
static void expect_same(struct random *r, size_t total, size_t most)
{
    struct act_spool spool;
    uint8_t *bytes = malloc(2 * total + 1);
    assert_non_null(bytes);
    uint8_t *again = bytes + total;
    random_fill(r, bytes, total);
    assert_int_equal(act_spool_open(&spool, path, NULL), ACT_OK);
    for (size_t done = 0; done < total;) {
        size_t part = random_below(r, most + 1);
        if (part > total - done)
            part = total - done;
        assert_int_equal(act_spool_write(&spool, bytes + done, part, NULL), ACT_OK);
        done += part;
    }
    assert_int_equal(spool.temp != NULL, total > ACT_SPOOL_BUFFER_NBYTES);
    assert_int_equal(act_spool_rewind(&spool, NULL), ACT_OK);
    for (size_t done = 0; done < total;) {
        size_t part = random_below(r, most + 1);
        if (part > total - done)
            part = total - done;
        assert_int_equal(act_spool_read(&spool, again + done, part, NULL), ACT_OK);
        done += part;
    }
    assert_memory_equal(bytes, again, total);
    act_spool_close(&spool);
    free(bytes);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct random r = random_of(9);
    expect_same(&r, 0, 1);
    expect_same(&r, 1000, 7);
    for (size_t off = 0; off < 3; off++)
        expect_same(&r, ACT_SPOOL_BUFFER_NBYTES - 1 + off, 70000);
    expect_same(&r, 5 * ACT_SPOOL_BUFFER_NBYTES + 12345, 100);
    expect_same(&r, 5 * ACT_SPOOL_BUFFER_NBYTES, 3 * ACT_SPOOL_BUFFER_NBYTES);
}

/* Writes more than memory takes; an error must come, and name the folder. */
static void expect_refused(const char *beside, int os_code)
{
    static uint8_t zeros[ACT_SPOOL_BUFFER_NBYTES];
    struct act_spool spool;
    act_error error = {0};
    assert_int_equal(act_spool_open(&spool, beside, NULL), ACT_OK);
    assert_int_equal(act_spool_write(&spool, zeros, sizeof(zeros), &error), ACT_OK);
    act_status status = act_spool_write(&spool, zeros, sizeof(zeros), &error);
    if (status == ACT_OK)
        status = act_spool_rewind(&spool, &error);
    assert_int_equal(status, ACT_ERR_IO);
    assert_int_equal(error.os_code, os_code);
    assert_non_null(strstr(error.text, "temporary file"));
    act_spool_close(&spool);
}

static void a_folder_that_is_not_there(void **state)
{
    (void)state;
    char beside[4200];
    snprintf(beside, sizeof(beside), "%s/gone/map.act", dir);
    expect_refused(beside, ENOENT);
}

#if CHECK_POSIX
static void a_file_that_may_not_grow(void **state)
{
    (void)state;
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = {4096, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_refused(path, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_folder_that_is_not_there),
#if CHECK_POSIX
        cmocka_unit_test(a_file_that_may_not_grow),
#endif
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
