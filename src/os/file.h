/* An output file that appears whole or not at all: the contract that each platform implements. */
#ifndef ACT_OS_FILE_H
#define ACT_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"

struct act_os_output;

/*
 * Starts a file that is to appear at `path`, in the folder where it will lie: without a name where
 * the system can do that, so that nothing is left when the program is killed, and otherwise as
 * ".NAME.XXXXXXXX.tmp". A symbolic link at `path` is followed, be it to a file that is not there
 * yet. ACT_ERR_NOT_REGULAR when something else than a file is there; ACT_ERR_IO also when there is
 * a file that may not be written; ACT_ERR_NOMEM.
 */
act_status act_os_output_open(const char *path, struct act_os_output **output_ret,
                              act_error *error);

/* Appends all the bytes. ACT_ERR_IO. */
act_status act_os_output_write(struct act_os_output *output, const void *bytes, size_t nbytes,
                               act_error *error);

/* Writes all the bytes at an offset that was written before. ACT_ERR_IO. */
act_status act_os_output_write_at(struct act_os_output *output, uint64_t off, const void *bytes,
                                  size_t nbytes, act_error *error);

/*
 * Puts the file in its place. With `sync` its data are on the disk before its name is, and its
 * name is when this returns. A file that it replaces gives it its permissions. After a failure
 * nothing has changed at the path, except when the last step fails, the sync of the folder: then
 * the new file is in place, and the text says so. Either way only closing is left.
 */
act_status act_os_output_commit(struct act_os_output *output, bool sync, act_error *error);

/* Frees it, and throws the file away unless it was committed. NULL is allowed. */
void act_os_output_close(struct act_os_output *output);

#endif
