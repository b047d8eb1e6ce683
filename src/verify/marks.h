/*
 * A set of offsets that is emptied from the top.
 *
 * The offsets are divided into chunks. Where marks are few, a chunk is a sorted list of them, two
 * bytes each; where they are many, and where they are taken out, one bit for each byte of the file.
 * A chunk is allocated when the first offset in it is marked, and freed when the highest mark has
 * sunk below it: so a set never takes more than a bit for each byte that it spans. In files of
 * builders, where a few nodes lead to all parts of the file and the others to what lies just below
 * them, it takes a few hundred kilobytes.
 */
#ifndef ACT_VERIFY_MARKS_H
#define ACT_VERIFY_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "os/allowance.h"

enum {
    ACT_MARKS_CHUNK_LOG2 = 16, /* offsets in a chunk: its bits take 8 KiB */
    ACT_MARKS_CHUNK_WORDS = 1 << (ACT_MARKS_CHUNK_LOG2 - 6),
    ACT_MARKS_FEW_MAX = 1024 /* in a list */
};

struct act_marks_few;

struct act_marks {
    uint64_t **chunks;          /* bits; NULL where there is a list or nothing */
    struct act_marks_few **few; /* lists */
    uint64_t *spare;            /* bits for the chunk at hand, all 0; NULL while that has them */
    size_t chunks_count;
    size_t at_chunk; /* no mark lies in a higher chunk, */
    size_t at_word;  /* nor in a higher word of this one */
    struct act_os_allowance allowance;
};

/* Makes an empty set for offsets below `limit`. False without memory; then there is nothing to
 * close. */
bool act_marks_open(struct act_marks *marks, uint64_t limit);

void act_marks_close(struct act_marks *marks);

/* act_marks_put where there are no bits yet. */
int act_marks_put_few(struct act_marks *marks, uint64_t offset);

/*
 * Marks an offset, which must lie below the limit and below every offset taken so far. 1 if it is
 * new, 0 if it was marked already, -1 without memory.
 */
static ACT_ALWAYS_INLINE int act_marks_put(struct act_marks *marks, uint64_t offset)
{
    size_t chunk = (size_t)(offset >> ACT_MARKS_CHUNK_LOG2);
    if (ACT_UNLIKELY(!marks->chunks[chunk]))
        return act_marks_put_few(marks, offset);
    uint64_t *word = &marks->chunks[chunk][offset >> 6 & (ACT_MARKS_CHUNK_WORDS - 1)];
    uint64_t bit = (uint64_t)1 << (offset & 63);
    int is_new = !(*word & bit);
    *word |= bit;
    return is_new;
}

/* Takes out the highest offset, if there is one that is `floor` or above; false if not. */
bool act_marks_take(struct act_marks *marks, uint64_t floor, uint64_t *offset_ret);

#endif
