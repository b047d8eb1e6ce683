#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes)
{
    size_t most = SIZE_MAX / element_nbytes;
    if (needed > most)
        return false;
    size_t wanted = *capacity + *capacity / 2;
    if (wanted < *capacity || wanted > most)
        wanted = most;
    if (wanted < needed)
        wanted = needed;
    if (wanted < 16 && most >= 16)
        wanted = 16;

    /* The caller's pointer may be of any object type: move it as bytes. */
    void *array;
    memcpy(&array, array_pointer, sizeof(array));
    array = realloc(array, wanted * element_nbytes);
    if (!array)
        return false;
    memcpy(array_pointer, &array, sizeof(array));
    *capacity = wanted;
    return true;
}
