/*
 * Walking over all entries in order: the engine of scans and iterators.
 *
 * A walk stands in a gap between entries. On the way there it keeps a frame for each branch it is
 * in; a frame's gap lies before or after the branch's own value, or between two children. The
 * stack is on the heap, and grows with the depth of the tree only.
 */
#ifndef ACT_READ_WALK_H
#define ACT_READ_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "read/ahead.h"
#include "read/map.h"

/*
 * A branch that the walk is in. A frame may also stand for a place that has one child and no byte
 * to it (`bare`): below everything for the root, and where a line's child is a line.
 */
struct act_frame {
    uint64_t id;       /* the children lie below this offset */
    uint64_t child_id; /* of the child at `index`, when there is one */
    uint64_t bytes_off;
    uint64_t value;
    size_t path_nbytes; /* of the path that leads here */
    size_t offsets_at;  /* where this frame's offsets begin in act_walk.offsets, plus 1; 0: none */
    uint16_t index;     /* children passed; on lower frames, the child that the walk is in */
    uint16_t count;
    uint8_t child_nbytes; /* of the child that the walk is in: how far its next sibling lies */
    uint8_t byte;         /* of the child at `index`, when there is a mask */
    bool has_value;
    bool value_passed;
    bool masked;
    bool bare;
};

struct act_walk {
    const struct act_map *map;
    struct act_frame *frames;
    size_t depth; /* at least 1: the frame of the root */
    size_t frames_capacity;
    uint8_t *path;
    size_t path_capacity;
    /* For going backwards: where children lie, from the first one, for some frames, as a stack. */
    uint16_t *offsets;
    size_t offsets_count;
    size_t offsets_capacity;

    /* The entry stepped over last; its key is at `path`. */
    size_t key_nbytes;
    uint64_t value;

    struct act_ahead ahead; /* of act_walk_run, or of who steps */

    /* Steps between two entries that nobody has to look at: the map's limit, but 0 as long as there
     * are bytes to compare with their checksums. */
    uint64_t steps_quick;

    act_status failure; /* of the last call, when it failed */
};

/* Prepares a walk, in the gap before everything. ACT_OK or ACT_ERR_NOMEM. */
act_status act_walk_init(struct act_walk *walk, const struct act_map *map, act_error *error);

/* Frees what it holds; an all-zero walk is allowed. */
void act_walk_free(struct act_walk *walk);

/* Moves to the gap before everything, or after everything. */
void act_walk_rewind(struct act_walk *walk, bool to_end);

/*
 * Moves to the gap before the first entry >= key; with `after`, to the gap after the last entry
 * <= key. On failure the walk stands before everything. ACT_OK, ACT_ERR_CORRUPT, ACT_ERR_LIMIT,
 * ACT_ERR_NOMEM.
 */
act_status act_walk_seek(struct act_walk *walk, const uint8_t *key, size_t key_nbytes, bool after,
                         act_error *error);

/*
 * Steps over the next entry, or the one before. ACT_OK: see `key_nbytes` and `value`. ACT_END: the
 * walk stays at that end. After an error only rewinding and seeking are left.
 */
act_status act_walk_next(struct act_walk *walk, act_error *error);
act_status act_walk_prev(struct act_walk *walk, act_error *error);

/*
 * For a step of act_walk_next or act_walk_prev that exceeds `steps_quick`: whether it may be
 * made, being the one after `steps`. In a map with checks, compares the child at the top frame's
 * index with its checksums.
 */
act_status act_walk_look(const struct act_walk *walk, uint64_t steps, act_error *error);

/*
 * act_walk_next and `visit`, again and again: the same entries, in a third of the time. ACT_END,
 * ACT_STOPPED, or an error; then only rewinding and seeking are left.
 */
act_status act_walk_run(struct act_walk *walk, act_visit_fn visit, void *context, act_error *error);

#endif
