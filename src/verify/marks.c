#include "verify/marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

enum {
    CHUNK_NBYTES = ACT_MARKS_CHUNK_WORDS * sizeof(uint64_t),
    FEW_FIRST = 8
};

/* Ascending; within the chunk. */
struct act_marks_few {
    uint16_t count;
    uint16_t capacity;
    uint16_t offsets[];
};

static size_t few_nbytes(size_t capacity)
{
    return sizeof(struct act_marks_few) + capacity * sizeof(uint16_t);
}

static uint64_t *new_words(struct act_marks *marks)
{
    if (!act_os_allowance_take(&marks->allowance, CHUNK_NBYTES))
        return NULL;
    return calloc(ACT_MARKS_CHUNK_WORDS, sizeof(uint64_t));
}

static void free_few(struct act_marks *marks, size_t chunk)
{
    struct act_marks_few *few = marks->few[chunk];
    if (few)
        act_os_allowance_give(&marks->allowance, few_nbytes(few->capacity));
    free(few);
    marks->few[chunk] = NULL;
}

bool act_marks_open(struct act_marks *marks, uint64_t limit)
{
    memset(marks, 0, sizeof(*marks));
    uint64_t count = (limit >> ACT_MARKS_CHUNK_LOG2) + 1;
    if (count > SIZE_MAX / sizeof(*marks->chunks) ||
        !act_os_allowance_take(&marks->allowance, count * 2 * sizeof(*marks->chunks)))
        return false;
    marks->chunks_count = (size_t)count;
    marks->chunks = calloc(marks->chunks_count, sizeof(*marks->chunks));
    marks->few = calloc(marks->chunks_count, sizeof(struct act_marks_few *));
    marks->spare = new_words(marks);
    marks->at_chunk = marks->chunks_count - 1;
    marks->at_word = ACT_MARKS_CHUNK_WORDS - 1;
    if (marks->chunks && marks->few && marks->spare)
        return true;
    act_marks_close(marks);
    return false;
}

void act_marks_close(struct act_marks *marks)
{
    for (size_t i = 0; marks->chunks && i < marks->chunks_count; i++)
        free(marks->chunks[i]);
    for (size_t i = 0; marks->few && i < marks->chunks_count; i++)
        free(marks->few[i]);
    free(marks->chunks);
    free(marks->few);
    free(marks->spare);
    memset(marks, 0, sizeof(*marks));
}

/* Gives a chunk bits, which its list becomes. False without memory; not for the chunk at hand. */
static bool give_words(struct act_marks *marks, size_t chunk)
{
    bool has_spare = chunk == marks->at_chunk && marks->spare;
    uint64_t *words = has_spare ? marks->spare : new_words(marks);
    if (!words)
        return false;
    if (has_spare)
        marks->spare = NULL;
    const struct act_marks_few *few = marks->few[chunk];
    for (size_t i = 0; few && i < few->count; i++)
        words[few->offsets[i] >> 6] |= (uint64_t)1 << (few->offsets[i] & 63);
    free_few(marks, chunk);
    marks->chunks[chunk] = words;
    return true;
}

/* The list of a chunk, with room for one more. NULL without memory. */
static struct act_marks_few *few_with_room(struct act_marks *marks, size_t chunk)
{
    struct act_marks_few *few = marks->few[chunk];
    if (few && few->count < few->capacity)
        return few;
    size_t old = few ? few->capacity : 0;
    size_t capacity = few ? old + old / 2 : FEW_FIRST;
    if (!act_os_allowance_take(&marks->allowance, few_nbytes(capacity)))
        return NULL;
    struct act_marks_few *larger = realloc(few, few_nbytes(capacity));
    if (!larger)
        return NULL;
    if (few)
        act_os_allowance_give(&marks->allowance, few_nbytes(old));
    else
        larger->count = 0;
    larger->capacity = (uint16_t)capacity;
    marks->few[chunk] = larger;
    return larger;
}

/* Where an offset is in a list, or would be. */
static size_t find(const struct act_marks_few *few, uint16_t offset)
{
    size_t low = 0, high = few->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (few->offsets[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int act_marks_put_few(struct act_marks *marks, uint64_t offset)
{
    size_t chunk = (size_t)(offset >> ACT_MARKS_CHUNK_LOG2);
    uint16_t within = (uint16_t)offset;
    struct act_marks_few *few = marks->few[chunk];
    size_t at = few ? find(few, within) : 0;
    if (few && at < few->count && few->offsets[at] == within)
        return 0;
    /* What is taken next is soon full. */
    if (chunk == marks->at_chunk || (few && few->count == ACT_MARKS_FEW_MAX))
        return give_words(marks, chunk) ? act_marks_put(marks, offset) : -1;
    few = few_with_room(marks, chunk);
    if (!few)
        return -1;
    memmove(few->offsets + at + 1, few->offsets + at, (few->count - at) * sizeof(within));
    few->offsets[at] = within;
    few->count++;
    return 1;
}

/* The chunk at hand is empty. */
static void leave_chunk(struct act_marks *marks)
{
    uint64_t *words = marks->chunks[marks->at_chunk];
    if (words && !marks->spare) {
        marks->spare = words;
    } else if (words) {
        free(words);
        act_os_allowance_give(&marks->allowance, CHUNK_NBYTES);
    }
    marks->chunks[marks->at_chunk--] = NULL;
    marks->at_word = ACT_MARKS_CHUNK_WORDS - 1;
}

bool act_marks_take(struct act_marks *marks, uint64_t floor, uint64_t *offset_ret)
{
    for (;;) {
        /* It cannot fail: the spare bits are there as long as the chunk at hand has none. */
        if (marks->few[marks->at_chunk])
            (void)give_words(marks, marks->at_chunk);
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
        leave_chunk(marks);
    }
}
