/* Sorters side by side, each with a second thread of its own, in little memory. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    SORTERS = 4,
    KEYS = CHECK_SLOW_BUILD ? 20000 : 100000,
    KEY_NBYTES = 19
};

struct worker {
    pthread_t thread;
    unsigned number;
    unsigned rounds; /* how often the whole is done */
    unsigned taken;  /* of the sorted keys, before the sorter is closed */
    bool good;
};

static act_status fill(act_sorter *sorter, unsigned number)
{
    act_status status = ACT_OK;
    for (uint64_t i = 0; status == ACT_OK && i < KEYS; i++) {
        char key[KEY_NBYTES + 1];
        snprintf(key, sizeof(key), "sorter %03u/%08u", number, (unsigned)(i * 61803 % KEYS));
        status = act_sorter_add(sorter, key, KEY_NBYTES, i, NULL);
    }
    return status == ACT_OK ? act_sorter_sort(sorter, NULL, NULL, NULL) : status;
}

static bool take(act_sorter *sorter, unsigned number, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char expected[KEY_NBYTES + 1];
        const uint8_t *key;
        size_t key_nbytes;
        uint64_t value;
        snprintf(expected, sizeof(expected), "sorter %03u/%08u", number, i);
        if (act_sorter_next(sorter, &key, &key_nbytes, &value, NULL) != ACT_OK ||
            key_nbytes != KEY_NBYTES || memcmp(key, expected, KEY_NBYTES) != 0 ||
            value * 61803 % KEYS != i)
            return false;
    }
    return count < KEYS || act_sorter_next(sorter, NULL, NULL, NULL, NULL) == ACT_END;
}

static void *sort(void *context)
{
    struct worker *worker = context;
    worker->good = true;
    for (unsigned round = 0; worker->good && round < worker->rounds; round++) {
        act_sorter_options options = {.memory_nbytes = ACT_SORTER_MEMORY_NBYTES_MIN << round,
                                      .temp_dir = scratch_dir,
                                      .threads = 2};
        act_sorter *sorter;
        act_sort_report report = {0};
        worker->good = act_sorter_open(&options, &sorter, NULL) == ACT_OK;
        if (!worker->good)
            break;
        worker->good = fill(sorter, worker->number) == ACT_OK &&
                       take(sorter, worker->number, worker->taken);
        act_sorter_get_report(sorter, &report);
        worker->good = worker->good && report.runs > 1 && report.entries == KEYS;
        act_sorter_close(sorter);
    }
    return NULL;
}

static void run_all(unsigned rounds, unsigned taken)
{
    static struct worker workers[SORTERS];
    for (unsigned i = 0; i < SORTERS; i++) {
        workers[i] = (struct worker){.number = i, .rounds = rounds, .taken = taken};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, sort, &workers[i]), 0);
    }
    for (unsigned i = 0; i < SORTERS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (unsigned i = 0; i < SORTERS; i++)
        assert_true(workers[i].good);
}

static void sorters_do_not_meet(void **state)
{
    (void)state;
    run_all(3, KEYS);
}

/* Closed while its thread is ahead of what was taken. */
static void sorters_that_are_closed_early(void **state)
{
    (void)state;
    run_all(1, 0);
    run_all(2, KEYS / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorters_do_not_meet),
        cmocka_unit_test(sorters_that_are_closed_early),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
