#include "format/varint.h"

/* Eight and 64 numbers from `n` on. */
#define UP_8(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
#define UP_64(n)                                                                                   \
    UP_8(n), UP_8((n) + 8), UP_8((n) + 16), UP_8((n) + 24), UP_8((n) + 32), UP_8((n) + 40),        \
        UP_8((n) + 48), UP_8((n) + 56)

const uint8_t act_varint_firsts[256] = {UP_64(0),  UP_64(64), UP_64(128), UP_8(192), UP_8(200),
                                        UP_8(208), UP_8(216), UP_8(224),  UP_8(232), UP_8(240),
                                        /* the rest is 0 */};

const uint64_t act_varint_followings[256] = {
    [248] = UINT64_MAX >> 56, [249] = UINT64_MAX >> 48, [250] = UINT64_MAX >> 40,
    [251] = UINT64_MAX >> 32, [252] = UINT64_MAX >> 24, [253] = UINT64_MAX >> 16,
    [254] = UINT64_MAX >> 8,  [255] = UINT64_MAX, /* the rest is 0 */
};

#define ONES_8  1, 1, 1, 1, 1, 1, 1, 1
#define ONES_64 ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8

const uint8_t act_varint_lengths[256] = {ONES_64, ONES_64, ONES_64, ONES_8, ONES_8, ONES_8,
                                         ONES_8,  ONES_8,  ONES_8,  ONES_8, UP_8(2)};
