/* Jobs for two: each is done once, in their order, and awaited ones are done. What the two share is
 * looked at inside of the monitor only, and jobs are done outside. */
#include "build/crew.h"

#include "monitors.h"
#include "support/check.h"

enum {
    ROUNDS = 2000,
    JOBS = ACT_CREW_JOBS_MAX
};

struct task {
    struct act_crew_job job;
    unsigned done;
    bool known[ACT_CREW_WORKERS];
};

static void work(void *context, unsigned worker)
{
    monitors_expect_outside();
    struct task *task = context;
    assert_in_range(worker, 0, ACT_CREW_WORKERS - 1);
    task->known[worker] = true;
    task->done++;
}

static void each_job_is_done_once(void **state)
{
    (void)state;
    for (int threaded = 0; threaded < 2; threaded++) {
        static struct task tasks[JOBS];
        struct act_crew crew;
        act_crew_open(&crew, threaded);
        for (unsigned i = 0; i < JOBS; i++)
            tasks[i] = (struct task){.job = {.work = work, .context = &tasks[i]}};
        for (unsigned i = 0; i < ROUNDS; i++) {
            struct task *task = &tasks[i % JOBS];
            if (i >= JOBS)
                act_crew_await(&crew, &task->job);
            assert_int_equal(task->done, i / JOBS);
            act_crew_give(&crew, &task->job);
        }
        /* The last one first: those before it have been begun then. */
        for (unsigned i = JOBS; i-- > 0;) {
            act_crew_await(&crew, &tasks[i].job);
            assert_int_equal(tasks[i].done, ROUNDS / JOBS);
            assert_true(threaded || !tasks[i].known[1]);
        }
        assert_int_equal(crew.begun, ROUNDS);
        act_crew_close(&crew);
        assert_null(crew.monitor);
        act_crew_close(&crew); /* nothing is left of it */
        monitors_expect_sound();
    }
}

/* Without a thread nothing is done that nobody waits for. */
static void what_nobody_awaits_is_forgotten(void **state)
{
    (void)state;
    struct act_crew crew;
    struct task task = {.job = {.work = work, .context = &task}};
    act_crew_open(&crew, false);
    act_crew_give(&crew, &task.job);
    act_crew_close(&crew);
    assert_int_equal(task.done, 0);
    act_crew_close(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_is_done_once),
        cmocka_unit_test(what_nobody_awaits_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
