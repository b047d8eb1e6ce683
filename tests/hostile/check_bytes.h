/* All that the library does with some bytes, compared with the plain model of small files. */
#ifndef TESTS_HOSTILE_CHECK_BYTES_H
#define TESTS_HOSTILE_CHECK_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* How many files were of which kind: a test that meets none of a kind shows nothing about it. */
struct check_tally {
    uint64_t refused; /* cannot be opened */
    uint64_t damaged;
    uint64_t sound;
    uint64_t entries; /* of sound files */
};

/*
 * Opens the bytes as a file in a buffer of exactly that size, verifies, describes, scans, looks up
 * and walks. Whatever they are, that must be safe and end; where they are sound, the answers must
 * be the model's, and where not, verify must say so. Otherwise the running test fails, with
 * `what` and `number` in its message.
 */
void check_bytes(const uint8_t *bytes, size_t nbytes, const char *what, uint64_t number,
                 struct check_tally *tally);

#endif
