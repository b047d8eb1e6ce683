/* POSIX.1-2008, and files beyond 2 GiB where off_t would be 32 bits. */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "os/posix/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/error.h"
#include "os/map.h"

/* The most that is asked of one call: Linux takes 2^31 - 4096 bytes, macOS less than 2^31. */
#define CALL_NBYTES_MAX ((size_t)1 << 30)

int act_posix_open(const char *path, int mode)
{
    int fd;
    do {
        fd = open(path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

act_status act_posix_check_regular(const struct stat *st, const char *quoted, act_error *error)
{
    if (S_ISREG(st->st_mode))
        return ACT_OK;
    return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET, "%s is %s, not a file", quoted,
                    S_ISDIR(st->st_mode) ? "a directory" : "a pipe, socket or device");
}

int64_t act_posix_read_at(int fd, void *buffer, size_t nbytes, uint64_t off)
{
    uint8_t *p = buffer;
    size_t done = 0;
    while (done < nbytes) {
        size_t left = nbytes - done;
        ssize_t n = pread(fd, p + done, left < CALL_NBYTES_MAX ? left : CALL_NBYTES_MAX,
                          (off_t)(off + done));
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int act_posix_write_at(int fd, const void *bytes, size_t nbytes, uint64_t off)
{
    const uint8_t *p = bytes;
    while (nbytes) {
        ssize_t n = pwrite(fd, p, nbytes < CALL_NBYTES_MAX ? nbytes : CALL_NBYTES_MAX, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        p += n;
        off += (uint64_t)n;
        nbytes -= (size_t)n;
    }
    return 0;
}

/* Where fsync leaves the bytes in the disk's own memory, as on macOS, there is another call, which
 * not every file system has. */
static bool sync_to_the_disk(int fd)
{
#ifdef F_FULLFSYNC
    return fcntl(fd, F_FULLFSYNC) == 0;
#else
    (void)fd;
    return false;
#endif
}

int act_posix_sync(int fd)
{
    int result;
    if (sync_to_the_disk(fd))
        return 0;
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* Not when it was written, which would cost the disk a write more. */
static int sync_data_once(int fd)
{
#if defined(_POSIX_SYNCHRONIZED_IO) && _POSIX_SYNCHRONIZED_IO > 0
    return fdatasync(fd);
#else
    return fsync(fd);
#endif
}

int act_posix_sync_data(int fd)
{
    int result;
    if (sync_to_the_disk(fd))
        return 0;
    do {
        result = sync_data_once(fd);
    } while (result != 0 && errno == EINTR);
    return result;
}

size_t act_os_page_nbytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}
