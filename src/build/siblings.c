#include "build/siblings.h"

#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "build/lines.h"
#include "format/encode.h"
#include "simd/equal.h"

/* Where a node of the run refers to, when these things are written. */
struct target {
    uint64_t branch; /* of a line with children: the branch below it */
    uint64_t line;
};

static uint64_t position(const struct act_siblings_place *place)
{
    return place->off + (uint64_t)(place->end - place->bytes);
}

static ACT_ALWAYS_INLINE void put_branch(struct act_siblings_place *place,
                                         const struct act_siblings_node *node,
                                         struct act_siblings_stores stores)
{
    unsigned count = act_branch_count(node->child_count);
    uint64_t id = position(place);
    uint8_t *p = place->end;
    *p++ = (uint8_t)((node->has_value ? ACT_NODE_VALUE : 0) | count);
    if (node->has_value)
        p = act_varint_write(p, node->value);
    if (count) {
        p = act_varint_write(p, id - stores.ids[node->child]);
        /* Of a fixed length, and so in two instructions; what lies beyond is written over. */
        memcpy(p, stores.bytes + node->bytes_at, ACT_MASK_NBYTES);
        p += count;
    }
    place->end = p;
}

/* Which slot a line belongs to: of its first and last bytes and its length. */
static unsigned slot_of(const uint8_t *bytes, size_t nbytes)
{
    uint64_t v = nbytes < 8 ? act_load_le64(bytes) << (64 - 8 * nbytes)
                            : act_load_le64(bytes) ^ act_load_le64(bytes + nbytes - 8) << 1;
    return (unsigned)((v ^ nbytes) * 0x9e3779b97f4a7c15u >> 55);
}

/* Whether the line data at `p` are these, which 16 readable bytes follow. */
static ACT_ALWAYS_INLINE bool is_line(const uint8_t *p, const uint8_t *bytes, unsigned nbytes)
{
    if (*p != nbytes)
        return false;
    return nbytes <= 16 ? act_equal_upto16(p + 1, bytes, nbytes)
                        : memcmp(p + 1, bytes, nbytes) == 0;
}

/* Puts line data of up to ACT_SIBLINGS_LINE_NBYTES_MAX into the stretch, unless they are in it.
 * Returns where they are. */
static ACT_ALWAYS_INLINE uint64_t put_line(struct act_siblings_place *place, const uint8_t *bytes,
                                           unsigned nbytes)
{
    uint8_t *start = place->end;
    if (place->lines) {
        uint16_t *known = &place->lines->at[slot_of(bytes, nbytes)];
        unsigned at = *known;
        if (at && is_line(place->bytes + at, bytes, nbytes)) {
            place->counts->lines_shared++;
            return place->off + at;
        }
        *known = (uint16_t)(start - place->bytes);
    }
    *start = (uint8_t)nbytes;
    act_copy_line(start + 1, bytes, nbytes);
    place->end = start + 1 + nbytes;
    place->counts->lines++;
    place->counts->line_nbytes += 1 + nbytes;
    return place->off + (uint64_t)(start - place->bytes);
}

static ACT_ALWAYS_INLINE struct target put_targets(struct act_siblings_place *place,
                                                   const struct act_siblings_node *node,
                                                   struct act_siblings_stores stores)
{
    struct target target = {0, 0};
    if (node->line_nbytes)
        target.line = put_line(place, stores.lines + node->line, node->line_nbytes);
    else if (ACT_UNLIKELY(node->line_written))
        target.line = node->line;
    else
        return target;
    if (node->child_count) {
        target.branch = position(place);
        put_branch(place, node, stores);
        place->counts->nodes++;
    }
    return target;
}

static ACT_ALWAYS_INLINE void put_node(struct act_siblings_place *place,
                                       const struct act_siblings_node *node, struct target target,
                                       struct act_siblings_stores stores)
{
    if (!target.line) {
        put_branch(place, node, stores);
        return;
    }
    uint64_t id = position(place);
    uint8_t *p = place->end;
    if (node->child_count) {
        *p++ = ACT_NODE_LINE | ACT_LINE_CHILD;
        p = act_varint_write(p, id - target.branch);
    } else if (node->has_value) {
        *p++ = ACT_NODE_LINE | ACT_NODE_VALUE;
        p = act_varint_write(p, node->value);
    } else {
        *p++ = ACT_NODE_LINE;
    }
    place->end = act_varint_write(p, id - target.line);
}

/* Where the last one of 256 begins takes two bytes at most. */
_Static_assert(255 * ACT_NODE_NBYTES_MAX <= UINT16_MAX, "numbers of a jump table are wider");

/* Writes the nodes after a jump table with numbers of `width` bytes, 1 or 2. False if they are too
 * small for it: then nothing has been written. */
static bool put_with_table(struct act_siblings_place *place, const struct act_siblings_node *nodes,
                           const struct target *targets, size_t count, unsigned width,
                           struct act_siblings_stores stores)
{
    uint8_t *start = place->end;
    uint8_t *first = start + (count > 1 ? (count - 1) * width + 1 : 0);
    place->end = first;
    put_node(place, &nodes[0], targets[0], stores);
    for (size_t i = 1; i < count; i++) {
        uint64_t off = (uint64_t)(place->end - first);
        uint8_t *number = first - 1 - i * width;
        if (ACT_UNLIKELY(off >> (8 * width))) {
            place->end = start;
            return false;
        }
        if (ACT_LIKELY(width == 1))
            *number = (uint8_t)off;
        else
            act_store_le16(number, (uint32_t)off);
        put_node(place, &nodes[i], targets[i], stores);
    }
    if (count > 1)
        first[-1] = (uint8_t)width;
    return true;
}

uint64_t act_siblings_write(struct act_siblings_place *place, const struct act_siblings_node *nodes,
                            size_t count, struct act_siblings_stores stores)
{
    struct target targets[256];
    targets[0] = (struct target){0, 0}; /* there is one node at least */
    for (size_t i = 0; i < count; i++)
        targets[i] = put_targets(place, &nodes[i], stores);
    uint64_t start = position(place);
    unsigned width = 1;
    while (!put_with_table(place, nodes, targets, count, width, stores))
        width *= 2;
    place->counts->nodes += count;
    return start + (count > 1 ? (count - 1) * width + 1 : 0);
}

uint64_t act_siblings_write_root(struct act_siblings_place *place,
                                 const struct act_siblings_node *node,
                                 struct act_siblings_stores stores)
{
    struct target target = put_targets(place, node, stores);
    uint64_t id = position(place);
    put_node(place, node, target, stores);
    place->counts->nodes++;
    return id;
}
