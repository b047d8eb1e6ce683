/* getentropy, which POSIX has had since 2024 only. */
#define _DEFAULT_SOURCE

#include "os/random.h"

#include <time.h>
#include <unistd.h>

uint64_t act_os_random(void)
{
    uint64_t bits = 0;
    if (getentropy(&bits, sizeof(bits)) == 0)
        return bits;
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    bits = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    bits ^= (uint64_t)getpid() << 40;
    /* The finisher of SplitMix64, so that near times differ in all bits. */
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}
