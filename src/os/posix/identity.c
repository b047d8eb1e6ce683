/* POSIX.1-2008, and files beyond 2 GiB where off_t would be 32 bits. */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "os/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "os/posix/calls.h"
#include "os/posix/identify.h"

enum {
    FIRST_NBYTES = 16
};

void act_os_identify(struct act_os_identity *identity_ret, const struct stat *st)
{
    identity_ret->device = (uint64_t)st->st_dev;
    identity_ret->number = (uint64_t)st->st_ino;
    identity_ret->nbytes = (uint64_t)st->st_size;
    identity_ret->written_s = (int64_t)st->st_mtim.tv_sec;
    identity_ret->written_ns = (int64_t)st->st_mtim.tv_nsec;
}

act_status act_os_identity_at(const char *path, struct act_os_identity *identity_ret,
                              uint8_t first_ret[16], act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    struct stat st;
    act_quote(quoted, path, strlen(path));
    /* Before it is opened: opening a device may do something. */
    if (stat(path, &st) != 0)
        return act_fail_os(error, errno, "cannot examine %s", quoted);
    if (!S_ISREG(st.st_mode))
        return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET, "%s is not a file any more",
                        quoted);
    if (first_ret) {
        memset(first_ret, 0, FIRST_NBYTES);
        int fd = act_posix_open(path, O_RDONLY);
        if (fd < 0)
            return act_fail_os(error, errno, "cannot open %s", quoted);
        int os_code = 0;
        if (fstat(fd, &st) != 0 ||
            (S_ISREG(st.st_mode) && act_posix_read_at(fd, first_ret, FIRST_NBYTES, 0) < 0))
            os_code = errno;
        close(fd);
        if (os_code)
            return act_fail_os(error, os_code, "cannot read %s", quoted);
    }
    act_os_identify(identity_ret, &st);
    return ACT_OK;
}
