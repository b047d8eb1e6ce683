#include "read/walk.h"

#include <stdlib.h>
#include <string.h>

#include "read/checks.h"
#include "read/paging.h"
#include "read/walk_enter.h"
#include "simd/find_byte.h"

act_status act_walk_init(struct act_walk *walk, const struct act_map *map, act_error *error)
{
    memset(walk, 0, sizeof(*walk));
    act_map_settle(map);
    walk->map = map;
    walk->steps_quick = act_checks_pending(map) ? 0 : map->steps_max;
    if (!act_reserve(&walk->frames, &walk->frames_capacity, 64, sizeof(*walk->frames)) ||
        !act_reserve(&walk->path, &walk->path_capacity, 256, 1)) {
        act_walk_free(walk);
        return act_fail_nomem(error);
    }
    act_walk_rewind(walk, false);
    return ACT_OK;
}

void act_walk_free(struct act_walk *walk)
{
    free(walk->frames);
    free(walk->path);
    free(walk->offsets);
    memset(walk, 0, sizeof(*walk));
}

void act_walk_rewind(struct act_walk *walk, bool to_end)
{
    walk->depth = 0;
    walk->offsets_count = 0;
    act_walk_push_bare(walk, walk->map->root + 1, walk->map->root, 0);
    if (to_end) {
        walk->frames[0].index = 1;
        walk->frames[0].value_passed = true;
    }
}

/* ------------------------------------------------------------------------------------ seeking */

/*
 * Puts the gap of the top frame, a branch, before the first child whose byte is `byte` or above.
 * `*exact_ret` tells whether it is that byte.
 */
static bool find_child(const struct act_walk *walk, struct act_frame *frame, uint8_t byte,
                       bool *exact_ret)
{
    const struct act_arena *arena = &walk->map->arena;
    const uint8_t *bytes = arena->bytes + frame->bytes_off;
    unsigned index = 0;
    if (frame->masked) {
        for (unsigned b = act_mask_next(bytes, 0); index < frame->count && b < byte;
             b = act_mask_next(bytes, b + 1))
            index++;
        frame->byte = index < frame->count ? act_mask_next(bytes, byte) : 0;
        *exact_ret = index < frame->count && frame->byte == byte;
    } else {
        while (index < frame->count && bytes[index] < byte)
            index++;
        *exact_ret = index < frame->count && bytes[index] == byte;
    }
    if (index) {
        /* To the end of the last one passed: there need not be a child at `index`. */
        uint64_t last = act_node_child(arena, frame->id, frame->id - frame->child_id, index - 1);
        struct act_node node;
        if (!last || !act_node_decode(arena, last, &node))
            return false;
        frame->child_id = node.end;
    }
    frame->index = (uint16_t)index;
    return true;
}

/* How a path that leads to a child compares with the same bytes of a key. */
enum side {
    BELOW,
    ON_THE_WAY,
    ABOVE
};

static enum side compare(const uint8_t *path, size_t path_nbytes, const uint8_t *key,
                         size_t key_nbytes)
{
    size_t common = path_nbytes < key_nbytes ? path_nbytes : key_nbytes;
    int order = common ? memcmp(path, key, common) : 0;
    if (order != 0)
        return order < 0 ? BELOW : ABOVE;
    return path_nbytes > key_nbytes ? ABOVE : ON_THE_WAY;
}

/* For a map with checks: what find_child looks at to find a child that `byte` may lead to. */
static act_status check_children(const struct act_walk *walk, const struct act_frame *frame,
                                 act_error *error)
{
    return act_checks_run(walk->map, frame->id, frame->id - frame->child_id, frame->count, error);
}

/* One frame of a seek. `*done_ret` when the gap is found. */
static act_status seek_step(struct act_walk *walk, const uint8_t *key, size_t key_nbytes,
                            bool after, bool *done_ret, act_error *error)
{
    struct act_frame *frame = act_walk_top(walk);
    size_t at = frame->path_nbytes;
    *done_ret = true;
    if (!frame->bare) {
        if (key_nbytes == at) {
            frame->value_passed = after;
            return ACT_OK;
        }
        bool exact;
        frame->value_passed = true;
        if (ACT_UNLIKELY(act_checks_pending(walk->map))) {
            act_status status = check_children(walk, frame, error);
            if (status != ACT_OK)
                return status;
        }
        if (!find_child(walk, frame, key[at], &exact))
            return act_walk_corrupt(frame->id, error);
        if (!exact)
            return ACT_OK;
    }
    if (ACT_UNLIKELY(act_checks_pending(walk->map))) {
        act_status status = act_checks_node(walk->map, frame->child_id, error);
        if (status != ACT_OK)
            return status;
    }
    struct act_walk_child child;
    size_t lower = walk->depth;
    enum act_walk_entered entered = act_walk_enter(walk, &child, error);
    if (ACT_UNLIKELY(entered == ACT_WALK_FAILED))
        return walk->failure;
    frame = &walk->frames[lower - 1];
    enum side side = compare(walk->path + at, child.path_nbytes - at, key + at, key_nbytes - at);
    if (side == ON_THE_WAY && entered == ACT_WALK_INNER) {
        *done_ret = false;
        return ACT_OK;
    }
    walk->depth = lower;
    bool at_key = side == ON_THE_WAY && child.path_nbytes == key_nbytes;
    if (side == BELOW || (side == ON_THE_WAY && (!at_key || after)))
        act_walk_pass(walk, frame, (unsigned)(child.end - frame->child_id));
    return ACT_OK;
}

act_status act_walk_seek(struct act_walk *walk, const uint8_t *key, size_t key_nbytes, bool after,
                         act_error *error)
{
    bool done = false;
    act_walk_rewind(walk, false);
    walk->frames[0].value_passed = true;
    while (!done) {
        act_status status = seek_step(walk, key, key_nbytes, after, &done, error);
        if (status != ACT_OK) {
            act_walk_rewind(walk, false);
            return status;
        }
    }
    return ACT_OK;
}
