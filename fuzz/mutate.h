/* Changes to inputs that hold files, made where the file's nodes are. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* What an input is made of. Where there are two parts, their first two bytes, little-endian, are
 * the length of the first. */
enum fuzz_form {
    FUZZ_BYTES,    /* anything */
    FUZZ_FILE,     /* a file */
    FUZZ_SCRIPTED, /* a script, and a file */
    FUZZ_PAIR      /* a file, and a file */
};

/* The fuzzer's own way to change bytes: returns how many there are then. */
typedef size_t (*fuzz_bytewise_fn)(uint8_t *data, size_t nbytes, size_t nbytes_max);

/*
 * Changes an input of that form, of which there is room for `nbytes_max` bytes, at most 65,536, and
 * returns how many there are then. The same seed makes the same change. Half of the changes are
 * those of `bytewise` (NULL: some of our own), the others are made to nodes, references, tables and
 * checksums by what they mean; and then mostly all that has to fit what was changed is made to fit:
 * the magic, the root's offset, the end of the file, and checksums.
 */
size_t fuzz_mutate(enum fuzz_form form, uint8_t *data, size_t nbytes, size_t nbytes_max,
                   unsigned seed, fuzz_bytewise_fn bytewise);

#endif
