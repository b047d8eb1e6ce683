/* System calls as os/posix wants them: whole, and again after a signal. */
#ifndef ACT_OS_POSIX_CALLS_H
#define ACT_OS_POSIX_CALLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "actree.h"

/* Opens a file that may turn out to be none: opening a pipe that nobody is at returns at once. With
 * O_RDONLY or O_RDWR. -1 and errno on failure. */
int act_posix_open(const char *path, int mode);

/* ACT_OK for a regular file; else ACT_ERR_NOT_REGULAR, and what it is. */
act_status act_posix_check_regular(const struct stat *st, const char *quoted, act_error *error);

/* Reads up to so many bytes; fewer where the file ends. -1 and errno on failure. */
int64_t act_posix_read_at(int fd, void *buffer, size_t nbytes, uint64_t off);

/* Writes all of them. Returns 0 or errno. */
int act_posix_write_at(int fd, const void *bytes, size_t nbytes, uint64_t off);

/* Wait until the disk has the file: all of it, or what was written and the length, but not when.
 * -1 and errno on failure. */
int act_posix_sync(int fd);
int act_posix_sync_data(int fd);

#endif
