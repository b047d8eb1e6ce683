#ifndef TESTS_SUPPORT_MODEL_BUILD_H
#define TESTS_SUPPORT_MODEL_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The plain layout once more, written to be read: recursive, from an array in memory, every
 * decision taken by looking at all the keys that it concerns. It shares no code with the library.
 */

struct model_entry {
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    bool has_value; /* false: a path without a value */
};

/* Orders entries by key, for qsort(). */
int model_compare(const void *a, const void *b);

/*
 * The file of these entries, sorted and different; a path without a value must not be a prefix of
 * the entry that follows it. To be freed by the caller.
 */
uint8_t *model_build(const struct model_entry *entries, size_t count, size_t *nbytes_ret);

#endif
