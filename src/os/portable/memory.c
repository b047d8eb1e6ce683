#include "os/memory.h"

void act_os_memory_random(void *block, size_t nbytes)
{
    (void)block;
    (void)nbytes;
}
