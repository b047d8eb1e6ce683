/* The tree that is merged into: its nodes, each checked where it is looked at. */
#ifndef ACT_MERGE_OLD_H
#define ACT_MERGE_OLD_H

#include "actree.h"
#include "format/node.h"
#include "merge/append.h"

/* A node with what it has: a branch its children, a line its line data. */
struct act_old_node {
    struct act_node node;
    struct act_line line;         /* of a line */
    struct act_children children; /* of a branch */
    uint64_t child;               /* id of the child, or the first one; 0 if there is none */
};

/* Reads the node at `id`, and checks it, but not what it refers to. ACT_ERR_CORRUPT. */
act_status act_old_read(const struct act_arena *arena, uint64_t id, struct act_old_node *old_ret,
                        act_error *error);

/* The bytes of a branch's children, ascending; their number. */
unsigned act_old_bytes(const struct act_old_node *old, uint8_t bytes_ret[256]);

/* The ids of a branch's children, in order. ACT_ERR_CORRUPT. */
act_status act_old_children(const struct act_arena *arena, const struct act_old_node *old,
                            uint64_t ids_ret[256], act_error *error);

/* A copy of the node at `id`, to stand elsewhere: it refers to the same. ACT_ERR_CORRUPT. */
act_status act_old_copy(const struct act_arena *arena, uint64_t id,
                        struct act_append_node *copy_ret, act_error *error);

#endif
