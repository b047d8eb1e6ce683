/*
 * Little-endian loads and stores at any alignment. memcpy is how C spells an unaligned access;
 * compilers make one instruction of it, and of the byte-wise body a big-endian machine takes.
 */
#ifndef ACT_BASE_BYTES_H
#define ACT_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ACT_LITTLE_ENDIAN 1
#else
#define ACT_LITTLE_ENDIAN 0
#endif

static inline uint64_t act_load_le64(const uint8_t *p)
{
#if ACT_LITTLE_ENDIAN
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
#else
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
#endif
}

static inline uint32_t act_load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t act_load_le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline void act_store_le16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void act_store_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline void act_store_le64(uint8_t *p, uint64_t v)
{
#if ACT_LITTLE_ENDIAN
    memcpy(p, &v, sizeof(v));
#else
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
#endif
}

/* Big-endian loads order as bytes do: for comparing keys eight bytes at a time. */
static inline uint64_t act_load_be64(const uint8_t *p)
{
#if ACT_LITTLE_ENDIAN && defined(__GNUC__)
    return __builtin_bswap64(act_load_le64(p));
#else
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
#endif
}

/* As memcpy, for some ten bytes mostly: most times in two steps, without a call. */
static inline void act_copy_bytes(uint8_t *to, const uint8_t *from, size_t nbytes)
{
    if (nbytes > 64 || nbytes < 8) {
        if (nbytes)
            memcpy(to, from, nbytes);
    } else if (nbytes > 32) {
        memcpy(to, from, 32);
        memcpy(to + nbytes - 32, from + nbytes - 32, 32);
    } else if (nbytes >= 16) {
        memcpy(to, from, 16);
        memcpy(to + nbytes - 16, from + nbytes - 16, 16);
    } else {
        memcpy(to, from, 8);
        memcpy(to + nbytes - 8, from + nbytes - 8, 8);
    }
}

/* Loads in the machine's own order, where only equality matters. */
static inline uint64_t act_load_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t act_load_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

#endif
