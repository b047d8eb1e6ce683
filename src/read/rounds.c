#include "read/rounds.h"

#include "base/bits.h"
#include "format/varint.h"
#include "simd/equal.h"
#include "simd/find_byte.h"

/* Kinds of steps, by the header of the node. */
enum kind {
    LAST,   /* none of these, or no way on */
    BRANCH, /* children by their bytes */
    VALUED, /* the same, and a value */
    MASK,   /* children by a mask */
    LINE,   /* line data, and a child after it */
    KINDS
};

#define ROW(kind) kind, kind, kind, kind, kind, kind, kind, kind
#define ROWS_OF_BRANCHES(kind)                                                                     \
    LAST, kind, kind, kind, kind, kind, kind, kind,     /* by count */                             \
        ROW(kind), ROW(kind), ROW(kind),                /* up to 31 */                             \
        MASK, LAST, LAST, LAST, LAST, LAST, LAST, LAST, /* ACT_BRANCH_MASK */                      \
        ROW(LAST), ROW(LAST), ROW(LAST)

static const uint8_t kind_of[256] = {
    ROWS_OF_BRANCHES(BRANCH),                /* without a value */
    ROWS_OF_BRANCHES(VALUED),                /* with one: ACT_NODE_VALUE */
    [ACT_NODE_LINE | ACT_LINE_CHILD] = LINE, /* the rest is LAST, which is zero */
};

/* Nodes and tables below this offset are not read here: so no read can begin before the file. */
#define LOW_OFF ((uint64_t)2048)

/*
 * Descents, by how many bytes each lies after the first one: that takes fewer instructions than
 * their numbers. Not of bytes: compilers take a store of a byte for a store to anything.
 */
struct list {
    uint16_t *end;
    uint16_t members[ACT_ROUNDS_KEYS_MAX];
};

_Static_assert(ACT_ROUNDS_KEYS_MAX * sizeof(struct act_descent) <= UINT16_MAX,
               "distances between descents have 16 bits");

struct rounds {
    const struct act_arena *arena;
    struct act_descent *descents;
    struct list active;
    struct list at[KINDS];
    struct list jumps; /* those with a child to find: act_descent.first and .index */
};

static ACT_ALWAYS_INLINE struct act_descent *descent_at(struct act_descent *descents,
                                                        unsigned distance)
{
    return (struct act_descent *)(void *)((uint8_t *)descents + distance);
}

static ACT_ALWAYS_INLINE void prefetch(const uint8_t *bytes, uint64_t off)
{
    ACT_PREFETCH((const void *)((uintptr_t)bytes + (uintptr_t)off));
}

/* Sorts the active ones by the kinds of their nodes. */
static ACT_ALWAYS_INLINE void classify(struct rounds *rounds)
{
    const uint8_t *bytes = rounds->arena->bytes;
    struct act_descent *descents = rounds->descents;
    uint16_t *ends[KINDS];
    for (unsigned kind = 0; kind < KINDS; kind++)
        ends[kind] = rounds->at[kind].members;
    const uint16_t *end = rounds->active.end;
    for (const uint16_t *at = rounds->active.members; at < end; at++) {
        unsigned member = *at;
        *ends[kind_of[bytes[descent_at(descents, member)->id]]]++ = (uint16_t)member;
    }
    for (unsigned kind = 0; kind < KINDS; kind++)
        rounds->at[kind].end = ends[kind];
}

/* Where the members of two lists end that are made together. */
struct ends {
    uint16_t *jumps;
    uint16_t *active;
};

/*
 * Moves to the child at `index` if that is the first one, or keeps it to be found. All that has to
 * hold is in sign bits of differences, put together, so that there is one branch, taken once for
 * each key: all offsets are below 2^63. Differences are taken without a sign: a first child far
 * below 0 has one of its own that tells.
 */
static ACT_ALWAYS_INLINE struct ends put_child(struct ends ends, struct act_descent *d,
                                               unsigned member, uint64_t jump_end,
                                               uint64_t child_rel, unsigned index,
                                               int64_t negative_if_absent)
{
    int64_t key_left = d->key_end - d->key;
    uint64_t first = d->id - child_rel;
    int64_t wrong = (int64_t)(child_rel - 1) | (int64_t)(first - LOW_OFF) |
                    (int64_t)(jump_end - 1 - first) | negative_if_absent | (key_left - 1);
    if (ACT_UNLIKELY(wrong < 0))
        return ends;
    uint64_t later = index != 0;
    ACT_OPAQUE(later);
    d->first = first;
    d->index = index;
    d->id -= child_rel & (later - 1);
    d->key += 1 - later;
    *ends.jumps = (uint16_t)member;
    *ends.active = (uint16_t)member;
    ends.jumps += later;
    ends.active += 1 - later;
    return ends;
}

static ACT_ALWAYS_INLINE struct ends step_branches(const struct rounds *rounds, enum kind kind,
                                                   struct ends ends)
{
    const uint8_t *bytes = rounds->arena->bytes;
    uint64_t jump_end = rounds->arena->jump_end;
    struct act_descent *descents = rounds->descents;
    const uint16_t *end = rounds->at[kind].end;
    for (const uint16_t *at = rounds->at[kind].members; at < end; at++) {
        unsigned member = *at;
        struct act_descent *d = descent_at(descents, member);
        const uint8_t *node = bytes + d->id;
        const uint8_t *p = node + 1;
        if (kind == VALUED)
            p += act_varint_lengths[*p];
        else if (kind == MASK)
            p += act_varint_lengths[*p] & (0u - (*node >> 6 & 1u));
        uint64_t child_rel = act_varint_read_mixed(&p);
        prefetch(bytes, d->id - child_rel - 1);
        prefetch(bytes, d->id - child_rel + 24);
        unsigned index;
        int64_t negative_if_absent;
        if (kind == MASK) {
            negative_if_absent = act_find_bit(p,
                                              *act_key_readable(d->key, d->key_end, d->tail_end));
            index = (unsigned)negative_if_absent;
        } else {
            unsigned count = *node & ACT_BRANCH_COUNT;
            index = act_find_byte_any(p, count, *act_key_readable(d->key, d->key_end, d->tail_end));
            negative_if_absent = (int64_t)((uint64_t)count - 1 - index);
        }
        ends = put_child(ends, d, member, jump_end, child_rel, index, negative_if_absent);
    }
    return ends;
}

/* What to keep of a jump table's 4 bytes, by the width of its numbers; 0: no such width. */
static const uint32_t width_masks[8] = {0, 0xff, 0xffff, 0, 0xffffffffu, 0, 0, 0};

static ACT_ALWAYS_INLINE uint16_t *step_jumps(const struct rounds *rounds, uint16_t *active)
{
    const uint8_t *bytes = rounds->arena->bytes;
    struct act_descent *descents = rounds->descents;
    const uint16_t *end = rounds->jumps.end;
    for (const uint16_t *at = rounds->jumps.members; at < end; at++) {
        unsigned member = *at;
        struct act_descent *d = descent_at(descents, member);
        uint64_t first = d->first;
        unsigned index = d->index;
        const uint8_t *table = bytes + first - 1;
        unsigned width = *table;
        /* Of widths that cannot be, as many bits as keep the read in bounds. */
        uint64_t table_nbytes = (uint64_t)(width & 7) * index;
        uint64_t distance = act_load_le32(table - table_nbytes) & width_masks[width & 7];
        uint64_t child = first + distance;
        int64_t wrong = ((int64_t)distance - 1) | (int64_t)(d->id - 1 - child) |
                        ((int64_t)7 - width);
        prefetch(bytes, child);
        prefetch(bytes, child + 24);
        if (ACT_UNLIKELY(wrong < 0))
            continue;
        d->id = child;
        d->key++;
        *active++ = (uint16_t)member;
    }
    return active;
}

/* Line data and child are asked for first: they are not where the node is. */
static ACT_ALWAYS_INLINE void step_lines(struct rounds *rounds)
{
    const uint8_t *bytes = rounds->arena->bytes;
    struct act_descent *descents = rounds->descents;
    uint16_t *kept = rounds->at[LINE].members;
    const uint16_t *end = rounds->at[LINE].end;
    for (const uint16_t *at = kept; at < end; at++) {
        unsigned member = *at;
        struct act_descent *d = descent_at(descents, member);
        uint64_t id = d->id;
        const uint8_t *p = bytes + id + 1;
        uint64_t child = id - act_varint_read_mixed(&p);
        uint64_t line = id - act_varint_read_mixed(&p);
        uint64_t reach = id - ACT_ARENA_OFF;
        prefetch(bytes, child);
        prefetch(bytes, child - 64);
        prefetch(bytes, line);
        if (ACT_UNLIKELY((id - child - 1 >= reach) | (id - line - 1 >= reach)))
            continue;
        d->number = child;
        d->line = bytes + line;
        *kept++ = (uint16_t)member;
    }
    rounds->at[LINE].end = kept;
}

static bool match_long_line(const struct act_arena *arena, struct act_descent *d)
{
    d->leaf = false;
    return act_descent_line(arena, d) == ACT_NEXT_NODE;
}

static ACT_ALWAYS_INLINE uint16_t *match_lines(const struct rounds *rounds, uint16_t *active)
{
    const uint8_t *bytes = rounds->arena->bytes;
    struct act_descent *descents = rounds->descents;
    const uint16_t *end = rounds->at[LINE].end;
    for (const uint16_t *at = rounds->at[LINE].members; at < end; at++) {
        unsigned member = *at;
        struct act_descent *d = descent_at(descents, member);
        int64_t nbytes = *d->line;
        int64_t before_nbytes = (int64_t)(d->id - (uint64_t)(d->line - bytes));
        int64_t wrong = (nbytes - 1) | (16 - nbytes) | (before_nbytes - 1 - nbytes) |
                        (d->key_end - d->key - nbytes);
        unsigned compared = (unsigned)nbytes & 31;
        bool equal = act_equal_upto16(act_key_readable(d->key, d->key_end, d->tail_end),
                                      d->line + 1, compared < 16 ? compared : 16);
        if (ACT_LIKELY((wrong >= 0) & equal)) {
            d->id = d->number;
            d->key += nbytes;
            *active++ = (uint16_t)member;
        } else if (nbytes > 16 && match_long_line(rounds->arena, d)) {
            *active++ = (uint16_t)member;
        }
    }
    return active;
}

void act_rounds(const struct act_arena *arena, struct act_descent *descents, unsigned count)
{
    struct rounds rounds;
    rounds.arena = arena;
    rounds.descents = descents;
    uint16_t *active = rounds.active.members;
    for (unsigned i = 0; i < count; i++) {
        if (ACT_LIKELY(descents[i].id < arena->usual_end)) /* as all nodes below then are */
            *active++ = (uint16_t)(i * sizeof(*descents));
    }
    while (active > rounds.active.members) {
        rounds.active.end = active;
        classify(&rounds);
        struct ends ends = {rounds.jumps.members, rounds.active.members};
        ends = step_branches(&rounds, BRANCH, ends);
        ends = step_branches(&rounds, VALUED, ends);
        ends = step_branches(&rounds, MASK, ends);
        rounds.jumps.end = ends.jumps;
        step_lines(&rounds);
        active = step_jumps(&rounds, ends.active);
        active = match_lines(&rounds, active);
    }
}
