/*
 * The manifest of a set, from its text and back. The text is that of docs/SETS.md: one line for
 * what it is, one for what all parts are together, one for each of them, and one with a checksum of
 * what stands before it. There is one way to write a manifest, and no other is read; but of version
 * 1, which says neither where a part ends nor what all are together, what was written is read.
 *
 * Pure: bytes in, a structure out, whatever the bytes.
 */
#ifndef ACT_SET_MANIFEST_H
#define ACT_SET_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"

#define ACT_MANIFEST_MAGIC   "ACTreeSet02\n"
#define ACT_MANIFEST_MAGIC_1 "ACTreeSet01\n" /* of version 1 */

enum {
    ACT_MANIFEST_MAGIC_NBYTES = sizeof(ACT_MANIFEST_MAGIC) - 1,
    ACT_MANIFEST_NAME_NBYTES_MAX = 4095
};

struct act_manifest_part {
    const char *name; /* NUL-terminated */
    const uint8_t *from;
    size_t from_nbytes;
    uint64_t file_nbytes;
    uint64_t root;
    act_digest content;
};

struct act_manifest {
    struct act_manifest_part *parts;
    size_t count;       /* at least 1 */
    act_digest content; /* of all parts together */
    bool has_content;   /* false in version 1: then only the number of entries is known */
    uint64_t file_nbytes;
    uint8_t *bytes; /* what the parts' names and keys point into */
};

/* Whether bytes begin as a manifest does. */
bool act_manifest_begins(const void *bytes, uint64_t nbytes);

/*
 * Reads a manifest; `name` is its file's, for messages. On ACT_OK it is to be freed by
 * act_manifest_free. ACT_ERR_FORMAT, ACT_ERR_TRUNCATED, ACT_ERR_CORRUPT, ACT_ERR_NOMEM.
 */
act_status act_manifest_parse(const void *bytes, size_t nbytes, const char *name,
                              struct act_manifest *manifest_ret, act_error *error);

/* All-zero ones are allowed. */
void act_manifest_free(struct act_manifest *manifest);

/* Whether a part may have this name: see act_set_create. */
bool act_manifest_name_is_allowed(const char *name, size_t nbytes);

/* Two parts that have the same name; false if there are none, or (`*no_memory_ret`) no memory. */
bool act_manifest_find_twins(const struct act_manifest_part *parts, size_t count,
                             size_t twins_ret[2], bool *no_memory_ret);

/*
 * Writes the text of a manifest into memory that is the caller's to free. Names, keys and their
 * order are to be right, and so is the content. False if there is no memory.
 */
bool act_manifest_write(const struct act_manifest *manifest, uint8_t **bytes_ret,
                        size_t *nbytes_ret);

#endif
