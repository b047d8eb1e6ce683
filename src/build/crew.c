#include "build/crew.h"

#include <string.h>

/* From inside: does the oldest job that nobody has begun, outside. */
static void do_next(struct act_crew *crew, unsigned worker)
{
    struct act_crew_job *job = crew->jobs[crew->begun++ % ACT_CREW_JOBS_MAX];
    act_os_monitor_leave(crew->monitor);
    job->work(job->context, worker);
    act_os_monitor_enter(crew->monitor);
    job->done = true;
}

/* Does jobs until told to stop. */
static void work(void *context)
{
    struct act_crew *crew = context;
    act_os_monitor_enter(crew->monitor);
    for (;;) {
        while (!crew->stopping && crew->begun == crew->given)
            act_os_monitor_wait(crew->monitor);
        if (crew->stopping)
            break;
        do_next(crew, 1);
        act_os_monitor_wake(crew->monitor);
    }
    act_os_monitor_leave(crew->monitor);
}

void act_crew_open(struct act_crew *crew, bool threaded)
{
    memset(crew, 0, sizeof(*crew));
    if (!threaded)
        return;
    crew->monitor = act_os_monitor_new();
    if (crew->monitor)
        crew->thread = act_os_thread_try(work, crew);
}

void act_crew_give(struct act_crew *crew, struct act_crew_job *job)
{
    act_os_monitor_enter(crew->monitor);
    job->done = false;
    crew->jobs[crew->given++ % ACT_CREW_JOBS_MAX] = job;
    act_os_monitor_wake(crew->monitor);
    act_os_monitor_leave(crew->monitor);
}

void act_crew_await(struct act_crew *crew, struct act_crew_job *job)
{
    act_os_monitor_enter(crew->monitor);
    while (!job->done) {
        if (crew->begun == crew->given)
            act_os_monitor_wait(crew->monitor);
        else
            do_next(crew, 0);
    }
    act_os_monitor_leave(crew->monitor);
}

void act_crew_close(struct act_crew *crew)
{
    act_os_monitor_enter(crew->monitor);
    crew->stopping = true;
    act_os_monitor_wake(crew->monitor);
    act_os_monitor_leave(crew->monitor);
    act_os_thread_join(crew->thread);
    act_os_monitor_free(crew->monitor);
    memset(crew, 0, sizeof(*crew));
}
