/* Copying short runs of bytes. */
#ifndef ACT_SIMD_COPY_H
#define ACT_SIMD_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/config.h"

#if ACT_USE_SSE2
#include <emmintrin.h>
#endif

/*
 * Copies fewer than 16 bytes, reading no others, and puts zeros after them, 16 in all. They are put
 * together in registers: a load of some of them then waits for one store, and not until several
 * that overlap have come to the cache.
 */
static ACT_ALWAYS_INLINE void act_copy_upto15(uint8_t to[16], const uint8_t *from, size_t nbytes)
{
    uint64_t low = 0, high = 0;
    if (nbytes >= 8) {
        /* Shifted in two steps: by 64 bits at once would be undefined. */
        unsigned half = 4 * (unsigned)(16 - nbytes);
        low = act_load_le64(from);
        high = act_load_le64(from + nbytes - 8) >> half >> half;
    } else if (nbytes >= 4) {
        low = act_load_le32(from) | (uint64_t)act_load_le32(from + nbytes - 4) << 8 * (nbytes - 4);
    } else if (nbytes) {
        size_t middle = nbytes / 2, last = nbytes - 1;
        low = from[0] | (uint64_t)from[middle] << 8 * middle | (uint64_t)from[last] << 8 * last;
    }
#if ACT_USE_SSE2
    _mm_storeu_si128((__m128i *)(void *)to, _mm_set_epi64x((long long)high, (long long)low));
#else
    act_store_le64(to, low);
    act_store_le64(to + 8, high);
#endif
}

#endif
