/* Builders side by side, and a file that is replaced under its readers. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    THREADS = 8,
    KEYS = 500,
    REPLACEMENTS = CHECK_SLOW_BUILD ? 40 : 200
};

/* Number keys, all with the same value, in a file at `path`. */
static act_status build(const char *path, uint64_t value)
{
    static const act_builder_options options = {.no_sync = true};
    act_builder *builder;
    act_status status = act_builder_open(path, &options, &builder, NULL);
    if (status != ACT_OK)
        return status;
    for (unsigned i = 0; i < KEYS && status == ACT_OK; i++) {
        char key[40];
        snprintf(key, sizeof(key), "key/%04u/with the same tail", i);
        status = act_builder_add(builder, key, strlen(key), value, NULL);
    }
    if (status == ACT_OK)
        status = act_builder_finish(builder, NULL, NULL);
    act_builder_close(builder);
    return status;
}

struct sum {
    uint64_t count;
    uint64_t value; /* of the first entry */
    bool mixed;     /* another one was different */
};

static int add_up(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct sum *sum = context;
    (void)key;
    (void)key_nbytes;
    if (sum->count++ == 0)
        sum->value = value;
    sum->mixed = sum->mixed || value != sum->value;
    return 0;
}

/* Whether the file holds all keys with one value. */
static bool is_whole(const char *path, uint64_t *value_ret)
{
    act_map *map;
    if (act_map_open(path, NULL, &map, NULL) != ACT_OK)
        return false;
    struct sum sum = {0};
    act_status status = act_map_scan(map, NULL, add_up, &sum, NULL);
    act_map_close(map);
    *value_ret = sum.value;
    return status == ACT_OK && sum.count == KEYS && !sum.mixed;
}

static char *dir;

static int make_folder(void **state)
{
    dir = scratch_make();
    *state = dir;
    return 0;
}

static int remove_folder(void **state)
{
    scratch_remove(*state);
    return 0;
}

/* ------------------------------------------------------------------------------- side by side */

struct worker {
    pthread_t thread;
    uint64_t value;
    bool good;
};

static void *build_own(void *context)
{
    struct worker *worker = context;
    char name[20];
    snprintf(name, sizeof(name), "own%u.act", (unsigned)worker->value);
    char *path = scratch_path(dir, name);
    worker->good = true;
    for (int round = 0; round < 10 && worker->good; round++) {
        uint64_t value;
        worker->good = build(path, worker->value) == ACT_OK && is_whole(path, &value) &&
                       value == worker->value;
    }
    free(path);
    return NULL;
}

static void builders_do_not_meet(void **state)
{
    (void)state;
    static struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].value = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, build_own, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_true(workers[i].good);
}

/* ---------------------------------------------------------------------------------- replacing */

struct watcher {
    pthread_t thread;
    const char *path;
    const atomic_bool *done;
    unsigned seen;
    bool good;
};

/* Every time the file is opened it is there, and is one version from end to end, never an older one
 * than before. */
static void *watch(void *context)
{
    struct watcher *watcher = context;
    uint64_t last = 0;
    watcher->good = true;
    while (watcher->good && !atomic_load(watcher->done)) {
        uint64_t value = 0;
        watcher->good = is_whole(watcher->path, &value) && value >= last;
        last = value;
        watcher->seen++;
    }
    return NULL;
}

static void readers_see_one_whole_version(void **state)
{
    (void)state;
    static struct watcher watchers[THREADS / 2];
    static atomic_bool done;
    char *path = scratch_path(dir, "replaced.act");
    atomic_store(&done, false);
    assert_int_equal(build(path, 0), ACT_OK);
    for (unsigned i = 0; i < THREADS / 2; i++) {
        watchers[i].path = path;
        watchers[i].done = &done;
        assert_int_equal(pthread_create(&watchers[i].thread, NULL, watch, &watchers[i]), 0);
    }
    act_status status = ACT_OK;
    bool refused = false;
    for (uint64_t value = 1; value <= REPLACEMENTS && status == ACT_OK; value++) {
        status = build(path, value);
        /* Some systems do not replace a file while somebody has it open. */
        if (!CHECK_POSIX && status == ACT_ERR_IO) {
            refused = true;
            status = ACT_OK;
        }
    }
    atomic_store(&done, true);
    for (unsigned i = 0; i < THREADS / 2; i++)
        assert_int_equal(pthread_join(watchers[i].thread, NULL), 0);
    assert_int_equal(status, ACT_OK);
    for (unsigned i = 0; i < THREADS / 2; i++) {
        assert_true(watchers[i].good);
        assert_true(watchers[i].seen > 0);
    }
    uint64_t value = 0;
    assert_true(is_whole(path, &value));
    assert_true(value == REPLACEMENTS || (refused && value <= REPLACEMENTS));
    free(path);
}

/* All builders want the same name: one of them wins, whole. */
static void *build_shared(void *context)
{
    struct worker *worker = context;
    char *path = scratch_path(dir, "contested.act");
    worker->good = build(path, worker->value) == ACT_OK;
    free(path);
    return NULL;
}

static void of_many_at_one_name_one_stays(void **state)
{
    (void)state;
    static struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].value = 100 + i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, build_shared, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_true(workers[i].good);
    char *path = scratch_path(dir, "contested.act");
    uint64_t value;
    assert_true(is_whole(path, &value));
    assert_in_range(value, 100, 100 + THREADS - 1);
    free(path);
}

enum {
    PART_KEYS = CHECK_SLOW_BUILD ? 90000 : 300000 /* enough for several parts */
};

/* Adds keys up to the given number; their last bytes and values are any. */
static act_builder *build_part_way(const char *path, unsigned threads, unsigned count)
{
    const act_builder_options options = {.no_sync = true, .threads = threads};
    act_builder *builder;
    assert_int_equal(act_builder_open(path, &options, &builder, NULL), ACT_OK);
    for (unsigned i = 0; i < count; i++) {
        char key[64];
        unsigned mixed = i * 2654435761u;
        int nbytes = snprintf(key, sizeof(key), "%02u/%07u/%.*s", i / 70000, i, (int)(mixed >> 28),
                              "some words of several lengths");
        assert_int_equal(act_builder_add(builder, key, (size_t)nbytes, mixed, NULL), ACT_OK);
    }
    return builder;
}

/* Whatever comes first, and however many threads there are, from two on. */
static void parts_are_joined_to_the_same_bytes(void **state)
{
    (void)state;
    char *path = scratch_path(dir, "parts.act");
    unsigned char *expected = NULL;
    size_t expected_nbytes = 0;
    static const unsigned threads[] = {2, 2, 3, 8, 1000};
    for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
        act_builder *builder = build_part_way(path, threads[i], PART_KEYS);
        act_build_report report;
        assert_int_equal(act_builder_finish(builder, &report, NULL), ACT_OK);
        act_builder_close(builder);
        assert_int_equal(report.keys, PART_KEYS);
        size_t nbytes;
        unsigned char *bytes = scratch_read(path, &nbytes);
        if (!expected) {
            expected = bytes;
            expected_nbytes = nbytes;
            continue;
        }
        assert_int_equal(nbytes, expected_nbytes);
        assert_memory_equal(bytes, expected, nbytes);
        free(bytes);
    }
    free(expected);
    free(path);
}

/* So much that parts are as large as they ever are. */
static void large_parts(void **state)
{
    (void)state;
    enum {
        LARGE_NBYTES = 1 << 20,
        LARGE_KEYS = 42
    };
    char *path = scratch_path(dir, "large.act");
    uint8_t *key = calloc(1, LARGE_NBYTES);
    assert_non_null(key);
    const act_builder_options options = {.no_sync = true, .threads = 2};
    act_builder *builder;
    assert_int_equal(act_builder_open(path, &options, &builder, NULL), ACT_OK);
    for (unsigned i = 0; i < LARGE_KEYS; i++) {
        key[0] = (uint8_t)i;
        assert_int_equal(act_builder_add(builder, key, LARGE_NBYTES, i, NULL), ACT_OK);
    }
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    act_builder_close(builder);
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    for (unsigned i = 0; i < LARGE_KEYS; i++) {
        uint64_t value;
        key[0] = (uint8_t)i;
        assert_int_equal(act_map_get(map, key, LARGE_NBYTES, &value, NULL), ACT_OK);
        assert_int_equal(value, i);
    }
    act_map_close(map);
    assert_int_equal(remove(path), 0);
    free(key);
    free(path);
}

/* Threads that are at work end with it, and nothing is left. */
static void a_builder_is_closed_half_way(void **state)
{
    (void)state;
    char *path = scratch_path(dir, "half.act");
    for (unsigned count = 0; count < PART_KEYS; count += PART_KEYS / 7)
        act_builder_close(build_part_way(path, 4, count));
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_ERR_IO);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builders_do_not_meet),
        cmocka_unit_test(readers_see_one_whole_version),
        cmocka_unit_test(of_many_at_one_name_one_stays),
        cmocka_unit_test(parts_are_joined_to_the_same_bytes),
        cmocka_unit_test(large_parts),
        cmocka_unit_test(a_builder_is_closed_half_way),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
