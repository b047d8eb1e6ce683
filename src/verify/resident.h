/*
 * Looking at nodes of which the page was in memory, and at no others: a page that is not there is
 * not touched, not even by a load that reads some bytes too many.
 */
#ifndef ACT_VERIFY_RESIDENT_H
#define ACT_VERIFY_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "format/node.h"
#include "read/residency.h"

struct act_resident {
    struct act_arena arena;
    const uint8_t *cached; /* bitmap of pages; NULL: all is there */
    unsigned page_shift;   /* log2 of the size of a page */
};

/* What became of a look. */
enum act_look {
    ACT_LOOK_DONE,
    ACT_LOOK_MISSING, /* not in memory, or part of it is not */
    ACT_LOOK_DAMAGED
};

/* Whether the page of an offset is there. */
static inline bool act_resident_has(const struct act_resident *resident, uint64_t off)
{
    return !resident->cached || act_bit(resident->cached, off >> resident->page_shift);
}

/* Whether all pages of some bytes are; `nbytes` is not 0. */
bool act_resident_has_all(const struct act_resident *resident, uint64_t off, uint64_t nbytes);

/* Decodes the node at `id`, which may be any number below the end of the file. */
enum act_look act_resident_node(const struct act_resident *resident, uint64_t id,
                                struct act_node *node_ret);

/* Decodes the line data of a line node. */
enum act_look act_resident_line(const struct act_resident *resident, const struct act_node *node,
                                struct act_line *line_ret);

/*
 * The id of child `index` of a node at `parent_id`, by the jump table or else over its siblings, of
 * a run that begins at `first`.
 */
enum act_look act_resident_child(const struct act_resident *resident, uint64_t parent_id,
                                 uint64_t first, unsigned index, uint64_t *child_ret);

/* The bytes of the jump table of a run of `count` children; 0 if it has none, or it is not there.
 */
uint64_t act_resident_jump_nbytes(const struct act_resident *resident, uint64_t first,
                                  unsigned count);

#endif
