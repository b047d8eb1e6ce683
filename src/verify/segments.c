#include "verify/segments.h"

#include <string.h>

#include "base/hash.h"
#include "format/segment.h"
#include "format/tail.h"

typedef unsigned long long ull; /* what %llu takes */

enum {
    BLOCKS_A_LOOK = 64 /* blocks between two looks at the clock */
};

act_status act_segments_check_newest(struct act_sweep *sweep, act_error *error)
{
    struct act_segment segment;
    struct act_trailer trailer;
    const uint8_t *bytes = sweep->arena.bytes;
    if (sweep->root != sweep->index->root && !act_segment_read(bytes, sweep->root, &segment) &&
        act_segment_was_footer(bytes, sweep->root))
        return act_sweep_break(sweep, error, ACT_RULE_INDEX_HEADER,
                               sweep->root - ACT_SEGMENT_NBYTES,
                               "the footer of what was merged last is damaged");
    struct act_tail tail;
    if (sweep->root != sweep->index->root &&
        (!act_tail_find(bytes, sweep->file_nbytes, sweep->root, sweep->index, &tail) ||
         !tail.merged))
        return act_sweep_break(
            sweep, error, ACT_RULE_INDEX_HEADER, ACT_ROOT_OFF,
            "the root is neither the one that the index has nor that of a merge");
    uint64_t newest = act_segment_newest(&sweep->arena, sweep->file_nbytes);
    if (!newest || newest == sweep->root)
        return ACT_OK;
    /* A merge that did not come to setting the root leaves a whole segment too. */
    act_trailer_read(bytes, sweep->file_nbytes, &trailer);
    if (trailer.previous_root == sweep->root)
        return ACT_OK;
    return act_sweep_break(sweep, error, ACT_RULE_TAIL, ACT_ROOT_OFF,
                           "the root is not the one of the last merge, at offset %llu",
                           (ull)newest);
}

/* Compares the checksum of one segment, whose tail ends at `end`. */
static act_status check_sum(struct act_sweep *sweep, const struct act_segment *segment,
                            uint64_t end, act_error *error)
{
    const uint8_t *bytes = sweep->arena.bytes;
    uint64_t footer = segment->root - ACT_SEGMENT_NBYTES;
    uint64_t sum = 0;
    unsigned blocks = 0;
    for (uint64_t at = segment->begin; at < footer;) {
        uint64_t left = footer - at;
        size_t nbytes = left < ACT_SUMS_BLOCK_NBYTES ? (size_t)left : ACT_SUMS_BLOCK_NBYTES;
        sum = act_segment_sum(bytes + at, nbytes, sum);
        at += nbytes;
        if (++blocks % BLOCKS_A_LOOK == 0 &&
            !act_pace_tell(&sweep->pace, sweep->root + sweep->index->sums_off))
            return ACT_STOPPED;
    }
    sum = act_segment_sum(bytes + segment->root, (size_t)(end - segment->root), sum);
    return sum == segment->sum
               ? ACT_OK
               : act_sweep_break(sweep, error, ACT_RULE_CHECKSUM, segment->begin,
                                 "what was merged up to offset %llu does not match its checksum",
                                 (ull)end);
}

act_status act_segments_check_sums(struct act_sweep *sweep, bool only_segments, bool *whole_ret,
                                   act_error *error)
{
    const struct act_index *index = sweep->index;
    const uint8_t *bytes = sweep->arena.bytes;
    uint64_t root = sweep->root;
    struct act_tail tail;
    struct act_segment segment;
    *whole_ret = act_tail_find(bytes, sweep->file_nbytes, root, index, &tail) &&
                 tail.end == sweep->file_nbytes && only_segments;
    while (root != index->root) {
        uint64_t at = root;
        bool has_footer = act_segment_read(bytes, root, &segment);
        bool ours = has_footer && tail.merged;
        if (only_segments && (!ours || segment.jump_begin != index->file_nbytes))
            return act_sweep_break(sweep, error, ACT_RULE_INDEX_HEADER, at,
                                   "before the root at offset %llu is no footer, of which later "
                                   "ones say that it is there",
                                   (ull)at);
        if (!has_footer && act_segment_was_footer(bytes, root))
            return act_sweep_break(sweep, error, ACT_RULE_INDEX_HEADER, root - ACT_SEGMENT_NBYTES,
                                   "the footer of what was merged before is damaged");
        act_status status = ours ? check_sum(sweep, &segment, tail.end, error) : ACT_OK;
        if (status != ACT_OK)
            return status;
        if (!tail.merged || !act_tail_previous(bytes, index, &root, &tail)) {
            if (!only_segments)
                break;    /* nothing says how other programs write */
            tail.end = 0; /* where no segment begins */
        }
        if (ours && tail.end != segment.begin)
            return act_sweep_break(sweep, error, ACT_RULE_TAIL, segment.begin,
                                   "what was merged does not begin where the file ended before");
    }
    return ACT_OK;
}
