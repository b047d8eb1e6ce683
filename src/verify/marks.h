/*
 * A set of offsets that is emptied from the top.
 *
 * One bit stands for one byte of the file. The bits come in chunks, which are allocated when the
 * first offset in them is marked and freed when the highest mark has sunk below them: a set never
 * takes more than a bit for each byte that it spans, and where the marks are few (files written
 * children first) far less.
 */
#ifndef ACT_VERIFY_MARKS_H
#define ACT_VERIFY_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

enum {
    ACT_MARKS_CHUNK_LOG2 = 16, /* offsets in a chunk: its bits take 8 KiB */
    ACT_MARKS_CHUNK_WORDS = 1 << (ACT_MARKS_CHUNK_LOG2 - 6)
};

struct act_marks {
    uint64_t **chunks;
    size_t chunks_count;
    size_t at_chunk; /* no mark lies in a higher chunk, */
    size_t at_word;  /* nor in a higher word of this one */
};

/* Makes an empty set for offsets below `limit`. False without memory; then there is nothing to
 * close. */
bool act_marks_open(struct act_marks *marks, uint64_t limit);

void act_marks_close(struct act_marks *marks);

/* Allocates the chunk of an offset. False without memory. */
bool act_marks_grow(struct act_marks *marks, uint64_t offset);

/*
 * Marks an offset, which must lie below the limit and below every offset taken so far. 1 if it is
 * new, 0 if it was marked already, -1 without memory.
 */
static ACT_ALWAYS_INLINE int act_marks_put(struct act_marks *marks, uint64_t offset)
{
    size_t chunk = (size_t)(offset >> ACT_MARKS_CHUNK_LOG2);
    if (ACT_UNLIKELY(!marks->chunks[chunk]) && !act_marks_grow(marks, offset))
        return -1;
    uint64_t *word = &marks->chunks[chunk][offset >> 6 & (ACT_MARKS_CHUNK_WORDS - 1)];
    uint64_t bit = (uint64_t)1 << (offset & 63);
    int is_new = !(*word & bit);
    *word |= bit;
    return is_new;
}

/* Takes out the highest offset, if there is one that is `floor` or above; false if not. */
bool act_marks_take(struct act_marks *marks, uint64_t floor, uint64_t *offset_ret);

#endif
