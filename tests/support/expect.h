/* That a map holds these entries and no others. */
#ifndef TESTS_SUPPORT_EXPECT_H
#define TESTS_SUPPORT_EXPECT_H

#include "actree.h"
#include "support/entries.h"

/* A scan gives the sorted entries. What is wrong fails the test that runs. */
void expect_scan(const act_map *map, const struct entries *entries);

/* Each of them is found, with its value, or without where it is a path. */
void expect_lookups(const act_map *map, const struct entries *entries);

#endif
