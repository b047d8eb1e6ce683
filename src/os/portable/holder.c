#include "os/lock.h"

uint64_t act_os_lock_holder(int fd)
{
    (void)fd;
    return 0;
}
