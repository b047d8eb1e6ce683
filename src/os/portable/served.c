/* For systems that do not let a program serve its own page faults. */
#include "os/served.h"

#include <errno.h>

#include "base/error.h"

act_status act_os_served_open(int fd, size_t nbytes, const char *quoted,
                              struct act_os_bytes *bytes_ret, act_error *error)
{
    (void)fd;
    (void)nbytes;
    (void)bytes_ret;
    return act_fail_os(error, ENOSYS, "cannot serve the pages of %s by a thread", quoted);
}

void act_os_served_close(struct act_os_bytes *bytes)
{
    (void)bytes;
}
