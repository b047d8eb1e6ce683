#include "os/thread.h"

#include <process.h>
#include <stdlib.h>

#include "os/win32/system.h"

struct act_os_thread {
    HANDLE handle;
    void (*work)(void *context);
    void *context;
};

static unsigned __stdcall run(void *argument)
{
    const struct act_os_thread *thread = argument;
    thread->work(thread->context);
    return 0;
}

struct act_os_thread *act_os_thread_try(void (*work)(void *context), void *context)
{
    struct act_os_thread *thread = malloc(sizeof(*thread));
    if (!thread)
        return NULL;
    thread->work = work;
    thread->context = context;
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, run, thread, 0, NULL);
    if (thread->handle)
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
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    free(thread);
}

struct act_os_monitor {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
};

struct act_os_monitor *act_os_monitor_new(void)
{
    struct act_os_monitor *monitor = malloc(sizeof(*monitor));
    if (!monitor)
        return NULL;
    InitializeSRWLock(&monitor->lock);
    InitializeConditionVariable(&monitor->changed);
    return monitor;
}

void act_os_monitor_free(struct act_os_monitor *monitor)
{
    free(monitor);
}

void act_os_monitor_enter(struct act_os_monitor *monitor)
{
    if (monitor)
        AcquireSRWLockExclusive(&monitor->lock);
}

void act_os_monitor_leave(struct act_os_monitor *monitor)
{
    if (monitor)
        ReleaseSRWLockExclusive(&monitor->lock);
}

void act_os_monitor_wait(struct act_os_monitor *monitor)
{
    if (monitor)
        SleepConditionVariableSRW(&monitor->changed, &monitor->lock, INFINITE, 0);
}

void act_os_monitor_wake(struct act_os_monitor *monitor)
{
    if (monitor)
        WakeAllConditionVariable(&monitor->changed);
}
