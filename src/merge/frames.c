#include "merge/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "build/key.h"
#include "read/paging.h"

void act_frames_open(struct act_frames *frames, const struct act_map *map,
                     struct act_append *append)
{
    memset(frames, 0, sizeof(*frames));
    act_map_settle(map);
    frames->arena = &map->arena;
    frames->root = map->root;
    frames->append = append;
    if (act_map_has_hot(map))
        frames->hot_end = map->index.sums_off;
    frames->units.arena = &map->arena;
    frames->units.append = append;
}

void act_frames_close(struct act_frames *frames)
{
    free(frames->path);
    free(frames->frames);
    free(frames->waiting);
    act_units_close(&frames->units);
    memset(frames, 0, sizeof(*frames));
}

/* ----------------------------------------------------------------------------------- the frames */

static act_status push(struct act_frames *frames, size_t depth, const struct act_place *place,
                       uint64_t way_id, size_t way_depth, act_error *error)
{
    if (!act_reserve(&frames->frames, &frames->capacity, frames->count + 1,
                     sizeof(*frames->frames)))
        return act_fail_nomem(error);
    struct act_frame *frame = &frames->frames[frames->count++];
    memset(frame, 0, sizeof(*frame));
    frame->depth = depth;
    frame->place = *place;
    frame->waiting_begin = frames->waiting_count;
    frame->way_id = way_id;
    frame->way_depth = way_depth;
    if (place->kind == ACT_PLACE_BRANCH && act_node_has_value(&place->old.node)) {
        frame->has_value = true;
        frame->value = place->old.node.value;
    }
    return ACT_OK;
}

/* Gives the last frame a child. */
static act_status give(struct act_frames *frames, const struct act_frames_child *child,
                       act_error *error)
{
    if (!act_reserve(&frames->waiting, &frames->waiting_capacity, frames->waiting_count + 1,
                     sizeof(*frames->waiting)))
        return act_fail_nomem(error);
    frames->waiting[frames->waiting_count++] = *child;
    return ACT_OK;
}

/*
 * A frame between two others, at a depth where there are bytes only: what was there before is what
 * the lower one was reached by, its line or nothing. A line begins no later than right after the
 * byte by which the upper one is left, and so not below `depth`.
 */
static act_status push_between(struct act_frames *frames, size_t depth,
                               const struct act_frame *lower, act_error *error)
{
    struct act_place place = {.kind = ACT_PLACE_NOTHING};
    if (lower->way_id) {
        act_status status = act_place_of(frames->arena, lower->way_id, &place, error);
        if (status != ACT_OK)
            return status;
        place.off = depth - lower->way_depth;
        return push(frames, depth, &place, lower->way_id, lower->way_depth, error);
    }
    return push(frames, depth, &place, 0, 0, error);
}

/* Completes the frames below `depth`, and sees that there is one at it. There is one before and
 * after: at the root, if nowhere else. */
static act_status come_up_to(struct act_frames *frames, size_t depth, act_error *error)
{
    while (frames->frames[frames->count - 1].depth > depth) {
        struct act_frame lower = frames->frames[frames->count - 1];
        bool root = frames->count == 1;
        size_t above = root ? 0 : frames->frames[frames->count - 2].depth;
        bool between = root || above < depth;
        if (between)
            above = depth;
        struct act_frames_child child;
        act_status status = act_frames_complete(frames, above + 1, &child, error);
        if (status == ACT_OK && between)
            status = push_between(frames, depth, &lower, error);
        child.made.node.node.byte = frames->path[above];
        if (status == ACT_OK)
            status = give(frames, &child, error);
        if (status != ACT_OK)
            return status;
    }
    return ACT_OK;
}

/*
 * Goes down to the end of the key in frames->path, from `place` at `depth`, to which the last
 * frame, if there is one, has led. The frame at the end is the last one then.
 */
static act_status go_down(struct act_frames *frames, size_t depth, struct act_place *place,
                          act_error *error)
{
    size_t end = frames->path_nbytes;
    uint64_t way_id = 0;
    size_t way_depth = 0;
    for (;;) {
        if (place->kind == ACT_PLACE_LINE) {
            const struct act_line *line = &place->old.line;
            uint64_t left = line->nbytes - place->off;
            size_t most = left < end - depth ? (size_t)left : end - depth;
            size_t common = act_common_nbytes(line->bytes + place->off, frames->path + depth, most);
            way_id = place->old.node.id;
            way_depth = depth - (size_t)place->off;
            depth += common;
            place->off += common;
            act_status status = common == left ? act_place_after_line(frames->arena, place, error)
                                               : ACT_OK;
            if (status != ACT_OK)
                return status;
        } else if (place->kind == ACT_PLACE_NOTHING) {
            depth = end;
        }
        act_status status = push(frames, depth, place, way_id, way_depth, error);
        if (status != ACT_OK || depth == end)
            return status;
        status = act_place_go(frames->arena, place, frames->path[depth++], error);
        if (status != ACT_OK)
            return status;
        way_id = 0;
        /* Inside of a line that was parted from at a frame, the way to the next goes on in it. */
    }
}

/* Puts a key in place of the last one. */
static bool set_path(struct act_frames *frames, const uint8_t *key, size_t key_nbytes,
                     size_t common)
{
    if (!act_reserve(&frames->path, &frames->path_capacity, key_nbytes + 8, 1))
        return false;
    if (key_nbytes > common)
        memcpy(frames->path + common, key + common, key_nbytes - common);
    frames->path_nbytes = key_nbytes;
    return true;
}

act_status act_frames_set(struct act_frames *frames, const uint8_t *key, size_t key_nbytes,
                          bool has_value, uint64_t value, act_error *error)
{
    struct act_place place;
    size_t depth = 0;
    act_status status;
    if (frames->count == 0) {
        status = set_path(frames, key, key_nbytes, 0)
                     ? act_place_of(frames->arena, frames->root, &place, error)
                     : act_fail_nomem(error);
    } else {
        size_t most = key_nbytes < frames->path_nbytes ? key_nbytes : frames->path_nbytes;
        size_t common = act_common_nbytes(key, frames->path, most);
        status = come_up_to(frames, common, error);
        if (status == ACT_OK && !set_path(frames, key, key_nbytes, common))
            status = act_fail_nomem(error);
        if (status != ACT_OK) /* then there may be no frame */
            return status;
        /* The key is above the last one, and goes on after what they have in common. */
        place = frames->frames[frames->count - 1].place;
        depth = common + 1;
        status = act_place_go(frames->arena, &place, key[common], error);
    }
    if (status == ACT_OK)
        status = go_down(frames, depth, &place, error);
    if (status != ACT_OK)
        return status;
    struct act_frame *frame = &frames->frames[frames->count - 1];
    frame->has_value = has_value;
    frame->value = value;
    return ACT_OK;
}

act_status act_frames_finish(struct act_frames *frames, struct act_append_node *root_ret,
                             act_error *error)
{
    struct act_frames_child child;
    act_status status = come_up_to(frames, frames->frames[0].depth, error);
    if (status == ACT_OK)
        status = act_frames_complete(frames, 0, &child, error);
    if (status != ACT_OK)
        return status;
    /* Of a map that is empty now there is no child, and its node is all zero. */
    if (child.made.has_branch)
        status = act_append_node(frames->append, &child.made.branch, &child.made.node.node.child,
                                 error);
    *root_ret = child.made.node;
    return status;
}
