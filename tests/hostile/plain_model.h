/*
 * A reader of small files, to judge the library by: written from the words of the format alone, it
 * recurses, looks at every byte by itself, and shares nothing with the library.
 */
#ifndef TESTS_HOSTILE_PLAIN_MODEL_H
#define TESTS_HOSTILE_PLAIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/entries.h"

/* Rules O1 to O4. */
bool plain_can_be_opened(const uint8_t *bytes, size_t nbytes);

/* Rules 1 to 12, of bytes that can be opened. Takes one byte of memory for each of the file. */
bool plain_is_sound(const uint8_t *bytes, size_t nbytes);

/*
 * The entries of a sound file in order, paths that dangle included. False if there are more than
 * `count_max` or the keys take more than `nbytes_max` together: then the list is not complete.
 */
bool plain_list(const uint8_t *bytes, size_t nbytes, size_t count_max, size_t nbytes_max,
                struct entries *entries);

#endif
