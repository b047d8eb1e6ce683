/* A map as a plain sorted array: what the library's answers are compared with. */
#ifndef TESTS_SUPPORT_ENTRIES_H
#define TESTS_SUPPORT_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key with its value, or a path without one. */
struct entry {
    uint8_t *key; /* never NULL */
    size_t key_nbytes;
    uint64_t value;
    bool has_value;
};

struct entries {
    struct entry *items;
    size_t count;
    size_t capacity;
};

/* All-zero entries are an empty list. None of these functions fails: without memory, or with a
 * file that cannot be read, they end the program. */

/* Appends an entry; the key is copied. */
void entries_add(struct entries *entries, const void *key, size_t key_nbytes, uint64_t value);

/* The same for a path without a value. */
void entries_add_path(struct entries *entries, const void *path, size_t path_nbytes);

/* Brings them into byte order; of equal keys the one that was added last stays. */
void entries_sort(struct entries *entries);

/* Drops the paths without a value. */
void entries_drop_paths(struct entries *entries);

/* Appends a copy of another list. */
void entries_append(struct entries *entries, const struct entries *other);

/* Makes of a list what a merge of the changes makes of a map: paths without a value are removed. */
void entries_change(struct entries *entries, const struct entries *changes);

/* Appends the lines of a file, HEXKEY<TAB>VALUE, where the value - makes a path. */
void entries_read_tsv(struct entries *entries, const char *path);

void entries_free(struct entries *entries);

/* Byte order: below 0, 0, above 0. */
int entries_compare(const void *a, size_t a_nbytes, const void *b, size_t b_nbytes);

/* Of sorted entries, the index of the first that is not below the key; `count` if there is none. */
size_t entries_lower_bound(const struct entries *entries, const void *key, size_t key_nbytes);

/* Of sorted entries, the index after the last that begins with the prefix, or of the first above.
 */
size_t entries_prefix_end(const struct entries *entries, const void *prefix, size_t prefix_nbytes);

/* The entry of a key, or NULL. */
const struct entry *entries_find(const struct entries *entries, const void *key, size_t key_nbytes);

bool entries_begins_with(const struct entry *entry, const void *prefix, size_t prefix_nbytes);

#endif
