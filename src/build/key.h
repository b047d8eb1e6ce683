/* Comparing keys. */
#ifndef ACT_BUILD_KEY_H
#define ACT_BUILD_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bits.h"
#include "base/bytes.h"
#include "format/varint.h"

struct act_key {
    const uint8_t *bytes;
    size_t nbytes;
};

/* How many of `most` bytes are the same in both, from the first on. */
static inline size_t act_common_nbytes(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t i = 0;
    if (most >= 8) {
        for (; most - i >= 8; i += 8) {
            uint64_t differing = act_load_le64(a + i) ^ act_load_le64(b + i);
            if (differing)
                return i + act_lowest_bit64(differing) / 8;
        }
        /* The rest, with some of what was found to be the same: no step for each byte. */
        uint64_t differing = act_load_le64(a + most - 8) ^ act_load_le64(b + most - 8);
        return differing ? most - 8 + act_lowest_bit64(differing) / 8 : most;
    }
    if (most >= 4) {
        uint64_t differing = act_load_le32(a) ^ act_load_le32(b);
        differing |= (uint64_t)(act_load_le32(a + most - 4) ^ act_load_le32(b + most - 4))
                     << 8 * (most - 4);
        return differing ? act_lowest_bit64(differing) / 8 : most;
    }
    while (i < most && a[i] == b[i])
        i++;
    return i;
}

/* The order of two keys that agree up to `depth`, which neither is shorter than. */
static inline int act_key_compare_from(struct act_key a, struct act_key b, size_t depth)
{
    size_t most = a.nbytes < b.nbytes ? a.nbytes : b.nbytes;
    int order = memcmp(a.bytes + depth, b.bytes + depth, most - depth);
    return order ? order : (a.nbytes > b.nbytes) - (a.nbytes < b.nbytes);
}

/* The key of a sorter's entry: a length, varint, and as many bytes. */
static inline struct act_key act_key_of_entry(const uint8_t *entry)
{
    const uint8_t *p = entry;
    size_t nbytes = (size_t)act_varint_read(&p);
    return (struct act_key){p, nbytes};
}

#endif
