/*
 * A file's bytes in memory of the program's own, each page read when it is first touched, by a
 * thread: the contract that each platform implements. No touch of it ever ends in a signal.
 */
#ifndef ACT_OS_SERVED_H
#define ACT_OS_SERVED_H

#include <stddef.h>

#include "os/map.h"

/*
 * Fills `*bytes_ret`, for a file of `nbytes` bytes, at least 1, that is open for reading; `fd`
 * stays the caller's. The guard in `*bytes_ret` holds until a page cannot be read, or the file was
 * written to since it was opened, or in a child of fork(); what is touched then is zeros.
 * ACT_ERR_NOMEM; ACT_ERR_IO, with ENOSYS or EPERM where the system has no such thing, or not for
 * this program.
 */
act_status act_os_served_open(int fd, size_t nbytes, const char *quoted,
                              struct act_os_bytes *bytes_ret, act_error *error);

/* Gives it back. */
void act_os_served_close(struct act_os_bytes *bytes);

#endif
