/*
 * Long work that is asked to stop, at each call of its progress function: the clock is put forward
 * at each look at it, so that none is left out. Each time it must say that it was stopped, do so at
 * once, leave nothing behind, and count no further than it said it would.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    ENTRIES = 40000,
    LONG_NBYTES = 9 << 20 /* twice what is checked, or read, between two looks at the clock */
};

static time_t now;

int __wrap_timespec_get(struct timespec *ts, int base);
int __wrap_timespec_get(struct timespec *ts, int base)
{
    *ts = (struct timespec){.tv_sec = ++now};
    return base;
}

static struct entries entries;
static act_map *map;

static int set_up(void **state)
{
    struct random r = random_of(3);
    act_merge *merge;
    scratch_set_up(state);
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint8_t key[8];
        random_fill(&r, key, sizeof(key));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    uint8_t *key = calloc(1, LONG_NBYTES);
    assert_non_null(key);
    assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
    assert_int_equal(act_merge_set(merge, key, LONG_NBYTES, 1, NULL), ACT_OK);
    assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
    act_merge_close(merge);
    free(key);
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    return 0;
}

static int tear_down(void **state)
{
    act_map_close(map);
    entries_free(&entries);
    return scratch_tear_down(state);
}

struct watch {
    unsigned calls;
    unsigned stop_at; /* the call that says so */
    uint64_t done;
};

static int watch(void *context, uint64_t done, uint64_t total)
{
    struct watch *watch = context;
    assert_true(watch->calls < watch->stop_at);
    assert_true(total == 0 || done <= total);
    assert_true(done >= watch->done);
    watch->done = done;
    return ++watch->calls == watch->stop_at;
}

typedef act_status (*action_fn)(struct watch *watch, act_error *error);

/* Stops it at the first call, the second, and so on, until there are no more. */
static void stop_each(action_fn action, unsigned calls_least)
{
    for (unsigned stop_at = 1;; stop_at++) {
        struct watch watch = {.stop_at = stop_at};
        act_error error = {.status = ACT_OK};
        act_status status = action(&watch, &error);
        if (watch.calls < stop_at) {
            assert_int_equal(status, ACT_OK);
            assert_true(stop_at > calls_least);
            break;
        }
        assert_int_equal(status, ACT_STOPPED);
        assert_int_equal(error.status, ACT_OK); /* an answer, not an error */
        assert_true(stop_at < 1000);
    }
}

/* --------------------------------------------------------------------------------- of a file */

static act_status verify(struct watch *w, act_error *error)
{
    act_verify_report report = {.nodes = 0};
    act_status status = act_map_verify(map, watch, w, &report, error);
    assert_int_equal(report.nodes > ENTRIES, status == ACT_OK);
    return status;
}

static act_status describe(struct watch *w, act_error *error)
{
    act_map_info info = {.keys = 0};
    act_status status = act_map_get_info(map, watch, w, &info, error);
    assert_int_equal(info.keys, status == ACT_OK ? ENTRIES + 1 : 0);
    return status;
}

static act_status digest(struct watch *w, act_error *error)
{
    act_digest digest = {.entries = 0};
    act_status status = act_map_digest(map, watch, w, &digest, error);
    assert_int_equal(digest.entries, status == ACT_OK ? ENTRIES + 1 : 0);
    return status;
}

/* Without a place for the answer. */
static act_status digest_only(struct watch *w, act_error *error)
{
    return act_map_digest(map, watch, w, NULL, error);
}

static act_status populate(struct watch *w, act_error *error)
{
    uint64_t done, asked;
    act_status status = act_map_populate(map, NULL, watch, w, &done, &asked, error);
    assert_true(asked > LONG_NBYTES);
    assert_true(done >= w->done);
    assert_true(done == asked || status != ACT_OK);
    return status;
}

static act_status warm(struct watch *w, act_error *error)
{
    act_warm_state state = {.ended = false};
    act_status status = act_map_warm(map, NULL, watch, w, &state, error);
    assert_true(state.ended && !state.cut);
    assert_true(state.done_nbytes == state.wanted_nbytes || status != ACT_OK);
    return status;
}

static act_status warm_keys(struct watch *w, act_error *error)
{
    act_slice *keys = calloc(ENTRIES, sizeof(*keys));
    act_warm_report report;
    assert_non_null(keys);
    for (size_t i = 0; i < ENTRIES; i++)
        keys[i] = (act_slice){entries.items[i].key, entries.items[i].key_nbytes};
    act_status status = act_map_warm_keys(map, keys, ENTRIES, watch, w, &report, error);
    if (status == ACT_OK)
        assert_int_equal(report.keys_done, ENTRIES);
    free(keys);
    return status;
}

static void what_reads_a_file(void **state)
{
    (void)state;
    stop_each(verify, 4);
    stop_each(describe, 2);
    stop_each(digest, 4);
    stop_each(digest_only, 4);
    stop_each(populate, 3);
    stop_each(warm, 3);
    stop_each(warm_keys, 2);
}

/* --------------------------------------------------------------------------------- sorting */

/* Of entries in any order, which are spread, or in one that seems sorted, which are not. */
static act_status sort(const act_sorter_options *options, bool nearly_sorted, struct watch *w,
                       act_error *error)
{
    act_sorter *sorter;
    struct random r = random_of(4);
    assert_int_equal(act_sorter_open(options, &sorter, NULL), ACT_OK);
    for (unsigned i = 0; i < ENTRIES; i++) {
        size_t number = nearly_sorted ? i ^ 1 : random_below(&r, entries.count);
        const struct entry *e = &entries.items[number];
        assert_int_equal(act_sorter_add(sorter, e->key, e->key_nbytes, i, NULL), ACT_OK);
    }
    act_status status = act_sorter_sort(sorter, watch, w, error);
    uint64_t values = 0, value;
    const uint8_t *key;
    size_t key_nbytes;
    while (status == ACT_OK && act_sorter_next(sorter, &key, &key_nbytes, &value, NULL) == ACT_OK)
        values++;
    if (status == ACT_OK)
        assert_in_range(values, ENTRIES / 2, ENTRIES);
    act_sorter_close(sorter);
    assert_int_equal(scratch_count(scratch_dir), 1); /* the map: nothing is left */
    return status;
}

static act_status sort_in_memory(struct watch *w, act_error *error)
{
    return sort(&(act_sorter_options){.duplicates = ACT_DUPLICATES_LAST}, false, w, error);
}

static act_status sort_in_files(struct watch *w, act_error *error)
{
    return sort(&(act_sorter_options){.duplicates = ACT_DUPLICATES_LAST,
                                      .temp_dir = scratch_dir,
                                      .memory_nbytes = ACT_SORTER_MEMORY_NBYTES_MIN},
                false, w, error);
}

/* In chunks that are so large that sorting and writing each of them looks at the clock. */
static act_status sort_in_large_chunks(struct watch *w, act_error *error)
{
    return sort(&(act_sorter_options){.duplicates = ACT_DUPLICATES_LAST,
                                      .temp_dir = scratch_dir,
                                      .memory_nbytes = (uint64_t)3 << 19},
                false, w, error);
}

/* In two chunks, of which the last is as good as full. */
static act_status sort_in_two_chunks(struct watch *w, act_error *error)
{
    return sort(&(act_sorter_options){.duplicates = ACT_DUPLICATES_LAST,
                                      .temp_dir = scratch_dir,
                                      .memory_nbytes = (uint64_t)5 << 17},
                false, w, error);
}

static act_status sort_on_a_thread(struct watch *w, act_error *error)
{
    return sort(&(act_sorter_options){.duplicates = ACT_DUPLICATES_LAST,
                                      .temp_dir = scratch_dir,
                                      .memory_nbytes = (uint64_t)3 << 19,
                                      .threads = 2},
                false, w, error);
}

/* Chunks that are not spread: what is left in the last one is still to be sorted. With smaller
 * pointers more entries fit into each, and hardly any would be left. */
static act_status sort_what_seems_sorted(struct watch *w, act_error *error)
{
    return sort(
        &(act_sorter_options){.duplicates = ACT_DUPLICATES_LAST,
                              .temp_dir = scratch_dir,
                              .memory_nbytes = (uint64_t)(sizeof(void *) > 4 ? 5 : 4) << 17},
        true, w, error);
}

static act_status sort_it_on_a_thread(struct watch *w, act_error *error)
{
    return sort(&(act_sorter_options){.duplicates = ACT_DUPLICATES_LAST,
                                      .temp_dir = scratch_dir,
                                      .memory_nbytes = (uint64_t)3 << 19,
                                      .threads = 2},
                true, w, error);
}

static void what_sorts(void **state)
{
    (void)state;
    stop_each(sort_in_memory, 2);
    stop_each(sort_in_files, 3);
    stop_each(sort_in_large_chunks, 3);
    /* Spread while they are added: they are sorted one load after the other, when they are asked
     * for, and all that can be stopped is the beginning. */
    stop_each(sort_in_two_chunks, 1);
    stop_each(sort_on_a_thread, 1);
    stop_each(sort_what_seems_sorted, 5);
    stop_each(sort_it_on_a_thread, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_reads_a_file),
        cmocka_unit_test(what_sorts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
