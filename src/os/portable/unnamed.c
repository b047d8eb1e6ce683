#include "os/unnamed.h"

#include <errno.h>

int act_os_unnamed_open(int folder_fd, unsigned mode)
{
    (void)folder_fd;
    (void)mode;
    return -1;
}

int act_os_unnamed_link(int fd, int folder_fd, const char *name)
{
    (void)fd;
    (void)folder_fd;
    (void)name;
    errno = ENOSYS;
    return -1;
}

int act_os_unnamed_temp(const char *folder)
{
    (void)folder;
    return -1;
}

int act_os_unnamed_memory(uint64_t nbytes)
{
    (void)nbytes;
    errno = ENOSYS;
    return -1;
}

void act_os_unnamed_forget(int fd, uint64_t off, uint64_t nbytes)
{
    (void)fd;
    (void)off;
    (void)nbytes;
}
