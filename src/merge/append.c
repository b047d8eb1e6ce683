#include "merge/append.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "format/file.h"

act_status act_append_open(struct act_append *append, struct act_os_update *update, uint64_t begin,
                           uint64_t file_nbytes, bool tables, act_error *error)
{
    memset(append, 0, sizeof(*append));
    append->update = update;
    append->begin = append->flushed = begin;
    append->file_nbytes = file_nbytes;
    append->tables = tables;
    append->buffer = malloc(ACT_APPEND_UNIT_NBYTES + ACT_APPEND_ROOM_NBYTES);
    return append->buffer ? ACT_OK : act_fail_nomem(error);
}

void act_append_close(struct act_append *append)
{
    free(append->buffer);
    append->buffer = NULL;
}

/* Takes away what an earlier merge left, before anything takes its place. */
static act_status start(struct act_append *append, act_error *error)
{
    if (append->started)
        return ACT_OK;
    append->started = true;
    return append->begin < append->file_nbytes
               ? act_os_update_cut(append->update, append->begin, error)
               : ACT_OK;
}

/* Writes `nbytes` from the front of the buffer, with their checksums. */
static act_status flush(struct act_append *append, size_t nbytes, act_error *error)
{
    act_status status = start(append, error);
    for (size_t at = 0; append->tables && at < nbytes; at += ACT_SUMS_BLOCK_NBYTES) {
        size_t left = nbytes - at;
        append->sum = act_segment_sum(append->buffer + at,
                                      left < ACT_SUMS_BLOCK_NBYTES ? left : ACT_SUMS_BLOCK_NBYTES,
                                      append->sum);
    }
    if (status == ACT_OK)
        status = act_os_update_write(append->update, append->flushed, append->buffer, nbytes,
                                     error);
    append->flushed += nbytes;
    append->used -= nbytes;
    memmove(append->buffer, append->buffer + nbytes, append->used);
    return status;
}

/* Makes room for a run. */
static act_status make_room(struct act_append *append, act_error *error)
{
    return append->used < ACT_APPEND_UNIT_NBYTES ? ACT_OK
                                                 : flush(append, ACT_APPEND_UNIT_NBYTES, error);
}

act_status act_append_bytes(struct act_append *append, const void *bytes, size_t nbytes,
                            act_error *error)
{
    const uint8_t *p = bytes;
    while (nbytes) {
        act_status status = make_room(append, error);
        if (status != ACT_OK)
            return status;
        size_t room = ACT_APPEND_UNIT_NBYTES + ACT_APPEND_ROOM_NBYTES - append->used;
        size_t some = nbytes < room ? nbytes : room;
        memcpy(append->buffer + append->used, p, some);
        append->used += some;
        p += some;
        nbytes -= some;
    }
    return ACT_OK;
}

act_status act_append_varint(struct act_append *append, uint64_t number, act_error *error)
{
    uint8_t varint[ACT_VARINT_NBYTES_MAX];
    return act_append_bytes(append, varint, (size_t)(act_varint_write(varint, number) - varint),
                            error);
}

act_status act_append_read(const struct act_append *append, uint64_t off, uint8_t *bytes,
                           size_t nbytes, act_error *error)
{
    if (off < append->flushed) {
        uint64_t before = append->flushed - off;
        size_t some = before < nbytes ? (size_t)before : nbytes;
        act_status status = act_os_update_read(append->update, off, bytes, some, error);
        if (status != ACT_OK)
            return status;
        off += some;
        bytes += some;
        nbytes -= some;
    }
    if (nbytes)
        memcpy(bytes, append->buffer + (off - append->flushed), nbytes);
    return ACT_OK;
}

act_status act_append_node(struct act_append *append, const struct act_append_node *node,
                           uint64_t *id_ret, act_error *error)
{
    act_status status = make_room(append, error);
    if (status != ACT_OK)
        return status;
    /* Set last: it may be in the node. */
    uint64_t id = act_append_position(append);
    append->used = (size_t)(act_node_encode(append->buffer + append->used, id, &node->node,
                                            node->child_bytes) -
                            append->buffer);
    *id_ret = id;
    return ACT_OK;
}

/* Encodes siblings from `first_id` on at `p`; where each begins, and the end of the last. */
static uint8_t *encode(uint8_t *p, uint64_t first_id, const struct act_made *made, size_t count,
                       uint32_t offs_ret[256])
{
    const uint8_t *start = p;
    for (size_t i = 0; i < count; i++) {
        offs_ret[i] = (uint32_t)(p - start);
        p = act_node_encode(p, first_id + offs_ret[i], &made[i].node.node,
                            made[i].node.child_bytes);
    }
    return p;
}

act_status act_append_run(struct act_append *append, struct act_made *made, size_t count,
                          uint64_t *first_id_ret, act_error *error)
{
    act_status status = ACT_OK;
    for (size_t i = 0; i < count && status == ACT_OK; i++) {
        if (made[i].has_branch)
            status = act_append_node(append, &made[i].branch, &made[i].node.node.child, error);
    }
    if (status == ACT_OK)
        status = make_room(append, error);
    if (status != ACT_OK)
        return status;
    uint8_t *p = append->buffer + append->used;
    uint64_t position = act_append_position(append);
    uint32_t offs[256];
    uint8_t *end;
    size_t table_nbytes = 0;
    if (append->tables && count > 1) {
        /* Distances, and so nodes, grow with the table: the width is tried. */
        uint8_t width = 1;
        table_nbytes = count;
        end = encode(p + table_nbytes, position + table_nbytes, made, count, offs);
        if (offs[count - 1] > UINT8_MAX) {
            width = 2;
            table_nbytes = 2 * count - 1;
            end = encode(p + table_nbytes, position + table_nbytes, made, count, offs);
        }
        uint8_t *table = p + table_nbytes - 1;
        *table = width;
        for (size_t i = 1; i < count; i++) {
            if (width == 1)
                *(table - i) = (uint8_t)offs[i];
            else
                act_store_le16(table - 2 * i, offs[i]);
        }
    } else {
        end = encode(p, position, made, count, offs);
    }
    *first_id_ret = position + table_nbytes;
    append->used = (size_t)(end - append->buffer);
    return ACT_OK;
}

act_status act_append_root(struct act_append *append, const struct act_append_node *root,
                           struct act_segment *segment, const struct act_trailer *trailer,
                           act_error *error)
{
    uint8_t last[ACT_SEGMENT_NBYTES + ACT_NODE_NBYTES_MAX + ACT_TRAILER_NBYTES];
    /* Blocks of the checksum end where the footer begins. */
    act_status status = make_room(append, error);
    if (status == ACT_OK)
        status = flush(append, append->used, error);
    if (status != ACT_OK)
        return status;
    uint8_t *p = last + (append->tables ? ACT_SEGMENT_NBYTES : 0);
    segment->begin = append->begin;
    segment->root = append->flushed + (uint64_t)(p - last);
    uint8_t *end = act_node_encode(p, segment->root, &root->node, root->child_bytes);
    act_store_le64(end, trailer->previous_trailer);
    act_store_le64(end + 8, trailer->previous_root);
    end += ACT_TRAILER_NBYTES;
    if (append->tables) {
        segment->sum = act_segment_sum(p, (size_t)(end - p), append->sum);
        act_segment_write(last, segment);
    }
    status = act_os_update_write(append->update, append->flushed, last, (size_t)(end - last),
                                 error);
    append->flushed += (uint64_t)(end - last);
    return status;
}

act_status act_append_commit(struct act_append *append, uint64_t root, bool sync, bool *counts_ret,
                             act_error *error)
{
    uint8_t bytes[8];
    *counts_ret = false;
    act_status status = sync ? act_os_update_sync(append->update, error) : ACT_OK;
    if (status != ACT_OK)
        return status;
    act_store_le64(bytes, root);
    status = act_os_update_write(append->update, ACT_ROOT_OFF, bytes, sizeof(bytes), error);
    if (status == ACT_OK) {
        *counts_ret = true;
        return sync ? act_os_update_sync(append->update, error) : ACT_OK;
    }
    /* Whether anything of the eight bytes came to be is asked of the file itself. */
    uint8_t there[8];
    *counts_ret = act_os_update_read(append->update, ACT_ROOT_OFF, there, sizeof(there), NULL) !=
                      ACT_OK ||
                  memcmp(there, bytes, sizeof(bytes)) == 0;
    return status;
}

act_status act_append_undo(struct act_append *append, act_error *error)
{
    append->started = true;
    append->file_nbytes = append->begin;
    return act_os_update_cut(append->update, append->begin, error);
}
