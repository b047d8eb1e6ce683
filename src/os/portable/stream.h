/* What the files of this folder share: ISO C's streams, with offsets of 64 bits. */
#ifndef ACT_OS_PORTABLE_STREAM_H
#define ACT_OS_PORTABLE_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "actree.h"

/* Moves to an offset from the start, of any size. False and errno on failure. */
bool act_os_stream_seek(FILE *stream, uint64_t off);

/* The code of the last failure; EIO where the C library has told none. */
int act_os_stream_code(void);

/*
 * Makes a new file for writing and reading, whose name begins with the path of its folder, slash
 * included, of `folder_nbytes`, and goes on ".NAME.XXXXXXXX.tmp". NULL and errno on failure;
 * otherwise `*path_ret` is its path, to be freed by the caller.
 */
FILE *act_os_stream_create(const char *folder, size_t folder_nbytes, const char *name,
                           char **path_ret);

/* Fails unless what is at the path is a regular file, or nothing: then `*exists_ret` is false.
 * Its permissions, as chmod takes them, go to `*mode_ret`. ACT_ERR_NOT_REGULAR, ACT_ERR_IO. */
act_status act_os_stream_examine(const char *path, const char *quoted, bool *exists_ret,
                                 unsigned *mode_ret, uint64_t *nbytes_ret, act_error *error);

#endif
