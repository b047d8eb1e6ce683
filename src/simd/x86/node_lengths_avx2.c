#include "base/config.h"

#if ACT_USE_X86

#include "simd/node_lengths.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

TARGET static inline __m256i load(const uint8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

/* The lengths of the varints that would begin at each of 32 bytes. */
TARGET static inline __m256i varint_lengths(const uint8_t *bytes)
{
    __m256i over = _mm256_subs_epu8(load(bytes), _mm256_set1_epi8((char)246));
    return _mm256_max_epu8(over, _mm256_set1_epi8(1));
}

/*
 * The length of a second varint, which begins 1 + first_nbytes after each byte. A shuffle reaches
 * 16 bytes; two of them, each giving zero where the other one has the answer, reach far enough:
 * a first varint has at most 9 bytes.
 */
TARGET static inline __m256i second_lengths(const uint8_t *bytes, __m256i first_nbytes)
{
    const __m256i lane = _mm256_setr_epi8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1,
                                          2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    __m256i at = _mm256_add_epi8(first_nbytes, lane);
    __m256i low = _mm256_shuffle_epi8(varint_lengths(bytes),
                                      _mm256_adds_epu8(at, _mm256_set1_epi8(0x70)));
    __m256i high = _mm256_shuffle_epi8(varint_lengths(bytes + 16),
                                       _mm256_sub_epi8(at, _mm256_set1_epi8(16)));
    return _mm256_or_si256(low, high);
}

TARGET static inline __m256i node_lengths(const uint8_t *bytes)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i one = _mm256_set1_epi8(1);
    const __m256i count_bits = _mm256_set1_epi8(0x3f);

    /* What the header says, as all-ones or zero in each byte. */
    __m256i header = load(bytes);
    __m256i line = _mm256_cmpgt_epi8(zero, header);
    __m256i value = _mm256_cmpgt_epi8(zero, _mm256_add_epi8(header, header));
    __m256i child_bits = _mm256_blendv_epi8(count_bits, one, line);
    __m256i child = _mm256_cmpgt_epi8(_mm256_and_si256(header, child_bits), zero);
    __m256i both = _mm256_and_si256(value, child);
    __m256i none = _mm256_cmpeq_epi8(header, zero); /* a leaf without a value: no varint */
    __m256i second = _mm256_or_si256(both, _mm256_and_si256(line, _mm256_or_si256(value, child)));

    __m256i count = _mm256_min_epu8(_mm256_and_si256(header, count_bits), _mm256_set1_epi8(32));
    __m256i first_nbytes = varint_lengths(bytes + 1);
    __m256i second_nbytes = second_lengths(bytes, first_nbytes);

    __m256i nbytes = _mm256_add_epi8(one, _mm256_andnot_si256(line, count));
    nbytes = _mm256_add_epi8(nbytes, _mm256_andnot_si256(none, first_nbytes));
    nbytes = _mm256_add_epi8(nbytes, _mm256_and_si256(second, second_nbytes));
    /* A line with both has three varints: not found out here. */
    return _mm256_andnot_si256(_mm256_and_si256(line, both), nbytes);
}

TARGET void act_node_lengths_avx2(const uint8_t *bytes, uint8_t lengths[ACT_NODE_LENGTHS_BLOCK])
{
    for (int i = 0; i < ACT_NODE_LENGTHS_BLOCK; i += 32)
        _mm256_storeu_si256((__m256i *)(void *)(lengths + i), node_lengths(bytes + i));
}

#endif
