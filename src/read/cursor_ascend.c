/* Moves of a cursor that go up. They cannot meet damage: what lies above was checked. */
#include "read/cursor.h"

act_status act_cursor_ascend(act_cursor *cursor, size_t nbytes, act_error *error)
{
    size_t most = cursor->path_nbytes - cursor->root_nbytes;
    (void)error;
    if (most == 0)
        return ACT_NOT_FOUND;
    act_cursor_cut(cursor, cursor->path_nbytes - (nbytes < most ? nbytes : most));
    return nbytes <= most ? ACT_OK : ACT_NOT_FOUND;
}

act_status act_cursor_ascend_byte(act_cursor *cursor, act_error *error)
{
    return act_cursor_ascend(cursor, 1, error);
}

/* Whether an ascent ends at the last frame's start. Lines are neither keys nor branches there. */
static bool stops_at(const struct act_cursor_frame *frame, bool at_keys)
{
    return frame->count > 1 ||
           (at_keys && !act_cursor_frame_is_line(frame) && frame->header & ACT_NODE_VALUE);
}

static act_status ascend_to_stop(struct act_cursor *cursor, bool at_keys)
{
    if (act_cursor_at_root(cursor))
        return ACT_NOT_FOUND;
    if (cursor->depth == 0) {
        act_cursor_to_root(cursor);
        return ACT_OK;
    }
    if (!act_cursor_is_inside(cursor)) {
        /* The nearest place that exists may be the one; it may also be the end of a line. */
        act_cursor_cut(cursor, cursor->inside_nbytes);
        if (act_cursor_focus_count(cursor) > 1 || (at_keys && act_cursor_focus_is_val(cursor)))
            return ACT_OK;
    }
    size_t start_nbytes = cursor->root_nbytes;
    while (cursor->depth > 1) {
        act_cursor_leave(cursor);
        if (stops_at(act_cursor_top(cursor), at_keys)) {
            start_nbytes = act_cursor_top(cursor)->start_nbytes;
            break;
        }
    }
    act_cursor_cut(cursor, start_nbytes);
    return ACT_OK;
}

act_status act_cursor_ascend_until(act_cursor *cursor, act_error *error)
{
    (void)error;
    return ascend_to_stop(cursor, true);
}

act_status act_cursor_ascend_until_branch(act_cursor *cursor, act_error *error)
{
    (void)error;
    return ascend_to_stop(cursor, false);
}
