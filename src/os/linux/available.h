/* How much memory there is, as the system's own files say; other files are for tests. */
#ifndef ACT_OS_LINUX_AVAILABLE_H
#define ACT_OS_LINUX_AVAILABLE_H

#include <stdbool.h>
#include <stdint.h>

/* "MemAvailable" of a file like /proc/meminfo, in bytes; UINT64_MAX if it is not there. */
uint64_t act_os_meminfo_available(const char *meminfo);

/*
 * The least limit of memory of the control groups that a file like /proc/self/cgroup names, and of
 * those above them, whose folders lie below `mounts`, of version 1, 2 or both. With `left`, of each
 * only what it has not taken yet, but for files that can be thrown out. UINT64_MAX if there is
 * none.
 */
uint64_t act_os_group_limit(const char *groups, const char *mounts, bool left);

#endif
