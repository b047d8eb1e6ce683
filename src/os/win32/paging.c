#include "os/paging.h"

#include <errno.h>

#include "os/touch.h"
#include "os/win32/system.h"

/* Pages are read in clusters; nothing can be said about that for a part of a view. */
void act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging)
{
    (void)bytes;
    (void)nbytes;
    (void)paging;
}

void act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes)
{
    WIN32_MEMORY_RANGE_ENTRY range = {(void *)(uintptr_t)bytes, (SIZE_T)nbytes};
    if (nbytes)
        (void)PrefetchVirtualMemory(GetCurrentProcess(), 1, &range, 0);
}

/* Page faults are counted for processes, those of the disk together with all others. */
uint64_t act_os_paging_reads(void)
{
    return 0;
}

uint64_t act_os_paging_faults(void)
{
    return 0;
}

size_t act_os_page_nbytes(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

int act_os_paging_await(const uint8_t *bytes, uint64_t nbytes)
{
    act_os_touch(bytes, nbytes, act_os_page_nbytes());
    return 0;
}

int act_os_paging_populate(const uint8_t *bytes, uint64_t nbytes)
{
    act_os_paging_fetch(bytes, nbytes);
    return act_os_paging_await(bytes, nbytes);
}

int act_os_paging_populate_huge(const uint8_t *bytes, uint64_t nbytes)
{
    return act_os_paging_populate(bytes, nbytes);
}

/* As much as the least working set, a few hundred kilobytes, is what a process may lock unless its
 * program has asked for more. */
int act_os_paging_lock(const uint8_t *bytes, uint64_t nbytes)
{
    return VirtualLock((void *)(uintptr_t)bytes, (SIZE_T)nbytes) ? 0 : act_os_win32_last();
}

int act_os_paging_unlock(const uint8_t *bytes, uint64_t nbytes)
{
    return VirtualUnlock((void *)(uintptr_t)bytes, (SIZE_T)nbytes) ? 0 : act_os_win32_last();
}

uint64_t act_os_paging_lock_limit(void)
{
    SIZE_T least, most;
    if (!GetProcessWorkingSetSize(GetCurrentProcess(), &least, &most))
        return UINT64_MAX;
    return least;
}

/* To unlock pages that are not locked takes them out of the working set. */
void act_os_paging_release(const struct act_os_bytes *map, uint64_t off, uint64_t nbytes,
                           bool cache)
{
    (void)cache;
    if (map->mapped && !map->copied && nbytes)
        (void)VirtualUnlock((void *)(uintptr_t)(map->bytes + off), (SIZE_T)nbytes);
}
