/*
 * The inside of a cursor: a path, and the nodes on the way to where it stands.
 *
 * The path is kept whole, from the root of the trie, so that its first `root_nbytes` bytes lead to
 * the cursor's own root. Its first `inside_nbytes` bytes exist in the map; what follows was
 * descended to all the same.
 *
 * Nodes lie on a stack on the heap, one frame each, from the node of the cursor's root down to the
 * node of the deepest existing position, called the focus. A cursor whose root does not exist has
 * no frames: nothing below can exist either. The position inside a line is the difference between
 * `inside_nbytes` and where the line begins. The end of a line that has a child is the start of the
 * child, and is told by the child's frame; so only the last frame ever stands at a line's end.
 *
 * A node is checked, with its children's bytes and its line data, when its frame is made: a
 * question about the place where the cursor stands has nothing left to fail at.
 */
#ifndef ACT_READ_CURSOR_H
#define ACT_READ_CURSOR_H

#include <stddef.h>

#include "actree.h"
#include "base/attributes.h"
#include "base/bits.h"
#include "base/bytes.h"
#include "format/node.h"
#include "read/guard.h"
#include "read/map.h"

/* Small: a chain of a million nodes has as many frames. */
struct act_cursor_frame {
    uint64_t id;         /* the node's offset */
    uint64_t down;       /* branch: first child's id, 0 if none; line: where its bytes begin */
    size_t start_nbytes; /* length of the path where the node begins */
    uint16_t count;      /* branch: number of children; line: 0 */
    uint8_t header;
    uint8_t bytes_rel; /* branch: distance from the node to the bytes or mask of its children */
    uint8_t end_rel;   /* distance from the node to its end, where its next sibling lies */
    uint8_t index;     /* branch: which child the frame above this one is */
};

/* What is known of a line besides; needed for the last frame only. */
struct act_cursor_line {
    uint64_t nbytes;
    uint64_t child; /* its child's id, 0 if none */
};

struct act_cursor {
    const act_map *map;
    uint8_t *path;
    size_t path_nbytes;
    size_t path_capacity;
    size_t path_room; /* how much of the capacity may be used: the limit on keys */
    size_t inside_nbytes;
    size_t root_nbytes;
    size_t root_inside_nbytes;
    struct act_cursor_frame *frames;
    size_t depth; /* number of frames */
    size_t frames_capacity;
    struct act_cursor_line line;      /* of the last frame, when that is a line */
    struct act_cursor_line root_line; /* of the first frame, when that is a line */
    uint64_t steps_left;              /* nodes that the present call may still enter */
    unsigned entered;                 /* nodes in all, where there is a resident budget */
};

/*
 * Makes a frame of the node at `id`, and checks it; `line_ret` is filled if it is a line. False if
 * a rule of the format is broken here. `start_nbytes` is left to the caller.
 */
bool act_cursor_decode(const struct act_arena *arena, uint64_t id,
                       struct act_cursor_frame *frame_ret, struct act_cursor_line *line_ret);

/* The id of a branch's child of this index, which must be below its count; 0 if damaged. */
static inline uint64_t act_cursor_child_id(const struct act_arena *arena,
                                           const struct act_cursor_frame *branch, unsigned index)
{
    return index == 0 ? branch->down
                      : act_node_child(arena, branch->id, branch->id - branch->down, index);
}

/* ---------------------------------------------------------------------------------- questions */

static inline bool act_cursor_is_inside(const struct act_cursor *cursor)
{
    return cursor->inside_nbytes == cursor->path_nbytes;
}

static inline bool act_cursor_frame_is_line(const struct act_cursor_frame *frame)
{
    return frame->header & ACT_NODE_LINE;
}

/* The node of the focus; there must be one. */
static inline struct act_cursor_frame *act_cursor_top(const struct act_cursor *cursor)
{
    return &cursor->frames[cursor->depth - 1];
}

/* How many bytes of the last frame's line lie below the focus; 0 if that is no line. */
static inline uint64_t act_cursor_line_rest(const struct act_cursor *cursor)
{
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    if (!act_cursor_frame_is_line(top))
        return 0;
    return cursor->line.nbytes - (cursor->inside_nbytes - top->start_nbytes);
}

/* The bytes of the last frame's line that lie below the focus. */
static inline const uint8_t *act_cursor_line_bytes(const struct act_cursor *cursor)
{
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    return cursor->map->arena.bytes + top->down + (cursor->inside_nbytes - top->start_nbytes);
}

/* Number of children of the focus; there must be one. */
static inline unsigned act_cursor_focus_count(const struct act_cursor *cursor)
{
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    return act_cursor_frame_is_line(top) ? act_cursor_line_rest(cursor) > 0 : top->count;
}

/* Whether the focus is a key; there must be one. */
static inline bool act_cursor_focus_is_val(const struct act_cursor *cursor)
{
    const struct act_cursor_frame *top = act_cursor_top(cursor);
    return top->header & ACT_NODE_VALUE && act_cursor_line_rest(cursor) == 0;
}

/* ------------------------------------------------------------------------ children of a branch */

/* A child, by its number among its siblings and its byte. */
struct act_cursor_child {
    unsigned index;
    uint8_t byte;
};

/* The children's bytes as a set: bit b % 64 of word b / 64 stands for byte b. */
void act_cursor_branch_mask(const struct act_arena *arena, const struct act_cursor_frame *branch,
                            uint64_t mask_ret[4]);

/* The child of this index, which must be below the branch's count. */
struct act_cursor_child act_cursor_child_at(const struct act_arena *arena,
                                            const struct act_cursor_frame *branch, unsigned index);

/* The child of this byte; false if there is none. */
bool act_cursor_child_of(const struct act_arena *arena, const struct act_cursor_frame *branch,
                         uint8_t byte, struct act_cursor_child *child_ret);

/* The nearest child above a byte, or below it; the byte need not be there itself. */
bool act_cursor_child_beside(const struct act_arena *arena, const struct act_cursor_frame *branch,
                             uint8_t byte, bool above, struct act_cursor_child *child_ret);

/* ---------------------------------------------------------------------- moving from node to node
 */

/* Goes back to the cursor's root. */
void act_cursor_to_root(struct act_cursor *cursor);

/* Starts a call that may search: it may enter as many nodes as the map's options allow. */
static inline void act_cursor_budget(struct act_cursor *cursor)
{
    cursor->steps_left = cursor->map->steps_max;
}

/* Starts a call that enters no more nodes than its path has bytes: no budget is needed. */
static inline void act_cursor_no_budget(struct act_cursor *cursor)
{
    cursor->steps_left = UINT64_MAX;
}

/* The careful part of making room in the path. */
act_status act_cursor_reserve_slow(struct act_cursor *cursor, uint64_t more_nbytes,
                                   act_error *error);

/* Makes room for so many more bytes of path. ACT_ERR_LIMIT, ACT_ERR_NOMEM. */
static inline act_status act_cursor_reserve(struct act_cursor *cursor, uint64_t more_nbytes,
                                            act_error *error)
{
    if (ACT_LIKELY(more_nbytes <= cursor->path_room - cursor->path_nbytes))
        return ACT_OK;
    return act_cursor_reserve_slow(cursor, more_nbytes, error);
}

/*
 * Makes a frame of the node at `id`, which begins at the focus, and lets it be the last one.
 * ACT_ERR_CORRUPT, ACT_ERR_LIMIT (steps), ACT_ERR_NOMEM.
 */
act_status act_cursor_enter(struct act_cursor *cursor, uint64_t id, act_error *error);

/* Appends the byte of a child of the last frame, a branch, and enters the child. */
act_status act_cursor_enter_child(struct act_cursor *cursor, struct act_cursor_child child,
                                  act_error *error);

/*
 * Goes on by `nbytes` of the last frame's line, which has so many left; at its end, enters its
 * child if it has one.
 */
act_status act_cursor_enter_line(struct act_cursor *cursor, uint64_t nbytes, act_error *error);

/* Goes down to the first child, which there must be; along a line by up to `nbytes_max` bytes. */
act_status act_cursor_enter_first(struct act_cursor *cursor, size_t nbytes_max, act_error *error);

/* Takes away the last frame, not the first one, so that the focus is where that node was entered
 * from: at its parent branch, or inside its parent line's last byte. The path is not touched. */
void act_cursor_leave(struct act_cursor *cursor);

/* Cuts the path to this length, not below its root's, and the frames with it. */
void act_cursor_cut(struct act_cursor *cursor, size_t path_nbytes);

/* Goes back to the root and returns `status`, for calls that fail. */
act_status act_cursor_failed(struct act_cursor *cursor, act_status status);

/*
 * What a move answers that came to `status`, unless the map's guard says otherwise. After an error
 * the cursor stands at its root: so what its frames hold was believed when they were made.
 */
static inline act_status act_cursor_answer(struct act_cursor *cursor, act_status status,
                                           act_error *error)
{
    status = act_guarded(cursor->map, status, error);
    return ACT_LIKELY(status <= ACT_NOT_FOUND) ? status : act_cursor_failed(cursor, status);
}

/* Says which node is damaged; ACT_ERR_CORRUPT. */
ACT_COLD act_status act_cursor_corrupt(uint64_t id, act_error *error);

/*
 * Descends along `path` as far as it exists, or with `to_val` to the first key on the way; how far
 * is the result. Stays where it is outside of the trie.
 */
act_status act_cursor_follow(struct act_cursor *cursor, const uint8_t *path, size_t path_nbytes,
                             bool to_val, size_t *descended_ret, act_error *error);

#endif
