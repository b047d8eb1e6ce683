/*
 * Files with the same entries against each other: lookups, batches, scans, in one process and in
 * turn, so that a crowded machine slows all of them alike.
 *
 *   merged [-h] QUERIES FILE...
 *
 * QUERIES has a key a line; the others are compared with the first file, and all must give the same
 * answers. -h: all of them in huge pages. Prints for each way and file the median of CPU time, in
 * nanoseconds for a key or entry, and of the ratio within each round.
 */
#define _POSIX_C_SOURCE 200809L
#include <actree.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "key_lines.h"

#define ROUNDS    9
#define FILES_MAX 8
#define SLICE     20000 /* keys between two turns */
#define BATCH     1000

/* Each does the work for some of the keys, and sums up what it found. */

static uint64_t get(const act_map *map, const struct key_lines *keys, size_t at, size_t end)
{
    uint64_t sum = 0, value;

    for (; at < end; at++) {
        if (act_map_get(map, keys->keys[at].bytes, keys->keys[at].nbytes, &value, NULL) == ACT_OK)
            sum += value + 1;
    }
    return sum;
}

static uint64_t batch(const act_map *map, const struct key_lines *keys, size_t at, size_t end)
{
    uint64_t sum = 0;

    for (; at < end; at += BATCH) {
        size_t count = end - at < BATCH ? end - at : BATCH;
        if (act_map_get_batch(map, keys->keys + at, count, keys->values + at, NULL, NULL) != ACT_OK)
            exit(2);
        for (size_t i = 0; i < count; i++)
            sum += keys->values[at + i];
    }
    return sum;
}

struct scanned {
    uint64_t entries;
    uint64_t sum;
};

static int take(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scanned *scanned = context;

    (void)key;
    scanned->entries++;
    scanned->sum += value + key_nbytes;
    return 0;
}

static uint64_t scan(const act_map *map, const struct key_lines *keys, size_t at, size_t end)
{
    struct scanned scanned = {0, 0};

    (void)keys;
    (void)end;
    if (at == 0 && act_map_scan(map, NULL, take, &scanned, NULL) != ACT_OK)
        exit(2);
    return scanned.sum;
}

static const struct way {
    const char *name;
    uint64_t (*work)(const act_map *map, const struct key_lines *keys, size_t at, size_t end);
} ways[] = {{"single", get}, {"batch", batch}, {"scan", scan}};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double numbers[ROUNDS])
{
    qsort(numbers, ROUNDS, sizeof(numbers[0]), compare);
    return numbers[ROUNDS / 2];
}

/* One way through all keys, file by file for each slice of them. */
static void run_round(const struct way *way, act_map *const *maps, size_t count,
                      const struct key_lines *keys, double *ns_ret, uint64_t *sums_ret)
{
    for (size_t i = 0; i < count; i++) {
        ns_ret[i] = 0;
        sums_ret[i] = 0;
    }
    for (size_t at = 0; at < keys->count; at += SLICE) {
        size_t end = keys->count - at < SLICE ? keys->count : at + SLICE;
        for (size_t i = 0; i < count; i++) {
            double start = cpu_ns();
            sums_ret[i] += way->work(maps[i], keys, at, end);
            ns_ret[i] += cpu_ns() - start;
        }
    }
}

/* All rounds of a way, after one that warms up. 0, or 1 where answers differ. */
static int measure(const struct way *way, act_map *const *maps, char *const *names, size_t count,
                   const struct key_lines *keys, uint64_t entries)
{
    static double ns[FILES_MAX][ROUNDS], ratios[FILES_MAX][ROUNDS];
    double each[FILES_MAX];
    uint64_t sums[FILES_MAX];
    double units = way->work == scan ? (double)entries : (double)keys->count;

    for (int round = -1; round < ROUNDS; round++) {
        run_round(way, maps, count, keys, each, sums);
        for (size_t i = 0; i < count && round >= 0; i++) {
            ns[i][round] = each[i] / units;
            ratios[i][round] = each[i] / each[0];
        }
    }
    for (size_t i = 0; i < count; i++) {
        printf("%-7s %8.1f %6.3f  %s\n", way->name, median(ns[i]), median(ratios[i]), names[i]);
        if (sums[i] != sums[0])
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct key_lines keys = {0};
    act_map *maps[FILES_MAX] = {0};
    act_error error;
    int huge = argc > 1 && strcmp(argv[1], "-h") == 0;
    act_open_options options = {.huge = huge ? ACT_HUGE_ON : ACT_HUGE_AUTO};
    char *const *names = argv + 2 + huge;
    int count = argc - 2 - huge;
    struct scanned scanned = {0, 0};
    int differ = 0;

    if (count < 1 || count > FILES_MAX || key_lines_load(argv[1 + huge], &keys) != 0) {
        fprintf(stderr, "merged: needs QUERIES and up to %d files\n", FILES_MAX);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        if (act_map_open(names[i], &options, &maps[i], &error) != ACT_OK) {
            fprintf(stderr, "merged: %s\n", error.text);
            return 2;
        }
    }
    act_map_scan(maps[0], NULL, take, &scanned, NULL);
    for (size_t i = 0; i < WAYS && !differ; i++)
        differ = measure(&ways[i], maps, names, (size_t)count, &keys, scanned.entries);
    if (differ)
        fprintf(stderr, "merged: the answers differ\n");
    for (int i = 0; i < count; i++)
        act_map_close(maps[i]);
    return differ;
}
