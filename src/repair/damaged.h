/* A damaged file: what is left of its index, which bytes are good, and where a tree may begin. */
#ifndef ACT_REPAIR_DAMAGED_H
#define ACT_REPAIR_DAMAGED_H

#include <stdbool.h>
#include <stdint.h>

#include "actree.h"
#include "format/node.h"
#include "read/checks.h"

struct act_damaged {
    struct act_arena arena;
    uint64_t file_nbytes;
    bool sound; /* by verify: its root is the one that the header names, wherever that is, and what
                 * has no checksum is believed */
    bool indexed;
    struct act_index index;    /* from its header or its copy */
    struct act_checks *checks; /* NULL without an index */
    bool heeded;               /* nothing is taken from bytes that do not match */
    /* All that was merged in this range are segments: what no footer tells of there is bad. */
    uint64_t chain_begin;
    uint64_t chain_end;
};

/* A node that was looked at. */
struct act_damaged_node {
    struct act_node node;
    struct act_line line;         /* of a line */
    struct act_children children; /* of a branch */
    uint64_t child;               /* the child, or the first one; 0: none */
};

/*
 * Looks at what the whole of these bytes can tell: index, segments. Reads them all where they may
 * have been merged into. In a file that is `sound` without an index none is looked for: what looks
 * like a copy of one is content. To be closed in any case. ACT_ERR_NOMEM.
 */
act_status act_damaged_open(struct act_damaged *file, const uint8_t *bytes, uint64_t file_nbytes,
                            uint64_t padding_nbytes, bool sound, bool unchecked, act_error *error);

void act_damaged_close(struct act_damaged *file);

/* Whether these bytes, one at least, may be believed; `*offset_ret` is the bad block's if not. */
bool act_damaged_trust(const struct act_damaged *file, uint64_t off, uint64_t end,
                       uint64_t *offset_ret);

/*
 * Reads the node at `id`, whose own bytes and line data must be good and keep the rules: returns
 * ACT_RULE_NONE then. Otherwise the rule that is broken, and where. What it refers to is not looked
 * at, but must lie where it can.
 */
act_rule act_damaged_read(const struct act_damaged *file, uint64_t id,
                          struct act_damaged_node *node_ret, uint64_t *offset_ret);

/*
 * Where child `index` of a run lies by its jump table, if that is good and makes sense; 0 if not.
 */
uint64_t act_damaged_jump(const struct act_damaged *file, uint64_t parent, uint64_t first,
                          unsigned index);

/*
 * The newest root from which something can be read. `*former_ret`: it is not the newest that the
 * file tells of; `*end_ret`: where its tree and tail end. False if there is none.
 */
bool act_damaged_find_root(const struct act_damaged *file, uint64_t *root_ret, bool *former_ret,
                           uint64_t *end_ret);

#endif
