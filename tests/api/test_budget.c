/*
 * A resident budget: whatever way a map is read, no more of it than that stays in this process, by
 * the system's own count; and every answer is the same.
 */
#define _DEFAULT_SOURCE

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/smaps.h"

#define MIB ((uint64_t)1 << 20)

enum {
    KEYS = 1000000,
    BATCH = 1000,
    THREADS = 3,
    LOOKED_AFTER = 512 /* keys between two looks at the list of mappings */
};

/* What a look may be late by, as the header has it, for a thread. */
#define BUDGET_NBYTES (6 * MIB)
#define SLACK_NBYTES  (16 * MIB)

static char *path;
static uint64_t file_nbytes, most_resident;

static size_t make_key(char key[64], uint64_t i)
{
    struct random r = random_of(i);
    return (size_t)snprintf(key, 64, "key/%07llu/%016llx", (unsigned long long)i,
                            (unsigned long long)random_u64(&r));
}

static int build(void **state)
{
    char key[64];
    act_builder *builder;
    (void)state;
    assert_int_equal(scratch_set_up(state), 0);
    path = scratch_map;
    assert_int_equal(act_builder_open(path, NULL, &builder, NULL), ACT_OK);
    for (uint64_t i = 0; i < KEYS; i++)
        assert_int_equal(act_builder_add(builder, key, make_key(key, i), i, NULL), ACT_OK);
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    act_builder_close(builder);
    return 0;
}

/* How much of the file this process has present, as the system says. */
static uint64_t resident(void)
{
    return smaps_nbytes(path, NULL, "Rss");
}

static void look(void)
{
    uint64_t now = resident();
    most_resident = now > most_resident ? now : most_resident;
}

static act_map *open_with(uint64_t budget_nbytes, bool cold)
{
    act_map *map;
    act_map_stat stat;
    act_open_options options = {.resident_nbytes_max = budget_nbytes};
    if (cold) {
        int fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    act_map_get_stat(map, &stat);
    file_nbytes = stat.file_nbytes;
    assert_true(file_nbytes > 3 * BUDGET_NBYTES + SLACK_NBYTES);
    most_resident = 0;
    return map;
}

static void get_some(const act_map *map, int count)
{
    struct random r = random_of(41);
    char key[64];
    for (int i = 0; i < count; i++) {
        uint64_t number = random_below(&r, KEYS), value = 0;
        assert_int_equal(act_map_get(map, key, make_key(key, number), &value, NULL), ACT_OK);
        assert_int_equal(value, number);
        if (i % LOOKED_AFTER == 0)
            look();
    }
}

static void get_randomly(const act_map *map)
{
    get_some(map, 4000);
}

static void ask_in_other_ways(const act_map *map)
{
    struct random r = random_of(42);
    char key[64];
    for (int i = 0; i < 3000; i++) {
        size_t prefix_nbytes;
        size_t nbytes = make_key(key, random_below(&r, KEYS));
        bool has_value;
        assert_int_equal(act_map_path_exists(map, key, nbytes, &has_value, NULL), ACT_OK);
        assert_int_equal(act_map_longest_prefix(map, key, nbytes, &prefix_nbytes, NULL, NULL),
                         ACT_OK);
        assert_int_equal(prefix_nbytes, nbytes);
        if (i % LOOKED_AFTER == 0)
            look();
    }
}

static void get_in_batches(const act_map *map)
{
    static char keys[BATCH][64];
    act_slice slices[BATCH];
    uint64_t values[BATCH], numbers[BATCH];
    struct random r = random_of(43);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < BATCH; i++) {
            numbers[i] = random_below(&r, KEYS);
            slices[i] = (act_slice){keys[i], make_key(keys[i], numbers[i])};
        }
        assert_int_equal(act_map_get_batch(map, slices, BATCH, values, NULL, NULL), ACT_OK);
        assert_memory_equal(values, numbers, sizeof(values));
        look();
    }
}

static int count(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    uint64_t *next = context;
    (void)key;
    (void)key_nbytes;
    if (value != (*next)++)
        return 1;
    if (value % 50000 == 0)
        look();
    return 0;
}

static void scan(const act_map *map)
{
    uint64_t next = 0;
    assert_int_equal(act_map_scan(map, NULL, count, &next, NULL), ACT_OK);
    assert_int_equal(next, KEYS);
}

static void iterate_backwards(const act_map *map)
{
    act_iter *iter;
    act_range range = {.reverse = true};
    uint64_t value, next = KEYS;
    assert_int_equal(act_iter_open(map, &range, &iter, NULL), ACT_OK);
    while (act_iter_next(iter, NULL, NULL, &value, NULL) == ACT_OK) {
        assert_int_equal(value, --next);
        if (value % 50000 == 0)
            look();
    }
    assert_int_equal(next, 0);
    act_iter_close(iter);
}

static void move_cursors(const act_map *map)
{
    act_cursor *cursor;
    struct random r = random_of(44);
    char key[64];
    uint64_t value, keys;
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    for (int i = 0; i < 3000; i++) {
        uint64_t number = random_below(&r, KEYS);
        size_t nbytes = make_key(key, number);
        assert_int_equal(act_cursor_move_to_path(cursor, key, nbytes, NULL, NULL), ACT_OK);
        assert_int_equal(act_cursor_value(cursor, &value), ACT_OK);
        assert_int_equal(value, number);
        if (i % LOOKED_AFTER == 0)
            look();
    }
    act_cursor_reset(cursor);
    for (uint64_t next = 0; act_cursor_to_next_val(cursor, NULL) == ACT_OK; next++) {
        if (next % 50000 == 0)
            look();
    }
    assert_int_equal(act_cursor_val_count(cursor, &keys, NULL), ACT_OK);
    assert_int_equal(keys, KEYS);
    look();
    act_cursor_close(cursor);
}

static int tell(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    look();
    return 0;
}

static void verify(const act_map *map)
{
    act_map_info info;
    assert_int_equal(act_map_verify(map, tell, NULL, NULL, NULL), ACT_OK);
    look();
    assert_int_equal(act_map_get_info(map, tell, NULL, &info, NULL), ACT_OK);
    assert_int_equal(info.keys, KEYS);
    look();
}

static void (*const ways[])(const act_map *map) = {
    get_randomly, ask_in_other_ways, get_in_batches, scan, iterate_backwards, move_cursors, verify,
};

static void the_budget_is_kept(void **state)
{
    (void)state;
    for (int cold = 0; cold < (CHECK_SLOW_BUILD ? 1 : 2); cold++) {
        for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
            act_map_paging paging;
            act_map *map = open_with(BUDGET_NBYTES, cold);
            ways[way](map);
            look();
            act_map_get_paging(map, &paging);
            print_message("%s, way %zu: %.1f MiB at most, %.1f released, of %.1f\n",
                          cold ? "cold" : "warm", way, (double)most_resident / (double)MIB,
                          (double)paging.released_nbytes / (double)MIB,
                          (double)file_nbytes / (double)MIB);
            assert_true(CHECK_EMULATED || most_resident > 0); /* or just released */
            assert_true(most_resident <= BUDGET_NBYTES + SLACK_NBYTES);
            /* An emulator does not tell what there is to release: all of it is, uncounted. */
            assert_true(CHECK_EMULATED || paging.released_nbytes > 0);
            assert_int_equal(paging.resident_nbytes_max, BUDGET_NBYTES);
            act_map_close(map);
        }
    }
}

/* So the test can fail: without a budget all that is scanned stays. */
static void without_a_budget_it_all_stays(void **state)
{
    (void)state;
    act_map *map = open_with(0, false);
    act_map_paging paging;
    scan(map);
    look();
    assert_true(most_resident > BUDGET_NBYTES + SLACK_NBYTES);
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.released_nbytes, 0);
    act_map_close(map);
}

static void populating_stays_within_the_budget(void **state)
{
    (void)state;
    act_open_options options = {.populate = ACT_POPULATE_ALL, .resident_nbytes_max = BUDGET_NBYTES};
    act_map_paging paging;
    act_map *map;
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    act_map_get_paging(map, &paging);
    assert_true(paging.populate_done_nbytes <= BUDGET_NBYTES / 2);
    assert_true(paging.populate_asked_nbytes > paging.populate_done_nbytes);
    assert_non_null(strstr(paging.text, "as much as the budget allows"));
    assert_true(resident() <= BUDGET_NBYTES + SLACK_NBYTES);
    act_map_close(map);
}

static void *read_on_a_thread(void *context)
{
    const act_map *map = context;
    struct random r = random_of((uint64_t)(uintptr_t)&r);
    char key[64];
    for (int i = 0; i < 3000; i++) {
        uint64_t number = random_below(&r, KEYS), value = 0;
        if (act_map_get(map, key, make_key(key, number), &value, NULL) != ACT_OK || value != number)
            abort();
    }
    return NULL;
}

static void threads_keep_it_together(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    act_map *map = open_with(BUDGET_NBYTES, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on_a_thread, map), 0);
    for (int i = 0; i < 20; i++) {
        look();
        assert_int_equal(act_map_release(map, NULL, 0, NULL), ACT_OK);
        assert_int_equal(act_map_advise(map, NULL, (act_advice)(i % 4), NULL), ACT_OK);
        usleep(2000);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    look();
    assert_true(most_resident <= BUDGET_NBYTES + THREADS * SLACK_NBYTES);
    act_map_close(map);
}

/* Looked up this often, a map takes shortcuts, on which nothing looks at budgets. */
static void look_up_often(const act_map *map)
{
    get_some(map, 100000);
}

static void one_that_is_set_later_is_kept(void **state)
{
    (void)state;
    act_map_paging paging;
    act_map *map = open_with(0, false);
    scan(map);
    look_up_often(map);
    assert_true(resident() > BUDGET_NBYTES + SLACK_NBYTES);
    assert_int_equal(act_map_set_budget(map, BUDGET_NBYTES, NULL), ACT_OK);
    assert_true(resident() <= BUDGET_NBYTES);
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        most_resident = 0;
        ways[way](map);
        look();
        assert_true(most_resident <= BUDGET_NBYTES + SLACK_NBYTES);
    }
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.resident_nbytes_max, BUDGET_NBYTES);
    assert_non_null(strstr(paging.text, "no more than 6.0 MiB stay resident"));

    assert_int_equal(act_map_set_budget(map, 0, NULL), ACT_OK);
    scan(map);
    look_up_often(map);
    assert_true(resident() > BUDGET_NBYTES + SLACK_NBYTES);
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.resident_nbytes_max, 0);
    act_map_close(map);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    act_map_paging paging;
    act_error error;
    act_map *map = open_with(BUDGET_NBYTES, false);
    assert_int_equal(act_map_set_budget(map, ACT_RESIDENT_NBYTES_MIN - 1, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "4194303 bytes: the least is 4194304"));
    assert_int_equal(act_map_set_budget(NULL, BUDGET_NBYTES, NULL), ACT_ERR_INVALID);
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.resident_nbytes_max, BUDGET_NBYTES);
    assert_int_equal(act_map_set_budget(map, ACT_RESIDENT_NBYTES_MIN, NULL), ACT_OK);
    act_map_close(map);

    /* There are no pages to give back of what is the program's own. */
    act_open_options options = {.access = ACT_ACCESS_READ};
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_set_budget(map, BUDGET_NBYTES, NULL), ACT_OK);
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.resident_nbytes_max, 0);
    act_map_close(map);
}

static void it_may_be_set_while_threads_read(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    act_map *map = open_with(0, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on_a_thread, map), 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(act_map_set_budget(map, i % 2 ? 0 : BUDGET_NBYTES, NULL), ACT_OK);
        usleep(1000);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    act_map_close(map);
}

static int tear_down(void **state)
{
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(without_a_budget_it_all_stays),
        cmocka_unit_test(populating_stays_within_the_budget),
        cmocka_unit_test(threads_keep_it_together),
        cmocka_unit_test(one_that_is_set_later_is_kept),
        cmocka_unit_test(what_cannot_be_kept_is_refused),
        cmocka_unit_test(it_may_be_set_while_threads_read),
    };
    return cmocka_run_group_tests(tests, build, tear_down);
}
