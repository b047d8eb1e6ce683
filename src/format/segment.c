#include "format/segment.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "format/layout.h"

/* Where the fields stand. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8, /* u64: flags that come later would stand above */
    AT_BEGIN = 16,
    AT_ROOT = 24,
    AT_JUMP_BEGIN = 32,
    AT_KEYS = 40,
    AT_SUM = 48,
    AT_HASH = ACT_SEGMENT_NBYTES - 8 /* of all before */
};

bool act_segment_read(const uint8_t *bytes, uint64_t root, struct act_segment *segment_ret)
{
    if (root < ACT_ARENA_OFF + ACT_SEGMENT_NBYTES)
        return false;
    const uint8_t *footer = bytes + root - ACT_SEGMENT_NBYTES;
    if (memcmp(footer + AT_MAGIC, ACT_SEGMENT_MAGIC, 8) != 0 ||
        act_load_le64(footer + AT_HASH) != act_hash64(footer, AT_HASH, 0) ||
        act_load_le64(footer + AT_VERSION) != ACT_SEGMENT_VERSION)
        return false;
    segment_ret->begin = act_load_le64(footer + AT_BEGIN);
    segment_ret->root = act_load_le64(footer + AT_ROOT);
    segment_ret->jump_begin = act_load_le64(footer + AT_JUMP_BEGIN);
    segment_ret->keys = act_load_le64(footer + AT_KEYS);
    segment_ret->sum = act_load_le64(footer + AT_SUM);
    return segment_ret->root == root && segment_ret->begin >= ACT_ARENA_OFF &&
           segment_ret->begin <= root - ACT_SEGMENT_NBYTES &&
           segment_ret->jump_begin >= ACT_ARENA_OFF &&
           segment_ret->jump_begin <= segment_ret->begin;
}

void act_segment_write(uint8_t footer_ret[ACT_SEGMENT_NBYTES], const struct act_segment *segment)
{
    memcpy(footer_ret + AT_MAGIC, ACT_SEGMENT_MAGIC, 8);
    act_store_le64(footer_ret + AT_VERSION, ACT_SEGMENT_VERSION);
    act_store_le64(footer_ret + AT_BEGIN, segment->begin);
    act_store_le64(footer_ret + AT_ROOT, segment->root);
    act_store_le64(footer_ret + AT_JUMP_BEGIN, segment->jump_begin);
    act_store_le64(footer_ret + AT_KEYS, segment->keys);
    act_store_le64(footer_ret + AT_SUM, segment->sum);
    act_store_le64(footer_ret + AT_HASH, act_hash64(footer_ret, AT_HASH, 0));
}

uint64_t act_segment_sum(const uint8_t *bytes, size_t nbytes, uint64_t sum_before)
{
    return act_hash64(bytes, nbytes, sum_before);
}

uint64_t act_segment_sum_of(const uint8_t *bytes, const struct act_segment *segment, uint64_t end)
{
    uint64_t footer = segment->root - ACT_SEGMENT_NBYTES;
    uint64_t sum = 0;
    for (uint64_t at = segment->begin; at < footer;) {
        uint64_t left = footer - at;
        size_t nbytes = left < ACT_SUMS_BLOCK_NBYTES ? (size_t)left : ACT_SUMS_BLOCK_NBYTES;
        sum = act_segment_sum(bytes + at, nbytes, sum);
        at += nbytes;
    }
    return act_segment_sum(bytes + segment->root, (size_t)(end - segment->root), sum);
}

bool act_segment_was_footer(const uint8_t *bytes, uint64_t root)
{
    uint8_t footer[ACT_SEGMENT_NBYTES];
    if (root < ACT_ARENA_OFF + ACT_SEGMENT_NBYTES)
        return false;
    const uint8_t *there = bytes + root - ACT_SEGMENT_NBYTES;
    if (memcmp(there, ACT_SEGMENT_MAGIC, 8) == 0)
        return true;
    memcpy(footer, there, sizeof(footer));
    memcpy(footer, ACT_SEGMENT_MAGIC, 8);
    return act_load_le64(footer + AT_HASH) == act_hash64(footer, AT_HASH, 0);
}

uint64_t act_segment_newest(const struct act_arena *arena, uint64_t file_nbytes)
{
    uint64_t end = file_nbytes - ACT_TRAILER_NBYTES;
    struct act_segment segment;
    struct act_node node;
    for (uint64_t nbytes = 1; nbytes <= ACT_NODE_NBYTES_MAX && nbytes < end; nbytes++) {
        if (act_segment_read(arena->bytes, end - nbytes, &segment) &&
            act_node_decode(arena, end - nbytes, &node) && node.end == end)
            return end - nbytes;
    }
    return 0;
}
