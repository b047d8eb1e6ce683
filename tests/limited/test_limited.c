/*
 * A file several times as large as the memory that there is for it, and not in memory: lookups,
 * batches and scans of it, by one thread and by several, and how many pages they had to wait for.
 * Where control groups cannot be made, or the file is not on a disk, this says so and is skipped.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actree.h"
#include "group.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    KEYS = 2000000,
    QUERIES = CHECK_EMULATED ? 20 : 4000, /* an emulator has megabytes read for each */
    LIMIT_NBYTES = CHECK_EMULATED ? 32 << 20 : 12 << 20, /* an emulator is in it, too */
    THREADS = 4,
    SKIPPED = 77
};

static char *dir, *path;

/* Key number i; in order. Some of the digits are the same everywhere, some are not. */
static size_t make_key(char key[64], uint64_t i)
{
    struct random r = random_of(i);
    return (size_t)snprintf(key, 64, "usr/share/doc/package-%07llu/copyright-%06llx",
                            (unsigned long long)i, (unsigned long long)random_below(&r, 1 << 24));
}

static void build(void)
{
    char key[64];
    act_builder *builder;
    dir = scratch_make();
    path = scratch_path(dir, "map.act");
    assert_int_equal(act_builder_open(path, NULL, &builder, NULL), ACT_OK);
    for (uint64_t i = 0; i < KEYS; i++)
        assert_int_equal(act_builder_add(builder, key, make_key(key, i), i * i, NULL), ACT_OK);
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    act_builder_close(builder);
}

/* Throws what memory holds of the file out of it. */
static void evict(void)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    close(fd);
}

static act_map *open_cold(void)
{
    act_map *map;
    evict();
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    return map;
}

/* What this process has read so far. */
static struct rusage usage(void)
{
    struct rusage now;
    assert_int_equal(getrusage(RUSAGE_SELF, &now), 0);
    return now;
}

static double faults_since(const struct rusage *before)
{
    struct rusage now = usage();
    return (double)(now.ru_majflt - before->ru_majflt) / QUERIES;
}

static double pages_since(const struct rusage *before)
{
    struct rusage now = usage();
    return (double)(now.ru_inblock - before->ru_inblock) * 512 / 4096 / QUERIES;
}

/* Every seventh key is one that is not there. */
static void look_up_one_by_one(const act_map *map, uint64_t seed)
{
    struct random r = random_of(seed);
    char key[64];
    for (int i = 0; i < QUERIES; i++) {
        uint64_t number = random_below(&r, KEYS), value = 0;
        size_t nbytes = make_key(key, number);
        act_status status = act_map_get(map, key, i % 7 ? nbytes : nbytes - 1, &value, NULL);
        if (status != (i % 7 ? ACT_OK : ACT_NOT_FOUND) || value != (i % 7 ? number * number : 0))
            abort();
    }
}

/* The same in one batch. */
static void look_up_at_once(const act_map *map, uint64_t seed)
{
    struct random r = random_of(seed);
    char(*keys)[64] = calloc(QUERIES, sizeof(*keys));
    act_slice *slices = calloc(QUERIES, sizeof(*slices));
    uint64_t *values = calloc(QUERIES, sizeof(*values)),
             *expected = calloc(QUERIES, sizeof(*values));
    if (!keys || !slices || !values || !expected)
        abort();
    for (int i = 0; i < QUERIES; i++) {
        uint64_t number = random_below(&r, KEYS);
        slices[i] = (act_slice){keys[i], make_key(keys[i], number) - (i % 7 == 0)};
        expected[i] = i % 7 ? number * number : 0;
    }
    if (act_map_get_batch(map, slices, QUERIES, values, NULL, NULL) != ACT_OK ||
        memcmp(values, expected, QUERIES * sizeof(*values)) != 0)
        abort();
    free(keys);
    free(slices);
    free(values);
    free(expected);
}

/* Looks keys up in a file that is not in memory; what each may cost at most. */
static void expect_cost(void (*look_up)(const act_map *map, uint64_t seed), uint64_t seed,
                        double faults_max)
{
    act_map *map = open_cold();
    struct rusage before = usage();
    look_up(map, seed);
    double faults = faults_since(&before), pages = pages_since(&before);
    print_message("%.2f major faults, %.2f pages a lookup\n", faults, pages);
    act_map_close(map);
    CHECK_NEEDS_KERNEL("pages are read ahead, whatever is advised");
    assert_true(faults < faults_max);
    assert_true(pages < 2);
}

static void a_lookup_waits_for_one_page(void **state)
{
    (void)state;
    expect_cost(look_up_one_by_one, 1, 1.1);
}

static void a_batch_waits_for_hardly_any(void **state)
{
    (void)state;
    expect_cost(look_up_at_once, 2, 0.5);
}

static int sum(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)key;
    (void)key_nbytes;
    *(uint64_t *)context += value;
    return 0;
}

static void a_scan_reads_ahead(void **state)
{
    (void)state;
    act_map *map = open_cold();
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    struct rusage before = usage();
    uint64_t got = 0, expected = 0;
    assert_int_equal(act_map_scan(map, NULL, sum, &got, NULL), ACT_OK);
    for (uint64_t i = 0; i < KEYS; i++)
        expected += i * i;
    assert_int_equal(got, expected);
    double faults = faults_since(&before) * QUERIES * 4096 / (double)stat.file_nbytes;
    double share = pages_since(&before) * QUERIES * 4096 / (double)stat.file_nbytes;
    print_message("scan: %.2f major faults a page, %.2f times the file read\n", faults, share);
    assert_true(faults < 0.5);
    assert_true(share < 2.5);
    act_map_close(map);
}

struct reader {
    pthread_t thread;
    const act_map *map;
    uint64_t seed;
};

static void *read_all(void *context)
{
    const struct reader *reader = context;
    look_up_at_once(reader->map, reader->seed);
    look_up_one_by_one(reader->map, reader->seed);
    uint64_t total = 0;
    if (act_map_scan(reader->map, NULL, sum, &total, NULL) != ACT_OK)
        abort();
    return NULL;
}

static void threads_share_what_is_not_there_yet(void **state)
{
    (void)state;
    struct reader readers[THREADS];
    act_map *map = open_cold();
    for (uint64_t i = 0; i < THREADS; i++) {
        readers[i].map = map;
        readers[i].seed = i;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(readers[i].thread, NULL);
    act_map_close(map);
}

/* What does not fit is not read in vain, nor locked, nor copied; and it is said what was done. */
static void no_more_is_populated_than_fits(void **state)
{
    (void)state;
    act_map *map;
    act_error error;
    act_map_paging paging;
    act_open_options options = {.populate = ACT_POPULATE_ALL, .huge = ACT_HUGE_ON};
    evict();
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    act_map_get_paging(map, &paging);
    print_message("%s\n", paging.text);
    assert_int_equal(paging.memory_nbytes, LIMIT_NBYTES);
    assert_int_equal(paging.advice, ACT_ADVICE_RANDOM);
    assert_true(paging.advice_is_auto && paging.hot_is_ahead && !paging.is_copy);
    assert_true(paging.populate_done_nbytes <= LIMIT_NBYTES / 2);
    assert_true(paging.populate_done_nbytes >= paging.hot_nbytes);
    assert_true(paging.populate_asked_nbytes > LIMIT_NBYTES);
    assert_non_null(strstr(paging.text, "as much as half of the memory allows"));
    assert_non_null(strstr(paging.text, "would not fit"));
    assert_int_equal(act_map_lock(map, NULL, &error), ACT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "half of what this process may use"));
    look_up_one_by_one(map, 5);
    act_map_close(map);

    options = (act_open_options){.lock = ACT_LOCK_ALL};
    assert_int_equal(act_map_open(path, &options, &map, &error), ACT_ERR_LIMIT);
    options.lock = ACT_LOCK_HOT;
    act_status status = act_map_open(path, &options, &map, &error);
    if (status == ACT_OK)
        act_map_close(map);
    else
        assert_int_equal(status, ACT_ERR_LIMIT); /* what may be locked at all is the system's */
}

/* Files in memory only, as those of tmpfs, are never read. */
static bool is_on_a_disk(void)
{
    struct rusage before = usage();
    act_map *map = open_cold();
    look_up_one_by_one(map, 3);
    act_map_close(map);
    return pages_since(&before) > 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_waits_for_one_page),
        cmocka_unit_test(a_batch_waits_for_hardly_any),
        cmocka_unit_test(a_scan_reads_ahead),
        cmocka_unit_test(threads_share_what_is_not_there_yet),
        cmocka_unit_test(no_more_is_populated_than_fits),
    };
    build();
    const char *why_not = group_enter(LIMIT_NBYTES);
    bool entered = !why_not;
    if (entered && !is_on_a_disk())
        why_not = "the temporary folder is not on a disk";
    int status = SKIPPED;
    if (why_not)
        printf("skipped: %s\n", why_not);
    else
        status = cmocka_run_group_tests(tests, NULL, NULL);
    if (entered)
        group_leave();
    free(path);
    scratch_remove(dir);
    return status;
}
