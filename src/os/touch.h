/* Reading pages by touching them, where the system has no call for it. */
#ifndef ACT_OS_TOUCH_H
#define ACT_OS_TOUCH_H

#include <stdint.h>

/* Touches each page of these bytes, which may begin and end anywhere in one. */
static inline void act_os_touch(const uint8_t *bytes, uint64_t nbytes, uint64_t page_nbytes)
{
    const volatile uint8_t *at = bytes;
    for (uint64_t off = 0; off < nbytes; off += page_nbytes)
        (void)at[off];
    if (nbytes)
        (void)at[nbytes - 1];
}

#endif
