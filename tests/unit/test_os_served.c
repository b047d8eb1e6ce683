/* Pages that a thread reads when they are touched: what the file is, or an error, and no signal. */
#define _GNU_SOURCE

#include "os/served.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/guard.h"
#include "support/check.h"
#include "support/scratch.h"

static bool is_forbidden; /* userfaultfd, as in some containers */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    va_list arguments;
    va_start(arguments, number);
    unsigned flags = va_arg(arguments, unsigned);
    va_end(arguments);
    if (is_forbidden && number == SYS_userfaultfd) {
        errno = EPERM;
        return -1;
    }
    return __real_syscall(number, flags);
}

enum {
    PAGE = 4096,
    PAGES = 100,
    NBYTES = PAGES * PAGE - 1000,
    SKIPPED = 77
};

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + at / 256 + 1);
}

static void write_pattern(void)
{
    static uint8_t bytes[NBYTES];
    for (size_t i = 0; i < NBYTES; i++)
        bytes[i] = pattern(i);
    scratch_write(scratch_map, bytes, NBYTES);
}

static struct act_os_bytes open_served(void)
{
    struct act_os_bytes opened;
    act_error error;
    write_pattern();
    act_status status = act_os_bytes_open(scratch_map, ACT_ACCESS_MAP, ACT_GUARD_THREAD, 0, &opened,
                                          &error);
    if (status != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(opened.nbytes, NBYTES);
    assert_false(opened.mapped);
    return opened;
}

static uint8_t read_at(const struct act_os_bytes *opened, size_t off)
{
    return *(const volatile uint8_t *)(opened->bytes + off);
}

static void expect_pattern(const struct act_os_bytes *opened, size_t from, size_t to)
{
    size_t at = from;
    while (at < to && read_at(opened, at) == pattern(at))
        at++;
    assert_int_equal(at, to);
}

static void all_bytes_are_there(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_served();
    /* Here and there, then one after the other. */
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(read_at(&opened, i * 37 % PAGES * PAGE), pattern(i * 37 % PAGES * PAGE));
    expect_pattern(&opened, 0, NBYTES);
    for (size_t i = 0; i < opened.padding_nbytes; i++)
        assert_int_equal(read_at(&opened, NBYTES + i), 0);
    assert_int_equal(read_at(&opened, PAGES * PAGE), 0);
    assert_true(act_os_guard_holds(opened.guard));
    act_os_bytes_close(&opened);
    opened = open_served();
    expect_pattern(&opened, 0, NBYTES);
    act_os_bytes_close(&opened);
}

static void pages_given_back_are_read_again(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_served();
    expect_pattern(&opened, 0, NBYTES);
    void *middle = (void *)(uintptr_t)(opened.bytes + 10 * PAGE);
    assert_int_equal(madvise(middle, 20 * PAGE, MADV_DONTNEED), 0);
    assert_int_equal(read_at(&opened, 20 * PAGE), pattern(20 * PAGE));
    expect_pattern(&opened, 0, NBYTES);
    assert_true(act_os_guard_holds(opened.guard));
    act_os_bytes_close(&opened);
}

static void a_cut_file_is_zeros_and_an_error(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_served();
    expect_pattern(&opened, 50 * PAGE, 51 * PAGE);
    assert_int_equal(truncate(scratch_map, 60 * PAGE + 5), 0);
    /* What was read stays. */
    expect_pattern(&opened, 50 * PAGE, 51 * PAGE);
    assert_true(act_os_guard_holds(opened.guard));
    assert_int_equal(read_at(&opened, 70 * PAGE), 0);
    assert_false(act_os_guard_holds(opened.guard));
    assert_int_equal(act_os_guard_break(opened.guard), ESTALE);
    for (size_t at = 0; at < NBYTES; at += PAGE)
        read_at(&opened, at);
    act_os_bytes_close(&opened);
}

static void bytes_written_over_are_an_error(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_served();
    expect_pattern(&opened, 0, PAGE);
    usleep(20 * 1000); /* times of writing are told in steps */
    FILE *file = fopen(scratch_map, "r+b");
    assert_non_null(file);
    assert_int_equal(fputc('y', file), 'y');
    assert_int_equal(fclose(file), 0);
    assert_true(act_os_guard_holds(opened.guard));
    read_at(&opened, 90 * PAGE);
    assert_false(act_os_guard_holds(opened.guard));
    act_os_bytes_close(&opened);
}

static void a_file_that_is_replaced_goes_on(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_served();
    assert_int_equal(unlink(scratch_map), 0);
    write_pattern();
    expect_pattern(&opened, 0, NBYTES);
    assert_true(act_os_guard_holds(opened.guard));
    act_os_bytes_close(&opened);
}

/* In a child there is nobody who reads pages: all that it learns is that. */
static void a_child_has_to_open_anew(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_served();
    expect_pattern(&opened, 0, PAGE);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        bool held = act_os_guard_holds(opened.guard);
        for (size_t at = 0; at < NBYTES; at += PAGE)
            read_at(&opened, at);
        act_os_bytes_close(&opened);
        /* Under a checker of threads such a child may start none. */
        const char *sanitizers = getenv("ACT_TEST_SANITIZE");
        if (sanitizers && strstr(sanitizers, "thread"))
            _exit(held);
        struct act_os_bytes own;
        act_status status = act_os_bytes_open(scratch_map, ACT_ACCESS_MAP, ACT_GUARD_THREAD, 0,
                                              &own, NULL);
        bool right = status == ACT_OK && read_at(&own, 50 * PAGE) == pattern(50 * PAGE) &&
                     act_os_guard_holds(own.guard);
        if (status == ACT_OK)
            act_os_bytes_close(&own);
        _exit(!held && right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_pattern(&opened, 0, NBYTES);
    assert_true(act_os_guard_holds(opened.guard));
    act_os_bytes_close(&opened);
}

static void *touch_all(void *context)
{
    const struct act_os_bytes *opened = context;
    for (size_t i = 0; i < PAGES; i++) {
        size_t at = (i * 61 + (uintptr_t)&i / PAGE) % PAGES * PAGE;
        if (read_at(opened, at) != pattern(at))
            return context;
    }
    return NULL;
}

static void many_threads_touch_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < (CHECK_SLOW_BUILD ? 3 : 20); round++) {
        pthread_t threads[8];
        struct act_os_bytes opened = open_served();
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, touch_all, &opened), 0);
        for (size_t i = 0; i < 8; i++) {
            void *result;
            assert_int_equal(pthread_join(threads[i], &result), 0);
            assert_null(result);
        }
        act_os_bytes_close(&opened);
    }
}

static void where_it_is_forbidden_that_is_said(void **state)
{
    (void)state;
    struct act_os_bytes opened;
    act_error error;
    write_pattern();
    is_forbidden = true;
    act_status status = act_os_bytes_open(scratch_map, ACT_ACCESS_MAP, ACT_GUARD_THREAD, 0, &opened,
                                          &error);
    is_forbidden = false;
    assert_int_equal(status, ACT_ERR_IO);
    assert_int_equal(error.os_code, EPERM);
    assert_non_null(strstr(error.text, "thread"));
}

/* Whether the system lets a thread serve pages; if not, says why. */
static bool is_allowed(void)
{
    struct act_os_bytes opened;
    act_error error;
    void *state = NULL;
    if (scratch_set_up(&state) != 0)
        return true; /* the tests will say so */
    write_pattern();
    act_status status = act_os_bytes_open(scratch_map, ACT_ACCESS_MAP, ACT_GUARD_THREAD, 0, &opened,
                                          &error);
    if (status == ACT_OK)
        act_os_bytes_close(&opened);
    else
        printf("skipped: %s\n", error.text);
    scratch_tear_down(&state);
    return status == ACT_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_are_there),
        cmocka_unit_test(pages_given_back_are_read_again),
        cmocka_unit_test(a_cut_file_is_zeros_and_an_error),
        cmocka_unit_test(bytes_written_over_are_an_error),
        cmocka_unit_test(a_file_that_is_replaced_goes_on),
        cmocka_unit_test(a_child_has_to_open_anew),
        cmocka_unit_test(many_threads_touch_at_once),
        cmocka_unit_test(where_it_is_forbidden_that_is_said),
    };
    const struct CMUnitTest forbidden[] = {
        cmocka_unit_test(where_it_is_forbidden_that_is_said),
    };
    if (is_allowed())
        return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
    int failed = cmocka_run_group_tests(forbidden, scratch_set_up, scratch_tear_down);
    return failed ? failed : SKIPPED;
}
