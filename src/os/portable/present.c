/* Nobody tells what of a mapping is present in this process. */
#include "os/paging.h"

uint64_t act_os_paging_resident(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    (void)nbytes;
    return UINT64_MAX;
}

uint64_t act_os_paging_release_some(const struct act_os_bytes *map, uint64_t *off_ref, uint64_t end,
                                    uint64_t nbytes_max)
{
    (void)map;
    *off_ref = end;
    (void)nbytes_max;
    return UINT64_MAX;
}

uint64_t act_os_paging_huge(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    (void)nbytes;
    return 0;
}

uint64_t act_os_paging_files_resident(void)
{
    return UINT64_MAX;
}
