/* madvise, RUSAGE_THREAD, and files beyond 2 GiB where off_t would be 32 bits */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/paging.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/touch.h"

/* Of Linux 5.14: not in the headers of older systems. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Of Linux 6.1. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum {
    BLOCK_NBYTES = 512 /* the unit of ru_inblock */
};

/* Advises on the pages in which the bytes lie. 0 or errno. */
static int advise(const uint8_t *bytes, uint64_t nbytes, int advice)
{
    uintptr_t before = (uintptr_t)bytes % act_os_page_nbytes();
    if (madvise((void *)(uintptr_t)(bytes - before), (size_t)nbytes + before, advice) == 0)
        return 0;
    return errno;
}

void act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging)
{
    static const int advices[] = {
        [ACT_OS_PAGING_AHEAD] = MADV_NORMAL,
        [ACT_OS_PAGING_SINGLE] = MADV_RANDOM,
        [ACT_OS_PAGING_FORWARD] = MADV_SEQUENTIAL,
    };
    (void)advise(bytes, nbytes, advices[paging]);
}

/*
 * The kernel submits the reads of exactly these pages, whatever the advice of the mapping. Against
 * MADV_POPULATE_READ, which waits for one page after the other; see docs/PERFORMANCE.md.
 */
void act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes)
{
    (void)advise(bytes, nbytes, MADV_WILLNEED);
}

/* What was read is charged to the thread that caused it. A major fault is counted twice where both
 * numbers are kept: they need not be. */
uint64_t act_os_paging_reads(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        return 0;
    uint64_t blocks_per_page = act_os_page_nbytes() / BLOCK_NBYTES;
    return (uint64_t)usage.ru_majflt + (uint64_t)usage.ru_inblock / blocks_per_page;
}

uint64_t act_os_paging_faults(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (uint64_t)usage.ru_majflt + (uint64_t)usage.ru_minflt;
}

int act_os_paging_await(const uint8_t *bytes, uint64_t nbytes)
{
    int os_code;
    do {
        os_code = advise(bytes, nbytes, MADV_POPULATE_READ);
    } while (os_code == EINTR || os_code == EAGAIN);
    /* Before Linux 5.14 it is unknown; and some filters of system calls know none of it. */
    if (os_code != EINVAL && os_code != ENOSYS && os_code != EPERM)
        return os_code;
    act_os_touch(bytes, nbytes, act_os_page_nbytes());
    return 0;
}

/* All reads are asked for first: populating waits for one after the other. */
int act_os_paging_populate(const uint8_t *bytes, uint64_t nbytes)
{
    act_os_paging_fetch(bytes, nbytes);
    return act_os_paging_await(bytes, nbytes);
}

/* What is asked for beforehand comes in small pages; faults of such a mapping read a huge page
 * where the file system can keep one. What is in memory in small ones can be put together for files
 * in memory only, but for kernels with CONFIG_READ_ONLY_THP_FOR_FS. */
int act_os_paging_populate_huge(const uint8_t *bytes, uint64_t nbytes)
{
    (void)advise(bytes, nbytes, MADV_HUGEPAGE);
    int os_code = act_os_paging_await(bytes, nbytes);
    if (!os_code)
        (void)advise(bytes, nbytes, MADV_COLLAPSE);
    return os_code;
}

int act_os_paging_lock(const uint8_t *bytes, uint64_t nbytes)
{
    return mlock(bytes, (size_t)nbytes) == 0 ? 0 : errno;
}

int act_os_paging_unlock(const uint8_t *bytes, uint64_t nbytes)
{
    return munlock(bytes, (size_t)nbytes) == 0 ? 0 : errno;
}

uint64_t act_os_paging_lock_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return (uint64_t)limit.rlim_cur;
}

void act_os_paging_release(const struct act_os_bytes *map, uint64_t off, uint64_t nbytes,
                           bool cache)
{
    uint64_t page = act_os_page_nbytes();
    uint64_t end = off + nbytes == map->nbytes ? off + nbytes : (off + nbytes) / page * page;
    off = (off + page - 1) / page * page;
    if (!map->mapped || map->copied || off >= end)
        return;
    (void)madvise((void *)(uintptr_t)(map->bytes + off), (size_t)(end - off), MADV_DONTNEED);
    if (cache)
        (void)posix_fadvise((int)(map->handle - 1), (off_t)off, (off_t)(end - off),
                            POSIX_FADV_DONTNEED);
}
