/* Hashing bytes: XXH3, whose header is compiled into this library. */
#ifndef ACT_BASE_HASH_H
#define ACT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t act_hash64(const void *bytes, size_t nbytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, nbytes, seed);
}

#endif
