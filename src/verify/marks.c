#include "verify/marks.h"

#include <stdlib.h>

#include "base/bits.h"

bool act_marks_open(struct act_marks *marks, uint64_t limit)
{
    uint64_t count = (limit >> ACT_MARKS_CHUNK_LOG2) + 1;
    if (count > SIZE_MAX / sizeof(*marks->chunks))
        return false;
    marks->chunks = calloc((size_t)count, sizeof(*marks->chunks));
    if (!marks->chunks)
        return false;
    marks->chunks_count = (size_t)count;
    marks->at_chunk = (size_t)count - 1;
    marks->at_word = ACT_MARKS_CHUNK_WORDS - 1;
    return true;
}

void act_marks_close(struct act_marks *marks)
{
    for (size_t i = 0; i < marks->chunks_count; i++)
        free(marks->chunks[i]);
    free(marks->chunks);
    marks->chunks = NULL;
    marks->chunks_count = 0;
}

bool act_marks_grow(struct act_marks *marks, uint64_t offset)
{
    uint64_t *chunk = calloc(ACT_MARKS_CHUNK_WORDS, sizeof(*chunk));
    marks->chunks[offset >> ACT_MARKS_CHUNK_LOG2] = chunk;
    return chunk != NULL;
}

bool act_marks_take(struct act_marks *marks, uint64_t floor, uint64_t *offset_ret)
{
    for (;;) {
        uint64_t *words = marks->chunks[marks->at_chunk];
        uint64_t base = (uint64_t)marks->at_chunk << ACT_MARKS_CHUNK_LOG2;
        /* Not below the floor: marks may still be added there. */
        uint64_t lowest_word = floor > base ? (floor - base) >> 6 : 0;
        while (words && !words[marks->at_word] && marks->at_word > lowest_word)
            marks->at_word--;
        if (words && words[marks->at_word]) {
            uint64_t *word = &words[marks->at_word];
            unsigned bit = act_highest_bit64(*word);
            uint64_t offset = base + 64 * (uint64_t)marks->at_word + bit;
            if (offset < floor)
                return false;
            *word ^= (uint64_t)1 << bit;
            *offset_ret = offset;
            return true;
        }
        if (base <= floor)
            return false;
        free(words);
        marks->chunks[marks->at_chunk--] = NULL;
        marks->at_word = ACT_MARKS_CHUNK_WORDS - 1;
    }
}
