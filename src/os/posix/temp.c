/* mkstemp, and files beyond 2 GiB where off_t would be 32 bits. */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "os/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "os/unnamed.h"

/* The most that is asked of one call: Linux takes 2^31 - 4096 bytes, macOS less than 2^31. */
#define CALL_NBYTES_MAX ((size_t)1 << 30)

struct act_os_temp {
    int fd;
    uint64_t nbytes;
    char quoted[ACT_QUOTED_NBYTES]; /* the folder */
};

/* Makes a file under some name, which it loses at once. -1 and errno. */
static int open_and_unlink(const char *folder)
{
    static const char name[] = "/.actree-XXXXXX";
    size_t folder_nbytes = strlen(folder);
    char *path = malloc(folder_nbytes + sizeof(name));
    if (!path)
        return -1;
    memcpy(path, folder, folder_nbytes);
    memcpy(path + folder_nbytes, name, sizeof(name));
    int fd;
    do {
        fd = mkstemp(path);
    } while (fd < 0 && errno == EINTR);
    int os_code = errno;
    if (fd >= 0 && unlink(path) != 0) {
        os_code = errno;
        close(fd);
        fd = -1;
    }
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    free(path);
    errno = os_code;
    return fd;
}

act_status act_os_temp_open(const char *folder, struct act_os_temp **temp_ret, act_error *error)
{
    *temp_ret = NULL;
    if (!folder)
        folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    struct act_os_temp *temp = malloc(sizeof(*temp));
    if (!temp)
        return act_fail_nomem(error);
    act_quote(temp->quoted, folder, strlen(folder));
    temp->nbytes = 0;
    temp->fd = act_os_unnamed_temp(folder);
    if (temp->fd < 0)
        temp->fd = open_and_unlink(folder);
    if (temp->fd < 0) {
        act_status status = act_fail_os(error, errno, "cannot make a temporary file in %s",
                                        temp->quoted);
        free(temp);
        return status;
    }
    *temp_ret = temp;
    return ACT_OK;
}

act_status act_os_temp_open_beside(const char *path, struct act_os_temp **temp_ret,
                                   act_error *error)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return act_os_temp_open(".", temp_ret, error);
    size_t nbytes = slash == path ? 1 : (size_t)(slash - path);
    char *folder = malloc(nbytes + 1);
    if (!folder)
        return act_fail_nomem(error);
    memcpy(folder, path, nbytes);
    folder[nbytes] = '\0';
    act_status status = act_os_temp_open(folder, temp_ret, error);
    free(folder);
    return status;
}

act_status act_os_temp_write(struct act_os_temp *temp, const void *bytes, size_t nbytes,
                             act_error *error)
{
    const uint8_t *p = bytes;
    while (nbytes) {
        ssize_t n = write(temp->fd, p, nbytes < CALL_NBYTES_MAX ? nbytes : CALL_NBYTES_MAX);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return act_fail_os(error, n < 0 ? errno : EIO, "cannot write a temporary file in %s",
                               temp->quoted);
        p += n;
        nbytes -= (size_t)n;
        temp->nbytes += (uint64_t)n;
    }
    return ACT_OK;
}

uint64_t act_os_temp_nbytes(const struct act_os_temp *temp)
{
    return temp->nbytes;
}

act_status act_os_temp_read(const struct act_os_temp *temp, uint64_t off, void *bytes,
                            size_t nbytes, act_error *error)
{
    uint8_t *p = bytes;
    while (nbytes) {
        ssize_t n = pread(temp->fd, p, nbytes < CALL_NBYTES_MAX ? nbytes : CALL_NBYTES_MAX,
                          (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return act_fail_os(error, errno, "cannot read a temporary file in %s", temp->quoted);
        if (n == 0)
            return act_os_temp_fail_damaged(temp, error);
        p += n;
        off += (uint64_t)n;
        nbytes -= (size_t)n;
    }
    return ACT_OK;
}

void act_os_temp_forget(struct act_os_temp *temp, uint64_t off, uint64_t nbytes)
{
    act_os_unnamed_forget(temp->fd, off, nbytes);
}

act_status act_os_temp_fail_damaged(const struct act_os_temp *temp, act_error *error)
{
    return act_fail_os(error, EIO, "a temporary file in %s is not as it was written", temp->quoted);
}

void act_os_temp_close(struct act_os_temp *temp)
{
    if (!temp)
        return;
    close(temp->fd);
    free(temp);
}
