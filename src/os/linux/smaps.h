/* What the system's own files say of this process's mappings; other files are for tests. */
#ifndef ACT_OS_LINUX_SMAPS_H
#define ACT_OS_LINUX_SMAPS_H

#include <stdint.h>

#include "os/residency.h"

/*
 * Adds up the mappings that lie between two addresses, of a file like /proc/self/smaps. Nothing is
 * known if there is none, or one that reaches beyond: then others have a part in it.
 */
void act_os_smaps_usage(const char *smaps, uint64_t start, uint64_t end,
                        struct act_os_usage *usage_ret);

/* How many bytes between two addresses are seen in huge pages: no more than that where a mapping
 * reaches beyond. 0 also if there is no such file. */
uint64_t act_os_smaps_huge(const char *smaps, uint64_t start, uint64_t end);

#endif
