/* Which pages are in this process's page tables, as /proc/self/pagemap says. For os/linux. */
#ifndef ACT_OS_LINUX_PAGEMAP_H
#define ACT_OS_LINUX_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ACT_PAGEMAP_RANGES = 512
};

/* As PAGEMAP_SCAN has it. */
struct act_pagemap_range {
    uint64_t start, end, categories;
};

/* Pages that are present, in ascending order, as found in one go. */
struct act_pagemap_found {
    struct act_pagemap_range ranges[ACT_PAGEMAP_RANGES];
    int count;
};

/*
 * Opens it; -1 if it is not to be had, or not this process's: under an emulator it is the
 * emulator's, whose addresses or order of bytes are others.
 */
int act_pagemap_open(void);

/*
 * Finds what is present from *start_ref on and below `end`, both at the start of a page, so many
 * pages at the most (UINT64_MAX: no limit), and moves *start_ref to where it came. False if that
 * cannot be known.
 */
bool act_pagemap_next(int fd, uint64_t *start_ref, uint64_t end, uint64_t pages_max,
                      struct act_pagemap_found *found);

#endif
