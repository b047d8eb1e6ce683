/*
 * Spreading entries over ranges of keys, in temporary files, so that each range can be sorted by
 * itself, in a processor's cache.
 *
 * Entries are gathered in blocks. Those of a full one are copied range by range, which a second
 * thread does while another block is filled, and written as a run: a table of where in it the
 * entries of each range begin, and where those of the last one end; then the entries, as they stand
 * in a chunk but for what all keys of their range begin with, which is left out; those of a range
 * in the order of their arrival. All runs have the same ranges: what a sample of the first entries
 * says.
 */
#ifndef ACT_BUILD_SPREAD_H
#define ACT_BUILD_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/chunk.h"
#include "build/crew.h"
#include "build/splitters.h"
#include "os/temp.h"
#include "os/thread.h"

enum {
    ACT_SPREAD_BLOCKS = 3,
    ACT_SPREAD_SHARES = 12 /* of the memory: a block is one */
};

/* With less memory blocks would be too small. */
#define ACT_SPREAD_MEMORY_NBYTES_MIN ((uint64_t)256 << 10)

/* Written in one go. */
struct act_spread_run {
    struct act_os_temp *temp;
    uint64_t off; /* in the file */
    uint64_t nbytes;
};

/* Some entries that come one after the other, on their way to a run. */
struct act_spread_block {
    struct act_spread *spread;
    struct act_crew_job job;
    struct act_chunk own;
    struct act_chunk *chunk; /* that has the entries: its own, or the first one of all */
    size_t from;             /* the first one of them */
    size_t to;
    bool given; /* and not taken back */

    /* What came of it. */
    struct act_spread_run run;
    act_status status;
    act_error error;
};

/* What a worker needs for itself. */
struct act_spread_worker {
    uint8_t *bytes; /* of the run that it makes */
    size_t capacity;
    size_t *places; /* of each range: how many bytes, then where the next entry goes */
    size_t *counts;
};

/* What there is of a range, in all runs. */
struct act_spread_total {
    uint64_t nbytes;
    uint64_t count;
};

struct act_spread {
    struct act_splitters splitters;
    struct act_crew crew;
    struct act_spread_worker workers[ACT_CREW_WORKERS];
    struct act_spread_block blocks[ACT_SPREAD_BLOCKS];
    unsigned block_count;
    unsigned filling; /* one of them */
    size_t block_nbytes_max;

    struct act_os_temp
        *temps[ACT_CREW_WORKERS];   /* of each worker, so that none waits for another */
    struct act_os_monitor *monitor; /* of the totals */
    struct act_spread_total *totals;

    struct act_spread_run *runs; /* by the arrival of their entries; the caller's thread's */
    size_t run_count;
    size_t run_capacity;
    uint64_t runs_nbytes;
};

/*
 * Makes ranges of what a chunk has, within so much memory beside it. `*suits_ret` tells whether it
 * should be spread at all: not where the entries came nearly sorted, or where most are of keys that
 * come many times, since sorted runs are then better. If it should not, or on an error (ACT_ERR_IO,
 * ACT_ERR_NOMEM), there is nothing to close. `spread` must stay where it is.
 */
act_status act_spread_open(struct act_spread *spread, const struct act_chunk *chunk,
                           size_t memory_nbytes, const char *folder, bool threaded, bool *suits_ret,
                           act_error *error);

/* Spreads what a chunk has, before any other entries. ACT_ERR_IO, ACT_ERR_NOMEM: final, here and
 * below. */
act_status act_spread_first(struct act_spread *spread, struct act_chunk *chunk, act_error *error);

/* The block that is to be filled. */
static inline struct act_chunk *act_spread_filling(struct act_spread *spread)
{
    return &spread->blocks[spread->filling].own;
}

/* Gives the block away that is full, and makes another one ready. */
act_status act_spread_turn(struct act_spread *spread, act_error *error);

/* Waits until all is written, and frees the blocks. May be called again. */
act_status act_spread_end(struct act_spread *spread, act_error *error);

/* How many bytes the tables take that act_spread_read_table reads. */
size_t act_spread_table_nbytes(size_t from, size_t to);

/* Reads where in a run the entries of some ranges begin, and where those of the last one end: one
 * number more than there are ranges. ACT_ERR_IO. */
act_status act_spread_read_table(const struct act_spread *spread, const struct act_spread_run *run,
                                 size_t from, size_t to, uint64_t *table_ret, act_error *error);

/* Reads so many bytes of entries, from a place on that a table names. ACT_ERR_IO. */
act_status act_spread_read(const struct act_spread *spread, const struct act_spread_run *run,
                           uint64_t off, uint8_t *bytes, size_t nbytes, act_error *error);

/* Tells that these bytes will not be read again. */
void act_spread_forget(const struct act_spread *spread, const struct act_spread_run *run,
                       uint64_t off, uint64_t nbytes);

/* Waits for what is under way, and frees all; all-zero bytes are allowed. */
void act_spread_close(struct act_spread *spread);

#endif
