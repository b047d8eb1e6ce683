/*
 * The mutator itself, tried on files: what it makes fits into its room, and is the same for the
 * same seed; checksums of a good file are found to be right already; and of what was changed by
 * meaning, much is still a file that can be opened, some of it a sound one, and some of it has an
 * index.
 *
 *   test_mutate FILE...     indexed files, after a script each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/input.h"
#include "fuzz/mutate.h"
#include "fuzz/tree.h"

enum {
    ROOM = 4096,
    SEEDS = 400
};

struct tally {
    unsigned mutants, same, opened, sound, indexed;
};

/* NOLINTNEXTLINE(readability-non-const-parameter): as fuzz_bytewise_fn has it */
static size_t no_change(uint8_t *data, size_t nbytes, size_t nbytes_max)
{
    (void)data;
    FUZZ_EXPECT(nbytes_max > 0); /* libFuzzer's, which takes it for granted, would write there */
    return nbytes;
}

/* Inputs as long as they may be, in which one part is empty. */
static void mutate_full(enum fuzz_form form, size_t first)
{
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t input[2 + 40] = {(uint8_t)first, 0};
        FUZZ_EXPECT(fuzz_mutate(form, input, sizeof(input), sizeof(input), seed, no_change) <=
                    sizeof(input));
    }
}

static void look_at(const uint8_t *bytes, size_t nbytes, struct tally *tally)
{
    act_map *map;
    act_map_stat stat;
    if (act_map_open_memory(bytes, nbytes, &fuzz_options, &map, NULL) != ACT_OK)
        return;
    tally->opened++;
    act_map_get_stat(map, &stat);
    tally->indexed += stat.layout == ACT_LAYOUT_INDEXED;
    tally->sound += act_map_verify(map, NULL, NULL, NULL, NULL) == ACT_OK;
    act_map_close(map);
}

static void mutate(const uint8_t *input, size_t nbytes, struct tally *tally)
{
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        /* A byte more than there is room: it stays. */
        uint8_t one[ROOM + 1], other[ROOM + 1];
        memcpy(one, input, nbytes);
        memcpy(other, input, nbytes);
        one[ROOM] = other[ROOM] = 0xa5;
        size_t changed = fuzz_mutate(FUZZ_SCRIPTED, one, nbytes, ROOM, seed, no_change);
        size_t again = fuzz_mutate(FUZZ_SCRIPTED, other, nbytes, ROOM, seed, no_change);
        FUZZ_EXPECT(changed <= ROOM && one[ROOM] == 0xa5 && other[ROOM] == 0xa5);
        FUZZ_EXPECT(changed == again && memcmp(one, other, changed) == 0);
        const uint8_t *script = one;
        size_t front = fuzz_script(one, changed, &script) + 2;
        tally->mutants++;
        tally->same += changed == nbytes && memcmp(one, input, nbytes) == 0;
        look_at(one + front, changed - front, tally);
    }
}

static void try_file(const char *path, struct tally *tally)
{
    uint8_t input[ROOM], mended[ROOM];
    FILE *file = fopen(path, "rb");
    FUZZ_EXPECT(file);
    size_t nbytes = fread(input, 1, sizeof(input), file);
    fclose(file);
    const uint8_t *script = input;
    size_t front = fuzz_script(input, nbytes, &script) + 2;
    memcpy(mended, input, nbytes);
    fuzz_fix_checksums(mended + front, nbytes - front);
    FUZZ_EXPECT(memcmp(mended, input, nbytes) == 0);
    mutate(input, nbytes, tally);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    for (int i = 1; i < argc; i++)
        try_file(argv[i], &tally);
    mutate_full(FUZZ_SCRIPTED, 40);
    mutate_full(FUZZ_SCRIPTED, 0);
    mutate_full(FUZZ_PAIR, 40);
    mutate_full(FUZZ_PAIR, 0);
    printf("%u mutants: %u as before, %u can be opened, %u are sound, %u have an index\n",
           tally.mutants, tally.same, tally.opened, tally.sound, tally.indexed);
    /* Half are left to the fuzzer, which does nothing here. */
    FUZZ_EXPECT(tally.mutants > 0 && tally.same < tally.mutants * 7 / 8);
    FUZZ_EXPECT(tally.opened > tally.mutants / 2);
    FUZZ_EXPECT(tally.sound - tally.same > tally.mutants / 50);
    FUZZ_EXPECT(tally.indexed > tally.mutants / 4);
    return 0;
}
