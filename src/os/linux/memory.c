/* madvise */
#define _DEFAULT_SOURCE

#include "os/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#include "os/map.h"

enum {
    HUGE_NBYTES = 2 << 20 /* or less, on any machine; only a threshold */
};

void act_os_memory_random(void *block, size_t nbytes)
{
    if (nbytes < 2 * HUGE_NBYTES)
        return;
    uintptr_t page = act_os_page_nbytes();
    uintptr_t start = ((uintptr_t)block + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)block + nbytes) / page * page;
    (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

void act_os_memory_huge(void *pages, size_t nbytes)
{
    (void)madvise(pages, nbytes, MADV_HUGEPAGE);
}
