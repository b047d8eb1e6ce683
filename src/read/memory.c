#include "os/memory.h"
#include "actree.h"

uint64_t act_memory_available(void)
{
    return act_os_memory_available(UINT64_MAX, false);
}
