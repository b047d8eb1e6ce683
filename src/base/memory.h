/* Growing arrays. */
#ifndef ACT_BASE_MEMORY_H
#define ACT_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes room for at least `needed` elements of `element_nbytes` in the array `*array`, which has
 * room for `*capacity`, both zero at first; grows by half at least, so that appending is cheap.
 * False when there is no memory or the size does not fit a size_t: the array is as it was.
 */
bool act_reserve(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes);

#endif
