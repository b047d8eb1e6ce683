#include "format/index.h"

#include <string.h>

#include "base/hash.h"

/* Where the fields stand in the header. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8, /* u32 */
    AT_NBYTES = 12, /* u32: of the header */
    AT_FLAGS = 16,
    AT_FILE_NBYTES = 24,
    AT_ROOT = 32,
    AT_JUMP_END = 40,
    AT_HOT_OFF = 48,
    AT_SUMS_BLOCK_NBYTES = 56,
    AT_SUMS_OFF = 64,
    AT_SUMS_HASH = 72,
    AT_KEYS = 80,
    AT_NODES = 88,
    AT_LINE_NBYTES = 96,
    AT_KEY_NBYTES_LONGEST = 104,
    /* zeros up to here */
    AT_HASH = ACT_INDEX_NBYTES - 8 /* of all before */
};

/* No indexed file is shorter: headers, a root, a checksum, a copy, zeros. */
#define NBYTES_MIN                                                                                 \
    ((uint64_t)ACT_INDEX_END + 1 + ACT_SUM_NBYTES + ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES)

/* Whether the numbers fit each other and the file. */
static bool makes_sense(const struct act_index *index, uint64_t file_nbytes)
{
    uint64_t sums_nbytes = act_sums_count(index->sums_off) * ACT_SUM_NBYTES;
    uint64_t end = act_index_copy_off(index->file_nbytes);
    return index->file_nbytes <= file_nbytes && index->file_nbytes >= NBYTES_MIN &&
           index->sums_off > ACT_INDEX_END && index->sums_off <= end &&
           sums_nbytes == end - index->sums_off && index->root >= ACT_INDEX_END &&
           index->root < index->sums_off && index->jump_end <= index->sums_off &&
           index->hot_off >= ACT_INDEX_END && index->hot_off <= index->root;
}

bool act_index_intact(const uint8_t *header)
{
    return memcmp(header + AT_MAGIC, ACT_INDEX_MAGIC, 8) == 0 &&
           act_load_le64(header + AT_HASH) == act_hash64(header, AT_HASH, 0);
}

enum act_index_state act_index_read(const uint8_t *bytes, uint64_t file_nbytes,
                                    struct act_index *index_ret)
{
    if (file_nbytes >= ACT_INDEX_END)
        return act_index_read_header(bytes + ACT_INDEX_OFF, file_nbytes, index_ret);
    /* Cut off: it would be damaged once the file has grown. */
    return memcmp(bytes + ACT_INDEX_OFF, ACT_INDEX_MAGIC, 8) == 0 ? ACT_INDEX_DAMAGED
                                                                  : ACT_INDEX_NONE;
}

enum act_index_state act_index_read_header(const uint8_t *header, uint64_t file_nbytes,
                                           struct act_index *index_ret)
{
    if (memcmp(header + AT_MAGIC, ACT_INDEX_MAGIC, 8) != 0)
        return ACT_INDEX_NONE;
    if (!act_index_intact(header))
        return ACT_INDEX_DAMAGED;
    if (act_load_le32(header + AT_VERSION) != ACT_INDEX_VERSION ||
        act_load_le64(header + AT_FLAGS) != 0 ||
        act_load_le64(header + AT_SUMS_BLOCK_NBYTES) != ACT_SUMS_BLOCK_NBYTES)
        return ACT_INDEX_UNKNOWN;
    index_ret->file_nbytes = act_load_le64(header + AT_FILE_NBYTES);
    index_ret->root = act_load_le64(header + AT_ROOT);
    index_ret->jump_end = act_load_le64(header + AT_JUMP_END);
    index_ret->hot_off = act_load_le64(header + AT_HOT_OFF);
    index_ret->sums_off = act_load_le64(header + AT_SUMS_OFF);
    index_ret->sums_hash = act_load_le64(header + AT_SUMS_HASH);
    index_ret->keys = act_load_le64(header + AT_KEYS);
    index_ret->nodes = act_load_le64(header + AT_NODES);
    index_ret->line_nbytes = act_load_le64(header + AT_LINE_NBYTES);
    index_ret->key_nbytes_longest = act_load_le64(header + AT_KEY_NBYTES_LONGEST);
    return makes_sense(index_ret, file_nbytes) ? ACT_INDEX_VALID : ACT_INDEX_DAMAGED;
}

bool act_index_was_there(const uint8_t *bytes, uint64_t file_nbytes)
{
    uint8_t header[ACT_INDEX_NBYTES];
    if (file_nbytes < ACT_INDEX_END)
        return false;
    memcpy(header, bytes + ACT_INDEX_OFF, sizeof(header));
    memcpy(header, ACT_INDEX_MAGIC, ACT_MAGIC_NBYTES);
    if (act_index_intact(header))
        return true;
    return file_nbytes >= ACT_INDEX_END + ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES &&
           act_index_intact(bytes + act_index_copy_off(file_nbytes));
}

void act_index_write(uint8_t header_ret[ACT_INDEX_NBYTES], const struct act_index *index)
{
    memset(header_ret, 0, ACT_INDEX_NBYTES);
    memcpy(header_ret + AT_MAGIC, ACT_INDEX_MAGIC, 8);
    act_store_le32(header_ret + AT_VERSION, ACT_INDEX_VERSION);
    act_store_le32(header_ret + AT_NBYTES, ACT_INDEX_NBYTES);
    act_store_le64(header_ret + AT_FILE_NBYTES, index->file_nbytes);
    act_store_le64(header_ret + AT_ROOT, index->root);
    act_store_le64(header_ret + AT_JUMP_END, index->jump_end);
    act_store_le64(header_ret + AT_HOT_OFF, index->hot_off);
    act_store_le64(header_ret + AT_SUMS_BLOCK_NBYTES, ACT_SUMS_BLOCK_NBYTES);
    act_store_le64(header_ret + AT_SUMS_OFF, index->sums_off);
    act_store_le64(header_ret + AT_SUMS_HASH, index->sums_hash);
    act_store_le64(header_ret + AT_KEYS, index->keys);
    act_store_le64(header_ret + AT_NODES, index->nodes);
    act_store_le64(header_ret + AT_LINE_NBYTES, index->line_nbytes);
    act_store_le64(header_ret + AT_KEY_NBYTES_LONGEST, index->key_nbytes_longest);
    act_store_le64(header_ret + AT_HASH, act_hash64(header_ret, AT_HASH, 0));
}
