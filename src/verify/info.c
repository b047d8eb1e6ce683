#include <string.h>

#include "base/error.h"
#include "format/file.h"
#include "read/guard.h"
#include "read/map.h"
#include "verify/sweep.h"
#include "verify/ways.h"

struct counting {
    struct act_sweep sweep;
    struct act_ways_table ways; /* to the nodes that wait for their turn */
    struct act_marks lines;     /* line data that was referred to and is not yet counted */
    act_map_info info;
};

/* Node bytes by kind, and what the header tells. */
static void count_node(struct counting *counting)
{
    const struct act_sweep *sweep = &counting->sweep;
    const struct act_node *node = &sweep->node;
    act_map_info *info = &counting->info;
    uint64_t nbytes = node->end - node->id;
    if (act_node_has_value(node))
        info->value_nbytes += act_varint_nbytes(sweep->arena.bytes[node->id + 1]);
    if (act_node_is_line(node)) {
        info->line_nodes++;
        info->line_node_nbytes = act_saturating_add(info->line_node_nbytes, nbytes);
        return;
    }
    info->fan_out[sweep->children_count]++;
    if (sweep->children_count > 1 && sweep->children[0] < sweep->arena.jump_end) {
        unsigned width = sweep->arena.bytes[sweep->children[0] - 1];
        info->jump_nbytes += 1 + (uint64_t)width * (sweep->children_count - 1);
    }
    if (sweep->children_count == 0) {
        info->leaf_nodes++;
        info->leaf_nbytes = act_saturating_add(info->leaf_nbytes, nbytes);
    } else {
        info->branch_nodes++;
        info->branch_nbytes = act_saturating_add(info->branch_nbytes, nbytes);
    }
}

static void count_depth(act_map_info *info, const struct act_ways *ways)
{
    uint64_t bucket = ways->depth_least < ACT_DEPTH_BUCKETS ? ways->depth_least
                                                            : ACT_DEPTH_BUCKETS - 1;
    info->node_depth[bucket]++;
    if (info->node_depth_max < ways->depth_most)
        info->node_depth_max = ways->depth_most;
}

/* All paths to the node get `nbytes` longer. */
static void lengthen(struct act_ways *ways, uint64_t nbytes)
{
    uint64_t added = act_saturating_mul(ways->paths, nbytes);
    ways->path_nbytes = act_saturating_add(ways->path_nbytes, added);
    ways->path_nbytes_longest = act_saturating_add(ways->path_nbytes_longest, nbytes);
}

/* The keys that end at the node, or the paths that end there without being keys. `ways` are to
 * the node's end, with its line. */
static void count_keys(struct counting *counting, const struct act_ways *ways)
{
    act_map_info *info = &counting->info;
    if (act_node_has_value(&counting->sweep.node)) {
        info->keys = act_saturating_add(info->keys, ways->paths);
        info->key_nbytes = act_saturating_add(info->key_nbytes, ways->path_nbytes);
        if (info->key_nbytes_longest < ways->path_nbytes_longest)
            info->key_nbytes_longest = ways->path_nbytes_longest;
    } else if (counting->sweep.children_count == 0 && ways->path_nbytes_longest > 0) {
        /* The empty path is no one's dangling path: it is there in an empty map as well. */
        info->dangling_paths = act_saturating_add(info->dangling_paths, ways->paths);
    }
}

/* Hands the ways on to the node's children. */
static bool hand_on(struct counting *counting, struct act_ways *ways)
{
    const struct act_sweep *sweep = &counting->sweep;
    if (!act_node_is_line(&sweep->node))
        lengthen(ways, 1);
    ways->depth_least++;
    ways->depth_most++;
    return act_ways_put(&counting->ways, ways, sweep->children, sweep->children_count);
}

/* Counts the line data at `floor` and above: no node below refers to it. */
static void count_lines(struct counting *counting, uint64_t floor)
{
    act_map_info *info = &counting->info;
    const uint8_t *bytes = counting->sweep.arena.bytes;
    uint64_t offset;
    while (act_marks_take(&counting->lines, floor, &offset)) {
        const uint8_t *p = bytes + offset;
        uint64_t line_nbytes = act_varint_read(&p);
        uint64_t nbytes = line_nbytes + (uint64_t)(p - (bytes + offset));
        info->lines++;
        info->line_data_nbytes = act_saturating_add(info->line_data_nbytes, nbytes);
    }
}

static act_status count_all(struct counting *counting, act_error *error)
{
    struct act_sweep *sweep = &counting->sweep;
    struct act_ways ways = {.paths = 1};
    (void)act_ways_put(&counting->ways, &ways, &sweep->root, 1); /* there is room for some */
    uint64_t floor = sweep->root;
    act_status status;
    while ((status = act_sweep_next(sweep, error)) == ACT_OK) {
        const struct act_node *node = &sweep->node;
        if (!act_ways_take(&counting->ways, node->id, &ways))
            return act_sweep_fail_nomem(sweep, error);
        count_node(counting);
        count_depth(&counting->info, &ways);
        if (act_node_is_line(node)) {
            lengthen(&ways, sweep->line.nbytes);
            if (act_marks_put(&counting->lines, node->id - node->line_rel) < 0)
                return act_sweep_fail_nomem(sweep, error);
        }
        count_keys(counting, &ways);
        if (!hand_on(counting, &ways))
            return act_sweep_fail_nomem(sweep, error);
        /* Now and then: the marks that are counted give their memory back. */
        if (floor - node->id >= (uint64_t)1 << ACT_MARKS_CHUNK_LOG2) {
            floor = node->id;
            count_lines(counting, floor);
        }
    }
    if (status == ACT_END)
        count_lines(counting, 0);
    return status == ACT_END ? ACT_OK : status;
}

/* What the parts of the file take that are not objects. */
static void count_rest(struct counting *counting)
{
    const struct act_sweep *sweep = &counting->sweep;
    act_map_info *info = &counting->info;
    struct act_trailer trailer;
    info->shared = sweep->references > sweep->nodes - 1;
    info->header_nbytes = ACT_ARENA_OFF;
    info->tail_nbytes = act_trailer_read(sweep->arena.bytes, sweep->file_nbytes, &trailer)
                            ? ACT_TRAILER_NBYTES
                            : ACT_TAIL_NBYTES;
    if (sweep->index) {
        info->tail_nbytes = ACT_INDEX_TAIL_NBYTES;
        info->index_nbytes = 2 * (uint64_t)ACT_INDEX_NBYTES +
                             act_sums_count(sweep->index->sums_off) * ACT_SUM_NBYTES;
    }
    uint64_t known = info->header_nbytes + info->tail_nbytes + info->index_nbytes;
    known = act_saturating_add(known, info->jump_nbytes);
    known = act_saturating_add(known, info->branch_nbytes);
    known = act_saturating_add(known, info->leaf_nbytes);
    known = act_saturating_add(known, info->line_node_nbytes);
    known = act_saturating_add(known, info->line_data_nbytes);
    if (known < sweep->file_nbytes)
        info->unreferenced_nbytes = sweep->file_nbytes - known;
}

/* Counts with everything opened but the sweep, which is open. */
static act_status count_swept(struct counting *counting, act_error *error)
{
    if (!act_marks_open(&counting->lines, counting->sweep.root))
        return act_sweep_fail_nomem(&counting->sweep, error);
    act_status status;
    if (act_ways_open(&counting->ways, counting->sweep.root + 1)) {
        status = count_all(counting, error);
        act_ways_close(&counting->ways);
    } else {
        status = act_sweep_fail_nomem(&counting->sweep, error);
    }
    act_marks_close(&counting->lines);
    if (status == ACT_OK)
        count_rest(counting);
    return status;
}

act_status act_map_get_info(const act_map *map, act_progress_fn progress, void *context,
                            act_map_info *info_ret, act_error *error)
{
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    struct counting counting;
    memset(&counting.info, 0, sizeof(counting.info));
    act_status status = act_sweep_open(&counting.sweep, map, 0, progress, context, error);
    if (status == ACT_OK) {
        status = count_swept(&counting, error);
        act_sweep_close(&counting.sweep);
    }
    status = act_guarded(map, status, error);
    if (status == ACT_OK && info_ret)
        *info_ret = counting.info;
    return status;
}
