/* glibc */
#include <malloc.h>

#include "actree.h"
#include "allocate.h"

#define SCARCE_NBYTES ((uint64_t)64 << 20)
#define LARGE_NBYTES  (128 << 10)

void cli_give_back(void)
{
    /* Where memory is scarce, what is large does not become part of the heap again, of which it
     * would leave holes when it grows. */
    if (act_memory_available() < SCARCE_NBYTES)
        (void)mallopt(M_MMAP_THRESHOLD, LARGE_NBYTES);
    (void)malloc_trim(0);
}
