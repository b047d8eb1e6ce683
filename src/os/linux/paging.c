/* madvise, RUSAGE_THREAD */
#define _GNU_SOURCE

#include "os/paging.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BLOCK_NBYTES = 512 /* the unit of ru_inblock */
};

static void advise(const uint8_t *bytes, uint64_t nbytes, int advice)
{
    uintptr_t before = (uintptr_t)bytes % (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)madvise((void *)(uintptr_t)(bytes - before), (size_t)nbytes + before, advice);
}

void act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging)
{
    advise(bytes, nbytes, paging == ACT_OS_PAGING_AHEAD ? MADV_NORMAL : MADV_RANDOM);
}

/*
 * The kernel submits the reads of exactly these pages, whatever the advice of the mapping. Against
 * MADV_POPULATE_READ, which waits for one page after the other; see docs/PERFORMANCE.md.
 */
void act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes)
{
    advise(bytes, nbytes, MADV_WILLNEED);
}

/* What was read is charged to the thread that caused it. A major fault is counted twice where both
 * numbers are kept: they need not be. */
uint64_t act_os_paging_reads(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        return 0;
    uint64_t blocks_per_page = (uint64_t)sysconf(_SC_PAGESIZE) / BLOCK_NBYTES;
    return (uint64_t)usage.ru_majflt + (uint64_t)usage.ru_inblock / blocks_per_page;
}
