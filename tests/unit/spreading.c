#include "spreading.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/scratch.h"

void spreading_open(struct spreading *spreading, bool threaded)
{
    struct act_spread *spread = &spreading->spread;
    struct act_chunk chunk = {.block = NULL};
    struct random random = random_of(11);
    bool suits;
    memset(spreading, 0, sizeof(*spreading));
    for (unsigned i = 0; i < SPREADING_ENTRIES; i++) {
        uint8_t key[SPREADING_KEY_NBYTES];
        random_fill(&random, key, sizeof(key));
        assert_int_equal(
            act_chunk_add(&chunk, 8 << 20, (struct act_key){key, sizeof(key)}, i % 100),
            ACT_CHUNK_ADDED);
    }
    assert_int_equal(act_spread_open(spread, &chunk, SPREADING_MEMORY_NBYTES, scratch_dir, threaded,
                                     &suits, NULL),
                     ACT_OK);
    assert_true(suits);
    assert_int_equal(act_spread_first(spread, &chunk, NULL), ACT_OK);
    assert_int_equal(act_spread_end(spread, NULL), ACT_OK);
    act_chunk_close(&chunk);
    assert_in_range(spread->run_count, 3, SPREADING_RUNS_MAX);
    for (size_t i = 0; i < spread->run_count; i++) {
        const struct act_spread_run *run = &spread->runs[i];
        spreading->runs[i] = malloc((size_t)run->nbytes);
        assert_non_null(spreading->runs[i]);
        assert_int_equal(
            act_os_temp_read(run->temp, run->off, spreading->runs[i], (size_t)run->nbytes, NULL),
            ACT_OK);
    }
}

void spreading_close(struct spreading *spreading)
{
    for (size_t i = 0; i < SPREADING_RUNS_MAX; i++)
        free(spreading->runs[i]);
    act_spread_close(&spreading->spread);
}

static void write_run(struct spreading *spreading, size_t number, const uint8_t *bytes,
                      size_t nbytes)
{
    struct act_os_temp *temp = spreading->spread.temps[0];
    struct act_spread_run *run = &spreading->spread.runs[number];
    run->temp = temp;
    run->off = act_os_temp_nbytes(temp);
    assert_int_equal(act_os_temp_write(temp, bytes, nbytes, NULL), ACT_OK);
}

void spreading_write(struct spreading *spreading, size_t number, const uint8_t *bytes,
                     size_t nbytes)
{
    for (size_t i = 0; i < spreading->spread.run_count; i++) {
        if (i != number)
            write_run(spreading, i, spreading->runs[i], (size_t)spreading->spread.runs[i].nbytes);
    }
    write_run(spreading, number, bytes, nbytes);
}

/* What a run in memory has of a range. */
struct piece {
    uint8_t *bytes;
    size_t nbytes;
    size_t entries;
    uint8_t *last; /* of them */
};

static struct piece piece_of(uint8_t *run, size_t range_count, const uint64_t *table, size_t range)
{
    uint8_t *entries = run + act_spread_table_nbytes(0, range_count);
    struct piece piece = {entries + table[range], (size_t)(table[range + 1] - table[range]), 0,
                          NULL};
    uint8_t *p = piece.bytes;
    for (; p < piece.bytes + piece.nbytes; piece.entries++) {
        piece.last = p;
        p += 1 + *p + 1;
    }
    assert_ptr_equal(p, piece.bytes + piece.nbytes);
    return piece;
}

/* Damages the entries of a range. False if they are too few. */
static bool damage_piece(struct piece piece, enum spreading_damage damage)
{
    if (piece.entries < 2)
        return false;
    uint8_t *end = piece.bytes + piece.nbytes;
    uint8_t *second = piece.bytes + 1 + piece.bytes[0] + 1;
    switch (damage) {
    case DAMAGE_KEY_BEYOND:
        *piece.last = 200;
        return true;
    case DAMAGE_LENGTH_BEYOND:
        piece.bytes[0] = (uint8_t)(piece.nbytes - 3);
        end[-2] = 1;
        end[-1] = 0xff;
        return piece.nbytes < 200;
    case DAMAGE_VALUE_BEYOND:
        end[-1] = 0xff;
        return true;
    case DAMAGE_MORE_ENTRIES:
        memset(piece.bytes, 0, piece.nbytes);
        return true;
    default: /* DAMAGE_FEWER_ENTRIES */
        piece.bytes[0] = (uint8_t)(piece.bytes[0] + 2 + *second);
        return true;
    }
}

/* Damages what tells where a range begins. False if it cannot be done here. */
static bool damage_table(uint64_t *table, size_t range, enum spreading_damage damage)
{
    bool some_before = range > 0 && table[range] > table[range - 1];
    bool some_here = table[range + 1] > table[range];
    switch (damage) {
    case DAMAGE_OFFSET_BEYOND:
        table[range] = UINT64_MAX;
        return true;
    case DAMAGE_OFFSETS_FALL:
        table[range] = table[range + 1] + 1;
        return true;
    case DAMAGE_RANGE_LONGER:
        table[range]++;
        return range > 0 && some_here;
    default: /* DAMAGE_RANGE_SHORTER */
        table[range]--;
        return some_before;
    }
}

bool spreading_write_damaged(struct spreading *spreading, size_t number, size_t range,
                             enum spreading_damage damage)
{
    size_t range_count = spreading->spread.splitters.range_count;
    size_t table_nbytes = act_spread_table_nbytes(0, range_count);
    size_t nbytes = (size_t)spreading->spread.runs[number].nbytes;
    size_t left = nbytes;
    uint64_t *table = malloc(table_nbytes);
    uint8_t *run = malloc(nbytes);
    assert_non_null(table);
    assert_non_null(run);
    memcpy(run, spreading->runs[number], nbytes);
    memcpy(table, run, table_nbytes);
    bool done = true;
    if (damage == DAMAGE_CUT_SHORT)
        left = nbytes * range / range_count;
    else if (damage >= DAMAGE_KEY_BEYOND && damage <= DAMAGE_FEWER_ENTRIES)
        done = damage_piece(piece_of(run, range_count, table, range), damage);
    else
        done = damage_table(table, range, damage);
    memcpy(run, table, table_nbytes);
    if (done)
        spreading_write(spreading, number, run, left);
    free(run);
    free(table);
    return done;
}

void spreading_expect_told(struct spreading *spreading, enum spreading_damage damage,
                           spreading_read_fn read_all, size_t setting)
{
    unsigned told = 0;
    for (size_t range = 0; range < spreading->spread.splitters.range_count; range++) {
        size_t taken;
        act_error error = {0};
        if (!spreading_write_damaged(spreading, range % spreading->spread.run_count, range, damage))
            continue;
        act_status status = read_all(spreading, setting, &taken, &error);
        if (status != ACT_ERR_IO || !strstr(error.text, scratch_dir))
            fail_msg("damage %d of range %zu: status %d, %s", (int)damage, range, (int)status,
                     error.text);
        told++;
    }
    assert_true(told > 20);
}

void spreading_write_random(struct spreading *spreading, struct random *random)
{
    size_t number = random_below(random, spreading->spread.run_count);
    size_t nbytes = (size_t)spreading->spread.runs[number].nbytes;
    uint8_t *run = malloc(nbytes);
    assert_non_null(run);
    memcpy(run, spreading->runs[number], nbytes);
    size_t table_nbytes = act_spread_table_nbytes(0, spreading->spread.splitters.range_count);
    for (size_t left = 1 + random_below(random, 4); left > 0; left--) {
        /* As often in the table as elsewhere; mostly a byte that means much. */
        size_t at = random_below(random, random_one_in(random, 2) ? table_nbytes : nbytes);
        size_t most = random_one_in(random, 4) ? 64 : 2;
        size_t end = at + 1 + random_below(random, most);
        for (; at < end && at < nbytes; at++)
            run[at] = random_one_in(random, 3)   ? 0xff
                      : random_one_in(random, 2) ? 0
                                                 : (uint8_t)(run[at] + random_below(random, 5) - 2);
    }
    spreading_write(spreading, number, run, nbytes);
    free(run);
}
