/*
 * Following a key down through nodes as builders write them, in steps that can wait for memory in
 * between. Where something is not usual a step says so, and act_descend, which decides what is
 * right, goes on from there.
 */
#ifndef ACT_READ_DESCENT_H
#define ACT_READ_DESCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"
#include "read/map.h"
#include "simd/copy.h"
#include "simd/equal.h"
#include "simd/find_byte.h"

/* Of a key 16 bytes can be read at each of its own: at the last ones, in a copy of them. */
enum {
    ACT_KEY_READABLE_NBYTES = 16,
    ACT_KEY_TAIL_NBYTES = 2 * ACT_KEY_READABLE_NBYTES
};

/* Where a key has come to. */
struct act_descent {
    uint64_t id;        /* of the node to which the bytes before `key` have led */
    const uint8_t *key; /* the bytes that are left */
    const uint8_t *key_end;
    const uint8_t *tail_end; /* where it ends in a copy of its last bytes, which 16 zeros follow */
    uint64_t first; /* for act_descent_jump: the first of the siblings, the wanted one's index */
    unsigned index;
    bool leaf;           /* for act_descent_line: there is a value and no child */
    const uint8_t *line; /* the line data */
    uint64_t number;     /* a value, when that was found; for act_descent_line also a child's id */
};

/*
 * Sets the key, which has to stay while `d` is used, as has `tail`: a place for the copy of its
 * last bytes, or of all if they are few.
 */
static ACT_ALWAYS_INLINE void act_descent_set_key(struct act_descent *d, const void *key,
                                                  size_t nbytes, uint8_t tail[ACT_KEY_TAIL_NBYTES])
{
    const uint8_t *bytes = key;
    memset(tail + ACT_KEY_READABLE_NBYTES, 0, ACT_KEY_READABLE_NBYTES);
    if (nbytes >= ACT_KEY_READABLE_NBYTES) {
        memcpy(tail, bytes + nbytes - ACT_KEY_READABLE_NBYTES, ACT_KEY_READABLE_NBYTES);
        d->key = bytes;
        d->key_end = bytes + nbytes;
        d->tail_end = tail + ACT_KEY_READABLE_NBYTES;
    } else {
        act_copy_upto15(tail, bytes, nbytes);
        d->key = tail;
        d->key_end = d->tail_end = tail + nbytes;
    }
}

/* Where 16 bytes can be read that are those at `key`, as far as there are any. */
static ACT_ALWAYS_INLINE const uint8_t *act_key_readable(const uint8_t *key, const uint8_t *key_end,
                                                         const uint8_t *tail_end)
{
    size_t left = (size_t)(key_end - key);
    /* As a number: of a long key it lies before the copy, where no pointer may lead. */
    const uint8_t *in_tail = (const uint8_t *)((uintptr_t)tail_end - left);
    return left >= ACT_KEY_READABLE_NBYTES ? key : in_tail;
}

/* What comes next. */
enum act_next {
    ACT_NEXT_NODE, /* act_descent_node, which will read at `id` */
    ACT_NEXT_JUMP, /* act_descent_jump, which will read before `first` */
    ACT_NEXT_LINE, /* act_descent_line, which will read at `line` */
    ACT_NEXT_FOUND,
    ACT_NEXT_ABSENT,
    ACT_NEXT_ODD /* act_descend, from `id` and `key` on */
};

/*
 * Any descent for a value, from the node at from->id; after ACT_OK from->number is the value, and
 * from->id the node that has it. ACT_OK, ACT_NOT_FOUND, ACT_ERR_CORRUPT.
 */
act_status act_descend(const struct act_map *map, struct act_descent *from, act_error *error);

/*
 * act_map_get for a map with checks: what is read is compared with its checksums first.
 */
act_status act_get_checked(const struct act_map *map, const void *key, size_t key_nbytes,
                           uint64_t *value_ret, act_error *error);

/*
 * From the root to its child, where the root lies too near to the end of the file for act_descent's
 * steps, as it does after a merge. Where there is no such child, or anything is odd, `d` stays.
 */
void act_descent_leave_root(const struct act_map *map, struct act_descent *d);

/*
 * A line's child is a branch most of the time, and the branch's own children lie right before it.
 * Asking for these lines at once, while the line data is on its way, saves one wait for memory.
 */
static ACT_ALWAYS_INLINE void act_prefetch_around(const uint8_t *child)
{
    for (int i = 0; i < 5; i++)
        ACT_PREFETCH((const void *)((uintptr_t)child - (uintptr_t)(64 * i)));
}

/*
 * From the hot region the way leads into a page, to the last run of a unit, and then to runs before
 * it. Most units are small: all of their lines, asked for at once, cost one wait instead of
 * several.
 */
static ACT_ALWAYS_INLINE void act_prefetch_unit(const uint8_t *first)
{
    for (int i = -1; i < 5; i++)
        ACT_PREFETCH((const void *)((uintptr_t)first - (uintptr_t)(64 * i)));
}

static ACT_ALWAYS_INLINE enum act_next act_descent_branch(const struct act_arena *arena,
                                                          struct act_descent *d, unsigned header,
                                                          const uint8_t *p)
{
    uint64_t id = d->id;
    unsigned count = header & ACT_BRANCH_COUNT;
    if (d->key == d->key_end) {
        if (!(header & ACT_NODE_VALUE))
            return ACT_NEXT_ABSENT;
        d->number = act_varint_read(&p);
        return ACT_NEXT_FOUND;
    }
    if (header & ACT_NODE_VALUE)
        p += act_varint_nbytes(*p);
    if (count == 0)
        return ACT_NEXT_ABSENT;
    uint64_t child_rel = act_varint_read(&p);
    if (ACT_UNLIKELY(child_rel - 1 >= id - ACT_ARENA_OFF))
        return ACT_NEXT_ODD;
    uint64_t first = id - child_rel;
    if ((first < arena->hot_off && id >= arena->hot_off) ||
        (first >= arena->merged_off && child_rel > ACT_PAGE_NBYTES))
        act_prefetch_unit(arena->bytes + first);
    unsigned index;
    if (ACT_LIKELY(count < ACT_BRANCH_MASK)) {
        index = act_find_byte(p, count, *d->key);
        if (index == count)
            return ACT_NEXT_ABSENT;
    } else {
        int bit = act_find_bit(p, *d->key);
        if (bit < 0)
            return ACT_NEXT_ABSENT;
        index = (unsigned)bit;
    }
    if (index) {
        d->first = first;
        d->index = index;
        return ACT_NEXT_JUMP;
    }
    d->key++;
    d->id = first;
    return ACT_NEXT_NODE;
}

static ACT_ALWAYS_INLINE enum act_next act_descent_jump(const struct act_arena *arena,
                                                        struct act_descent *d)
{
    uint64_t child = d->first < arena->jump_end
                         ? act_jump_read(arena->bytes, d->first, d->index)
                         : act_node_child(arena, d->id, d->id - d->first, d->index);
    if (ACT_UNLIKELY(child <= d->first || child >= d->id))
        return ACT_NEXT_ODD;
    d->key++;
    d->id = child;
    return ACT_NEXT_NODE;
}

static ACT_ALWAYS_INLINE enum act_next act_descent_node(const struct act_arena *arena,
                                                        struct act_descent *d)
{
    uint64_t id = d->id;
    if (ACT_UNLIKELY(id >= arena->usual_end))
        return ACT_NEXT_ODD;
    const uint8_t *p = arena->bytes + id + 1;
    unsigned header = p[-1];
    if (!(header & ACT_NODE_LINE))
        return act_descent_branch(arena, d, header, p);
    uint64_t reach = id - ACT_ARENA_OFF;
    uint64_t number = act_varint_read(&p); /* the value, or the distance to the child */
    uint64_t line_rel = act_varint_read(&p);
    d->leaf = header & ACT_NODE_VALUE;
    if (header == (ACT_NODE_LINE | ACT_LINE_CHILD)) {
        if (ACT_UNLIKELY(number - 1 >= reach || line_rel - 1 >= reach))
            return ACT_NEXT_ODD;
        number = id - number;
        act_prefetch_around(arena->bytes + number);
    } else if (ACT_UNLIKELY(header != (ACT_NODE_LINE | ACT_NODE_VALUE) || line_rel - 1 >= reach)) {
        return ACT_NEXT_ODD;
    }
    d->number = number;
    d->line = arena->bytes + (id - line_rel);
    return ACT_NEXT_LINE;
}

static ACT_ALWAYS_INLINE enum act_next act_descent_line(const struct act_arena *arena,
                                                        struct act_descent *d)
{
    unsigned nbytes = *d->line;
    uint64_t before_nbytes = d->id - (uint64_t)(d->line - arena->bytes);
    if (ACT_UNLIKELY(nbytes - 1 >= ACT_VARINT_INLINE_MAX || nbytes >= before_nbytes))
        return ACT_NEXT_ODD;
    if (nbytes > (size_t)(d->key_end - d->key))
        return ACT_NEXT_ABSENT;
    const uint8_t *key = d->key;
    const uint8_t *line = d->line + 1;
    unsigned left = nbytes;
    for (; left > 16; left -= 16) {
        if (!act_equal_upto16(key, line, 16))
            return ACT_NEXT_ABSENT;
        key += 16;
        line += 16;
    }
    if (!act_equal_upto16(act_key_readable(key, d->key_end, d->tail_end), line, left))
        return ACT_NEXT_ABSENT;
    if (d->leaf)
        return d->key + nbytes == d->key_end ? ACT_NEXT_FOUND : ACT_NEXT_ABSENT;
    d->key += nbytes;
    d->id = d->number;
    return ACT_NEXT_NODE;
}

/* All steps to the end. */
static ACT_ALWAYS_INLINE enum act_next act_descent_finish(const struct act_arena *arena,
                                                          struct act_descent *d, enum act_next next)
{
    for (;;) {
        if (next == ACT_NEXT_NODE)
            next = act_descent_node(arena, d);
        if (next == ACT_NEXT_JUMP)
            next = act_descent_jump(arena, d);
        else if (next == ACT_NEXT_LINE)
            next = act_descent_line(arena, d);
        if (next > ACT_NEXT_LINE)
            return next;
    }
}

/* All steps in the hot region, up to one that reads in a page, which has been asked for. */
static ACT_ALWAYS_INLINE enum act_next act_descent_begin(const struct act_arena *arena,
                                                         struct act_descent *d)
{
    for (;;) {
        enum act_next next = act_descent_node(arena, d);
        if (next == ACT_NEXT_JUMP) {
            if (d->first < arena->hot_off)
                return next;
            next = act_descent_jump(arena, d);
        } else if (next == ACT_NEXT_LINE) {
            next = act_descent_line(arena, d);
        }
        if (next != ACT_NEXT_NODE || d->id < arena->hot_off)
            return next;
    }
}

#endif
