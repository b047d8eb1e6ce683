/* Random maps of the shapes in which tries go wrong. */
#ifndef TESTS_SUPPORT_SHAPES_H
#define TESTS_SUPPORT_SHAPES_H

#include <stddef.h>

#include "support/entries.h"
#include "support/random.h"

/* How many shapes there are. */
size_t shapes_count(void);

/* What a shape is called. */
const char *shapes_name(size_t shape);

/* Makes a map of that shape, of some hundred to some thousand entries at most, in order. */
void shapes_make(struct random *r, size_t shape, struct entries *entries);

/* Adds paths without a value, below and beside the keys that are there, and sorts again. */
void shapes_add_paths(struct random *r, size_t count, struct entries *entries);

/* A value: small, any, or at a boundary of its encoding. */
uint64_t shapes_value(struct random *r);

/*
 * A key to ask for, near to what is in the map: one of its keys as it is, cut, longer, with one
 * byte changed; or nothing like it. Writes up to `room` bytes and returns how many.
 */
size_t shapes_near_key(struct random *r, const struct entries *entries, uint8_t *key, size_t room);

#endif
