#include "build/sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/layout.h"

act_status act_sink_open(struct act_sink *sink, const char *path, act_error *error)
{
    memset(sink, 0, sizeof(*sink));
    uint8_t *buffer = malloc(ACT_SINK_BUFFER_NBYTES);
    if (!buffer)
        return act_fail_nomem(error);
    act_status status = act_os_output_open(path, &sink->output, error);
    if (status != ACT_OK) {
        free(buffer);
        return status;
    }
    sink->buffer = buffer;
    /* The root's place stays zero until the end: a file cut short has no root that leads inside. */
    memset(buffer, 0, ACT_ARENA_OFF);
    memcpy(buffer, ACT_MAGIC, ACT_MAGIC_NBYTES);
    sink->used = ACT_ARENA_OFF;
    return ACT_OK;
}

act_status act_sink_flush(struct act_sink *sink, act_error *error)
{
    act_status status = act_os_output_write(sink->output, sink->buffer, ACT_SINK_UNIT_NBYTES,
                                            error);
    if (status != ACT_OK)
        return status;
    sink->flushed += ACT_SINK_UNIT_NBYTES;
    sink->used -= ACT_SINK_UNIT_NBYTES;
    memcpy(sink->buffer, sink->buffer + ACT_SINK_UNIT_NBYTES, sink->used);
    return ACT_OK;
}

act_status act_sink_append(struct act_sink *sink, const void *bytes, size_t nbytes,
                           act_error *error)
{
    const uint8_t *p = bytes;
    for (;;) {
        size_t room = ACT_SINK_BUFFER_NBYTES - sink->used;
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

act_status act_sink_finish(struct act_sink *sink, uint64_t root, bool sync, act_error *error)
{
    static const uint8_t tail[ACT_TAIL_NBYTES] = {0};
    uint8_t root_bytes[8];
    act_store_le64(root_bytes, root);
    act_status status = act_sink_append(sink, tail, sizeof(tail), error);
    if (status == ACT_OK)
        status = act_os_output_write(sink->output, sink->buffer, sink->used, error);
    if (status == ACT_OK)
        status = act_os_output_write_at(sink->output, ACT_ROOT_OFF, root_bytes, sizeof(root_bytes),
                                        error);
    if (status == ACT_OK)
        status = act_os_output_commit(sink->output, sync, error);
    return status;
}

void act_sink_close(struct act_sink *sink)
{
    act_os_output_close(sink->output);
    free(sink->buffer);
    memset(sink, 0, sizeof(*sink));
}
