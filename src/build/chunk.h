/*
 * Entries in one block of memory, to be sorted there.
 *
 * From the start of the block on: for each entry the key's length, varint; the key; the value,
 * varint. From its end backwards: a record for each, which is what is sorted. So the block is full
 * when they meet, whatever share either takes. Memory for an entry: its key, 16 bytes of record, 2
 * to 18 for length and value.
 */
#ifndef ACT_BUILD_CHUNK_H
#define ACT_BUILD_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pace.h"
#include "build/duplicates.h"
#include "build/sort.h"

struct act_chunk {
    uint8_t *block; /* NULL, like all else, in a chunk that was never used */
    size_t capacity;
    size_t used; /* by entries */
    size_t count;
    bool out_of_order; /* they did not come sorted */
    bool sorted;
    size_t next;   /* of the records, to be given */
    size_t shared; /* bytes that its key shares with the one before */
};

enum act_chunk_added {
    ACT_CHUNK_ADDED,
    ACT_CHUNK_FULL, /* it would have to grow beyond the limit; never said by an empty one */
    ACT_CHUNK_NOMEM
};

/* Copies an entry into the chunk, which may grow up to `nbytes_max`; by half at a time. */
enum act_chunk_added act_chunk_add(struct act_chunk *chunk, size_t nbytes_max, struct act_key key,
                                   uint64_t value);

/* Sorts the entries, those of equal keys by their arrival. False if the callback asked to stop;
 * then it can be called again. */
bool act_chunk_sort(struct act_chunk *chunk, struct act_pace *pace);

/* The next entry of the sorted ones; false at the end. The keys stay valid as long as the chunk
 * does. */
bool act_chunk_next(struct act_chunk *chunk, act_duplicates duplicates, struct act_joined *joined);

/* The records of all entries, as they are: until they are sorted, those of the last ones first. */
struct act_sort_record *act_chunk_records(const struct act_chunk *chunk);

/*
 * Makes a chunk of so many entries that take so many bytes, which the memory that sorting may use
 * is enough for: these, and the sorted records, are then the caller's to write. If the block has to
 * grow, then to `block_nbytes` at least. False when there is no memory; then it is empty.
 */
bool act_chunk_prepare(struct act_chunk *chunk, size_t nbytes, size_t count, size_t block_nbytes);

/* Forgets the entries; keeps the block for others, unless a long key made it too large. */
void act_chunk_clear(struct act_chunk *chunk, size_t nbytes_max);

/* Frees it; it can be used again. */
void act_chunk_close(struct act_chunk *chunk);

#endif
