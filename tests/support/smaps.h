/* The system's own list of what this process has mapped: Linux alone has it. */
#ifndef TESTS_SUPPORT_SMAPS_H
#define TESTS_SUPPORT_SMAPS_H

#include <stdint.h>

/* A number of the list, such as "Rss", in bytes, of all mappings of what has this in its name; with
 * `permissions`, "r--p", of those alone that have them, else NULL. */
uint64_t smaps_nbytes(const char *name, const char *permissions, const char *label);

#endif
