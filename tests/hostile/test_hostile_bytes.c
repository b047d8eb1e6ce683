/*
 * Bytes by the million, in one process: every single-bit flip and every cut of a small file, all
 * arenas of two bytes, arenas of more made of bytes that begin something, random ones.
 *
 *   test_hostile_bytes [SEED [ROUNDS]]
 *
 * ROUNDS multiplies what is random or sampled; 64 tries all arenas of three bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "hostile/check_bytes.h"
#include "support/check.h"
#include "support/forge.h"
#include "support/random.h"

static uint64_t seed = 1;
static uint64_t rounds = 1;

/* Where each step takes longer, less is sampled; what is not sampled is complete everywhere. */
static uint64_t sampled(uint64_t count)
{
    return (CHECK_SLOW_BUILD ? count / 16 : count) * rounds;
}

static void start_file(uint8_t *bytes, uint64_t root)
{
    memcpy(bytes, "ACTree03", 8);
    for (int i = 0; i < 8; i++)
        bytes[8 + i] = (uint8_t)(root >> 8 * i);
}

/* A file with everything in it, some 250 bytes: lines, shared ones too, values of all widths, inner
 * values, a mask, a run that has two parents, a path that dangles. */
static void forge_small_map(struct forge *f)
{
    forge_start(f);
    uint64_t tail = forge_data(f, "tail");
    uint64_t stem = forge_data(f, "st");
    uint8_t labels[40];
    uint64_t wide = forge_leaf(f, 0);
    for (unsigned i = 1; i < sizeof(labels); i++)
        forge_leaf(f, i % 10 == 0 ? i * 30 : i);
    for (unsigned i = 0; i < sizeof(labels); i++)
        labels[i] = (uint8_t)(i * 6);
    uint64_t pair = forge_line(f, UINT64_MAX - 1, FORGE_NONE, tail);
    forge_leaf(f, FORGE_NONE);
    uint64_t below = forge_branch(f, 1000, wide, labels, sizeof(labels));
    uint64_t run = forge_fork(f, FORGE_NONE, pair, "ab");
    forge_fork(f, 70000, pair, "bc");
    forge_line(f, 5, FORGE_NONE, stem);
    forge_line(f, FORGE_NONE, below, stem);
    forge_end(f, forge_fork(f, 3, run, "PQRS"));
}

static void every_flipped_bit(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    struct forge f;
    forge_small_map(&f);
    for (size_t bit = 0; bit < 8 * f.nbytes; bit++) {
        f.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        check_bytes(f.bytes, f.nbytes, "flipped bit", bit, &tally);
        f.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(tally.refused + tally.damaged + tally.sound, 8 * f.nbytes);
    assert_true(tally.refused > 60 && tally.damaged > 200 && tally.sound > 200);
    forge_free(&f);
}

static void every_byte_set_to_anything(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    struct forge f;
    forge_small_map(&f);
    uint64_t step = CHECK_SLOW_BUILD ? 7 : 1;
    for (size_t i = 0; i < 256 * f.nbytes; i += step) {
        uint8_t was = f.bytes[i / 256];
        f.bytes[i / 256] = (uint8_t)i;
        check_bytes(f.bytes, f.nbytes, "byte set", i, &tally);
        f.bytes[i / 256] = was;
    }
    assert_true(tally.damaged > 1000 && tally.sound > 1000);
    forge_free(&f);
}

static void every_cut(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    struct forge f;
    forge_small_map(&f);
    for (size_t nbytes = 0; nbytes < f.nbytes; nbytes++)
        check_bytes(f.bytes, nbytes, "cut at", nbytes, &tally);
    /* The root comes last: a cut file has none. */
    assert_int_equal(tally.refused, f.nbytes);
    check_bytes(f.bytes, f.nbytes, "whole", f.nbytes, &tally);
    assert_int_equal(tally.sound, 1);
    assert_int_equal(tally.entries, 46);
    forge_free(&f);
}

static void two_flipped_bits(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    struct random r = random_of(seed);
    struct forge f;
    forge_small_map(&f);
    for (uint64_t i = 0; i < sampled(20000); i++) {
        size_t a = random_below(&r, 8 * f.nbytes), b = random_below(&r, 8 * f.nbytes);
        f.bytes[a / 8] ^= (uint8_t)(1u << a % 8);
        f.bytes[b / 8] ^= (uint8_t)(1u << b % 8);
        check_bytes(f.bytes, f.nbytes, "two flipped bits, seed 1 and round", i, &tally);
        f.bytes[b / 8] ^= (uint8_t)(1u << b % 8);
        f.bytes[a / 8] ^= (uint8_t)(1u << a % 8);
    }
    assert_true(tally.damaged > 100 && tally.sound > 100);
    forge_free(&f);
}

static void every_arena_of_one_and_two_bytes(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    uint8_t bytes[26] = {0};
    for (uint64_t i = 0; i < 256; i++) {
        start_file(bytes, 16);
        bytes[16] = (uint8_t)i;
        check_bytes(bytes, 25, "arena of a byte", i, &tally);
    }
    /* The zero byte is the empty map; others are cut. */
    assert_int_equal(tally.sound, 1);
    assert_int_equal(tally.refused, 255);
    for (uint64_t i = 0; i < 2 << 16; i++) {
        start_file(bytes, 16 + (i >> 16));
        bytes[16] = (uint8_t)i;
        bytes[17] = (uint8_t)(i >> 8);
        check_bytes(bytes, 26, "arena of two bytes", i, &tally);
    }
    assert_true(tally.sound > 500 && tally.damaged > 500);
}

static void arenas_of_three_bytes(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    uint8_t bytes[27] = {0};
    uint64_t all = (uint64_t)3 << 24;
    uint64_t count = sampled(all / 64);
    /* An odd step goes through all of them before it comes back to one. */
    for (uint64_t n = 0, i = seed; n < count && n < all; n++, i = (i + 2654435761u) % all) {
        start_file(bytes, 16 + (i >> 24));
        bytes[16] = (uint8_t)i;
        bytes[17] = (uint8_t)(i >> 8);
        bytes[18] = (uint8_t)(i >> 16);
        check_bytes(bytes, sizeof(bytes), "arena of three bytes", i, &tally);
    }
    assert_true(tally.sound > 100 && tally.damaged > 100);
}

/* Bytes that begin something, distances that lead somewhere, labels. */
static const uint8_t alphabet[] = {0,    1,    2,    3,    4,    5,    6,    0x20, 0x3f, 0x40, 0x41,
                                   0x42, 0x43, 0x60, 0x80, 0x81, 0xc0, 0xc1, 0xf7, 0xf8, 0xff};

static void arenas_of_bytes_that_begin_something(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    struct random r = random_of(seed);
    for (uint64_t i = 0; i < sampled(400000); i++) {
        uint8_t bytes[16 + 12 + 8] = {0};
        uint64_t arena_nbytes = 3 + random_below(&r, 10);
        start_file(bytes, 16 + arena_nbytes - 1 - random_below(&r, 4 < arena_nbytes ? 4 : 3));
        for (uint64_t j = 0; j < arena_nbytes; j++)
            bytes[16 + j] = alphabet[random_below(&r, sizeof(alphabet))];
        check_bytes(bytes, 24 + arena_nbytes, "arena of some bytes", i, &tally);
    }
    assert_true(tally.sound > 100 && tally.damaged > 1000);
}

static void random_arenas(void **state)
{
    (void)state;
    struct check_tally tally = {0};
    struct random r = random_of(seed);
    uint8_t bytes[16 + 400];
    for (uint64_t i = 0; i < sampled(50000); i++) {
        uint64_t nbytes = 25 + random_below(&r, sizeof(bytes) - 24);
        bool any = random_one_in(&r, 4);
        random_fill(&r, bytes, nbytes);
        for (uint64_t j = 16; !any && j < nbytes - 8; j++)
            bytes[j] = alphabet[random_below(&r, sizeof(alphabet))];
        if (!random_one_in(&r, 8))
            memset(bytes + nbytes - 8, 0, 8);
        start_file(bytes, 16 + random_below(&r, nbytes - 24));
        check_bytes(bytes, nbytes, "random arena", i, &tally);
    }
    assert_true(tally.sound > 50 && tally.damaged > 1000);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        rounds = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit),
        cmocka_unit_test(every_byte_set_to_anything),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(two_flipped_bits),
        cmocka_unit_test(every_arena_of_one_and_two_bytes),
        cmocka_unit_test(arenas_of_three_bytes),
        cmocka_unit_test(arenas_of_bytes_that_begin_something),
        cmocka_unit_test(random_arenas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
