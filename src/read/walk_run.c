/*
 * Walking forwards without stopping: act_walk_next in a loop, with the top frame kept in registers
 * and the usual shapes of nodes decoded on the spot. Whatever is not usual (the root's frame, lines
 * on lines, dangling leaves, long lines, the end of the file) is left to act_walk_next, one step at
 * a time, so that there is one place that decides what is right.
 */
#include "read/walk.h"
#include "read/walk_enter.h"

/* Lines up to this length are appended by one load and store of as many bytes. */
enum {
    SHORT_LINE = 16
};

/*
 * Subtrees lie one after the other in the order of the walk, but each is read from its end to its
 * beginning and back, which no processor foresees: so what lies this far ahead is asked for.
 */
enum {
    AHEAD_NBYTES = 1536
};

/* Stands in for the line of a leaf that has none. */
static const uint8_t empty_line[1 + SHORT_LINE];

/* How a run ended. */
enum outcome {
    GOES_ON,
    ODD_STEP,
    SPENT,
    STOPPED,
    DAMAGED
};

struct run {
    struct act_walk *walk;
    const uint8_t *base; /* of the file */
    uint64_t id_limit;   /* children of nodes below this cannot reach the end of the file */
    uint8_t *path;
    uint8_t *path_limit; /* frames whose path goes beyond are for odd steps */
    act_visit_fn visit;
    void *context;
    uint64_t left; /* of the limit */
    uint64_t damaged_id;

    /* The top frame; what is stored of it is out of date. */
    struct act_frame *frame;
    const uint8_t *child;  /* the one at `index` */
    const uint8_t *parent; /* the frame's node: children lie below */
    const uint8_t *bytes;  /* of the children, or their mask */
    uint8_t *path_end;     /* where the path goes on */
    unsigned index;
    unsigned count;
    unsigned byte; /* of the child at `index`, when there is a mask */
    bool masked;
};

/* Whether a frame is one for this file; if so it is loaded. */
static ACT_ALWAYS_INLINE bool load(struct run *run, struct act_frame *frame)
{
    uint8_t *path_end = run->path + frame->path_nbytes;
    if (ACT_UNLIKELY(frame->bare || frame->id >= run->id_limit || path_end > run->path_limit))
        return false;
    run->frame = frame;
    run->child = run->base + frame->child_id;
    run->parent = run->base + frame->id;
    run->bytes = run->base + frame->bytes_off;
    run->path_end = path_end;
    run->index = frame->index;
    run->count = frame->count;
    run->byte = frame->byte;
    run->masked = frame->masked;
    return true;
}

/* Stores the top frame. Its value has been given, or it was never a frame of this file. */
static ACT_ALWAYS_INLINE void save(const struct run *run)
{
    struct act_frame *frame = run->frame;
    frame->id = (uint64_t)(run->parent - run->base);
    frame->child_id = (uint64_t)(run->child - run->base);
    frame->bytes_off = (uint64_t)(run->bytes - run->base);
    frame->path_nbytes = (size_t)(run->path_end - run->path);
    frame->offsets_at = 0;
    frame->index = (uint16_t)run->index;
    frame->count = (uint16_t)run->count;
    frame->byte = (uint8_t)run->byte;
    frame->value_passed = true;
    frame->masked = run->masked;
    frame->bare = false;
}

/* Past the child at `index`, to `next`. */
static ACT_ALWAYS_INLINE void pass(struct run *run, const uint8_t *next)
{
    run->child = next;
    run->index++;
    if (ACT_UNLIKELY(run->masked) && run->index < run->count)
        run->byte = act_mask_next(run->bytes, run->byte + 1);
}

static ACT_ALWAYS_INLINE enum outcome emit(struct run *run, const uint8_t *key_end, uint64_t value)
{
    if (ACT_UNLIKELY(run->visit(run->context, run->path, (size_t)(key_end - run->path), value)))
        return STOPPED;
    return ACT_UNLIKELY(--run->left == 0) ? SPENT : GOES_ON;
}

/* The line data of a node, if it is short and lies before the node; else NULL. */
static ACT_ALWAYS_INLINE const uint8_t *short_line(const struct run *run, const uint8_t *node,
                                                   uint64_t line_rel)
{
    if (ACT_UNLIKELY(line_rel - 1 >= (uint64_t)(node - run->base) - ACT_ARENA_OFF))
        return NULL;
    const uint8_t *line = node - line_rel;
    unsigned nbytes = *line;
    return ACT_LIKELY(nbytes - 1u < SHORT_LINE && nbytes < line_rel) ? line : NULL;
}

/*
 * Makes the branch at `node`, whose path ends at `path_end`, the top frame, and gives its value if
 * it has one. `line_end` is the end of the line that leads there, or NULL if the branch itself is
 * the child.
 */
static ACT_ALWAYS_INLINE enum outcome enter(struct run *run, const uint8_t *node,
                                            const uint8_t *line_end, uint8_t *path_end)
{
    unsigned header = *node;
    unsigned count = header & ACT_BRANCH_COUNT;
    const uint8_t *p = node + 1;
    uint64_t value = 0;
    if (ACT_UNLIKELY(header & ACT_NODE_LINE || count - 1 >= ACT_BRANCH_MASK ||
                     path_end > run->path_limit || run->walk->depth == run->walk->frames_capacity))
        return ODD_STEP;
    if (header & ACT_NODE_VALUE)
        value = act_varint_read(&p);
    uint64_t child_rel = act_varint_read(&p);
    if (ACT_UNLIKELY(child_rel - 1 >= (uint64_t)(node - run->base) - ACT_ARENA_OFF))
        return ODD_STEP;
    const uint8_t *own_end = p + count; /* a mask has as many bytes as its count says */
    bool masked = count == ACT_BRANCH_MASK;
    unsigned byte = 0;
    if (ACT_UNLIKELY(masked)) {
        count = 0;
        for (size_t i = 0; i < 4; i++)
            count += act_popcount64(act_load_le64(p + 8 * i));
        if (count < ACT_BRANCH_MASK)
            return ODD_STEP;
        byte = act_mask_next(p, 0);
    }

    save(run);
    run->frame->child_nbytes = (uint8_t)((line_end ? line_end : own_end) - run->child);
    run->walk->depth++;
    run->frame++;
    run->child = node - child_rel;
    /* As a number: the place may lie beyond the file, where no pointer may lead. */
    ACT_PREFETCH((const void *)((uintptr_t)run->child + AHEAD_NBYTES));
    run->parent = node;
    run->bytes = p;
    run->path_end = path_end;
    run->index = 0;
    run->count = count;
    run->byte = byte;
    run->masked = masked;
    return header & ACT_NODE_VALUE ? emit(run, path_end, value) : GOES_ON;
}

/* A leaf with a value, with or without a line: told apart without a branch. */
static ACT_ALWAYS_INLINE enum outcome visit_leaf(struct run *run, bool has_line, uint8_t *path_end)
{
    const uint8_t *node = run->child;
    const uint8_t *p = node + 1;
    uint64_t value = act_varint_read(&p);
    const uint8_t *after_line = p;
    uint64_t line_rel = act_varint_read_mixed(&after_line);
    const uint8_t *line = empty_line;
    if (has_line) {
        line = short_line(run, node, line_rel);
        p = after_line;
    }
    if (ACT_UNLIKELY(!line))
        return ODD_STEP;
    memcpy(path_end, line + 1, SHORT_LINE);
    pass(run, p);
    return emit(run, path_end + *line, value);
}

/* The child at the top frame's index. */
static ACT_ALWAYS_INLINE enum outcome visit_child(struct run *run)
{
    const uint8_t *node = run->child;
    unsigned header = *node;
    uint8_t *path_end = run->path_end + 1;
    *run->path_end = (uint8_t)(run->masked ? run->byte : run->bytes[run->index]);
    if ((header & ~(unsigned)ACT_NODE_LINE) == ACT_NODE_VALUE)
        return visit_leaf(run, header & ACT_NODE_LINE, path_end);
    if (!(header & ACT_NODE_LINE))
        return enter(run, node, NULL, path_end);
    if (ACT_UNLIKELY(header != (ACT_NODE_LINE | ACT_LINE_CHILD)))
        return ODD_STEP;
    const uint8_t *p = node + 1;
    uint64_t child_rel = act_varint_read(&p);
    const uint8_t *line = short_line(run, node, act_varint_read(&p));
    if (ACT_UNLIKELY(!line || child_rel - 1 >= (uint64_t)(node - run->base) - ACT_ARENA_OFF))
        return ODD_STEP;
    memcpy(path_end, line + 1, SHORT_LINE);
    return enter(run, node - child_rel, p, path_end + *line);
}

/* Leaves the top frame for the one below it, past the child that led there. */
static ACT_ALWAYS_INLINE enum outcome leave(struct run *run)
{
    if (ACT_UNLIKELY(!load(run, run->frame - 1)))
        return ODD_STEP;
    run->walk->depth--;
    pass(run, run->child + run->frame->child_nbytes);
    return GOES_ON;
}

/* Runs from the top frame, in which act_walk_next has just made a step. */
static enum outcome run_frames(struct run *run)
{
    struct act_walk *walk = run->walk;
    size_t most = walk->path_capacity;
    if (walk->map->key_nbytes_max < most)
        most = (size_t)walk->map->key_nbytes_max;
    if (most < 2 * ACT_WALK_PATH_SLACK)
        return ODD_STEP;
    run->path = walk->path;
    run->path_limit = walk->path + most - 2 * ACT_WALK_PATH_SLACK;
    struct act_frame *top = act_walk_top(walk);
    if (!top->value_passed || !load(run, top))
        return ODD_STEP;
    enum outcome outcome;
    do {
        if (run->index == run->count) {
            outcome = leave(run);
        } else if (ACT_UNLIKELY(run->child >= run->parent)) {
            run->damaged_id = (uint64_t)(run->parent - run->base);
            return DAMAGED;
        } else {
            outcome = visit_child(run);
        }
    } while (ACT_LIKELY(outcome == GOES_ON));
    save(run);
    return outcome;
}

static uint64_t id_limit(const struct act_arena *arena)
{
    uint64_t end = arena->tail < arena->roomy ? arena->tail : arena->roomy;
    return end > ACT_NODE_NBYTES_MAX ? end - ACT_NODE_NBYTES_MAX : 0;
}

act_status act_walk_run(struct act_walk *walk, uint64_t limit, act_visit_fn visit, void *context,
                        act_error *error)
{
    struct run run;
    run.walk = walk;
    run.base = walk->map->arena.bytes;
    run.id_limit = id_limit(&walk->map->arena);
    run.visit = visit;
    run.context = context;
    run.left = limit;
    while (run.left) {
        act_status status = act_walk_next(walk, error);
        if (status != ACT_OK)
            return status;
        if (visit(context, walk->path, walk->key_nbytes, walk->value))
            return ACT_STOPPED;
        if (--run.left == 0)
            break;
        enum outcome outcome = run_frames(&run);
        if (outcome == DAMAGED)
            return act_walk_corrupt(run.damaged_id, error);
        if (outcome == STOPPED)
            return ACT_STOPPED;
    }
    return ACT_OK;
}
