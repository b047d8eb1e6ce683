/* Random numbers that are the same on every machine, from a seed that a failing test can name. */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline struct random random_of(uint64_t seed)
{
    struct random r = {seed};
    return r;
}

/* splitmix64: any seed is a good one. */
static inline uint64_t random_u64(struct random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 to n - 1, for an n far below 2^64. */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
    return random_u64(r) % n;
}

static inline bool random_one_in(struct random *r, uint64_t n)
{
    return random_below(r, n) == 0;
}

/* The number's bytes in the order that every machine has them in here, the lowest first. */
static inline void random_put_u64(uint8_t bytes[8], uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
}

static inline void random_fill(struct random *r, uint8_t *bytes, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = (uint8_t)random_u64(r);
}

#endif
