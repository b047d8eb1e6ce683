/*
 * What a lookup reads. The steps are those of act_map_get, taken by the same functions; before each
 * one it is told which bytes the step will load. Answers are theirs: nothing is decided here.
 */
#include "base/error.h"
#include "read/descent.h"
#include "read/guard.h"
#include "read/shortcut.h"
#include "simd/find_byte.h"

enum {
    LINE_STEP_NBYTES = 16 /* of line data, compared at once */
};

struct tracing {
    const struct act_map *map;
    act_touch_fn visit;
    void *context;
    unsigned level;
    bool stopped;
};

/* `off` lies in the file, and below `end`. */
static void tell(struct tracing *t, act_touch_kind kind, uint64_t off, uint64_t end)
{
    if (end > t->map->file_nbytes)
        end = t->map->file_nbytes;
    if (t->stopped)
        return;
    act_touch touch = {off, end - off, kind, t->level};
    /* Where it lies was read before. */
    t->stopped = act_guarded(t->map, ACT_OK, NULL) != ACT_OK || t->visit(t->context, &touch) != 0;
}

/* Passes a varint, and notes how far it is loaded: eight bytes at once, where there is room. */
static uint64_t pass_varint(const struct act_arena *arena, uint64_t off, bool wide,
                            uint64_t *end_ref)
{
    unsigned nbytes = act_varint_nbytes(arena->bytes[off]);
    uint64_t end = off + (nbytes > 1 && wide ? ACT_VARINT_NBYTES_MAX : nbytes);
    if (end > *end_ref)
        *end_ref = end;
    return off + nbytes;
}

/* Where the loads end that look for a child by the next byte of the key. */
static uint64_t search_end(const struct act_arena *arena, uint64_t bytes_off, unsigned count,
                           uint8_t byte, bool wide)
{
    const uint8_t *bytes = arena->bytes + bytes_off;
    if (count >= ACT_BRANCH_MASK)
        return bytes_off + 8 * ((uint64_t)byte / 64 + 1);
    unsigned index = act_find_byte_exact(bytes, count, byte);
    if (wide)
        return bytes_off + act_find_byte_loaded(count, index);
    return bytes_off + (index < count ? index + 1 : count);
}

static uint64_t branch_end(const struct act_arena *arena, const struct act_descent *d, bool wide)
{
    unsigned header = arena->bytes[d->id];
    unsigned count = header & ACT_BRANCH_COUNT;
    uint64_t at = d->id + 1;
    uint64_t end = at;
    if (d->key == d->key_end) {
        if (header & ACT_NODE_VALUE)
            pass_varint(arena, at, wide, &end);
        return end;
    }
    if (header & ACT_NODE_VALUE) {
        end = at + 1; /* only how long the value is */
        at += act_varint_nbytes(arena->bytes[at]);
    }
    if (count == 0)
        return end;
    at = pass_varint(arena, at, wide, &end);
    uint64_t searched = search_end(arena, at, count, *d->key, wide);
    return searched > end ? searched : end;
}

/* Tells the bytes that are read of the node at d->id, which ends before the tail. */
static void tell_node(struct tracing *t, const struct act_descent *d, bool usual)
{
    const struct act_arena *arena = &t->map->arena;
    bool wide = d->id < arena->roomy;
    unsigned header = arena->bytes[d->id];
    uint64_t end = d->id + 1;
    if (header & ACT_NODE_LINE) {
        unsigned varints = 1 + (header >> 6 & 1) + (header & ACT_LINE_CHILD);
        uint64_t at = d->id + 1;
        if (usual && varints < 2)
            varints = 2; /* it reads so many before it looks which they are */
        while (varints--)
            at = pass_varint(arena, at, wide, &end);
    } else {
        end = branch_end(arena, d, wide);
    }
    tell(t, ACT_TOUCH_NODE, d->id, end);
}

static void tell_siblings(struct tracing *t, uint64_t parent, uint64_t first, unsigned index)
{
    const struct act_arena *arena = &t->map->arena;
    bool blocks = index >= ACT_BLOCK_STEPS_MIN && arena->lengths && parent <= arena->roomy;
    /* Up to the one wanted, or in blocks up to the one before it. */
    uint64_t last = act_node_step_checked(arena, parent, first, blocks ? index - 1 : index);
    if (!last)
        last = parent; /* which one of them has come to, so that there is not much before it */
    if (blocks)
        last = first + (last - first) / ACT_NODE_LENGTHS_BLOCK * ACT_NODE_LENGTHS_BLOCK +
               ACT_NODE_LENGTHS_READABLE;
    tell(t, ACT_TOUCH_SIBLINGS, first, last);
}

/* Tells a look into the table before a run; see act_jump_read. */
static void tell_jump(struct tracing *t, uint64_t first, unsigned index)
{
    if (first <= ACT_INDEX_END)
        return;
    unsigned width = t->map->arena.bytes[first - 1];
    uint64_t nbytes = (uint64_t)width * index;
    if (width != 1 && ((width != 2 && width != 4) || nbytes >= first - 1 - ACT_ARENA_OFF))
        nbytes = 0;
    tell(t, ACT_TOUCH_JUMP, first - 1 - nbytes, first);
}

/* Tells how child `index` > 0 of a run is found. */
static void tell_child(struct tracing *t, uint64_t parent, uint64_t first, unsigned index)
{
    const struct act_arena *arena = &t->map->arena;
    if (first < arena->jump_end) {
        uint64_t child = act_jump_read(arena->bytes, first, index);
        tell_jump(t, first, index);
        if (child > first && child < parent)
            return;
    }
    tell_siblings(t, parent, first, index);
}

/* Tells what act_descent_line will read; of a long line nothing, for trace_odd_line tells all. */
static void tell_line(struct tracing *t, const struct act_descent *d)
{
    uint64_t off = (uint64_t)(d->line - t->map->arena.bytes);
    unsigned nbytes = *d->line;
    uint64_t end = off + 1;
    if (nbytes > ACT_VARINT_INLINE_MAX)
        return;
    if (nbytes && nbytes < d->id - off && nbytes <= (size_t)(d->key_end - d->key)) {
        unsigned done = 0;
        bool equal = true;
        while (equal && done < nbytes) {
            unsigned left = nbytes - done;
            unsigned step = left < LINE_STEP_NBYTES ? left : LINE_STEP_NBYTES;
            const uint8_t *key = act_key_readable(d->key + done, d->key_end, d->tail_end);
            equal = act_equal_upto16(key, d->line + 1 + done, step);
            done += step;
            end += LINE_STEP_NBYTES;
        }
    }
    tell(t, ACT_TOUCH_LINE, off, end);
}

/* The steps of a usual descent; what comes after the last one. */
static enum act_next trace_usual(struct tracing *t, struct act_descent *d)
{
    const struct act_arena *arena = &t->map->arena;
    enum act_next next = ACT_NEXT_NODE;
    while (next <= ACT_NEXT_LINE && !t->stopped) {
        if (next == ACT_NEXT_NODE) {
            if (d->id < arena->usual_end)
                tell_node(t, d, true);
            next = act_descent_node(arena, d);
        } else if (next == ACT_NEXT_JUMP) {
            if (d->first < arena->jump_end)
                tell_jump(t, d->first, d->index);
            else
                tell_siblings(t, d->id, d->first, d->index);
            next = act_descent_jump(arena, d);
            t->level++;
            continue;
        } else {
            tell_line(t, d);
            next = act_descent_line(arena, d);
            t->level++;
            continue;
        }
        if (next == ACT_NEXT_NODE)
            t->level++;
    }
    return next;
}

/* The line of an unusual node: its length, and all of it if the key is long enough. */
static uint64_t trace_odd_line(struct tracing *t, const struct act_node *node,
                               struct act_descent *d)
{
    const struct act_arena *arena = &t->map->arena;
    uint64_t child = 0;
    struct act_line line;
    if (node->header & ACT_LINE_CHILD) {
        child = act_node_first_child(node->id, node->child_rel);
        if (!child)
            return 0;
    }
    uint64_t off = node->id - node->line_rel;
    if (!act_line_decode(arena, node->id, node->line_rel, &line)) {
        if (node->line_rel - 1 < node->id - ACT_ARENA_OFF)
            tell(t, ACT_TOUCH_LINE, off, off + 1);
        return 0;
    }
    uint64_t end = (uint64_t)(line.bytes - arena->bytes);
    bool long_enough = line.nbytes <= (uint64_t)(d->key_end - d->key);
    if (long_enough) {
        bool wide = line.nbytes <= 16 && node->id < arena->roomy;
        end += wide ? 16 : line.nbytes;
    }
    tell(t, ACT_TOUCH_LINE, off, end);
    if (!long_enough || !act_equal(d->key, line.bytes, (size_t)line.nbytes))
        return 0;
    d->key += line.nbytes;
    return act_node_has_value(node) && d->key == d->key_end ? 0 : child;
}

static uint64_t trace_odd_branch(struct tracing *t, const struct act_node *node,
                                 struct act_descent *d)
{
    const struct act_arena *arena = &t->map->arena;
    const uint8_t *bytes = arena->bytes + node->bytes_off;
    unsigned count = node->header & ACT_BRANCH_COUNT;
    if (d->key == d->key_end || count == 0)
        return 0;
    unsigned index;
    if (count < ACT_BRANCH_MASK) {
        index = act_find_byte_exact(bytes, count, *d->key);
        if (index == count)
            return 0;
    } else {
        int bit = act_find_bit(bytes, *d->key);
        if (bit < 0)
            return 0;
        index = (unsigned)bit;
    }
    uint64_t first = act_node_first_child(node->id, node->child_rel);
    if (first && index)
        tell_child(t, node->id, first, index);
    d->key++;
    return act_node_child(arena, node->id, node->child_rel, index);
}

/* A step of act_descend, from d->id on; what it finds there is told by itself. False at its end. */
static bool trace_odd_step(struct tracing *t, struct act_descent *d)
{
    struct act_node node;
    if (!act_node_decode(&t->map->arena, d->id, &node)) {
        tell(t, ACT_TOUCH_NODE, d->id, d->id + 1);
        return false;
    }
    tell_node(t, d, false);
    d->id = act_node_is_line(&node) ? trace_odd_line(t, &node, d) : trace_odd_branch(t, &node, d);
    t->level++;
    return d->id && !t->stopped;
}

/* All ways of a lookup; what comes after them. */
static enum act_next trace_all(struct tracing *t, struct act_descent *d)
{
    enum act_next next = ACT_NEXT_ODD;
    struct act_descent odd = *d;
    bool goes_on = true;
    if (d->id >= t->map->arena.usual_end) {
        goes_on = trace_odd_step(t, &odd);
        if (goes_on)
            *d = odd;
    }
    if (goes_on) {
        next = trace_usual(t, d);
        odd = *d;
    }
    while (next == ACT_NEXT_ODD && goes_on && !t->stopped)
        goes_on = trace_odd_step(t, &odd);
    return next;
}

act_status act_map_trace_get(const act_map *map, const void *key, size_t key_nbytes,
                             act_touch_fn visit, void *context, uint64_t *value_ret,
                             act_error *error)
{
    uint8_t tail[ACT_KEY_TAIL_NBYTES];
    struct act_descent d = {.number = 0};
    if (!map || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no function to call");
    struct tracing t = {map, visit, context, 0, false};
    act_descent_place(map, act_shortcuts_of(map), key, key_nbytes, tail, &d);
    enum act_next next = trace_all(&t, &d);
    if (t.stopped)
        return act_guarded(map, ACT_STOPPED, error);
    act_status status = next == ACT_NEXT_FOUND ? ACT_OK : ACT_NOT_FOUND;
    if (next == ACT_NEXT_ODD)
        status = act_descend(map, &d, error);
    status = act_guarded(map, status, error);
    if (status == ACT_OK && value_ret)
        *value_ret = d.number;
    return status;
}
