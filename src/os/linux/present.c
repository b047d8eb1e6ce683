/* What of a mapping is present in this process, as /proc/self says. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/paging.h"

/*
 * The request of Linux 6.7 for the pages of a range that are of some kind, as linux/fs.h has it;
 * older systems' headers have not. It takes a hundredth of the time of reading an entry for each
 * page where there are huge pages, or none.
 */
struct scan_region {
    uint64_t start, end, categories;
};

struct scan_request {
    uint64_t size, flags, start, end, walk_end, regions, regions_count, pages_max;
    uint64_t category_inverted, category_mask, category_any_mask, return_mask;
};

#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)

enum {
    SCAN_PRESENT = 1 << 3,
    REGIONS = 512,
    ENTRIES = 2048,    /* of the file pagemap, to read at once */
    ENTRY_PRESENT = 63 /* the bit */
};

/* Sets of pages that are present, in ascending order, as found in one go. */
struct found {
    struct scan_region regions[REGIONS];
    int count;
};

/* Finds what is present from *start_ref on, so many pages at the most (0: no limit), and moves that
 * to where it went; false if it cannot be asked for. */
static bool scan(int fd, uint64_t *start_ref, uint64_t end, uint64_t pages_max, struct found *found)
{
    struct scan_request request;
    memset(&request, 0, sizeof(request));
    request.size = sizeof(request);
    request.start = *start_ref;
    request.end = end;
    request.regions = (uint64_t)(uintptr_t)found->regions;
    request.regions_count = REGIONS;
    request.pages_max = pages_max;
    request.category_mask = SCAN_PRESENT;
    request.return_mask = SCAN_PRESENT;
    found->count = ioctl(fd, SCAN_REQUEST, &request);
    *start_ref = request.walk_end > *start_ref ? request.walk_end : end;
    return found->count >= 0;
}

/* The same from an entry for each page. */
static bool read_entries(int fd, uint64_t *start_ref, uint64_t end, uint64_t page,
                         struct found *found)
{
    uint64_t entries[ENTRIES];
    uint64_t left = (end - *start_ref) / page;
    size_t wanted = (size_t)(left < ENTRIES ? left : ENTRIES) * sizeof(entries[0]);
    ssize_t nbytes = pread(fd, entries, wanted, (off_t)(*start_ref / page * sizeof(entries[0])));
    size_t count = nbytes > 0 ? (size_t)nbytes / sizeof(entries[0]) : 0;
    struct scan_region *last = NULL;
    found->count = 0;
    size_t i = 0;
    for (; i < count; i++) {
        uint64_t at = *start_ref + i * page;
        if (!(entries[i] >> ENTRY_PRESENT)) {
            last = NULL;
        } else if (last) {
            last->end = at + page;
        } else if (found->count < REGIONS) {
            last = &found->regions[found->count++];
            *last = (struct scan_region){at, at + page, SCAN_PRESENT};
        } else {
            break;
        }
    }
    *start_ref += i * page;
    return count > 0;
}

/* Finds what comes next; UINT64_MAX pages: no limit. False if nothing can be known. */
static bool find_present(int fd, uint64_t *start_ref, uint64_t end, uint64_t pages_max,
                         struct found *found)
{
    uint64_t start = *start_ref;
    if (scan(fd, start_ref, end, pages_max == UINT64_MAX ? 0 : pages_max, found))
        return true;
    *start_ref = start;
    return read_entries(fd, start_ref, end, (uint64_t)sysconf(_SC_PAGESIZE), found);
}

static int open_pagemap(void)
{
    return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

uint64_t act_os_paging_resident(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t start = (uint64_t)(uintptr_t)bytes / page * page;
    uint64_t end = ((uint64_t)(uintptr_t)bytes + nbytes + page - 1) / page * page;
    uint64_t present = 0;
    struct found found;
    int fd = open_pagemap();
    bool ok = fd >= 0;
    while (ok && start < end) {
        ok = find_present(fd, &start, end, UINT64_MAX, &found);
        for (int i = 0; ok && i < found.count; i++)
            present += found.regions[i].end - found.regions[i].start;
    }
    if (fd >= 0)
        close(fd);
    return ok ? present : UINT64_MAX;
}

uint64_t act_os_paging_release_some(const struct act_os_bytes *map, uint64_t *off_ref, uint64_t end,
                                    uint64_t nbytes_max)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t base = (uint64_t)(uintptr_t)map->bytes;
    uint64_t start = base + (*off_ref + page - 1) / page * page;
    uint64_t stop = base + (end < map->nbytes ? end / page : (end + page - 1) / page) * page;
    uint64_t released = 0;
    struct found found;
    int fd = open_pagemap();
    bool ok = fd >= 0;
    while (ok && start < stop && released < nbytes_max) {
        ok = find_present(fd, &start, stop, (nbytes_max - released + page - 1) / page, &found);
        for (int i = 0; ok && i < found.count; i++) {
            const struct scan_region *region = &found.regions[i];
            uint64_t nbytes = region->end - region->start;
            if (madvise((void *)(uintptr_t)region->start, (size_t)nbytes, MADV_DONTNEED) == 0)
                released += nbytes;
        }
    }
    if (fd >= 0)
        close(fd);
    *off_ref = start < stop ? start - base : end;
    return ok ? released : UINT64_MAX;
}

/* Reads a number, and the character behind it, which *at_ref passes; false if it is another. */
static bool take_number(const char **at_ref, int base, char behind, uint64_t *number_ret)
{
    char *end;
    *number_ret = strtoull(*at_ref, &end, base);
    bool taken = end != *at_ref && *end == behind;
    *at_ref = end + 1;
    return taken;
}

/* The number of kB in a line like "AnonHugePages:  2048 kB", if it is one of huge pages. */
static uint64_t huge_kib(const char *line)
{
    static const char *const labels[] = {"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"};
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const char *at = line + strlen(labels[i]);
        uint64_t kib;
        if (strncmp(line, labels[i], strlen(labels[i])) == 0 && take_number(&at, 10, ' ', &kib))
            return kib;
    }
    return 0;
}

/* The third number of "SIZE RESIDENT SHARED ...", in pages. */
uint64_t act_os_paging_files_resident(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return UINT64_MAX;
    ssize_t nbytes = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[nbytes > 0 ? nbytes : 0] = '\0';
    const char *at = text;
    uint64_t pages = 0;
    for (int i = 0; i < 3; i++)
        if (!take_number(&at, 10, ' ', &pages))
            return UINT64_MAX;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t act_os_paging_huge(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t start = (uint64_t)(uintptr_t)bytes;
    uint64_t kib = 0;
    bool within = false; /* the lines are about a part of it */
    char line[512];
    FILE *smaps = fopen("/proc/self/smaps", "re");
    if (!smaps)
        return 0;
    while (fgets(line, sizeof(line), smaps)) {
        const char *at = line;
        uint64_t from;
        uint64_t to;
        if (take_number(&at, 16, '-', &from) && take_number(&at, 16, ' ', &to))
            within = from < start + nbytes && to > start;
        else if (within)
            kib += huge_kib(line);
    }
    fclose(smaps);
    return kib * 1024 < nbytes ? kib * 1024 : nbytes;
}
