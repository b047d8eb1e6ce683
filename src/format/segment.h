/*
 * A segment: what one merge of ours appended to an indexed file. It has jump tables as the file
 * has, and right before its root a footer that says so, with a checksum of all its bytes.
 * docs/FORMAT.md tells the whole.
 */
#ifndef ACT_FORMAT_SEGMENT_H
#define ACT_FORMAT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/node.h"

#define ACT_SEGMENT_MAGIC "actMerge"

enum {
    ACT_SEGMENT_NBYTES = 64, /* of the footer */
    ACT_SEGMENT_VERSION = 1
};

/* The footer, decoded. Offsets count from the start of the file. */
struct act_segment {
    uint64_t begin; /* where the merge began to append */
    uint64_t root;  /* right after the footer */
    /* From here on, up to the root, all that was merged are segments, one after the other, and all
     * of their runs have jump tables. */
    uint64_t jump_begin;
    uint64_t keys; /* of the map after the merge */
    uint64_t sum;  /* the checksum of the segment, without this footer */
};

/* Reads the footer before this root. False if there is none that can be used. */
bool act_segment_read(const uint8_t *bytes, uint64_t root, struct act_segment *segment_ret);

/* Encodes a footer. */
void act_segment_write(uint8_t footer_ret[ACT_SEGMENT_NBYTES], const struct act_segment *segment);

/*
 * Checksums of a segment are of blocks of ACT_SUMS_BLOCK_NBYTES from its begin to its footer, the
 * last one as long as it is, and then of what comes after the footer: its root and the trailer.
 * Each is the seed of the next; the first one's is 0.
 */
uint64_t act_segment_sum(const uint8_t *bytes, size_t nbytes, uint64_t sum_before);

/* The checksum that the segment's bytes have, which must lie in the file up to `end`, where its
 * trailer ends. */
uint64_t act_segment_sum_of(const uint8_t *bytes, const struct act_segment *segment, uint64_t end);

/* Whether the bytes before a root were a footer once: its magic or what it is of still matches. */
bool act_segment_was_footer(const uint8_t *bytes, uint64_t root);

/* The root that the segment at the end of a file was written for; 0 if it does not end in one. */
uint64_t act_segment_newest(const struct act_arena *arena, uint64_t file_nbytes);

#endif
