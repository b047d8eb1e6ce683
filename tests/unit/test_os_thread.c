/* Work beside the caller; compiled with the portable body too, which does it at once. */
#define _POSIX_C_SOURCE 200809L

#include "os/thread.h"

#include <signal.h>

#include "support/check.h"

struct sum {
    unsigned from;
    unsigned to;
    unsigned long total;
};

static void add_up(void *context)
{
    struct sum *sum = context;
    for (unsigned i = sum->from; i < sum->to; i++)
        sum->total += i;
}

static void work_is_done_when_it_was_joined(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct sum sums[2] = {{0, 1000, 0}, {1000, 2000 + round, 0}};
        struct act_os_thread *threads[2];
        for (int i = 0; i < 2; i++)
            threads[i] = act_os_thread_start(add_up, &sums[i]);
        for (int i = 0; i < 2; i++)
            act_os_thread_join(threads[i]);
        assert_int_equal(sums[0].total, 499500);
        assert_int_equal(sums[0].total + sums[1].total,
                         (unsigned long)(2000 + round) * (1999 + round) / 2);
    }
    act_os_thread_join(NULL);
}

/* Whether a signal would be let through to whoever runs this. */
static void look_at_signals(void *context)
{
    bool *blocked = context;
    sigset_t mask;
    sigemptyset(&mask);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    *blocked = sigismember(&mask, SIGINT) == 1;
}

/* The program's signals are for the program's own threads, whose masks stay as they were. */
static void threads_take_no_signals(void **state)
{
    (void)state;
    bool blocked = false;
    struct act_os_thread *thread = act_os_thread_start(look_at_signals, &blocked);
    bool beside = thread != NULL;
    act_os_thread_join(thread);
    assert_int_equal(blocked, beside);
    look_at_signals(&blocked);
    assert_false(blocked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_done_when_it_was_joined),
        cmocka_unit_test(threads_take_no_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
