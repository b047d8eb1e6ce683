/* What of a mapping is present in this process, as /proc/self says. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
    REGIONS = 256,
    ENTRIES = 4096,    /* of the file pagemap, to read at once */
    ENTRY_PRESENT = 63 /* the bit */
};

/* Adds up what is present from *start_ref on, which moves; false if that cannot be asked for. */
static bool scan(int fd, uint64_t *start_ref, uint64_t end, uint64_t *present_ref)
{
    struct scan_region regions[REGIONS];
    struct scan_request request;
    memset(&request, 0, sizeof(request));
    request.size = sizeof(request);
    request.start = *start_ref;
    request.end = end;
    request.regions = (uint64_t)(uintptr_t)regions;
    request.regions_count = REGIONS;
    request.category_mask = SCAN_PRESENT;
    request.return_mask = SCAN_PRESENT;
    int count = ioctl(fd, SCAN_REQUEST, &request);
    if (count < 0)
        return false;
    for (int i = 0; i < count; i++)
        *present_ref += regions[i].end - regions[i].start;
    *start_ref = request.walk_end > *start_ref ? request.walk_end : end;
    return true;
}

static bool read_entries(int fd, uint64_t *start_ref, uint64_t end, uint64_t page,
                         uint64_t *present_ref)
{
    uint64_t entries[ENTRIES];
    uint64_t left = (end - *start_ref) / page;
    size_t wanted = (size_t)(left < ENTRIES ? left : ENTRIES) * sizeof(entries[0]);
    ssize_t nbytes = pread(fd, entries, wanted, (off_t)(*start_ref / page * sizeof(entries[0])));
    if (nbytes < (ssize_t)sizeof(entries[0]))
        return false;
    size_t count = (size_t)nbytes / sizeof(entries[0]);
    for (size_t i = 0; i < count; i++)
        *present_ref += (entries[i] >> ENTRY_PRESENT) * page;
    *start_ref += count * page;
    return true;
}

uint64_t act_os_paging_resident(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t start = (uint64_t)(uintptr_t)bytes / page * page;
    uint64_t end = ((uint64_t)(uintptr_t)bytes + nbytes + page - 1) / page * page;
    uint64_t present = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return UINT64_MAX;
    bool ok = true;
    while (ok && start < end)
        ok = scan(fd, &start, end, &present) || read_entries(fd, &start, end, page, &present);
    close(fd);
    return ok ? present : UINT64_MAX;
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
