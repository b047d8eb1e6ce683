/* Lookups: following a key down from the root. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "read/map.h"
#include "simd/equal.h"
#include "simd/find_byte.h"

/* What one descent is after. A constant at each call, so that each lookup is compiled by itself. */
enum mode {
    GET,     /* the value of the whole key */
    EXISTS,  /* whether the whole path exists, and has a value */
    PREFIXES /* every value on the way */
};

struct descent {
    const struct act_map *map;
    const uint8_t *key; /* where the bytes not yet matched begin */
    const uint8_t *key_end;
    const uint8_t *padded_end; /* up to here the key may be read, its end or beyond */
    bool has_value;
    uint64_t value;
    act_prefix_fn visit;
    void *context;
    const uint8_t *key_start;
    act_error *error;
};

/* Keys up to this length are copied, so that 16 bytes may be read at each of theirs. */
enum {
    KEY_COPY_MAX = 240,
    KEY_PADDING = 16
};

ACT_COLD static act_status corrupt(const struct descent *d, uint64_t id)
{
    return act_fail(d->error, ACT_ERR_CORRUPT, id, "damaged node at offset %" PRIu64, id);
}

/*
 * A line's child is a branch most of the time, and the branch's own children lie right before it.
 * Asking for these lines at once, while the line data is on its way, saves one wait for memory.
 */
static ACT_ALWAYS_INLINE void prefetch_around(const uint8_t *child)
{
    for (int i = 0; i < 5; i++)
        ACT_PREFETCH(child - 64 * i);
}

/*
 * From the hot region the way leads into a page, to the last run of a unit, and then to runs before
 * it. Most units are small: all of their lines, asked for at once, cost one wait instead of
 * several.
 */
static ACT_ALWAYS_INLINE void prefetch_unit(const uint8_t *first)
{
    for (int i = -1; i < 5; i++)
        ACT_PREFETCH((const void *)((uintptr_t)first - (uintptr_t)(64 * i)));
}

/* Matches the line against the key. 0: it is another path; else how many bytes were matched, less
 * than the line only when the key ends inside of it. */
static ACT_ALWAYS_INLINE uint64_t match_line(const struct descent *d, enum mode mode,
                                             uint64_t node_id, const struct act_line *line)
{
    uint64_t left = (uint64_t)(d->key_end - d->key);
    uint64_t nbytes = line->nbytes;
    if (left < nbytes) {
        if (mode != EXISTS)
            return 0;
        nbytes = left;
    }
    if (ACT_LIKELY(nbytes <= 16 && d->key + 16 <= d->padded_end && node_id < d->map->arena.roomy))
        return act_equal_upto16(d->key, line->bytes, (unsigned)nbytes) ? nbytes : 0;
    return act_equal(d->key, line->bytes, nbytes) ? nbytes : 0;
}

/* A value at the bytes matched so far. ACT_OK to go on. */
static ACT_ALWAYS_INLINE act_status found_value(struct descent *d, enum mode mode, uint64_t value)
{
    if (mode == PREFIXES)
        return d->visit(d->context, (size_t)(d->key - d->key_start), value) ? ACT_STOPPED : ACT_OK;
    d->value = value;
    d->has_value = true;
    return ACT_OK;
}

/* The index of the child that the next byte leads to, or a negative number. */
static ACT_ALWAYS_INLINE int child_index(const struct act_arena *arena, const struct act_node *node,
                                         uint8_t byte)
{
    const uint8_t *bytes = arena->bytes + node->bytes_off;
    unsigned count = node->header & ACT_BRANCH_COUNT;
    if (ACT_LIKELY(count < ACT_BRANCH_MASK)) {
        unsigned index = ACT_LIKELY(node->id < arena->roomy)
                             ? act_find_byte(bytes, count, byte)
                             : act_find_byte_exact(bytes, count, byte);
        return index < count ? (int)index : -1;
    }
    return act_find_bit(bytes, byte);
}

/* Any descent, from the node at `id`, to which the bytes before d->key have led. */
static ACT_ALWAYS_INLINE act_status descend(struct descent *d, enum mode mode, uint64_t id)
{
    const struct act_arena *arena = &d->map->arena;
    bool value_seen =
        false; /* a line gave the value of these bytes; the branch below has its own */
    for (;;) {
        struct act_node node;
        if (ACT_UNLIKELY(!act_node_decode(arena, id, &node)))
            return corrupt(d, id);

        if (node.header & ACT_NODE_LINE) {
            uint64_t child = 0;
            if (node.header & ACT_LINE_CHILD) {
                child = act_node_first_child(id, node.child_rel);
                if (ACT_UNLIKELY(!child))
                    return corrupt(d, id);
                prefetch_around(arena->bytes + child);
            }
            struct act_line line;
            if (ACT_UNLIKELY(!act_line_decode(arena, id, node.line_rel, &line)))
                return corrupt(d, id);
            /* A line has a byte at least: a path that ends before it goes on, without a value. */
            if (mode == EXISTS && d->key == d->key_end)
                return ACT_OK;
            uint64_t matched = match_line(d, mode, id, &line);
            if (!matched)
                return ACT_NOT_FOUND;
            d->key += matched;
            if (mode == EXISTS && matched < line.nbytes)
                return ACT_OK;
            value_seen = false;
            if (node.header & ACT_NODE_VALUE && (mode == PREFIXES || d->key == d->key_end)) {
                act_status status = found_value(d, mode, node.value);
                if (mode != PREFIXES || status != ACT_OK)
                    return status;
                value_seen = true;
            }
            if (!child)
                return mode == EXISTS && d->key == d->key_end ? ACT_OK : ACT_NOT_FOUND;
            id = child;
            continue;
        }

        if (node.header & ACT_NODE_VALUE && (mode == PREFIXES || d->key == d->key_end) &&
            !value_seen) {
            act_status status = found_value(d, mode, node.value);
            if (mode != PREFIXES || status != ACT_OK)
                return status;
        }
        if (d->key == d->key_end)
            return mode == EXISTS ? ACT_OK : ACT_NOT_FOUND;
        if (!(node.header & ACT_BRANCH_COUNT))
            return ACT_NOT_FOUND;
        int index = child_index(arena, &node, *d->key);
        if (index < 0)
            return ACT_NOT_FOUND;
        d->key++;
        value_seen = false;
        id = act_node_child(arena, id, node.child_rel, (unsigned)index);
        if (ACT_UNLIKELY(!id))
            return corrupt(d, node.id);
    }
}

/* ------------------------------------------------------------------------------ the fast descent
 */

/* What descend_fast says where something is not usual. */
#define UNDECIDED ((act_status)-1)

/* Where the child is that the next byte of the key leads to; 0: nowhere; 1: ask descend. */
static ACT_ALWAYS_INLINE uint64_t fast_child(const struct act_arena *arena, uint64_t id,
                                             const uint8_t *p, unsigned count, uint8_t byte)
{
    uint64_t child_rel = act_varint_read(&p);
    uint64_t first = id - child_rel;
    if (ACT_UNLIKELY(child_rel - 1 >= id - ACT_ARENA_OFF))
        return 1;
    if (first < arena->hot_off && id >= arena->hot_off)
        prefetch_unit(arena->bytes + first);
    unsigned index;
    if (ACT_LIKELY(count < ACT_BRANCH_MASK)) {
        index = act_find_byte(p, count, byte);
        if (index == count)
            return 0;
    } else {
        int bit = act_find_bit(p, byte);
        if (bit < 0)
            return 0;
        index = (unsigned)bit;
    }
    if (index == 0)
        return first;
    uint64_t child = first < arena->jump_end ? act_jump_read(arena->bytes, first, index)
                                             : act_node_child(arena, id, child_rel, index);
    return ACT_LIKELY(child > first && child < id) ? child : 1;
}

/*
 * The same as descend for GET, for nodes as builders write them: without what these do not need.
 * Where something is not usual, it stops: UNDECIDED, and `*id_ref` and d->key are where descend is
 * to go on. So there is one place that decides what is right.
 */
static ACT_ALWAYS_INLINE act_status descend_fast(struct descent *d, uint64_t *id_ref)
{
    const struct act_arena *arena = &d->map->arena;
    const uint8_t *key = d->key;
    const uint8_t *key_end = d->key_end;
    uint64_t id = *id_ref;
    /* 16 bytes of the key may be read anywhere before its end. */
    bool padded = d->padded_end != key_end;
    while (padded && ACT_LIKELY(id < arena->usual_end)) {
        const uint8_t *p = arena->bytes + id + 1;
        unsigned header = p[-1];
        if (!(header & ACT_NODE_LINE)) {
            unsigned count = header & ACT_BRANCH_COUNT;
            if (key == key_end) {
                if (!(header & ACT_NODE_VALUE))
                    return ACT_NOT_FOUND;
                d->value = act_varint_read(&p);
                return ACT_OK;
            }
            if (header & ACT_NODE_VALUE)
                p += act_varint_nbytes(*p);
            if (count == 0)
                return ACT_NOT_FOUND;
            uint64_t child = fast_child(arena, id, p, count, *key);
            if (ACT_UNLIKELY(child <= 1)) {
                if (child == 0)
                    return ACT_NOT_FOUND;
                break;
            }
            key++;
            id = child;
            continue;
        }
        uint64_t reach = id - ACT_ARENA_OFF;
        uint64_t number = act_varint_read(&p); /* the value, or the distance to the child */
        uint64_t line_rel = act_varint_read(&p);
        if (header == (ACT_NODE_LINE | ACT_LINE_CHILD)) {
            if (ACT_UNLIKELY(number - 1 >= reach || line_rel - 1 >= reach))
                break;
            prefetch_around(arena->bytes + id - number);
        } else if (ACT_UNLIKELY(header != (ACT_NODE_LINE | ACT_NODE_VALUE) ||
                                line_rel - 1 >= reach)) {
            break;
        }
        const uint8_t *line = arena->bytes + (id - line_rel);
        unsigned nbytes = *line;
        if (ACT_UNLIKELY(nbytes - 1 >= 16 || nbytes >= line_rel))
            break;
        if (nbytes > (size_t)(key_end - key) || !act_equal_upto16(key, line + 1, nbytes))
            return ACT_NOT_FOUND;
        if (header & ACT_NODE_VALUE) {
            if (key + nbytes != key_end)
                return ACT_NOT_FOUND;
            d->value = number;
            return ACT_OK;
        }
        key += nbytes;
        id -= number;
    }
    d->key = key;
    *id_ref = id;
    return UNDECIDED;
}

/* Sets the key, or a copy of it that may be read beyond its end. */
static ACT_ALWAYS_INLINE void set_key(struct descent *d, const uint8_t *key, size_t key_nbytes,
                                      uint8_t copy[KEY_COPY_MAX + KEY_PADDING])
{
    if (ACT_LIKELY(key_nbytes - 1 < KEY_COPY_MAX)) {
        memcpy(copy, key, key_nbytes);
        memset(copy + key_nbytes, 0, KEY_PADDING);
        d->key = copy;
        d->padded_end = copy + key_nbytes + KEY_PADDING;
    } else {
        d->key = key ? key : copy;
        d->padded_end = d->key + key_nbytes;
    }
    d->key_start = d->key;
    d->key_end = d->key + key_nbytes;
}

act_status act_map_get(const act_map *map, const void *key, size_t key_nbytes, uint64_t *value_ret,
                       act_error *error)
{
    uint8_t copy[KEY_COPY_MAX + KEY_PADDING];
    struct descent d;
    d.map = map;
    d.error = error;
    d.value = 0;
    set_key(&d, key, key_nbytes, copy);
    uint64_t id = map->root;
    act_status status = descend_fast(&d, &id);
    if (status == UNDECIDED)
        status = descend(&d, GET, id);
    if (status == ACT_OK && value_ret)
        *value_ret = d.value;
    return status;
}

act_status act_map_path_exists(const act_map *map, const void *path, size_t path_nbytes,
                               bool *has_value_ret, act_error *error)
{
    uint8_t copy[KEY_COPY_MAX + KEY_PADDING];
    struct descent d;
    d.map = map;
    d.error = error;
    d.has_value = false;
    set_key(&d, path, path_nbytes, copy);
    act_status status = descend(&d, EXISTS, map->root);
    if (status == ACT_OK && has_value_ret)
        *has_value_ret = d.has_value;
    return status;
}

act_status act_map_prefixes(const act_map *map, const void *key, size_t key_nbytes,
                            act_prefix_fn visit, void *context, act_error *error)
{
    uint8_t copy[KEY_COPY_MAX + KEY_PADDING];
    struct descent d;
    if (!visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no function to call");
    d.map = map;
    d.error = error;
    d.visit = visit;
    d.context = context;
    set_key(&d, key, key_nbytes, copy);
    act_status status = descend(&d, PREFIXES, map->root);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

struct longest {
    bool found;
    size_t nbytes;
    uint64_t value;
};

static int keep_longest(void *context, size_t prefix_nbytes, uint64_t value)
{
    struct longest *longest = context;
    longest->found = true;
    longest->nbytes = prefix_nbytes;
    longest->value = value;
    return 0;
}

act_status act_map_longest_prefix(const act_map *map, const void *key, size_t key_nbytes,
                                  size_t *prefix_nbytes_ret, uint64_t *value_ret, act_error *error)
{
    struct longest longest = {false, 0, 0};
    act_status status = act_map_prefixes(map, key, key_nbytes, keep_longest, &longest, error);
    if (status != ACT_OK)
        return status;
    if (!longest.found)
        return ACT_NOT_FOUND;
    if (prefix_nbytes_ret)
        *prefix_nbytes_ret = longest.nbytes;
    if (value_ret)
        *value_ret = longest.value;
    return ACT_OK;
}
