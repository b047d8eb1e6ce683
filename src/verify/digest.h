/* The digest of entries that come from one map after another. */
#ifndef ACT_VERIFY_DIGEST_H
#define ACT_VERIFY_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "base/hash.h"
#include "base/pace.h"

enum {
    ACT_DIGEST_BUFFER_NBYTES = 16 << 10
};

struct act_digesting {
    act_hash128_state state;
    struct act_pace pace;
    uint64_t entries;
    size_t used;
    uint8_t buffer[ACT_DIGEST_BUFFER_NBYTES];
};

/* Begins without entries. False if `progress`, which may be NULL, asks to stop. */
bool act_digesting_start(struct act_digesting *digesting, act_progress_fn progress, void *context);

/* Takes one entry, above those before. Anything but 0: to be stopped. */
int act_digesting_add(struct act_digesting *digesting, const uint8_t *key, size_t key_nbytes,
                      uint64_t value);

/* Takes all entries of a map, which must be above those before. Returns as act_map_scan does. */
act_status act_digesting_add_map(struct act_digesting *digesting, const act_map *map,
                                 act_error *error);

/* The same, and the digest of these alone. */
act_status act_digesting_add_part(struct act_digesting *digesting, const act_map *map,
                                  act_digest *part_ret, act_error *error);

void act_digesting_finish(struct act_digesting *digesting, act_digest *digest_ret);

bool act_digests_are_equal(const act_digest *a, const act_digest *b);

#endif
