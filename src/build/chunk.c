#include "build/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "os/memory.h"

enum {
    RECORD_NBYTES = sizeof(struct act_sort_record),
    CAPACITY_MIN = 4096,
    SMALL_NBYTES = 1 << 20,
    PREFETCH_AHEAD = 12,
    PREFETCH_SECOND = 32 /* bytes further on: half of the entries go on in another cache line */
};
/* So much is not asked for just because it is allowed. */
#define WHOLE_NBYTES_MAX ((size_t)1 << 30)

struct act_sort_record *act_chunk_records(const struct act_chunk *chunk)
{
    void *end = chunk->block + chunk->capacity;
    return (struct act_sort_record *)end - chunk->count;
}

static struct act_key key_of(const struct act_chunk *chunk, const struct act_sort_record *record)
{
    return act_key_of_entry(chunk->block + record->entry);
}

/* Moves to a larger block. False when there is no memory: it is as it was. */
static bool resize(struct act_chunk *chunk, size_t capacity, bool whole)
{
    size_t records_nbytes = chunk->count * RECORD_NBYTES;
    uint8_t *block = realloc(chunk->block, capacity);
    if (!block)
        return false;
    if (whole)
        act_os_memory_random(block, capacity);
    if (records_nbytes)
        memmove(block + capacity - records_nbytes, block + chunk->capacity - records_nbytes,
                records_nbytes);
    chunk->block = block;
    chunk->capacity = capacity;
    return true;
}

/*
 * Makes the block large enough, by half at least; and once it is no longer small, as large as it
 * may become: what is not touched costs nothing, and nothing has to be moved any more.
 */
static bool grow(struct act_chunk *chunk, size_t needed, size_t nbytes_max)
{
    if (needed > SMALL_NBYTES && needed <= nbytes_max && nbytes_max <= WHOLE_NBYTES_MAX &&
        resize(chunk, nbytes_max, true))
        return true;
    size_t capacity = chunk->capacity + chunk->capacity / 2;
    if (capacity < CAPACITY_MIN)
        capacity = CAPACITY_MIN;
    if (capacity > nbytes_max)
        capacity = nbytes_max;
    if (capacity < needed)
        capacity = needed + RECORD_NBYTES - 1;
    return resize(chunk, capacity - capacity % RECORD_NBYTES, false);
}

enum act_chunk_added act_chunk_add(struct act_chunk *chunk, size_t nbytes_max, struct act_key key,
                                   uint64_t value)
{
    size_t held = chunk->used + chunk->count * RECORD_NBYTES;
    size_t extra = 2 * (size_t)ACT_VARINT_NBYTES_MAX + ACT_SORT_SLACK_NBYTES + RECORD_NBYTES;
    if (ACT_UNLIKELY(key.nbytes > SIZE_MAX / 2 - extra - held))
        return ACT_CHUNK_NOMEM;
    size_t needed = held + extra + key.nbytes;
    if (ACT_UNLIKELY(needed > chunk->capacity)) {
        nbytes_max -= nbytes_max % RECORD_NBYTES; /* a block holds whole records */
        if (needed > nbytes_max && chunk->count)
            return ACT_CHUNK_FULL;
        if (!grow(chunk, needed, nbytes_max))
            return ACT_CHUNK_NOMEM;
    }

    uint8_t *p = act_varint_write(chunk->block + chunk->used, key.nbytes);
    struct act_key added = {p, key.nbytes};
    act_copy_bytes(p, key.bytes, key.nbytes);
    p = act_varint_write(p + key.nbytes, value);
    if (!chunk->out_of_order && chunk->count &&
        act_key_compare_from(key_of(chunk, act_chunk_records(chunk)), added, 0) > 0)
        chunk->out_of_order = true;
    chunk->count++;
    *act_chunk_records(chunk) = (struct act_sort_record){0, chunk->used};
    chunk->used = (size_t)(p - chunk->block);
    return ACT_CHUNK_ADDED;
}

/* The records lie with the last one first. */
static void reverse(struct act_sort_record *records, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct act_sort_record kept = records[i];
        records[i] = records[count - 1 - i];
        records[count - 1 - i] = kept;
    }
}

bool act_chunk_sort(struct act_chunk *chunk, struct act_pace *pace)
{
    if (chunk->sorted || !chunk->count)
        return true;
    if (!chunk->out_of_order)
        reverse(act_chunk_records(chunk), chunk->count);
    else if (!act_sort(act_chunk_records(chunk), chunk->count, NULL, chunk->block, pace))
        return false;
    chunk->sorted = true;
    return true;
}

bool act_chunk_prepare(struct act_chunk *chunk, size_t nbytes, size_t count, size_t block_nbytes)
{
    size_t needed = nbytes + ACT_SORT_SLACK_NBYTES + count * RECORD_NBYTES + RECORD_NBYTES - 1;
    needed -= needed % RECORD_NBYTES;
    block_nbytes -= block_nbytes % RECORD_NBYTES;
    if (needed > chunk->capacity) {
        act_chunk_close(chunk);
        needed = needed > block_nbytes ? needed : block_nbytes;
        chunk->block = malloc(needed);
        if (!chunk->block)
            return false;
        act_os_memory_random(chunk->block, needed);
        chunk->capacity = needed;
    }
    struct act_chunk prepared = {.block = chunk->block,
                                 .capacity = chunk->capacity,
                                 .used = nbytes,
                                 .count = count,
                                 .sorted = true};
    *chunk = prepared;
    return true;
}

static uint64_t value_after(struct act_key key)
{
    const uint8_t *p = key.bytes + key.nbytes;
    return act_varint_read(&p);
}

bool act_chunk_next(struct act_chunk *chunk, act_duplicates duplicates, struct act_joined *joined)
{
    size_t next = chunk->next;
    if (next == chunk->count)
        return false;
    const struct act_sort_record *records = act_chunk_records(chunk);
    struct act_key key = key_of(chunk, &records[next]);
    joined->key = key;
    joined->shared = next ? chunk->shared : 0;
    joined->value = value_after(key);
    joined->clash = false;
    while (++next < chunk->count) {
        if (next + PREFETCH_AHEAD < chunk->count) {
            ACT_PREFETCH(chunk->block + records[next + PREFETCH_AHEAD].entry);
            ACT_PREFETCH(chunk->block + records[next + PREFETCH_AHEAD].entry + PREFETCH_SECOND);
        }
        /* Whoever writes the keys wants to know it, and equal ones tell themselves by it. */
        struct act_key other = key_of(chunk, &records[next]);
        chunk->shared = act_common_nbytes(key.bytes, other.bytes,
                                          key.nbytes < other.nbytes ? key.nbytes : other.nbytes);
        if (chunk->shared != other.nbytes) /* and it is no lower: else it is equal */
            break;
        if (!act_join(duplicates, &joined->value, value_after(other))) {
            joined->clash = true;
            break;
        }
    }
    chunk->next = next;
    return true;
}

void act_chunk_clear(struct act_chunk *chunk, size_t nbytes_max)
{
    if (chunk->capacity > nbytes_max) {
        act_chunk_close(chunk);
        return;
    }
    struct act_chunk cleared = {.block = chunk->block, .capacity = chunk->capacity};
    *chunk = cleared;
}

void act_chunk_close(struct act_chunk *chunk)
{
    free(chunk->block);
    memset(chunk, 0, sizeof(*chunk));
}
