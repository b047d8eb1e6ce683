/* What the targets share: how an input is divided, and how the fuzzer changes one. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_nbytes);

/* A finding: the fuzzer, and replay, see a program that aborts. */
#define FUZZ_EXPECT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Small budgets: many inputs a second tell more than long scans of one. */
static const act_open_options fuzz_options = {.key_nbytes_max = 1 << 14, .steps_max = 1 << 12};

/*
 * Targets that need more than a file take it from the front: two bytes, little-endian, say how many
 * bytes of script follow; the rest is the file. Takes less where there is less.
 */
static inline size_t fuzz_script(const uint8_t *data, size_t data_nbytes,
                                 const uint8_t **script_ret)
{
    if (data_nbytes < 2)
        return 0;
    size_t nbytes = (size_t)data[0] | (size_t)data[1] << 8;
    *script_ret = data + 2;
    return nbytes < data_nbytes - 2 ? nbytes : data_nbytes - 2;
}

/* Opens the file that `front_nbytes` come before, in a buffer of its own size, so that a sanitizer
 * sees reads on either side. NULL if it cannot be opened; `*copy_ret` is to be freed either way. */
static inline act_map *fuzz_open(const uint8_t *data, size_t data_nbytes, size_t front_nbytes,
                                 uint8_t **copy_ret)
{
    act_map *map = NULL;
    size_t nbytes = data_nbytes - front_nbytes;
    *copy_ret = malloc(nbytes ? nbytes : 1);
    if (!*copy_ret)
        abort();
    if (nbytes)
        memcpy(*copy_ret, data + front_nbytes, nbytes);
    act_status status = act_map_open_memory(*copy_ret, nbytes, &fuzz_options, &map, NULL);
    FUZZ_EXPECT((status == ACT_OK) == (map != NULL));
    return map;
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
size_t LLVMFuzzerMutate(uint8_t *data, size_t data_nbytes, size_t nbytes_max);

/*
 * Random changes mostly break the magic, the root offset or the zeros at the end, and then nothing
 * else is tried. This puts them right again, more often than not.
 */
static inline void fuzz_repair(uint8_t *file, size_t nbytes, unsigned random)
{
    if (nbytes < 25)
        return;
    if (random % 16 != 0)
        memcpy(file, "ACTree03", 8);
    uint64_t root = 0;
    memcpy(&root, file + 8, 8);
    if (random / 16 % 16 != 0 && (root < 16 || root >= nbytes - 8)) {
        root = 16 + (random >> 8) % (nbytes - 24);
        for (int i = 0; i < 8; i++)
            file[8 + i] = (uint8_t)(root >> 8 * i);
    }
    if (random >> 28 != 0)
        memset(file + nbytes - 8, 0, 8);
}
#endif

#endif
