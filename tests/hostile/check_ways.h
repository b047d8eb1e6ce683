/* What the library does with a map beside looking up, scanning and walking: on any bytes at all. */
#ifndef TESTS_HOSTILE_CHECK_WAYS_H
#define TESTS_HOSTILE_CHECK_WAYS_H

#include <stdint.h>

#include "actree.h"
#include "support/entries.h"

/*
 * Counts, digests, traces, splits, scans in parts and by runs, asks where prefixes lie and what is
 * in memory, compares with another map, and moves a cursor about. `listed`: all entries, in order,
 * of a sound map; NULL if they are not known. Whatever the map is, that must be safe and end; of a
 * sound one nothing may say that it is damaged, and where its entries are known, all must have
 * them. Otherwise the running test fails, with `what` and `number` in its message.
 */
void check_ways(const act_map *map, const struct entries *listed, bool sound, const char *what,
                uint64_t number);

#endif
