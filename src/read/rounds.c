#include "read/rounds.h"

#include "base/bits.h"
#include "simd/equal.h"
#include "simd/find_byte.h"

/* Kinds of steps, by the header of the node. */
enum kind {
    LAST,   /* none of these, or no way on */
    BRANCH, /* children by their bytes */
    MASK,   /* children by a mask */
    LINE,   /* line data, and a child after it */
    KINDS
};

#define ROW_OF_LAST   LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST
#define ROW_OF_BRANCH BRANCH, BRANCH, BRANCH, BRANCH, BRANCH, BRANCH, BRANCH, BRANCH
#define ROWS_OF_BRANCH                                                                             \
    LAST, BRANCH, BRANCH, BRANCH, BRANCH, BRANCH, BRANCH, BRANCH, /* by count */                   \
        ROW_OF_BRANCH, ROW_OF_BRANCH, ROW_OF_BRANCH,              /* up to 31 */                   \
        MASK, LAST, LAST, LAST, LAST, LAST, LAST, LAST,           /* ACT_BRANCH_MASK */            \
        ROW_OF_LAST, ROW_OF_LAST, ROW_OF_LAST

static const uint8_t kind_of[256] = {
    ROWS_OF_BRANCH,                   /* without a value */
    ROWS_OF_BRANCH,                   /* with one: ACT_NODE_VALUE */
    LAST,           LINE, LAST, LAST, /* ACT_NODE_LINE | ACT_LINE_CHILD */
    LAST,           LAST, LAST, LAST, /* the rest is LAST, which is zero */
};

/* Nodes and tables below this offset are not read here: so no read can begin before the file. */
#define LOW_OFF ((uint64_t)2048)

/* Descents by number. Not of bytes: compilers take a store of a byte for a store to anything. */
struct list {
    unsigned count;
    uint16_t members[ACT_ROUNDS_KEYS_MAX];
};

struct rounds {
    const struct act_arena *arena;
    struct act_descent *descents;
    struct list active;
    struct list at[KINDS];
    struct list jumps; /* those with a child to find: act_descent.first and .index */
};

static ACT_ALWAYS_INLINE void put(struct list *list, unsigned member)
{
    list->members[list->count++] = (uint16_t)member;
}

static ACT_ALWAYS_INLINE void prefetch(const struct act_arena *arena, uint64_t off)
{
    ACT_PREFETCH((const void *)((uintptr_t)arena->bytes + (uintptr_t)off));
}

/* Sorts the active ones by the kinds of their nodes. */
static ACT_ALWAYS_INLINE void classify(struct rounds *rounds)
{
    const uint8_t *bytes = rounds->arena->bytes;
    for (unsigned kind = 0; kind < KINDS; kind++)
        rounds->at[kind].count = 0;
    for (unsigned i = 0; i < rounds->active.count; i++) {
        unsigned member = rounds->active.members[i];
        put(&rounds->at[kind_of[bytes[rounds->descents[member].id]]], member);
    }
    rounds->active.count = 0;
    rounds->jumps.count = 0;
}

/* Where a branch's children's bytes or mask lie; its child_rel is decoded on the way. */
static ACT_ALWAYS_INLINE const uint8_t *branch_bytes(const uint8_t *node, uint64_t *child_rel_ret)
{
    unsigned value_nbytes = act_varint_nbytes(node[1]) & (0u - (node[0] >> 6 & 1u));
    const uint8_t *p = node + 1 + value_nbytes;
    *child_rel_ret = act_varint_read_mixed(&p);
    return p;
}

/*
 * Keeps a child to be found. All that has to hold is in sign bits of differences, put together, so
 * that there is one branch, taken once for each key: all offsets are below 2^63. Differences are
 * taken without a sign: a first child far below 0 has one of its own that tells.
 */
static ACT_ALWAYS_INLINE void keep_jump(struct rounds *rounds, unsigned member, uint64_t first,
                                        unsigned index, int64_t negative_if_absent)
{
    struct act_descent *d = &rounds->descents[member];
    int64_t key_left = d->key_end - d->key;
    int64_t wrong = (int64_t)(first - LOW_OFF) | (int64_t)(rounds->arena->jump_end - 1 - first) |
                    negative_if_absent | (key_left - 1);
    if (ACT_UNLIKELY(wrong < 0))
        return;
    d->first = first;
    d->index = index;
    put(&rounds->jumps, member);
}

static ACT_ALWAYS_INLINE void step_branches(struct rounds *rounds)
{
    const struct act_arena *arena = rounds->arena;
    const struct list *list = &rounds->at[BRANCH];
    for (unsigned i = 0; i < list->count; i++) {
        unsigned member = list->members[i];
        const struct act_descent *d = &rounds->descents[member];
        const uint8_t *node = arena->bytes + d->id;
        uint64_t child_rel;
        const uint8_t *p = branch_bytes(node, &child_rel);
        unsigned count = *node & ACT_BRANCH_COUNT;
        unsigned index = act_find_byte_any(p, count, *d->key);
        prefetch(arena, d->id - child_rel - 1);
        keep_jump(rounds, member, d->id - child_rel, index, (int64_t)count - 1 - (int64_t)index);
    }
}

static ACT_ALWAYS_INLINE void step_masks(struct rounds *rounds)
{
    const struct act_arena *arena = rounds->arena;
    const struct list *list = &rounds->at[MASK];
    for (unsigned i = 0; i < list->count; i++) {
        unsigned member = list->members[i];
        const struct act_descent *d = &rounds->descents[member];
        uint64_t child_rel;
        const uint8_t *p = branch_bytes(arena->bytes + d->id, &child_rel);
        int index = act_find_bit(p, *d->key);
        prefetch(arena, d->id - child_rel - 1);
        keep_jump(rounds, member, d->id - child_rel, (unsigned)index, index);
    }
}

/* What to keep of a jump table's 4 bytes, by the width of its numbers; 0: no such width. */
static const uint32_t width_masks[8] = {0, 0xff, 0xffff, 0, 0xffffffffu, 0, 0, 0};

static ACT_ALWAYS_INLINE void step_jumps(struct rounds *rounds)
{
    const struct act_arena *arena = rounds->arena;
    const struct list *list = &rounds->jumps;
    for (unsigned i = 0; i < list->count; i++) {
        unsigned member = list->members[i];
        struct act_descent *d = &rounds->descents[member];
        const uint8_t *table = arena->bytes + d->first - 1;
        unsigned width = *table;
        unsigned later = d->index != 0;
        /* Of widths that cannot be, as many bits as keep the read in bounds. */
        uint64_t table_nbytes = (uint64_t)(width & 7) * d->index;
        uint32_t mask = width_masks[width & 7] & (0u - later);
        uint64_t distance = act_load_le32(table - table_nbytes) & mask;
        uint64_t child = d->first + distance;
        /* A single child has no table, and any byte where its width would be. */
        int64_t wrong = ((int64_t)distance - later) | (int64_t)(d->id - 1 - child) |
                        (((int64_t)7 - width) & -(int64_t)later);
        prefetch(arena, child);
        prefetch(arena, child + 24);
        if (ACT_UNLIKELY(wrong < 0))
            continue;
        d->id = child;
        d->key++;
        put(&rounds->active, member);
    }
}

/* Line data and child are asked for first: they are not where the node is. */
static ACT_ALWAYS_INLINE void step_lines(struct rounds *rounds)
{
    const struct act_arena *arena = rounds->arena;
    struct list *list = &rounds->at[LINE];
    unsigned count = 0;
    for (unsigned i = 0; i < list->count; i++) {
        struct act_descent *d = &rounds->descents[list->members[i]];
        const uint8_t *p = arena->bytes + d->id + 1;
        uint64_t child_rel = act_varint_read_mixed(&p);
        uint64_t line_rel = act_varint_read_mixed(&p);
        uint64_t reach = d->id - ACT_ARENA_OFF;
        prefetch(arena, d->id - child_rel);
        prefetch(arena, d->id - child_rel - 64);
        prefetch(arena, d->id - line_rel);
        if (ACT_UNLIKELY((child_rel - 1 >= reach) | (line_rel - 1 >= reach)))
            continue;
        d->number = d->id - child_rel;
        d->line = arena->bytes + (d->id - line_rel);
        list->members[count++] = list->members[i];
    }
    list->count = count;
}

static bool match_long_line(const struct act_arena *arena, struct act_descent *d)
{
    d->leaf = false;
    return act_descent_line(arena, d) == ACT_NEXT_NODE;
}

static ACT_ALWAYS_INLINE void match_lines(struct rounds *rounds)
{
    const struct act_arena *arena = rounds->arena;
    const struct list *list = &rounds->at[LINE];
    for (unsigned i = 0; i < list->count; i++) {
        unsigned member = list->members[i];
        struct act_descent *d = &rounds->descents[member];
        int64_t nbytes = *d->line;
        int64_t before_nbytes = (int64_t)(d->id - (uint64_t)(d->line - arena->bytes));
        int64_t wrong = (nbytes - 1) | (16 - nbytes) | (before_nbytes - 1 - nbytes) |
                        (d->key_end - d->key - nbytes);
        unsigned compared = (unsigned)nbytes & 31;
        bool equal = act_equal_upto16(d->key, d->line + 1, compared < 16 ? compared : 16);
        if (ACT_LIKELY((wrong >= 0) & equal)) {
            d->id = d->number;
            d->key += nbytes;
            put(&rounds->active, member);
        } else if (nbytes > 16 && match_long_line(arena, d)) {
            put(&rounds->active, member);
        }
    }
}

void act_rounds(const struct act_arena *arena, struct act_descent *descents, unsigned count)
{
    struct rounds rounds;
    rounds.arena = arena;
    rounds.descents = descents;
    rounds.active.count = 0;
    for (unsigned i = 0; i < count; i++) {
        if (ACT_LIKELY(descents[i].id < arena->usual_end)) /* as all nodes below then are */
            put(&rounds.active, i);
    }
    while (rounds.active.count) {
        classify(&rounds);
        step_branches(&rounds);
        step_masks(&rounds);
        step_lines(&rounds);
        step_jumps(&rounds);
        match_lines(&rounds);
    }
}
