/*
 * Bytes that are written once, and then read once from the beginning: in memory while they are
 * few, in a temporary file without a name when they are more.
 */
#ifndef ACT_BUILD_SPOOL_H
#define ACT_BUILD_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "base/config.h"
#include "os/temp.h"

enum {
    ACT_SPOOL_BUFFER_NBYTES = ACT_SMALL_BUFFERS ? 4 << 10 : 1 << 20,
    ACT_SPOOL_BUFFER_SCARCE = ACT_SMALL_BUFFERS ? 4 << 10 : 128 << 10 /* where memory is scarce */
};

struct act_spool {
    char *beside; /* a path in the folder for the file; NULL: all stays in memory */
    struct act_os_temp *temp;
    uint8_t *buffer;
    size_t capacity;
    size_t used; /* written to the buffer, or read into it */
    size_t at;   /* of them, given out again */
    uint64_t file_at;
};

/* Starts an empty spool, whose file is to lie beside `path`; NULL: which never has one, grows, and
 * is found at `buffer`. ACT_ERR_NOMEM. */
act_status act_spool_open(struct act_spool *spool, const char *path, act_error *error);

/* Frees it; all-zero bytes are allowed. */
void act_spool_close(struct act_spool *spool);

/* ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_spool_write(struct act_spool *spool, const void *bytes, size_t nbytes,
                           act_error *error);

/* Forgets what is in a spool that stays in memory. */
void act_spool_clear(struct act_spool *spool);

/* Ends writing, begins reading. ACT_ERR_IO. */
act_status act_spool_rewind(struct act_spool *spool, act_error *error);

/* The next bytes, of which there must be as many. ACT_ERR_IO. */
act_status act_spool_read(struct act_spool *spool, void *bytes, size_t nbytes, act_error *error);

#endif
