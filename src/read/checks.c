#include "read/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "format/tail.h"

typedef unsigned long long ull; /* what %llu takes */

/* -------------------------------------------------------------------------- opening and closing */

/* Where there is no unit, nothing is left to be compared. */
static void count_granules(struct act_checks *checks)
{
    for (uint64_t i = 0; i < checks->granules_count; i++)
        atomic_init(&checks->granules[i], i >= checks->blocks_count);
    for (size_t i = 0; i < checks->segments_count; i++) {
        const struct act_checked_segment *segment = &checks->segments[i];
        uint64_t last = (segment->end - 1) >> ACT_CHECKS_GRANULE_LOG2;
        for (uint64_t at = segment->segment.begin >> ACT_CHECKS_GRANULE_LOG2; at <= last; at++)
            atomic_init(&checks->granules[at], 0);
    }
    uint64_t left = 0;
    for (uint64_t i = 0; i < checks->granules_count; i++)
        left += !atomic_load(&checks->granules[i]);
    atomic_init(&checks->left, left);
}

act_status act_checks_make(const uint8_t *bytes, uint64_t file_nbytes,
                           const struct act_index *index, struct act_checked_segment *segments,
                           size_t segments_count, struct act_checks **checks_ret, act_error *error)
{
    struct act_checks *checks = calloc(1, sizeof(*checks));
    if (!checks) {
        free(segments);
        return act_fail_nomem(error);
    }
    checks->bytes = bytes;
    checks->file_nbytes = file_nbytes;
    checks->index = *index;
    checks->segments = segments;
    checks->segments_count = segments_count;
    for (size_t i = 0; i < segments_count; i++)
        atomic_init(&segments[i].state, ACT_UNIT_UNKNOWN);
    checks->blocks_count = act_sums_count(index->sums_off);
    checks->granules_count = (file_nbytes + ACT_SUMS_BLOCK_NBYTES - 1) >> ACT_CHECKS_GRANULE_LOG2;
    checks->blocks = calloc((size_t)checks->blocks_count, sizeof(*checks->blocks));
    checks->granules = calloc((size_t)checks->granules_count, sizeof(*checks->granules));
    if (!checks->blocks || !checks->granules) {
        act_checks_free(checks);
        return act_fail_nomem(error);
    }
    count_granules(checks);
    *checks_ret = checks;
    return ACT_OK;
}

void act_checks_free(struct act_checks *checks)
{
    if (!checks)
        return;
    free(checks->segments);
    free(checks->blocks);
    free(checks->granules);
    free(checks);
}

ACT_COLD static act_status damaged(act_error *error, uint64_t offset, const char *what)
{
    return act_fail(error, ACT_ERR_CORRUPT, offset, "damaged at offset %llu: %s", (ull)offset,
                    what);
}

/* What the header of an index says cannot be told by any block, and leads to all of them. */
static act_status check_header(const struct act_map *map, act_error *error)
{
    const uint8_t *bytes = map->arena.bytes;
    const struct act_index *index = &map->index;
    struct act_segment segment;
    if (map->index_state == ACT_INDEX_DAMAGED)
        return damaged(error, ACT_INDEX_OFF, "the header of the index does not match its checksum");
    if (map->index_state == ACT_INDEX_NONE && (act_index_was_there(bytes, map->file_nbytes) ||
                                               act_segment_read(bytes, map->root, &segment)))
        return damaged(error, ACT_INDEX_OFF, "the header of the index is gone");
    if (map->index_state != ACT_INDEX_VALID)
        return ACT_OK;
    if (act_hash64(bytes + index->sums_off,
                   (size_t)act_sums_count(index->sums_off) * ACT_SUM_NBYTES, 0) != index->sums_hash)
        return damaged(error, index->sums_off, "the checksums do not match their own checksum");
    return ACT_OK;
}

/* The segments of a map, in the order of the file. */
struct chain {
    struct act_checked_segment *segments;
    size_t count;
    size_t capacity;
};

static void reverse(struct chain *chain)
{
    for (size_t i = 0; i < chain->count / 2; i++) {
        struct act_checked_segment *low = &chain->segments[i];
        struct act_checked_segment *high = &chain->segments[chain->count - 1 - i];
        struct act_segment segment = low->segment;
        uint64_t end = low->end;
        low->segment = high->segment;
        low->end = high->end;
        high->segment = segment;
        high->end = end;
    }
}

/*
 * Finds the segments from the root back to the file as it was built. A tail ends above its root.
 * What another program has merged is none, and cannot be compared; what was before it can.
 */
static act_status find_segments(const struct act_map *map, struct chain *chain, act_error *error)
{
    const uint8_t *bytes = map->arena.bytes;
    const struct act_index *index = &map->index;
    uint64_t root = map->root;
    struct act_tail tail;
    bool found = act_tail_find(bytes, map->file_nbytes, root, index, &tail);
    while (found && root != index->root) {
        struct act_checked_segment added = {.end = tail.end};
        bool ours = tail.merged && act_segment_read(bytes, root, &added.segment);
        if (map->segmented && (!ours || added.segment.jump_begin != index->file_nbytes))
            found = false;
        else
            found = tail.merged && act_tail_previous(bytes, index, &root, &tail) &&
                    (!ours || tail.end == added.segment.begin);
        if (!found)
            break;
        if (!ours)
            continue;
        if (!act_reserve(&chain->segments, &chain->capacity, chain->count + 1, sizeof(added)))
            return act_fail_nomem(error);
        struct act_checked_segment *last = &chain->segments[chain->count++];
        last->segment = added.segment;
        last->end = added.end;
    }
    reverse(chain);
    return found || !map->segmented
               ? ACT_OK
               : damaged(error, root, "the segments before the root do not follow each other");
}

/* The root is where a writer left it: in the file as it was built, or at the end of a merge. */
static act_status check_root(const struct act_map *map, act_error *error)
{
    const uint8_t *bytes = map->arena.bytes;
    struct act_tail tail;
    struct act_trailer trailer;
    uint64_t newest = act_segment_newest(&map->arena, map->file_nbytes);
    if (newest && newest != map->root) {
        act_trailer_read(bytes, map->file_nbytes, &trailer);
        if (trailer.previous_root != map->root)
            return damaged(error, ACT_ROOT_OFF, "the root is not the one of the last merge");
    }
    if (map->root == map->index.root || map->segmented)
        return ACT_OK;
    if (map->root < map->index.file_nbytes ||
        !act_tail_find(bytes, map->file_nbytes, map->root, &map->index, &tail) || !tail.at_root ||
        act_segment_was_footer(bytes, map->root))
        return damaged(error, ACT_ROOT_OFF, "no writer leaves the root where it is");
    return ACT_OK;
}

act_status act_checks_open(struct act_map *map, act_error *error)
{
    struct chain chain = {.segments = NULL};
    act_status status = check_header(map, error);
    if (status != ACT_OK || map->index_state != ACT_INDEX_VALID)
        return status;
    status = check_root(map, error);
    if (status == ACT_OK && map->root != map->index.root)
        status = find_segments(map, &chain, error);
    if (status != ACT_OK) {
        free(chain.segments);
        return status;
    }
    return act_checks_make(map->arena.bytes, map->file_nbytes, &map->index, chain.segments,
                           chain.count, &map->checks, error);
}

/* ----------------------------------------------------------------------------------------- units
 */

size_t act_checks_units(const struct act_checks *checks)
{
    return (size_t)checks->blocks_count + checks->segments_count;
}

void act_checks_unit(const struct act_checks *checks, size_t at, uint64_t *begin_ret,
                     uint64_t *end_ret)
{
    if (at < checks->blocks_count) {
        *begin_ret = act_sums_begin(at);
        *end_ret = act_sums_end(at, checks->index.sums_off);
        return;
    }
    const struct act_checked_segment *segment =
        &checks->segments[at - (size_t)checks->blocks_count];
    *begin_ret = segment->segment.begin;
    *end_ret = segment->end;
}

uint64_t act_checks_covered_nbytes(const struct act_checks *checks)
{
    uint64_t nbytes = checks->index.sums_off - ACT_INDEX_END;
    for (size_t i = 0; i < checks->segments_count; i++)
        nbytes += checks->segments[i].end - checks->segments[i].segment.begin;
    return nbytes;
}

static atomic_uchar *state_of(struct act_checks *checks, size_t at)
{
    return at < checks->blocks_count ? &checks->blocks[at]
                                     : &checks->segments[at - (size_t)checks->blocks_count].state;
}

ACT_COLD static bool compare(const struct act_checks *checks, size_t at)
{
    uint64_t begin;
    uint64_t end;
    act_checks_unit(checks, at, &begin, &end);
    if (at >= checks->blocks_count) {
        const struct act_segment *segment =
            &checks->segments[at - (size_t)checks->blocks_count].segment;
        return act_segment_sum_of(checks->bytes, segment, end) == segment->sum;
    }
    const uint8_t *sum = checks->bytes + checks->index.sums_off + ACT_SUM_NBYTES * at;
    return act_hash64(checks->bytes + begin, (size_t)(end - begin), 0) == act_load_le64(sum);
}

bool act_checks_unit_is_good(struct act_checks *checks, size_t at)
{
    atomic_uchar *state = state_of(checks, at);
    unsigned char known = atomic_load_explicit(state, memory_order_relaxed);
    if (known == ACT_UNIT_UNKNOWN) {
        known = compare(checks, at) ? ACT_UNIT_GOOD : ACT_UNIT_BAD;
        atomic_store_explicit(state, known, memory_order_relaxed);
    }
    return known == ACT_UNIT_GOOD;
}

/* The first segment that ends above `off`, as a unit. */
static size_t first_segment_above(const struct act_checks *checks, uint64_t off)
{
    size_t low = 0;
    size_t high = checks->segments_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (checks->segments[middle].end <= off)
            low = middle + 1;
        else
            high = middle;
    }
    return (size_t)checks->blocks_count + low;
}

/* The first unit that ends above `off`: units are in the order of the file. */
static size_t first_unit_above(const struct act_checks *checks, uint64_t off)
{
    return off < checks->index.sums_off ? (size_t)(off >> ACT_CHECKS_GRANULE_LOG2)
                                        : first_segment_above(checks, off);
}

/* Whether there is a unit `at`, and it begins below `end`. */
static bool begins_below(const struct act_checks *checks, size_t at, uint64_t end)
{
    uint64_t begin;
    uint64_t unit_end;
    if (at >= act_checks_units(checks))
        return false;
    act_checks_unit(checks, at, &begin, &unit_end);
    return begin < end;
}

bool act_checks_find_bad(struct act_checks *checks, uint64_t off, uint64_t end, size_t *at_ret)
{
    for (size_t at = first_unit_above(checks, off); begins_below(checks, at, end); at++) {
        if (!act_checks_unit_is_good(checks, at)) {
            *at_ret = at;
            return true;
        }
    }
    return false;
}

bool act_checks_covers(const struct act_checks *checks, uint64_t off)
{
    return off >= ACT_INDEX_END && begins_below(checks, first_unit_above(checks, off), off + 1);
}

/* Takes note of a granule if all units in it are known to be good. */
static void promote(struct act_checks *checks, uint64_t granule)
{
    uint64_t begin = granule << ACT_CHECKS_GRANULE_LOG2;
    uint64_t end = begin + ACT_SUMS_BLOCK_NBYTES;
    for (size_t at = first_unit_above(checks, begin); begins_below(checks, at, end); at++) {
        if (atomic_load_explicit(state_of(checks, at), memory_order_relaxed) != ACT_UNIT_GOOD)
            return;
    }
    if (!atomic_exchange_explicit(&checks->granules[granule], 1, memory_order_relaxed))
        atomic_fetch_sub_explicit(&checks->left, 1, memory_order_relaxed);
}

act_status act_checks_look(struct act_checks *checks, uint64_t off, uint64_t end, act_error *error)
{
    size_t at;
    if (end > checks->file_nbytes)
        end = checks->file_nbytes;
    if (off >= end)
        return ACT_OK;
    if (act_checks_find_bad(checks, off, end, &at)) {
        uint64_t bad_begin;
        uint64_t bad_end;
        act_checks_unit(checks, at, &bad_begin, &bad_end);
        return act_fail(error, ACT_ERR_CORRUPT, bad_begin,
                        "damaged at offset %llu: the bytes up to offset %llu do not match their "
                        "checksum",
                        (ull)bad_begin, (ull)bad_end);
    }
    uint64_t last = (end - 1) >> ACT_CHECKS_GRANULE_LOG2;
    for (uint64_t granule = off >> ACT_CHECKS_GRANULE_LOG2; granule <= last; granule++) {
        if (!act_checks_granule_is_good(checks, granule << ACT_CHECKS_GRANULE_LOG2))
            promote(checks, granule);
    }
    return ACT_OK;
}

act_status act_checks_all(const struct act_map *map, act_error *error)
{
    if (!act_checks_pending(map))
        return ACT_OK;
    return act_checks_look(map->checks, ACT_INDEX_END, map->file_nbytes, error);
}

/* ------------------------------------------------------------------------------ what readers ask
 */

/* A node's own bytes, and the node; one that cannot be decoded is left to the reader. */
static act_status touch_own(const struct act_map *map, uint64_t id, struct act_node *node_ret,
                            bool *decoded_ret, act_error *error)
{
    *decoded_ret = act_node_decode(&map->arena, id, node_ret);
    return act_checks_touch(map->checks, id, *decoded_ret ? node_ret->end : map->file_nbytes,
                            error);
}

act_status act_checks_node(const struct act_map *map, uint64_t id, act_error *error)
{
    struct act_node node;
    struct act_line line;
    bool decoded;
    act_status status = touch_own(map, id, &node, &decoded, error);
    if (status != ACT_OK || !decoded || !act_node_is_line(&node))
        return status;
    if (act_line_decode(&map->arena, id, node.line_rel, &line)) {
        uint64_t line_end = (uint64_t)(line.bytes - map->arena.bytes) + line.nbytes;
        status = act_checks_touch(map->checks, id - node.line_rel, line_end, error);
    } else if (node.line_rel - 1 < id - ACT_ARENA_OFF) {
        status = act_checks_touch(map->checks, id - node.line_rel, id, error);
    }
    if (status != ACT_OK || !act_node_has_child(&node))
        return status;
    uint64_t child = act_node_first_child(id, node.child_rel);
    return child ? touch_own(map, child, &node, &decoded, error) : ACT_OK;
}

act_status act_checks_run(const struct act_map *map, uint64_t parent_id, uint64_t child_rel,
                          unsigned count, act_error *error)
{
    uint64_t id = act_node_first_child(parent_id, child_rel);
    for (unsigned i = 0; i < count && id < parent_id; i++) {
        struct act_node node;
        bool decoded;
        act_status status = touch_own(map, id, &node, &decoded, error);
        if (status != ACT_OK || !decoded)
            return status;
        id = node.end;
    }
    return ACT_OK;
}

act_status act_checks_child(const struct act_map *map, uint64_t parent_id, uint64_t child_rel,
                            unsigned index, act_error *error)
{
    uint64_t first = act_node_first_child(parent_id, child_rel);
    if (!first || index == 0)
        return ACT_OK;
    if (first > ACT_INDEX_END && first < map->arena.jump_end) {
        act_status status = act_checks_touch(map->checks, first - 1, first, error);
        if (status != ACT_OK)
            return status;
        uint64_t table_nbytes = (uint64_t)map->arena.bytes[first - 1] * index;
        uint64_t child = act_jump_read(map->arena.bytes, first, index);
        if (child > first && child < parent_id) /* then the table lies in the file */
            return act_checks_touch(map->checks, first - 1 - table_nbytes, first, error);
    }
    return act_checks_run(map, parent_id, child_rel, index, error);
}
