/* Lookups: following a key down from the root. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "read/budget.h"
#include "read/checks.h"
#include "read/descent.h"
#include "read/guard.h"
#include "read/paging.h"
#include "read/shortcut.h"
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
    const uint8_t *tail_end; /* see struct act_descent */
    bool has_value;
    uint64_t value;
    uint64_t value_id; /* the node that has it */
    act_prefix_fn visit;
    void *context;
    const uint8_t *key_start;
    act_error *error;
};

ACT_COLD static act_status corrupt(const struct descent *d, uint64_t id)
{
    return act_fail(d->error, ACT_ERR_CORRUPT, id, "damaged node at offset %" PRIu64, id);
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
    if (ACT_LIKELY(nbytes <= 16 && node_id < d->map->arena.roomy)) {
        const uint8_t *key = act_key_readable(d->key, d->key_end, d->tail_end);
        return act_equal_upto16(key, line->bytes, (unsigned)nbytes) ? nbytes : 0;
    }
    return act_equal(d->key, line->bytes, (size_t)nbytes) ? nbytes : 0;
}

/* A value at the bytes matched so far. ACT_OK to go on. */
static ACT_ALWAYS_INLINE act_status found_value(struct descent *d, enum mode mode, uint64_t id,
                                                uint64_t value)
{
    if (mode == PREFIXES) {
        act_status status = act_guarded(d->map, ACT_OK, d->error);
        if (status == ACT_OK && d->visit(d->context, (size_t)(d->key - d->key_start), value))
            status = ACT_STOPPED;
        return status;
    }
    d->value = value;
    d->value_id = id;
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

/*
 * Any descent, from the node at `id`, to which the bytes before d->key have led. `checked` is a
 * constant too: whether what is read is compared with its checksums first.
 */
static ACT_ALWAYS_INLINE act_status descend(struct descent *d, enum mode mode, bool checked,
                                            uint64_t id)
{
    const struct act_arena *arena = &d->map->arena;
    bool value_seen =
        false; /* a line gave the value of these bytes; the branch below has its own */
    for (;;) {
        struct act_node node;
        if (checked) {
            act_status status = act_checks_node(d->map, id, d->error);
            if (ACT_UNLIKELY(status != ACT_OK))
                return status;
        }
        if (ACT_UNLIKELY(!act_node_decode(arena, id, &node)))
            return corrupt(d, id);

        if (node.header & ACT_NODE_LINE) {
            uint64_t child = 0;
            if (node.header & ACT_LINE_CHILD) {
                child = act_node_first_child(id, node.child_rel);
                if (ACT_UNLIKELY(!child))
                    return corrupt(d, id);
                act_prefetch_around(arena->bytes + child);
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
                act_status status = found_value(d, mode, id, node.value);
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
            act_status status = found_value(d, mode, id, node.value);
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
        if (checked) {
            act_status status = act_checks_child(d->map, id, node.child_rel, (unsigned)index,
                                                 d->error);
            if (ACT_UNLIKELY(status != ACT_OK))
                return status;
        }
        id = act_node_child(arena, id, node.child_rel, (unsigned)index);
        if (ACT_UNLIKELY(!id))
            return corrupt(d, node.id);
    }
}

static ACT_ALWAYS_INLINE void set_key(struct descent *d, const void *key, size_t key_nbytes,
                                      uint8_t tail[ACT_KEY_TAIL_NBYTES])
{
    struct act_descent from;
    act_descent_set_key(&from, key, key_nbytes, tail);
    d->key_start = d->key = from.key;
    d->key_end = from.key_end;
    d->tail_end = from.tail_end;
}

/*
 * The functions below come twice, with and without checks: were a descent handed from the one to
 * the other, compilers would keep it in memory.
 */
static ACT_ALWAYS_INLINE act_status descend_for_value(const struct act_map *map, bool checked,
                                                      struct act_descent *from, act_error *error)
{
    struct descent d;
    d.map = map;
    d.error = error;
    d.value = 0;
    d.value_id = 0;
    d.key = from->key;
    d.key_end = from->key_end;
    d.tail_end = from->tail_end;
    act_status status = descend(&d, GET, checked, from->id);
    from->number = d.value;
    from->id = d.value_id;
    return status;
}

ACT_NOINLINE static act_status descend_checked(const struct act_map *map, struct act_descent *from,
                                               act_error *error)
{
    return descend_for_value(map, true, from, error);
}

act_status act_descend(const struct act_map *map, struct act_descent *from, act_error *error)
{
    if (ACT_UNLIKELY(act_checks_pending(map)))
        return descend_checked(map, from, error);
    return descend_for_value(map, false, from, error);
}

ACT_NOINLINE act_status act_get_checked(const struct act_map *map, const void *key,
                                        size_t key_nbytes, uint64_t *value_ret, act_error *error)
{
    uint8_t tail[ACT_KEY_TAIL_NBYTES];
    struct act_descent d = {.id = map->root};
    act_descent_set_key(&d, key, key_nbytes, tail);
    act_map_settle(map);
    act_status status = act_guarded(map, act_descend(map, &d, error), error);
    act_budget_step(map);
    if (status == ACT_OK && value_ret)
        *value_ret = d.number;
    return status;
}

void act_descent_leave_root(const struct act_map *map, struct act_descent *d)
{
    const struct act_arena *arena = &map->arena;
    size_t left = (size_t)(d->key_end - d->key);
    uint64_t child = 0;
    size_t nbytes = 1;
    struct act_node root;
    struct act_line line;
    if (!act_node_decode(arena, d->id, &root) || !act_node_has_child(&root) || left == 0)
        return;
    if (act_node_is_line(&root)) {
        if (act_node_has_value(&root) || !act_line_decode(arena, root.id, root.line_rel, &line) ||
            line.nbytes > left || !act_equal(d->key, line.bytes, (size_t)line.nbytes))
            return;
        nbytes = (size_t)line.nbytes;
        child = act_node_first_child(root.id, root.child_rel);
    } else {
        int index = child_index(arena, &root, *d->key);
        if (index >= 0)
            child = act_node_child(arena, root.id, root.child_rel, (unsigned)index);
    }
    if (child) {
        d->key += nbytes;
        d->id = child;
    }
}

/*
 * One lookup of ACT_SHORTCUT_SAMPLE, by where it ended: threads that counted each of theirs in one
 * place would slow each other down.
 */
static ACT_ALWAYS_INLINE bool is_sampled(const struct act_descent *d)
{
    return (uint32_t)(d->id * 0x9e3779b97f4a7c15u >> 32) < UINT32_MAX / ACT_SHORTCUT_SAMPLE;
}

/* Of a map without shortcuts, as all are that have a resident budget. */
static void count_lookup(const act_map *map, const struct act_descent *d)
{
    act_budget_step(map);
    if (is_sampled(d))
        act_shortcuts_count(map, ACT_SHORTCUT_SAMPLE);
}

act_status act_map_get(const act_map *map, const void *key, size_t key_nbytes, uint64_t *value_ret,
                       act_error *error)
{
    uint8_t tail[ACT_KEY_TAIL_NBYTES];
    struct act_descent d;
    const struct act_shortcuts *shortcuts = act_shortcuts_of(map);
    /* While there is anything to check there are no shortcuts: with them, nothing is asked. */
    if (ACT_UNLIKELY(shortcuts == NULL) && act_checks_pending(map))
        return act_get_checked(map, key, key_nbytes, value_ret, error);
    act_descent_start(map, shortcuts, key, key_nbytes, tail, &d);
    enum act_next next = act_descent_finish(&map->arena, &d, ACT_NEXT_NODE);
    if (ACT_UNLIKELY(shortcuts == NULL))
        count_lookup(map, &d);
    act_status status = ACT_NOT_FOUND;
    if (next == ACT_NEXT_FOUND)
        status = ACT_OK;
    else if (ACT_UNLIKELY(next == ACT_NEXT_ODD))
        status = act_descend(map, &d, error);
    bool found = status == ACT_OK;
    status = act_guarded(map, status, error);
    if (found && status == ACT_OK && value_ret)
        *value_ret = d.number;
    return status;
}

static ACT_ALWAYS_INLINE act_status exists(const act_map *map, bool checked, const void *path,
                                           size_t path_nbytes, bool *has_value_ret,
                                           act_error *error)
{
    uint8_t tail[ACT_KEY_TAIL_NBYTES];
    struct descent d;
    d.map = map;
    d.error = error;
    d.has_value = false;
    act_map_settle(map);
    set_key(&d, path, path_nbytes, tail);
    act_status status = act_guarded(map, descend(&d, EXISTS, checked, map->root), error);
    act_budget_step(map);
    if (status == ACT_OK && has_value_ret)
        *has_value_ret = d.has_value;
    return status;
}

ACT_NOINLINE static act_status exists_checked(const act_map *map, const void *path,
                                              size_t path_nbytes, bool *has_value_ret,
                                              act_error *error)
{
    return exists(map, true, path, path_nbytes, has_value_ret, error);
}

act_status act_map_path_exists(const act_map *map, const void *path, size_t path_nbytes,
                               bool *has_value_ret, act_error *error)
{
    if (ACT_UNLIKELY(act_checks_pending(map)))
        return exists_checked(map, path, path_nbytes, has_value_ret, error);
    return exists(map, false, path, path_nbytes, has_value_ret, error);
}

static ACT_ALWAYS_INLINE act_status prefixes(const act_map *map, bool checked, const void *key,
                                             size_t key_nbytes, act_prefix_fn visit, void *context,
                                             act_error *error)
{
    uint8_t tail[ACT_KEY_TAIL_NBYTES];
    struct descent d;
    d.map = map;
    d.error = error;
    d.visit = visit;
    d.context = context;
    act_map_settle(map);
    set_key(&d, key, key_nbytes, tail);
    act_status status = act_guarded(map, descend(&d, PREFIXES, checked, map->root), error);
    act_budget_step(map);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

ACT_NOINLINE static act_status prefixes_checked(const act_map *map, const void *key,
                                                size_t key_nbytes, act_prefix_fn visit,
                                                void *context, act_error *error)
{
    return prefixes(map, true, key, key_nbytes, visit, context, error);
}

act_status act_map_prefixes(const act_map *map, const void *key, size_t key_nbytes,
                            act_prefix_fn visit, void *context, act_error *error)
{
    if (!visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no function to call");
    if (ACT_UNLIKELY(act_checks_pending(map)))
        return prefixes_checked(map, key, key_nbytes, visit, context, error);
    return prefixes(map, false, key, key_nbytes, visit, context, error);
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
