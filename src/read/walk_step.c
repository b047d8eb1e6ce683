#include <inttypes.h>

#include "read/checks.h"
#include "read/walk.h"
#include "read/walk_enter.h"

ACT_COLD static act_status out_of_steps(const struct act_walk *walk, act_error *error)
{
    return act_fail(error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                    "no key among %" PRIu64 " nodes in a row, the limit", walk->map->steps_max);
}

act_status act_walk_look(const struct act_walk *walk, uint64_t steps, act_error *error)
{
    const struct act_frame *frame = &walk->frames[walk->depth - 1];
    if (steps >= walk->map->steps_max)
        return out_of_steps(walk, error);
    return act_checks_pending(walk->map) ? act_checks_node(walk->map, frame->child_id, error)
                                         : ACT_OK;
}

/* ------------------------------------------------------------------------------------ forwards */

act_status act_walk_next(struct act_walk *walk, act_error *error)
{
    uint64_t steps_left = walk->steps_quick;
    uint64_t looked = steps_left;
    for (;;) {
        struct act_frame *frame = act_walk_top(walk);
        if (!frame->value_passed) {
            frame->value_passed = true;
            if (frame->has_value) {
                walk->key_nbytes = frame->path_nbytes;
                walk->value = frame->value;
                return ACT_OK;
            }
        }
        if (frame->index == frame->count) {
            if (walk->depth == 1)
                return ACT_END;
            if (ACT_UNLIKELY(frame->offsets_at))
                walk->offsets_count = frame->offsets_at - 1;
            walk->depth--;
            frame--;
            act_walk_pass(walk, frame, frame->child_nbytes);
            continue;
        }
        if (ACT_UNLIKELY(steps_left-- == 0)) {
            act_status status = act_walk_look(walk, looked++, error);
            if (status != ACT_OK)
                return status;
            steps_left = 0;
            if (!act_checks_pending(walk->map)) {
                steps_left = walk->map->steps_max - looked;
                looked = walk->map->steps_max;
                walk->steps_quick = walk->map->steps_max;
            }
        }
        struct act_walk_child child;
        enum act_walk_entered entered = act_walk_enter(walk, &child, error);
        if (ACT_UNLIKELY(entered == ACT_WALK_FAILED))
            return walk->failure;
        if (entered == ACT_WALK_INNER)
            continue;
        frame = act_walk_top(walk);
        act_walk_pass(walk, frame, (unsigned)(child.end - frame->child_id));
        if (ACT_LIKELY(child.has_value)) {
            walk->key_nbytes = child.path_nbytes;
            walk->value = child.value;
            return ACT_OK;
        }
    }
}

/* ----------------------------------------------------------------------------------- backwards */

/* Notes where the top frame's children lie, all of them, on the stack of offsets. */
static act_status note_offsets(struct act_walk *walk, struct act_frame *frame, act_error *error)
{
    const struct act_arena *arena = &walk->map->arena;
    struct act_node node;
    node.child_rel = 0; /* of a file that was changed meanwhile */
    if (!act_node_decode(arena, frame->id, &node))
        return act_walk_corrupt(frame->id, error);
    uint64_t first = act_node_first_child(frame->id, node.child_rel);
    if (!first)
        return act_walk_corrupt(frame->id, error);
    if (ACT_UNLIKELY(act_checks_pending(walk->map))) {
        act_status status = act_checks_run(walk->map, frame->id, node.child_rel, frame->count,
                                           error);
        if (status != ACT_OK)
            return status;
    }
    if (!act_reserve(&walk->offsets, &walk->offsets_capacity, walk->offsets_count + frame->count,
                     sizeof(*walk->offsets)))
        return act_fail_nomem(error);
    uint64_t id = first;
    for (unsigned i = 0; i < frame->count; i++) {
        struct act_node child;
        if (id >= frame->id || !act_node_decode(arena, id, &child))
            return act_walk_corrupt(frame->id, error);
        /* 255 siblings of at most 51 bytes before this one: 16 bits hold it. */
        walk->offsets[walk->offsets_count + i] = (uint16_t)(id - first);
        id = child.end;
    }
    frame->offsets_at = walk->offsets_count + 1;
    walk->offsets_count += frame->count;
    return ACT_OK;
}

/* The highest bit of a mask that is set below `before`; 0 if there is none. */
static uint8_t mask_previous(const uint8_t *mask, unsigned before)
{
    for (unsigned byte = before; byte-- > 0;) {
        if (mask[byte / 8] >> byte % 8 & 1)
            return (uint8_t)byte;
    }
    return 0;
}

/* Moves the top frame's gap before the child that it lies after. */
static act_status unpass(struct act_walk *walk, struct act_frame *frame, act_error *error)
{
    if (frame->bare) {
        frame->index = 0;
        frame->child_id = frame->bytes_off;
        return ACT_OK;
    }
    if (!frame->offsets_at) {
        act_status status = note_offsets(walk, frame, error);
        if (status != ACT_OK)
            return status;
    }
    const uint16_t *offsets = walk->offsets + frame->offsets_at - 1;
    if (frame->masked) {
        const uint8_t *mask = walk->map->arena.bytes + frame->bytes_off;
        frame->byte = mask_previous(mask, frame->index == frame->count ? 256 : frame->byte);
    }
    struct act_node node;
    node.child_rel = 0;
    if (!act_node_decode(&walk->map->arena, frame->id, &node) ||
        !act_node_first_child(frame->id, node.child_rel))
        return act_walk_corrupt(frame->id, error);
    frame->index--;
    frame->child_id = frame->id - node.child_rel + offsets[frame->index];
    return ACT_OK;
}

act_status act_walk_prev(struct act_walk *walk, act_error *error)
{
    uint64_t steps_left = walk->steps_quick;
    uint64_t looked = steps_left;
    for (;;) {
        struct act_frame *frame = act_walk_top(walk);
        if (frame->index == 0) {
            bool at_value = frame->value_passed && frame->has_value;
            frame->value_passed = false;
            if (at_value) {
                walk->key_nbytes = frame->path_nbytes;
                walk->value = frame->value;
                return ACT_OK;
            }
            if (walk->depth == 1)
                return ACT_END;
            if (frame->offsets_at)
                walk->offsets_count = frame->offsets_at - 1;
            walk->depth--;
            continue;
        }
        act_status status = unpass(walk, frame, error);
        if (status != ACT_OK)
            return status;
        if (steps_left-- == 0) {
            status = act_walk_look(walk, looked++, error);
            if (status != ACT_OK)
                return status;
            steps_left = 0;
            if (!act_checks_pending(walk->map)) {
                steps_left = walk->map->steps_max - looked;
                looked = walk->map->steps_max;
                walk->steps_quick = walk->map->steps_max;
            }
        }
        struct act_walk_child child;
        enum act_walk_entered entered = act_walk_enter(walk, &child, error);
        if (ACT_UNLIKELY(entered == ACT_WALK_FAILED))
            return walk->failure;
        if (entered == ACT_WALK_INNER) {
            frame = act_walk_top(walk);
            frame->index = frame->count;
            frame->value_passed = true;
        } else if (child.has_value) {
            walk->key_nbytes = child.path_nbytes;
            walk->value = child.value;
            return ACT_OK;
        }
    }
}
