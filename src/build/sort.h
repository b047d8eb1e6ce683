/*
 * Sorting keys of any bytes and lengths, in memory.
 *
 * Multikey quicksort (Bentley and Sedgewick, "Fast algorithms for sorting and searching strings",
 * SODA 1997) with the next bytes of each key kept beside the reference to it (Ng and Kakehi,
 * "Cache efficient radix sort for string sorting", IEICE 2007, call that caching multikey
 * quicksort): most comparisons then touch no key. Pivots are taken at random, so that no input
 * makes it quadratic; what a group of keys has in common is stepped over in one go, so that long
 * common prefixes cost no more than reading them; nothing recurses.
 *
 * With room for as many records again, ranges of records are sorted by their caches from the lowest
 * bits on, several at a time, those left out which all of them have in common: that has no guess
 * that can be wrong. The room should stay in a processor's cache, or it takes longer.
 */
#ifndef ACT_BUILD_SORT_H
#define ACT_BUILD_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pace.h"

struct act_sort_record {
    uint64_t cache; /* of the sort */
    size_t entry;   /* offset of an entry */
};

enum {
    /* So many bytes after the last entry must be readable. */
    ACT_SORT_SLACK_NBYTES = 16
};

/*
 * Sorts records by the keys of their entries, records of equal keys by their entries' offsets.
 * An entry is the length of a key, varint, and the key. `room` is for as many records, or NULL.
 * False if the callback asked to stop: then the records are in some order.
 */
bool act_sort(struct act_sort_record *records, size_t count, struct act_sort_record *room,
              const uint8_t *store, struct act_pace *pace);

#endif
