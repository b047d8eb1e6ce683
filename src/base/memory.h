/* Growing arrays. */
#ifndef ACT_BASE_MEMORY_H
#define ACT_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"

/* act_reserve where there is not enough room. */
bool act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes);

/*
 * Makes room for at least `needed` elements of `element_nbytes` in the array `*array`, which has
 * room for `*capacity`, both zero at first; grows by half at least, so that appending is cheap.
 * False when there is no memory or the size does not fit a size_t: the array is as it was.
 */
static inline bool act_reserve(void *array_pointer, size_t *capacity, size_t needed,
                               size_t element_nbytes)
{
    return ACT_LIKELY(needed <= *capacity) ||
           act_grow(array_pointer, capacity, needed, element_nbytes);
}

#endif
