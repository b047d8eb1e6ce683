/*
 * The index: what an indexed file holds beside its tree, in bytes that nothing in the tree refers
 * to, so that other readers pass them by. docs/FORMAT.md tells the whole.
 *
 * - A header after that of the file.
 * - Jump tables: right before the first child of each run of two siblings and more, where the
 * others lie, so that stepping over siblings becomes one load.
 * - Checksums of all bytes before them, block by block.
 * - A copy of the header, so that damage to either is seen.
 *
 * A header that is not understood, or does not match its own checksum, is no header: the file is
 * then read as a plain one.
 */
#ifndef ACT_FORMAT_INDEX_H
#define ACT_FORMAT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "format/layout.h"

#define ACT_INDEX_MAGIC "actIndex"

enum {
    ACT_INDEX_OFF = ACT_ARENA_OFF,
    ACT_INDEX_NBYTES = 240,
    ACT_INDEX_END = ACT_INDEX_OFF + ACT_INDEX_NBYTES,
    ACT_INDEX_VERSION = 1,

    ACT_PAGE_NBYTES = 4096,           /* subtrees that fit in one are kept in one */
    ACT_SUMS_BLOCK_NBYTES = 64 << 10, /* bytes to a checksum */
    ACT_SUM_NBYTES = 8,               /* of a checksum */
    ACT_INDEX_TAIL_NBYTES = 16        /* zeros that end an indexed file */
};

/* For act_arena.jump_end: all runs have jump tables. Not beyond what a signed number holds, for
 * comparing without a branch. */
#define ACT_JUMP_ALL ((uint64_t)INT64_MAX)

/* The header, decoded. Offsets count from the start of the file. */
struct act_index {
    uint64_t file_nbytes; /* of the file as it was built: what comes after was merged into it */
    uint64_t root;        /* as it was built */
    uint64_t jump_end;    /* runs that begin below have jump tables; 0: no run has */
    uint64_t hot_off;     /* here begin the nodes whose subtrees do not fit in a page */
    uint64_t sums_off;    /* of the checksums: they are of the bytes from ACT_INDEX_END to here */
    uint64_t sums_hash;   /* the checksum of the checksums */
    uint64_t keys;
    uint64_t nodes;
    uint64_t line_nbytes; /* of line data, with their lengths */
    uint64_t key_nbytes_longest;
};

/* What the bytes after a file's header are. */
enum act_index_state {
    ACT_INDEX_NONE, /* not an index */
    ACT_INDEX_VALID,
    ACT_INDEX_DAMAGED, /* begins like one, but is not what its checksum says, or makes no sense */
    ACT_INDEX_UNKNOWN  /* of a version, or with flags, that came later */
};

/* Reads a header of ACT_INDEX_NBYTES bytes, or its copy, of a file of so many bytes. */
enum act_index_state act_index_read_header(const uint8_t *header, uint64_t file_nbytes,
                                           struct act_index *index_ret);

/* Reads the header of a file of at least ACT_FILE_NBYTES_MIN bytes; fills `*index_ret` if valid. */
enum act_index_state act_index_read(const uint8_t *bytes, uint64_t file_nbytes,
                                    struct act_index *index_ret);

/* Whether these ACT_INDEX_NBYTES bytes begin like a header and match their checksum. */
bool act_index_intact(const uint8_t *header);

/*
 * Whether a file that seems to be plain ends as an indexed one does, or has a header but for the
 * magic: then its header was hit.
 */
bool act_index_was_there(const uint8_t *bytes, uint64_t file_nbytes);

/* Encodes a header. */
void act_index_write(uint8_t header_ret[ACT_INDEX_NBYTES], const struct act_index *index);

/* Where the copy of the header lies: after the checksums, before the zeros at the end. */
static inline uint64_t act_index_copy_off(uint64_t file_nbytes)
{
    return file_nbytes - ACT_INDEX_TAIL_NBYTES - ACT_INDEX_NBYTES;
}

/* How many checksums there are up to `sums_off`. */
static inline uint64_t act_sums_count(uint64_t sums_off)
{
    return (sums_off + ACT_SUMS_BLOCK_NBYTES - 1) / ACT_SUMS_BLOCK_NBYTES;
}

/* Where the bytes of a block begin and end: the first one leaves out both headers. */
static inline uint64_t act_sums_begin(uint64_t block)
{
    return block ? block * ACT_SUMS_BLOCK_NBYTES : ACT_INDEX_END;
}

static inline uint64_t act_sums_end(uint64_t block, uint64_t sums_off)
{
    uint64_t end = (block + 1) * ACT_SUMS_BLOCK_NBYTES;
    return end < sums_off ? end : sums_off;
}

/*
 * Where sibling `index`, from 1, lies according to the jump table before the run's first child, or
 * 0 if the table cannot be right. It stands in reverse: the byte before the first child tells how
 * wide its numbers are, and number i ends i widths before that byte.
 */
static ACT_ALWAYS_INLINE uint64_t act_jump_read(const uint8_t *bytes, uint64_t first_id,
                                                unsigned index)
{
    /* With this much before it, only tables of wider numbers can reach beyond the file's front. */
    if (ACT_UNLIKELY(first_id <= ACT_INDEX_END))
        return 0;
    const uint8_t *table = bytes + first_id - 1;
    unsigned width = *table;
    if (ACT_LIKELY(width == 1))
        return first_id + *(table - index);
    if (width * (uint64_t)index >= first_id - 1 - ACT_ARENA_OFF)
        return 0;
    if (width == 2)
        return first_id + act_load_le16(table - 2 * (size_t)index);
    if (width == 4)
        return first_id + act_load_le32(table - 4 * (size_t)index);
    return 0;
}

#endif
