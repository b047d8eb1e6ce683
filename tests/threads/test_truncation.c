/*
 * Eight threads read a map with a guard while its file is cut short, a thousand times: no crash, no
 * wrong answer, only errors or answers from before.
 *
 * ACT_TEST_CUTS: how often in all with each kind of guard.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/build.h"
#include "support/check.h"
#include "support/figures.h"
#include "support/scratch.h"
#include "support/shapes.h"
#include "truncation.h"

enum {
    READERS = 8,
    KEYS = 700,
    PAGE = 4096
};

static struct entries entries;
static act_map *map;
static pthread_barrier_t gate;
static atomic_bool is_cut;
static atomic_bool is_over;

struct reader {
    pthread_t thread;
    struct question question;
    bool saw_error;
};

/* Asks until there is an error, and once more each question after that, which must all fail. */
static void read_round(struct reader *reader)
{
    unsigned kinds = questions_count();
    bool last;
    reader->saw_error = false;
    do {
        last = atomic_load(&is_cut);
        unsigned kind = (unsigned)random_below(&reader->question.r, kinds);
        reader->saw_error = questions_ask(&reader->question, kind) != ACT_OK;
        sched_yield(); /* nine threads, and who cuts is one of them */
    } while (!last && !reader->saw_error && !reader->question.fault);
    for (unsigned kind = 0; kind < kinds && reader->saw_error; kind++) {
        if (questions_ask(&reader->question, kind) != ACT_ERR_IO && !reader->question.fault)
            reader->question.fault = "an answer after an error";
    }
}

static void *read_rounds(void *context)
{
    struct reader *reader = context;
    for (;;) {
        pthread_barrier_wait(&gate);
        if (atomic_load(&is_over))
            return NULL;
        reader->question.map = map;
        read_round(reader);
        pthread_barrier_wait(&gate);
    }
}

/* Where to cut: at the bounds of pages and near them, within, in the last page, everything. */
static off_t cut_at(struct random *r, size_t nbytes)
{
    size_t pages = nbytes / PAGE;
    size_t page = random_below(r, pages) * PAGE;
    switch (random_below(r, 7)) {
    case 0:
        return 0;
    case 1:
        return (off_t)page;
    case 2:
        return (off_t)(page + 1);
    case 3:
        return (off_t)(page + PAGE - 1);
    case 4:
        return (off_t)(pages * PAGE + random_below(r, nbytes - pages * PAGE + 1));
    case 5:
        return (off_t)(nbytes - 1 - random_below(r, 100));
    default:
        return (off_t)random_below(r, nbytes);
    }
}

/* The offset after the last byte that is not zero. */
static size_t end_of_content(const uint8_t *bytes, size_t nbytes)
{
    while (bytes[nbytes - 1] == 0)
        nbytes--;
    return nbytes;
}

static void start(struct reader *readers)
{
    atomic_store(&is_over, false);
    assert_int_equal(pthread_barrier_init(&gate, NULL, READERS + 1), 0);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.question = {.entries = &entries, .r = random_of(i)}};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_rounds, &readers[i]), 0);
    }
}

static void finish(struct reader *readers)
{
    atomic_store(&is_over, true);
    pthread_barrier_wait(&gate);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
    pthread_barrier_destroy(&gate);
}

/* As many rounds as are wanted; more, up to ten times as many, until readers have been told of
 * cuts: what a thread has served to them is not lost, and when one is told, all are. */
static void cut_and_look(act_guard guard, act_layout layout, unsigned rounds)
{
    struct reader readers[READERS];
    struct random r = random_of(guard * 10 + layout);
    act_open_options options = {.access = ACT_ACCESS_MAP, .guard = guard};
    size_t nbytes;
    unsigned errors = 0;
    const unsigned least = guard == ACT_GUARD_SIGNAL ? rounds : rounds / 10;
    build_file(&entries, scratch_map, layout, NULL);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    size_t content = end_of_content(bytes, nbytes);
    start(readers);
    unsigned round = 0;
    for (; round < rounds || (errors <= least && round < 10 * rounds); round++) {
        act_error error;
        act_status status = act_map_open(scratch_map, &options, &map, &error);
        if (status != ACT_OK)
            fail_msg("cannot open: %s", error.text);
        off_t end = cut_at(&r, nbytes);
        struct timespec pause = {0, (long)random_below(&r, 500) * 1000};
        atomic_store(&is_cut, false);
        pthread_barrier_wait(&gate);
        nanosleep(&pause, NULL);
        assert_int_equal(truncate(scratch_map, end), 0);
        atomic_store(&is_cut, true);
        pthread_barrier_wait(&gate);
        for (unsigned i = 0; i < READERS; i++) {
            if (readers[i].question.fault)
                fail_msg("guard %d, layout %d, round %u, cut at %lld of %zu: not so: %s",
                         (int)guard, (int)layout, round, (long long)end, nbytes,
                         readers[i].question.fault);
            errors += readers[i].saw_error;
        }
        /* What was cut off is noticed, if there was more than zeros. */
        if (guard == ACT_GUARD_SIGNAL && (size_t)end + sizeof(uint64_t) < content)
            assert_int_equal(act_map_check(map, NULL), ACT_ERR_IO);
        if (guard == ACT_GUARD_SIGNAL && (size_t)end >= content)
            assert_int_equal(act_map_check(map, NULL), ACT_OK);
        act_map_close(map);
        scratch_write(scratch_map, bytes, nbytes);
    }
    finish(readers);
    free(bytes);
    figures_add("cuts", round);
    figures_add("errors_seen", errors);
    assert_true(errors > least);
}

static void signals_keep_readers_safe(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    unsigned rounds = (unsigned)figures_wanted("ACT_TEST_CUTS", CHECK_SLOW_BUILD ? 60 : 1000) / 3 +
                      1;
    for (unsigned layout = ACT_LAYOUT_INDEXED; layout <= ACT_LAYOUT_COMPACT; layout++)
        cut_and_look(ACT_GUARD_SIGNAL, (act_layout)layout, rounds);
}

static void a_thread_keeps_readers_safe(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP, .guard = ACT_GUARD_THREAD};
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    if (act_map_open(scratch_map, &options, &map, NULL) != ACT_OK) {
        print_message("this system does not let a program serve its page faults\n");
        skip();
    }
    act_map_close(map);
    unsigned rounds = (unsigned)figures_wanted("ACT_TEST_CUTS", CHECK_SLOW_BUILD ? 40 : 400) / 2;
    cut_and_look(ACT_GUARD_THREAD, ACT_LAYOUT_INDEXED, rounds);
    cut_and_look(ACT_GUARD_THREAD, ACT_LAYOUT_PLAIN, rounds);
}

static int set_up(void **state)
{
    struct random r = random_of(42);
    for (int i = 0; i < KEYS; i++) {
        uint8_t key[60];
        size_t nbytes = random_below(&r, sizeof(key));
        random_fill(&r, key, nbytes);
        entries_add(&entries, key, nbytes, shapes_value(&r));
    }
    entries_sort(&entries);
    return scratch_set_up(state);
}

static int tear_down(void **state)
{
    figures_print();
    entries_free(&entries);
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_keep_readers_safe),
        cmocka_unit_test(a_thread_keeps_readers_safe),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
