/* Without threads, all work is done at once. */
#include "os/thread.h"

#include <stddef.h>

struct act_os_thread *act_os_thread_start(void (*work)(void *context), void *context)
{
    work(context);
    return NULL;
}

void act_os_thread_join(struct act_os_thread *thread)
{
    (void)thread;
}

struct act_os_thread *act_os_thread_try(void (*work)(void *context), void *context)
{
    (void)work;
    (void)context;
    return NULL;
}

struct act_os_monitor *act_os_monitor_new(void)
{
    return NULL;
}

void act_os_monitor_free(struct act_os_monitor *monitor)
{
    (void)monitor;
}

void act_os_monitor_enter(struct act_os_monitor *monitor)
{
    (void)monitor;
}

void act_os_monitor_leave(struct act_os_monitor *monitor)
{
    (void)monitor;
}

void act_os_monitor_wait(struct act_os_monitor *monitor)
{
    (void)monitor;
}

void act_os_monitor_wake(struct act_os_monitor *monitor)
{
    (void)monitor;
}
