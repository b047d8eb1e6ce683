/* Entries into a file, through the library's builder. */
#ifndef TESTS_SUPPORT_BUILD_H
#define TESTS_SUPPORT_BUILD_H

#include "actree.h"
#include "support/entries.h"

/* Writes sorted entries as a file at `path`; what goes wrong fails the test that runs. */
void build_file(const struct entries *entries, const char *path, act_layout layout,
                act_build_report *report_ret);

/* Merges entries into that file; they are moved to `entries`, which stay sorted. As above. */
void merge_into_file(struct entries *entries, struct entries *added, const char *path);

#endif
