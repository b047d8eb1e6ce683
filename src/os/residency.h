/*
 * Which pages are in memory, and what it cost: what the system can be asked. It may know or not;
 * where it does not, that is the answer, never a zero in place of a number. The contract that each
 * platform implements.
 */
#ifndef ACT_OS_RESIDENCY_H
#define ACT_OS_RESIDENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "actree.h"
#include "os/map.h"

/*
 * Which pages of a mapped file are in the page cache: sets bit i % 8 of byte i / 8 of `bits`, all
 * zero before, for page i. Touches none of the pages. Returns who said so; with
 * ACT_RESIDENCY_UNKNOWN the bits mean nothing.
 */
act_residency_source act_os_pages_cached(const struct act_os_bytes *map, uint8_t *bits);

/*
 * Which pages of any memory are in this process's page tables; as above, but `bytes` may begin
 * anywhere in a page, which is page 0. False if nobody says so.
 */
bool act_os_pages_present(const uint8_t *bytes, uint64_t nbytes, uint8_t *bits);

/* What this process has of a mapping. */
struct act_os_usage {
    act_amount rss;
    act_amount pss;
    act_amount locked;
    act_amount huge;
    act_amount swapped;
};

/* Asks for the mapping that begins at `bytes`. */
void act_os_mapping_usage(const uint8_t *bytes, uint64_t nbytes, struct act_os_usage *usage_ret);

/* What the page cache has, or had, of a file. */
struct act_os_cache {
    act_amount cached;
    act_amount dirty;
    act_amount writeback;
    act_amount evicted;
    act_amount evicted_recently;
};

/* Asks for a mapped file. */
void act_os_cache_totals(const struct act_os_bytes *map, struct act_os_cache *cache_ret);

/* Page faults so far; `faults_ret` is all zero if nobody knows. */
void act_os_faults(act_faults_of whose, act_faults *faults_ret);

#endif
