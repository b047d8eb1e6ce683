/* Inside a walk: going into a child, and past it. Shared by stepping and seeking. */
#ifndef ACT_READ_WALK_ENTER_H
#define ACT_READ_WALK_ENTER_H

#include <inttypes.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "read/walk.h"

/* The path may always be written this far beyond what is checked: a byte and a short line. */
enum {
    ACT_WALK_PATH_SLACK = 32
};

/* What a child turned out to be; when it failed, act_walk.failure says how. */
enum act_walk_entered {
    ACT_WALK_FAILED,
    ACT_WALK_LEAF, /* without children of its own: no frame was made for it */
    ACT_WALK_INNER /* there is a new frame, its gap before everything */
};

/* A child. Its value, when it is a leaf. */
struct act_walk_child {
    bool has_value;
    uint64_t value;
    uint64_t end; /* where its next sibling lies */
    size_t path_nbytes;
};

static inline struct act_frame *act_walk_top(struct act_walk *walk)
{
    return &walk->frames[walk->depth - 1];
}

/* The lowest bit of a mask that is set at `from` or above; there must be one. */
static inline uint8_t act_mask_next(const uint8_t *mask, unsigned from)
{
    unsigned word = from / 64;
    uint64_t bits = act_load_le64(mask + 8 * (size_t)word) >> from % 64 << from % 64;
    while (!bits && word < 3)
        bits = act_load_le64(mask + 8 * (size_t)++word);
    return bits ? (uint8_t)(64 * word + act_lowest_bit64(bits)) : 0;
}

/* Moves the frame's gap past the child at `index`, which takes `nbytes` bytes. */
static ACT_ALWAYS_INLINE void act_walk_pass(const struct act_walk *walk, struct act_frame *frame,
                                            unsigned nbytes)
{
    frame->index++;
    frame->child_id += nbytes;
    if (ACT_UNLIKELY(frame->masked) && frame->index < frame->count)
        frame->byte = act_mask_next(walk->map->arena.bytes + frame->bytes_off, frame->byte + 1u);
}

ACT_COLD static act_status act_walk_corrupt(uint64_t id, act_error *error)
{
    return act_fail(error, ACT_ERR_CORRUPT, id, "damaged node at offset %" PRIu64, id);
}

/* Makes room for a path of `nbytes`, within the limit on keys. */
ACT_COLD static act_status act_walk_grow_path(struct act_walk *walk, uint64_t nbytes,
                                              act_error *error)
{
    uint64_t most = walk->map->key_nbytes_max;
    if (nbytes > most)
        return act_fail(error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                        "a key is longer than the limit of %" PRIu64 " bytes", most);
    if (nbytes > SIZE_MAX - ACT_WALK_PATH_SLACK ||
        !act_reserve(&walk->path, &walk->path_capacity, (size_t)nbytes + ACT_WALK_PATH_SLACK, 1))
        return act_fail_nomem(error);
    return ACT_OK;
}

/* Appends the line data of a node to a path of `at` bytes. */
static ACT_ALWAYS_INLINE act_status act_walk_append(struct act_walk *walk, size_t at,
                                                    uint64_t node_id, const struct act_line *line,
                                                    act_error *error)
{
    /* Short lines, 16 bytes at once, without a branch on their length. */
    if (ACT_LIKELY(line->nbytes <= 16 && node_id < walk->map->arena.roomy &&
                   at + 16 + ACT_WALK_PATH_SLACK <= walk->path_capacity)) {
        memcpy(walk->path + at, line->bytes, 16);
        if (ACT_LIKELY(at + line->nbytes <= walk->map->key_nbytes_max))
            return ACT_OK;
    }
    uint64_t nbytes = at + line->nbytes; /* of what is in memory, and of the file */
    if (nbytes > walk->map->key_nbytes_max || walk->path_capacity - ACT_WALK_PATH_SLACK < nbytes) {
        act_status status = act_walk_grow_path(walk, nbytes, error);
        if (status != ACT_OK)
            return status;
    }
    memcpy(walk->path + at, line->bytes, (size_t)line->nbytes);
    return ACT_OK;
}

/* Makes room for one more frame. False when there is no memory. */
static ACT_ALWAYS_INLINE bool act_walk_room(struct act_walk *walk)
{
    return ACT_LIKELY(walk->depth < walk->frames_capacity) ||
           act_reserve(&walk->frames, &walk->frames_capacity, walk->depth + 1,
                       sizeof(*walk->frames));
}

/* Puts a frame for a place with one child and no byte to it. There must be room. */
static inline void act_walk_push_bare(struct act_walk *walk, uint64_t parent_id, uint64_t child_id,
                                      size_t path_nbytes)
{
    struct act_frame *frame = &walk->frames[walk->depth++];
    memset(frame, 0, sizeof(*frame));
    frame->id = parent_id;
    frame->child_id = child_id;
    frame->bytes_off = child_id; /* kept for going backwards */
    frame->path_nbytes = path_nbytes;
    frame->count = 1;
    frame->bare = true;
}

/* Puts a frame for a branch, its gap before everything. There must be room. False if damaged. */
static ACT_ALWAYS_INLINE bool act_walk_push_branch(struct act_walk *walk,
                                                   const struct act_node *node, size_t path_nbytes)
{
    struct act_frame *frame = &walk->frames[walk->depth];
    unsigned count = node->header & ACT_BRANCH_COUNT;
    frame->id = node->id;
    frame->child_id = node->id; /* stays so in a branch without children, below a line */
    frame->bytes_off = node->bytes_off;
    frame->value = node->value;
    frame->path_nbytes = path_nbytes;
    frame->offsets_at = 0;
    frame->index = 0;
    frame->count = (uint16_t)count;
    frame->has_value = act_node_has_value(node);
    frame->value_passed = false;
    frame->masked = false;
    frame->bare = false;
    if (ACT_LIKELY(count)) {
        frame->child_id = act_node_first_child(node->id, node->child_rel);
        if (ACT_UNLIKELY(!frame->child_id))
            return false;
        if (ACT_UNLIKELY(count >= ACT_BRANCH_MASK)) {
            const uint8_t *mask = walk->map->arena.bytes + node->bytes_off;
            if (count > ACT_BRANCH_MASK)
                return false;
            count = 0;
            for (int i = 0; i < 4; i++)
                count += act_popcount64(act_load_le64(mask + 8 * i));
            if (count < ACT_BRANCH_MASK)
                return false;
            frame->count = (uint16_t)count;
            frame->masked = true;
            frame->byte = act_mask_next(mask, 0);
        }
    }
    walk->depth++;
    return true;
}

/* Notes how entering a child failed. Inline, so that compilers see what it returns. */
static ACT_ALWAYS_INLINE enum act_walk_entered act_walk_fail(struct act_walk *walk,
                                                             act_status status)
{
    walk->failure = status;
    return ACT_WALK_FAILED;
}

/* act_walk_enter for a line with a child. `at` is the length of the path with the line. */
static ACT_ALWAYS_INLINE enum act_walk_entered act_walk_enter_below(struct act_walk *walk,
                                                                    const struct act_node *line,
                                                                    size_t at, act_error *error)
{
    uint64_t child_id = act_node_first_child(line->id, line->child_rel);
    struct act_node node;
    node.value = 0;
    if (ACT_UNLIKELY(!child_id || !act_node_decode(&walk->map->arena, child_id, &node)))
        return act_walk_fail(walk, act_walk_corrupt(line->id, error));
    if (ACT_UNLIKELY(act_node_is_line(&node)))
        act_walk_push_bare(walk, line->id, child_id, at);
    else if (ACT_UNLIKELY(!act_walk_push_branch(walk, &node, at)))
        return act_walk_fail(walk, act_walk_corrupt(child_id, error));
    return ACT_WALK_INNER;
}

/*
 * Goes into the child at the top frame's index, and extends the path by what leads there. A value
 * beside a line's child is passed over: the child's own counts.
 */
static ACT_ALWAYS_INLINE enum act_walk_entered act_walk_enter(struct act_walk *walk,
                                                              struct act_walk_child *child,
                                                              act_error *error)
{
    const struct act_arena *arena = &walk->map->arena;
    /* Before the frame is looked at: making room may move it. */
    if (ACT_UNLIKELY(!act_walk_room(walk)))
        return act_walk_fail(walk, act_fail_nomem(error));
    struct act_frame *frame = act_walk_top(walk);
    struct act_node node;
    node.value = 0;
    if (ACT_UNLIKELY(frame->child_id >= frame->id ||
                     !act_node_decode(arena, frame->child_id, &node)))
        return act_walk_fail(walk, act_walk_corrupt(frame->id, error));

    size_t at = frame->path_nbytes;
    if (ACT_LIKELY(!frame->bare)) {
        /* The slack holds it, and the limit is checked where a path goes on or ends. */
        walk->path[at] = frame->masked ? frame->byte
                                       : arena->bytes[frame->bytes_off + frame->index];
        at++;
    }
    act_status status = ACT_OK;
    if (node.header & ACT_NODE_LINE) {
        struct act_line line;
        if (ACT_UNLIKELY(!act_line_decode(arena, node.id, node.line_rel, &line)))
            return act_walk_fail(walk, act_walk_corrupt(node.id, error));
        status = act_walk_append(walk, at, node.id, &line, error);
        at += (size_t)line.nbytes;
    } else if (ACT_UNLIKELY(at > walk->map->key_nbytes_max ||
                            at + ACT_WALK_PATH_SLACK > walk->path_capacity)) {
        status = act_walk_grow_path(walk, at, error);
    }
    if (ACT_UNLIKELY(status != ACT_OK))
        return act_walk_fail(walk, status);

    child->end = node.end;
    child->has_value = act_node_has_value(&node);
    child->value = node.value;
    child->path_nbytes = at;
    if (!act_node_has_child(&node))
        return ACT_WALK_LEAF;
    frame->child_nbytes = (uint8_t)(node.end - node.id);
    if (node.header & ACT_NODE_LINE)
        return act_walk_enter_below(walk, &node, at, error);
    if (ACT_UNLIKELY(!act_walk_push_branch(walk, &node, at)))
        return act_walk_fail(walk, act_walk_corrupt(node.id, error));
    return ACT_WALK_INNER;
}

#endif
