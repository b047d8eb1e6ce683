/* Frames: from node to node, and the path along with them. */
#include "read/cursor.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "read/budget.h"
#include "read/checks.h"

/* ------------------------------------------------------------------------------------ decoding */

static bool decode_branch(const struct act_arena *arena, const struct act_node *node,
                          struct act_cursor_frame *frame)
{
    struct act_children children;
    if (ACT_UNLIKELY(!act_node_children(arena, node, &children)))
        return false;
    frame->count = (uint16_t)children.count;
    frame->bytes_rel = (uint8_t)(node->bytes_off - node->id);
    frame->down = 0;
    if (children.count > 0) {
        frame->down = act_node_first_child(node->id, node->child_rel);
        return frame->down != 0;
    }
    return true;
}

static bool decode_line(const struct act_arena *arena, const struct act_node *node,
                        struct act_cursor_frame *frame, struct act_cursor_line *line_ret)
{
    struct act_line line;
    if (ACT_UNLIKELY(!act_line_decode(arena, node->id, node->line_rel, &line)))
        return false;
    frame->count = 0;
    frame->bytes_rel = 0;
    frame->down = (uint64_t)(line.bytes - arena->bytes);
    line_ret->nbytes = line.nbytes;
    line_ret->child = 0;
    if (act_node_has_child(node)) {
        line_ret->child = act_node_first_child(node->id, node->child_rel);
        return line_ret->child != 0;
    }
    return true;
}

bool act_cursor_decode(const struct act_arena *arena, uint64_t id,
                       struct act_cursor_frame *frame_ret, struct act_cursor_line *line_ret)
{
    struct act_node node;
    if (ACT_UNLIKELY(!act_node_decode(arena, id, &node)))
        return false;
    frame_ret->id = id;
    frame_ret->header = node.header;
    frame_ret->index = 0;
    frame_ret->end_rel = (uint8_t)(node.end - id);
    return act_node_is_line(&node) ? decode_line(arena, &node, frame_ret, line_ret)
                                   : decode_branch(arena, &node, frame_ret);
}

/* ---------------------------------------------------------------------------------- children */

static bool has_mask(const struct act_cursor_frame *branch)
{
    return branch->count >= ACT_BRANCH_MASK;
}

/* Word `i` of the mask. */
static uint64_t mask_word(const uint8_t *mask, unsigned i)
{
    return act_load_le64(mask + 8 * (size_t)i);
}

void act_cursor_branch_mask(const struct act_arena *arena, const struct act_cursor_frame *branch,
                            uint64_t mask_ret[4])
{
    const uint8_t *bytes = arena->bytes + branch->id + branch->bytes_rel;
    memset(mask_ret, 0, 4 * sizeof(*mask_ret));
    if (has_mask(branch)) {
        for (unsigned i = 0; i < 4; i++)
            mask_ret[i] = mask_word(bytes, i);
        return;
    }
    for (unsigned i = 0; i < branch->count; i++)
        mask_ret[bytes[i] / 64] |= (uint64_t)1 << bytes[i] % 64;
}

struct act_cursor_child act_cursor_child_at(const struct act_arena *arena,
                                            const struct act_cursor_frame *branch, unsigned index)
{
    const uint8_t *bytes = arena->bytes + branch->id + branch->bytes_rel;
    struct act_cursor_child child = {index, 0};
    if (!has_mask(branch)) {
        child.byte = bytes[index];
        return child;
    }
    unsigned word = 0;
    uint64_t bits = mask_word(bytes, 0);
    unsigned in_word = act_popcount64(bits);
    while (index >= in_word && word < 3) {
        index -= in_word;
        bits = mask_word(bytes, ++word);
        in_word = act_popcount64(bits);
    }
    for (; index > 0; index--)
        bits &= bits - 1;
    child.byte = (uint8_t)(64 * word + (bits ? act_lowest_bit64(bits) : 0));
    return child;
}

/* How many bits of the mask stand for bytes below this one. */
static unsigned mask_rank(const uint8_t *mask, uint8_t byte)
{
    unsigned rank = 0;
    for (unsigned i = 0; i < byte / 64u; i++)
        rank += act_popcount64(mask_word(mask, i));
    uint64_t below = ((uint64_t)1 << byte % 64) - 1;
    return rank + act_popcount64(mask_word(mask, byte / 64u) & below);
}

static bool mask_has(const uint8_t *mask, uint8_t byte)
{
    return mask[byte / 8] >> byte % 8 & 1;
}

bool act_cursor_child_of(const struct act_arena *arena, const struct act_cursor_frame *branch,
                         uint8_t byte, struct act_cursor_child *child_ret)
{
    const uint8_t *bytes = arena->bytes + branch->id + branch->bytes_rel;
    child_ret->byte = byte;
    if (has_mask(branch)) {
        child_ret->index = mask_rank(bytes, byte);
        return mask_has(bytes, byte);
    }
    const uint8_t *found = branch->count ? memchr(bytes, byte, branch->count) : NULL;
    if (!found)
        return false;
    child_ret->index = (unsigned)(found - bytes);
    return true;
}

bool act_cursor_child_beside(const struct act_arena *arena, const struct act_cursor_frame *branch,
                             uint8_t byte, bool above, struct act_cursor_child *child_ret)
{
    const uint8_t *bytes = arena->bytes + branch->id + branch->bytes_rel;
    unsigned below = 0; /* how many children lie below the byte, and then up to it */
    if (has_mask(branch)) {
        below = mask_rank(bytes, byte) + (above && mask_has(bytes, byte));
    } else {
        while (below < branch->count && (above ? bytes[below] <= byte : bytes[below] < byte))
            below++;
    }
    if (above ? below >= branch->count : below == 0)
        return false;
    *child_ret = act_cursor_child_at(arena, branch, above ? below : below - 1);
    return true;
}

/* ------------------------------------------------------------------------------------- moving */

act_status act_cursor_corrupt(uint64_t id, act_error *error)
{
    return act_fail(error, ACT_ERR_CORRUPT, id, "damaged node at offset %" PRIu64, id);
}

act_status act_cursor_reserve_slow(struct act_cursor *cursor, uint64_t more_nbytes,
                                   act_error *error)
{
    uint64_t most = cursor->map->key_nbytes_max;
    if (most > SIZE_MAX)
        most = SIZE_MAX;
    if (more_nbytes > most || cursor->path_nbytes > most - more_nbytes)
        return act_fail(error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                        "a key of more than the limit of %" PRIu64 " bytes", most);
    size_t needed = cursor->path_nbytes + (size_t)more_nbytes;
    if (!act_reserve(&cursor->path, &cursor->path_capacity, needed, 1))
        return act_fail_nomem(error);
    cursor->path_room = cursor->path_capacity < most ? cursor->path_capacity : (size_t)most;
    return ACT_OK;
}

/* Bytes of a line that cost as much as entering a node, about. */
#define STEP_NBYTES 256

static act_status take_steps(struct act_cursor *cursor, uint64_t steps, uint64_t id,
                             act_error *error)
{
    if (ACT_UNLIKELY(steps > cursor->steps_left))
        return act_fail(error, ACT_ERR_LIMIT, id, "more than %" PRIu64 " nodes in one step",
                        cursor->map->steps_max);
    cursor->steps_left -= steps;
    return ACT_OK;
}

/* What entering a node of a map with a budget, or with checks, takes besides. */
ACT_NOINLINE static act_status watch(struct act_cursor *cursor, uint64_t id, act_error *error)
{
    const struct act_map *map = cursor->map;
    if (act_map_budget(map) && ++cursor->entered % ACT_BUDGET_STEPS == 0)
        act_budget_look(map);
    return act_checks_pending(map) ? act_checks_node(map, id, error) : ACT_OK;
}

act_status act_cursor_enter(struct act_cursor *cursor, uint64_t id, act_error *error)
{
    act_status status = take_steps(cursor, 1, id, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    if (ACT_UNLIKELY(atomic_load_explicit(&cursor->map->lazy->watched, memory_order_relaxed))) {
        status = watch(cursor, id, error);
        if (status != ACT_OK)
            return status;
    }
    if (ACT_UNLIKELY(cursor->depth == cursor->frames_capacity) &&
        !act_reserve(&cursor->frames, &cursor->frames_capacity, cursor->depth + 1,
                     sizeof(*cursor->frames)))
        return act_fail_nomem(error);
    struct act_cursor_frame *frame = &cursor->frames[cursor->depth];
    if (ACT_UNLIKELY(!act_cursor_decode(&cursor->map->arena, id, frame, &cursor->line)))
        return act_cursor_corrupt(id, error);
    frame->start_nbytes = cursor->inside_nbytes;
    cursor->depth++;
    return ACT_OK;
}

act_status act_cursor_enter_child(struct act_cursor *cursor, struct act_cursor_child child,
                                  act_error *error)
{
    struct act_cursor_frame *top = act_cursor_top(cursor);
    if (ACT_UNLIKELY(act_checks_pending(cursor->map))) {
        act_status checked = act_checks_child(cursor->map, top->id, top->id - top->down,
                                              child.index, error);
        if (checked != ACT_OK)
            return checked;
    }
    uint64_t id = act_cursor_child_id(&cursor->map->arena, top, child.index);
    if (ACT_UNLIKELY(!id))
        return act_cursor_corrupt(top->id, error);
    act_status status = act_cursor_reserve(cursor, 1, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    top->index = (uint8_t)child.index;
    cursor->path[cursor->path_nbytes++] = child.byte;
    cursor->inside_nbytes = cursor->path_nbytes;
    return act_cursor_enter(cursor, id, error);
}

act_status act_cursor_enter_line(struct act_cursor *cursor, uint64_t nbytes, act_error *error)
{
    act_status status = take_steps(cursor, nbytes / STEP_NBYTES, act_cursor_top(cursor)->id, error);
    if (status == ACT_OK)
        status = act_cursor_reserve(cursor, nbytes, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    memcpy(cursor->path + cursor->path_nbytes, act_cursor_line_bytes(cursor), (size_t)nbytes);
    cursor->path_nbytes += (size_t)nbytes;
    cursor->inside_nbytes = cursor->path_nbytes;
    if (act_cursor_line_rest(cursor) == 0 && cursor->line.child)
        return act_cursor_enter(cursor, cursor->line.child, error);
    return ACT_OK;
}

act_status act_cursor_enter_first(struct act_cursor *cursor, size_t nbytes_max, act_error *error)
{
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    if (!act_cursor_frame_is_line(top))
        return act_cursor_enter_child(cursor, act_cursor_child_at(&cursor->map->arena, top, 0),
                                      error);
    uint64_t rest = act_cursor_line_rest(cursor);
    return act_cursor_enter_line(cursor, rest < nbytes_max ? rest : nbytes_max, error);
}

void act_cursor_leave(struct act_cursor *cursor)
{
    const struct act_cursor_frame *left = act_cursor_top(cursor);
    const struct act_cursor_frame *parent = left - 1;
    cursor->depth--;
    if (act_cursor_frame_is_line(parent)) {
        cursor->line.nbytes = left->start_nbytes - parent->start_nbytes;
        cursor->line.child = left->id;
    }
}

void act_cursor_cut(struct act_cursor *cursor, size_t path_nbytes)
{
    cursor->path_nbytes = path_nbytes;
    if (cursor->inside_nbytes <= path_nbytes)
        return;
    cursor->inside_nbytes = path_nbytes;
    while (act_cursor_top(cursor)->start_nbytes > path_nbytes)
        act_cursor_leave(cursor);
}

void act_cursor_to_root(struct act_cursor *cursor)
{
    cursor->path_nbytes = cursor->root_nbytes;
    cursor->inside_nbytes = cursor->root_inside_nbytes;
    if (cursor->depth > 1)
        cursor->depth = 1;
    cursor->line = cursor->root_line;
}

act_status act_cursor_failed(struct act_cursor *cursor, act_status status)
{
    act_cursor_to_root(cursor);
    return status;
}
