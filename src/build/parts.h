/*
 * Building on several threads: the caller's keys are gathered in parts, which threads build, the
 * caller's among them, and which the caller's thread joins in order. So nothing but parts passes
 * between threads, all that is written is written by the caller's, and where the borders of parts
 * are, and with them every byte of the file, depends on the keys alone.
 */
#ifndef ACT_BUILD_PARTS_H
#define ACT_BUILD_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/part.h"
#include "os/thread.h"

enum {
    ACT_PARTS_THREADS_MAX = 8
};

struct act_parts {
    struct act_indexed *indexed; /* the file's */
    struct act_path path;        /* its open nodes: of the parts that are joined */
    struct act_hot_run run;
    struct act_part *parts; /* number n is at n % count */
    size_t count;
    size_t nbytes_min;       /* that a part gathers before another is begun */
    uint64_t records_nbytes; /* of all parts before the one that is being filled */
    struct act_part *filling;
    size_t limit_nbytes; /* of that one */
    uint64_t joined;     /* parts below this number are joined */

    struct act_os_monitor *monitor; /* of what follows, and of the parts' `built` */
    uint64_t filled; /* parts below this number are filled; this one is being filled */
    uint64_t begun;  /* parts below this number are built, or being built */
    bool stopping;
    struct act_os_thread *threads[ACT_PARTS_THREADS_MAX];
};

/* Starts with no key; `thread_count` is at least 2, the caller's included. `indexed` must stay
 * where it is. ACT_ERR_NOMEM. Where no thread can be had, the caller's does the work. */
act_status act_parts_open(struct act_parts *parts, struct act_indexed *indexed,
                          unsigned thread_count, act_error *error);

/* Waits for the threads and frees all; all-zero bytes are allowed. */
void act_parts_close(struct act_parts *parts);

/* Begins the next part, whose first key shares so many bytes with the last one. ACT_ERR_IO,
 * ACT_ERR_NOMEM: only closing is left. */
act_status act_parts_turn(struct act_parts *parts, size_t common, act_error *error);

/*
 * Adds a key, whose last bytes are `suffix`, to a last one of `last_nbytes`. ACT_LINE_SLACK_NBYTES
 * after `suffix` must be readable. Errors may come later than their cause. ACT_ERR_IO,
 * ACT_ERR_NOMEM: only closing is left.
 */
static inline act_status act_parts_add(struct act_parts *parts, size_t last_nbytes,
                                       const uint8_t *suffix, const struct act_part_record *record,
                                       act_error *error)
{
    /* No part ends between a key and one that continues it: whether a node is between them would
     * not be known. */
    if (ACT_UNLIKELY(parts->filling->records_nbytes >= parts->limit_nbytes) &&
        record->common < last_nbytes) {
        act_status status = act_parts_turn(parts, record->common, error);
        if (status != ACT_OK)
            return status;
    }
    return ACT_LIKELY(act_part_add(parts->filling, suffix, record)) ? ACT_OK
                                                                    : act_fail_nomem(error);
}

/* Ends the file: as act_indexed_finish. */
act_status act_parts_finish(struct act_parts *parts, uint64_t key_nbytes_longest, bool sync,
                            act_build_report *report, act_error *error);

#endif
