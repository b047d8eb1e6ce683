/* A file that is added to in place, by one writer at a time: each platform implements it. */
#ifndef ACT_OS_UPDATE_H
#define ACT_OS_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"

struct act_os_update;

/*
 * Opens the regular file at `path` for reading and writing, as the only writer that asks in this
 * way: until it is closed, or the process ends, all others get ACT_ERR_LOCKED. A symbolic link is
 * followed. Never waits. What is there now is mapped. ACT_ERR_LOCKED, ACT_ERR_IO, ACT_ERR_NOMEM,
 * ACT_ERR_NOT_REGULAR.
 */
act_status act_os_update_open(const char *path, struct act_os_update **update_ret,
                              act_error *error);

/* The bytes that were there when it was opened, and stay the same in memory; NULL if none. */
const uint8_t *act_os_update_bytes(const struct act_os_update *update, uint64_t *nbytes_ret);

/* Cuts the file to that length. ACT_ERR_IO. */
act_status act_os_update_cut(struct act_os_update *update, uint64_t nbytes, act_error *error);

/* Writes all the bytes at an offset, up to 8 of them in one call of the system. ACT_ERR_IO. */
act_status act_os_update_write(struct act_os_update *update, uint64_t off, const void *bytes,
                               size_t nbytes, act_error *error);

/* Reads bytes that are there. ACT_ERR_IO. */
act_status act_os_update_read(struct act_os_update *update, uint64_t off, void *bytes,
                              size_t nbytes, act_error *error);

/* Waits until the disk has all that was written, and the length. ACT_ERR_IO. */
act_status act_os_update_sync(struct act_os_update *update, act_error *error);

/* Closes it, and lets others write. NULL is allowed. */
void act_os_update_close(struct act_os_update *update);

#endif
