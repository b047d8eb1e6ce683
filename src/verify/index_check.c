#include "verify/index_check.h"

#include <string.h>

#include "base/hash.h"
#include "format/file.h"
#include "os/paging.h"
#include "read/budget.h"
#include "read/map.h"
#include "verify/segments.h"

typedef unsigned long long ull; /* what %llu takes */

enum {
    BLOCKS_A_LOOK = 64, /* blocks between two looks at the clock */
    /* Where pages are read one by one, so many blocks are asked for as often as this; so half of
     * them are there before. */
    BLOCKS_ASKED = 8,
    BLOCKS_AHEAD = 2 * BLOCKS_ASKED
};

static act_status break_header(struct act_sweep *sweep, uint64_t offset, const char *what,
                               act_error *error)
{
    return act_sweep_break(sweep, error, ACT_RULE_INDEX_HEADER, offset, "%s", what);
}

static bool all_zero(const uint8_t *bytes, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* A file that was not merged into is as long as its index says, and has its root. */
static act_status check_unmerged(struct act_sweep *sweep, act_error *error)
{
    const struct act_index *index = sweep->index;
    if (sweep->file_nbytes != index->file_nbytes)
        return break_header(sweep, index->file_nbytes,
                            "the file goes on after its end as the index has it", error);
    if (sweep->root != index->root)
        return break_header(sweep, ACT_ROOT_OFF, "the root is not the one that the index has",
                            error);
    return ACT_OK;
}

act_status act_index_check_header(struct act_sweep *sweep, enum act_index_state state,
                                  act_error *error)
{
    const uint8_t *bytes = sweep->arena.bytes;
    if (state == ACT_INDEX_DAMAGED)
        return break_header(sweep, ACT_INDEX_OFF, "the header of the index is damaged", error);
    if (state == ACT_INDEX_NONE && act_index_was_there(bytes, sweep->file_nbytes))
        return break_header(sweep, ACT_INDEX_OFF, "the header of the index is gone", error);
    if (state != ACT_INDEX_VALID)
        return ACT_OK;
    uint64_t copy_off = act_index_copy_off(sweep->index->file_nbytes);
    if (memcmp(bytes + ACT_INDEX_OFF, bytes + copy_off, ACT_INDEX_NBYTES) != 0)
        return break_header(sweep, copy_off, "the copy of the index's header is not equal to it",
                            error);
    struct act_trailer trailer;
    bool merged = act_trailer_read(bytes, sweep->file_nbytes, &trailer) &&
                  sweep->file_nbytes >= sweep->index->file_nbytes + ACT_TRAILER_NBYTES;
    act_status status = merged ? ACT_OK : check_unmerged(sweep, error);
    uint64_t tail_off = sweep->index->file_nbytes - ACT_INDEX_TAIL_NBYTES;
    if (status == ACT_OK && !all_zero(bytes + tail_off, ACT_INDEX_TAIL_NBYTES))
        status = act_sweep_break(sweep, error, ACT_RULE_TAIL, tail_off,
                                 "the last %d bytes of an indexed file are not all zero",
                                 ACT_INDEX_TAIL_NBYTES);
    return status == ACT_OK && merged ? act_segments_check_newest(sweep, error) : status;
}

static void ask_ahead(const uint8_t *bytes, uint64_t from, uint64_t end)
{
    uint64_t nbytes = (uint64_t)BLOCKS_AHEAD * ACT_SUMS_BLOCK_NBYTES;
    act_os_paging_fetch(bytes + from, end - from < nbytes ? end - from : nbytes);
}

act_status act_index_check_sums(struct act_sweep *sweep, act_error *error)
{
    const struct act_index *index = sweep->index;
    const uint8_t *bytes = sweep->arena.bytes;
    uint64_t count = act_sums_count(index->sums_off);
    const uint8_t *sums = bytes + index->sums_off;
    if (act_hash64(sums, (size_t)count * ACT_SUM_NBYTES, 0) != index->sums_hash)
        return act_sweep_break(sweep, error, ACT_RULE_CHECKSUM, index->sums_off,
                               "the checksums do not match their own checksum");
    bool single = act_map_reads_single(sweep->map);
    for (uint64_t block = 0; block < count; block++) {
        uint64_t from = act_sums_begin(block);
        uint64_t to = act_sums_end(block, index->sums_off);
        if (single && block % BLOCKS_ASKED == 0)
            ask_ahead(bytes, from, index->sums_off);
        if (act_hash64(bytes + from, (size_t)(to - from), 0) !=
            act_load_le64(sums + ACT_SUM_NBYTES * block))
            return act_sweep_break(sweep, error, ACT_RULE_CHECKSUM, from,
                                   "the bytes up to offset %llu do not match their checksum",
                                   (ull)to);
        act_budget_keep(sweep->map);
        if (block % BLOCKS_A_LOOK == 0 && !act_pace_tell(&sweep->pace, sweep->root + from))
            return ACT_STOPPED;
    }
    return ACT_OK;
}
