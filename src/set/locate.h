/* Which part of a set a key belongs to. */
#ifndef ACT_SET_LOCATE_H
#define ACT_SET_LOCATE_H

#include "set/manifest.h"

/*
 * The lowest keys of all parts but the first, by the 8 bytes that follow what all of them begin
 * with: these are searched, and keys are compared only where they are the same.
 */
struct act_locator {
    const struct act_manifest_part *parts;
    size_t count;
    size_t shared_nbytes;
    uint64_t *heads; /* of part i at i - 1 */
};

/* False if there is no memory. The manifest must stay. */
bool act_locator_init(struct act_locator *locator, const struct act_manifest *manifest);
void act_locator_free(struct act_locator *locator);

/* The part that a key belongs to. */
size_t act_locate(const struct act_locator *locator, const void *key, size_t key_nbytes);

#endif
