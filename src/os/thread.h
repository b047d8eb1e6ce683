/* Work beside the caller: the contract that each platform implements. */
#ifndef ACT_OS_THREAD_H
#define ACT_OS_THREAD_H

struct act_os_thread;

/*
 * Does `work(context)` on a thread of its own, which sees none of the process's signals but those
 * that it causes itself. Where
 * there is no thread to be had, the work is done before this returns, and the answer is NULL: so
 * it cannot fail.
 */
struct act_os_thread *act_os_thread_start(void (*work)(void *context), void *context);

/* The same, but where there is no thread to be had, NULL is the answer and nothing was done. */
struct act_os_thread *act_os_thread_try(void (*work)(void *context), void *context);

/* Waits for the end of the work, and frees the thread. NULL is allowed. */
void act_os_thread_join(struct act_os_thread *thread);

/* A lock with a place to wait in: what threads share is looked at between enter and leave. */
struct act_os_monitor;

/* NULL where there are no threads, or no memory. To be freed by act_os_monitor_free. */
struct act_os_monitor *act_os_monitor_new(void);

/* Frees it, when nobody is in it; NULL is allowed, here and below, where nobody shares. */
void act_os_monitor_free(struct act_os_monitor *monitor);

void act_os_monitor_enter(struct act_os_monitor *monitor);
void act_os_monitor_leave(struct act_os_monitor *monitor);

/* From inside: leaves, waits until somebody wakes all, and enters again; or earlier, for no reason.
 */
void act_os_monitor_wait(struct act_os_monitor *monitor);

/* From inside: wakes all who wait. */
void act_os_monitor_wake(struct act_os_monitor *monitor);

#endif
