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

#endif
