/*
 * Jobs that the caller hands out, to be done by a thread beside it, or by the caller itself while
 * it waits for one of them: so nobody is idle as long as there is something to do. The jobs are
 * begun in the order in which they were handed out.
 */
#ifndef ACT_BUILD_CREW_H
#define ACT_BUILD_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "os/thread.h"

enum {
    ACT_CREW_JOBS_MAX = 8, /* that are not done */
    ACT_CREW_WORKERS = 2   /* the caller is number 0 */
};

struct act_crew_job {
    void (*work)(void *context, unsigned worker);
    void *context;
    bool done; /* looked at by act_crew_await alone */
};

struct act_crew {
    struct act_os_monitor *monitor; /* of what follows, and of `done` */
    struct act_os_thread *thread;
    struct act_crew_job *jobs[ACT_CREW_JOBS_MAX]; /* number n is at n % ACT_CREW_JOBS_MAX */
    size_t given;
    size_t begun;
    bool stopping;
};

/* Starts; without a second thread if it is not wanted, or there is none to be had. The crew must
 * stay where it is. */
void act_crew_open(struct act_crew *crew, bool threaded);

/* Hands out a job, which must stay where it is until it is done. */
void act_crew_give(struct act_crew *crew, struct act_crew_job *job);

/* Returns when the job is done. */
void act_crew_await(struct act_crew *crew, struct act_crew_job *job);

/* Waits for the job that the other thread is about; those that nobody has begun are forgotten.
 * All-zero bytes are allowed. */
void act_crew_close(struct act_crew *crew);

#endif
