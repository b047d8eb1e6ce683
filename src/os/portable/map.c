/*
 * Files are read as a whole, whatever is asked for. The zeros after them are there as well.
 *
 * _FILE_OFFSET_BITS: files beyond 2 GiB where they would be refused otherwise.
 */
#define _FILE_OFFSET_BITS 64

#include "os/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/portable/stream.h"

enum {
    PADDING_NBYTES = 256, /* as far as wide loads near the end of a file may reach beyond it */
    READ_NBYTES = 1 << 20
};

struct buffer {
    uint8_t *bytes;
    size_t nbytes;
    size_t capacity;
};

static act_status fail_memory(const char *quoted, act_error *error)
{
    return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET, "no memory to read %s into", quoted);
}

static bool reserve(struct buffer *buffer, size_t capacity)
{
    if (capacity <= buffer->capacity)
        return true;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (!bytes)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

/* Reads up to the end, wherever that is now. */
static act_status read_all(FILE *stream, struct buffer *buffer, const char *quoted,
                           act_error *error)
{
    for (;;) {
        size_t room = buffer->capacity - buffer->nbytes;
        if (room <= PADDING_NBYTES) {
            size_t more = buffer->capacity / 2 + READ_NBYTES;
            if (buffer->capacity > SIZE_MAX / 2 || !reserve(buffer, buffer->capacity + more))
                return fail_memory(quoted, error);
            continue;
        }
        errno = 0;
        size_t n = fread(buffer->bytes + buffer->nbytes, 1, room - PADDING_NBYTES, stream);
        buffer->nbytes += n;
        if (n == 0 && ferror(stream))
            return act_fail_os(error, act_os_stream_code(), "cannot read %s", quoted);
        if (n == 0)
            return ACT_OK;
    }
}

static act_status open_stream(FILE *stream, uint64_t nbytes, const char *quoted,
                              struct act_os_bytes *bytes_ret, act_error *error)
{
    struct buffer buffer = {NULL, 0, 0};
    if (nbytes > SIZE_MAX / 2 || !reserve(&buffer, (size_t)nbytes + PADDING_NBYTES + 1))
        return fail_memory(quoted, error);
    act_status status = read_all(stream, &buffer, quoted, error);
    if (status != ACT_OK || buffer.nbytes == 0) {
        free(buffer.bytes);
        return status;
    }
    memset(buffer.bytes + buffer.nbytes, 0, PADDING_NBYTES);
    bytes_ret->bytes = buffer.bytes;
    bytes_ret->nbytes = buffer.nbytes;
    bytes_ret->padding_nbytes = PADDING_NBYTES;
    return ACT_OK;
}

act_status act_os_bytes_open(const char *path, act_access access, act_guard guard,
                             uint64_t read_nbytes_max, struct act_os_bytes *bytes_ret,
                             act_error *error)
{
    (void)access;
    (void)guard; /* what is in memory needs none */
    (void)read_nbytes_max;
    memset(bytes_ret, 0, sizeof(*bytes_ret));
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, path, strlen(path));
    bool exists;
    unsigned mode;
    uint64_t nbytes = 0;
    act_status status = act_os_stream_examine(path, quoted, &exists, &mode, &nbytes, error);
    if (status != ACT_OK)
        return status;
    if (exists)
        status = act_os_identity_at(path, &bytes_ret->identity, NULL, error);
    if (status != ACT_OK)
        return status;
    errno = 0;
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return act_fail_os(error, act_os_stream_code(), "cannot open %s", quoted);
    setvbuf(stream, NULL, _IONBF, 0); /* what is read goes where it stays */
    status = open_stream(stream, nbytes, quoted, bytes_ret, error);
    fclose(stream);
    return status;
}

/* What is in memory is the process's own already; these are for what is mapped. */
int act_os_bytes_set_backing(const struct act_os_bytes *bytes, uint64_t off, uint64_t nbytes,
                             enum act_os_backing backing)
{
    (void)bytes;
    (void)off;
    (void)nbytes;
    (void)backing;
    return 0;
}

act_status act_os_bytes_copy(struct act_os_bytes *bytes, act_error *error)
{
    (void)bytes;
    (void)error;
    return ACT_OK;
}

void act_os_bytes_close(struct act_os_bytes *bytes)
{
    free((void *)(uintptr_t)bytes->bytes);
    memset(bytes, 0, sizeof(*bytes));
}

size_t act_os_page_nbytes(void)
{
    return 4096;
}
