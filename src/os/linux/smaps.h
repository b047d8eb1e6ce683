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

/*
 * Opens the file that is mapped at an address, as a file like /proc/self/maps names it, for
 * reading; `*off_ret` is the place in the file that lies at the address. -1 if there is no such
 * file any more, or it may not be opened.
 */
int act_os_maps_open(const char *maps, uint64_t address, uint64_t *off_ret);

#endif
