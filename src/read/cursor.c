/* Cursors: opening them, and the questions that can be asked where they stand. */
#include "read/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "format/varint.h"
#include "read/checks.h"
#include "read/paging.h"

/* Makes the place where the cursor stands its root. */
static void take_root(struct act_cursor *cursor)
{
    cursor->root_nbytes = cursor->path_nbytes;
    cursor->root_inside_nbytes = cursor->inside_nbytes;
    if (!act_cursor_is_inside(cursor)) {
        cursor->depth = 0;
    } else if (cursor->depth > 1) {
        cursor->frames[0] = *act_cursor_top(cursor);
        cursor->depth = 1;
    }
    cursor->root_line = cursor->line;
}

static act_status start(struct act_cursor *cursor, const uint8_t *root_path, size_t root_nbytes,
                        act_error *error)
{
    size_t inside_nbytes;
    /* One byte at least, so that there is a path to show. */
    act_status status = act_cursor_reserve(cursor, root_nbytes ? root_nbytes : 1, error);
    if (status != ACT_OK)
        return status;
    act_cursor_no_budget(cursor);
    status = act_cursor_enter(cursor, cursor->map->root, error);
    if (status != ACT_OK)
        return status;
    status = act_cursor_follow(cursor, root_path, root_nbytes, false, &inside_nbytes, error);
    if (status != ACT_OK)
        return status;
    if (inside_nbytes < root_nbytes)
        memcpy(cursor->path + inside_nbytes, root_path + inside_nbytes,
               root_nbytes - inside_nbytes);
    cursor->path_nbytes = root_nbytes;
    take_root(cursor);
    return ACT_OK;
}

act_status act_cursor_open(const act_map *map, const void *root_path, size_t root_nbytes,
                           act_cursor **cursor_ret, act_error *error)
{
    if (!cursor_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the cursor");
    *cursor_ret = NULL;
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    if (!root_path && root_nbytes)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no root path");
    act_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return act_fail_nomem(error);
    act_map_settle(map);
    cursor->map = map;
    act_status status = act_guarded(map, start(cursor, root_path, root_nbytes, error), error);
    if (status != ACT_OK) {
        act_cursor_close(cursor);
        return status;
    }
    *cursor_ret = cursor;
    return ACT_OK;
}

/* On an error too, the copy holds what is to be freed. */
static act_status copy(const struct act_cursor *cursor, struct act_cursor *copy_ret,
                       act_error *error)
{
    *copy_ret = *cursor;
    copy_ret->path = NULL;
    copy_ret->path_capacity = 0;
    copy_ret->path_room = 0;
    copy_ret->path_nbytes = 0;
    copy_ret->frames = NULL;
    copy_ret->frames_capacity = 0;
    size_t depth = cursor->depth;
    act_status status = act_cursor_reserve(copy_ret, cursor->path_nbytes ? cursor->path_nbytes : 1,
                                           error);
    if (status != ACT_OK)
        return status;
    if (depth && !act_reserve(&copy_ret->frames, &copy_ret->frames_capacity, depth,
                              sizeof(*copy_ret->frames)))
        return act_fail_nomem(error);
    memcpy(copy_ret->path, cursor->path, cursor->path_nbytes);
    copy_ret->path_nbytes = cursor->path_nbytes;
    if (depth)
        memcpy(copy_ret->frames, cursor->frames, depth * sizeof(*copy_ret->frames));
    return ACT_OK;
}

act_status act_cursor_fork(const act_cursor *cursor, act_cursor **cursor_ret, act_error *error)
{
    if (!cursor_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the cursor");
    *cursor_ret = NULL;
    if (!cursor)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no cursor");
    act_cursor *forked = malloc(sizeof(*forked));
    if (!forked)
        return act_fail_nomem(error);
    act_status status = copy(cursor, forked, error);
    if (status != ACT_OK) {
        act_cursor_close(forked);
        return status;
    }
    *cursor_ret = forked;
    return ACT_OK;
}

void act_cursor_close(act_cursor *cursor)
{
    if (!cursor)
        return;
    free(cursor->path);
    free(cursor->frames);
    free(cursor);
}

const uint8_t *act_cursor_path(const act_cursor *cursor, size_t *path_nbytes_ret)
{
    if (path_nbytes_ret)
        *path_nbytes_ret = cursor->path_nbytes - cursor->root_nbytes;
    return cursor->path + cursor->root_nbytes;
}

bool act_cursor_at_root(const act_cursor *cursor)
{
    return cursor->path_nbytes == cursor->root_nbytes;
}

bool act_cursor_path_exists(const act_cursor *cursor)
{
    return act_cursor_is_inside(cursor);
}

bool act_cursor_is_val(const act_cursor *cursor)
{
    return act_cursor_is_inside(cursor) && act_cursor_focus_is_val(cursor);
}

/* The value of a node that has one. */
static uint64_t value_of(const struct act_arena *arena, const struct act_cursor_frame *frame)
{
    const uint8_t *p = arena->bytes + frame->id + 1;
    return act_varint_read(&p);
}

act_status act_cursor_value(const act_cursor *cursor, uint64_t *value_ret)
{
    if (!act_cursor_is_val(cursor))
        return ACT_NOT_FOUND;
    uint64_t value = value_of(&cursor->map->arena, act_cursor_top(cursor));
    act_status status = act_guarded(cursor->map, ACT_OK, NULL);
    if (status == ACT_OK && value_ret)
        *value_ret = value;
    return status;
}

unsigned act_cursor_child_count(const act_cursor *cursor)
{
    return act_cursor_is_inside(cursor) ? act_cursor_focus_count(cursor) : 0;
}

void act_cursor_child_mask(const act_cursor *cursor, uint64_t mask_ret[4])
{
    memset(mask_ret, 0, 4 * sizeof(*mask_ret));
    if (!act_cursor_is_inside(cursor))
        return;
    if (!act_cursor_frame_is_line(act_cursor_top(cursor))) {
        act_cursor_branch_mask(&cursor->map->arena, act_cursor_top(cursor), mask_ret);
    } else if (act_cursor_line_rest(cursor) > 0) {
        uint8_t byte = *act_cursor_line_bytes(cursor);
        mask_ret[byte / 64] |= (uint64_t)1 << byte % 64;
    }
    if (act_guarded(cursor->map, ACT_OK, NULL) != ACT_OK)
        memset(mask_ret, 0, 4 * sizeof(*mask_ret));
}

/* A place in the tree without the way that led there. */
struct place {
    struct act_cursor_frame node;
    struct act_cursor_line line;
    uint64_t line_at; /* bytes of the line that lie above */
};

/*
 * Follows a path downwards. `*id_ret` becomes the node that is next on the way, 0 where the path
 * ends; ACT_NOT_FOUND where it does not exist.
 */
static act_status step_down(const struct act_map *map, const struct place *place,
                            const uint8_t **path, const uint8_t *path_end, uint64_t *id_ret,
                            act_error *error)
{
    const struct act_arena *arena = &map->arena;
    *id_ret = 0;
    if (act_cursor_frame_is_line(&place->node)) {
        if (place->line.nbytes - place->line_at > (size_t)(path_end - *path))
            return ACT_NOT_FOUND; /* inside a line there is no value */
        size_t rest = (size_t)(place->line.nbytes - place->line_at);
        if (rest && memcmp(*path, arena->bytes + place->node.down + place->line_at, rest) != 0)
            return ACT_NOT_FOUND;
        *path += rest;
        *id_ret = place->line.child;
        return *id_ret || *path == path_end ? ACT_OK : ACT_NOT_FOUND;
    }
    if (*path == path_end)
        return ACT_OK;
    struct act_cursor_child child;
    if (!act_cursor_child_of(arena, &place->node, **path, &child))
        return ACT_NOT_FOUND;
    ++*path;
    if (ACT_UNLIKELY(act_checks_pending(map))) {
        act_status status = act_checks_child(map, place->node.id, place->node.id - place->node.down,
                                             child.index, error);
        if (status != ACT_OK)
            return status;
    }
    *id_ret = act_cursor_child_id(arena, &place->node, child.index);
    return *id_ret ? ACT_OK : act_cursor_corrupt(place->node.id, error);
}

/* The value at a path below the focus, which there must be. */
static act_status value_at(const act_cursor *cursor, const uint8_t *path, size_t path_nbytes,
                           uint64_t *value_ret, act_error *error)
{
    const struct act_arena *arena = &cursor->map->arena;
    const uint8_t *at = path;
    struct place place = {*act_cursor_top(cursor), cursor->line, 0};
    place.line_at = cursor->inside_nbytes - place.node.start_nbytes;
    for (;;) {
        uint64_t id;
        act_status status = step_down(cursor->map, &place, &at, path + path_nbytes, &id, error);
        if (status != ACT_OK)
            return status;
        if (id == 0)
            break;
        if (ACT_UNLIKELY(act_checks_pending(cursor->map))) {
            status = act_checks_node(cursor->map, id, error);
            if (status != ACT_OK)
                return status;
        }
        if (!act_cursor_decode(arena, id, &place.node, &place.line))
            return act_cursor_corrupt(id, error);
        place.line_at = 0;
    }
    if (!(place.node.header & ACT_NODE_VALUE))
        return ACT_NOT_FOUND;
    *value_ret = value_of(arena, &place.node);
    return ACT_OK;
}

act_status act_cursor_value_at(const act_cursor *cursor, const void *path, size_t path_nbytes,
                               uint64_t *value_ret, act_error *error)
{
    uint64_t value = 0;
    act_status status = ACT_NOT_FOUND;
    if (act_cursor_is_inside(cursor))
        status = path_nbytes ? value_at(cursor, path, path_nbytes, &value, error)
                             : act_cursor_value(cursor, &value);
    status = act_guarded(cursor->map, status, error);
    if (status == ACT_OK && value_ret)
        *value_ret = value;
    return status;
}

void act_cursor_reset(act_cursor *cursor)
{
    act_cursor_to_root(cursor);
}
