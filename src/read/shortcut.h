/*
 * Shortcuts past the top of an indexed tree: a table that leads from the first bytes of a key to
 * the node that they lead to, past the first third of the steps of a typical lookup.
 *
 * It is made when a map has been used enough for it to pay, by one of the threads that look up;
 * the others go on without meanwhile. It is of bounded size, and takes bounded time. What it says
 * was read from the tree, in which nothing changes: a lookup with it has the same answer.
 */
#ifndef ACT_READ_SHORTCUT_H
#define ACT_READ_SHORTCUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "read/descent.h"
#include "read/map.h"

/* One way: all-zero where there is none. */
struct act_shortcut {
    uint64_t prefix[2]; /* the first bytes of a key as they lie in memory, zero beyond */
    uint64_t id;        /* a node on the way of every key with these bytes */
    uint64_t depth;     /* how many bytes lead to it: all of the prefix, or less */
};

enum {
    ACT_SHORTCUT_WAYS = 2,        /* slots of a bucket, which is one cache line */
    ACT_SHORTCUT_PREFIX_MAX = 16, /* bytes */
    ACT_SHORTCUT_BUCKETS_BITS = ACT_SMALL_BUFFERS ? 4 : 13,
    ACT_SHORTCUT_ENTRIES_MAX = ACT_SMALL_BUFFERS ? 24 : 12 << 10,
    ACT_SHORTCUT_LOOKUPS_MIN = 8 << 10, /* from so many lookups on the table pays */
    ACT_SHORTCUT_SAMPLE = 64            /* one lookup of so many is counted, as that many */
};

struct act_shortcuts {
    uint64_t mask[2]; /* of the bytes that belong to a prefix */
    size_t prefix_nbytes;
    struct act_shortcut *entries; /* at a multiple of a cache line */
};

/* Counts some lookups, and makes the table when there were enough. Any thread, at any time. */
void act_shortcuts_count(const struct act_map *map, size_t lookups);

/* No table will be made of a map that nobody has used yet. */
static inline void act_shortcuts_forgo(const struct act_map *map)
{
    atomic_store_explicit(&map->lazy->claimed, true, memory_order_relaxed);
}

/* Puts the table out of use if there is a budget, whose lookups have to come by; or in use again.
 */
void act_shortcuts_allow(const struct act_map *map);

/* The table, or NULL while there is none. */
static ACT_ALWAYS_INLINE const struct act_shortcuts *act_shortcuts_of(const struct act_map *map)
{
    return atomic_load_explicit(&map->lazy->shortcuts, memory_order_acquire);
}

/* Frees the table, when no other thread uses the map. */
void act_shortcuts_free(struct act_shortcuts *shortcuts);

/* A prefix's bucket, its first slot: multiplicative hashing, where the high bits depend on all. */
static ACT_ALWAYS_INLINE size_t act_shortcut_bucket(const uint64_t prefix[2])
{
    uint64_t hash = prefix[0] * 0x9e3779b97f4a7c15u ^ prefix[1] * 0xd6e8feb86659fd93u;
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
    return ACT_SHORTCUT_WAYS * (size_t)(hash >> (64 - ACT_SHORTCUT_BUCKETS_BITS));
}

static ACT_ALWAYS_INLINE void act_shortcut_prefix(const struct act_shortcuts *shortcuts,
                                                  const uint8_t *key, uint64_t prefix_ret[2])
{
    prefix_ret[0] = act_load_u64(key) & shortcuts->mask[0];
    prefix_ret[1] = act_load_u64(key + 8) & shortcuts->mask[1];
}

/* Moves on a descent that is at the root, if there is a shortcut for its key. */
static ACT_ALWAYS_INLINE void act_shortcut_take(const struct act_shortcuts *shortcuts,
                                                struct act_descent *d)
{
    uint64_t prefix[2];
    act_shortcut_prefix(shortcuts, d->key, prefix);
    const struct act_shortcut *entry = shortcuts->entries + act_shortcut_bucket(prefix);
    uint64_t differs = (entry->prefix[0] ^ prefix[0]) | (entry->prefix[1] ^ prefix[1]);
    size_t other = differs != 0;
    ACT_OPAQUE(other);
    entry += other;
    differs = (entry->prefix[0] ^ prefix[0]) | (entry->prefix[1] ^ prefix[1]);
    /* Padding looks like zeros that a key may have: so a short one has no shortcut. */
    if (ACT_UNLIKELY((differs != 0) | (entry->id == 0) |
                     ((size_t)(d->key_end - d->key) < shortcuts->prefix_nbytes)))
        return;
    d->id = entry->id;
    d->key += entry->depth;
}

/* Puts a descent at the root, or where a shortcut leads to; NULL where there are none. */
static ACT_ALWAYS_INLINE void act_descent_place(const struct act_map *map,
                                                const struct act_shortcuts *shortcuts,
                                                const void *key, size_t key_nbytes,
                                                uint8_t tail[ACT_KEY_TAIL_NBYTES],
                                                struct act_descent *d)
{
    act_descent_set_key(d, key, key_nbytes, tail);
    d->id = map->root;
    if (ACT_LIKELY(shortcuts != NULL))
        act_shortcut_take(shortcuts, d);
}

/* The same, and one step on where the root is too near to the end of the file for usual ones. */
static ACT_ALWAYS_INLINE void act_descent_start(const struct act_map *map,
                                                const struct act_shortcuts *shortcuts,
                                                const void *key, size_t key_nbytes,
                                                uint8_t tail[ACT_KEY_TAIL_NBYTES],
                                                struct act_descent *d)
{
    act_descent_place(map, shortcuts, key, key_nbytes, tail, d);
    if (ACT_UNLIKELY(d->id >= map->arena.usual_end))
        act_descent_leave_root(map, d);
}

#endif
