/*
 * Finding a child's index in a branch's bytes: at most 31 of them, ascending. Up to 32 bytes are
 * loaded whatever the count, so 32 must be readable.
 */
#ifndef ACT_SIMD_FIND_BYTE_H
#define ACT_SIMD_FIND_BYTE_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/bits.h"
#include "base/bytes.h"
#include "base/config.h"

#if ACT_USE_SSE2
#include <emmintrin.h>
#elif ACT_USE_NEON
#include <arm_neon.h>
#endif

enum {
    ACT_FIND_BYTE_READABLE = 32
};

/*
 * The portable body, eight bytes at a time: the lowest zero byte of w ^ (byte in each lane) is
 * found exactly by this test, though higher ones may be wrong, which does no harm.
 * Returns the index of `byte` among the first `count` bytes, or `count` if it is not there.
 */
static inline unsigned act_find_byte_portable(const uint8_t *bytes, unsigned count, uint8_t byte)
{
    const uint64_t ones = 0x0101010101010101u;
    for (unsigned i = 0; i < count; i += 8) {
        uint64_t x = act_load_le64(bytes + i) ^ ones * byte;
        uint64_t zeros = (x - ones) & ~x & ones << 7;
        if (zeros) {
            unsigned at = i + act_lowest_bit64(zeros) / 8;
            return at < count ? at : count;
        }
    }
    return count;
}

#if ACT_USE_SSE2
static ACT_ALWAYS_INLINE unsigned act_find_byte_sse2(const uint8_t *bytes, unsigned count,
                                                     uint8_t byte)
{
    __m128i wanted = _mm_set1_epi8((char)byte);
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    uint32_t found = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(low, wanted));
    if (count > 16) {
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16));
        found |= (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(high, wanted)) << 16;
    }
    /* A bit at `count` stands for "not there": bytes beyond the count may match by chance. */
    return act_lowest_bit64(found | (uint64_t)1 << count);
}

/* The same, without a branch on the count. */
static ACT_ALWAYS_INLINE unsigned act_find_byte_any_sse2(const uint8_t *bytes, unsigned count,
                                                         uint8_t byte)
{
    __m128i wanted = _mm_set1_epi8((char)byte);
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16));
    uint32_t found = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(low, wanted)) |
                     (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(high, wanted)) << 16;
    return act_lowest_bit64(found | (uint64_t)1 << count);
}
#endif

#if ACT_USE_NEON
static ACT_ALWAYS_INLINE unsigned act_find_byte_neon(const uint8_t *bytes, unsigned count,
                                                     uint8_t byte)
{
    /* Narrowing each comparison to four bits a lane stands in for a movemask. */
    uint8x16_t wanted = vdupq_n_u8(byte);
    for (unsigned i = 0; i < count; i += 16) {
        uint8x16_t equal = vceqq_u8(vld1q_u8(bytes + i), wanted);
        uint8x8_t narrow = vshrn_n_u16(vreinterpretq_u16_u8(equal), 4);
        uint64_t found = vget_lane_u64(vreinterpret_u64_u8(narrow), 0);
        if (found) {
            unsigned at = i + act_lowest_bit64(found) / 4;
            return at < count ? at : count;
        }
    }
    return count;
}
#endif

/* The same answer, reading `count` bytes and no more. */
static inline unsigned act_find_byte_exact(const uint8_t *bytes, unsigned count, uint8_t byte)
{
    unsigned i = 0;
    while (i < count && bytes[i] != byte)
        i++;
    return i;
}

/*
 * The same for a mask of 256 bits, 4 little-endian words: how many bits below `byte` are set, or -1
 * if its own is not.
 */
static ACT_ALWAYS_INLINE int act_find_bit(const uint8_t *mask, uint8_t byte)
{
    unsigned word = byte / 64;
    uint64_t bits = act_load_le64(mask + 8 * (size_t)word);
    if (!(bits >> byte % 64 & 1))
        return -1;
    unsigned index = act_popcount64(bits & (((uint64_t)1 << byte % 64) - 1));
    for (unsigned i = 0; i < word; i++)
        index += act_popcount64(act_load_le64(mask + 8 * (size_t)i));
    return (int)index;
}

/* The best one for this machine. `count` is at most 31. */
static ACT_ALWAYS_INLINE unsigned act_find_byte(const uint8_t *bytes, unsigned count, uint8_t byte)
{
#if ACT_USE_SSE2
    return act_find_byte_sse2(bytes, count, byte);
#elif ACT_USE_NEON
    return act_find_byte_neon(bytes, count, byte);
#else
    return act_find_byte_portable(bytes, count, byte);
#endif
}

/* How many bytes act_find_byte loads for this count to give this index. */
static inline unsigned act_find_byte_loaded(unsigned count, unsigned index)
{
#if ACT_USE_SSE2
    (void)index;
    return count > 16 ? 32 : 16;
#else
    unsigned step = ACT_USE_NEON ? 16 : 8;
    unsigned last = index < count ? index : count - 1;
    return (last / step + 1) * step;
#endif
}

/* The same, for counts that cannot be foretold. */
static ACT_ALWAYS_INLINE unsigned act_find_byte_any(const uint8_t *bytes, unsigned count,
                                                    uint8_t byte)
{
#if ACT_USE_SSE2
    return act_find_byte_any_sse2(bytes, count, byte);
#else
    return act_find_byte(bytes, count, byte);
#endif
}

#endif
