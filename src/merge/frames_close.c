/* From a frame below which all is complete to one node, which is not written yet. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "merge/frames.h"

/* ------------------------------------------------------------------------------------ children */

/*
 * What an old line goes on with after the byte behind `off`, as the node that this byte leads to.
 */
static act_status rest_of_line(const struct act_frames *frames, const struct act_place *place,
                               struct act_made *made_ret, act_error *error)
{
    const struct act_old_node *old = &place->old;
    uint64_t from = place->off + 1;
    uint64_t nbytes = old->line.nbytes - from;
    struct act_new_node *node = &made_ret->node.node;
    made_ret->old_id = old->node.id;
    if (nbytes == 0 && old->child) {
        made_ret->old_id = old->child;
        return act_old_copy(frames->arena, old->child, &made_ret->node, error);
    }
    *node = (struct act_new_node){.header = old->node.header & ACT_NODE_VALUE};
    if (act_node_has_value(&old->node))
        node->value = old->node.value;
    if (nbytes == 0)
        return ACT_OK;
    node->header = old->node.header;
    node->child = old->child;
    node->line = act_append_position(frames->append);
    act_status status = act_append_varint(frames->append, nbytes, error);
    return status == ACT_OK
               ? act_append_bytes(frames->append, old->line.bytes + from, (size_t)nbytes, error)
               : status;
}

/* The children that were there, by their bytes. */
static act_status old_children(const struct act_frames *frames, const struct act_frame *frame,
                               uint8_t bytes[256], uint64_t ids[256], unsigned *count_ret,
                               act_error *error)
{
    *count_ret = 0;
    if (frame->place.kind == ACT_PLACE_NOTHING)
        return ACT_OK;
    const struct act_old_node *old = &frame->place.old;
    if (frame->place.kind == ACT_PLACE_LINE) {
        bytes[0] = old->line.bytes[frame->place.off];
        *count_ret = 1;
        return ACT_OK;
    }
    if (old->children.count == 0)
        return ACT_OK;
    *count_ret = act_old_bytes(old, bytes);
    return act_old_children(frames->arena, old, ids, error);
}

/*
 * Puts all children of the frame into frames->run, old and new ones in order; `*below_ret` is what
 * was appended for the new ones.
 */
static act_status gather(struct act_frames *frames, const struct act_frame *frame,
                         size_t *count_ret, uint64_t *below_ret, act_error *error)
{
    uint8_t bytes[256] = {0};
    uint64_t ids[256];
    unsigned old_count;
    act_status status = old_children(frames, frame, bytes, ids, &old_count, error);
    size_t next = frame->waiting_begin;
    size_t count = 0;
    uint64_t below_nbytes = 0;
    for (unsigned i = 0; status == ACT_OK && (i < old_count || next < frames->waiting_count);) {
        struct act_made *made = &frames->run[count];
        bool is_new = next < frames->waiting_count &&
                      (i == old_count || frames->waiting[next].made.node.node.byte <= bytes[i]);
        if (is_new) {
            const struct act_frames_child *child = &frames->waiting[next];
            i += i < old_count && child->made.node.node.byte == bytes[i];
            *made = child->made;
            count += !child->gone;
            below_nbytes += child->gone ? 0 : child->below_nbytes;
            next++;
            continue;
        }
        made->has_branch = false;
        if (frame->place.kind == ACT_PLACE_LINE) {
            status = rest_of_line(frames, &frame->place, made, error);
        } else {
            made->old_id = ids[i];
            status = act_old_copy(frames->arena, ids[i], &made->node, error);
        }
        made->node.node.byte = bytes[i++];
        count++;
    }
    frames->waiting_count = frame->waiting_begin;
    *count_ret = count;
    *below_ret = below_nbytes;
    return status;
}

/* Whether the children that were there are known to have more below them than a unit. */
static bool was_hot(const struct act_frames *frames, const struct act_frame *frame)
{
    uint64_t child = frame->place.kind == ACT_PLACE_BRANCH ? frame->place.old.child : 0;
    return child >= frames->arena->hot_off && child < frames->hot_end;
}

/*
 * Gives the children in frames->run their places beside each other: if they are a unit with all
 * below them, that is copied, so that whoever comes there finds all of it together; else their
 * lines are, and the branches that these lead to. `*below_ref` is what was appended for the new
 * ones, and becomes that of all.
 */
static act_status settle(struct act_frames *frames, const struct act_frame *frame, size_t count,
                         uint64_t *below_ref, act_error *error)
{
    uint64_t nbytes = *below_ref + 2 * count;
    for (size_t i = 0; i < count; i++)
        nbytes += act_unit_own_nbytes(&frames->run[i]);
    bool unit = nbytes <= ACT_MERGED_UNIT_NBYTES_MAX && !was_hot(frames, frame);
    for (size_t i = 0; i < count && unit; i++)
        unit = !frames->run[i].old_id ||
               act_unit_measure(&frames->units, frames->run[i].old_id, &nbytes);
    act_status status = ACT_OK;
    for (size_t i = 0; i < count && status == ACT_OK; i++) {
        struct act_made *made = &frames->run[i];
        if (!made->old_id)
            continue;
        status = unit ? act_unit_copy(&frames->units, made, error)
                      : act_unit_take_branch(&frames->units, made, error);
        if (status == ACT_OK)
            status = act_unit_take_line(
                &frames->units, made,
                unit ? ACT_UNIT_LINE_NBYTES_MAX : ACT_UNIT_HOT_LINE_NBYTES_MAX, error);
    }
    *below_ref = unit ? nbytes : ACT_UNIT_TOO_MUCH;
    return status;
}

/* Makes a branch of the children in frames->run, which are written. */
static act_status make_branch(struct act_frames *frames, size_t count, struct act_append_node *made,
                              act_error *error)
{
    made->node.header |= (uint8_t)act_branch_count(count);
    if (count < ACT_BRANCH_MASK) {
        for (size_t i = 0; i < count; i++)
            made->child_bytes[i] = frames->run[i].node.node.byte;
    } else {
        uint64_t mask[4] = {0};
        for (size_t i = 0; i < count; i++) {
            unsigned byte = frames->run[i].node.node.byte;
            mask[byte / 64] |= (uint64_t)1 << byte % 64;
        }
        act_mask_encode(made->child_bytes, mask);
    }
    return count ? act_append_run(frames->append, frames->run, count, &made->node.child, error)
                 : ACT_OK;
}

/* --------------------------------------------------------------------------------- line data */

/* Appends line data that lie elsewhere, in the old file or in what was appended, without their
 * length. */
static act_status append_line(const struct act_frames *frames, uint64_t off, uint64_t nbytes,
                              act_error *error)
{
    if (off < frames->append->begin)
        return act_append_bytes(frames->append, frames->arena->bytes + off, (size_t)nbytes, error);
    uint8_t some[1024];
    act_status status = ACT_OK;
    while (status == ACT_OK && nbytes) {
        size_t some_nbytes = nbytes < sizeof(some) ? (size_t)nbytes : sizeof(some);
        status = act_append_read(frames->append, off, some, some_nbytes, error);
        if (status == ACT_OK)
            status = act_append_bytes(frames->append, some, some_nbytes, error);
        off += some_nbytes;
        nbytes -= some_nbytes;
    }
    return status;
}

/* Where the bytes of a node's line data begin, and how many they are. */
static act_status find_line(const struct act_frames *frames, const struct act_new_node *node,
                            uint64_t *off_ret, uint64_t *nbytes_ret, act_error *error)
{
    uint8_t varint[ACT_VARINT_NBYTES_MAX] = {0};
    const uint8_t *p = varint;
    if (node->line < frames->append->begin) {
        /* Only nodes were checked that were copied. Of the arena's end there are 8 bytes left. */
        uint64_t end = frames->arena->tail;
        uint64_t line_nbytes;
        p = frames->arena->bytes + node->line;
        if (!act_varint_read_checked(&p, frames->arena->bytes + end, &line_nbytes) ||
            line_nbytes - 1 >= end - (uint64_t)(p - frames->arena->bytes))
            return act_fail(error, ACT_ERR_CORRUPT, node->line, "damaged line data at offset %llu",
                            (unsigned long long)node->line);
        *off_ret = (uint64_t)(p - frames->arena->bytes);
        *nbytes_ret = line_nbytes;
        return ACT_OK;
    }
    uint64_t there = act_append_position(frames->append) - node->line;
    act_status status = act_append_read(frames->append, node->line, varint,
                                        there < sizeof(varint) ? (size_t)there : sizeof(varint),
                                        error);
    *nbytes_ret = act_varint_read(&p);
    *off_ret = node->line + (uint64_t)(p - varint);
    return status;
}

/* Puts a branch below a line: it is written by itself, or right before the run of that line. */
static act_status put_below(struct act_frames *frames, struct act_made *made, act_error *error)
{
    if (!frames->append->tables)
        return act_append_node(frames->append, &made->node, &made->node.node.child, error);
    made->branch = made->node;
    made->has_branch = true;
    return ACT_OK;
}

/*
 * Makes a line of the bytes of the path from `from` to `to`, and what lies below them, `made`,
 * which becomes that line. Where `folded` is true one more byte follows those of the path,
 * made->node.node.byte; and if `made` is a line itself, it goes on with its bytes.
 */
static act_status make_line(struct act_frames *frames, size_t from, size_t to, bool folded,
                            struct act_made *made, act_error *error)
{
    struct act_new_node *node = &made->node.node;
    struct act_append *append = frames->append;
    uint64_t off = 0;
    uint64_t nbytes = 0;
    uint8_t header = node->header;
    act_status status = ACT_OK;
    if (node->header & ACT_NODE_LINE) {
        status = find_line(frames, node, &off, &nbytes, error);
    } else {
        header = ACT_NODE_LINE | (header & ACT_NODE_VALUE);
        if (node->header & ACT_BRANCH_COUNT) {
            /* The value stays with the branch. */
            header = ACT_NODE_LINE | ACT_LINE_CHILD;
            status = put_below(frames, made, error);
        }
    }
    node->header = header;
    node->line = act_append_position(append);
    if (status == ACT_OK)
        status = act_append_varint(append, (to - from) + folded + nbytes, error);
    if (status == ACT_OK)
        status = act_append_bytes(append, frames->path + from, to - from, error);
    if (status == ACT_OK && folded)
        status = act_append_bytes(append, &node->byte, 1, error);
    return status == ACT_OK ? append_line(frames, off, nbytes, error) : status;
}

/* Whether the bytes from `from` to the frame are those of the old line that leads to it. */
static act_status is_old_line(const struct act_frames *frames, const struct act_frame *frame,
                              size_t from, uint64_t *line_ret, act_error *error)
{
    struct act_old_node way;
    *line_ret = 0;
    if (!frame->way_id || frame->way_depth != from)
        return ACT_OK;
    act_status status = act_old_read(frames->arena, frame->way_id, &way, error);
    if (status == ACT_OK && way.line.nbytes == frame->depth - from)
        *line_ret = frame->way_id - way.node.line_rel;
    return status;
}

/* Puts the bytes that lead to a branch or leaf before it, if there are any; `hot`: to a branch with
 * more below it than a unit. */
static act_status lead_to(struct act_frames *frames, const struct act_frame *frame, size_t from,
                          bool hot, struct act_made *made, act_error *error)
{
    uint64_t line;
    size_t nbytes = frame->depth - from;
    if (nbytes == 0)
        return ACT_OK;
    /* A short line is better near than shared. */
    if (frames->append->tables &&
        nbytes <= (hot ? ACT_UNIT_HOT_LINE_NBYTES_MAX : ACT_UNIT_LINE_NBYTES_MAX))
        return make_line(frames, from, frame->depth, false, made, error);
    act_status status = is_old_line(frames, frame, from, &line, error);
    if (status != ACT_OK)
        return status;
    if (!line)
        return make_line(frames, from, frame->depth, false, made, error);
    struct act_new_node *node = &made->node.node;
    if (node->header & ACT_BRANCH_COUNT) {
        status = put_below(frames, made, error);
        node->header = ACT_NODE_LINE | ACT_LINE_CHILD;
    } else {
        node->header |= ACT_NODE_LINE;
    }
    node->line = line;
    return status;
}

act_status act_frames_complete(struct act_frames *frames, size_t from,
                               struct act_frames_child *child_ret, act_error *error)
{
    struct act_frame frame = frames->frames[--frames->count];
    struct act_made *made = &child_ret->made;
    size_t count;
    uint64_t below_nbytes;
    memset(child_ret, 0, sizeof(*child_ret));
    act_status status = gather(frames, &frame, &count, &below_nbytes, error);
    if (status == ACT_OK && frames->append->tables)
        status = settle(frames, &frame, count, &below_nbytes, error);
    if (status != ACT_OK)
        return status;
    bool hot = below_nbytes > ACT_MERGED_UNIT_NBYTES_MAX;
    child_ret->below_nbytes = below_nbytes + (frame.depth - from);
    if (!frame.has_value && count == 0) {
        child_ret->gone = true;
        return ACT_OK;
    }
    if (!frame.has_value && count == 1) {
        /* Where there is nothing to choose and nothing to find, there is no branch. */
        *made = frames->run[0];
        made->old_id = 0;
        return make_line(frames, from, frame.depth, true, made, error);
    }
    if (frame.has_value) {
        made->node.node.header = ACT_NODE_VALUE;
        made->node.node.value = frame.value;
    }
    status = make_branch(frames, count, &made->node, error);
    return status == ACT_OK ? lead_to(frames, &frame, from, hot, made, error) : status;
}
