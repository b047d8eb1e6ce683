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

struct act_os_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

/*
 * A thread inherits what is blocked: the program's handlers are to run in its own threads. But not
 * what a thread's own instructions cause: blocked, it would end the program unasked.
 */
static bool create(struct act_os_thread *thread)
{
    static const int own[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(&all, own[i]);
    if (pthread_sigmask(SIG_BLOCK, &all, &before) != 0)
        return false;
    bool created = pthread_create(&thread->thread, NULL, run, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return created;
}

struct act_os_thread *act_os_thread_try(void (*work)(void *context), void *context)
{
    struct act_os_thread *thread = malloc(sizeof(*thread));
    if (!thread)
        return NULL;
    thread->work = work;
    thread->context = context;
    if (create(thread))
        return thread;
    free(thread);
    return NULL;
}

struct act_os_thread *act_os_thread_start(void (*work)(void *context), void *context)
{
    struct act_os_thread *thread = act_os_thread_try(work, context);
    if (!thread)
        work(context);
    return thread;
}

void act_os_thread_join(struct act_os_thread *thread)
{
    if (!thread)
        return;
    pthread_join(thread->thread, NULL);
    free(thread);
}

struct act_os_monitor *act_os_monitor_new(void)
{
    struct act_os_monitor *monitor = malloc(sizeof(*monitor));
    if (!monitor)
        return NULL;
    if (pthread_mutex_init(&monitor->mutex, NULL) == 0) {
        if (pthread_cond_init(&monitor->changed, NULL) == 0)
            return monitor;
        pthread_mutex_destroy(&monitor->mutex);
    }
    free(monitor);
    return NULL;
}

void act_os_monitor_free(struct act_os_monitor *monitor)
{
    if (!monitor)
        return;
    pthread_cond_destroy(&monitor->changed);
    pthread_mutex_destroy(&monitor->mutex);
    free(monitor);
}

void act_os_monitor_enter(struct act_os_monitor *monitor)
{
    if (monitor)
        pthread_mutex_lock(&monitor->mutex);
}

void act_os_monitor_leave(struct act_os_monitor *monitor)
{
    if (monitor)
        pthread_mutex_unlock(&monitor->mutex);
}

void act_os_monitor_wait(struct act_os_monitor *monitor)
{
    if (monitor)
        pthread_cond_wait(&monitor->changed, &monitor->mutex);
}

void act_os_monitor_wake(struct act_os_monitor *monitor)
{
    if (monitor)
        pthread_cond_broadcast(&monitor->changed);
}
