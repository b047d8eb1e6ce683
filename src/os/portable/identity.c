/* By a call that C libraries have everywhere; numbers of files are 0 on some systems. */
#define _FILE_OFFSET_BITS 64

#include "os/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "os/portable/stream.h"

enum {
    FIRST_NBYTES = 16
};

act_status act_os_identity_at(const char *path, struct act_os_identity *identity_ret,
                              uint8_t first_ret[16], act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    bool exists;
    unsigned mode;
    uint64_t nbytes = 0;
    act_quote(quoted, path, strlen(path));
    act_status status = act_os_stream_examine(path, quoted, &exists, &mode, &nbytes, error);
    if (status != ACT_OK)
        return status;
    if (!exists)
        return act_fail_os(error, ENOENT, "cannot examine %s", quoted);
    if (first_ret) {
        memset(first_ret, 0, FIRST_NBYTES);
        errno = 0;
        FILE *stream = fopen(path, "rb");
        if (!stream)
            return act_fail_os(error, act_os_stream_code(), "cannot open %s", quoted);
        (void)fread(first_ret, 1, FIRST_NBYTES, stream);
        bool failed = ferror(stream);
        fclose(stream);
        if (failed)
            return act_fail_os(error, EIO, "cannot read %s", quoted);
    }
    struct stat st;
    memset(identity_ret, 0, sizeof(*identity_ret));
    identity_ret->nbytes = nbytes;
    if (stat(path, &st) == 0) {
        identity_ret->device = (uint64_t)st.st_dev;
        identity_ret->number = (uint64_t)st.st_ino;
        identity_ret->written_s = (int64_t)st.st_mtime;
    }
    return ACT_OK;
}
