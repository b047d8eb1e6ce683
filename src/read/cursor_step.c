/* Moves of a cursor to the side, and walks: by siblings, steps, keys, and paths of one length. */
#include "read/cursor.h"

/* ------------------------------------------------------------------------------------ siblings */

/* From outside, to the nearest existing child of where the last byte hangs, above or below it. */
static act_status to_sibling_from_outside(struct act_cursor *cursor, bool above, act_error *error)
{
    if (cursor->depth == 0 || cursor->inside_nbytes + 1 != cursor->path_nbytes)
        return ACT_NOT_FOUND;
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    uint8_t byte = cursor->path[cursor->inside_nbytes];
    if (act_cursor_frame_is_line(top)) {
        if (act_cursor_line_rest(cursor) == 0)
            return ACT_NOT_FOUND;
        uint8_t only = *act_cursor_line_bytes(cursor);
        if (above ? only <= byte : only >= byte)
            return ACT_NOT_FOUND;
        act_cursor_cut(cursor, cursor->inside_nbytes);
        return act_cursor_enter_line(cursor, 1, error);
    }
    struct act_cursor_child child;
    if (!act_cursor_child_beside(&cursor->map->arena, top, byte, above, &child))
        return ACT_NOT_FOUND;
    act_cursor_cut(cursor, cursor->inside_nbytes);
    return act_cursor_enter_child(cursor, child, error);
}

/* The focus begins at the last node, a child of a branch: is there a sibling after it? */
static bool has_next_sibling(const struct act_cursor_frame *parent)
{
    return !act_cursor_frame_is_line(parent) && parent->index + 1u < parent->count;
}

/* From a node to the next one of its parent branch, which must exist: it lies at the node's end. */
static act_status enter_next_sibling(struct act_cursor *cursor, act_error *error)
{
    const struct act_arena *arena = &cursor->map->arena;
    const struct act_cursor_frame *left = act_cursor_top(cursor);
    uint64_t id = left->id + left->end_rel;
    struct act_cursor_frame *parent = &cursor->frames[--cursor->depth - 1];
    uint8_t *byte = cursor->path + parent->start_nbytes;
    if (ACT_UNLIKELY(id >= parent->id))
        return act_cursor_corrupt(parent->id, error);
    if (parent->count < ACT_BRANCH_MASK) {
        *byte = arena->bytes[parent->id + parent->bytes_rel + parent->index + 1u];
    } else {
        struct act_cursor_child next;
        if (ACT_UNLIKELY(!act_cursor_child_beside(arena, parent, *byte, true, &next)))
            return act_cursor_corrupt(parent->id, error);
        *byte = next.byte;
    }
    parent->index++;
    cursor->path_nbytes = parent->start_nbytes + 1;
    cursor->inside_nbytes = cursor->path_nbytes;
    return act_cursor_enter(cursor, id, error);
}

static act_status enter_prev_sibling(struct act_cursor *cursor, act_error *error)
{
    act_cursor_cut(cursor, cursor->path_nbytes - 1);
    const struct act_cursor_frame *parent = act_cursor_top(cursor);
    return act_cursor_enter_child(
        cursor, act_cursor_child_at(&cursor->map->arena, parent, parent->index - 1u), error);
}

static act_status to_sibling(struct act_cursor *cursor, bool above, act_error *error)
{
    if (act_cursor_at_root(cursor))
        return ACT_NOT_FOUND;
    act_cursor_no_budget(cursor);
    if (!act_cursor_is_inside(cursor))
        return to_sibling_from_outside(cursor, above, error);
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    if (cursor->depth == 1 || top->start_nbytes < cursor->path_nbytes)
        return ACT_NOT_FOUND; /* inside a line */
    const struct act_cursor_frame *parent = top - 1;
    if (above)
        return has_next_sibling(parent) ? enter_next_sibling(cursor, error) : ACT_NOT_FOUND;
    if (act_cursor_frame_is_line(parent) || parent->index == 0)
        return ACT_NOT_FOUND;
    return enter_prev_sibling(cursor, error);
}

act_status act_cursor_to_next_sibling_byte(act_cursor *cursor, act_error *error)
{
    return act_cursor_answer(cursor, to_sibling(cursor, true, error), error);
}

act_status act_cursor_to_prev_sibling_byte(act_cursor *cursor, act_error *error)
{
    return act_cursor_answer(cursor, to_sibling(cursor, false, error), error);
}

/* --------------------------------------------------------------------------------------- walks */

/*
 * To the first existing path after all that begin with the one where the cursor stands, among
 * those which share its first `base_nbytes` bytes. ACT_NOT_FOUND, with the path cut to these, if
 * there is none.
 */
static act_status to_next_beside(struct act_cursor *cursor, size_t base_nbytes, act_error *error)
{
    if (!act_cursor_is_inside(cursor)) {
        if (cursor->depth == 0 || cursor->inside_nbytes < base_nbytes) {
            act_cursor_cut(cursor, base_nbytes);
            return ACT_NOT_FOUND;
        }
        act_cursor_cut(cursor, cursor->inside_nbytes + 1);
        act_status status = to_sibling_from_outside(cursor, true, error);
        if (status != ACT_NOT_FOUND)
            return status;
    }
    while (cursor->depth > 1) {
        const struct act_cursor_frame *parent = act_cursor_top(cursor) - 1;
        if (parent->start_nbytes < base_nbytes)
            break;
        if (has_next_sibling(parent))
            return enter_next_sibling(cursor, error);
        act_cursor_leave(cursor);
    }
    act_cursor_cut(cursor, base_nbytes);
    return ACT_NOT_FOUND;
}

act_status act_cursor_to_next_step(act_cursor *cursor, act_error *error)
{
    act_cursor_no_budget(cursor);
    act_status status = act_cursor_child_count(cursor)
                            ? act_cursor_enter_first(cursor, 1, error)
                            : to_next_beside(cursor, cursor->root_nbytes, error);
    return act_cursor_answer(cursor, status, error);
}

act_status act_cursor_to_next_val(act_cursor *cursor, act_error *error)
{
    act_cursor_budget(cursor);
    do {
        act_status status = act_cursor_child_count(cursor)
                                ? act_cursor_enter_first(cursor, SIZE_MAX, error)
                                : to_next_beside(cursor, cursor->root_nbytes, error);
        if (status != ACT_OK)
            return act_cursor_answer(cursor, status, error);
    } while (!act_cursor_focus_is_val(cursor));
    return act_cursor_answer(cursor, ACT_OK, error);
}

/* Goes on, in depth-first order, to a path of `to_nbytes` that keeps the first `base_nbytes`. */
static act_status search_length(struct act_cursor *cursor, size_t base_nbytes, size_t to_nbytes,
                                act_error *error)
{
    while (cursor->path_nbytes < to_nbytes) {
        act_status status = act_cursor_child_count(cursor)
                                ? act_cursor_enter_first(cursor, to_nbytes - cursor->path_nbytes,
                                                         error)
                                : to_next_beside(cursor, base_nbytes, error);
        if (status != ACT_OK)
            return status;
    }
    return ACT_OK;
}

act_status act_cursor_descend_first_k_path(act_cursor *cursor, size_t nbytes, act_error *error)
{
    size_t base_nbytes = cursor->path_nbytes;
    if (nbytes == 0 || !act_cursor_is_inside(cursor))
        return ACT_NOT_FOUND;
    size_t to_nbytes = nbytes < SIZE_MAX - base_nbytes ? base_nbytes + nbytes : SIZE_MAX;
    act_cursor_budget(cursor);
    return act_cursor_answer(cursor, search_length(cursor, base_nbytes, to_nbytes, error), error);
}

act_status act_cursor_to_next_k_path(act_cursor *cursor, size_t nbytes, act_error *error)
{
    size_t to_nbytes = cursor->path_nbytes;
    if (nbytes > to_nbytes - cursor->root_nbytes) {
        act_cursor_to_root(cursor);
        return ACT_NOT_FOUND;
    }
    if (nbytes == 0)
        return ACT_NOT_FOUND;
    size_t base_nbytes = to_nbytes - nbytes;
    act_cursor_budget(cursor);
    act_status status = to_next_beside(cursor, base_nbytes, error);
    if (status == ACT_OK)
        status = search_length(cursor, base_nbytes, to_nbytes, error);
    return act_cursor_answer(cursor, status, error);
}
