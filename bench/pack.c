/* Turns a sorted text file into the packed sets that the benchmark programs read (keyset.h).
 *
 *   pack [--hex] KEYS.txt NQUERIES OUT
 *
 * KEYS.txt holds one key a line, strictly ascending by byte value; with --hex in lowercase hex.
 * Written are
 *   OUT.keys     all keys
 *   OUT.present  NQUERIES keys of them (all, if there are fewer), in random order, none twice
 *   OUT.values   the value of each of these, u64 little-endian
 *   OUT.absent   as many keys that are not in the set, each made from a present query by a small
 *                change, so that a lookup walks about as far as a successful one
 *   OUT.present-few, OUT.absent-few   the first of each, for engines that take long over them
 * The draw depends on the input alone: the same set gives the same queries everywhere.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyset.h"

#define NFEW 20000

struct key {
    const uint8_t *bytes;
    size_t nbytes;
};

struct keys {
    struct key *at;
    size_t nkeys;
};

_Noreturn static void die(const char *file, const char *what)
{
    fprintf(stderr, "pack: %s: %s\n", file, what);
    exit(2);
}

static void *must(void *p)
{
    if (!p)
        die("memory", "not enough");
    return p;
}

/* The generator of Sebastiano Vigna's splitmix64: tiny, and fixed for all time. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static int key_compare(struct key a, struct key b)
{
    int order = memcmp(a.bytes, b.bytes, a.nbytes < b.nbytes ? a.nbytes : b.nbytes);

    return order ? order : (a.nbytes > b.nbytes) - (a.nbytes < b.nbytes);
}

static bool keys_contain(const struct keys *keys, struct key wanted)
{
    size_t low = 0, high = keys->nkeys;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = key_compare(keys->at[middle], wanted);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static uint8_t *read_whole(const char *file, size_t *nbytes_ret)
{
    FILE *in = fopen(file, "rb");
    uint8_t *data;
    long nbytes;

    if (!in || fseek(in, 0, SEEK_END) != 0 || (nbytes = ftell(in)) < 0)
        die(file, strerror(errno));
    rewind(in);
    data = must(malloc((size_t)nbytes + 1));
    if (fread(data, 1, (size_t)nbytes, in) != (size_t)nbytes)
        die(file, "cannot be read");
    fclose(in);
    *nbytes_ret = (size_t)nbytes;
    return data;
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place: the bytes of a key are half as long as its digits. */
static size_t unhex(const char *file, uint8_t *text, size_t text_nbytes)
{
    if (text_nbytes % 2)
        die(file, "odd number of hex digits");
    for (size_t i = 0; i < text_nbytes / 2; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            die(file, "not a hex digit");
        text[i] = (uint8_t)(high << 4 | low);
    }
    return text_nbytes / 2;
}

static struct keys read_keys(const char *file, bool hex)
{
    size_t nbytes, capacity = 1;
    uint8_t *data = read_whole(file, &nbytes), *end = data + nbytes;
    struct keys keys = {0};

    for (const uint8_t *p = data; p < end; p++)
        capacity += *p == '\n';
    keys.at = must(malloc(capacity * sizeof *keys.at));
    for (uint8_t *line = data; line < end;) {
        uint8_t *newline = memchr(line, '\n', (size_t)(end - line));
        size_t line_nbytes = (size_t)((newline ? newline : end) - line);
        struct key key = {line, hex ? unhex(file, line, line_nbytes) : line_nbytes};

        if (keys.nkeys && key_compare(keys.at[keys.nkeys - 1], key) >= 0)
            die(file, "lines are not strictly ascending");
        keys.at[keys.nkeys++] = key;
        line += line_nbytes + 1;
    }
    return keys;
}

static void put64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static void write_set(const char *stem, const char *suffix, struct keys keys, uint64_t value_sum)
{
    char file[4096];
    uint8_t header[KEYSET_HEADER_NBYTES] = KEYSET_MAGIC;
    uint64_t keys_nbytes = 0;
    FILE *out;

    snprintf(file, sizeof file, "%s.%s", stem, suffix);
    out = fopen(file, "wb");
    if (!out)
        die(file, strerror(errno));
    for (size_t i = 0; i < keys.nkeys; i++)
        keys_nbytes += keys.at[i].nbytes;
    put64(header + 8, keys.nkeys);
    put64(header + 16, keys_nbytes);
    put64(header + 24, value_sum);
    fwrite(header, 1, sizeof header, out);
    for (size_t i = 0; i < keys.nkeys; i++) {
        uint8_t length[8];

        put64(length, keys.at[i].nbytes);
        fwrite(length, 1, 4, out);
        fwrite(keys.at[i].bytes, 1, keys.at[i].nbytes, out);
    }
    if (ferror(out) || fclose(out) != 0)
        die(file, "cannot be written");
}

/* The first NQUERIES places of a Fisher-Yates shuffle of all indexes; also gives their values, and
 * the sums of all of these and of the first NFEW. */
static struct keys draw(const struct keys *keys, size_t nqueries, uint64_t *values,
                        uint64_t *value_sum_ret, uint64_t *few_sum_ret)
{
    uint64_t state = UINT64_C(0xAC7) + keys->nkeys;
    size_t *order = must(malloc((keys->nkeys + 1) * sizeof *order));
    struct keys queries = {must(malloc((nqueries + 1) * sizeof *queries.at)), nqueries};

    for (size_t i = 0; i < keys->nkeys; i++)
        order[i] = i;
    *value_sum_ret = *few_sum_ret = 0;
    for (size_t i = 0; i < nqueries; i++) {
        size_t other = i + (size_t)(random_next(&state) % (keys->nkeys - i)), index = order[other];

        order[other] = order[i];
        queries.at[i] = keys->at[index];
        values[i] = index;
        *value_sum_ret += index;
        if (i < NFEW)
            *few_sum_ret = *value_sum_ret;
    }
    free(order);
    return queries;
}

/* One change in three, by turns: the last byte replaced, a byte appended, the middle byte
 * replaced. The new byte is raised until the key is not in the set. */
static struct key make_absent(const struct keys *keys, struct key present, size_t turn)
{
    uint8_t *bytes = must(malloc(present.nbytes + 1));
    struct key key = {bytes, present.nbytes};
    size_t place = turn % 3 == 2 ? present.nbytes / 2 : present.nbytes - 1;

    memcpy(bytes, present.bytes, present.nbytes);
    if (turn % 3 == 1 || present.nbytes == 0) {
        place = present.nbytes;
        bytes[key.nbytes++] = 'a';
    }
    for (int tries = 0; keys_contain(keys, key); tries++) {
        if (tries == 256)
            die("absent queries", "every changed key is in the set");
        do {
            bytes[place]++;
        } while (bytes[place] == '\n');
    }
    return key;
}

static void write_values(const char *stem, const uint64_t *values, size_t count)
{
    char file[4096];
    FILE *out;

    snprintf(file, sizeof file, "%s.values", stem);
    out = fopen(file, "wb");
    if (!out)
        die(file, strerror(errno));
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[8];

        put64(bytes, values[i]);
        fwrite(bytes, 1, sizeof bytes, out);
    }
    if (ferror(out) || fclose(out) != 0)
        die(file, "cannot be written");
}

static void write_queries(const char *stem, const struct keys *keys, size_t nqueries)
{
    uint64_t value_sum, few_sum, *values = must(malloc((nqueries + 1) * sizeof *values));
    struct keys present = draw(keys, nqueries, values, &value_sum, &few_sum);
    struct keys absent = {must(malloc((nqueries + 1) * sizeof *absent.at)), nqueries};

    for (size_t i = 0; i < nqueries; i++)
        absent.at[i] = make_absent(keys, present.at[i], i);
    write_set(stem, "present", present, value_sum);
    write_values(stem, values, nqueries);
    free(values);
    write_set(stem, "absent", absent, 0);
    present.nkeys = absent.nkeys = nqueries < NFEW ? nqueries : NFEW;
    write_set(stem, "present-few", present, few_sum);
    write_set(stem, "absent-few", absent, 0);
}

int main(int argc, char **argv)
{
    bool hex = argc > 1 && strcmp(argv[1], "--hex") == 0;
    char **args = argv + 1 + hex;
    struct keys keys;
    size_t nqueries;

    if (argc - hex != 4) {
        fprintf(stderr, "usage: pack [--hex] KEYS.txt NQUERIES OUT\n");
        return 2;
    }
    keys = read_keys(args[0], hex);
    if (keys.nkeys == 0)
        die(args[0], "no keys");
    nqueries = (size_t)strtoull(args[1], NULL, 10);
    if (nqueries > keys.nkeys)
        nqueries = keys.nkeys;
    write_set(args[2], "keys", keys, (uint64_t)keys.nkeys * (keys.nkeys - 1) / 2);
    write_queries(args[2], &keys, nqueries);
    return 0;
}
