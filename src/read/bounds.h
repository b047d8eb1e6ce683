/* The order of keys, and the two ends that a range comes to. */
#ifndef ACT_READ_BOUNDS_H
#define ACT_READ_BOUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"

/* Below 0, 0, or above 0, as a < b, a == b, a > b. */
int act_key_compare(const void *a, size_t a_nbytes, const void *b, size_t b_nbytes);

/* An end of a range: a key, or nothing. */
struct act_bound {
    uint8_t *key; /* NULL: no bound */
    size_t nbytes;
};

struct act_bounds {
    struct act_bound lower; /* entries >= this */
    struct act_bound upper; /* entries < this */
};

/* The bounds of a range; copies. False when there is no memory: nothing is held then. */
bool act_bounds_of(const act_range *range, struct act_bounds *bounds_ret);

/* Frees them; all-zero ones are allowed. */
void act_bounds_free(struct act_bounds *bounds);

/* Whether no key can lie within. */
bool act_bounds_are_empty(const struct act_bounds *bounds);

#endif
