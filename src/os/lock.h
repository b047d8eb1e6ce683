/* One writer at a time: the contract that each platform implements. */
#ifndef ACT_OS_LOCK_H
#define ACT_OS_LOCK_H

#include <stdint.h>

/*
 * Claims the open file for whoever has this descriptor, and its copies; closing them gives it back,
 * as the end of the process does. Never waits; readers are not concerned. 0, or an errno:
 * EWOULDBLOCK where another has it.
 */
int act_os_lock_take(int fd);

/* The process that has claimed the file, or 0 where that cannot be known. */
uint64_t act_os_lock_holder(int fd);

#endif
