#include "read/shortcut.h"

#include <stdlib.h>
#include <string.h>

#include "read/checks.h"
#include "read/paging.h"

enum {
    CACHE_LINE_NBYTES = 64,
    ENTRIES = ACT_SHORTCUT_WAYS << ACT_SHORTCUT_BUCKETS_BITS
};

/* Lengths of prefixes, the best first: the longer they are, the more there are of them. */
static const uint8_t prefix_lengths[] = {ACT_SHORTCUT_PREFIX_MAX, 12, 8, 6, 4, 3, 2};

struct making {
    const struct act_map *map;
    struct act_shortcuts *shortcuts;
    unsigned nodes; /* how many were looked at, and prefixes found */
    unsigned prefixes;
    uint8_t path[ACT_SHORTCUT_PREFIX_MAX];
};

/* The path's first bytes lead by the node at `id`, which lies `depth` bytes from the root. */
static bool add(struct making *making, uint64_t id, size_t depth)
{
    uint64_t prefix[2];
    act_shortcut_prefix(making->shortcuts, making->path, prefix);
    struct act_shortcut *entry = making->shortcuts->entries + act_shortcut_bucket(prefix);
    for (int way = 0; way < ACT_SHORTCUT_WAYS; way++, entry++) {
        if (entry->id == 0) {
            *entry = (struct act_shortcut){{prefix[0], prefix[1]}, id, depth};
            break;
        }
    }
    return ++making->prefixes <= ACT_SHORTCUT_ENTRIES_MAX;
}

static bool walk(struct making *making, uint64_t id, size_t depth);

static bool walk_line(struct making *making, const struct act_node *node, size_t depth)
{
    const struct act_arena *arena = &making->map->arena;
    size_t left = making->shortcuts->prefix_nbytes - depth;
    struct act_line line;
    if (!act_line_decode(arena, node->id, node->line_rel, &line))
        return true;
    bool has_child = node->header & ACT_LINE_CHILD;
    memcpy(making->path + depth, line.bytes, line.nbytes < left ? (size_t)line.nbytes : left);
    /* Where the prefix ends with the line, the line's own value would be passed by. */
    if (line.nbytes > left || (line.nbytes == left && (!has_child || act_node_has_value(node))))
        return add(making, node->id, depth);
    uint64_t child = has_child ? act_node_first_child(node->id, node->child_rel) : 0;
    return !child || walk(making, child, depth + (size_t)line.nbytes);
}

static bool walk_branch(struct making *making, const struct act_node *node, size_t depth)
{
    struct act_children children;
    if (!act_node_has_child(node) || !act_node_children(&making->map->arena, node, &children))
        return true;
    unsigned index = 0;
    for (unsigned byte = 0; byte < 256 && index < children.count; byte++) {
        if (children.bytes ? children.bytes[index] != byte
                           : !(children.mask[byte / 64] >> byte % 64 & 1))
            continue;
        uint64_t child = act_node_child(&making->map->arena, node->id, node->child_rel, index++);
        making->path[depth] = (uint8_t)byte;
        if (child && !walk(making, child, depth + 1))
            return false;
    }
    return true;
}

/*
 * Adds the prefixes that lead by the node at `id`; false if there are too many. Each level adds a
 * byte at least, so that there are few of them.
 */
static bool walk(struct making *making, uint64_t id, size_t depth)
{
    if (++making->nodes > 4 * ACT_SHORTCUT_ENTRIES_MAX)
        return false;
    if (depth == making->shortcuts->prefix_nbytes)
        return add(making, id, depth);
    struct act_node node;
    if (id < making->map->arena.hot_off || !act_node_decode(&making->map->arena, id, &node))
        return true;
    return act_node_is_line(&node) ? walk_line(making, &node, depth)
                                   : walk_branch(making, &node, depth);
}

/* Tries one length of prefixes. */
static bool make(const struct act_map *map, struct act_shortcuts *shortcuts, size_t prefix_nbytes)
{
    struct making making = {.map = map, .shortcuts = shortcuts};
    uint8_t mask[ACT_SHORTCUT_PREFIX_MAX] = {0};
    memset(mask, 0xff, prefix_nbytes);
    shortcuts->mask[0] = act_load_u64(mask);
    shortcuts->mask[1] = act_load_u64(mask + 8);
    shortcuts->prefix_nbytes = prefix_nbytes;
    memset(shortcuts->entries, 0, ENTRIES * sizeof(*shortcuts->entries));
    return walk(&making, map->root, 0) && making.prefixes;
}

static struct act_shortcuts *make_best(const struct act_map *map)
{
    /* Buckets are to be cache lines, which what malloc gives need not be. */
    size_t nbytes = sizeof(struct act_shortcuts) + CACHE_LINE_NBYTES +
                    ENTRIES * sizeof(struct act_shortcut);
    struct act_shortcuts *shortcuts = malloc(nbytes);
    if (!shortcuts)
        return NULL;
    uintptr_t after = (uintptr_t)(shortcuts + 1);
    uintptr_t aligned = (after + CACHE_LINE_NBYTES - 1) / CACHE_LINE_NBYTES * CACHE_LINE_NBYTES;
    shortcuts->entries = (struct act_shortcut *)((uint8_t *)(shortcuts + 1) + (aligned - after));
    for (size_t i = 0; i < sizeof(prefix_lengths); i++) {
        if (make(map, shortcuts, prefix_lengths[i]))
            return shortcuts;
    }
    free(shortcuts);
    return NULL;
}

void act_shortcuts_count(const struct act_map *map, size_t lookups)
{
    struct act_map_lazy *lazy = map->lazy;
    act_map_settle(map);
    /*
     * In a plain file the nodes of the top lie all over it: too many pages to read. And in a file
     * larger than memory, or than a budget, the pages passed by would be lost, for being touched
     * less. What was not compared with its checksum yet is not to be believed.
     */
    if (map->arena.jump_end == 0 || act_map_budget(map) || act_checks_pending(map) ||
        atomic_load_explicit(&lazy->claimed, memory_order_relaxed))
        return;
    size_t before = atomic_fetch_add_explicit(&lazy->lookups, lookups, memory_order_relaxed);
    if (before + lookups < ACT_SHORTCUT_LOOKUPS_MIN || atomic_exchange(&lazy->claimed, true) ||
        act_map_exceeds_memory(map))
        return;
    struct act_shortcuts *shortcuts = make_best(map);
    act_map_begin_noting(map);
    lazy->unused_shortcuts = shortcuts;
    act_map_end_noting(map);
    act_shortcuts_allow(map);
}

void act_shortcuts_allow(const struct act_map *map)
{
    struct act_map_lazy *lazy = map->lazy;
    act_map_begin_noting(map);
    /* Asked for in here, so that the last one to come goes by the budget that stays. */
    if (act_map_budget(map)) {
        struct act_shortcuts *used = atomic_exchange(&lazy->shortcuts, NULL);
        if (used)
            lazy->unused_shortcuts = used;
    } else if (lazy->unused_shortcuts) {
        atomic_store_explicit(&lazy->shortcuts, lazy->unused_shortcuts, memory_order_release);
        lazy->unused_shortcuts = NULL;
    }
    act_map_end_noting(map);
}

void act_shortcuts_free(struct act_shortcuts *shortcuts)
{
    free(shortcuts);
}
