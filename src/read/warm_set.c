#include "read/warm_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "format/varint.h"
#include "os/file.h"
#include "os/map.h"
#include "read/guard.h"
#include "read/map.h"
#include "read/residency.h"

enum {
    MAGIC_NBYTES = 8,
    VERSION = 1,
    HEAD_NBYTES = 256, /* of the map's file, that are hashed */
    HEADER_NBYTES = 56,
    SUM_NBYTES = 8,
    VARINT_NBYTES_MAX = 9
};

static const char magic[] = "ACTwarm1";

typedef unsigned long long ull; /* what %llu takes */

static uint64_t hash_head(const struct act_map *map)
{
    uint64_t nbytes = map->file_nbytes < HEAD_NBYTES ? map->file_nbytes : HEAD_NBYTES;
    return act_hash64(map->arena.bytes, (size_t)nbytes, 0);
}

/* Pages that a file of the set's has. */
static uint64_t pages_in_file(const act_warm_set *set)
{
    return set->file_nbytes / set->page_nbytes + (set->file_nbytes % set->page_nbytes != 0);
}

static bool is_page_size(uint64_t nbytes)
{
    return nbytes >= 512 && nbytes <= (uint64_t)1 << 30 && (nbytes & (nbytes - 1)) == 0;
}

/* -------------------------------------------------------------------------------- making a set */

/* A run after all others. */
static bool add_run(act_warm_set *set, uint64_t first, uint64_t count)
{
    if (!act_reserve(&set->runs, &set->runs_capacity, set->runs_count + 1, sizeof(*set->runs)))
        return false;
    set->runs[set->runs_count++] = (struct act_page_run){first, count};
    set->pages += count;
    return true;
}

static bool add_pages(act_warm_set *set, const uint8_t *bits)
{
    uint64_t pages = pages_in_file(set);
    for (uint64_t page = 0; page < pages;) {
        if (page % 8 == 0 && !bits[page / 8]) {
            page += 8;
            continue;
        }
        uint64_t first = page;
        while (page < pages && act_bit(bits, page))
            page++;
        if (page > first && !add_run(set, first, page - first))
            return false;
        page += page == first;
    }
    return true;
}

act_status act_warm_set_of_pages(const act_map *map, const uint8_t *pages, uint64_t page_nbytes,
                                 act_warm_set **set_ret, act_error *error)
{
    if (!set_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the set");
    *set_ret = NULL;
    if (!map || !pages || !is_page_size(page_nbytes))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "no map, no pages, or a size that pages do not have");
    act_warm_set *set = calloc(1, sizeof(*set));
    if (!set)
        return act_fail_nomem(error);
    set->page_nbytes = page_nbytes;
    set->file_nbytes = map->file_nbytes;
    set->root = map->root;
    set->head_hash = hash_head(map);
    act_status status = act_guarded(map, ACT_OK, error);
    if (status == ACT_OK && !add_pages(set, pages))
        status = act_fail_nomem(error);
    if (status == ACT_OK)
        *set_ret = set;
    else
        act_warm_set_close(set);
    return status;
}

act_status act_warm_set_take(const act_map *map, const act_residency *residency,
                             act_warm_set **set_ret, act_error *error)
{
    if (!set_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the set");
    *set_ret = NULL;
    if (!map || !residency || !act_residency_is_of(residency, map))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "what is in memory was asked of another map");
    const uint8_t *pages = residency->cached ? residency->cached : residency->present;
    if (!residency->totals.mapped || !pages)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "the system does not tell what is in memory");
    return act_warm_set_of_pages(map, pages, residency->totals.page_nbytes, set_ret, error);
}

void act_warm_set_close(act_warm_set *set)
{
    if (!set)
        return;
    free(set->runs);
    free(set);
}

void act_warm_set_get_info(const act_warm_set *set, act_warm_set_info *info_ret)
{
    info_ret->file_nbytes = set->file_nbytes;
    info_ret->root = set->root;
    info_ret->page_nbytes = set->page_nbytes;
    info_ret->pages = set->pages;
    info_ret->runs = set->runs_count;
    info_ret->nbytes = set->pages * set->page_nbytes;
    const struct act_page_run *last = set->runs_count ? &set->runs[set->runs_count - 1] : NULL;
    uint64_t rest = set->file_nbytes % set->page_nbytes;
    if (last && rest && last->first + last->count == pages_in_file(set))
        info_ret->nbytes -= set->page_nbytes - rest;
}

act_status act_warm_set_check(const act_warm_set *set, const act_map *map, act_error *error)
{
    if (!set || !map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set, or no map");
    if (set->file_nbytes != map->file_nbytes)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a warm set of another file: of %llu bytes, not %llu",
                        (ull)set->file_nbytes, (ull)map->file_nbytes);
    if (set->root != map->root)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a warm set of another file: with its root at %llu, not %llu",
                        (ull)set->root, (ull)map->root);
    uint64_t hash = hash_head(map);
    act_status status = act_guarded(map, ACT_OK, error);
    if (status != ACT_OK)
        return status;
    if (set->head_hash != hash)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a warm set of another file: with other bytes at its front");
    return ACT_OK;
}

/* -------------------------------------------------------------------------------- as a file */

uint8_t *act_warm_set_encode(const act_warm_set *set, size_t *nbytes_ret)
{
    size_t most = HEADER_NBYTES + SUM_NBYTES + 8;
    if (set->runs_count > (SIZE_MAX - most) / (2 * VARINT_NBYTES_MAX))
        return NULL;
    uint8_t *bytes = malloc(most + set->runs_count * 2 * VARINT_NBYTES_MAX);
    if (!bytes)
        return NULL;
    memcpy(bytes, magic, MAGIC_NBYTES);
    act_store_le64(bytes + 8, VERSION | set->page_nbytes << 32);
    act_store_le64(bytes + 16, set->file_nbytes);
    act_store_le64(bytes + 24, set->root);
    act_store_le64(bytes + 32, set->head_hash);
    act_store_le64(bytes + 40, set->pages);
    act_store_le64(bytes + 48, set->runs_count);
    uint8_t *at = bytes + HEADER_NBYTES;
    uint64_t end = 0;
    for (size_t i = 0; i < set->runs_count; i++) {
        at = act_varint_write(at, set->runs[i].first - end);
        at = act_varint_write(at, set->runs[i].count);
        end = set->runs[i].first + set->runs[i].count;
    }
    size_t nbytes = (size_t)(at - bytes);
    act_store_le64(at, act_hash64(bytes, nbytes, 0));
    *nbytes_ret = nbytes + SUM_NBYTES;
    return bytes;
}

act_status act_warm_set_save(const act_warm_set *set, const char *path, act_error *error)
{
    if (!set || !path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set, or no file name");
    size_t nbytes;
    uint8_t *bytes = act_warm_set_encode(set, &nbytes);
    if (!bytes)
        return act_fail_nomem(error);
    struct act_os_output *output;
    act_status status = act_os_output_open(path, &output, error);
    if (status == ACT_OK) {
        status = act_os_output_write(output, bytes, nbytes, error);
        /* A set that is lost is no loss. */
        if (status == ACT_OK)
            status = act_os_output_commit(output, false, error);
        act_os_output_close(output);
    }
    free(bytes);
    return status;
}

/* Reads the runs, which must be what the header says, and in the file. */
static act_status decode_runs(const uint8_t *at, const uint8_t *end, uint64_t runs, uint64_t pages,
                              act_warm_set *set, const char *quoted, act_error *error)
{
    uint64_t page = 0;
    uint64_t most = pages_in_file(set);
    for (uint64_t i = 0; i < runs; i++) {
        uint64_t gap, count;
        if (!act_varint_read_checked(&at, end, &gap) || !act_varint_read_checked(&at, end, &count))
            return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                            "%s is damaged: it ends in run %llu", quoted, (ull)i);
        if (gap > most - page || count > most - page - gap || !count || (i && !gap))
            return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                            "%s is damaged: run %llu makes no sense", quoted, (ull)i);
        if (!add_run(set, page + gap, count))
            return act_fail_nomem(error);
        page += gap + count;
    }
    if (at != end || set->pages != pages)
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                        "%s is damaged: its runs are not what it says", quoted);
    return ACT_OK;
}

static act_status decode(const uint8_t *bytes, uint64_t nbytes, act_warm_set *set,
                         const char *quoted, act_error *error)
{
    if (nbytes < MAGIC_NBYTES || memcmp(bytes, magic, MAGIC_NBYTES) != 0)
        return act_fail(error, ACT_ERR_FORMAT, ACT_NO_OFFSET, "%s is not a warm set", quoted);
    if (nbytes < HEADER_NBYTES + SUM_NBYTES)
        return act_fail(error, ACT_ERR_TRUNCATED, ACT_NO_OFFSET, "%s is too short for a warm set",
                        quoted);
    uint64_t version = act_load_le64(bytes + 8) & UINT32_MAX;
    if (version != VERSION)
        return act_fail(error, ACT_ERR_FORMAT, ACT_NO_OFFSET,
                        "%s is a warm set of version %llu, not %d", quoted, (ull)version, VERSION);
    uint64_t sum = act_load_le64(bytes + nbytes - SUM_NBYTES);
    if (sum != act_hash64(bytes, (size_t)nbytes - SUM_NBYTES, 0))
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                        "%s is damaged: its checksum does not match", quoted);
    set->page_nbytes = act_load_le64(bytes + 8) >> 32;
    set->file_nbytes = act_load_le64(bytes + 16);
    set->root = act_load_le64(bytes + 24);
    set->head_hash = act_load_le64(bytes + 32);
    if (!is_page_size(set->page_nbytes))
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET, "%s is damaged: pages of %llu bytes",
                        quoted, (ull)set->page_nbytes);
    return decode_runs(bytes + HEADER_NBYTES, bytes + nbytes - SUM_NBYTES,
                       act_load_le64(bytes + 48), act_load_le64(bytes + 40), set, quoted, error);
}

act_status act_warm_set_decode(const uint8_t *bytes, uint64_t nbytes, const char *quoted,
                               act_warm_set **set_ret, act_error *error)
{
    *set_ret = NULL;
    act_warm_set *set = calloc(1, sizeof(*set));
    act_status status = set ? decode(bytes, nbytes, set, quoted, error) : act_fail_nomem(error);
    if (status == ACT_OK)
        *set_ret = set;
    else
        act_warm_set_close(set);
    return status;
}

act_status act_warm_set_load(const char *path, act_warm_set **set_ret, act_error *error)
{
    if (!set_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the set");
    *set_ret = NULL;
    if (!path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no file name");
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, path, strlen(path));
    struct act_os_bytes bytes;
    act_status status = act_os_bytes_open(path, ACT_ACCESS_READ, ACT_GUARD_NONE, 0, &bytes, error);
    if (status != ACT_OK)
        return status;
    status = act_warm_set_decode(bytes.bytes, bytes.nbytes, quoted, set_ret, error);
    act_os_bytes_close(&bytes);
    return status;
}
