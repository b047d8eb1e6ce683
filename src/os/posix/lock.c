/* flock(), which is not of POSIX, but wherever POSIX is. */
#define _DEFAULT_SOURCE

#include "os/lock.h"

#include <errno.h>
#include <sys/file.h>

/*
 * Not fcntl()'s locks of records: those belong to the process, so that two writers in one do not
 * see each other, and any close of the file by anybody in it gives them back.
 */
int act_os_lock_take(int fd)
{
    int result;
    do {
        result = flock(fd, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}
