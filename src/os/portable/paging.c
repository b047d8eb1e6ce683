/* The system does as it likes. */
#include "os/paging.h"

#include <errno.h>

#include "os/touch.h"

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

uint64_t act_os_paging_faults(void)
{
    return 0;
}

/* No system has smaller pages. */
enum {
    TOUCHED_NBYTES = 4096
};

int act_os_paging_await(const uint8_t *bytes, uint64_t nbytes)
{
    act_os_touch(bytes, nbytes, TOUCHED_NBYTES);
    return 0;
}

int act_os_paging_populate(const uint8_t *bytes, uint64_t nbytes)
{
    return act_os_paging_await(bytes, nbytes);
}

int act_os_paging_populate_huge(const uint8_t *bytes, uint64_t nbytes)
{
    return act_os_paging_populate(bytes, nbytes);
}

int act_os_paging_lock(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    (void)nbytes;
    return ENOSYS;
}

int act_os_paging_unlock(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    (void)nbytes;
    return ENOSYS;
}

uint64_t act_os_paging_lock_limit(void)
{
    return UINT64_MAX;
}

void act_os_paging_release(const struct act_os_bytes *map, uint64_t off, uint64_t nbytes,
                           bool cache)
{
    (void)map;
    (void)off;
    (void)nbytes;
    (void)cache;
}
