/* A place in a tree that lies in a file: what is at a path. */
#ifndef ACT_MERGE_PLACE_H
#define ACT_MERGE_PLACE_H

#include "merge/old.h"

enum act_place_kind {
    ACT_PLACE_NOTHING,
    ACT_PLACE_BRANCH, /* a branch, be it without children; or the end of a line with a value */
    ACT_PLACE_LINE    /* within a line node: before byte `off` of its line; 0: at its front */
};

struct act_place {
    enum act_place_kind kind;
    struct act_old_node old; /* unless nothing */
    uint64_t off;
};

/* The place of the node at `id`. ACT_ERR_CORRUPT. */
act_status act_place_of(const struct act_arena *arena, uint64_t id, struct act_place *place_ret,
                        act_error *error);

/* From the last byte of a line on to what is there. ACT_ERR_CORRUPT. */
act_status act_place_after_line(const struct act_arena *arena, struct act_place *place,
                                act_error *error);

/* One byte on, be it to nothing. ACT_ERR_CORRUPT. */
act_status act_place_go(const struct act_arena *arena, struct act_place *place, uint8_t byte,
                        act_error *error);

#endif
