/* Moves of a cursor that go down. */
#include "read/cursor.h"

#include <string.h>

#include "base/error.h"

/* How many of the first `nbytes` bytes are the same. */
static size_t shared_nbytes(const uint8_t *a, const uint8_t *b, size_t nbytes)
{
    size_t n = 0;
    while (nbytes - n >= 8 && act_load_u64(a + n) == act_load_u64(b + n))
        n += 8;
    while (n < nbytes && a[n] == b[n])
        n++;
    return n;
}

act_status act_cursor_follow(struct act_cursor *cursor, const uint8_t *path, size_t path_nbytes,
                             bool to_val, size_t *descended_ret, act_error *error)
{
    size_t at = 0;
    *descended_ret = 0;
    if (!act_cursor_is_inside(cursor))
        return ACT_OK;
    while (at < path_nbytes) {
        act_status status;
        const struct act_cursor_frame *top = act_cursor_top(cursor);
        if (act_cursor_frame_is_line(top)) {
            uint64_t rest = act_cursor_line_rest(cursor);
            size_t most = rest < path_nbytes - at ? (size_t)rest : path_nbytes - at;
            size_t shared = shared_nbytes(path + at, act_cursor_line_bytes(cursor), most);
            status = shared ? act_cursor_enter_line(cursor, shared, error) : ACT_OK;
            at += shared;
            /* Where the line goes another way, or has no end to go on from. */
            if (shared < most || most == 0)
                path_nbytes = at;
        } else {
            struct act_cursor_child child;
            if (!act_cursor_child_of(&cursor->map->arena, top, path[at], &child))
                break;
            status = act_cursor_enter_child(cursor, child, error);
            at++;
        }
        if (status != ACT_OK)
            return status;
        if (to_val && act_cursor_focus_is_val(cursor))
            break;
    }
    *descended_ret = at;
    return ACT_OK;
}

act_status act_cursor_descend_to(act_cursor *cursor, const void *path, size_t path_nbytes,
                                 act_error *error)
{
    const uint8_t *bytes = path;
    size_t descended;
    act_cursor_no_budget(cursor);
    act_status status = act_cursor_reserve(cursor, path_nbytes, error);
    if (status == ACT_OK)
        status = act_cursor_follow(cursor, bytes, path_nbytes, false, &descended, error);
    status = act_cursor_answer(cursor, status, error);
    if (status != ACT_OK)
        return status;
    if (descended < path_nbytes) {
        memcpy(cursor->path + cursor->path_nbytes, bytes + descended, path_nbytes - descended);
        cursor->path_nbytes += path_nbytes - descended;
    }
    return ACT_OK;
}

act_status act_cursor_descend_to_check(act_cursor *cursor, const void *path, size_t path_nbytes,
                                       act_error *error)
{
    act_status status = act_cursor_descend_to(cursor, path, path_nbytes, error);
    if (status != ACT_OK)
        return status;
    return act_cursor_is_inside(cursor) ? ACT_OK : ACT_NOT_FOUND;
}

static act_status descend_along(act_cursor *cursor, const void *path, size_t path_nbytes,
                                bool to_val, size_t *descended_ret, act_error *error)
{
    size_t descended;
    act_cursor_no_budget(cursor);
    act_status status = act_cursor_follow(cursor, path, path_nbytes, to_val, &descended, error);
    status = act_cursor_answer(cursor, status, error);
    if (status != ACT_OK)
        return status;
    if (descended_ret)
        *descended_ret = descended;
    return ACT_OK;
}

act_status act_cursor_descend_to_existing(act_cursor *cursor, const void *path, size_t path_nbytes,
                                          size_t *descended_ret, act_error *error)
{
    return descend_along(cursor, path, path_nbytes, false, descended_ret, error);
}

act_status act_cursor_descend_to_val(act_cursor *cursor, const void *path, size_t path_nbytes,
                                     size_t *descended_ret, act_error *error)
{
    return descend_along(cursor, path, path_nbytes, true, descended_ret, error);
}

act_status act_cursor_descend_to_byte(act_cursor *cursor, uint8_t byte, act_error *error)
{
    return act_cursor_descend_to(cursor, &byte, 1, error);
}

act_status act_cursor_descend_to_existing_byte(act_cursor *cursor, uint8_t byte, act_error *error)
{
    size_t descended = 0;
    act_status status = descend_along(cursor, &byte, 1, false, &descended, error);
    if (status != ACT_OK)
        return status;
    return descended ? ACT_OK : ACT_NOT_FOUND;
}

act_status act_cursor_descend_indexed_byte(act_cursor *cursor, size_t index, act_error *error)
{
    if (!act_cursor_is_inside(cursor) || index >= act_cursor_focus_count(cursor))
        return ACT_NOT_FOUND;
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    act_status status;
    act_cursor_no_budget(cursor);
    if (act_cursor_frame_is_line(top))
        status = act_cursor_enter_line(cursor, 1, error);
    else
        status = act_cursor_enter_child(
            cursor, act_cursor_child_at(&cursor->map->arena, top, (unsigned)index), error);
    return act_cursor_answer(cursor, status, error);
}

act_status act_cursor_descend_first_byte(act_cursor *cursor, act_error *error)
{
    return act_cursor_descend_indexed_byte(cursor, 0, error);
}

act_status act_cursor_descend_last_byte(act_cursor *cursor, act_error *error)
{
    unsigned count = act_cursor_child_count(cursor);
    return count ? act_cursor_descend_indexed_byte(cursor, count - 1, error) : ACT_NOT_FOUND;
}

act_status act_cursor_descend_until_max_bytes(act_cursor *cursor, size_t nbytes_max,
                                              act_error *error)
{
    size_t from_nbytes = cursor->path_nbytes;
    if (!act_cursor_is_inside(cursor))
        return ACT_NOT_FOUND;
    act_cursor_budget(cursor);
    while (act_cursor_focus_count(cursor) == 1) {
        size_t moved_nbytes = cursor->path_nbytes - from_nbytes;
        if (moved_nbytes == nbytes_max)
            break;
        act_status status = act_cursor_enter_first(cursor, nbytes_max - moved_nbytes, error);
        if (status != ACT_OK)
            return act_cursor_answer(cursor, status, error);
        if (act_cursor_focus_is_val(cursor))
            break;
    }
    return act_cursor_answer(cursor, cursor->path_nbytes > from_nbytes ? ACT_OK : ACT_NOT_FOUND,
                             error);
}

act_status act_cursor_descend_until(act_cursor *cursor, act_error *error)
{
    return act_cursor_descend_until_max_bytes(cursor, SIZE_MAX, error);
}

act_status act_cursor_descend_last_path(act_cursor *cursor, act_error *error)
{
    size_t from_nbytes = cursor->path_nbytes;
    if (!act_cursor_is_inside(cursor))
        return ACT_NOT_FOUND;
    act_cursor_budget(cursor);
    for (;;) {
        const struct act_cursor_frame *top = act_cursor_top(cursor);
        unsigned count = act_cursor_focus_count(cursor);
        if (count == 0)
            break;
        act_status status;
        if (act_cursor_frame_is_line(top))
            status = act_cursor_enter_line(cursor, act_cursor_line_rest(cursor), error);
        else
            status = act_cursor_enter_child(
                cursor, act_cursor_child_at(&cursor->map->arena, top, count - 1), error);
        if (status != ACT_OK)
            return act_cursor_answer(cursor, status, error);
    }
    return act_cursor_answer(cursor, cursor->path_nbytes > from_nbytes ? ACT_OK : ACT_NOT_FOUND,
                             error);
}

act_status act_cursor_move_to_path(act_cursor *cursor, const void *path, size_t path_nbytes,
                                   size_t *shared_ret, act_error *error)
{
    const uint8_t *bytes = path;
    size_t now_nbytes = cursor->path_nbytes - cursor->root_nbytes;
    size_t most = now_nbytes < path_nbytes ? now_nbytes : path_nbytes;
    size_t shared = shared_nbytes(bytes, cursor->path + cursor->root_nbytes, most);
    act_cursor_cut(cursor, cursor->root_nbytes + shared);
    act_status status = ACT_OK;
    if (shared < path_nbytes)
        status = act_cursor_descend_to(cursor, bytes + shared, path_nbytes - shared, error);
    if (status == ACT_OK && shared_ret)
        *shared_ret = shared;
    return status;
}
