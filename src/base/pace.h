/* Calling a progress callback often enough, and not more often. */
#ifndef ACT_BASE_PACE_H
#define ACT_BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "actree.h"

struct act_pace {
    act_progress_fn progress; /* may be NULL */
    void *context;
    uint64_t total;
    uint64_t before;    /* done in earlier steps of the work; act_pace_tell adds it */
    uint64_t called_ms; /* when the last call was */
};

/* Begins, with a first call of nothing done. False if the callback asks to stop. */
bool act_pace_start(struct act_pace *pace, act_progress_fn progress, void *context, uint64_t total);

/* Calls again if the last call was a while ago. Reads a clock: not for every step of the work. */
bool act_pace_tell(struct act_pace *pace, uint64_t done);

#endif
