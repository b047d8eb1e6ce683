#include "build/sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "format/index.h"
#include "os/memory.h"

act_status act_sink_open(struct act_sink *sink, const char *path, size_t head_nbytes,
                         act_error *error)
{
    memset(sink, 0, sizeof(*sink));
    sink->unit_nbytes = act_os_memory_is_scarce() ? ACT_SINK_UNIT_SCARCE : ACT_SINK_UNIT_NBYTES;
    uint8_t *buffer = malloc(sink->unit_nbytes + ACT_SINK_ROOM_NBYTES);
    if (!buffer)
        return act_fail_nomem(error);
    act_status status = act_os_output_open(path, &sink->output, error);
    if (status != ACT_OK) {
        free(buffer);
        return status;
    }
    sink->buffer = buffer;
    /* The root's place stays zero until the end: a file cut short has no root that leads inside. */
    memset(buffer, 0, head_nbytes);
    memcpy(buffer, ACT_MAGIC, ACT_MAGIC_NBYTES);
    sink->used = head_nbytes;
    return ACT_OK;
}

void act_sink_open_memory(struct act_sink *sink, uint64_t position)
{
    memset(sink, 0, sizeof(*sink));
    sink->flushed = position;
}

/* Takes the checksums of the blocks in the buffer that begin before `end`, an offset in the file.
 */
static act_status sum_blocks(struct act_sink *sink, uint64_t end, act_error *error)
{
    uint64_t count = act_sums_count(end);
    if (!act_reserve(&sink->sums, &sink->sums_capacity, (size_t)count, sizeof(*sink->sums)))
        return act_fail_nomem(error);
    for (; sink->sums_count < count; sink->sums_count++) {
        uint64_t from = act_sums_begin(sink->sums_count);
        uint64_t to = act_sums_end(sink->sums_count, end);
        sink->sums[sink->sums_count] = act_hash64(sink->buffer + (from - sink->flushed),
                                                  (size_t)(to - from), 0);
    }
    return ACT_OK;
}

act_status act_sink_flush(struct act_sink *sink, act_error *error)
{
    act_status status = ACT_OK;
    if (sink->summed)
        status = sum_blocks(sink, sink->flushed + sink->unit_nbytes, error);
    if (status == ACT_OK)
        status = act_os_output_write(sink->output, sink->buffer, sink->unit_nbytes, error);
    if (status != ACT_OK)
        return status;
    sink->flushed += sink->unit_nbytes;
    sink->used -= sink->unit_nbytes;
    memcpy(sink->buffer, sink->buffer + sink->unit_nbytes, sink->used);
    return ACT_OK;
}

static act_status append_in_memory(struct act_sink *sink, const void *bytes, size_t nbytes,
                                   act_error *error)
{
    if (nbytes > SIZE_MAX - sink->used ||
        !act_reserve(&sink->buffer, &sink->capacity, sink->used + nbytes, 1))
        return act_fail_nomem(error);
    if (nbytes)
        memcpy(act_sink_end(sink), bytes, nbytes);
    sink->used += nbytes;
    return ACT_OK;
}

act_status act_sink_append(struct act_sink *sink, const void *bytes, size_t nbytes,
                           act_error *error)
{
    const uint8_t *p = bytes;
    if (!sink->output)
        return append_in_memory(sink, bytes, nbytes, error);
    for (;;) {
        size_t room = sink->unit_nbytes + ACT_SINK_ROOM_NBYTES - sink->used;
        size_t part = nbytes < room ? nbytes : room;
        if (part)
            memcpy(act_sink_end(sink), p, part);
        sink->used += part;
        nbytes -= part;
        if (!nbytes)
            return ACT_OK;
        p += part;
        act_status status = act_sink_flush(sink, error);
        if (status != ACT_OK)
            return status;
    }
}

act_status act_sink_append_sums(struct act_sink *sink, uint64_t *hash_ret, act_error *error)
{
    act_status status = sum_blocks(sink, act_sink_position(sink), error);
    if (status != ACT_OK)
        return status;
    sink->summed = false;
    for (size_t i = 0; i < sink->sums_count; i++)
        act_store_le64((uint8_t *)&sink->sums[i], sink->sums[i]);
    size_t nbytes = sink->sums_count * ACT_SUM_NBYTES;
    *hash_ret = act_hash64(sink->sums, nbytes, 0);
    return act_sink_append(sink, sink->sums, nbytes, error);
}

act_status act_sink_finish(struct act_sink *sink, const uint8_t *head, size_t head_nbytes,
                           bool sync, act_error *error)
{
    static const uint8_t tail[ACT_TAIL_NBYTES] = {0};
    act_status status = act_sink_append(sink, tail, sizeof(tail), error);
    if (status == ACT_OK)
        status = act_os_output_write(sink->output, sink->buffer, sink->used, error);
    if (status == ACT_OK)
        status = act_os_output_write_at(sink->output, ACT_ROOT_OFF, head, head_nbytes, error);
    if (status == ACT_OK)
        status = act_os_output_commit(sink->output, sync, error);
    return status;
}

void act_sink_close(struct act_sink *sink)
{
    act_os_output_close(sink->output);
    free(sink->buffer);
    free(sink->sums);
    memset(sink, 0, sizeof(*sink));
}
