#include "read/residency.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "os/residency.h"
#include "read/map.h"

bool act_residency_is_of(const act_residency *residency, const act_map *map)
{
    return residency->totals.file_nbytes == map->file_nbytes && residency->root == map->root;
}

static act_amount count_pages(const act_residency *residency, const uint8_t *bits)
{
    act_amount amount = {0, bits != NULL};
    for (uint64_t page = 0; bits && page < residency->totals.pages; page++)
        amount.nbytes += act_bit(bits, page) ? residency->totals.page_nbytes : 0;
    return amount;
}

/* Takes the bitmap away if it does not tell anything. */
static void keep_if(uint8_t **bits, bool known)
{
    if (known)
        return;
    free(*bits);
    *bits = NULL;
}

static void look(const struct act_map *map, act_residency *residency)
{
    act_residency_totals *totals = &residency->totals;
    const uint8_t *bytes = map->arena.bytes;
    struct act_os_usage usage;
    struct act_os_cache cache;
    memset(&usage, 0, sizeof(usage));
    memset(&cache, 0, sizeof(cache));
    if (totals->mapped) {
        totals->source = act_os_pages_cached(&map->os_bytes, residency->cached);
        act_os_cache_totals(&map->os_bytes, &cache);
    }
    if (map->os_bytes.mapped)
        act_os_mapping_usage(bytes, map->file_nbytes, &usage);
    keep_if(&residency->cached, totals->source != ACT_RESIDENCY_UNKNOWN);
    keep_if(&residency->present, act_os_pages_present(bytes, map->file_nbytes, residency->present));
    totals->cached = count_pages(residency, residency->cached);
    totals->present = count_pages(residency, residency->present);
    totals->rss = usage.rss;
    totals->pss = usage.pss;
    totals->locked = usage.locked;
    totals->huge = usage.huge;
    totals->swapped = usage.swapped;
    totals->dirty = cache.dirty;
    totals->writeback = cache.writeback;
    totals->evicted = cache.evicted;
    totals->evicted_recently = cache.evicted_recently;
}

act_status act_map_residency(const act_map *map, act_residency **residency_ret, act_error *error)
{
    if (!residency_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the residency");
    *residency_ret = NULL;
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    act_residency *residency = calloc(1, sizeof(*residency));
    if (!residency)
        return act_fail_nomem(error);
    act_residency_totals *totals = &residency->totals;
    totals->file_nbytes = map->file_nbytes;
    totals->page_nbytes = act_os_page_nbytes();
    totals->mapped = act_map_is_paged(map);
    /* Bytes that are not mapped may begin anywhere in a page. */
    uint64_t before = (uintptr_t)map->arena.bytes % totals->page_nbytes;
    totals->pages = (before + map->file_nbytes - 1) / totals->page_nbytes + 1;
    residency->root = map->root;
    residency->indexed = map->index_state == ACT_INDEX_VALID;
    if (residency->indexed)
        residency->index = map->index;
    size_t nbytes = (size_t)(totals->pages / 8 + 1);
    residency->cached = calloc(1, nbytes);
    residency->present = calloc(1, nbytes);
    if (!residency->cached || !residency->present) {
        act_residency_close(residency);
        return act_fail_nomem(error);
    }
    look(map, residency);
    *residency_ret = residency;
    return ACT_OK;
}

void act_residency_close(act_residency *residency)
{
    if (!residency)
        return;
    free(residency->cached);
    free(residency->present);
    free(residency);
}

void act_residency_get_totals(const act_residency *residency, act_residency_totals *totals_ret)
{
    *totals_ret = residency->totals;
}

const uint8_t *act_residency_cached_pages(const act_residency *residency)
{
    return residency->cached;
}

const uint8_t *act_residency_present_pages(const act_residency *residency)
{
    return residency->present;
}

/* ------------------------------------------------------------------------------------- regions */

const char *act_section_name(act_section region)
{
    switch (region) {
    case ACT_SECTION_HEADER:
        return "header";
    case ACT_SECTION_ARENA:
        return "arena";
    case ACT_SECTION_PAGES:
        return "pages";
    case ACT_SECTION_HOT:
        return "hot region";
    case ACT_SECTION_CHECKSUMS:
        return "checksums";
    case ACT_SECTION_TAIL:
        return "tail";
    case ACT_SECTION_MERGED:
        return "merged";
    }
    return "unknown region";
}

/* Bytes from `off` to `end` that lie in pages of the bitmap. */
static act_amount count_bytes(const act_residency *residency, const uint8_t *bits, uint64_t off,
                              uint64_t end)
{
    act_amount amount = {0, bits != NULL};
    uint64_t page_nbytes = residency->totals.page_nbytes;
    while (bits && off < end) {
        uint64_t page = off / page_nbytes;
        uint64_t page_end = (page + 1) * page_nbytes;
        uint64_t next = page_end < end ? page_end : end;
        if (act_bit(bits, page))
            amount.nbytes += next - off;
        off = next;
    }
    return amount;
}

struct list {
    act_section_residency *regions;
    size_t count;
    uint64_t off;
};

/* The next region, up to `end`; none if that is nothing. */
static void add_region(struct list *list, act_section region, uint64_t end)
{
    if (end <= list->off)
        return;
    act_section_residency *added = &list->regions[list->count++];
    memset(added, 0, sizeof(*added));
    added->region = region;
    added->off = list->off;
    added->nbytes = end - list->off;
    list->off = end;
}

size_t act_residency_get_sections(const act_residency *residency,
                                  act_section_residency regions_ret[ACT_SECTIONS_MAX])
{
    const struct act_index *index = &residency->index;
    uint64_t file_nbytes = residency->totals.file_nbytes;
    struct list list = {regions_ret, 0, 0};
    if (residency->indexed) {
        add_region(&list, ACT_SECTION_HEADER, ACT_INDEX_END);
        add_region(&list, ACT_SECTION_PAGES, index->hot_off);
        add_region(&list, ACT_SECTION_HOT, index->sums_off);
        add_region(&list, ACT_SECTION_CHECKSUMS, act_index_copy_off(index->file_nbytes));
        add_region(&list, ACT_SECTION_TAIL, index->file_nbytes);
        add_region(&list, ACT_SECTION_MERGED, file_nbytes);
    } else {
        add_region(&list, ACT_SECTION_HEADER, ACT_ARENA_OFF);
        add_region(&list, ACT_SECTION_ARENA, file_nbytes - ACT_TAIL_NBYTES);
        add_region(&list, ACT_SECTION_TAIL, file_nbytes);
    }
    /* Of bytes that are not mapped, pages have no place in the file. */
    bool mapped = residency->totals.mapped;
    for (size_t i = 0; i < list.count; i++) {
        act_section_residency *region = &regions_ret[i];
        uint64_t end = region->off + region->nbytes;
        region->cached = count_bytes(residency, residency->cached, region->off, end);
        region->present = count_bytes(residency, mapped ? residency->present : NULL, region->off,
                                      end);
    }
    return list.count;
}

/* ---------------------------------------------------------------------------------- page faults
 */

void act_faults_now(act_faults_of whose, act_faults *faults_ret)
{
    act_os_faults(whose, faults_ret);
}

void act_faults_since(act_faults_of whose, const act_faults *before, act_faults *difference_ret)
{
    act_faults now;
    act_os_faults(whose, &now);
    now.known = now.known && before->known;
    now.minor = now.known ? now.minor - before->minor : 0;
    now.major = now.known ? now.major - before->major : 0;
    now.read_nbytes = now.known ? now.read_nbytes - before->read_nbytes : 0;
    *difference_ret = now;
}
