/* mincore, RUSAGE_THREAD, faccessat with AT_EMPTY_PATH, syscall */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/residency.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "os/linux/pagemap.h"
#include "os/linux/smaps.h"

/* Newer than the headers of systems that this is built on; the number is every machine's. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

enum {
    CHUNK_PAGES = 4096, /* asked for at a time */
    BLOCK_NBYTES = 512  /* the unit of ru_inblock */
};

struct range {
    uint64_t off;
    uint64_t nbytes;
};

struct counts {
    uint64_t cached;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted;
    uint64_t evicted_recently;
};

static uint64_t pages_of(uint64_t nbytes)
{
    uint64_t page = act_os_page_nbytes();
    return nbytes / page + (nbytes % page != 0);
}

static void clear_bits(uint8_t *bits, uint64_t pages)
{
    memset(bits, 0, (size_t)((pages + 7) / 8));
}

/* How many pages cachestat counts in part of a file; false if it does not say. */
static bool count_cached(int fd, uint64_t off, uint64_t nbytes, struct counts *counts_ret)
{
    struct range range = {off, nbytes};
    memset(counts_ret, 0, sizeof(*counts_ret));
    return syscall(SYS_cachestat, fd, &range, counts_ret, 0) == 0;
}

/* The file that is mapped; -1 if it was not kept open. */
static int file_of(const struct act_os_bytes *map)
{
    return (int)(map->handle - 1);
}

/* ---------------------------------------------------------------------------------- page tables */

bool act_os_pages_present(const uint8_t *bytes, uint64_t nbytes, uint8_t *bits)
{
    uint64_t page = act_os_page_nbytes();
    uint64_t first = (uintptr_t)bytes / page * page;
    uint64_t end = first + pages_of((uintptr_t)bytes % page + nbytes) * page;
    struct act_pagemap_found found;
    int fd = act_pagemap_open();
    if (fd < 0)
        return false;
    bool known = true;
    for (uint64_t start = first; known && start < end;) {
        known = act_pagemap_next(fd, &start, end, UINT64_MAX, &found);
        for (int i = 0; known && i < found.count; i++)
            for (uint64_t at = found.ranges[i].start; at < found.ranges[i].end; at += page)
                act_set_bit(bits, (at - first) / page);
    }
    close(fd);
    return known;
}

/* ----------------------------------------------------------------------------------- page cache */

/* Counts the pages that mincore calls resident; false if it does not say. */
static bool ask_mincore(const uint8_t *bytes, uint64_t pages, uint8_t *bits, uint64_t *count_ret)
{
    unsigned char there[CHUNK_PAGES];
    uint64_t page = act_os_page_nbytes();
    *count_ret = 0;
    for (uint64_t at = 0; at < pages; at += CHUNK_PAGES) {
        uint64_t count = pages - at < CHUNK_PAGES ? pages - at : CHUNK_PAGES;
        int done;
        do {
            done = mincore((void *)(uintptr_t)(bytes + at * page), (size_t)(count * page), there);
        } while (done != 0 && errno == EAGAIN);
        if (done != 0)
            return false;
        for (uint64_t i = 0; i < count; i++) {
            if (there[i] & 1) {
                act_set_bit(bits, at + i);
                ++*count_ret;
            }
        }
    }
    return true;
}

/*
 * Fills in the bits of a range by halves: what is all there, or not at all, is known at once. The
 * ranges that wait are each half of the one before, and so never more than there are bits in an
 * offset.
 */
static bool bisect_cached(int fd, uint64_t pages, uint8_t *bits)
{
    struct range waiting[66];
    uint64_t page = act_os_page_nbytes();
    size_t count = 0;
    waiting[count++] = (struct range){0, pages};
    while (count) {
        struct range range = waiting[--count];
        struct counts counts;
        if (!count_cached(fd, range.off * page, range.nbytes * page, &counts))
            return false;
        if (counts.cached >= range.nbytes) {
            for (uint64_t i = 0; i < range.nbytes; i++)
                act_set_bit(bits, range.off + i);
        } else if (counts.cached) {
            uint64_t half = range.nbytes / 2;
            waiting[count++] = (struct range){range.off + half, range.nbytes - half};
            waiting[count++] = (struct range){range.off, half};
        }
    }
    return true;
}

/*
 * Since Linux 5.2 mincore tells the truth to those only who own the file or may write it, and calls
 * all pages resident to others. cachestat follows the same rule since 6.13, with an error.
 */
static bool may_know(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
        return true;
    return faccessat(fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

/* Whether it is true that all pages are there; if it is not, what is true, where that is known. */
static act_residency_source check_all(int fd, uint64_t pages, uint8_t *bits)
{
    struct counts counts;
    if (fd < 0)
        return ACT_RESIDENCY_UNKNOWN;
    if (!count_cached(fd, 0, pages * act_os_page_nbytes(), &counts))
        return errno != EPERM && may_know(fd) ? ACT_RESIDENCY_MINCORE : ACT_RESIDENCY_UNKNOWN;
    if (counts.cached >= pages)
        return ACT_RESIDENCY_MINCORE;
    clear_bits(bits, pages);
    return bisect_cached(fd, pages, bits) ? ACT_RESIDENCY_CACHESTAT : ACT_RESIDENCY_UNKNOWN;
}

static uint64_t count_bits(const uint8_t *bits, uint64_t pages)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < pages; i++)
        count += act_bit(bits, i);
    return count;
}

act_residency_source act_os_pages_cached(const struct act_os_bytes *map, uint8_t *bits)
{
    uint64_t pages = pages_of(map->nbytes);
    uint64_t count;
    bool told = ask_mincore(map->bytes, pages, bits, &count);
    if (told && count > 0 && count < pages)
        return ACT_RESIDENCY_MINCORE;
    act_residency_source source = ACT_RESIDENCY_UNKNOWN;
    if (told && count)
        source = check_all(file_of(map), pages, bits);
    if (source != ACT_RESIDENCY_UNKNOWN)
        return source;
    /* What this process has is in memory for certain. */
    clear_bits(bits, pages);
    bool present = act_os_pages_present(map->bytes, map->nbytes, bits);
    if (told && count == (present ? count_bits(bits, pages) : 0))
        return ACT_RESIDENCY_MINCORE;
    return present ? ACT_RESIDENCY_PAGEMAP : ACT_RESIDENCY_UNKNOWN;
}

void act_os_mapping_usage(const uint8_t *bytes, uint64_t nbytes, struct act_os_usage *usage_ret)
{
    uint64_t start = (uintptr_t)bytes;
    act_os_smaps_usage("/proc/self/smaps", start, start + pages_of(nbytes) * act_os_page_nbytes(),
                       usage_ret);
}

static act_amount amount_of(uint64_t pages)
{
    return (act_amount){pages * act_os_page_nbytes(), true};
}

void act_os_cache_totals(const struct act_os_bytes *map, struct act_os_cache *cache_ret)
{
    struct counts counts;
    int fd = file_of(map);
    memset(cache_ret, 0, sizeof(*cache_ret));
    if (fd < 0 || !count_cached(fd, 0, map->nbytes, &counts))
        return;
    cache_ret->cached = amount_of(counts.cached);
    cache_ret->dirty = amount_of(counts.dirty);
    cache_ret->writeback = amount_of(counts.writeback);
    cache_ret->evicted = amount_of(counts.evicted);
    cache_ret->evicted_recently = amount_of(counts.evicted_recently);
}

void act_os_faults(act_faults_of whose, act_faults *faults_ret)
{
    struct rusage usage;
    memset(faults_ret, 0, sizeof(*faults_ret));
    if (getrusage(whose == ACT_FAULTS_PROCESS ? RUSAGE_SELF : RUSAGE_THREAD, &usage) != 0)
        return;
    faults_ret->known = true;
    faults_ret->minor = (uint64_t)usage.ru_minflt;
    faults_ret->major = (uint64_t)usage.ru_majflt;
    faults_ret->read_nbytes = (uint64_t)usage.ru_inblock * BLOCK_NBYTES;
}
