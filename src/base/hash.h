/* Hashing bytes: XXH3, whose header is compiled into this library. */
#ifndef ACT_BASE_HASH_H
#define ACT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t act_hash64(const void *bytes, size_t nbytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, nbytes, seed);
}

/* The same piece by piece, for 128 bits: init, update any number of times, finish. */
typedef XXH3_state_t act_hash128_state;

static inline void act_hash128_init(act_hash128_state *state)
{
    XXH3_128bits_reset(state);
}

static inline void act_hash128_update(act_hash128_state *state, const void *bytes, size_t nbytes)
{
    XXH3_128bits_update(state, bytes, nbytes);
}

/* The most significant byte first, as xxHash's own tools print it. */
static inline void act_hash128_finish(const act_hash128_state *state, uint8_t hash_ret[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(hash_ret, canonical.digest, sizeof(canonical.digest));
}

#endif
