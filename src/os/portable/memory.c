#include "os/memory.h"

void act_os_memory_random(void *block, size_t nbytes)
{
    (void)block;
    (void)nbytes;
}

void act_os_memory_huge(void *pages, size_t nbytes)
{
    (void)pages;
    (void)nbytes;
}

uint64_t act_os_memory_available(uint64_t enough, bool lately)
{
    (void)enough;
    (void)lately;
    return UINT64_MAX;
}
