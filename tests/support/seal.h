/* Indexed files, changed by somebody who makes their checksums match again. */
#ifndef TESTS_SUPPORT_SEAL_H
#define TESTS_SUPPORT_SEAL_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "format/index.h"
#include "support/check.h"

/* Writes the checksums that the bytes of an indexed file have, and both of its headers. */
static inline void seal(uint8_t *bytes, struct act_index *index)
{
    uint64_t count = act_sums_count(index->sums_off);
    for (uint64_t block = 0; block < count; block++) {
        uint64_t begin = act_sums_begin(block);
        uint64_t end = act_sums_end(block, index->sums_off);
        act_store_le64(bytes + index->sums_off + ACT_SUM_NBYTES * block,
                       act_hash64(bytes + begin, (size_t)(end - begin), 0));
    }
    index->sums_hash = act_hash64(bytes + index->sums_off, (size_t)count * ACT_SUM_NBYTES, 0);
    act_index_write(bytes + ACT_INDEX_OFF, index);
    memcpy(bytes + act_index_copy_off(index->file_nbytes), bytes + ACT_INDEX_OFF, ACT_INDEX_NBYTES);
}

/*
 * The same file with so many whole blocks that nothing refers to before all else: as long as they
 * are not read there is something left to compare. `*bytes_ref` becomes another piece of memory.
 */
static inline void seal_behind_blocks(uint8_t **bytes_ref, size_t *nbytes_ref, uint64_t blocks,
                                      struct act_index *index_ret)
{
    uint64_t more = blocks * ACT_SUMS_BLOCK_NBYTES;
    assert_int_equal(act_index_read(*bytes_ref, *nbytes_ref, index_ret), ACT_INDEX_VALID);
    assert_int_equal(index_ret->file_nbytes, *nbytes_ref);
    uint64_t arena_nbytes = index_ret->sums_off - ACT_INDEX_END;
    index_ret->root += more;
    index_ret->jump_end += more;
    index_ret->hot_off += more;
    index_ret->sums_off += more;
    index_ret->file_nbytes = index_ret->sums_off +
                             act_sums_count(index_ret->sums_off) * ACT_SUM_NBYTES +
                             ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES;
    uint8_t *bytes = calloc(1, (size_t)index_ret->file_nbytes);
    assert_non_null(bytes);
    memcpy(bytes, *bytes_ref, ACT_INDEX_END);
    act_store_le64(bytes + ACT_ROOT_OFF, index_ret->root);
    memcpy(bytes + ACT_INDEX_END + more, *bytes_ref + ACT_INDEX_END, (size_t)arena_nbytes);
    free(*bytes_ref);
    *bytes_ref = bytes;
    *nbytes_ref = (size_t)index_ret->file_nbytes;
    seal(bytes, index_ret);
}

/*
 * An indexed file of these bytes, from ACT_INDEX_END on, all of them hot; the root lies at `root`.
 * To be freed by the caller.
 */
static inline uint8_t *seal_arena(const uint8_t *arena, size_t arena_nbytes, uint64_t root,
                                  size_t *nbytes_ret)
{
    struct act_index index = {.root = root, .hot_off = ACT_INDEX_END};
    index.sums_off = index.jump_end = ACT_INDEX_END + arena_nbytes;
    index.file_nbytes = index.sums_off + act_sums_count(index.sums_off) * ACT_SUM_NBYTES +
                        ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES;
    uint8_t *bytes = calloc(1, (size_t)index.file_nbytes);
    assert_non_null(bytes);
    memcpy(bytes, ACT_MAGIC, ACT_MAGIC_NBYTES);
    act_store_le64(bytes + ACT_ROOT_OFF, root);
    memcpy(bytes + ACT_INDEX_END, arena, arena_nbytes);
    seal(bytes, &index);
    *nbytes_ret = (size_t)index.file_nbytes;
    return bytes;
}

#endif
