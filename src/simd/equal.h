/* Comparing short runs of bytes. */
#ifndef ACT_SIMD_EQUAL_H
#define ACT_SIMD_EQUAL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/config.h"

#if ACT_USE_SSE2
#include <emmintrin.h>
#endif

/* Whether `nbytes` bytes are equal, reading no others. */
static ACT_ALWAYS_INLINE bool act_equal(const uint8_t *a, const uint8_t *b, size_t nbytes)
{
    /* Lines are short: two overlapping loads cover most of them without a call. */
    if (nbytes >= 8) {
        if (nbytes > 16)
            return memcmp(a, b, nbytes) == 0;
        return ((act_load_u64(a) ^ act_load_u64(b)) |
                (act_load_u64(a + nbytes - 8) ^ act_load_u64(b + nbytes - 8))) == 0;
    }
    if (nbytes >= 4)
        return ((act_load_u32(a) ^ act_load_u32(b)) |
                (act_load_u32(a + nbytes - 4) ^ act_load_u32(b + nbytes - 4))) == 0;
    for (size_t i = 0; i < nbytes; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

/* Whether the first `nbytes` of 16 readable bytes are equal; without a branch on the length. */
static ACT_ALWAYS_INLINE bool act_equal_upto16(const uint8_t *a, const uint8_t *b, unsigned nbytes)
{
#if ACT_USE_SSE2
    __m128i va = _mm_loadu_si128((const __m128i *)(const void *)a);
    __m128i vb = _mm_loadu_si128((const __m128i *)(const void *)b);
    unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(va, vb));
    return (~same & ((1u << nbytes) - 1)) == 0;
#else
    uint64_t low = act_load_le64(a) ^ act_load_le64(b);
    uint64_t high = act_load_le64(a + 8) ^ act_load_le64(b + 8);
    unsigned low_nbytes = nbytes < 8 ? nbytes : 8;
    unsigned high_nbytes = nbytes - low_nbytes;
    /* Shifted in two steps: by 64 bits at once would be undefined. */
    low &= ~(~(uint64_t)0 << 4 * low_nbytes << 4 * low_nbytes);
    high &= ~(~(uint64_t)0 << 4 * high_nbytes << 4 * high_nbytes);
    return (low | high) == 0;
#endif
}

#endif
