/* Files beyond 2 GiB where they would be refused otherwise, and S_IFMT; ISO C has no say in it. */
#define _FILE_OFFSET_BITS 64
#define _XOPEN_SOURCE     700

#include "os/portable/stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "os/random.h"

enum {
    TRIES = 100,
    RANDOM_NBYTES = 8
};

int act_os_stream_code(void)
{
    return errno ? errno : EIO;
}

/* A long may have 32 bits: further away it is reached in steps. */
bool act_os_stream_seek(FILE *stream, uint64_t off)
{
    long step = off < LONG_MAX ? (long)off : LONG_MAX;
    errno = 0;
    if (fseek(stream, step, SEEK_SET) != 0)
        return false;
    for (off -= (uint64_t)step; off; off -= (uint64_t)step) {
        step = off < LONG_MAX ? (long)off : LONG_MAX;
        if (fseek(stream, step, SEEK_CUR) != 0)
            return false;
    }
    return true;
}

static void put_random(char *at)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint64_t bits = act_os_random();
    for (int i = 0; i < RANDOM_NBYTES; i++, bits >>= 5)
        at[i] = digits[bits & 31];
}

FILE *act_os_stream_create(const char *folder, size_t folder_nbytes, const char *name,
                           char **path_ret)
{
    static const char end[] = ".XXXXXXXX.tmp";
    size_t name_nbytes = strlen(name);
    char *path = malloc(folder_nbytes + 1 + name_nbytes + sizeof(end));
    *path_ret = NULL;
    if (!path) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(path, folder, folder_nbytes);
    path[folder_nbytes] = '.';
    memcpy(path + folder_nbytes + 1, name, name_nbytes);
    char *random = path + folder_nbytes + 1 + name_nbytes;
    memcpy(random, end, sizeof(end));
    FILE *stream = NULL;
    for (int i = 0; i < TRIES && !stream; i++) {
        put_random(random + 1);
        errno = 0;
        stream = fopen(path, "w+bx");
        if (!stream && errno != EEXIST && errno != EINTR)
            break;
    }
    if (stream) {
        *path_ret = path;
        return stream;
    }
    int os_code = act_os_stream_code();
    free(path);
    errno = os_code;
    return NULL;
}

/* stat is not ISO C's, but there is hardly a C library without it; and to open what is no file may
 * wait for ever, or do something. */
act_status act_os_stream_examine(const char *path, const char *quoted, bool *exists_ret,
                                 unsigned *mode_ret, uint64_t *nbytes_ret, act_error *error)
{
    struct stat st;
    *exists_ret = false;
    errno = 0;
    if (stat(path, &st) != 0)
        return errno == ENOENT
                   ? ACT_OK
                   : act_fail_os(error, act_os_stream_code(), "cannot examine %s", quoted);
    if ((st.st_mode & S_IFMT) != S_IFREG)
        return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET, "%s is %s, not a file", quoted,
                        (st.st_mode & S_IFMT) == S_IFDIR ? "a directory"
                                                         : "a pipe, socket or device");
    *exists_ret = true;
    *mode_ret = (unsigned)st.st_mode & 0777;
    *nbytes_ret = (uint64_t)st.st_size;
    return ACT_OK;
}
