/* getentropy would do too, but may fail. */
#include "os/random.h"

#include <stdlib.h>

uint64_t act_os_random(void)
{
    uint64_t bits;
    arc4random_buf(&bits, sizeof(bits));
    return bits;
}
