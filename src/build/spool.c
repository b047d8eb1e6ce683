#include "build/spool.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "os/memory.h"

enum {
    MEMORY_NBYTES = 16 << 10 /* that a spool without a file begins with */
};

act_status act_spool_open(struct act_spool *spool, const char *path, act_error *error)
{
    memset(spool, 0, sizeof(*spool));
    spool->capacity = MEMORY_NBYTES;
    if (path)
        spool->capacity = act_os_memory_is_scarce() ? ACT_SPOOL_BUFFER_SCARCE
                                                    : ACT_SPOOL_BUFFER_NBYTES;
    size_t path_nbytes = path ? strlen(path) + 1 : 0;
    if (path)
        spool->beside = malloc(path_nbytes);
    spool->buffer = malloc(spool->capacity);
    if ((path && !spool->beside) || !spool->buffer) {
        act_spool_close(spool);
        return act_fail_nomem(error);
    }
    if (path)
        memcpy(spool->beside, path, path_nbytes);
    return ACT_OK;
}

void act_spool_close(struct act_spool *spool)
{
    act_os_temp_close(spool->temp);
    free(spool->beside);
    free(spool->buffer);
    memset(spool, 0, sizeof(*spool));
}

void act_spool_clear(struct act_spool *spool)
{
    spool->used = 0;
    spool->at = 0;
}

/* Empties the buffer into the file. */
static act_status write_out(struct act_spool *spool, act_error *error)
{
    act_status status = ACT_OK;
    if (!spool->temp)
        status = act_os_temp_open_beside(spool->beside, &spool->temp, error);
    if (status == ACT_OK)
        status = act_os_temp_write(spool->temp, spool->buffer, spool->used, error);
    spool->used = 0;
    return status;
}

/* Makes room in a buffer that is full. */
static act_status make_room(struct act_spool *spool, act_error *error)
{
    if (spool->beside)
        return write_out(spool, error);
    return act_reserve(&spool->buffer, &spool->capacity, spool->used + 1, 1)
               ? ACT_OK
               : act_fail_nomem(error);
}

act_status act_spool_write(struct act_spool *spool, const void *bytes, size_t nbytes,
                           act_error *error)
{
    const uint8_t *p = bytes;
    while (nbytes) {
        if (spool->used == spool->capacity) {
            act_status status = make_room(spool, error);
            if (status != ACT_OK)
                return status;
        }
        size_t room = spool->capacity - spool->used;
        size_t part = nbytes < room ? nbytes : room;
        memcpy(spool->buffer + spool->used, p, part);
        spool->used += part;
        p += part;
        nbytes -= part;
    }
    return ACT_OK;
}

act_status act_spool_rewind(struct act_spool *spool, act_error *error)
{
    return spool->temp ? write_out(spool, error) : ACT_OK;
}

act_status act_spool_read(struct act_spool *spool, void *bytes, size_t nbytes, act_error *error)
{
    uint8_t *p = bytes;
    while (nbytes) {
        if (spool->at == spool->used) {
            uint64_t left = act_os_temp_nbytes(spool->temp) - spool->file_at;
            spool->used = left < spool->capacity ? (size_t)left : spool->capacity;
            act_status status = act_os_temp_read(spool->temp, spool->file_at, spool->buffer,
                                                 spool->used, error);
            if (status != ACT_OK)
                return status;
            spool->file_at += spool->used;
            spool->at = 0;
        }
        size_t part = spool->used - spool->at;
        if (part > nbytes)
            part = nbytes;
        memcpy(p, spool->buffer + spool->at, part);
        spool->at += part;
        p += part;
        nbytes -= part;
    }
    return ACT_OK;
}
