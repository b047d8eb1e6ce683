/*
 * What the targets share: how an input is divided, and what is said of the answers.
 *
 * A target is fuzz_one(), which is compiled twice: for the library as it is, and for one without
 * anything but ISO C, whose answers must be the same (main.c). It names what it was told by
 * fuzz_tell.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"

/* A finding: the fuzzer, and replay, see a program that aborts. */
#define FUZZ_EXPECT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum {
    FUZZ_TOLD_FIRST = 256
};

/* Answers: how many, the first of them, and all in one number. */
struct fuzz_told {
    bool wanted; /* else there is nothing to compare them with */
    size_t count;
    uint64_t sum;
    uint64_t first[FUZZ_TOLD_FIRST];
};

/* The target, and itself with the other library; defined in TARGET/fuzz.c. */
void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told);
void fuzz_one_portable(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told);

static inline void fuzz_tell(struct fuzz_told *told, uint64_t answer)
{
    if (!told->wanted)
        return;
    if (told->count < FUZZ_TOLD_FIRST)
        told->first[told->count] = answer;
    told->count++;
    told->sum = ((told->sum << 7 | told->sum >> 57) ^ answer) * 0x9e3779b97f4a7c15u;
}

static inline void fuzz_tell_bytes(struct fuzz_told *told, const void *bytes, size_t nbytes)
{
    const uint8_t *from = bytes;
    uint64_t sum = nbytes, word = 0;
    if (!told->wanted)
        return;
    for (; nbytes >= sizeof(word); from += sizeof(word), nbytes -= sizeof(word)) {
        memcpy(&word, from, sizeof(word));
        sum = (sum << 29 | sum >> 35) ^ word * 0x9e3779b97f4a7c15u;
        sum *= 0x100000001b3u;
    }
    for (size_t i = 0; i < nbytes; i++)
        sum = (sum ^ from[i]) * 0x100000001b3u;
    fuzz_tell(told, sum);
}

static inline void fuzz_tell_error(struct fuzz_told *told, act_status status,
                                   const act_error *error)
{
    fuzz_tell(told, (uint64_t)status);
    if (status >= ACT_ERR_INVALID)
        fuzz_tell(told, error->offset);
}

/* Small budgets: many inputs a second tell more than long scans of one. */
static const act_open_options fuzz_options = {.key_nbytes_max = 1 << 13, .steps_max = 1 << 10};

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

/* Bytes in a buffer of just their size, so that a sanitizer sees reads on either side; to be
 * freed. */
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t nbytes)
{
    uint8_t *copy = malloc(nbytes ? nbytes : 1);
    if (!copy)
        abort();
    *copy = 0; /* where there is nothing, be it not read */
    if (nbytes)
        memcpy(copy, bytes, nbytes);
    return copy;
}

/* Opens the file that `front_nbytes` come before, in a buffer of its own size. NULL if it cannot be
 * opened; `*copy_ret` is to be freed either way. */
static inline act_map *fuzz_open(const uint8_t *data, size_t data_nbytes, size_t front_nbytes,
                                 uint8_t **copy_ret)
{
    act_map *map = NULL;
    size_t nbytes = data_nbytes - front_nbytes;
    *copy_ret = fuzz_copy(nbytes ? data + front_nbytes : data, nbytes);
    act_status status = act_map_open_memory(*copy_ret, nbytes, &fuzz_options, &map, NULL);
    FUZZ_EXPECT((status == ACT_OK) == (map != NULL));
    return map;
}

/* Whether a new file is sound. But for a plain one whose first line reads as the header of an
 * index, or as what is left of one, which verify is known to call damaged (docs/FORMAT.md): it has
 * no copy of that at its end. */
static inline bool fuzz_is_sound(const act_map *map, const uint8_t *bytes, size_t nbytes)
{
    enum {
        INDEX_HEADER_AT = 16,
        COPY_NBYTES = 256,
        INDEXED_NBYTES_MIN = 512
    };
    act_verify_report report;
    if (act_map_verify(map, NULL, NULL, &report, NULL) == ACT_OK)
        return true;
    return report.broken_rule == ACT_RULE_INDEX_HEADER && report.broken_offset == INDEX_HEADER_AT &&
           (nbytes < INDEXED_NBYTES_MIN ||
            memcmp(bytes + nbytes - COPY_NBYTES, "actIndex", 8) != 0);
}

/* Byte order of keys: below 0, 0, above 0. */
static inline int fuzz_compare(const uint8_t *a, size_t a_nbytes, const uint8_t *b, size_t b_nbytes)
{
    size_t nbytes = a_nbytes < b_nbytes ? a_nbytes : b_nbytes;
    int order = nbytes ? memcmp(a, b, nbytes) : 0;
    return order ? order : (a_nbytes > b_nbytes) - (a_nbytes < b_nbytes);
}

#endif
