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
