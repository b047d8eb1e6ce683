/* The system does as it likes. */
#include "os/paging.h"

void act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging)
{
    (void)bytes;
    (void)nbytes;
    (void)paging;
}

void act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    (void)nbytes;
}

uint64_t act_os_paging_reads(void)
{
    return 0;
}
