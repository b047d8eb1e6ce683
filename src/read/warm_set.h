/*
 * A set of pages, in memory and as a file.
 *
 * The file: numbers are little-endian, varints those of docs/FORMAT.md.
 *
 *   at 0   8  "ACTwarm1"
 *   at 8   4  the version, 1
 *   at 12  4  the bytes of a page
 *   at 16  8  the size of the map's file
 *   at 24  8  its root
 *   at 32  8  XXH3-64 of its first 256 bytes, or of all if it has fewer
 *   at 40  8  the number of pages in the set
 *   at 48  8  the number of runs
 *   at 56     for each run, two varints: pages between it and the one before, and its pages
 *   at the end 8: XXH3-64 of all before
 */
#ifndef ACT_READ_WARM_SET_H
#define ACT_READ_WARM_SET_H

#include "actree.h"

/* Neighbouring pages. */
struct act_page_run {
    uint64_t first;
    uint64_t count;
};

struct act_warm_set {
    uint64_t page_nbytes;
    uint64_t file_nbytes;
    uint64_t root;
    uint64_t head_hash;
    uint64_t pages;
    struct act_page_run *runs; /* ascending, with a gap between */
    size_t runs_count;
    size_t runs_capacity;
};

/* The bytes of the file, to be freed; NULL without memory. */
uint8_t *act_warm_set_encode(const act_warm_set *set, size_t *nbytes_ret);

/* A set from such bytes, none of which are trusted; `quoted` is what errors call the file. As
 * act_warm_set_load. */
act_status act_warm_set_decode(const uint8_t *bytes, uint64_t nbytes, const char *quoted,
                               act_warm_set **set_ret, act_error *error);

#endif
