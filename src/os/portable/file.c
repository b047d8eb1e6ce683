/*
 * Output files by ISO C, with stat and chmod, which nearly every C library has. What cannot be done
 * by it: bytes are given to the system but not synced; a file under a temporary name stays when the
 * program is killed; a symbolic link is replaced, not followed; the place is where the path leads
 * when it is committed; and where the system does not rename over a file, there is none for a
 * moment.
 */
#define _FILE_OFFSET_BITS 64

#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "os/portable/stream.h"

struct act_os_output {
    FILE *stream;    /* NULL once closed */
    char *path;      /* of the file that is to appear */
    char *temp_path; /* NULL while there is no such file */
    uint64_t nbytes;
    unsigned mode; /* the permissions of the file that it replaces */
    bool replaces;
    char quoted[ACT_QUOTED_NBYTES];
};

static act_status fail_write(const struct act_os_output *output, act_error *error)
{
    return act_fail_os(error, act_os_stream_code(), "cannot write %s", output->quoted);
}

/* Checks what is at the path now, if anything. */
static act_status examine(struct act_os_output *output, act_error *error)
{
    uint64_t nbytes;
    act_status status = act_os_stream_examine(output->path, output->quoted, &output->replaces,
                                              &output->mode, &nbytes, error);
    if (status != ACT_OK || !output->replaces)
        return status;
    /* A file may be renamed over one that is write-protected; its owner would not expect it. */
    errno = 0;
    FILE *stream = fopen(output->path, "r+b");
    if (!stream)
        return act_fail_os(error, act_os_stream_code(), "cannot replace %s", output->quoted);
    fclose(stream);
    return ACT_OK;
}

static act_status create(struct act_os_output *output, act_error *error)
{
    const char *slash = strrchr(output->path, '/');
    const char *name = slash ? slash + 1 : output->path;
    size_t folder_nbytes = (size_t)(name - output->path);
    if (!*name)
        return act_fail_os(error, *output->path ? EISDIR : ENOENT, "cannot create %s",
                           output->quoted);
    output->stream = act_os_stream_create(output->path, folder_nbytes, name, &output->temp_path);
    if (!output->stream && errno == ENAMETOOLONG) /* to cut it might leave half a character */
        output->stream = act_os_stream_create(output->path, folder_nbytes, "actree",
                                              &output->temp_path);
    if (!output->stream)
        return act_fail_os(error, act_os_stream_code(), "cannot create a file beside %s",
                           output->quoted);
    /* What replaces a private file is private before there is anything in it. */
    errno = 0;
    if (output->replaces && chmod(output->temp_path, output->mode) != 0)
        return act_fail_os(error, act_os_stream_code(), "cannot give %s its permissions",
                           output->quoted);
    return ACT_OK;
}

act_status act_os_output_open(const char *path, struct act_os_output **output_ret, act_error *error)
{
    *output_ret = NULL;
    size_t nbytes = strlen(path) + 1;
    struct act_os_output *output = calloc(1, sizeof(*output));
    char *copy = malloc(nbytes);
    if (!output || !copy) {
        free(output);
        free(copy);
        return act_fail_nomem(error);
    }
    memcpy(copy, path, nbytes);
    output->path = copy;
    act_quote(output->quoted, path, nbytes - 1);
    act_status status = examine(output, error);
    if (status == ACT_OK)
        status = create(output, error);
    if (status != ACT_OK)
        act_os_output_close(output);
    else
        *output_ret = output;
    return status;
}

act_status act_os_output_write(struct act_os_output *output, const void *bytes, size_t nbytes,
                               act_error *error)
{
    errno = 0;
    size_t n = fwrite(bytes, 1, nbytes, output->stream);
    output->nbytes += n;
    return n == nbytes ? ACT_OK : fail_write(output, error);
}

act_status act_os_output_write_at(struct act_os_output *output, uint64_t off, const void *bytes,
                                  size_t nbytes, act_error *error)
{
    errno = 0;
    if (!act_os_stream_seek(output->stream, off) ||
        fwrite(bytes, 1, nbytes, output->stream) != nbytes ||
        !act_os_stream_seek(output->stream, output->nbytes))
        return fail_write(output, error);
    return ACT_OK;
}

act_status act_os_output_commit(struct act_os_output *output, bool sync, act_error *error)
{
    (void)sync;
    errno = 0;
    FILE *stream = output->stream;
    output->stream = NULL;
    if (fclose(stream) != 0)
        return fail_write(output, error);
    errno = 0;
    bool done = rename(output->temp_path, output->path) == 0;
    if (!done && errno == EEXIST) /* on systems where to rename is not to replace */
        done = remove(output->path) == 0 && rename(output->temp_path, output->path) == 0;
    if (!done)
        return act_fail_os(error, act_os_stream_code(), "cannot put %s in place", output->quoted);
    free(output->temp_path);
    output->temp_path = NULL;
    return ACT_OK;
}

void act_os_output_close(struct act_os_output *output)
{
    if (!output)
        return;
    if (output->stream)
        fclose(output->stream);
    if (output->temp_path)
        remove(output->temp_path);
    free(output->temp_path);
    free(output->path);
    free(output);
}
