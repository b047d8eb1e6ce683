/* The outside of a file: header, root, tail. */
#ifndef ACT_FORMAT_FILE_H
#define ACT_FORMAT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "actree.h"
#include "format/node.h"

/*
 * Checks, without touching more than the header and the root node, that these bytes can be opened:
 * length, magic, root inside the arena, the root's own bytes before the tail. `name` is for error
 * texts. ACT_OK, ACT_ERR_TRUNCATED, ACT_ERR_FORMAT or ACT_ERR_CORRUPT.
 */
act_status act_file_check(const uint8_t *bytes, uint64_t file_nbytes, const char *name,
                          uint64_t *root_ret, act_error *error);

/* The trailer of a merge, in the last 16 bytes. */
struct act_trailer {
    uint64_t previous_trailer; /* where the one before lies; 0: none */
    uint64_t previous_root;    /* never 0 */
};

/* Reads the trailer. False if the last 8 bytes are zero: then there is none. */
bool act_trailer_read(const uint8_t *bytes, uint64_t file_nbytes, struct act_trailer *trailer_ret);

#endif
