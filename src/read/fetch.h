/*
 * Batches of keys whose pages are not in memory. One lookup after the other would wait for one page
 * after the other, and leave the disk idle in between; so the pages of many keys are asked for
 * together, before the first of them is looked up.
 *
 * Keys are looked up in windows. Between windows it is seen how much the last one read from disks;
 * while that is little, nothing is done. Otherwise the keys of the next windows are followed
 * through the hot region, which tells the page that each of them needs.
 */
#ifndef ACT_READ_FETCH_H
#define ACT_READ_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "read/map.h"

struct act_fetch {
    const struct act_map *map;
    const act_slice *keys; /* in the order in which they will be looked up */
    size_t count;
    size_t window;  /* keys in the window that is being looked up; 0: none yet */
    size_t asked;   /* keys from the first one on whose pages were asked for, or passed by */
    uint64_t reads; /* as of act_os_paging_reads(), when that window began */
    bool cold;      /* pages are being asked for */
    act_fetch_mode mode;
};

/* Begins. Allocates nothing, and cannot fail. */
void act_fetch_begin(struct act_fetch *fetch, const struct act_map *map, const act_slice *keys,
                     size_t count, act_fetch_mode mode);

/*
 * `done` keys have been looked up, all windows so far: how many to look up before the next call.
 * At least 1 while done < count.
 */
size_t act_fetch_next(struct act_fetch *fetch, size_t done);

/* Ends, also before all keys were looked up. */
void act_fetch_end(struct act_fetch *fetch);

#endif
