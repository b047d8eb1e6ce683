/* Work beside the caller: the contract that each platform implements. */
#ifndef ACT_OS_THREAD_H
#define ACT_OS_THREAD_H

struct act_os_thread;

/*
 * Does `work(context)` on a thread of its own, which sees none of the process's signals. Where
 * there is no thread to be had, the work is done before this returns, and the answer is NULL: so
 * it cannot fail.
 */
struct act_os_thread *act_os_thread_start(void (*work)(void *context), void *context);

/* Waits for the end of the work, and frees the thread. NULL is allowed. */
void act_os_thread_join(struct act_os_thread *thread);

#endif
