/* madvise */
#define _DEFAULT_SOURCE

#include "os/warm.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux 5.14; the number is every machine's. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static void touch(const uint8_t *bytes, uint64_t nbytes, uint64_t page_nbytes)
{
    const volatile uint8_t *at = bytes;
    for (uint64_t i = 0; i < nbytes; i += page_nbytes)
        (void)at[i];
}

bool act_os_warm(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t page_nbytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t before = (uintptr_t)bytes % page_nbytes;
    bytes -= before;
    nbytes += before;
    int done;
    do {
        done = madvise((void *)(uintptr_t)bytes, (size_t)nbytes, MADV_POPULATE_READ);
    } while (done != 0 && (errno == EAGAIN || errno == EINTR));
    /* An older system does not know it. */
    if (done != 0 && errno == EINVAL) {
        touch(bytes, nbytes, page_nbytes);
        return true;
    }
    return done == 0;
}
