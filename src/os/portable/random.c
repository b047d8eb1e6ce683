#include "os/random.h"

#include <stdlib.h>
#include <time.h>

/* The finisher of SplitMix64, so that near numbers differ in all bits. */
static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}

/* ISO C has nothing that nobody can foresee: the time, and where things lie, make do. */
uint64_t act_os_random(void)
{
    struct timespec now = {0, 0};
    timespec_get(&now, TIME_UTC);
    void *block = malloc(1);
    uint64_t bits = mix((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    bits = mix(bits ^ (uintptr_t)block);
    bits = mix(bits ^ (uintptr_t)&now);
    bits = mix(bits ^ (uint64_t)clock());
    free(block);
    return bits;
}
