/*
 * The way to the last key that was changed, through the tree as it was and as it will be.
 *
 * A frame is a place on that way which is kept in mind: where keys end, where they part from each
 * other or from the old tree, and each old node on the way, for its siblings have to be copied.
 * Between two frames there are bytes only, at most one old line of them. When the next key parts
 * from the last one, the frames below that place are complete: each becomes one node, whose
 * children are written, and which waits for its siblings in the frame above.
 *
 * Every key that comes here changes something, so that every frame does.
 */
#ifndef ACT_MERGE_FRAMES_H
#define ACT_MERGE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "merge/append.h"
#include "merge/place.h"
#include "merge/unit.h"
#include "read/map.h"

struct act_frame {
    size_t depth;           /* bytes of its path */
    struct act_place place; /* what was there before */
    bool has_value;         /* of the new tree */
    uint64_t value;
    size_t waiting_begin; /* in act_frames.waiting: its children that are new, or are no more */
    /* The old line that leads here, from this depth on; 0: there is none. */
    uint64_t way_id;
    size_t way_depth;
};

/* A child that is complete. */
struct act_frames_child {
    struct act_made made;  /* node.node.byte leads here */
    bool gone;             /* there is no such child any more */
    uint64_t below_nbytes; /* what was appended for it, if it is a unit; else more than that */
};

struct act_frames {
    const struct act_arena *arena;
    uint64_t root; /* of the old tree */
    struct act_append *append;

    uint8_t *path; /* the last key */
    size_t path_nbytes;
    size_t path_capacity;
    struct act_frame *frames;
    size_t count;
    size_t capacity;
    struct act_frames_child *waiting; /* a stack: those of the last frame are the last */
    size_t waiting_count;
    size_t waiting_capacity;
    struct act_made run[256]; /* the children of the frame that is being completed */
    struct act_units units;
    uint64_t hot_end; /* the hot region of the file as it was built, from arena->hot_off on */
};

/* Starts without any key. */
void act_frames_open(struct act_frames *frames, const struct act_map *map,
                     struct act_append *append);
void act_frames_close(struct act_frames *frames);

/*
 * Goes on to a key above the last one, and sets its value, or removes it; that must change
 * something. ACT_ERR_CORRUPT, ACT_ERR_IO, ACT_ERR_NOMEM: final.
 */
act_status act_frames_set(struct act_frames *frames, const uint8_t *key, size_t key_nbytes,
                          bool has_value, uint64_t value, act_error *error);

/*
 * Completes all that is open: `*root_ret` is the root, not yet written; of an empty map, a branch
 * without anything. There must have been a key. Errors as above.
 */
act_status act_frames_finish(struct act_frames *frames, struct act_append_node *root_ret,
                             act_error *error);

/*
 * Of frames_close.c: completes the last frame and takes it away. `from` is the depth at which the
 * bytes begin that lead to it from its parent, without the one that the parent stores. Errors as
 * above.
 */
act_status act_frames_complete(struct act_frames *frames, size_t from,
                               struct act_frames_child *child_ret, act_error *error);

#endif
