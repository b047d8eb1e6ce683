/*
 * Puts random questions to maps of random keys, and compares every answer with a sorted array.
 *
 *   test_model [SEED]     one map by its seed, or: the seeds of seeds.txt, then new ones for a time
 */
#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/model.h"
#include "support/build.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/shapes.h"

#define SEEDS ACT_TEST_SOURCE_DIR "/tests/model/seeds.txt"

enum {
    NEW_SEEDS_SECONDS = 10,
    FEWEST_NEW_SEEDS = 2 * 9 /* each shape twice, however slow the machine is */
};

_Noreturn void model_fail(const struct model *m, const char *file, int line, const char *condition,
                          const char *format, ...)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: not so: %s\n  seed %llu (%s; %zu keys, %zu paths; %s)\n  ", file, line,
            condition, (unsigned long long)m->seed, m->shape, m->keys.count, m->all.count,
            m->access);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n  again: test_model %llu; to stay: a line in %s\n",
            (unsigned long long)m->seed, SEEDS);
    exit(1);
}

static void ask_everything(struct model *m)
{
    model_ask_lookups(m);
    model_ask_scans(m);
    model_walk_iterators(m);
}

/* The same file in each of the ways in which its bytes can be reached. */
static void ask_by_each_access(struct model *m, const char *path)
{
    act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map *map;
    m->access = "mapped";
    MODEL_CHECK(m, act_map_open(path, &options, &map, NULL) == ACT_OK, "open");
    m->map = map;
    ask_everything(m);
    act_map_close(map);

    m->access = "read";
    options.access = ACT_ACCESS_READ;
    MODEL_CHECK(m, act_map_open(path, &options, &map, NULL) == ACT_OK, "open");
    m->map = map;
    ask_everything(m);
    act_map_close(map);

    m->access = "memory";
    size_t nbytes, shift = random_below(&m->r, 8);
    unsigned char *bytes = scratch_read(path, &nbytes);
    /* Not aligned, and so that a byte too far is one that a sanitizer sees. */
    unsigned char *room = malloc(nbytes + shift);
    MODEL_CHECK(m, room, "no memory");
    memcpy(room + shift, bytes, nbytes);
    free(bytes);
    MODEL_CHECK(m, act_map_open_memory(room + shift, nbytes, NULL, &map, NULL) == ACT_OK, "open");
    m->map = map;
    ask_everything(m);
    act_map_close(map);
    free(room);
}

static void try_seed(uint64_t seed, const char *path)
{
    static struct model m;
    memset(&m, 0, sizeof(m));
    m.seed = seed;
    m.r = random_of(seed);
    size_t shape = random_below(&m.r, shapes_count());
    m.shape = shapes_name(shape);
    m.access = "being built";
    m.rounds = CHECK_SLOW_BUILD ? 15 : 60;
    shapes_make(&m.r, shape, &m.all);
    if (random_one_in(&m.r, 3))
        shapes_add_paths(&m.r, random_below(&m.r, 60), &m.all);
    entries_append(&m.keys, &m.all);
    entries_drop_paths(&m.keys);

    act_build_report report;
    build_file(&m.all, path, (act_layout)(seed % 3), &report);
    MODEL_CHECK(&m, report.keys == m.keys.count, "the builder counts %llu keys",
                (unsigned long long)report.keys);
    ask_by_each_access(&m, path);
    model_use_up_budgets(&m, path);
    entries_free(&m.all);
    entries_free(&m.keys);
}

static unsigned try_fixed_seeds(const char *path)
{
    size_t nbytes;
    char *text = (char *)scratch_read(SEEDS, &nbytes);
    unsigned count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (*line == '#')
            continue;
        try_seed(strtoull(line, NULL, 10), path);
        count++;
    }
    free(text);
    return count;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned try_new_seeds(const char *path)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct random seeds = random_of((uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec);
    double end = seconds_now() + (double)NEW_SEEDS_SECONDS;
    unsigned count = 0;
    for (; count < FEWEST_NEW_SEEDS || seconds_now() < end; count++)
        try_seed(random_u64(&seeds), path);
    return count;
}

int main(int argc, char **argv)
{
    char *dir = scratch_make();
    char *path = scratch_path(dir, "model.act");
    if (argc > 1) {
        try_seed(strtoull(argv[1], NULL, 10), path);
        printf("seed %s: as it should be\n", argv[1]);
    } else {
        unsigned fixed = try_fixed_seeds(path);
        unsigned fresh = try_new_seeds(path);
        printf("%u fixed seeds and %u new ones: as it should be\n", fixed, fresh);
    }
    free(path);
    scratch_remove(dir);
    return 0;
}
