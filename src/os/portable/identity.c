/* What stat() knows, which ISO C does not; where it has no inodes, files are told apart by size and
 * time alone. */
#define _FILE_OFFSET_BITS 64
#define _XOPEN_SOURCE     700

#include "os/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "os/portable/stream.h"

enum {
    FIRST_NBYTES = 16
};

static act_status read_first(const char *path, const char *quoted, uint8_t *first, act_error *error)
{
    memset(first, 0, FIRST_NBYTES);
    errno = 0;
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return act_fail_os(error, act_os_stream_code(), "cannot open %s", quoted);
    act_status status = ACT_OK;
    if (fread(first, 1, FIRST_NBYTES, stream) < FIRST_NBYTES && ferror(stream))
        status = act_fail_os(error, act_os_stream_code(), "cannot read %s", quoted);
    fclose(stream);
    return status;
}

act_status act_os_identity_at(const char *path, struct act_os_identity *identity_ret,
                              uint8_t first_ret[16], act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    struct stat st;
    act_quote(quoted, path, strlen(path));
    errno = 0;
    if (stat(path, &st) != 0)
        return act_fail_os(error, act_os_stream_code(), "cannot examine %s", quoted);
    if ((st.st_mode & S_IFMT) != S_IFREG)
        return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET, "%s is not a file any more",
                        quoted);
    memset(identity_ret, 0, sizeof(*identity_ret));
    identity_ret->device = (uint64_t)st.st_dev;
    identity_ret->number = (uint64_t)st.st_ino;
    identity_ret->nbytes = (uint64_t)st.st_size;
    identity_ret->written_s = (int64_t)st.st_mtime;
    return first_ret ? read_first(path, quoted, first_ret, error) : ACT_OK;
}
