/* Of many prefixes, those with the most bytes. */
#ifndef ACT_VERIFY_HEAVIEST_H
#define ACT_VERIFY_HEAVIEST_H

#include <stdbool.h>
#include <stddef.h>

#include "actree.h"

struct act_heaviest {
    act_prefix_residency *items; /* a heap, the lightest first; their prefixes are its own */
    size_t count;
    size_t capacity;
    size_t most;
};

/* Empty, for at most so many. */
void act_heaviest_init(struct act_heaviest *heaviest, size_t most);

void act_heaviest_free(struct act_heaviest *heaviest);

/* Takes a copy of one, if it is among the heaviest so far. False without memory. */
bool act_heaviest_put(struct act_heaviest *heaviest, const act_prefix_residency *item);

/* Puts them in order, the heaviest first, of equal ones the lower prefix; nothing may be put in
 * afterwards. */
void act_heaviest_sort(struct act_heaviest *heaviest);

#endif
