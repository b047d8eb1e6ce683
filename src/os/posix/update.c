/* POSIX.1-2008, and files beyond 2 GiB where off_t would be 32 bits. */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "os/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "os/lock.h"
#include "os/posix/calls.h"

enum {
    TRIES = 100 /* to get hold of a file before another takes its place */
};

struct act_os_update {
    int fd;
    uint8_t *bytes;
    size_t nbytes;
    char quoted[ACT_QUOTED_NBYTES];
};

static act_status fail_locked(const struct act_os_update *update, int os_code, act_error *error)
{
    if (os_code != EWOULDBLOCK)
        return act_fail_os(error, os_code, "cannot lock %s", update->quoted);
    uint64_t holder = act_os_lock_holder(update->fd);
    act_status status;
    if (holder)
        status = act_fail(error, ACT_ERR_LOCKED, ACT_NO_OFFSET,
                          "process %llu is writing to %s: only one may at a time",
                          (unsigned long long)holder, update->quoted);
    else
        status = act_fail(error, ACT_ERR_LOCKED, ACT_NO_OFFSET,
                          "another process is writing to %s: only one may at a time",
                          update->quoted);
    if (error)
        error->os_code = os_code;
    return status;
}

/* Opens and locks what is at the path; `*same_ret` tells whether it is still there afterwards. */
static act_status open_locked(struct act_os_update *update, const char *path, struct stat *st,
                              bool *same_ret, act_error *error)
{
    update->fd = act_posix_open(path, O_RDWR);
    if (update->fd < 0 && errno == EISDIR)
        return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET, "%s is a directory, not a file",
                        update->quoted);
    if (update->fd < 0)
        return act_fail_os(error, errno, "cannot open %s for writing", update->quoted);
    if (fstat(update->fd, st) != 0)
        return act_fail_os(error, errno, "cannot examine %s", update->quoted);
    act_status status = act_posix_check_regular(st, update->quoted, error);
    if (status != ACT_OK)
        return status;
    int os_code = act_os_lock_take(update->fd);
    if (os_code)
        return fail_locked(update, os_code, error);
    /* Again: whoever had the lock until now may have written to it. */
    struct stat there;
    if (fstat(update->fd, st) != 0 || stat(path, &there) != 0)
        return act_fail_os(error, errno, "cannot examine %s", update->quoted);
    *same_ret = there.st_dev == st->st_dev && there.st_ino == st->st_ino;
    return ACT_OK;
}

static act_status map_bytes(struct act_os_update *update, const struct stat *st, act_error *error)
{
    if (st->st_size == 0)
        return ACT_OK;
    if ((uint64_t)st->st_size > SIZE_MAX / 2)
        return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET,
                        "%s is larger than the address space of this program", update->quoted);
    size_t nbytes = (size_t)st->st_size;
    void *address = mmap(NULL, nbytes, PROT_READ, MAP_SHARED, update->fd, 0);
    if (address == MAP_FAILED)
        return act_fail_os(error, errno, "cannot map %s into memory", update->quoted);
    update->bytes = address;
    update->nbytes = nbytes;
    return ACT_OK;
}

act_status act_os_update_open(const char *path, struct act_os_update **update_ret, act_error *error)
{
    *update_ret = NULL;
    struct act_os_update *update = calloc(1, sizeof(*update));
    if (!update)
        return act_fail_nomem(error);
    update->fd = -1;
    act_quote(update->quoted, path, strlen(path));
    act_status status = ACT_OK;
    struct stat st;
    bool same = false;
    for (int i = 0; status == ACT_OK && !same && i < TRIES; i++) {
        if (update->fd >= 0)
            close(update->fd);
        status = open_locked(update, path, &st, &same, error);
    }
    if (status == ACT_OK && !same)
        status = act_fail_os(error, EAGAIN, "%s is replaced again and again", update->quoted);
    if (status == ACT_OK)
        status = map_bytes(update, &st, error);
    if (status != ACT_OK)
        act_os_update_close(update);
    else
        *update_ret = update;
    return status;
}

const uint8_t *act_os_update_bytes(const struct act_os_update *update, uint64_t *nbytes_ret)
{
    *nbytes_ret = update->nbytes;
    return update->bytes;
}

static act_status fail_write(const struct act_os_update *update, int os_code, act_error *error)
{
    return act_fail_os(error, os_code, "cannot write %s", update->quoted);
}

act_status act_os_update_cut(struct act_os_update *update, uint64_t nbytes, act_error *error)
{
    int result;
    do {
        result = ftruncate(update->fd, (off_t)nbytes);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? ACT_OK : act_fail_os(error, errno, "cannot cut %s", update->quoted);
}

act_status act_os_update_write(struct act_os_update *update, uint64_t off, const void *bytes,
                               size_t nbytes, act_error *error)
{
    int os_code = act_posix_write_at(update->fd, bytes, nbytes, off);
    return os_code ? fail_write(update, os_code, error) : ACT_OK;
}

act_status act_os_update_read(struct act_os_update *update, uint64_t off, void *bytes,
                              size_t nbytes, act_error *error)
{
    int64_t done = act_posix_read_at(update->fd, bytes, nbytes, off);
    if (done == (int64_t)nbytes)
        return ACT_OK;
    return act_fail_os(error, done < 0 ? errno : EIO, "cannot read %s", update->quoted);
}

act_status act_os_update_sync(struct act_os_update *update, act_error *error)
{
    return act_posix_sync_data(update->fd) == 0 ? ACT_OK : fail_write(update, errno, error);
}

void act_os_update_close(struct act_os_update *update)
{
    if (!update)
        return;
    if (update->bytes)
        munmap(update->bytes, update->nbytes);
    if (update->fd >= 0)
        close(update->fd);
    free(update);
}
