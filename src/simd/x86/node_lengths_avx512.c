#include "base/config.h"

#if ACT_USE_X86

#include "simd/node_lengths.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/* The lengths of the varints that would begin at each of 64 bytes. */
TARGET static inline __m512i varint_lengths(const uint8_t *bytes)
{
    __m512i over = _mm512_subs_epu8(_mm512_loadu_si512(bytes), _mm512_set1_epi8((char)246));
    return _mm512_max_epu8(over, _mm512_set1_epi8(1));
}

/* The numbers 1 to 64. */
TARGET static inline __m512i one_to_64(void)
{
    static const uint8_t numbers[64] = {
        1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
        23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
        45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64};
    return _mm512_loadu_si512(numbers);
}

TARGET static inline __m512i node_lengths(const uint8_t *bytes, __m512i here, __m512i next)
{
    const __m512i one = _mm512_set1_epi8(1);
    const __m512i count_bits = _mm512_set1_epi8(0x3f);

    __m512i header = _mm512_loadu_si512(bytes);
    __mmask64 line = _mm512_movepi8_mask(header);
    __mmask64 value = _mm512_test_epi8_mask(header, _mm512_set1_epi8(0x40));
    __mmask64 child = _mm512_test_epi8_mask(header, _mm512_mask_blend_epi8(line, count_bits, one));
    __mmask64 first = line | value | child;
    __mmask64 second = (value & child) | (line & (value | child));
    __mmask64 unknown = line & value & child; /* three varints: not found out here */

    __m512i count = _mm512_min_epu8(_mm512_and_si512(header, count_bits), _mm512_set1_epi8(32));
    __m512i first_nbytes = varint_lengths(bytes + 1);
    /* A second varint begins 1 + first_nbytes after each byte, at most 10: here or in the next. */
    __m512i at = _mm512_add_epi8(first_nbytes, one_to_64());
    __m512i second_nbytes = _mm512_permutex2var_epi8(here, at, next);

    __m512i nbytes = _mm512_mask_add_epi8(one, (__mmask64)~line, one, count);
    nbytes = _mm512_mask_add_epi8(nbytes, first, nbytes, first_nbytes);
    nbytes = _mm512_mask_add_epi8(nbytes, second, nbytes, second_nbytes);
    return _mm512_maskz_mov_epi8((__mmask64)~unknown, nbytes);
}

TARGET void act_node_lengths_avx512(const uint8_t *bytes, uint8_t lengths[ACT_NODE_LENGTHS_BLOCK])
{
    __m512i here = varint_lengths(bytes);
    for (int i = 0; i < ACT_NODE_LENGTHS_BLOCK; i += 64) {
        __m512i next = varint_lengths(bytes + i + 64);
        _mm512_storeu_si512(lengths + i, node_lengths(bytes + i, here, next));
        here = next;
    }
}

#endif
