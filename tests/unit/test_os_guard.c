/* The guard by a signal: what is gone becomes zeros and an error, and all other faults stay what
 * they were. Who is to die of a signal does so in a child. */
#define _DEFAULT_SOURCE

#include "os/guard.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/map.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    PAGES = 8,
    HANDED_ON = 42 /* the exit status of children whose own handler was called */
};

static size_t page;
static char *other; /* a file that nobody guards */

static int set_up(void **state)
{
    scratch_set_up(state);
    page = (size_t)sysconf(_SC_PAGESIZE);
    other = scratch_path(scratch_dir, "other");
    return 0;
}

static int tear_down(void **state)
{
    free(other);
    return scratch_tear_down(state);
}

static void write_pages(const char *path, size_t nbytes)
{
    uint8_t *bytes = malloc(nbytes);
    assert_non_null(bytes);
    memset(bytes, 'x', nbytes);
    scratch_write(path, bytes, nbytes);
    free(bytes);
}

static struct act_os_bytes open_guarded(void)
{
    struct act_os_bytes opened;
    write_pages(scratch_map, PAGES * page);
    assert_int_equal(
        act_os_bytes_open(scratch_map, ACT_ACCESS_MAP, ACT_GUARD_SIGNAL, 0, &opened, NULL), ACT_OK);
    assert_true(act_os_guard_holds(opened.guard));
    return opened;
}

static uint8_t read_at(const struct act_os_bytes *opened, size_t off)
{
    return *(const volatile uint8_t *)(opened->bytes + off);
}

/* A page that is gone, and that nobody guards. */
static const volatile uint8_t *lost_page(void)
{
    write_pages(other, page);
    int fd = open(other, O_RDONLY);
    assert_true(fd >= 0);
    const volatile uint8_t *mapped = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    close(fd);
    assert_int_equal(truncate(other, 0), 0);
    return mapped;
}

/* The status of a child that does this, as of waitpid(). */
static int status_of(void (*work)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void expect_killed(int status, int number)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
}

static void expect_exit(int status, int code)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* -------------------------------------------------------------------------------- what is gone */

static void a_cut_file_is_zeros_and_an_error(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    const size_t cuts[] = {0, 1, page, 3 * page + 7, (PAGES - 2) * page, (PAGES - 1) * page + 1};
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct act_os_bytes opened = open_guarded();
        assert_int_equal(read_at(&opened, 0), 'x');
        assert_int_equal(truncate(scratch_map, (off_t)cuts[i]), 0);
        /* Nothing was read since, and it is known all the same. */
        assert_false(act_os_guard_holds(opened.guard));
        for (size_t off = 0; off < PAGES * page; off += page / 2)
            read_at(&opened, off);
        assert_int_not_equal(act_os_guard_break(opened.guard), 0);
        assert_int_equal(read_at(&opened, PAGES * page / 2), 0);
        /* For good. */
        write_pages(scratch_map, PAGES * page);
        assert_false(act_os_guard_holds(opened.guard));
        act_os_bytes_close(&opened);
    }
}

static void a_cut_that_loses_only_zeros_is_none(void **state)
{
    (void)state;
    struct act_os_bytes opened;
    write_pages(scratch_map, PAGES * page);
    assert_int_equal(truncate(scratch_map, (off_t)(PAGES * page + 100)), 0);
    assert_int_equal(
        act_os_bytes_open(scratch_map, ACT_ACCESS_MAP, ACT_GUARD_SIGNAL, 0, &opened, NULL), ACT_OK);
    assert_int_equal(truncate(scratch_map, (off_t)(PAGES * page)), 0);
    assert_int_equal(read_at(&opened, PAGES * page), 0);
    assert_int_equal(read_at(&opened, PAGES * page - 1), 'x');
    assert_true(act_os_guard_holds(opened.guard));
    act_os_bytes_close(&opened);
}

/* As a merge does: opened between its writes, a file ends anywhere, and what comes next may come
 * right behind its last byte, within the same word. */
static void bytes_that_are_appended_change_nothing(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2 * sizeof(uintptr_t); more++) {
        struct act_os_bytes opened;
        write_pages(scratch_map, PAGES * page + more);
        assert_int_equal(
            act_os_bytes_open(scratch_map, ACT_ACCESS_MAP, ACT_GUARD_SIGNAL, 0, &opened, NULL),
            ACT_OK);
        FILE *file = fopen(scratch_map, "ab");
        assert_non_null(file);
        assert_int_equal(fwrite("appended behind it", 1, 18, file), 18);
        assert_int_equal(fclose(file), 0);
        assert_true(act_os_guard_holds(opened.guard));
        assert_int_equal(read_at(&opened, PAGES * page + more), 0);
        if (!CHECK_EMULATED) {
            assert_int_equal(truncate(scratch_map, (off_t)((PAGES - 1) * page)), 0);
            assert_false(act_os_guard_holds(opened.guard));
        }
        act_os_bytes_close(&opened);
    }
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
}

static void the_last_pages_outlive_the_file(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_guarded();
    assert_int_equal(truncate(scratch_map, 0), 0);
    assert_int_equal(read_at(&opened, (PAGES - 1) * page), 'x');
    assert_int_equal(read_at(&opened, PAGES * page - 1), 'x');
    /* Given back to the system, they come again. */
    assert_int_equal(
        madvise((void *)(uintptr_t)(opened.bytes + (PAGES - 1) * page), page, MADV_DONTNEED), 0);
    assert_int_equal(read_at(&opened, PAGES * page - 1), 'x');
    act_os_bytes_close(&opened);
}

static void other_maps_are_not_concerned(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    struct act_os_bytes kept;
    write_pages(other, PAGES * page);
    assert_int_equal(act_os_bytes_open(other, ACT_ACCESS_MAP, ACT_GUARD_SIGNAL, 0, &kept, NULL),
                     ACT_OK);
    struct act_os_bytes opened = open_guarded();
    assert_int_equal(truncate(scratch_map, 0), 0);
    assert_int_equal(read_at(&opened, 0), 0);
    assert_false(act_os_guard_holds(opened.guard));
    assert_true(act_os_guard_holds(kept.guard));
    assert_int_equal(read_at(&kept, 0), 'x');
    act_os_bytes_close(&opened);
    /* One that is closed is used again. */
    opened = open_guarded();
    assert_int_equal(read_at(&opened, 0), 'x');
    assert_true(act_os_guard_holds(opened.guard));
    act_os_bytes_close(&opened);
    act_os_bytes_close(&kept);
}

static void bytes_written_over_the_word_are_noticed(void **state)
{
    (void)state;
    struct act_os_bytes opened = open_guarded();
    FILE *file = fopen(scratch_map, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc('y', file), 'y');
    assert_int_equal(fclose(file), 0);
    assert_false(act_os_guard_holds(opened.guard));
    assert_int_equal(act_os_guard_break(opened.guard), ESTALE);
    act_os_bytes_close(&opened);
}

/* ------------------------------------------------------------------------------ other's faults */

static const volatile uint8_t *unguarded;

static void fault_beside_a_guard(void)
{
    struct act_os_bytes opened = open_guarded();
    (void)opened;
    (void)*unguarded;
}

static void raise_beside_a_guard(void)
{
    struct act_os_bytes opened = open_guarded();
    (void)opened;
    raise(SIGBUS);
}

/* The test framework has a handler, and a checker of memory too. */
static void fault_by_default(void)
{
    signal(SIGBUS, SIG_DFL);
    fault_beside_a_guard();
}

static void raise_by_default(void)
{
    signal(SIGBUS, SIG_DFL);
    raise_beside_a_guard();
}

static void fault_ignored(void)
{
    signal(SIGBUS, SIG_IGN);
    fault_beside_a_guard();
}

static void raise_ignored(void)
{
    signal(SIGBUS, SIG_IGN);
    raise_beside_a_guard();
}

static void what_nobody_handles_kills(void **state)
{
    (void)state;
    unguarded = lost_page();
    expect_killed(status_of(fault_by_default), SIGBUS);
    expect_killed(status_of(raise_by_default), SIGBUS);
    expect_killed(status_of(fault_ignored), SIGBUS);
    expect_exit(status_of(raise_ignored), 0);
}

/* A checker of threads blocks all signals while it calls a handler. */
static bool is_checked_for_races(void)
{
    const char *sanitizers = getenv("ACT_TEST_SANITIZE");
    return sanitizers && strstr(sanitizers, "thread");
}

static void end_with_info(int number, siginfo_t *info, void *context)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    bool as_asked = number == SIGBUS && info && context && sigismember(&mask, SIGBUS) == 1 &&
                    sigismember(&mask, SIGUSR1) == 1 &&
                    (is_checked_for_races() || sigismember(&mask, SIGUSR2) == 0);
    _exit(as_asked && info->si_addr == (const void *)(uintptr_t)unguarded ? HANDED_ON : 1);
}

static void end_plainly(int number)
{
    _exit(number == SIGBUS ? HANDED_ON : 1);
}

static void fault_with_info(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = end_with_info;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGBUS, &action, NULL);
    fault_beside_a_guard();
}

static void fault_plainly(void)
{
    signal(SIGBUS, end_plainly);
    fault_beside_a_guard();
}

static volatile sig_atomic_t calls;

static void count_call(int number)
{
    (void)number;
    calls = calls + 1;
}

/* Called once, and then the default has its turn. */
static void raise_once(void)
{
    struct sigaction action = {.sa_handler = count_call, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
    struct act_os_bytes opened = open_guarded();
    (void)opened;
    raise(SIGBUS);
    if (calls != 1)
        _exit(1);
    raise(SIGBUS);
}

static void the_handler_before_has_its_faults(void **state)
{
    (void)state;
    unguarded = lost_page();
    expect_exit(status_of(fault_plainly), HANDED_ON);
    expect_killed(status_of(raise_once), SIGBUS);
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    expect_exit(status_of(fault_with_info), HANDED_ON);
}

static sigjmp_buf way_out;

static void jump_out(int number)
{
    (void)number;
    siglongjmp(way_out, 1);
}

/* A program that leaves its handler by a jump, again and again, with guarded maps beside. */
static void a_handler_may_jump(void **state)
{
    (void)state;
    struct sigaction before;
    struct sigaction action = {.sa_handler = jump_out};
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGBUS, &action, &before), 0);
    unguarded = lost_page();
    struct act_os_bytes opened = open_guarded();
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(way_out, 1) == 0) {
            (void)*unguarded;
            fail();
        }
        assert_true(act_os_guard_holds(opened.guard));
    }
    if (!CHECK_EMULATED) {
        assert_int_equal(truncate(scratch_map, 0), 0);
        assert_int_equal(read_at(&opened, 0), 0);
    }
    act_os_bytes_close(&opened);
    assert_int_equal(sigaction(SIGBUS, &before, NULL), 0);
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
}

/* --------------------------------------------------------------------------------- the handler */

static void (*handler_now(void))(int)
{
    struct sigaction now;
    assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
    return now.sa_handler;
}

static void the_handler_goes_with_the_last_map(void **state)
{
    (void)state;
    void (*before)(int) = signal(SIGBUS, count_call);
    struct act_os_bytes first = open_guarded();
    void (*ours)(int) = handler_now();
    assert_true(ours != count_call);
    struct act_os_bytes second = open_guarded();
    assert_true(handler_now() == ours);
    act_os_bytes_close(&first);
    assert_true(handler_now() == ours);
    act_os_bytes_close(&second);
    assert_true(handler_now() == count_call);
    signal(SIGBUS, before);
}

static struct sigaction below;
static volatile sig_atomic_t passed_on;

static void pass_on(int number, siginfo_t *info, void *context)
{
    passed_on = passed_on + 1;
    below.sa_sigaction(number, info, context);
}

/* One that the program installs later, and that hands on, as it should. */
static void a_handler_above_stays(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    void (*before)(int) = handler_now();
    struct act_os_bytes opened = open_guarded();
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = pass_on;
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGBUS, &action, &below), 0);
    assert_int_equal(truncate(scratch_map, 0), 0);
    assert_int_equal(read_at(&opened, 0), 0);
    assert_int_equal(passed_on, 1);
    act_os_bytes_close(&opened);
    assert_true(handler_now() == action.sa_handler);
    /* And the next map is guarded by way of it, and not in a circle. */
    opened = open_guarded();
    assert_true(handler_now() == action.sa_handler);
    assert_int_equal(truncate(scratch_map, 0), 0);
    assert_int_equal(read_at(&opened, 0), 0);
    assert_int_equal(passed_on, 2);
    assert_int_equal(sigaction(SIGBUS, &below, NULL), 0);
    act_os_bytes_close(&opened);
    assert_true(handler_now() == before);
}

/* ------------------------------------------------------------------------ children and threads */

static struct act_os_bytes inherited;

static void read_inherited(void)
{
    uint8_t byte = read_at(&inherited, 0);
    bool held = act_os_guard_holds(inherited.guard);
    act_os_bytes_close(&inherited);
    /* And one of its own. */
    struct act_os_bytes own;
    act_status status = act_os_bytes_open(other, ACT_ACCESS_MAP, ACT_GUARD_SIGNAL, 0, &own, NULL);
    if (status != ACT_OK || !act_os_guard_holds(own.guard))
        _exit(1);
    act_os_bytes_close(&own);
    _exit(byte == 0 && !held ? HANDED_ON : 1);
}

static void a_child_is_guarded_too(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    inherited = open_guarded();
    write_pages(other, page);
    assert_int_equal(truncate(scratch_map, 0), 0);
    expect_exit(status_of(read_inherited), HANDED_ON);
    assert_int_equal(read_at(&inherited, 0), 0);
    assert_false(act_os_guard_holds(inherited.guard));
    act_os_bytes_close(&inherited);
}

/* Opens and closes maps of a file of its own, every third of which is cut. */
static void *open_and_close(void *context)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%d", scratch_dir, (int)(intptr_t)context);
    for (int i = 0; i < (CHECK_SLOW_BUILD ? 50 : 300); i++) {
        struct act_os_bytes opened;
        write_pages(path, PAGES * page);
        if (act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_SIGNAL, 0, &opened, NULL) != ACT_OK)
            return context;
        bool cut = i % 3 == 0 && !CHECK_EMULATED;
        if (cut && truncate(path, (off_t)page) != 0)
            return context;
        bool right = read_at(&opened, 2 * page) == (cut ? 0 : 'x') &&
                     act_os_guard_holds(opened.guard) == !cut;
        act_os_bytes_close(&opened);
        if (!right)
            return context;
    }
    return NULL;
}

static void many_maps_on_many_threads(void **state)
{
    (void)state;
    pthread_t threads[6];
    void (*before)(int) = handler_now();
    for (intptr_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, (void *)(i + 1)), 0);
    for (size_t i = 0; i < 6; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_true(handler_now() == before);
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_file_is_zeros_and_an_error),
        cmocka_unit_test(a_cut_that_loses_only_zeros_is_none),
        cmocka_unit_test(bytes_that_are_appended_change_nothing),
        cmocka_unit_test(the_last_pages_outlive_the_file),
        cmocka_unit_test(other_maps_are_not_concerned),
        cmocka_unit_test(bytes_written_over_the_word_are_noticed),
        cmocka_unit_test(what_nobody_handles_kills),
        cmocka_unit_test(the_handler_before_has_its_faults),
        cmocka_unit_test(a_handler_may_jump),
        cmocka_unit_test(the_handler_goes_with_the_last_map),
        cmocka_unit_test(a_handler_above_stays),
        cmocka_unit_test(a_child_is_guarded_too),
        cmocka_unit_test(many_maps_on_many_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
