#include "repair/salvage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum {
    STEP_NBYTES = 64,      /* bytes of a key that cost as much as a node */
    STEPS_A_LOOK = 1 << 14 /* nodes between two looks at the clock */
};

/* ----------------------------------------------------------------------------------- lost keys */

static act_status take_steps(struct act_salvage *s, uint64_t nbytes)
{
    uint64_t steps = 1 + nbytes / STEP_NBYTES;
    if (steps > s->steps_left)
        return act_fail(s->error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                        "reading all entries takes more than %" PRIu64
                        " steps, the limit: shared subtrees stand for very many or very long keys",
                        s->steps + s->steps_left);
    uint64_t before = s->steps / STEPS_A_LOOK;
    s->steps_left -= steps;
    s->steps += steps;
    if (s->steps / STEPS_A_LOOK != before && !act_pace_tell(&s->pace, s->steps))
        return ACT_STOPPED;
    return ACT_OK;
}

/* Tells of the lost keys that are kept back, if there are any. */
static act_status flush_loss(struct act_salvage *s)
{
    struct act_salvage_loss *loss = &s->loss;
    if (!loss->open)
        return ACT_OK;
    loss->open = false;
    s->lost_ranges++;
    act_lost_keys lost = {.offset = loss->offset,
                          .rule = loss->rule,
                          .first = loss->first,
                          .first_nbytes = loss->first_nbytes,
                          .end = loss->endless ? NULL : loss->end,
                          .end_nbytes = loss->endless ? 0 : loss->end_nbytes};
    if (s->builder && s->on_lost_keys && s->on_lost_keys(s->context, &lost))
        return ACT_STOPPED;
    return ACT_OK;
}

static act_status copy_path(struct act_salvage *s, uint8_t **to, size_t *to_nbytes,
                            size_t *capacity, size_t nbytes)
{
    if (!act_reserve(to, capacity, nbytes + 1, 1))
        return act_fail_nomem(s->error);
    if (nbytes)
        memcpy(*to, s->path, nbytes);
    *to_nbytes = nbytes;
    return ACT_OK;
}

/* All keys that begin with the first `nbytes` of the path are lost. */
static act_status lose(struct act_salvage *s, size_t nbytes, act_rule rule, uint64_t offset)
{
    struct act_salvage_loss *loss = &s->loss;
    act_status status = take_steps(s, nbytes);
    if (status == ACT_OK && (!loss->open || loss->rule != rule || loss->offset != offset)) {
        status = flush_loss(s);
        if (status == ACT_OK)
            status = copy_path(s, &loss->first, &loss->first_nbytes, &loss->first_capacity, nbytes);
        loss->open = status == ACT_OK;
        loss->rule = rule;
        loss->offset = offset;
    }
    if (status == ACT_OK)
        status = copy_path(s, &loss->end, &loss->end_nbytes, &loss->end_capacity, nbytes);
    if (status != ACT_OK)
        return status;
    /* The least key above them: the last byte that can be raised is, and what follows is left out.
     */
    while (loss->end_nbytes && loss->end[loss->end_nbytes - 1] == UINT8_MAX)
        loss->end_nbytes--;
    loss->endless = loss->end_nbytes == 0;
    if (!loss->endless)
        loss->end[loss->end_nbytes - 1]++;
    return ACT_OK;
}

/* ---------------------------------------------------------------------------------------- nodes */

/* A key, or a path without a value: the first `nbytes` of the path. */
static act_status add(struct act_salvage *s, size_t nbytes, const uint64_t *value)
{
    act_status status = take_steps(s, nbytes);
    if (status == ACT_OK)
        status = flush_loss(s);
    if (status != ACT_OK)
        return status;
    *(value ? &s->keys : &s->dangling_paths) += 1;
    if (!s->builder)
        return ACT_OK;
    return value ? act_builder_add(s->builder, s->path, nbytes, *value, s->error)
                 : act_builder_add_path(s->builder, s->path, nbytes, s->error);
}

static uint8_t byte_at(const struct act_salvage *s, const struct act_salvage_frame *frame,
                       unsigned index, unsigned from)
{
    const uint8_t *bytes = s->file->arena.bytes + frame->bytes_off;
    if (!frame->masked)
        return bytes[index];
    while (from < 255 && !(bytes[from / 8] >> from % 8 & 1))
        from++;
    return (uint8_t)from;
}

static act_status push(struct act_salvage *s, const struct act_damaged_node *read, size_t nbytes)
{
    if (!act_reserve(&s->frames, &s->capacity, s->depth + 1, sizeof(*s->frames)))
        return act_fail_nomem(s->error);
    struct act_salvage_frame *frame = &s->frames[s->depth++];
    *frame = (struct act_salvage_frame){.id = read->node.id,
                                        .first = read->child,
                                        .next = read->child,
                                        .bytes_off = read->node.bytes_off,
                                        .path_nbytes = nbytes,
                                        .count = (uint16_t)read->children.count,
                                        .masked = !read->children.bytes};
    frame->byte = byte_at(s, frame, 0, 0);
    return ACT_OK;
}

/*
 * Reads the node at `id`, to which the first `nbytes` of the path lead, and the lines below it, up
 * to a branch, which becomes a frame, or a leaf. It must end at `limit` or before.
 */
static act_status enter(struct act_salvage *s, uint64_t id, uint64_t limit, size_t nbytes)
{
    struct act_damaged_node read;
    bool is_root = s->depth == 0 && nbytes == 0;
    for (;;) {
        uint64_t offset;
        act_rule rule = act_damaged_read(s->file, id, &read, &offset);
        if (rule == ACT_RULE_NONE && read.node.end > limit)
            rule = ACT_RULE_SIBLING_RUN;
        if (rule != ACT_RULE_NONE)
            return lose(s, nbytes, rule, offset);
        act_status status = take_steps(s, 0);
        if (status != ACT_OK)
            return status;
        bool has_value = act_node_has_value(&read.node);
        if (!act_node_is_line(&read.node)) {
            if (has_value)
                status = add(s, nbytes, &read.node.value);
            else if (!read.child && !is_root)
                status = add(s, nbytes, NULL);
            return status == ACT_OK && read.child ? push(s, &read, nbytes) : status;
        }
        if (read.line.nbytes > s->key_nbytes_max - nbytes)
            return lose(s, nbytes, ACT_RULE_NONE, id);
        status = take_steps(s, read.line.nbytes);
        if (status != ACT_OK)
            return status;
        if (!act_reserve(&s->path, &s->path_capacity, nbytes + (size_t)read.line.nbytes + 1, 1))
            return act_fail_nomem(s->error);
        memcpy(s->path + nbytes, read.line.bytes, (size_t)read.line.nbytes);
        nbytes += (size_t)read.line.nbytes;
        if (!read.child)
            return add(s, nbytes, has_value ? &read.node.value : NULL);
        is_root = false;
        limit = id;
        id = read.child;
    }
}

/*
 * Where the child at the frame's index ends; 0 if that cannot be told, and then the frame is told
 * why.
 */
static uint64_t end_of(const struct act_salvage *s, struct act_salvage_frame *frame)
{
    struct act_node node;
    uint64_t id = frame->next;
    frame->rule = ACT_RULE_NONE;
    frame->offset = id;
    if (!act_node_decode(&s->file->arena, id, &node))
        frame->rule = ACT_RULE_NODE_BOUNDS;
    else if (!act_damaged_trust(s->file, id, node.end, &frame->offset))
        frame->rule = ACT_RULE_CHECKSUM;
    else if (node.end > frame->id)
        frame->rule = ACT_RULE_SIBLING_RUN;
    else if (!act_node_is_line(&node) && (node.header & ACT_BRANCH_COUNT) > ACT_BRANCH_MASK)
        frame->rule = ACT_RULE_CHILD_COUNT; /* a header that counts nonsense tells no length */
    return frame->rule == ACT_RULE_NONE ? node.end : 0;
}

/* Goes into the next child of the top frame, which is left when that is its last one. */
static act_status advance(struct act_salvage *s)
{
    struct act_salvage_frame *frame = &s->frames[s->depth - 1];
    size_t nbytes = frame->path_nbytes + 1;
    if (nbytes > s->key_nbytes_max) {
        s->depth--;
        return lose(s, frame->path_nbytes, ACT_RULE_NONE, frame->id);
    }
    if (!act_reserve(&s->path, &s->path_capacity, nbytes + 1, 1))
        return act_fail_nomem(s->error);
    s->path[frame->path_nbytes] = frame->byte;
    uint64_t id = frame->next;
    uint64_t limit = frame->id;
    act_rule rule = frame->rule; /* why it is not known where the child lies */
    uint64_t offset = frame->offset;
    uint64_t after = id ? end_of(s, frame) : 0;
    if (++frame->index == frame->count) {
        s->depth--;
    } else {
        frame->byte = byte_at(s, frame, frame->index, frame->byte + 1u);
        frame->next = after ? after
                            : act_damaged_jump(s->file, frame->id, frame->first, frame->index);
    }
    return id ? enter(s, id, limit, nbytes) : lose(s, nbytes, rule, offset);
}

act_status act_salvage_run(struct act_salvage *s, uint64_t root)
{
    if (!act_reserve(&s->path, &s->path_capacity, 64, 1))
        return act_fail_nomem(s->error);
    act_status status = enter(s, root, s->file->arena.tail, 0);
    while (status == ACT_OK && s->depth)
        status = advance(s);
    return status == ACT_OK ? flush_loss(s) : status;
}

void act_salvage_free(struct act_salvage *s)
{
    free(s->frames);
    free(s->path);
    free(s->loss.first);
    free(s->loss.end);
}
