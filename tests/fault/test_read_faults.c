/* Reading, while every allocation and every system call is refused in turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "faults.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/figures.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

/* What all tests read: a map deep and long enough that everything that grows has to. */
static char *dir, *path;
static struct entries entries;
static act_map *map;

static int make_map(void **state)
{
    (void)state;
    struct random r = random_of(5);
    uint8_t key[3000];
    random_fill(&r, key, sizeof(key));
    for (size_t depth = 0; depth < 1500; depth += 1 + random_below(&r, 5)) {
        entries_add(&entries, key, depth, depth);
        uint8_t byte = key[depth];
        key[depth] ^= 0x80;
        entries_add(&entries, key, depth + 1 + random_below(&r, 1500), depth);
        key[depth] = byte;
    }
    entries_sort(&entries);
    dir = scratch_make();
    path = scratch_path(dir, "map.act");
    build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    return 0;
}

static int remove_map(void **state)
{
    (void)state;
    figures_print();
    act_map_close(map);
    entries_free(&entries);
    free(path);
    scratch_remove(dir);
    return 0;
}

/* Something to do, which gives its status; on success it has checked its answer. */
typedef act_status (*action_fn)(act_error *error);

/* Does it with the first allocation failing, the second, and so on, until none is left to fail. Of
 * those that save memory only, one may fail without harm, if the next one does not. */
static void fail_each_allocation_but(bool some_can_fail, action_fn action)
{
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        for (unsigned nth = 1;; nth++) {
            act_error error = {0};
            fault_arm(FAULT_ALLOCATE, nth, 0, for_ever);
            act_status status = action(&error);
            if (fault_disarm() < nth) {
                assert_int_equal(status, ACT_OK);
                assert_true(nth > 1);
                break;
            }
            assert_true(nth < 1000);
            if (some_can_fail && !for_ever && status == ACT_OK)
                continue;
            assert_int_equal(status, ACT_ERR_NOMEM);
            assert_int_equal(error.status, ACT_ERR_NOMEM);
            assert_true(strlen(error.text) > 0);
        }
    }
}

static void fail_each_allocation(action_fn action)
{
    fail_each_allocation_but(false, action);
}

/* ------------------------------------------------------------------------------------- opening */

static act_status open_with(const act_open_options *options, act_error *error)
{
    act_map *opened = (act_map *)&opened;
    act_status status = act_map_open(path, options, &opened, error);
    assert_int_equal(status == ACT_OK, opened != NULL);
    if (status == ACT_OK) {
        uint64_t value;
        const struct entry *e = &entries.items[entries.count / 2];
        assert_int_equal(act_map_get(opened, e->key, e->key_nbytes, &value, NULL), ACT_OK);
        assert_int_equal(value, e->value);
    }
    act_map_close(opened);
    return status;
}

static act_status open_as(act_access access, act_error *error)
{
    act_open_options options = {.access = access};
    return open_with(&options, error);
}

static act_status open_guarded(act_error *error)
{
    act_open_options options = {.access = ACT_ACCESS_MAP, .guard = ACT_GUARD_SIGNAL};
    return open_with(&options, error);
}

/* Pages are read later too: so nothing is looked up that might fail. */
static act_status open_served(act_error *error)
{
    act_open_options options = {.access = ACT_ACCESS_MAP, .guard = ACT_GUARD_THREAD};
    act_map *opened;
    act_status status = act_map_open(path, &options, &opened, error);
    act_map_close(opened);
    return status;
}

static act_status open_read(act_error *error)
{
    return open_as(ACT_ACCESS_READ, error);
}

/* With checksums to be compared, which take memory for what is known of them. */
static act_status open_touched(act_error *error)
{
    act_open_options options = {.checksums = ACT_CHECKSUMS_TOUCH};
    return open_with(&options, error);
}

static act_status open_mapped(act_error *error)
{
    return open_as(ACT_ACCESS_MAP, error);
}

/* With what needs memory for itself: where a prefix lies, and what is locked. */
static act_status open_steered(act_error *error)
{
    const struct entry *e = &entries.items[entries.count / 2];
    act_open_options options = {.access = ACT_ACCESS_MAP,
                                .populate = ACT_POPULATE_PREFIX,
                                .prefix = e->key,
                                .prefix_nbytes = e->key_nbytes,
                                .lock = ACT_LOCK_HOT,
                                .is_private = true,
                                .resident_nbytes_max = ACT_RESIDENT_NBYTES_MIN};
    act_map *opened;
    act_status status = act_map_open(path, &options, &opened, error);
    if (status == ACT_OK) {
        uint64_t value;
        assert_int_equal(act_map_get(opened, e->key, e->key_nbytes, &value, NULL), ACT_OK);
        assert_int_equal(value, e->value);
        act_region range = {.kind = ACT_REGION_RANGE, .nbytes = 4096};
        status = act_map_lock(opened, &range, error);
        if (status == ACT_OK)
            status = act_map_unlock(opened, &range, error);
    }
    act_map_close(opened);
    return status;
}

static act_status open_memory(act_error *error)
{
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    act_map *opened;
    act_status status = act_map_open_memory(empty, sizeof(empty), NULL, &opened, error);
    act_map_close(opened);
    return status;
}

static void opening_without_memory(void **state)
{
    (void)state;
    fail_each_allocation(open_read);
    fail_each_allocation(open_mapped);
    fail_each_allocation(open_touched);
    fail_each_allocation(open_memory);
    fail_each_allocation(open_steered);
    /* First: what is kept for guards is kept for ever. */
    fail_each_allocation(open_guarded);
    if (open_served(NULL) == ACT_OK)
        fail_each_allocation(open_served);
}

/* The call fails with this errno; what comes of it names the file and the reason. */
static void check_refusal(enum fault_place place, int os_code, act_access access,
                          act_status expected)
{
    act_error error = {0};
    fault_arm(place, 1, os_code, false);
    act_status status = open_as(access, &error);
    assert_int_equal(fault_disarm(), 1);
    assert_int_equal(status, expected);
    assert_int_equal(error.status, expected);
    assert_int_equal(error.os_code, os_code);
    assert_non_null(strstr(error.text, "map.act"));
    assert_non_null(strstr(error.text, strerror(os_code)));
}

static void opening_while_the_system_refuses(void **state)
{
    (void)state;
    check_refusal(FAULT_OPEN, EMFILE, ACT_ACCESS_READ, ACT_ERR_IO);
    check_refusal(FAULT_OPEN, EACCES, ACT_ACCESS_MAP, ACT_ERR_IO);
    check_refusal(FAULT_OPEN, ENOMEM, ACT_ACCESS_MAP, ACT_ERR_NOMEM);
    check_refusal(FAULT_FSTAT, EIO, ACT_ACCESS_READ, ACT_ERR_IO);
    check_refusal(FAULT_FSTAT, EOVERFLOW, ACT_ACCESS_MAP, ACT_ERR_IO);
    check_refusal(FAULT_PREAD, EIO, ACT_ACCESS_READ, ACT_ERR_IO);
    check_refusal(FAULT_MMAP, ENOMEM, ACT_ACCESS_MAP, ACT_ERR_NOMEM);
    check_refusal(FAULT_MMAP, ENODEV, ACT_ACCESS_MAP, ACT_ERR_IO);
}

/* Each call of this kind in turn: opening fails with a word, or does without. */
static void refuse_each(enum fault_place place, act_status (*action)(act_error *error))
{
    for (unsigned nth = 1;; nth++) {
        act_error error = {0};
        fault_arm(place, nth, EIO, false);
        act_status status = action(&error);
        if (fault_disarm() < nth) {
            assert_int_equal(status, ACT_OK);
            assert_true(nth > 1);
            break;
        }
        if (status != ACT_OK) {
            assert_int_equal(status, ACT_ERR_IO);
            assert_int_equal(error.os_code, EIO);
            assert_non_null(strstr(error.text, "map.act"));
        }
        assert_true(nth < 100);
    }
}

static void opening_with_a_guard_while_the_system_refuses(void **state)
{
    (void)state;
    refuse_each(FAULT_FSTAT, open_guarded);
    refuse_each(FAULT_PREAD, open_guarded);
    refuse_each(FAULT_MMAP, open_guarded);
    if (open_served(NULL) != ACT_OK)
        return;
    refuse_each(FAULT_FSTAT, open_served);
    refuse_each(FAULT_PREAD, open_served);
    refuse_each(FAULT_MMAP, open_served);
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
    static const enum fault_place places[] = {FAULT_OPEN, FAULT_PREAD};
    for (size_t i = 0; i < 2; i++) {
        fault_arm(places[i], 1, EINTR, false);
        act_status status = open_as(ACT_ACCESS_READ, NULL);
        assert_true(fault_disarm() >= 2);
        assert_int_equal(status, ACT_OK);
    }
}

static void short_reads_are_put_together(void **state)
{
    (void)state;
    fault_arm_short_reads(1000);
    act_status status = open_as(ACT_ACCESS_READ, NULL);
    fault_disarm();
    assert_int_equal(status, ACT_OK);
}

/* What was asked to be so long and is not any more: seen as what it is, not read beyond. */
static void a_file_that_is_cut_while_it_is_read(void **state)
{
    (void)state;
    static const unsigned kept[] = {1, 7, 8, 15, 16, 24, 25, 100, 5000};
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
        act_error error = {0};
        fault_arm_cut_file(kept[i]);
        act_status status = open_as(ACT_ACCESS_READ, &error);
        fault_disarm();
        assert_int_equal(status, kept[i] < 25 ? ACT_ERR_TRUNCATED : ACT_ERR_CORRUPT);
        assert_int_equal(error.status, status);
    }
}

/* All entries in one batch, the page of each asked for from the disk. */
static void get_all_at_once(const act_map *opened)
{
    size_t count = entries.count;
    act_slice *keys = calloc(count, sizeof(*keys));
    uint64_t *values = calloc(count, sizeof(*values));
    assert_true(keys && values && count > 300);
    for (size_t i = 0; i < count; i++)
        keys[i] = (act_slice){entries.items[i].key, entries.items[i].key_nbytes};
    assert_int_equal(act_map_get_batch(opened, keys, count, values, NULL, NULL), ACT_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(values[i], entries.items[i].value);
    free(keys);
    free(values);
}

/* Advice that the system does not take changes no answer, nor does not knowing what was read. */
static void advice_is_refused(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map *opened;
    for (unsigned nth = 1; nth <= 3; nth++) {
        fault_arm(FAULT_MADVISE, nth, EINVAL, true);
        fault_slow_disk(1000);
        act_status status = act_map_open(path, &options, &opened, NULL);
        assert_int_equal(status, ACT_OK);
        get_all_at_once(opened);
        assert_true(fault_disarm() >= nth);
        act_map_close(opened);
    }
    assert_int_equal(act_map_open(path, &options, &opened, NULL), ACT_OK);
    fault_arm(FAULT_GETRUSAGE, 1, EINVAL, true);
    get_all_at_once(opened);
    assert_true(fault_disarm() >= 2);
    act_map_close(opened);
}

/* ------------------------------------------------------------------------------------- scanning */

static size_t counted;

static int count_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    const act_range *range = context;
    size_t index = range->reverse ? entries.count - 1 - counted : counted;
    const struct entry *e = &entries.items[index];
    assert_true(counted < entries.count);
    assert_int_equal(entries_compare(key, key_nbytes, e->key, e->key_nbytes), 0);
    assert_int_equal(value, e->value);
    counted++;
    return 0;
}

static act_status scan(act_range *range, act_error *error)
{
    counted = 0;
    act_status status = act_map_scan(map, range, count_entry, range, error);
    if (status == ACT_OK)
        assert_int_equal(counted, entries.count);
    return status;
}

static act_status scan_forwards(act_error *error)
{
    return scan(&(act_range){.from = "", .prefix = ""}, error);
}

static act_status scan_backwards(act_error *error)
{
    return scan(&(act_range){.reverse = true, .from = ""}, error);
}

static int count_run(void *context, const act_entry_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        count_entry(context, run->keys + run->key_offs[i],
                    (size_t)(run->key_offs[i + 1] - run->key_offs[i]), run->values[i]);
    return 0;
}

static act_status scan_runs(act_error *error)
{
    act_range range = {.limit = 0};
    counted = 0;
    act_status status = act_map_scan_runs(map, &range, count_run, &range, error);
    if (status == ACT_OK)
        assert_int_equal(counted, entries.count);
    return status;
}

static int count_in_part(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                         uint64_t value)
{
    (void)part;
    return count_entry(context, key, key_nbytes, value);
}

static act_status scan_parts(act_error *error)
{
    act_range range = {.from = "", .prefix = ""};
    act_parallel_options options = {.parts = 5};
    counted = 0;
    act_status status = act_map_scan_parallel(map, &range, &options, count_in_part, &range, error);
    if (status == ACT_OK)
        assert_int_equal(counted, entries.count);
    return status;
}

static void scanning_without_memory(void **state)
{
    (void)state;
    fail_each_allocation(scan_forwards);
    fail_each_allocation(scan_backwards);
    fail_each_allocation(scan_runs);
    fail_each_allocation(scan_parts);
}

/* ---------------------------------------------------------------------------------- iterators */

/* All of it there and back, with a seek before; an iterator that ran out of memory is good again
 * after the next seek. */
static act_status iterate(const act_range *range, act_error *error)
{
    act_iter *iter = (act_iter *)&iter;
    act_status status = act_iter_open(map, range, &iter, error);
    assert_int_equal(status == ACT_OK, iter != NULL);
    if (status != ACT_OK)
        return status;
    const struct entry *longest = &entries.items[entries.count - 1];
    status = act_iter_seek(iter, longest->key, longest->key_nbytes, error);
    if (status == ACT_OK)
        act_iter_rewind(iter, false);
    size_t there = 0, back = 0;
    while (status == ACT_OK && (status = act_iter_next(iter, NULL, NULL, NULL, error)) == ACT_OK)
        there++;
    if (status == ACT_END)
        status = ACT_OK;
    while (status == ACT_OK && (status = act_iter_prev(iter, NULL, NULL, NULL, error)) == ACT_OK)
        back++;
    if (status == ACT_END) {
        assert_int_equal(there, entries.count);
        assert_int_equal(back, entries.count);
        status = ACT_OK;
    } else {
        /* The fault was either the only one, or others follow: never anything else. */
        act_status again = act_iter_next(iter, NULL, NULL, NULL, NULL);
        assert_true(again == ACT_ERR_NOMEM || again == ACT_OK);
        fault_disarm();
        assert_int_equal(act_iter_seek(iter, "", 0, NULL), ACT_OK);
        assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    }
    act_iter_close(iter);
    return status;
}

static act_status iterate_all(act_error *error)
{
    return iterate(NULL, error);
}

static act_status iterate_backwards_in_bounds(act_error *error)
{
    static const uint8_t last[] = {0xff, 0xff, 0xff};
    act_range range = {.prefix = "", .from = "", .to = last, .to_nbytes = 3, .reverse = true};
    return iterate(&range, error);
}

/* As fail_each_allocation, for an action that disarms the faults by itself when it met one. */
static void fail_each_allocation_once(action_fn action)
{
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        unsigned failed = 0;
        for (unsigned nth = 1; nth < 1000; nth++) {
            act_error error = {0};
            fault_arm(FAULT_ALLOCATE, nth, 0, for_ever);
            act_status status = action(&error);
            fault_disarm();
            if (status == ACT_OK)
                break;
            assert_int_equal(status, ACT_ERR_NOMEM);
            assert_int_equal(error.status, ACT_ERR_NOMEM);
            failed++;
        }
        assert_in_range(failed, 1, 900);
    }
}

static void iterating_without_memory(void **state)
{
    (void)state;
    fail_each_allocation_once(iterate_all);
    fail_each_allocation_once(iterate_backwards_in_bounds);
}

/* ------------------------------------------------------------------------------------- cursors */

static act_status walk_all(act_error *error)
{
    const struct entry *e = &entries.items[entries.count - 1];
    act_cursor *cursor = NULL, *fork = NULL;
    act_status status = act_cursor_open(map, e->key, 1, &cursor, error);
    if (status == ACT_OK)
        status = act_cursor_descend_to(cursor, e->key + 1, e->key_nbytes - 1, error);
    if (status == ACT_OK)
        status = act_cursor_fork(cursor, &fork, error);
    if (status == ACT_OK) {
        uint64_t value;
        assert_int_equal(act_cursor_value(fork, &value), ACT_OK);
        assert_int_equal(value, e->value);
        status = act_cursor_move_to_path(fork, "", 0, NULL, error);
    }
    if (status == ACT_OK)
        status = act_cursor_descend_to_check(fork, e->key + 1, e->key_nbytes - 1, error);
    if (status == ACT_OK)
        act_cursor_reset(fork);
    size_t values = 0;
    while (status == ACT_OK && (status = act_cursor_to_next_val(fork, error)) == ACT_OK)
        values++;
    if (status == ACT_NOT_FOUND) {
        assert_true(values > 0);
        status = ACT_OK;
    }
    if (status == ACT_OK)
        status = act_cursor_descend_last_path(fork, error);
    uint64_t count = 0;
    if (status == ACT_OK) {
        act_cursor_reset(cursor);
        status = act_cursor_val_count(cursor, &count, error);
    }
    if (status == ACT_OK)
        assert_true(count >= values);
    act_cursor_close(fork);
    act_cursor_close(cursor);
    return status;
}

static act_status step_all(act_error *error)
{
    act_cursor *cursor = NULL;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, error);
    size_t steps = 0;
    while (status == ACT_OK && (status = act_cursor_to_next_step(cursor, error)) == ACT_OK)
        steps++;
    if (status == ACT_NOT_FOUND) {
        assert_true(steps > entries.count);
        status = act_cursor_descend_first_k_path(cursor, 1000, error);
    }
    while (status == ACT_OK)
        status = act_cursor_to_next_k_path(cursor, 1000, error);
    act_cursor_close(cursor);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

static void cursors_without_memory(void **state)
{
    (void)state;
    fail_each_allocation(walk_all);
    fail_each_allocation(step_all);
}

/* ------------------------------------------------------------------------- verifying, describing
 */

static act_status verify(act_error *error)
{
    act_verify_report report;
    act_status status = act_map_verify(map, NULL, NULL, &report, error);
    if (status == ACT_OK)
        assert_int_equal(report.values, entries.count);
    return status;
}

static act_status describe(act_error *error)
{
    act_map_info info;
    act_status status = act_map_get_info(map, NULL, NULL, &info, error);
    if (status == ACT_OK)
        assert_int_equal(info.keys, entries.count);
    return status;
}

/* Nodes wide enough that more of them wait for their turn than the first table has room for, and
 * so many below some that their counts are noted. */
static act_map *wide;
static uint8_t longest[600000]; /* and a key that is longer than what is gathered at a time */
enum {
    WIDE_KEYS = 256 * 256 + 1
};

static act_status describe_wide(act_error *error)
{
    act_map_info info;
    act_status status = act_map_get_info(wide, NULL, NULL, &info, error);
    if (status == ACT_OK)
        assert_int_equal(info.keys, WIDE_KEYS);
    return status;
}

static act_status count_wide(act_error *error)
{
    act_cursor *cursor = NULL;
    uint64_t count = 0;
    act_status status = act_cursor_open(wide, NULL, 0, &cursor, error);
    if (status == ACT_OK)
        status = act_cursor_val_count(cursor, &count, error);
    if (status == ACT_OK)
        assert_int_equal(count, WIDE_KEYS);
    act_cursor_close(cursor);
    return status;
}

static int count_in_run(void *context, const act_entry_run *run)
{
    *(size_t *)context += run->count;
    return 0;
}

static act_status scan_runs_wide(act_error *error)
{
    size_t count = 0;
    act_status status = act_map_scan_runs(wide, NULL, count_in_run, &count, error);
    if (status == ACT_OK)
        assert_int_equal(count, WIDE_KEYS);
    return status;
}

static int count_in_wide_part(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                              uint64_t value)
{
    (void)part;
    (void)key;
    (void)value;
    *(size_t *)context += key_nbytes > 0;
    return 0;
}

static act_status scan_parts_wide(act_error *error)
{
    act_parallel_options options = {.parts = 50};
    size_t count = 0;
    act_status status = act_map_scan_parallel(wide, NULL, &options, count_in_wide_part, &count,
                                              error);
    if (status == ACT_OK)
        assert_int_equal(count, WIDE_KEYS);
    return status;
}

/* Regions of several pieces, and locks that leave some. */
static act_status steer_wide(act_error *error)
{
    act_region cold = {.kind = ACT_REGION_COLD};
    act_region hot = {.kind = ACT_REGION_HOT};
    act_region middle = {.kind = ACT_REGION_RANGE, .off = 8192, .nbytes = 4096};
    uint64_t done, asked;
    act_status status = act_map_advise(wide, &cold, ACT_ADVICE_NORMAL, error);
    if (status == ACT_OK)
        status = act_map_populate(wide, NULL, NULL, NULL, &done, &asked, error);
    if (status == ACT_OK)
        assert_int_equal(done, asked);
    if (status == ACT_OK)
        status = act_map_lock(wide, &hot, error);
    if (status == ACT_OK)
        status = act_map_unlock(wide, &hot, error);
    if (status == ACT_OK)
        status = act_map_release(wide, &middle, 0, error);
    for (int i = 0; i <= ACT_BACKING_COPY && status == ACT_OK; i++)
        status = act_map_set_backing(wide, i % 2 ? &middle : &hot, (act_backing)i, error);
    return status;
}

static struct forge forged;

static act_status verify_forged(act_error *error)
{
    act_verify_report report;
    return act_map_verify(forged.map, NULL, NULL, &report, error);
}

/* The root is the last offset of those whose marks lie together: that of the file's end is not. */
static void verifying_without_memory_for_the_root(void **state)
{
    (void)state;
    static const uint8_t between[(1 << 16) - 17];
    forge_start(&forged);
    forge_bytes(&forged, between, sizeof(between));
    uint64_t root = forge_leaf(&forged, 1);
    assert_int_equal(root, (1 << 16) - 1);
    forge_end(&forged, root);
    assert_int_equal(forge_open(&forged, NULL), ACT_OK);
    fail_each_allocation(verify_forged);
    forge_free(&forged);
}

static void verifying_without_memory(void **state)
{
    (void)state;
    struct entries wide_entries = {0};
    char *wide_path = scratch_path(dir, "wide.act");
    for (unsigned i = 0; i < 256 * 256; i++)
        entries_add(&wide_entries, (uint8_t[]){(uint8_t)(i / 256), (uint8_t)i}, 2, i);
    memset(longest, 0xff, sizeof(longest));
    entries_add(&wide_entries, longest, sizeof(longest), 1);
    build_file(&wide_entries, wide_path, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&wide_entries);
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    assert_int_equal(act_map_open(wide_path, &options, &wide, NULL), ACT_OK);
    fail_each_allocation(verify);
    fail_each_allocation(describe);
    fail_each_allocation_but(true, describe_wide);
    fail_each_allocation(count_wide);
    fail_each_allocation(scan_runs_wide);
    fail_each_allocation(scan_parts_wide);
    fail_each_allocation(steer_wide);
    act_map_close(wide);
    free(wide_path);
}

/* ----------------------------------------------------------------------------------- comparing */

static act_map *other;

static int count_change(void *context, const act_change *change)
{
    ++*(size_t *)context;
    assert_true(change->key_nbytes < 4000);
    return 0;
}

static act_status compare(act_error *error)
{
    size_t changes = 0;
    act_status status = act_map_diff(map, other, count_change, &changes, error);
    if (status == ACT_OK)
        assert_int_equal(changes, entries.count);
    return status;
}

static act_status look_up_in_parts(act_error *error)
{
    act_batch_options options = {.threads = 1, .fetch = ACT_FETCH_ALWAYS};
    act_slice keys[3];
    uint64_t values[3];
    for (size_t i = 0; i < 3; i++)
        keys[i] = (act_slice){entries.items[i].key, entries.items[i].key_nbytes};
    act_status status = act_map_get_batch_with(map, keys, 3, values, NULL, &options, error);
    for (size_t i = 0; status == ACT_OK && i < 3; i++)
        assert_int_equal(values[i], entries.items[i].value);
    return status;
}

static void comparing_without_memory(void **state)
{
    (void)state;
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    assert_int_equal(act_map_open_memory(empty, sizeof(empty), NULL, &other, NULL), ACT_OK);
    fail_each_allocation(compare);
    act_map_close(other);
    /* What needs no memory does not ask for any. */
    fault_arm(FAULT_ALLOCATE, 1, 0, true);
    assert_int_equal(look_up_in_parts(NULL), ACT_OK);
    fault_disarm();
}

/* ------------------------------------------------------------------------------------- warming */

static act_status warm_keys(act_error *error)
{
    enum {
        COUNT = 50
    };
    act_open_options options = {.access = ACT_ACCESS_MAP};
    act_slice keys[COUNT];
    act_warm_report report;
    act_map *opened;
    act_status status = act_map_open(path, &options, &opened, error);
    if (status != ACT_OK)
        return status;
    for (size_t i = 0; i < COUNT; i++)
        keys[i] = (act_slice){entries.items[i].key, entries.items[i].key_nbytes};
    status = act_map_warm_keys(opened, keys, COUNT, NULL, NULL, &report, error);
    assert_true(report.keys_done == COUNT || status != ACT_OK);
    act_map_close(opened);
    return status;
}

static void warming_without_memory(void **state)
{
    (void)state;
    fail_each_allocation(warm_keys);
}

/* --------------------------------------------------------------- what is in memory, and warming
 */

static act_map *mapped;
static char *set_path;

static int count_prefix(void *context, const act_prefix_residency *prefix)
{
    (void)prefix;
    ++*(unsigned *)context;
    return 0;
}

static act_status look(act_error *error)
{
    act_residency *residency = (act_residency *)&residency;
    act_residency_walk walk;
    unsigned prefixes = 0;
    act_status status = act_map_residency(mapped, &residency, error);
    assert_int_equal(status == ACT_OK, residency != NULL);
    act_residency_totals totals = {.page_nbytes = 0};
    if (status == ACT_OK) {
        act_residency_get_totals(residency, &totals);
        if (totals.cached.known)
            status = act_map_residency_walk(mapped, residency, NULL, count_prefix, &prefixes, &walk,
                                            error);
    }
    if (status == ACT_OK && totals.cached.known)
        assert_true(walk.nodes + walk.missing > 0);
    act_residency_close(residency);
    return status;
}

static act_status save_and_restore(act_error *error)
{
    static uint8_t pages[1 << 16];
    act_warm_set *set = NULL, *loaded = NULL;
    act_warm_state done = {.ended = false};
    memset(pages, 0x33, sizeof(pages));
    act_status status = act_warm_set_of_pages(mapped, pages, 4096, &set, error);
    if (status == ACT_OK)
        status = act_warm_set_save(set, set_path, error);
    if (status == ACT_OK)
        status = act_warm_set_load(set_path, &loaded, error);
    if (status == ACT_OK) {
        act_warm_options options = {.what = ACT_WARM_SET, .set = loaded};
        status = act_map_warm(mapped, &options, NULL, NULL, &done, error);
    }
    if (status == ACT_OK)
        assert_true(done.ended && done.done_nbytes > 0);
    act_warm_set_close(set);
    act_warm_set_close(loaded);
    return status;
}

static act_status warm_prefix_at_once(act_error *error)
{
    const struct entry *e = &entries.items[entries.count - 1];
    act_warm_options options = {.what = ACT_WARM_PREFIX, .prefix = e->key, .prefix_nbytes = 1};
    return act_map_warm(mapped, &options, NULL, NULL, NULL, error);
}

static act_status warm_prefix(act_error *error)
{
    const struct entry *e = &entries.items[entries.count - 1];
    act_warm_options options = {.what = ACT_WARM_PREFIX, .prefix = e->key, .prefix_nbytes = 1};
    act_warm *warm = (act_warm *)&warm;
    act_status status = act_warm_start(mapped, &options, &warm, error);
    assert_int_equal(status == ACT_OK, warm != NULL);
    return status == ACT_OK ? act_warm_finish(warm, NULL, error) : status;
}

static void looking_and_warming_without_memory(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP};
    assert_int_equal(act_map_open(path, &options, &mapped, NULL), ACT_OK);
    fail_each_allocation(look);
    set_path = scratch_path(dir, "set");
    fail_each_allocation(save_and_restore);
    fail_each_allocation(warm_prefix_at_once);
    free(set_path);
    act_map_close(mapped);
}

/* Whatever is refused, looking gives an answer, and warming an answer or an error. */
static void looking_and_warming_while_the_system_refuses(void **state)
{
    (void)state;
    static const enum fault_place places[] = {FAULT_OPEN, FAULT_FSTAT, FAULT_PREAD, FAULT_MADVISE,
                                              FAULT_GETRUSAGE};
    act_open_options options = {.access = ACT_ACCESS_MAP};
    assert_int_equal(act_map_open(path, &options, &mapped, NULL), ACT_OK);
    set_path = scratch_path(dir, "set");
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        for (unsigned nth = 1; nth <= 6; nth++) {
            act_error error = {0};
            fault_arm(places[i], nth, EIO, nth % 2);
            assert_int_equal(look(&error), ACT_OK);
            fault_disarm();
            fault_arm(places[i], nth, EIO, nth % 2);
            act_status status = save_and_restore(&error);
            fault_disarm();
            assert_true(status == ACT_OK || status == ACT_ERR_IO);
            assert_true(status == ACT_OK || strlen(error.text) > 0);
            fault_arm(places[i], nth, EIO, nth % 2);
            status = warm_prefix(&error);
            fault_disarm();
            assert_true(status == ACT_OK || status == ACT_ERR_IO);
        }
    }
    free(set_path);
    act_map_close(mapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_without_memory),
        cmocka_unit_test(opening_while_the_system_refuses),
        cmocka_unit_test(opening_with_a_guard_while_the_system_refuses),
        cmocka_unit_test(an_interrupted_call_is_made_again),
        cmocka_unit_test(short_reads_are_put_together),
        cmocka_unit_test(a_file_that_is_cut_while_it_is_read),
        cmocka_unit_test(advice_is_refused),
        cmocka_unit_test(scanning_without_memory),
        cmocka_unit_test(iterating_without_memory),
        cmocka_unit_test(cursors_without_memory),
        cmocka_unit_test(verifying_without_memory),
        cmocka_unit_test(verifying_without_memory_for_the_root),
        cmocka_unit_test(comparing_without_memory),
        cmocka_unit_test(warming_without_memory),
        cmocka_unit_test(looking_and_warming_without_memory),
        cmocka_unit_test(looking_and_warming_while_the_system_refuses),
    };
    return cmocka_run_group_tests(tests, make_map, remove_map);
}
