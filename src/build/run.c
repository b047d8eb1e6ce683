#include "build/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "format/varint.h"

enum {
    LENGTHS_NBYTES_MAX = 2 * ACT_VARINT_NBYTES_MAX
};

/* ------------------------------------------------------------------------------------- writing */

act_status act_run_writer_open(struct act_run_writer *writer, struct act_os_temp *temp,
                               size_t buffer_nbytes, act_error *error)
{
    memset(writer, 0, sizeof(*writer));
    writer->buffer = malloc(buffer_nbytes);
    if (!writer->buffer)
        return act_fail_nomem(error);
    writer->capacity = buffer_nbytes;
    writer->temp = temp;
    writer->off = act_os_temp_nbytes(temp);
    return ACT_OK;
}

void act_run_writer_close(struct act_run_writer *writer)
{
    free(writer->buffer);
    memset(writer, 0, sizeof(*writer));
}

static act_status flush(struct act_run_writer *writer, act_error *error)
{
    size_t nbytes = writer->used;
    writer->used = 0;
    return act_os_temp_write(writer->temp, writer->buffer, nbytes, error);
}

/* Makes room for so many bytes, of which there are fewer than the buffer has. */
static act_status make_room(struct act_run_writer *writer, size_t nbytes, act_error *error)
{
    return ACT_LIKELY(writer->capacity - writer->used >= nbytes) ? ACT_OK : flush(writer, error);
}

static act_status append(struct act_run_writer *writer, const uint8_t *bytes, size_t nbytes,
                         act_error *error)
{
    while (ACT_UNLIKELY(nbytes > writer->capacity - writer->used)) {
        size_t part = writer->capacity - writer->used;
        memcpy(writer->buffer + writer->used, bytes, part);
        writer->used += part;
        bytes += part;
        nbytes -= part;
        act_status status = flush(writer, error);
        if (status != ACT_OK)
            return status;
    }
    if (nbytes)
        memcpy(writer->buffer + writer->used, bytes, nbytes);
    writer->used += nbytes;
    return ACT_OK;
}

static void put_varint(struct act_run_writer *writer, uint64_t number)
{
    uint8_t *end = act_varint_write(writer->buffer + writer->used, number);
    writer->used = (size_t)(end - writer->buffer);
}

act_status act_run_write(struct act_run_writer *writer, const struct act_joined *joined,
                         act_error *error)
{
    act_status status = make_room(writer, LENGTHS_NBYTES_MAX, error);
    if (status != ACT_OK)
        return status;
    size_t own = joined->key.nbytes - joined->shared;
    put_varint(writer, joined->shared);
    put_varint(writer, own);
    status = append(writer, joined->key.bytes + joined->shared, own, error);
    if (status == ACT_OK)
        status = make_room(writer, ACT_VARINT_NBYTES_MAX, error);
    if (status == ACT_OK)
        put_varint(writer, joined->value);
    return status;
}

act_status act_run_finish(struct act_run_writer *writer, struct act_run *run_ret, act_error *error)
{
    act_status status = flush(writer, error);
    run_ret->off = writer->off;
    run_ret->nbytes = act_os_temp_nbytes(writer->temp) - writer->off;
    return status;
}

/* ------------------------------------------------------------------------------------- reading */

act_status act_run_reader_open(struct act_run_reader *reader, const struct act_os_temp *temp,
                               const struct act_run *run, size_t buffer_nbytes, act_error *error)
{
    memset(reader, 0, sizeof(*reader));
    /* Varints are read without a look at the end, and may lie across it. */
    reader->buffer = calloc(1, buffer_nbytes + LENGTHS_NBYTES_MAX);
    if (!reader->buffer ||
        !act_reserve(&reader->key, &reader->key_capacity, ACT_RUN_KEY_SLACK_NBYTES, 1)) {
        act_run_reader_close(reader);
        return act_fail_nomem(error);
    }
    reader->capacity = buffer_nbytes;
    reader->at = reader->buffer;
    reader->filled = reader->buffer;
    reader->temp = temp;
    reader->off = run->off;
    reader->end = run->off + run->nbytes;
    return ACT_OK;
}

void act_run_reader_close(struct act_run_reader *reader)
{
    free(reader->buffer);
    free(reader->key);
    memset(reader, 0, sizeof(*reader));
}

static size_t left_in_buffer(const struct act_run_reader *reader)
{
    return (size_t)(reader->filled - reader->at);
}

/* Fills the buffer up. */
static act_status refill(struct act_run_reader *reader, act_error *error)
{
    size_t left = left_in_buffer(reader);
    memmove(reader->buffer, reader->at, left);
    reader->at = reader->buffer;
    reader->filled = reader->buffer + left;
    size_t room = reader->capacity - left;
    size_t part = room < reader->end - reader->off ? room : (size_t)(reader->end - reader->off);
    act_status status = act_os_temp_read(reader->temp, reader->off, reader->buffer + left, part,
                                         error);
    if (status != ACT_OK)
        return status;
    reader->filled += part;
    reader->off += part;
    return ACT_OK;
}

/* Fills the buffer up if it holds fewer bytes than these, and there are more. */
static ACT_ALWAYS_INLINE act_status look_ahead(struct act_run_reader *reader, size_t nbytes,
                                               act_error *error)
{
    return ACT_LIKELY(left_in_buffer(reader) >= nbytes) || reader->off == reader->end
               ? ACT_OK
               : refill(reader, error);
}

/* Takes bytes, of which there are enough. */
static act_status take(struct act_run_reader *reader, uint8_t *to, size_t nbytes, act_error *error)
{
    for (;;) {
        size_t left = left_in_buffer(reader);
        size_t part = nbytes < left ? nbytes : left;
        memcpy(to, reader->at, part);
        reader->at += part;
        nbytes -= part;
        if (ACT_LIKELY(!nbytes))
            return ACT_OK;
        to += part;
        act_status status = refill(reader, error);
        if (status != ACT_OK)
            return status;
    }
}

act_status act_run_next(struct act_run_reader *reader, act_error *error)
{
    act_status status = look_ahead(reader, LENGTHS_NBYTES_MAX, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (reader->at == reader->filled)
        return ACT_END;
    uint64_t shared = act_varint_read(&reader->at);
    uint64_t own = act_varint_read(&reader->at);
    if (ACT_UNLIKELY(reader->at > reader->filled || shared > reader->key_nbytes ||
                     own > left_in_buffer(reader) + (reader->end - reader->off) ||
                     own > SIZE_MAX - ACT_RUN_KEY_SLACK_NBYTES - shared))
        return act_os_temp_fail_damaged(reader->temp, error);
    size_t nbytes = (size_t)(shared + own);
    size_t needed = nbytes + ACT_RUN_KEY_SLACK_NBYTES;
    if (ACT_UNLIKELY(needed > reader->key_capacity &&
                     !act_reserve(&reader->key, &reader->key_capacity, needed, 1)))
        return act_fail_nomem(error);
    reader->shared = (size_t)shared;
    reader->repeated = reader->any && !own && shared == reader->key_nbytes;
    reader->any = true;
    reader->key_nbytes = nbytes;
    status = take(reader, reader->key + shared, (size_t)own, error);
    if (ACT_LIKELY(status == ACT_OK))
        status = look_ahead(reader, ACT_VARINT_NBYTES_MAX, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (ACT_UNLIKELY(reader->at == reader->filled))
        return act_os_temp_fail_damaged(reader->temp, error);
    reader->value = act_varint_read(&reader->at);
    if (ACT_UNLIKELY(reader->at > reader->filled))
        return act_os_temp_fail_damaged(reader->temp, error);
    return ACT_OK;
}
