/*
 * From sorted keys to completed nodes.
 *
 * Of the tree only the way to the last key is open. On it stand the nodes that are known to exist
 * and may get more children: those where keys parted, and keys that others continue. Nothing is
 * kept for the bytes between them. The last key itself is a leaf of which only the next key tells
 * where its parent is. When a key parts from the last one, all that lies deeper than that place
 * is complete.
 *
 * Each layout has this compiled together with what it does with a node: a task then takes no way
 * through memory.
 */
#ifndef ACT_BUILD_PATH_H
#define ACT_BUILD_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "build/lines.h"
#include "build/task.h"

/* An open node. */
struct act_path_node {
    size_t depth; /* bytes of its path */
    uint64_t value;
    uint16_t child_count; /* completed ones */
    bool has_value;
};

struct act_path {
    uint8_t *key; /* the last one; ACT_LINE_SLACK_NBYTES more are readable and writable */
    size_t key_nbytes;
    size_t key_capacity; /* these included, which are there from the beginning */
    uint64_t value;
    bool has_value; /* of the last key */

    struct act_path_node *open; /* by depth, all above the last key */
    size_t open_count;
    size_t open_capacity;
};

/* What a layout does with a node. */
typedef act_status (*act_path_node_fn)(void *layout, const struct act_build_task *task,
                                       act_error *error);

/* Starts with the empty path, without a value. False when there is no memory. */
bool act_path_open(struct act_path *path);

/* Frees it; all-zero bytes are allowed. */
void act_path_close(struct act_path *path);

/* act_path_reserve where there is not enough room. */
bool act_path_grow_key(struct act_path *path, size_t key_nbytes);

/* Makes room for a key, of which what is there is kept. False when there is no memory. */
static inline bool act_path_reserve(struct act_path *path, size_t key_nbytes)
{
    return ACT_LIKELY(key_nbytes <= path->key_capacity - ACT_LINE_SLACK_NBYTES) ||
           act_path_grow_key(path, key_nbytes);
}

/* Opens a node deeper than all open ones. False when there is no memory. */
static inline bool act_path_push(struct act_path *path, size_t depth, uint16_t child_count)
{
    if (ACT_UNLIKELY((!path->open || path->open_count == path->open_capacity) &&
                     !act_grow(&path->open, &path->open_capacity, path->open_count + 1,
                               sizeof(*path->open))))
        return false;
    struct act_path_node *open = &path->open[path->open_count++];
    open->depth = depth;
    open->value = 0;
    open->child_count = child_count;
    open->has_value = false;
    return true;
}

/* Gives on a node of so many bytes, and the open ones that are deeper than `depth`; a node is open
 * at `depth` afterwards. */
static ACT_ALWAYS_INLINE act_status act_path_close_from(struct act_path *path,
                                                        struct act_build_task task,
                                                        size_t task_depth, size_t depth,
                                                        act_path_node_fn node, void *layout,
                                                        act_error *error)
{
    for (;;) {
        struct act_path_node *parent = path->open_count ? &path->open[path->open_count - 1] : NULL;
        bool parted_below = !parent || parent->depth < depth;
        size_t parent_depth = parted_below ? depth : parent->depth;
        task.sibling = parted_below ? 0 : parent->child_count;
        task.byte = path->key[parent_depth];
        task.line = path->key + parent_depth + 1;
        task.line_nbytes = task_depth - parent_depth - 1;
        act_status status = node(layout, &task, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
        if (parted_below)
            return ACT_LIKELY(act_path_push(path, depth, 1)) ? ACT_OK : act_fail_nomem(error);
        parent->child_count++;
        if (parent_depth == depth)
            return ACT_OK;
        task.value = parent->value;
        task.has_value = parent->has_value;
        task.child_count = parent->child_count;
        task_depth = parent_depth;
        path->open_count--;
    }
}

/*
 * Completes what lies deeper than `depth`, which is less than the last key's length. A node is open
 * at `depth` afterwards. Errors: ACT_ERR_NOMEM, those of `node`.
 */
static ACT_ALWAYS_INLINE act_status act_path_close_below(struct act_path *path, size_t depth,
                                                         act_path_node_fn node, void *layout,
                                                         act_error *error)
{
    struct act_build_task task = {.value = path->value, .has_value = path->has_value};
    return act_path_close_from(path, task, path->key_nbytes, depth, node, layout, error);
}

/* The same where the last key is complete, and there is nothing below the open nodes. */
static ACT_ALWAYS_INLINE act_status act_path_close_open(struct act_path *path, size_t depth,
                                                        act_path_node_fn node, void *layout,
                                                        act_error *error)
{
    const struct act_path_node *last = &path->open[path->open_count - 1];
    if (last->depth <= depth)
        return ACT_OK;
    struct act_build_task task = {
        .value = last->value, .has_value = last->has_value, .child_count = last->child_count};
    path->open_count--;
    return act_path_close_from(path, task, last->depth, depth, node, layout, error);
}

/* The last key is continued by the next: it is an inner node, if there is anything to tell. */
static inline act_status act_path_open_last(struct act_path *path, act_error *error)
{
    if (!path->has_value)
        return ACT_OK;
    if (ACT_UNLIKELY(!act_path_push(path, path->key_nbytes, 0)))
        return act_fail_nomem(error);
    path->open[path->open_count - 1].value = path->value;
    path->open[path->open_count - 1].has_value = true;
    return ACT_OK;
}

/*
 * Completes what the next key, which shares `common` bytes with the last one, shows to be complete.
 * Then the caller puts the next key in place of the last one: see act_path_set.
 */
static ACT_ALWAYS_INLINE act_status act_path_part(struct act_path *path, size_t common,
                                                  act_path_node_fn node, void *layout,
                                                  act_error *error)
{
    return ACT_LIKELY(common < path->key_nbytes)
               ? act_path_close_below(path, common, node, layout, error)
               : act_path_open_last(path, error);
}

/* Says what the last key is, whose bytes are in their place. */
static inline void act_path_set(struct act_path *path, size_t key_nbytes, bool has_value,
                                uint64_t value)
{
    path->key_nbytes = key_nbytes;
    path->has_value = has_value;
    path->value = value;
}

/*
 * Completes everything; the root comes last, and its line begins at the first byte of all.
 * `complete`: the last key is already, and there are open nodes.
 */
static ACT_ALWAYS_INLINE act_status act_path_finish(struct act_path *path, bool complete,
                                                    act_path_node_fn node, void *layout,
                                                    act_error *error)
{
    struct act_build_task root = {.value = path->value, .has_value = path->has_value};
    root.line_nbytes = path->key_nbytes;
    if (path->open_count) {
        size_t depth = path->open[0].depth;
        act_status status = complete ? act_path_close_open(path, depth, node, layout, error)
                                     : act_path_close_below(path, depth, node, layout, error);
        if (status != ACT_OK)
            return status;
        const struct act_path_node *open = &path->open[0];
        root.value = open->value;
        root.has_value = open->has_value;
        root.child_count = open->child_count;
        root.line_nbytes = open->depth;
    }
    root.line = path->key;
    return node(layout, &root, error);
}

#endif
