#include "base/config.h"

#if ACT_USE_X86

#include "simd/node_lengths.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

/* The lengths of the varints that would begin at each of 32 bytes. */
TARGET static inline __m256i varint_lengths(const uint8_t *bytes)
{
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i over = _mm256_subs_epu8(x, _mm256_set1_epi8((char)246));
    return _mm256_max_epu8(over, _mm256_set1_epi8(1));
}

/* Where the first varint has `nbytes` bytes, the length of the one after it; else 0. */
TARGET static inline __m256i second_lengths(const uint8_t *bytes, __m256i first, int nbytes)
{
    __m256i here = _mm256_cmpeq_epi8(first, _mm256_set1_epi8((char)nbytes));
    return _mm256_and_si256(here, varint_lengths(bytes + 1 + nbytes));
}

TARGET static inline __m256i node_lengths(const uint8_t *bytes)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i one = _mm256_set1_epi8(1);
    const __m256i count_bits = _mm256_set1_epi8(0x3f);

    /* What the header says, as all-ones or zero in each byte. */
    __m256i header = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i line = _mm256_cmpgt_epi8(zero, header);
    __m256i value = _mm256_cmpgt_epi8(zero, _mm256_add_epi8(header, header));
    __m256i child_bits = _mm256_blendv_epi8(count_bits, one, line);
    __m256i child = _mm256_cmpgt_epi8(_mm256_and_si256(header, child_bits), zero);
    __m256i both = _mm256_and_si256(value, child);
    __m256i none = _mm256_cmpeq_epi8(header, zero); /* a leaf without a value: no varint */
    __m256i second = _mm256_or_si256(both, _mm256_and_si256(line, _mm256_or_si256(value, child)));

    __m256i count = _mm256_min_epu8(_mm256_and_si256(header, count_bits), _mm256_set1_epi8(32));
    count = _mm256_andnot_si256(line, count);

    __m256i first_nbytes = varint_lengths(bytes + 1);
    __m256i second_nbytes = second_lengths(bytes, first_nbytes, 1);
    second_nbytes = _mm256_or_si256(second_nbytes, second_lengths(bytes, first_nbytes, 2));
    second_nbytes = _mm256_or_si256(second_nbytes, second_lengths(bytes, first_nbytes, 3));
    second_nbytes = _mm256_or_si256(second_nbytes, second_lengths(bytes, first_nbytes, 4));
    second_nbytes = _mm256_or_si256(second_nbytes, second_lengths(bytes, first_nbytes, 5));

    /* Three varints, or a second one too far away: not found out here. */
    __m256i unknown = _mm256_or_si256(
        _mm256_and_si256(line, both),
        _mm256_and_si256(second, _mm256_cmpeq_epi8(second_nbytes, zero)));

    __m256i nbytes = _mm256_add_epi8(one, count);
    nbytes = _mm256_add_epi8(nbytes, _mm256_andnot_si256(none, first_nbytes));
    nbytes = _mm256_add_epi8(nbytes, _mm256_and_si256(second, second_nbytes));
    return _mm256_andnot_si256(unknown, nbytes);
}

TARGET void act_node_lengths_avx2(const uint8_t *bytes, uint8_t lengths[ACT_NODE_LENGTHS_BLOCK])
{
    for (int i = 0; i < ACT_NODE_LENGTHS_BLOCK; i += 32)
        _mm256_storeu_si256((__m256i *)(void *)(lengths + i), node_lengths(bytes + i));
}

#endif
