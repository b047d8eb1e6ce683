/*
 * Variable-length integers: a first byte up to 247 is the value; 248 to 255 say that 1 to 8
 * little-endian bytes follow and hold it.
 */
#ifndef ACT_FORMAT_VARINT_H
#define ACT_FORMAT_VARINT_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/bits.h"
#include "base/bytes.h"

enum {
    ACT_VARINT_INLINE_MAX = 247,
    ACT_VARINT_NBYTES_MAX = 9
};

/* How many bytes the varint takes that starts with this byte. */
static ACT_ALWAYS_INLINE unsigned act_varint_nbytes(uint8_t first)
{
    return first <= ACT_VARINT_INLINE_MAX ? 1 : first - 246u;
}

/*
 * What to keep of the 8 bytes after the first one, by that. A table: shifts by a number of bits
 * that is not known beforehand take longer on x86 processors without BMI2.
 */
extern const uint64_t act_varint_followings[256];

/* Decodes at `p`, where 9 bytes must be readable; moves `*p_ref` past it. */
static ACT_ALWAYS_INLINE uint64_t act_varint_read(const uint8_t **p_ref)
{
    const uint8_t *p = *p_ref;
    unsigned first = *p;
    if (ACT_LIKELY(first <= ACT_VARINT_INLINE_MAX)) {
        *p_ref = p + 1;
        return first;
    }
    unsigned nbytes = first - ACT_VARINT_INLINE_MAX; /* 1 to 8 */
    *p_ref = p + 1 + nbytes;
    return act_load_le64(p + 1) & act_varint_followings[first];
}

/* By the first byte too: the value, if it has it, or 0; how many bytes the varint takes. */
extern const uint8_t act_varint_firsts[256];
extern const uint8_t act_varint_lengths[256];

/* The same without a branch, for lengths that cannot be foretold: a wrong guess costs more. */
static ACT_ALWAYS_INLINE uint64_t act_varint_read_mixed(const uint8_t **p_ref)
{
    const uint8_t *p = *p_ref;
    unsigned first = *p;
    uint64_t following = act_load_le64(p + 1) & act_varint_followings[first];
    *p_ref = p + act_varint_lengths[first];
    return following + act_varint_firsts[first];
}

/* Decodes at `p`, not reading at or past `end`; moves `*p_ref` past it. 0 when it is cut short. */
static inline int act_varint_read_checked(const uint8_t **p_ref, const uint8_t *end,
                                          uint64_t *value_ret)
{
    const uint8_t *p = *p_ref;
    if (p >= end)
        return 0;
    unsigned nbytes = act_varint_nbytes(*p);
    if (nbytes > (uint64_t)(end - p))
        return 0;
    uint64_t value = *p;
    if (nbytes > 1) {
        value = 0;
        for (unsigned i = nbytes - 1; i > 0; i--)
            value = value << 8 | p[i];
    }
    *p_ref = p + nbytes;
    *value_ret = value;
    return 1;
}

/* How many bytes a value takes in its shortest form. */
static inline unsigned act_varint_nbytes_of(uint64_t value)
{
    unsigned following = 1 + act_highest_bit64(value | 1) / 8;
    return 1 + following * (value > ACT_VARINT_INLINE_MAX);
}

/* Encodes at `p`, where 9 bytes must be writable, in the shortest form; returns the end. */
static inline uint8_t *act_varint_write(uint8_t *p, uint64_t value)
{
    if (value <= ACT_VARINT_INLINE_MAX) {
        *p = (uint8_t)value;
        return p + 1;
    }
    unsigned nbytes = 1 + act_highest_bit64(value) / 8;
    *p = (uint8_t)(ACT_VARINT_INLINE_MAX + nbytes);
    act_store_le64(p + 1, value);
    return p + 1 + nbytes;
}

#endif
