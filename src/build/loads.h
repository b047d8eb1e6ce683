/*
 * Taking spread entries back in order: as many ranges as make a load of some size are read from all
 * runs, and each of them is sorted. A second thread does that for loads that come next, while
 * entries are taken from one.
 */
#ifndef ACT_BUILD_LOADS_H
#define ACT_BUILD_LOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/spread.h"

enum {
    ACT_LOADS = 4,
    ACT_LOADS_SHARES = 8 /* of the memory: a load is one at most, and so is what sorting it takes */
};

struct act_load {
    const struct act_loads *loads;
    struct act_crew_job job;
    size_t from; /* ranges */
    size_t to;
    bool given;             /* and not yet taken */
    bool ready;             /* it is known to be done */
    struct act_chunk chunk; /* without what the keys of a range begin with */
    size_t *ends;           /* of each range's records, of which one is left for each key */
    size_t ends_capacity;
    size_t range; /* from here on, what is taken */
    size_t next;
    size_t end;
    bool clash;       /* after the last record that is left comes another one of its key */
    uint64_t *tables; /* of each run: act_spread_read_table */
    size_t tables_capacity;
    uint64_t *places; /* of each run: where in the chunk it has been put */
    size_t places_capacity;
    act_status status;
    act_error error;
};

/* What a worker needs for itself: room for sorting. */
struct act_loads_worker {
    struct act_sort_record *records;
    size_t capacity;
};

struct act_loads {
    struct act_spread *spread;
    act_duplicates duplicates;
    struct act_load loads[ACT_LOADS];
    unsigned load_count;
    unsigned taken; /* one of them */
    size_t load_nbytes;
    size_t next; /* range that no load has yet */
    size_t end;
    struct act_loads_worker *workers;
    uint8_t *key; /* given last */
    size_t key_capacity;
};

/* Whether a range is too large for one load. */
bool act_loads_too_large(const struct act_spread *spread, size_t range, size_t memory_nbytes);

/* Begins to take ranges, none of which is too large. `loads` must stay where it is. ACT_ERR_NOMEM.
 */
act_status act_loads_open(struct act_loads *loads, struct act_spread *spread, size_t from,
                          size_t end, act_duplicates duplicates, size_t memory_nbytes,
                          act_error *error);

/* The next entry, without telling `shared`. ACT_OK, ACT_END; ACT_ERR_IO and ACT_ERR_NOMEM are
 * final. */
act_status act_loads_next(struct act_loads *loads, struct act_joined *joined, act_error *error);

/* Frees all, when nothing is under way any more; all-zero bytes are allowed. */
void act_loads_close(struct act_loads *loads);

#endif
