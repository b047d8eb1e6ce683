/* O_TMPFILE, fallocate, memfd_create */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/memory.h"

enum {
    FD_PATH_NBYTES = 32
};

/* The file's other path: naming it by its descriptor alone needs a privilege. */
static const char *fd_path(char path[FD_PATH_NBYTES], int fd)
{
    snprintf(path, FD_PATH_NBYTES, "/proc/self/fd/%d", fd);
    return path;
}

int act_os_unnamed_open(int folder_fd, unsigned mode)
{
    int fd;
    do {
        fd = openat(folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return -1;
    char path[FD_PATH_NBYTES];
    if (faccessat(AT_FDCWD, fd_path(path, fd), F_OK, 0) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int act_os_unnamed_link(int fd, int folder_fd, const char *name)
{
    char path[FD_PATH_NBYTES];
    return linkat(AT_FDCWD, fd_path(path, fd), folder_fd, name, AT_SYMLINK_FOLLOW);
}

int act_os_unnamed_temp(const char *folder)
{
    int fd;
    do {
        /* With O_TMPFILE, O_EXCL says that it is never to have a name. */
        fd = openat(AT_FDCWD, folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EINTR);
    /* It is read in large pieces, here and there. */
    if (fd >= 0 && act_os_memory_is_scarce())
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    return fd;
}

int act_os_unnamed_memory(uint64_t nbytes)
{
    int fd = memfd_create("actree", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, (off_t)nbytes) != 0) {
        int os_code = errno;
        close(fd);
        errno = os_code;
        return -1;
    }
    return fd;
}

void act_os_unnamed_forget(int fd, uint64_t off, uint64_t nbytes)
{
    if (nbytes)
        (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)nbytes);
}
