#define _POSIX_C_SOURCE 200809L

#include "os/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct act_os_thread {
    pthread_t thread;
    void (*work)(void *context);
    void *context;
};

static void *run(void *argument)
{
    const struct act_os_thread *thread = argument;
    thread->work(thread->context);
    return NULL;
}

/* A thread inherits what is blocked: the program's handlers are to run in its own threads. */
static bool create(struct act_os_thread *thread)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_BLOCK, &all, &before) != 0)
        return false;
    bool created = pthread_create(&thread->thread, NULL, run, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return created;
}

struct act_os_thread *act_os_thread_start(void (*work)(void *context), void *context)
{
    struct act_os_thread *thread = malloc(sizeof(*thread));
    if (thread) {
        thread->work = work;
        thread->context = context;
        if (create(thread))
            return thread;
        free(thread);
    }
    work(context);
    return NULL;
}

void act_os_thread_join(struct act_os_thread *thread)
{
    if (!thread)
        return;
    pthread_join(thread->thread, NULL);
    free(thread);
}
