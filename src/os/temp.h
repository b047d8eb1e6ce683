/* Files for a while, which nobody else sees: the contract that each platform implements. */
#ifndef ACT_OS_TEMP_H
#define ACT_OS_TEMP_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"

struct act_os_temp;

/*
 * Makes an empty file in the folder; NULL: in the one that the system has for such files, which
 * $TMPDIR names on POSIX. It has no name, or has lost it when this returns, so that nothing is
 * left when the program is killed. ACT_ERR_IO, ACT_ERR_NOMEM. The texts of all errors name the
 * folder.
 */
act_status act_os_temp_open(const char *folder, struct act_os_temp **temp_ret, act_error *error);

/* The same in the folder in which `path` lies. */
act_status act_os_temp_open_beside(const char *path, struct act_os_temp **temp_ret,
                                   act_error *error);

/* Appends all the bytes. ACT_ERR_IO: then there may be some of them. */
act_status act_os_temp_write(struct act_os_temp *temp, const void *bytes, size_t nbytes,
                             act_error *error);

/* How many bytes it has. */
uint64_t act_os_temp_nbytes(const struct act_os_temp *temp);

/* Reads bytes that were written. Where there are threads, several may read, and one write.
 * ACT_ERR_IO.
 */
act_status act_os_temp_read(const struct act_os_temp *temp, uint64_t off, void *bytes,
                            size_t nbytes, act_error *error);

/* Tells that bytes will not be read again, so that the disk need not hold them. Only a wish: it
 * cannot fail, and does nothing where a file cannot have holes. */
void act_os_temp_forget(struct act_os_temp *temp, uint64_t off, uint64_t nbytes);

/* Fails because what was read is not what was written: ACT_ERR_IO. */
act_status act_os_temp_fail_damaged(const struct act_os_temp *temp, act_error *error);

/* Gives it back, and its room on the disk. NULL is allowed. */
void act_os_temp_close(struct act_os_temp *temp);

#endif
