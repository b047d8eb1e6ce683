#include "os/random.h"

#include "os/win32/system.h"

/* RtlGenRandom, by the name that it is exported under. */
BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG nbytes);

uint64_t act_os_random(void)
{
    uint64_t bits = 0;
    if (SystemFunction036(&bits, sizeof(bits)))
        return bits;
    LARGE_INTEGER now = {0};
    QueryPerformanceCounter(&now);
    bits = (uint64_t)now.QuadPart ^ (uint64_t)GetCurrentProcessId() << 40;
    /* The finisher of SplitMix64, so that near times differ in all bits. */
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}
