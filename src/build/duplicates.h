/* What becomes of keys that come more than once. */
#ifndef ACT_BUILD_DUPLICATES_H
#define ACT_BUILD_DUPLICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/key.h"

/* What sorting gives on: one entry for all of a key, as far as the policy can join them. */
struct act_joined {
    struct act_key key; /* valid until the next one is asked for */
    size_t shared;      /* so many bytes are those of the key before; of equal keys all */
    uint64_t value;
    bool clash; /* another entry of this key follows, and the policy cannot join them */
};

/* Makes one value of two of a key, in the order of arrival. False where the policy forbids it, or
 * where the sum is more than a u64: then nothing has changed. */
static inline bool act_join(act_duplicates policy, uint64_t *value, uint64_t later)
{
    switch (policy) {
    case ACT_DUPLICATES_ERROR:
        return false;
    case ACT_DUPLICATES_FIRST:
        break;
    case ACT_DUPLICATES_LAST:
        *value = later;
        break;
    case ACT_DUPLICATES_SUM:
        if (later > UINT64_MAX - *value)
            return false;
        *value += later;
        break;
    case ACT_DUPLICATES_MIN:
        *value = later < *value ? later : *value;
        break;
    case ACT_DUPLICATES_MAX:
        *value = later > *value ? later : *value;
        break;
    }
    return true;
}

#endif
