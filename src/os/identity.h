/* Which file a path leads to, and whether it was written to since: each platform implements it. */
#ifndef ACT_OS_IDENTITY_H
#define ACT_OS_IDENTITY_H

#include <stdint.h>

#include "actree.h"

/* All-zero for what is no file. */
struct act_os_identity {
    uint64_t device;
    uint64_t number; /* of the file on it */
    uint64_t nbytes;
    int64_t written_s; /* when it was last written to */
    int64_t written_ns;
};

/*
 * What is at the path now: `*identity_ret`, and with `first_ret` up to 16 bytes from the front of
 * the file, zeros where it has fewer. ACT_ERR_IO, with ENOENT where nothing is there;
 * ACT_ERR_NOT_REGULAR.
 */
act_status act_os_identity_at(const char *path, struct act_os_identity *identity_ret,
                              uint8_t first_ret[16], act_error *error);

#endif
