#include "os/warm.h"

enum {
    STEP_NBYTES = 512 /* no page is smaller */
};

bool act_os_warm(const uint8_t *bytes, uint64_t nbytes)
{
    const volatile uint8_t *at = bytes;
    for (uint64_t i = 0; i < nbytes; i += STEP_NBYTES)
        (void)at[i];
    if (nbytes)
        (void)at[nbytes - 1];
    return true;
}
