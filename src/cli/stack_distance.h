/*
 * Reuse distances: how many different pages are touched between one touch of a page and the next.
 * A memory that always drops the page which was not used for the longest has a page still exactly
 * if its distance is less than the pages it holds (Mattson, Gecsei, Slutz and Traiger, 1970).
 */
#ifndef ACT_CLI_STACK_DISTANCE_H
#define ACT_CLI_STACK_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Counts the touches by distance, exactly, as if the whole sequence came a second time: so that
 * each touch has one. `counts_ret` has `page_count` places, all of which are written; numbers in
 * `touches` are below `page_count`. Takes O(n log p) time and 28 bytes a page of memory. False
 * without memory.
 */
bool cli_stack_distances(const uint32_t *touches, size_t touch_count, size_t page_count,
                         uint64_t *counts_ret);

#endif
