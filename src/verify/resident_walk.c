/*
 * Over all nodes that are in memory, depth first, each once. What is below a prefix is known when
 * the walk comes back from there; so sums are kept in the frames, and handed up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "os/paging.h"
#include "read/guard.h"
#include "read/map.h"
#include "read/paging.h"
#include "simd/find_byte.h"
#include "verify/heaviest.h"
#include "verify/marks.h"
#include "verify/resident.h"

enum {
    TOP_DEFAULT = 16,
    PREFIXES_A_PLACE = 4,  /* found, at most, for each that can be told */
    PATH_NBYTES_MAX = 4096 /* of a path that is kept */
};

typedef unsigned long long ull; /* what %llu takes */

/* What is below a node and belongs to no prefix that was found so far. */
struct sums {
    uint64_t nbytes;
    uint64_t nodes;
    uint64_t missing;
};

/* A node whose children are being walked over. */
struct frame {
    uint64_t id;
    uint64_t first;        /* its first child */
    uint64_t child;        /* the one at `index`; 0: not known */
    uint64_t bytes_off;    /* of the children's bytes, or of the mask */
    struct sums sums;      /* so far */
    size_t before_nbytes;  /* of the path without what the node itself adds to it */
    size_t path_nbytes;    /* with it */
    uint64_t weight;       /* how many nodes its children stand for, each */
    uint16_t index, count; /* children */
    int16_t byte;          /* of the child before; -1 at first */
    bool labelled;         /* children add a byte: the node is a branch */
    bool blind;            /* not all of the path is known */
    bool rest;             /* prefixes below were found */
};

struct walk {
    const act_map *map;
    struct act_resident resident;
    struct act_marks marks;
    struct act_heaviest heaviest;
    struct frame *frames;
    size_t depth;
    size_t frames_capacity;
    uint8_t path[PATH_NBYTES_MAX];
    uint64_t first_level; /* nodes above the first frame's */
    uint64_t key_nbytes;  /* options->depth */
    uint64_t threshold;   /* bytes that make a prefix, with no such depth */
    uint64_t nodes_max;   /* to look at */
    uint64_t nodes_left;
    uint64_t pages_end; /* of an indexed file: here its pages end, of which a sample is seen */
    act_residency_page_fn page_fn;
    void *page_context;
    act_residency_walk result;
    act_error *error;
};

static act_status corrupt(const struct walk *walk, uint64_t id)
{
    return act_fail(walk->error, ACT_ERR_CORRUPT, id, "damaged node at offset %llu", (ull)id);
}

static struct frame *top_frame(struct walk *walk)
{
    return &walk->frames[walk->depth - 1];
}

/* ------------------------------------------------------------------------------------- sampling
 */

/* Of a page of the file, whether it is in the sample. Neighbours are independent. */
static bool sampled(const struct walk *walk, uint64_t off)
{
    uint64_t page = off / ACT_PAGE_NBYTES;
    return off >= walk->pages_end ||
           (page * UINT64_C(0x9e3779b97f4a7c15) >> 32) % walk->result.sampled == 0;
}

static uint64_t weight_of(const struct walk *walk, uint64_t off)
{
    return off < walk->pages_end ? walk->result.sampled : 1;
}

/* How large a sample is right: from the nodes of the whole file, and how much of it is there. */
static void choose_sample(struct walk *walk, const struct act_map *map, uint64_t nodes_max,
                          const act_residency_totals *totals)
{
    walk->result.sampled = 1;
    walk->nodes_max = nodes_max;
    if (map->index_state != ACT_INDEX_VALID)
        return;
    double share = 1;
    if (totals->mapped)
        share = (double)totals->cached.nbytes / (double)(totals->pages * totals->page_nbytes);
    /* A little less than allowed, since the sample may happen to have more. */
    double wanted = (double)map->index.nodes * share * 1.25 / (double)nodes_max;
    if (wanted <= 1)
        return;
    walk->pages_end = map->index.hot_off;
    walk->result.sampled = wanted < 1e9 ? (uint64_t)wanted + 1 : 1000000000;
}

/* ----------------------------------------------------------------------------------- accounting
 */

static act_level_residency *level_of(struct walk *walk, uint64_t above)
{
    return &walk->result.levels[above < ACT_DEPTH_BUCKETS ? above : ACT_DEPTH_BUCKETS - 1];
}

static void count_missing(struct walk *walk, struct frame *frame, uint64_t nodes)
{
    uint64_t level = walk->first_level + walk->depth;
    level_of(walk, level)->missing += nodes;
    walk->result.missing += nodes;
    frame->sums.missing += nodes;
}

/* A prefix was found, whose sums are these; they are not its parents' any more. */
static act_status found(struct walk *walk, size_t prefix_nbytes, struct frame *frame)
{
    act_prefix_residency item = {
        .prefix = walk->path,
        .prefix_nbytes = prefix_nbytes,
        .cached_nbytes = frame->sums.nbytes,
        .nodes = frame->sums.nodes,
        .missing = frame->sums.missing,
        .rest = frame->rest,
    };
    memset(&frame->sums, 0, sizeof(frame->sums));
    frame->rest = true;
    return act_heaviest_put(&walk->heaviest, &item) ? ACT_OK : act_fail_nomem(walk->error);
}

/* All below a node has been walked over: is what begins with its path a prefix to tell? */
static act_status judge(struct walk *walk, struct frame *frame)
{
    uint64_t wanted = walk->key_nbytes;
    if (frame->blind)
        return ACT_OK;
    if (!wanted)
        return frame->sums.nbytes >= walk->threshold || walk->depth == 1
                   ? found(walk, frame->path_nbytes, frame)
                   : ACT_OK;
    if (frame->path_nbytes < wanted)
        return frame->count == 0 ? found(walk, frame->path_nbytes, frame) : ACT_OK;
    if (frame->before_nbytes < wanted || walk->depth == 1)
        return found(walk, (size_t)wanted, frame);
    return ACT_OK;
}

/* Leaves the topmost frame, and hands its sums up. */
static act_status leave(struct walk *walk)
{
    struct frame *frame = top_frame(walk);
    act_status status = judge(walk, frame);
    walk->depth--;
    if (status != ACT_OK || !walk->depth)
        return status;
    struct frame *parent = top_frame(walk);
    parent->sums.nbytes += frame->sums.nbytes;
    parent->sums.nodes += frame->sums.nodes;
    parent->sums.missing += frame->sums.missing;
    parent->rest |= frame->rest;
    return ACT_OK;
}

/* -------------------------------------------------------------------------------------- walking
 */

/* Adds bytes to the path of a frame, if they are known and there is room. */
static void extend_path(struct walk *walk, struct frame *frame, const uint8_t *bytes,
                        uint64_t nbytes)
{
    if (frame->blind || nbytes > PATH_NBYTES_MAX - frame->path_nbytes) {
        frame->blind = true;
        return;
    }
    if (nbytes)
        memcpy(walk->path + frame->path_nbytes, bytes, (size_t)nbytes);
    frame->path_nbytes += (size_t)nbytes;
}

/* Fills in a frame for a line: its data and its child. `*nbytes_ref` grows by the data's. */
static act_status enter_line(struct walk *walk, struct frame *frame, const struct act_node *node,
                             uint64_t *nbytes_ref)
{
    struct act_line line;
    enum act_look look = act_resident_line(&walk->resident, node, &line);
    if (look == ACT_LOOK_DAMAGED)
        return corrupt(walk, node->id);
    if (look == ACT_LOOK_MISSING) {
        frame->blind = true;
    } else {
        uint64_t off = node->id - node->line_rel;
        int is_new = act_marks_put(&walk->marks, off);
        if (is_new < 0)
            return act_fail_nomem(walk->error);
        uint64_t head = (uint64_t)(line.bytes - walk->resident.arena.bytes) - off;
        if (is_new)
            *nbytes_ref += head + line.nbytes;
        /* Nobody asks for the pages of what is not kept: lines may be long, and have many nodes. */
        if (!frame->blind && line.nbytes <= PATH_NBYTES_MAX - frame->path_nbytes &&
            act_resident_has_all(&walk->resident, off + head, line.nbytes))
            extend_path(walk, frame, line.bytes, line.nbytes);
        else
            frame->blind = true;
    }
    frame->count = node->header & ACT_LINE_CHILD ? 1 : 0;
    return ACT_OK;
}

static act_status enter_branch(struct walk *walk, struct frame *frame, const struct act_node *node)
{
    struct act_children children;
    if (!act_node_children(&walk->resident.arena, node, &children))
        return corrupt(walk, node->id);
    frame->labelled = true;
    frame->bytes_off = node->bytes_off;
    frame->count = (uint16_t)children.count;
    return ACT_OK;
}

/* The byte that leads to the next child of a branch. */
static uint8_t next_byte(const struct walk *walk, const struct frame *frame)
{
    const uint8_t *bytes = walk->resident.arena.bytes + frame->bytes_off;
    if (frame->count < ACT_BRANCH_MASK)
        return bytes[frame->index];
    int byte = frame->byte + 1;
    while (byte < 255 && !act_bit(bytes, (unsigned)byte))
        byte++;
    return (uint8_t)byte;
}

/* Begins with a node: counts it, and makes a frame for what is below. */
static act_status enter(struct walk *walk, const struct act_node *node, struct frame *frame)
{
    uint64_t weight = weight_of(walk, node->id);
    uint64_t nbytes = node->end - node->id;
    act_status status = act_node_is_line(node) ? enter_line(walk, frame, node, &nbytes)
                                               : enter_branch(walk, frame, node);
    if (status != ACT_OK)
        return status;
    frame->id = node->id;
    frame->byte = -1;
    if (frame->count) {
        frame->first = act_node_first_child(node->id, node->child_rel);
        if (!frame->first)
            return corrupt(walk, node->id);
        frame->child = frame->first;
        frame->weight = weight_of(walk, frame->first);
        nbytes += act_resident_jump_nbytes(&walk->resident, frame->first, frame->count);
    }
    frame->sums = (struct sums){weight * nbytes, weight, 0};
    walk->result.nodes += weight;
    walk->result.nbytes += weight * nbytes;
    uint64_t level = walk->first_level + walk->depth;
    level_of(walk, level)->nodes += weight;
    level_of(walk, level)->nbytes += weight * nbytes;
    if (level > walk->result.depth_max)
        walk->result.depth_max = level;
    if (!act_reserve(&walk->frames, &walk->frames_capacity, walk->depth + 1, sizeof(*walk->frames)))
        return act_fail_nomem(walk->error);
    walk->frames[walk->depth++] = *frame;
    return ACT_OK;
}

/* Tells which way leads to a page, when it comes from another one. */
static void tell_page(const struct walk *walk, const struct frame *from, uint64_t child,
                      bool cached, const struct frame *below)
{
    unsigned shift = walk->resident.page_shift;
    if (walk->page_fn && !below->blind && from->id >> shift != child >> shift &&
        act_guarded(walk->map, ACT_OK, NULL) == ACT_OK)
        walk->page_fn(walk->page_context, child, cached, walk->path, below->path_nbytes);
}

/* Goes to the next child of the topmost frame, and into it. */
static act_status step(struct walk *walk)
{
    struct frame *frame = top_frame(walk);
    if (frame->index == frame->count || !sampled(walk, frame->first) || !walk->nodes_left)
        return leave(walk);
    struct frame below = {.path_nbytes = frame->path_nbytes, .blind = frame->blind};
    below.before_nbytes = below.path_nbytes;
    if (frame->labelled) {
        uint8_t byte = next_byte(walk, frame);
        frame->byte = byte;
        extend_path(walk, &below, &byte, 1);
    }
    struct act_node node;
    uint64_t child = frame->child;
    enum act_look look = child ? ACT_LOOK_DONE
                               : act_resident_child(&walk->resident, frame->id, frame->first,
                                                    frame->index, &child);
    if (look == ACT_LOOK_DONE)
        look = act_resident_node(&walk->resident, child, &node);
    if (look == ACT_LOOK_DAMAGED)
        return corrupt(walk, child ? child : frame->id);
    frame->index++;
    frame->child = 0;
    if (child)
        tell_page(walk, frame, child, look == ACT_LOOK_DONE, &below);
    if (look == ACT_LOOK_MISSING) {
        count_missing(walk, frame, frame->weight);
        return ACT_OK;
    }
    if (node.end > frame->id)
        return corrupt(walk, child);
    frame->child = node.end;
    int is_new = act_marks_put(&walk->marks, child);
    if (is_new < 0)
        return act_fail_nomem(walk->error);
    walk->nodes_left--;
    return is_new ? enter(walk, &node, &below) : ACT_OK;
}

/* ------------------------------------------------------------------------- the way to a prefix */

/* What the bytes of a prefix lead to. */
struct start {
    uint64_t id;
    uint64_t above;       /* nodes above it */
    size_t before_nbytes; /* of the prefix, that lead there */
};

/* Finds the child of a branch for a byte. */
static act_status find_child(struct walk *walk, const struct act_node *node, uint8_t byte,
                             uint64_t *child_ret, enum act_look *look_ret)
{
    struct act_children children;
    if (!act_node_children(&walk->resident.arena, node, &children))
        return corrupt(walk, node->id);
    unsigned count = node->header & ACT_BRANCH_COUNT;
    const uint8_t *bytes = walk->resident.arena.bytes + node->bytes_off;
    unsigned index;
    if (count < ACT_BRANCH_MASK) {
        index = act_find_byte_exact(bytes, count, byte);
        if (index == count)
            return ACT_NOT_FOUND;
    } else {
        int bit = act_find_bit(bytes, byte);
        if (bit < 0)
            return ACT_NOT_FOUND;
        index = (unsigned)bit;
    }
    uint64_t first = act_node_first_child(node->id, node->child_rel);
    if (!first)
        return corrupt(walk, node->id);
    *look_ret = act_resident_child(&walk->resident, node->id, first, index, child_ret);
    return ACT_OK;
}

/* One step towards the prefix: below `node`, or there, which is ACT_END. */
static act_status approach(struct walk *walk, const act_residency_options *options,
                           const struct act_node *node, struct start *start,
                           enum act_look *look_ret)
{
    const uint8_t *left = (const uint8_t *)options->prefix + start->before_nbytes;
    size_t left_nbytes = options->prefix_nbytes - start->before_nbytes;
    if (!left_nbytes)
        return ACT_END;
    start->above++;
    if (!act_node_is_line(node)) {
        if (!act_node_has_child(node))
            return ACT_NOT_FOUND;
        start->before_nbytes++;
        return find_child(walk, node, *left, &start->id, look_ret);
    }
    struct act_line line;
    *look_ret = act_resident_line(&walk->resident, node, &line);
    if (*look_ret != ACT_LOOK_DONE)
        return ACT_OK;
    size_t common = line.nbytes < left_nbytes ? (size_t)line.nbytes : left_nbytes;
    uint64_t off = (uint64_t)(line.bytes - walk->resident.arena.bytes);
    if (!act_resident_has_all(&walk->resident, off, common)) {
        *look_ret = ACT_LOOK_MISSING;
        return ACT_OK;
    }
    if (memcmp(line.bytes, left, common) != 0)
        return ACT_NOT_FOUND;
    if (common == left_nbytes) {
        start->above--;
        return ACT_END;
    }
    if (!act_node_has_child(node))
        return ACT_NOT_FOUND;
    start->before_nbytes += common;
    start->id = act_node_first_child(node->id, node->child_rel);
    return start->id ? ACT_OK : corrupt(walk, node->id);
}

/*
 * Goes down to the node where the prefix ends, or in whose line it does. ACT_END if a page on the
 * way is missing.
 */
static act_status descend(struct walk *walk, const act_residency_options *options, uint64_t root,
                          struct start *start, struct act_node *node_ret)
{
    *start = (struct start){root, 0, 0};
    for (;;) {
        uint64_t parent = start->id;
        enum act_look look = act_resident_node(&walk->resident, start->id, node_ret);
        act_status status = ACT_OK;
        if (look == ACT_LOOK_DONE)
            status = approach(walk, options, node_ret, start, &look);
        if (look == ACT_LOOK_DAMAGED)
            return corrupt(walk, parent);
        if (status == ACT_OK && look == ACT_LOOK_MISSING) {
            level_of(walk, start->above)->missing++;
            walk->result.missing++;
            return ACT_END;
        }
        if (status == ACT_END)
            return ACT_OK;
        if (status != ACT_OK)
            return status;
    }
}

/* --------------------------------------------------------------------------------- all together
 */

static act_status check(const act_map *map, const act_residency *residency,
                        const act_residency_options *options, act_error *error)
{
    if (!map || !residency || !act_residency_is_of(residency, map))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "what is in memory was asked of another map");
    if (residency->totals.mapped && !residency->cached)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "the system does not tell what is in memory");
    if (options->prefix_nbytes && !options->prefix)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no prefix");
    return ACT_OK;
}

static void set_up(struct walk *walk, const act_map *map, const act_residency *residency,
                   const act_residency_options *options, act_error *error)
{
    const act_residency_totals *totals = &residency->totals;
    walk->map = map;
    walk->error = error;
    walk->resident.arena = map->arena;
    walk->resident.cached = totals->mapped ? residency->cached : NULL;
    for (uint64_t nbytes = totals->page_nbytes; nbytes > 1; nbytes /= 2)
        walk->resident.page_shift++;
    size_t top = options->top ? options->top : TOP_DEFAULT;
    act_heaviest_init(&walk->heaviest, top);
    walk->key_nbytes = options->depth;
    walk->page_fn = options->page_fn;
    walk->page_context = options->page_context;
    uint64_t there = totals->mapped ? totals->cached.nbytes : totals->file_nbytes;
    walk->threshold = options->nbytes_min ? options->nbytes_min
                                          : there / top / PREFIXES_A_PLACE + 1;
    choose_sample(walk, map,
                  options->nodes_max ? options->nodes_max : ACT_RESIDENCY_NODES_MAX_DEFAULT,
                  totals);
}

static act_status walk_all(struct walk *walk, const act_map *map,
                           const act_residency_options *options)
{
    struct start start;
    struct act_node node;
    act_status status = descend(walk, options, map->root, &start, &node);
    /* What is missing on the way is counted, and all that can be said. */
    if (status != ACT_OK)
        return status == ACT_END ? ACT_OK : status;
    struct frame frame = {.path_nbytes = 0};
    walk->first_level = start.above;
    if (options->prefix)
        extend_path(walk, &frame, options->prefix, start.before_nbytes);
    frame.before_nbytes = frame.path_nbytes;
    status = enter(walk, &node, &frame);
    while (status == ACT_OK && walk->depth)
        status = step(walk);
    walk->result.complete = walk->nodes_left > 0;
    return status;
}

/* Walks once, with nothing counted before. */
static act_status walk_once(struct walk *walk, const act_map *map,
                            const act_residency_options *options)
{
    if (!act_marks_open(&walk->marks, map->file_nbytes))
        return act_fail_nomem(walk->error);
    uint64_t one_of = walk->result.sampled;
    memset(&walk->result, 0, sizeof(walk->result));
    walk->result.sampled = one_of;
    walk->result.complete = true;
    walk->nodes_left = walk->nodes_max;
    walk->depth = 0;
    act_status status = walk_all(walk, map, options);
    act_marks_close(&walk->marks);
    return status;
}

/*
 * What is a fair share shows when the bytes that can be come to have been counted: much less than
 * all that is in memory, below a prefix, or where parents are missing. Then once more.
 */
static act_status walk_fairly(struct walk *walk, const act_map *map,
                              const act_residency_options *options)
{
    size_t top = walk->heaviest.most;
    act_status status = walk_once(walk, map, options);
    uint64_t fair = walk->result.nbytes / top / PREFIXES_A_PLACE + 1;
    if (status != ACT_OK || options->depth || options->nbytes_min || fair > walk->threshold / 2)
        return status;
    act_heaviest_free(&walk->heaviest);
    act_heaviest_init(&walk->heaviest, top);
    walk->threshold = fair;
    walk->page_fn = NULL; /* has been called for all of them */
    return walk_once(walk, map, options);
}

static act_status tell(struct walk *walk, act_prefix_residency_fn visit, void *context)
{
    act_heaviest_sort(&walk->heaviest);
    for (size_t i = 0; visit && i < walk->heaviest.count; i++)
        if (visit(context, &walk->heaviest.items[i]) != 0)
            return ACT_STOPPED;
    return ACT_OK;
}

act_status act_map_residency_walk(const act_map *map, const act_residency *residency,
                                  const act_residency_options *options,
                                  act_prefix_residency_fn visit, void *context,
                                  act_residency_walk *walk_ret, act_error *error)
{
    static const act_residency_options defaults = {.top = 0};
    if (!options)
        options = &defaults;
    act_status status = check(map, residency, options, error);
    if (status != ACT_OK)
        return status;
    struct walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return act_fail_nomem(error);
    set_up(walk, map, residency, options, error);
    /* A page that is there may be marked: who touches it makes the system read the next ones. */
    act_map_read_single(map, true);
    status = walk_fairly(walk, map, options);
    act_map_read_single(map, false);
    status = act_guarded(map, status, error);
    if (status == ACT_OK)
        status = tell(walk, visit, context);
    if (walk_ret && (status == ACT_OK || status == ACT_STOPPED))
        *walk_ret = walk->result;
    act_heaviest_free(&walk->heaviest);
    free(walk->frames);
    free(walk);
    return status;
}
