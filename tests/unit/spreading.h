/*
 * Entries that have been spread over ranges of keys and wait in a temporary file to be read back;
 * and what a dying disk may give back instead.
 */
#ifndef TESTS_UNIT_SPREADING_H
#define TESTS_UNIT_SPREADING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/spread.h"
#include "support/random.h"

enum {
    SPREADING_MEMORY_NBYTES = ACT_SPREAD_MEMORY_NBYTES_MIN,
    SPREADING_KEY_NBYTES = 12,
    SPREADING_ENTRIES = 6000,
    SPREADING_RUNS_MAX = 32
};

struct spreading {
    struct act_spread spread;
    uint8_t *runs[SPREADING_RUNS_MAX]; /* as they were written */
};

/* Spreads entries of random keys; their values take a byte. The files are in scratch_dir. */
void spreading_open(struct spreading *spreading, bool threaded);
void spreading_close(struct spreading *spreading);

/* Writes all runs again, since those that were read may be gone. Of one of them these bytes, which
 * are the last ones of the file: if they are fewer than those of the run, it is cut short. */
void spreading_write(struct spreading *spreading, size_t number, const uint8_t *bytes,
                     size_t nbytes);

/* What can be wrong with a run. */
enum spreading_damage {
    DAMAGE_OFFSET_BEYOND, /* an entry of its table leads out of it */
    DAMAGE_OFFSETS_FALL,  /* a range ends before it begins */
    DAMAGE_RANGE_LONGER,  /* by a byte of the next one */
    DAMAGE_RANGE_SHORTER, /* by its last byte */
    DAMAGE_KEY_BEYOND,    /* a key that is longer than what is left of the range */
    DAMAGE_LENGTH_BEYOND, /* a length goes on behind the range */
    DAMAGE_VALUE_BEYOND,  /* a value does */
    DAMAGE_MORE_ENTRIES,  /* zeros, which are short entries */
    DAMAGE_FEWER_ENTRIES, /* one takes another for a part of its key */
    DAMAGE_CUT_SHORT,     /* the file ends in the midst of it */
    SPREADING_DAMAGES
};

/* Writes all runs, with that damage to a range in one of them. False if it has too few entries of
 * that range for it. */
bool spreading_write_damaged(struct spreading *spreading, size_t number, size_t range,
                             enum spreading_damage damage);

/* Reads all ranges back, with one of its own settings; how many entries goes to *taken_ret. */
typedef act_status (*spreading_read_fn)(struct spreading *spreading, size_t setting,
                                        size_t *taken_ret, act_error *error);

/* That damage is told as ACT_ERR_IO, in whichever range it is, by a text that names the folder. */
void spreading_expect_told(struct spreading *spreading, enum spreading_damage damage,
                           spreading_read_fn read_all, size_t setting);

/* Writes all runs with some bytes changed, anywhere. */
void spreading_write_random(struct spreading *spreading, struct random *random);

#endif
