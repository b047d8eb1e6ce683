/* Eight threads that read the same entries, and note what is not so. */
#ifndef ACT_TEST_READERS_H
#define ACT_TEST_READERS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "support/entries.h"
#include "support/random.h"

enum {
    READERS = 8
};

struct reader {
    pthread_t thread;
    struct random r;
    const struct entries *entries; /* what must be found; written by nobody */
    const char *fault;             /* what was wrong, or NULL */
};

/* Assertions of the test framework belong to the main thread: readers only note what they saw. */
#define EXPECT(reader, condition)                                                                  \
    do {                                                                                           \
        if (!(condition) && !(reader)->fault)                                                      \
            (reader)->fault = #condition;                                                          \
    } while (0)

/* Where a reader is among the entries. */
struct place {
    struct reader *reader;
    size_t at;
};

/* Notes whether these are the next entry; for scans: `context` is a struct place. */
int readers_compare_next(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value);

/* Has each reader do `read_all`, which gets a struct reader, and fails for what one of them noted.
 */
void readers_run(const struct entries *entries, void *(*read_all)(void *reader));

#endif
