/*
 * Walking forwards without stopping: act_walk_next in a loop, at several times its speed.
 *
 * Nearly all of a fast scan's time goes into guesses of the processor that turn out wrong: whether
 * a node is a leaf, a branch, or a line to one. So the code here is arranged around these guesses.
 * What the next node is gets decided before the entry in hand is given away, so that a wrong guess
 * shows early and there is work to do meanwhile; a branch's last child takes the branch's place,
 * so that no two places are left at once; both kinds of leaves are one, told apart by arithmetic.
 *
 * Whatever is not usual (the root's frame, lines on lines, dangling leaves, very long lines, the
 * end of the file, damage) is left to act_walk_next, one step at a time, so that there is one
 * place that decides what is right.
 */
#include "read/checks.h"
#include "read/walk.h"
#include "read/walk_enter.h"

enum {
    LINE_COPY_NBYTES = 32,                   /* copied of each line, whatever its length */
    LINE_NBYTES_MAX = ACT_VARINT_INLINE_MAX, /* of lines that are not odd */
    PATH_SLACK = 1 + LINE_NBYTES_MAX + LINE_COPY_NBYTES,
    PATH_ROOM = 4096, /* asked for beyond the path that a run begins with */
    PLACES_MAX = 128, /* then the places become frames, and a run begins anew */
    MASKS_MAX = 16,

    /*
     * Subtrees lie one after the other in the order of the walk, but each is read from its end to
     * its beginning and back, which no processor foresees: what lies this far ahead is asked for.
     */
    AHEAD_NBYTES = 1536
};

/* Stands in for the line of a leaf that has none. */
static const uint8_t empty_line[1 + LINE_COPY_NBYTES];

/* A branch that the run is in: what an act_frame is to a walk, as little of it as will do. */
struct place {
    const uint8_t *child;  /* to visit next; there is one while `left` is not 0 */
    const uint8_t *parent; /* the branch: its children lie below */
    const uint8_t *bytes;  /* of the children left */
    uint8_t *path_end;     /* of the path to the branch */
    uint64_t left;
};

/* The bytes that stand for the children of a branch with a mask, and the place they belong to. */
struct mask_bytes {
    const struct place *place;
    const uint8_t *mask;
    uint8_t bytes[256];
};

struct run {
    struct act_walk *walk;
    const uint8_t *base;       /* of the file */
    const uint8_t *lowest;     /* of what nodes may refer to */
    const uint8_t *node_limit; /* children of nodes below cannot reach the end of the file */
    uint8_t *path;
    uint8_t *path_limit; /* a place whose path ends here or beyond is odd */
    act_visit_fn visit;
    void *context;

    struct place places[PLACES_MAX]; /* below the top one, which is kept in registers */
    struct mask_bytes masks[MASKS_MAX];
    size_t masks_count;
};

/* As an assignment; but that is made of 16-byte loads, which have to wait until what was stored in
 * pieces of 8 has come to the cache. */
static ACT_ALWAYS_INLINE void move(struct place *to, const struct place *from)
{
    to->child = from->child;
    to->parent = from->parent;
    to->bytes = from->bytes;
    to->path_end = from->path_end;
    to->left = from->left;
}

/* What leads to a child, while it is not yet part of the path: a byte and a line. */
struct lead {
    uint8_t *path_end;
    const uint8_t *line;
    uint8_t byte;
};

/* Extends the path; returns its end. */
static ACT_ALWAYS_INLINE uint8_t *follow(const struct lead *lead)
{
    uint8_t *at = lead->path_end;
    const uint8_t *bytes = lead->line + 1;
    size_t nbytes = *lead->line;
    *at++ = lead->byte;
    memcpy(at, bytes, LINE_COPY_NBYTES);
    if (ACT_UNLIKELY(nbytes > LINE_COPY_NBYTES))
        memcpy(at + LINE_COPY_NBYTES, bytes + LINE_COPY_NBYTES, nbytes - LINE_COPY_NBYTES);
    return at + nbytes;
}

/* The offsets that a node may go back by are below this. */
static ACT_ALWAYS_INLINE uint64_t reach(const struct run *run, const uint8_t *node)
{
    return (uint64_t)(node - run->lowest);
}

/*
 * The bytes of the children left of a branch with a mask, from `byte` on, for `place`; their number
 * goes to *left_ret. NULL if it is damaged, or too many such branches are open.
 */
ACT_NOINLINE static const uint8_t *spread_mask(struct run *run, const struct place *place,
                                               const uint8_t *mask, unsigned byte,
                                               uint64_t *left_ret)
{
    /* Those of places that the run has left, or whose last child it is in, are of no use. */
    while (run->masks_count && run->masks[run->masks_count - 1].place >= place)
        run->masks_count--;
    if (run->masks_count == MASKS_MAX)
        return NULL;
    struct mask_bytes *spread = &run->masks[run->masks_count++];
    spread->place = place;
    spread->mask = mask;
    unsigned count = 0;
    for (; byte < 256; byte++) {
        spread->bytes[count] = (uint8_t)byte;
        count += mask[byte / 8] >> byte % 8 & 1;
    }
    *left_ret = count;
    return spread->bytes;
}

/* Makes a frame, whose value was passed, a place at the bottom of a run. False if it is an odd one.
 */
static bool load(struct run *run, const struct act_frame *frame, struct place *place)
{
    const uint8_t *bytes = run->base + frame->bytes_off;
    uint8_t *path_end = run->path + frame->path_nbytes;
    if (frame->bare || frame->index == frame->count || run->base + frame->id >= run->node_limit ||
        frame->child_id >= frame->id || path_end >= run->path_limit)
        return false;
    place->child = run->base + frame->child_id;
    place->parent = run->base + frame->id;
    place->path_end = path_end;
    place->left = frame->count - frame->index;
    place->bytes = frame->masked ? spread_mask(run, run->places, bytes, frame->byte, &place->left)
                                 : bytes + frame->index;
    return true;
}

/*
 * Goes on in the frame below the one that the run has begun with, after all of that. False if
 * there is none, or an odd one.
 */
ACT_NOINLINE static bool leave_frame(struct run *run, struct place *place)
{
    struct act_walk *walk = run->walk;
    struct act_frame *frame = act_walk_top(walk);
    frame->index = frame->count;
    while (frame->index == frame->count) {
        if (walk->depth == 1)
            return false;
        walk->depth--;
        frame--;
        act_walk_pass(walk, frame, frame->child_nbytes);
    }
    return load(run, frame, place);
}

/*
 * Makes a place a frame. With `inside`, the walk is in the child before the one to visit next, and
 * will pass it; so the frame says that this child takes no bytes.
 */
static void store(const struct run *run, const struct place *place, bool inside,
                  struct act_frame *frame)
{
    const uint8_t *bytes = place->bytes - inside;
    memset(frame, 0, sizeof(*frame));
    frame->id = (uint64_t)(place->parent - run->base);
    frame->child_id = (uint64_t)(place->child - run->base);
    frame->path_nbytes = (size_t)(place->path_end - run->path);
    frame->count = (uint16_t)(place->left + inside);
    frame->value_passed = true;
    for (size_t i = 0; i < run->masks_count; i++) {
        const struct mask_bytes *spread = &run->masks[i];
        if ((uintptr_t)bytes - (uintptr_t)spread->bytes < sizeof(spread->bytes)) {
            frame->masked = true;
            frame->byte = *bytes;
            bytes = spread->mask;
        }
    }
    frame->bytes_off = (uint64_t)(bytes - run->base);
}

/* Makes the run's places frames, in the stead of the one that it began with. */
ACT_NOINLINE static act_status suspend(struct run *run, struct place *above, struct place top,
                                       act_error *error)
{
    struct act_walk *walk = run->walk;
    size_t count = (size_t)(above - run->places);
    if (!act_reserve(&walk->frames, &walk->frames_capacity, walk->depth + count,
                     sizeof(*walk->frames)))
        return act_fail_nomem(error);
    struct act_frame *frame = act_walk_top(walk);
    for (size_t i = 0; i < count; i++)
        store(run, &run->places[i], true, frame++);
    store(run, &top, false, frame);
    walk->depth += count;
    return ACT_OK;
}

/*
 * Makes the branch at `node`, with that header, the top place, and the one that was the top its
 * lower neighbour, unless there is nothing left to do in it. `next` is the node's next sibling, or
 * NULL if that lies right after it. `value_ret` is NULL if the branch has no value. False, with
 * nothing changed, if the branch is an odd one.
 */
static ACT_ALWAYS_INLINE bool enter(struct run *run, struct place **above_ref, struct place *top,
                                    const uint8_t *node, unsigned header, const uint8_t *next,
                                    uint8_t *path_end, uint64_t *value_ret)
{
    const uint8_t *p = node + 1;
    unsigned count = header & ACT_BRANCH_COUNT;
    struct place *above = *above_ref;
    if (value_ret)
        *value_ret = act_varint_read(&p);
    uint64_t child_rel = act_varint_read(&p);
    if (ACT_UNLIKELY(count - 1 >= ACT_BRANCH_MASK || child_rel - 1 >= reach(run, node) ||
                     path_end >= run->path_limit || above == run->places + PLACES_MAX))
        return false;
    struct place *new_above = above + (top->left != 1);
    const uint8_t *bytes = p;
    uint64_t left = count;
    if (ACT_UNLIKELY(count == ACT_BRANCH_MASK)) {
        bytes = spread_mask(run, new_above, p, 0, &left);
        if (!bytes || left < ACT_BRANCH_MASK)
            return false;
    }
    above->child = next ? next : p + count; /* a mask has as many bytes as its count says */
    above->parent = top->parent;
    above->bytes = top->bytes + 1;
    above->path_end = top->path_end;
    above->left = top->left - 1;
    *above_ref = new_above;
    top->child = node - child_rel;
    top->parent = node;
    top->bytes = bytes;
    top->path_end = path_end;
    top->left = left;
    /* As a number: the place may lie beyond the file, where no pointer may lead. */
    ACT_PREFETCH((const void *)((uintptr_t)top->child + AHEAD_NBYTES));
    return true;
}

/* Whether line data of `nbytes` is not one for runs, or not wholly below its node. */
static ACT_ALWAYS_INLINE bool odd_line(uint64_t nbytes, uint64_t line_rel)
{
    return nbytes - 1 >= line_rel - 1 || nbytes > LINE_NBYTES_MAX;
}

/*
 * Reads a leaf with a value, the top place's child, and moves past it. Whether it has a line cannot
 * be foretold, so that is not asked: without one, what would be its offset is masked out. False,
 * with nothing changed, if the leaf is an odd one.
 */
static ACT_ALWAYS_INLINE bool pass_leaf(const struct run *run, struct place *top, unsigned header,
                                        struct lead *lead, uint64_t *value_ret)
{
    const uint8_t *node = top->child;
    const uint8_t *p = node + 1;
    *value_ret = act_varint_read(&p);
    const uint8_t *line_end = p;
    uint64_t line_rel = act_varint_read_mixed(&line_end);
    uintptr_t has_line = 0 - (uintptr_t)(header >> 7); /* all ones, or 0 */
    ACT_OPAQUE(has_line);
    uintptr_t odd = line_rel - 1 >= reach(run, node);
    ACT_OPAQUE(odd);
    if (ACT_UNLIKELY(odd & has_line))
        return false;
    uintptr_t none = (uintptr_t)empty_line;
    lead->line = (const uint8_t *)(none +
                                   (((uintptr_t)node - (uintptr_t)line_rel - none) & has_line));
    odd = odd_line(*lead->line, line_rel);
    ACT_OPAQUE(odd);
    if (ACT_UNLIKELY(odd & has_line))
        return false;
    lead->path_end = top->path_end;
    lead->byte = *top->bytes++;
    top->child = p + ((uintptr_t)(line_end - p) & has_line);
    top->left--;
    return true;
}

/* A line with a child, decoded. */
struct line_node {
    const uint8_t *line;
    const uint8_t *child;
    const uint8_t *end;
};

/* Decodes the line with a child at `node`. False if it is an odd one, or leads to another line. */
static ACT_ALWAYS_INLINE bool decode_line(const struct run *run, const uint8_t *node,
                                          unsigned header, struct line_node *line_ret)
{
    const uint8_t *p = node + 1;
    uint64_t child_rel = act_varint_read(&p);
    uint64_t line_rel = act_varint_read_mixed(&p);
    if (ACT_UNLIKELY(header != (ACT_NODE_LINE | ACT_LINE_CHILD) ||
                     child_rel - 1 >= reach(run, node) || line_rel - 1 >= reach(run, node)))
        return false;
    line_ret->line = node - line_rel;
    line_ret->child = node - child_rel;
    line_ret->end = p;
    return ACT_LIKELY(!odd_line(*line_ret->line, line_rel) && !(*line_ret->child & ACT_NODE_LINE));
}

/* What a visitor says to an entry: not 0 to stop. */
static ACT_ALWAYS_INLINE int give(const struct run *run, const uint8_t *key_end, uint64_t value)
{
    return run->visit(run->context, run->path, (size_t)(key_end - run->path), value);
}

/* Goes where the top place's child is dealt with. `stop` is evaluated on each of the ways there. */
#define GO_ON(stop)                                                                                \
    do {                                                                                           \
        header = *top.child;                                                                       \
        if (header & ACT_NODE_VALUE) {                                                             \
            if (header & ~(unsigned)(ACT_NODE_VALUE | ACT_NODE_LINE)) {                            \
                if (ACT_UNLIKELY(stop))                                                            \
                    return ACT_STOPPED;                                                            \
                goto branch_with_value;                                                            \
            }                                                                                      \
            if (ACT_UNLIKELY(stop))                                                                \
                return ACT_STOPPED;                                                                \
            goto leaf;                                                                             \
        }                                                                                          \
        if (ACT_UNLIKELY(stop))                                                                    \
            return ACT_STOPPED;                                                                    \
        goto no_value;                                                                             \
    } while (0)

/*
 * Runs from the top frame until there is an odd step to make: ACT_OK. Else ACT_STOPPED or
 * ACT_ERR_NOMEM.
 */
static act_status run_places(struct run *run, act_error *error)
{
    struct place *above = run->places;
    struct place top;
    struct lead lead;
    struct line_node line;
    uint64_t value;
    unsigned header;
    run->masks_count = 0;
    if (!load(run, act_walk_top(run->walk), above))
        return ACT_OK;
    move(&top, above);
    GO_ON(0);

leaf:
    if (ACT_UNLIKELY(!pass_leaf(run, &top, header, &lead, &value)))
        goto odd;
    if (top.left == 0) {
        if (ACT_UNLIKELY(above == run->places && !leave_frame(run, above++)))
            return give(run, follow(&lead), value) ? ACT_STOPPED : ACT_OK;
        move(&top, --above);
    }
    if (ACT_UNLIKELY(top.child >= top.parent)) {
        if (give(run, follow(&lead), value))
            return ACT_STOPPED;
        goto odd;
    }
    GO_ON(give(run, follow(&lead), value));

branch_with_value:
    lead.path_end = top.path_end;
    lead.byte = *top.bytes;
    if (ACT_UNLIKELY(header & ACT_NODE_LINE ||
                     !enter(run, &above, &top, top.child, header, NULL, top.path_end + 1, &value)))
        goto odd;
    GO_ON((*lead.path_end = lead.byte, give(run, lead.path_end + 1, value)));

no_value:
    lead.path_end = top.path_end;
    lead.byte = *top.bytes;
    if (!(header & ACT_NODE_LINE)) {
        if (ACT_UNLIKELY(
                !enter(run, &above, &top, top.child, header, NULL, top.path_end + 1, NULL)))
            goto odd;
        GO_ON((*lead.path_end = lead.byte, 0));
    }
    if (ACT_UNLIKELY(!decode_line(run, top.child, header, &line)))
        goto odd;
    lead.line = line.line;
    uint8_t *path_end = top.path_end + 1 + *line.line;
    if (*line.child & ACT_NODE_VALUE) {
        if (ACT_UNLIKELY(
                !enter(run, &above, &top, line.child, *line.child, line.end, path_end, &value)))
            goto odd;
        GO_ON(give(run, follow(&lead), value));
    }
    if (ACT_UNLIKELY(!enter(run, &above, &top, line.child, *line.child, line.end, path_end, NULL)))
        goto odd;
    GO_ON((follow(&lead), 0));

odd:
    return suspend(run, above, top, error);
}

/* Sets the path of a run, with room for it to grow. False when there is no memory. */
static bool set_path(struct run *run)
{
    struct act_walk *walk = run->walk;
    uint64_t most = walk->map->key_nbytes_max;
    size_t nbytes = act_walk_top(walk)->path_nbytes;
    if (nbytes < most && walk->path_capacity - nbytes < PATH_ROOM / 2 &&
        !act_reserve(&walk->path, &walk->path_capacity, nbytes + PATH_ROOM, 1))
        return false;
    if (most > walk->path_capacity)
        most = walk->path_capacity;
    run->path = walk->path;
    run->path_limit = walk->path + (most >= PATH_SLACK ? (size_t)most - PATH_SLACK + 1 : 0);
    return true;
}

static const uint8_t *node_limit(const struct act_arena *arena)
{
    uint64_t end = arena->tail < arena->roomy ? arena->tail : arena->roomy;
    return arena->bytes + (end > ACT_NODE_NBYTES_MAX ? end - ACT_NODE_NBYTES_MAX : 0);
}

/* A run over a file that is larger than memory, or has a budget, calls its `visit` by way of this.
 */
struct ahead {
    struct act_walk *walk;
    act_visit_fn visit;
    void *context;
};

static int visit_ahead(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    const struct ahead *a = context;
    act_ahead_pass(&a->walk->ahead, a->walk->map, key, key_nbytes, true);
    return a->visit(a->context, key, key_nbytes, value);
}

static act_status run_all(struct act_walk *walk, act_visit_fn visit, void *context,
                          act_error *error)
{
    struct run run;
    run.walk = walk;
    run.base = walk->map->arena.bytes;
    run.lowest = run.base + ACT_ARENA_OFF;
    run.node_limit = node_limit(&walk->map->arena);
    run.visit = visit;
    run.context = context;
    for (;;) {
        act_status status = act_walk_next(walk, error);
        if (status != ACT_OK)
            return status;
        if (visit(context, walk->path, walk->key_nbytes, walk->value))
            return ACT_STOPPED;
        if (!set_path(&run))
            return act_fail_nomem(error);
        status = run_places(&run, error);
        if (status != ACT_OK)
            return status;
    }
}

/* The same step by step, while there are bytes to compare with their checksums. */
static act_status run_steps(struct act_walk *walk, act_visit_fn visit, void *context,
                            act_error *error)
{
    act_status status;
    do {
        status = act_walk_next(walk, error);
        if (status == ACT_OK && visit(context, walk->path, walk->key_nbytes, walk->value))
            status = ACT_STOPPED;
    } while (status == ACT_OK && act_checks_pending(walk->map));
    return status;
}

act_status act_walk_run(struct act_walk *walk, act_visit_fn visit, void *context, act_error *error)
{
    struct ahead ahead = {walk, visit, context};
    if (act_checks_pending(walk->map)) {
        act_status status = act_ahead_is_needed(walk->map)
                                ? run_steps(walk, visit_ahead, &ahead, error)
                                : run_steps(walk, visit, context, error);
        if (status != ACT_OK)
            return status;
    }
    if (ACT_UNLIKELY(act_ahead_is_needed(walk->map)))
        return run_all(walk, visit_ahead, &ahead, error);
    return run_all(walk, visit, context, error);
}
