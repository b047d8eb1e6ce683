#include "build/sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/layout.h"

act_status act_sink_open(struct act_sink *sink, const char *path, act_error *error)
{
    memset(sink, 0, sizeof(*sink));
    uint8_t *buffer = malloc(ACT_SINK_NBYTES);
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
    act_status status = act_os_output_write(sink->output, sink->buffer, sink->used, error);
    if (status != ACT_OK)
        return status;
    sink->flushed += sink->used;
    sink->used = 0;
    return ACT_OK;
}

act_status act_sink_append(struct act_sink *sink, const void *bytes, size_t nbytes,
                           act_error *error)
{
    if (ACT_SINK_NBYTES - sink->used >= nbytes) {
        if (nbytes)
            memcpy(act_sink_end(sink), bytes, nbytes);
        sink->used += nbytes;
        return ACT_OK;
    }
    act_status status = act_sink_flush(sink, error);
    if (status != ACT_OK)
        return status;
    if (nbytes <= ACT_SINK_NBYTES / 2) {
        memcpy(sink->buffer, bytes, nbytes);
        sink->used = nbytes;
        return ACT_OK;
    }
    status = act_os_output_write(sink->output, bytes, nbytes, error);
    if (status == ACT_OK)
        sink->flushed += nbytes;
    return status;
}

act_status act_sink_finish(struct act_sink *sink, uint64_t root, bool sync, act_error *error)
{
    static const uint8_t tail[ACT_TAIL_NBYTES] = {0};
    uint8_t root_bytes[8];
    act_store_le64(root_bytes, root);
    act_status status = act_sink_append(sink, tail, sizeof(tail), error);
    if (status == ACT_OK)
        status = act_sink_flush(sink, error);
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
