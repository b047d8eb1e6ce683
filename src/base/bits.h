/* Counting and finding bits. */
#ifndef ACT_BASE_BITS_H
#define ACT_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Bitmaps: bit i % 8 of byte i / 8. */
static inline bool act_bit(const uint8_t *bits, uint64_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

static inline void act_set_bit(uint8_t *bits, uint64_t i)
{
    bits[i / 8] |= (uint8_t)(1U << i % 8);
}

static inline unsigned act_popcount64(uint64_t v)
{
#if defined(__POPCNT__) || (defined(__GNUC__) && defined(__aarch64__))
    return (unsigned)__builtin_popcountll(v);
#else
    /* The classic halving sums: without the instruction a compiler would call a table routine. */
    v -= v >> 1 & 0x5555555555555555u;
    v = (v & 0x3333333333333333u) + (v >> 2 & 0x3333333333333333u);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(v * 0x0101010101010101u >> 56);
#endif
}

/* The index of the lowest set bit; `v` must not be 0. */
static inline unsigned act_lowest_bit64(uint64_t v)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(v);
#else
    return act_popcount64((v & (~v + 1)) - 1);
#endif
}

/* The index of the highest set bit; `v` must not be 0. */
static inline unsigned act_highest_bit64(uint64_t v)
{
#if defined(__GNUC__)
    return 63u - (unsigned)__builtin_clzll(v);
#else
    unsigned n = 0;
    while (v >>= 1)
        n++;
    return n;
#endif
}

#endif
