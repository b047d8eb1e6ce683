/*
 * Temporary files by ISO C. In a folder that is named, a file loses its name at once where the
 * system lets open files lose theirs, and otherwise when it is closed: there it stays if the
 * program is killed.
 */
#define _FILE_OFFSET_BITS 64

#include "os/temp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/portable/stream.h"

struct act_os_temp {
    FILE *stream;
    char *path; /* while it has one */
    uint64_t nbytes;
    bool at_end; /* where the next bytes go is where the stream is, and the last call wrote */
    char quoted[ACT_QUOTED_NBYTES]; /* the folder */
};

/* In the folder whose path, slash included, are these bytes. */
static bool create(struct act_os_temp *temp, const char *folder, size_t folder_nbytes)
{
    temp->stream = act_os_stream_create(folder, folder_nbytes, "actree", &temp->path);
    if (temp->stream && remove(temp->path) == 0) {
        free(temp->path);
        temp->path = NULL;
    }
    return temp->stream != NULL;
}

/* In the folder of this name, to which the slash has to be added. */
static bool create_in(struct act_os_temp *temp, const char *folder)
{
    size_t nbytes = strlen(folder);
    char *with_slash = malloc(nbytes + 1);
    if (!with_slash) {
        errno = ENOMEM;
        return false;
    }
    memcpy(with_slash, folder, nbytes);
    with_slash[nbytes] = '/';
    bool done = create(temp, with_slash, nbytes + 1);
    int os_code = errno;
    free(with_slash);
    errno = os_code;
    return done;
}

static bool create_anywhere(struct act_os_temp *temp)
{
    errno = 0;
    temp->stream = tmpfile();
    return temp->stream != NULL;
}

static struct act_os_temp *new_temp(const char *folder, size_t folder_nbytes)
{
    struct act_os_temp *temp = calloc(1, sizeof(*temp));
    if (temp)
        act_quote(temp->quoted, folder, folder_nbytes);
    return temp;
}

static act_status finish_open(struct act_os_temp *temp, bool done, struct act_os_temp **temp_ret,
                              act_error *error)
{
    if (done) {
        *temp_ret = temp;
        return ACT_OK;
    }
    act_status status = act_fail_os(error, act_os_stream_code(),
                                    "cannot make a temporary file in %s", temp->quoted);
    free(temp);
    return status;
}

act_status act_os_temp_open(const char *folder, struct act_os_temp **temp_ret, act_error *error)
{
    *temp_ret = NULL;
    if (!folder)
        folder = getenv("TMPDIR");
    bool anywhere = !folder || !*folder;
    const char *named = anywhere ? "the system's folder" : folder;
    struct act_os_temp *temp = new_temp(named, strlen(named));
    if (!temp)
        return act_fail_nomem(error);
    return finish_open(temp, anywhere ? create_anywhere(temp) : create_in(temp, folder), temp_ret,
                       error);
}

act_status act_os_temp_open_beside(const char *path, struct act_os_temp **temp_ret,
                                   act_error *error)
{
    *temp_ret = NULL;
    const char *slash = strrchr(path, '/');
    size_t nbytes = slash ? (size_t)(slash - path) + 1 : 0;
    struct act_os_temp *temp = nbytes ? new_temp(path, nbytes > 1 ? nbytes - 1 : 1)
                                      : new_temp(".", 1);
    if (!temp)
        return act_fail_nomem(error);
    return finish_open(temp, create(temp, path, nbytes), temp_ret, error);
}

act_status act_os_temp_write(struct act_os_temp *temp, const void *bytes, size_t nbytes,
                             act_error *error)
{
    if (!temp->at_end && !act_os_stream_seek(temp->stream, temp->nbytes))
        return act_fail_os(error, act_os_stream_code(), "cannot write a temporary file in %s",
                           temp->quoted);
    temp->at_end = true;
    errno = 0;
    size_t n = fwrite(bytes, 1, nbytes, temp->stream);
    temp->nbytes += n;
    if (n != nbytes)
        return act_fail_os(error, act_os_stream_code(), "cannot write a temporary file in %s",
                           temp->quoted);
    return ACT_OK;
}

uint64_t act_os_temp_nbytes(const struct act_os_temp *temp)
{
    return temp->nbytes;
}

act_status act_os_temp_read(const struct act_os_temp *temp, uint64_t off, void *bytes,
                            size_t nbytes, act_error *error)
{
    /* To read is to move in the stream: what is promised not to change is what was written. */
    ((struct act_os_temp *)(uintptr_t)temp)->at_end = false;
    if (!act_os_stream_seek(temp->stream, off))
        return act_fail_os(error, act_os_stream_code(), "cannot read a temporary file in %s",
                           temp->quoted);
    errno = 0;
    if (fread(bytes, 1, nbytes, temp->stream) == nbytes)
        return ACT_OK;
    if (ferror(temp->stream))
        return act_fail_os(error, act_os_stream_code(), "cannot read a temporary file in %s",
                           temp->quoted);
    return act_os_temp_fail_damaged(temp, error);
}

void act_os_temp_forget(struct act_os_temp *temp, uint64_t off, uint64_t nbytes)
{
    (void)temp;
    (void)off;
    (void)nbytes;
}

act_status act_os_temp_fail_damaged(const struct act_os_temp *temp, act_error *error)
{
    return act_fail_os(error, EIO, "a temporary file in %s is not as it was written", temp->quoted);
}

void act_os_temp_close(struct act_os_temp *temp)
{
    if (!temp)
        return;
    fclose(temp->stream);
    if (temp->path)
        remove(temp->path);
    free(temp->path);
    free(temp);
}
