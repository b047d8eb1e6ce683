/* Gathering entries into runs, for whoever wants many at a time. */
#ifndef ACT_READ_GATHER_H
#define ACT_READ_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"

enum {
    ACT_GATHER_COUNT = 1024,     /* entries of a run, at most */
    ACT_GATHER_COUNT_FIRST = 16, /* of the first one */
    ACT_GATHER_NBYTES = 32 << 10 /* bytes of keys with which a run is full */
};

struct act_gather {
    uint8_t *keys;
    uint64_t *key_offs;
    uint64_t *values;
    size_t count;
    size_t keys_capacity;
    /* With so many entries a run is given away: few at first, lest a scan that is stopped after
     * some entries pays for many. */
    size_t count_max;
    act_visit_run_fn visit;
    void *context;
    act_status failure; /* why act_gather_add asked to stop: ACT_STOPPED or ACT_ERR_NOMEM */
};

/* Prepares one. ACT_OK or ACT_ERR_NOMEM. */
act_status act_gather_init(struct act_gather *gather, act_visit_run_fn visit, void *context,
                           act_error *error);

/* Frees it. */
void act_gather_free(struct act_gather *gather);

/* Adds an entry; an act_visit_fn whose context is an act_gather. */
int act_gather_add(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value);

/* Gives away what was gathered. ACT_OK or ACT_STOPPED. */
act_status act_gather_flush(struct act_gather *gather);

#endif
