#include "build/siblings.h"

#include <string.h>

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

static uint8_t branch_header(const struct act_siblings_node *node)
{
    return (uint8_t)((node->has_value ? ACT_NODE_VALUE : 0) | act_branch_count(node->child_count));
}

static void put_branch(struct act_siblings_place *place, const struct act_siblings_node *node)
{
    struct act_new_node branch = {node->value, node->child, 0, branch_header(node), 0};
    place->end = act_node_encode(place->end, position(place), &branch, node->child_bytes);
    place->counts->nodes++;
}

/* Which slot a line belongs to: of its first and last bytes and its length. */
static unsigned slot_of(const uint8_t *bytes, size_t nbytes)
{
    uint64_t v = nbytes < 8 ? act_load_le64(bytes) << (64 - 8 * nbytes)
                            : act_load_le64(bytes) ^ act_load_le64(bytes + nbytes - 8) << 1;
    return (unsigned)((v ^ nbytes) * 0x9e3779b97f4a7c15u >> 55);
}

/* Puts line data into the stretch, unless they are in it. Returns where they are. */
static uint64_t put_line(struct act_siblings_place *place, const uint8_t *bytes, size_t nbytes)
{
    uint16_t *known = NULL;
    if (place->lines) {
        known = &place->lines->at[slot_of(bytes, nbytes)];
        const uint8_t *p = place->bytes + *known;
        if (*known && act_varint_read(&p) == nbytes && act_equal(p, bytes, nbytes)) {
            place->counts->lines_shared++;
            return place->off + *known;
        }
        *known = (uint16_t)(place->end - place->bytes);
    }
    uint64_t id = position(place);
    uint8_t *start = place->end;
    place->end = act_varint_write(place->end, nbytes);
    act_copy_line(place->end, bytes, nbytes);
    place->end += nbytes;
    place->counts->lines++;
    place->counts->line_nbytes += (uint64_t)(place->end - start);
    return id;
}

static struct target put_targets(struct act_siblings_place *place,
                                 const struct act_siblings_node *node, const uint8_t *lines)
{
    struct target target = {0, node->line_id};
    if (node->line_nbytes_short)
        target.line = put_line(place, lines + node->line_at, node->line_nbytes_short);
    if (target.line && node->child_count) {
        target.branch = position(place);
        put_branch(place, node);
    }
    return target;
}

static void put_node(struct act_siblings_place *place, const struct act_siblings_node *node,
                     struct target target)
{
    if (!target.line) {
        put_branch(place, node);
        return;
    }
    struct act_new_node line = {node->value, target.branch, target.line, ACT_NODE_LINE, 0};
    if (node->child_count)
        line.header |= ACT_LINE_CHILD;
    else if (node->has_value)
        line.header |= ACT_NODE_VALUE;
    place->end = act_node_encode(place->end, position(place), &line, node->child_bytes);
    place->counts->nodes++;
}

/* Writes the nodes after a jump table with numbers of `width` bytes. False if they are too small
 * for it: then nothing has been written. */
static bool put_with_table(struct act_siblings_place *place, const struct act_siblings_node *nodes,
                           const struct target *targets, size_t count, unsigned width)
{
    uint8_t *start = place->end;
    uint64_t nodes_before = place->counts->nodes;
    uint8_t *first = start + (count > 1 ? (count - 1) * width + 1 : 0);
    place->end = first;
    put_node(place, &nodes[0], targets[0]);
    for (size_t i = 1; i < count; i++) {
        uint64_t off = (uint64_t)(place->end - first);
        uint8_t *number = first - 1 - i * width;
        if (off >> (8 * width)) {
            place->end = start;
            place->counts->nodes = nodes_before;
            return false;
        }
        if (width == 1)
            *number = (uint8_t)off;
        else if (width == 2)
            act_store_le16(number, (uint32_t)off);
        else
            act_store_le32(number, (uint32_t)off);
        put_node(place, &nodes[i], targets[i]);
    }
    if (count > 1)
        first[-1] = (uint8_t)width;
    return true;
}

uint64_t act_siblings_write(struct act_siblings_place *place, const struct act_siblings_node *nodes,
                            size_t count, const uint8_t *lines)
{
    struct target targets[256];
    targets[0] = (struct target){0, 0}; /* there is one node at least */
    for (size_t i = 0; i < count; i++)
        targets[i] = put_targets(place, &nodes[i], lines);
    uint64_t start = position(place);
    unsigned width = 1;
    while (!put_with_table(place, nodes, targets, count, width))
        width *= 2;
    return start + (count > 1 ? (count - 1) * width + 1 : 0);
}

uint64_t act_siblings_write_root(struct act_siblings_place *place,
                                 const struct act_siblings_node *node, const uint8_t *lines)
{
    struct target target = put_targets(place, node, lines);
    uint64_t id = position(place);
    put_node(place, node, target);
    return id;
}
