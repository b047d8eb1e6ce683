#include "simd/node_lengths.h"

#include "base/config.h"

enum {
    SECOND_READABLE = 5
}; /* longest first varint after which the second is looked for */

static unsigned varint_nbytes(uint8_t first)
{
    return first <= 247 ? 1 : first - 246u;
}

static uint8_t node_length(const uint8_t *bytes)
{
    unsigned header = bytes[0];
    unsigned value = header >> 6 & 1;
    unsigned varints;
    unsigned count = 0;
    if (header & 0x80) {
        varints = 1 + value + (header & 1);
    } else {
        count = header & 0x3f;
        varints = value + (count > 0);
    }
    unsigned nbytes = 1 + (count < 32 ? count : 32);
    if (varints == 0)
        return (uint8_t)nbytes;
    unsigned first = varint_nbytes(bytes[1]);
    if (varints == 1)
        return (uint8_t)(nbytes + first);
    if (varints > 2)
        return 0;
    return (uint8_t)(nbytes + first + varint_nbytes(bytes[1 + first]));
}

void act_node_lengths_portable(const uint8_t *bytes, uint8_t lengths[ACT_NODE_LENGTHS_BLOCK])
{
    for (unsigned i = 0; i < ACT_NODE_LENGTHS_BLOCK; i++)
        lengths[i] = node_length(bytes + i);
}

act_node_lengths_fn act_node_lengths_best(void)
{
#if ACT_USE_X86
    if (__builtin_cpu_supports("avx2"))
        return act_node_lengths_avx2;
#endif
    return NULL;
}
