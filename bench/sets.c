/*
 * One file against a set with the same entries: lookups, batches, scans, in one process and in
 * turn, so that a crowded machine slows all of them alike.
 *
 *   sets FILE SET QUERIES
 *
 * QUERIES has a key a line. Prints medians of CPU time, and of the ratios within each round;
 * `window` is the set again, opened with a limit that is never reached. The sums of what is found
 * must agree.
 */
#define _POSIX_C_SOURCE 200809L
#include <actree.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "key_lines.h"

#define ROUNDS 15

struct setting {
    act_map *map;
    act_set *set;
    act_set *window;
    struct key_lines lines;
};

/* Each does its work once, and sums up what it found. */

static uint64_t get_map(const struct setting *setting)
{
    uint64_t sum = 0, value;

    for (size_t i = 0; i < setting->lines.count; i++) {
        const act_slice *key = &setting->lines.keys[i];
        if (act_map_get(setting->map, key->bytes, key->nbytes, &value, NULL) == ACT_OK)
            sum += value;
    }
    return sum;
}

static uint64_t get_from(const act_set *set, const struct setting *setting)
{
    uint64_t sum = 0, value;

    for (size_t i = 0; i < setting->lines.count; i++) {
        const act_slice *key = &setting->lines.keys[i];
        if (act_set_get(set, key->bytes, key->nbytes, &value, NULL) == ACT_OK)
            sum += value;
    }
    return sum;
}

static uint64_t get_set(const struct setting *setting)
{
    return get_from(setting->set, setting);
}

static uint64_t get_window(const struct setting *setting)
{
    return get_from(setting->window, setting);
}

static uint64_t add_up(const struct setting *setting, act_status status)
{
    uint64_t sum = 0;

    for (size_t i = 0; status == ACT_OK && i < setting->lines.count; i++)
        sum += setting->lines.values[i];
    return sum;
}

static uint64_t batch_map(const struct setting *setting)
{
    return add_up(setting,
                  act_map_get_batch(setting->map, setting->lines.keys, setting->lines.count,
                                    setting->lines.values, NULL, NULL));
}

static uint64_t batch_set(const struct setting *setting)
{
    return add_up(setting,
                  act_set_get_batch(setting->set, setting->lines.keys, setting->lines.count,
                                    setting->lines.values, NULL, NULL, NULL));
}

static int count(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)key;
    (void)key_nbytes;
    (void)value;
    ++*(uint64_t *)context;
    return 0;
}

static uint64_t scan_map(const struct setting *setting)
{
    uint64_t entries = 0;

    act_map_scan(setting->map, NULL, count, &entries, NULL);
    return entries;
}

static uint64_t scan_set(const struct setting *setting)
{
    uint64_t entries = 0;

    act_set_scan(setting->set, NULL, count, &entries, NULL);
    return entries;
}

/* A way to do something, and the row of the one that it is compared with. */
static const struct way {
    const char *name;
    uint64_t (*work)(const struct setting *setting);
    size_t base;
} ways[] = {
    {"get    file", get_map, 0},   {"get    set", get_set, 0},   {"get    window", get_window, 0},
    {"batch  file", batch_map, 3}, {"batch  set", batch_set, 3}, {"scan   file", scan_map, 5},
    {"scan   set", scan_set, 5},
};
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

/* All rounds, after one that warms up. 0, or 1 where the sums differ. */
static int measure(const struct setting *setting)
{
    static double ns[WAYS][ROUNDS], ratios[WAYS][ROUNDS];
    uint64_t sums[WAYS];

    for (int round = -1; round < ROUNDS; round++) {
        for (size_t i = 0; i < WAYS; i++) {
            size_t way = round & 1 ? i : WAYS - 1 - i;
            double start = cpu_ns();
            sums[way] = ways[way].work(setting);
            if (round >= 0)
                ns[way][round] = cpu_ns() - start;
        }
        for (size_t i = 0; round >= 0 && i < WAYS; i++)
            ratios[i][round] = ns[i][round] / ns[ways[i].base][round];
    }
    for (size_t i = 0; i < WAYS; i++) {
        double count_of = ways[i].base == 5 ? (double)sums[i] : (double)setting->lines.count;
        if (sums[i] != sums[ways[i].base])
            return 1;
        printf("%-14s %9.1f ns  %.3f\n", ways[i].name, median(ns[i]) / count_of, median(ratios[i]));
    }
    return sums[0] != sums[3];
}

int main(int argc, char **argv)
{
    struct setting setting = {0};
    act_set_options limited = {.max_mapped_nbytes = UINT64_MAX};
    act_error error = {.text = "needs FILE, SET and QUERIES"};

    if (argc != 4 || act_map_open(argv[1], NULL, &setting.map, &error) != ACT_OK ||
        act_set_open(argv[2], NULL, &setting.set, &error) != ACT_OK ||
        act_set_open(argv[2], &limited, &setting.window, &error) != ACT_OK) {
        fprintf(stderr, "sets: %s\n", error.text);
        return 2;
    }
    if (key_lines_load(argv[3], &setting.lines) != 0) {
        fprintf(stderr, "sets: no keys in %s\n", argv[3]);
        return 2;
    }
    int differ = measure(&setting);
    if (differ)
        fprintf(stderr, "sets: the sums differ\n");
    act_set_close(setting.window);
    act_set_close(setting.set);
    act_map_close(setting.map);
    return differ;
}
