/* What of a mapping is present in this process, as /proc/self says. */
#define _DEFAULT_SOURCE

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/linux/pagemap.h"
#include "os/linux/smaps.h"
#include "os/paging.h"

uint64_t act_os_paging_resident(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t page = act_os_page_nbytes();
    uint64_t start = (uint64_t)(uintptr_t)bytes / page * page;
    uint64_t end = ((uint64_t)(uintptr_t)bytes + nbytes + page - 1) / page * page;
    uint64_t present = 0;
    struct act_pagemap_found found;
    int fd = act_pagemap_open();
    bool ok = fd >= 0;
    while (ok && start < end) {
        ok = act_pagemap_next(fd, &start, end, UINT64_MAX, &found);
        for (int i = 0; ok && i < found.count; i++)
            present += found.ranges[i].end - found.ranges[i].start;
    }
    if (fd >= 0)
        close(fd);
    return ok ? present : UINT64_MAX;
}

uint64_t act_os_paging_release_some(const struct act_os_bytes *map, uint64_t *off_ref, uint64_t end,
                                    uint64_t nbytes_max)
{
    uint64_t page = act_os_page_nbytes();
    uint64_t base = (uint64_t)(uintptr_t)map->bytes;
    uint64_t start = base + (*off_ref + page - 1) / page * page;
    uint64_t stop = base + (end < map->nbytes ? end / page : (end + page - 1) / page) * page;
    uint64_t released = 0;
    struct act_pagemap_found found;
    int fd = act_pagemap_open();
    bool ok = fd >= 0;
    while (ok && start < stop && released < nbytes_max) {
        ok = act_pagemap_next(fd, &start, stop, (nbytes_max - released + page - 1) / page, &found);
        for (int i = 0; ok && i < found.count; i++) {
            const struct act_pagemap_range *range = &found.ranges[i];
            uint64_t nbytes = range->end - range->start;
            if (madvise((void *)(uintptr_t)range->start, (size_t)nbytes, MADV_DONTNEED) == 0)
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
    return pages * act_os_page_nbytes();
}

uint64_t act_os_paging_huge(const uint8_t *bytes, uint64_t nbytes)
{
    return act_os_smaps_huge("/proc/self/smaps", (uintptr_t)bytes, (uintptr_t)bytes + nbytes);
}
