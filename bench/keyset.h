/* The form in which every benchmark program holds its keys: one packed file, mapped and read front
 * to back. All engines pay the same, small, sequential price for coming by the next key, and the
 * pages are shared by all processes of a run.
 *
 *   0..8    magic "BENCHKEY"
 *   8..16   number of keys, u64 little-endian
 *   16..24  sum of the lengths of all keys
 *   24..32  sum of the values that looking up all keys must give, modulo 2^64
 *   32..    for each key: length (u32 little-endian), bytes
 *
 * In a set of keys to build from, the value of a key is its index (or 0, where that is measured).
 * In a set of queries it is the index in the set that the queries were drawn from; absent keys have
 * none.
 */
#ifndef BENCH_KEYSET_H
#define BENCH_KEYSET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KEYSET_MAGIC         "BENCHKEY"
#define KEYSET_HEADER_NBYTES 32

struct keyset {
    const uint8_t *first; /* the first record */
    const uint8_t *end;   /* behind the last record */
    uint64_t nkeys;
    uint64_t keys_nbytes;
    uint64_t value_sum;
    int all_zero; /* build with the value 0 for every key; not in the file */
};

/* The value of the key at `index` when the set is built from. */
static inline uint64_t keyset_value(const struct keyset *set, uint64_t index)
{
    return set->all_zero ? 0 : index;
}

static inline uint32_t keyset_load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t keyset_load64(const uint8_t *p)
{
    return (uint64_t)keyset_load32(p) | (uint64_t)keyset_load32(p + 4) << 32;
}

/* Steps over one record. The files are made by `pack` and checked once when they are loaded. */
static inline const uint8_t *keyset_next(const uint8_t **record, size_t *key_nbytes_ret)
{
    const uint8_t *key = *record + 4;
    size_t key_nbytes = keyset_load32(*record);

    *key_nbytes_ret = key_nbytes;
    *record = key + key_nbytes;
    return key;
}

#ifdef __cplusplus
extern "C" {
#endif

/* Maps and checks FILE, and touches every page. 0, or -1 after a message on standard error. The
 * mapping stays until the process ends. */
int keyset_load(const char *file, struct keyset *set_ret);

#ifdef __cplusplus
}
#endif

#endif
