/* The table of lines: that nothing but equal bytes makes two lines one. */
#include <stdio.h>
#include <string.h>

#include "build/lines.h"
#include "support/check.h"
#include "support/random.h"

/* Looks a line up under a hash of the test's choice, and adds it if it is not there. */
static uint64_t find_or_add(struct act_lines *lines, uint64_t hash, const char *line, uint64_t id)
{
    struct act_line_slot *slot = NULL;
    size_t nbytes = strlen(line);
    uint64_t found = act_lines_find(lines, hash, (const uint8_t *)line, nbytes, &slot);
    if (found)
        return found;
    assert_true(act_lines_reserve(lines, 1));
    /* Reserving may have moved the slots. */
    assert_int_equal(act_lines_find(lines, hash, (const uint8_t *)line, nbytes, &slot), 0);
    assert_true(act_lines_add(lines, slot, hash, (const uint8_t *)line, nbytes, id));
    return id;
}

static void lines_with_one_hash_stay_different(void **state)
{
    (void)state;
    /* In the middle, and in the last slot, from where probing goes on at the first. */
    static const uint64_t hashes[] = {(uint64_t)1 << 63, UINT64_MAX, 0};
    for (unsigned h = 0; h < 3; h++) {
        struct act_lines lines;
        char line[32];
        assert_true(act_lines_open(&lines, 1));
        for (int round = 0; round < 2; round++) {
            for (unsigned i = 1; i <= 300; i++) {
                snprintf(line, sizeof(line), "line number %u", i);
                assert_int_equal(find_or_add(&lines, hashes[h], line, round ? 99999 : i), i);
            }
        }
        /* A prefix of a line, and a line with more after it, are others. */
        assert_int_equal(find_or_add(&lines, hashes[h], "line number ", 500), 500);
        assert_int_equal(find_or_add(&lines, hashes[h], "line number 300 and more", 501), 501);
        assert_int_equal(lines.count, 302);
        act_lines_close(&lines);
    }
}

static void a_short_line_is_no_long_one(void **state)
{
    (void)state;
    struct act_lines lines;
    assert_true(act_lines_open(&lines, 2));
    uint64_t hash = act_lines_hash(&lines, (const uint8_t *)"short\0\0\0\0\0\0\0\0\0\0", 5);
    assert_int_equal(find_or_add(&lines, hash, "a longer line", 17), 17);
    assert_int_equal(find_or_add(&lines, hash, "short", 18), 18);
    assert_int_equal(find_or_add(&lines, hash, "another long line", 19), 19);
    assert_int_equal(find_or_add(&lines, hash, "a longer line", 0xbad), 17);
    assert_int_equal(find_or_add(&lines, hash, "short", 0xbad), 18);
    assert_int_equal(find_or_add(&lines, hash, "another long line", 0xbad), 19);
    act_lines_close(&lines);
}

/* The hash is all that tells short lines apart. Taken back step by step, it gives the line. */
static uint64_t unhash(uint64_t v, uint64_t seed)
{
    v ^= v >> 33;
    v *= 0x9cb4b2f8129337dbu; /* the inverses of the multipliers */
    v ^= v >> 33;
    v *= 0x4f74430c22a54005u;
    v ^= v >> 33;
    return v ^ seed;
}

static void hashes_of_short_lines_can_be_taken_back(void **state)
{
    (void)state;
    struct random r = random_of(3);
    for (unsigned i = 0; i < 20000; i++) {
        struct act_lines lines = {.seed = random_u64(&r)};
        uint8_t line[ACT_LINE_SHORT_NBYTES + ACT_LINE_SLACK_NBYTES];
        size_t nbytes = 1 + random_below(&r, ACT_LINE_SHORT_NBYTES);
        random_fill(&r, line, sizeof(line)); /* what follows the line must not matter */
        if (random_one_in(&r, 2))
            memset(line, random_one_in(&r, 2) ? 0 : 0xff, nbytes);
        uint64_t v = unhash(act_lines_hash(&lines, line, nbytes), lines.seed);
        assert_int_equal(v & 0xff, nbytes);
        for (size_t j = 0; j < ACT_LINE_SHORT_NBYTES; j++) {
            unsigned byte = v >> (8 * (j + 1)) & 0xff;
            assert_int_equal(byte, j < nbytes ? line[j] : 0);
        }
    }
}

static void growing_keeps_every_line(void **state)
{
    (void)state;
    enum {
        COUNT = 50000
    };
    struct act_lines lines;
    char line[64];
    assert_true(act_lines_open(&lines, 7));
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            memset(line, 0, sizeof(line));
            /* Of 1 to 7 bytes, and longer. */
            int nbytes = snprintf(line, sizeof(line), i % 3 ? "%x" : "the long line %x", i);
            uint64_t hash = act_lines_hash(&lines, (const uint8_t *)line, (size_t)nbytes);
            assert_int_equal(find_or_add(&lines, hash, line, round ? 0xbad : i + 16), i + 16);
        }
    }
    assert_int_equal(lines.count, COUNT);
    assert_true(lines.count <= lines.count_max);
    /* What was asked for is what is there, and for each time the store grew the line it grew for.
     */
    uint64_t asked = lines.allowance.taken - lines.allowance.left;
    uint64_t there = ((uint64_t)sizeof(*lines.slots) << (64 - lines.shift)) + lines.store_capacity;
    assert_in_range(asked, there, there + 4096);
    act_lines_close(&lines);
}

/* As if the table had as many slots as fit an address space already. */
static void a_table_beyond_memory_is_refused(void **state)
{
    (void)state;
    struct act_lines full = {.shift = 5, .count = 10, .count_max = 10};
    assert_false(act_lines_reserve(&full, 1));
    assert_int_equal(full.shift, 5);
    assert_null(full.slots);
}

/* A length that nothing can have: no byte of the line is read, and the table is as it was. */
static void a_line_beyond_memory_is_refused(void **state)
{
    (void)state;
    struct act_lines lines;
    struct act_line_slot *slot = NULL;
    static const char line[] = "one line, and some bytes after it";
    const uint8_t *bytes = (const uint8_t *)line;
    assert_true(act_lines_open(&lines, 4));
    assert_int_equal(find_or_add(&lines, 1, line, 16), 16);
    size_t used = lines.store_used;
    assert_int_equal(act_lines_find(&lines, 2, bytes, sizeof(line) - 1, &slot), 0);
    for (size_t less = 0; less < 64; less++)
        assert_false(act_lines_add(&lines, slot, 2, bytes, SIZE_MAX - less, 17));
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.store_used, used);
    assert_int_equal(find_or_add(&lines, 2, line, 18), 18);
    act_lines_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_with_one_hash_stay_different),
        cmocka_unit_test(a_short_line_is_no_long_one),
        cmocka_unit_test(hashes_of_short_lines_can_be_taken_back),
        cmocka_unit_test(growing_keeps_every_line),
        cmocka_unit_test(a_table_beyond_memory_is_refused),
        cmocka_unit_test(a_line_beyond_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
