/* pread of large offsets, ioctl */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/linux/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/map.h"

/*
 * The request of Linux 6.7 for the pages of a range that are of some kind, as linux/fs.h has it;
 * older systems' headers have not. It takes a hundredth of the time of reading an entry for each
 * page where there are huge pages, or none.
 */
struct scan_request {
    uint64_t size, flags, start, end, walk_end, regions, regions_count, pages_max;
    uint64_t category_inverted, category_mask, category_any_mask, return_mask;
};

#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)

enum {
    SCAN_PRESENT = 1 << 3,
    ENTRIES = 2048,         /* of the file pagemap, to read at once */
    ENTRY_PRESENT = 63,     /* the bit */
    ENTRY_STATE_SHIFT = 59, /* from here on: two that are zero, file, swapped, present */
    ENTRY_STATE_MASK = 0x1b,
    ENTRY_STATE_PRESENT = 0x10
};

/* Finds what is present from *start_ref on, so many pages at the most (0: no limit), and moves that
 * to where it went; false if it cannot be asked for. */
static bool scan(int fd, uint64_t *start_ref, uint64_t end, uint64_t pages_max,
                 struct act_pagemap_found *found)
{
    struct scan_request request;
    memset(&request, 0, sizeof(request));
    request.size = sizeof(request);
    request.start = *start_ref;
    request.end = end;
    request.regions = (uint64_t)(uintptr_t)found->ranges;
    request.regions_count = ACT_PAGEMAP_RANGES;
    request.pages_max = pages_max;
    request.category_mask = SCAN_PRESENT;
    request.return_mask = SCAN_PRESENT;
    found->count = ioctl(fd, SCAN_REQUEST, &request);
    *start_ref = request.walk_end > *start_ref ? request.walk_end : end;
    return found->count >= 0;
}

/* The same from an entry for each page. */
static bool read_entries(int fd, uint64_t *start_ref, uint64_t end, uint64_t page,
                         struct act_pagemap_found *found)
{
    uint64_t entries[ENTRIES];
    uint64_t left = (end - *start_ref) / page;
    size_t wanted = (size_t)(left < ENTRIES ? left : ENTRIES) * sizeof(entries[0]);
    ssize_t nbytes = pread(fd, entries, wanted, (off_t)(*start_ref / page * sizeof(entries[0])));
    size_t count = nbytes > 0 ? (size_t)nbytes / sizeof(entries[0]) : 0;
    struct act_pagemap_range *last = NULL;
    found->count = 0;
    size_t i = 0;
    for (; i < count; i++) {
        uint64_t at = *start_ref + i * page;
        if (!(entries[i] >> ENTRY_PRESENT)) {
            last = NULL;
        } else if (last) {
            last->end = at + page;
        } else if (found->count < ACT_PAGEMAP_RANGES) {
            last = &found->ranges[found->count++];
            *last = (struct act_pagemap_range){at, at + page, SCAN_PRESENT};
        } else {
            break;
        }
    }
    *start_ref += i * page;
    return count > 0;
}

bool act_pagemap_next(int fd, uint64_t *start_ref, uint64_t end, uint64_t pages_max,
                      struct act_pagemap_found *found)
{
    uint64_t start = *start_ref;
    if (scan(fd, start_ref, end, pages_max == UINT64_MAX ? 0 : pages_max, found))
        return true;
    *start_ref = start;
    return read_entries(fd, start_ref, end, act_os_page_nbytes(), found);
}

/* Whether the page is there for certain, and nothing is said of it that cannot be. */
static bool is_present(int fd, uintptr_t address)
{
    uint64_t entry = 0;
    uint64_t page = address / act_os_page_nbytes();
    return pread(fd, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) == sizeof(entry) &&
           (entry >> ENTRY_STATE_SHIFT & ENTRY_STATE_MASK) == ENTRY_STATE_PRESENT;
}

/*
 * Pages that are in use just now must be present. Of one page an emulator may say so by chance,
 * where its machine has the bytes of a number in the other order: then the bits that tell are those
 * of an address. So there are several, which lie far apart and were not brought in together.
 */
static bool is_ours(int fd)
{
    static atomic_uchar of_all;
    volatile int of_call = errno; /* which is the thread's */
    atomic_store(&of_all, 1);
    return is_present(fd, (uintptr_t)&of_all) && is_present(fd, (uintptr_t)&of_call) &&
           is_present(fd, (uintptr_t)&errno) && is_present(fd, (uintptr_t)is_ours);
}

int act_pagemap_open(void)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !is_ours(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}
