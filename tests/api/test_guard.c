/* Files that change while they are open: what is told of it, and how to go on. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/scratch.h"

static const act_guard kinds[] = {ACT_GUARD_NONE, ACT_GUARD_SIGNAL, ACT_GUARD_THREAD};

/* A map of `count` keys with this value. */
static void write_map(unsigned count, uint64_t value)
{
    struct entries entries = {0};
    for (unsigned i = 0; i < count; i++) {
        char key[40];
        snprintf(key, sizeof(key), "%08u-%08u", i * 2654435761u, i);
        entries_add(&entries, key, strlen(key), value);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
}

static act_map *open_map(act_guard guard)
{
    act_open_options options = {.access = ACT_ACCESS_MAP, .guard = guard};
    act_map *map;
    act_error error;
    act_status status = act_map_open(scratch_map, &options, &map, &error);
    if (status != ACT_OK && guard == ACT_GUARD_THREAD) {
        print_message("%s\n", error.text);
        skip();
    }
    assert_int_equal(status, ACT_OK);
    return map;
}

static unsigned changes_of(const act_map *map)
{
    unsigned changes = 99;
    assert_int_equal(act_map_changed(map, &changes, NULL), ACT_OK);
    return changes;
}

static uint64_t value_of(const act_map *map)
{
    uint64_t value = 0;
    assert_int_equal(act_map_get(map, "00000000-00000000", 17, &value, NULL), ACT_OK);
    return value;
}

static void pause_for_clocks(void)
{
    struct timespec pause = {0, 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
}

static void guards_that_are_none_are_refused(void **state)
{
    (void)state;
    const int strange[] = {-1, 3, 77};
    write_map(10, 1);
    for (size_t i = 0; i < 3; i++) {
        act_open_options options = {.guard = (act_guard)strange[i]};
        act_map *map = (act_map *)&options;
        act_error error;
        assert_int_equal(act_map_open(scratch_map, &options, &map, &error), ACT_ERR_INVALID);
        assert_null(map);
        assert_non_null(strstr(error.text, "guard"));
    }
}

static void the_guard_that_took_effect_is_told(void **state)
{
    (void)state;
    write_map(10, 1);
    for (size_t i = 0; i < 3; i++) {
        act_map *map = open_map(kinds[i]);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        assert_int_equal(stat.guard, kinds[i]);
        assert_int_equal(act_map_check(map, NULL), ACT_OK);
        assert_int_equal(value_of(map), 1);
        act_map_close(map);
        /* What was read into memory needs none. */
        act_open_options options = {.access = ACT_ACCESS_READ, .guard = kinds[i]};
        assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
        act_map_get_stat(map, &stat);
        assert_int_equal(stat.guard, ACT_GUARD_NONE);
        assert_int_equal(truncate(scratch_map, 0), 0);
        assert_int_equal(value_of(map), 1);
        act_map_close(map);
        write_map(10, 1);
    }
}

static void damaged_files_are_damaged_with_a_guard_too(void **state)
{
    (void)state;
    static const char text[] = "ACTree03\xff\xff\0\0\0\0\0\0 and some more bytes";
    for (size_t i = 0; i < 3; i++) {
        act_open_options options = {.access = ACT_ACCESS_MAP, .guard = kinds[i]};
        act_map *map;
        write_map(10, 1);
        act_map_close(open_map(kinds[i])); /* where there is such a guard */
        scratch_write(scratch_map, text, sizeof(text));
        assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_ERR_CORRUPT);
        scratch_write(scratch_map, "", 0);
        assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_ERR_TRUNCATED);
        static const char zeros[9000];
        scratch_write(scratch_map, zeros, sizeof(zeros));
        assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_ERR_FORMAT);
    }
}

static void replaced_is_told_and_followed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        write_map(2000, 1);
        act_map *map = open_map(kinds[i]);
        assert_int_equal(changes_of(map), 0);
        write_map(3000, 2);
        assert_int_equal(changes_of(map), ACT_CHANGED_FILE);
        act_map *next;
        assert_int_equal(act_map_reopen(map, &next, NULL), ACT_OK);
        assert_int_equal(changes_of(next), 0);
        /* Both are there, until the old one is closed. */
        assert_int_equal(value_of(map), 1);
        assert_int_equal(value_of(next), 2);
        act_map_stat stat;
        act_map_get_stat(next, &stat);
        assert_int_equal(stat.guard, kinds[i]);
        assert_int_equal(act_map_check(map, NULL), ACT_OK);
        act_map_close(map);
        assert_int_equal(value_of(next), 2);
        act_map_close(next);
    }
}

static void other_changes_are_told_apart(void **state)
{
    (void)state;
    write_map(2000, 1);
    act_map *map = open_map(ACT_GUARD_SIGNAL);
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    pause_for_clocks();
    FILE *file = fopen(scratch_map, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 2000, SEEK_SET), 0);
    assert_true(fputc('x', file) == 'x' && fflush(file) == 0);
    assert_int_equal(changes_of(map), ACT_CHANGED_WRITTEN);
    assert_int_equal(fseek(file, 8, SEEK_SET), 0);
    assert_true(fputc('x', file) == 'x' && fclose(file) == 0);
    assert_int_equal(changes_of(map), ACT_CHANGED_WRITTEN | ACT_CHANGED_ROOT);
    assert_int_equal(truncate(scratch_map, (off_t)stat.file_nbytes + 1), 0);
    assert_int_equal(changes_of(map), ACT_CHANGED_WRITTEN | ACT_CHANGED_ROOT | ACT_CHANGED_LONGER);
    assert_int_equal(act_map_check(map, NULL), ACT_OK);
    assert_int_equal(truncate(scratch_map, 10), 0);
    assert_int_equal(changes_of(map), ACT_CHANGED_WRITTEN | ACT_CHANGED_ROOT | ACT_CHANGED_SHORTER);
    act_error error;
    if (!CHECK_EMULATED) {
        assert_int_equal(act_map_check(map, &error), ACT_ERR_IO);
        assert_int_equal(error.status, ACT_ERR_IO);
        assert_int_not_equal(error.os_code, 0);
        assert_non_null(strstr(error.text, "map.act"));
    }
    act_map *next = map;
    assert_int_equal(act_map_reopen(map, &next, NULL), ACT_ERR_TRUNCATED);
    assert_null(next);
    assert_int_equal(unlink(scratch_map), 0);
    assert_int_equal(changes_of(map), ACT_CHANGED_GONE);
    assert_int_equal(act_map_reopen(map, &next, &error), ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOENT);
    assert_int_equal(mkdir(scratch_map, 0700), 0);
    assert_int_equal(changes_of(map), ACT_CHANGED_GONE);
    assert_int_equal(act_map_reopen(map, &next, NULL), ACT_ERR_NOT_REGULAR);
    assert_int_equal(rmdir(scratch_map), 0);
    act_map_close(map);
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
}

/* What the path of a map can have become meanwhile. */
static void paths_that_lead_elsewhere(void **state)
{
    (void)state;
    struct entries one = {0};
    char *folder = scratch_path(scratch_dir, "folder");
    char *path = scratch_path(folder, "file.act");
    entries_add(&one, "a", 1, 1);
    assert_int_equal(mkdir(folder, 0777), 0);
    build_file(&one, path, ACT_LAYOUT_PLAIN, NULL);
    act_map *map;
    unsigned changes = 99;
    act_error error = {.status = ACT_OK};
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_changed(map, &changes, &error), ACT_OK);
    assert_int_equal(changes, 0);
    assert_int_equal(act_map_changed(map, NULL, NULL), ACT_OK);
    /* A file of another file system, whatever its number. */
    assert_int_equal(remove(path), 0);
    assert_int_equal(act_map_changed(map, &changes, &error), ACT_OK);
    assert_int_equal(changes, ACT_CHANGED_GONE);
    if (access("/proc/self/status", R_OK) == 0) {
        assert_int_equal(symlink("/proc/self/status", path), 0);
        assert_int_equal(act_map_changed(map, &changes, &error), ACT_OK);
        assert_int_equal(changes, ACT_CHANGED_FILE);
        assert_int_equal(remove(path), 0);
    }
    /* A folder. */
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(act_map_changed(map, &changes, &error), ACT_OK);
    assert_int_equal(changes, ACT_CHANGED_GONE);
    assert_int_equal(rmdir(path), 0);
    /* A link to itself: whether there is a file cannot be told. */
    assert_int_equal(symlink(path, path), 0);
    changes = 99;
    assert_int_equal(act_map_changed(map, &changes, &error), ACT_ERR_IO);
    assert_int_equal(error.os_code, ELOOP);
    assert_int_equal(changes, 99);
    assert_int_equal(act_map_changed(map, &changes, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_reopen(map, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(remove(path), 0);
    /* A file where its folder was. */
    assert_int_equal(rmdir(folder), 0);
    build_file(&one, folder, ACT_LAYOUT_PLAIN, NULL);
    assert_int_equal(act_map_changed(map, &changes, &error), ACT_OK);
    assert_int_equal(changes, ACT_CHANGED_GONE);
    act_map_close(map);
    remove(folder);
    entries_free(&one);
    free(folder);
    free(path);
}

static void maps_in_memory_have_no_file(void **state)
{
    (void)state;
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    act_open_options options = {.guard = ACT_GUARD_SIGNAL};
    act_map *map;
    act_map *next;
    unsigned changes;
    assert_int_equal(act_map_open_memory(empty, sizeof(empty), &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_check(map, NULL), ACT_OK);
    assert_int_equal(act_map_changed(map, &changes, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_reopen(map, &next, NULL), ACT_ERR_INVALID);
    act_map_close(map);
    assert_int_equal(act_map_check(NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_changed(NULL, &changes, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_reopen(NULL, &next, NULL), ACT_ERR_INVALID);
}

/* What has no status of its own says no, or nothing. */
static void questions_without_a_status_say_nothing(void **state)
{
    (void)state;
    act_cursor *cursor;
    uint64_t mask[4];
    uint64_t value = 7;
    write_map(2000, 1);
    act_map *map = open_map(ACT_GUARD_SIGNAL);
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    act_cursor_child_mask(cursor, mask);
    assert_true(mask[0]);
    assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_OK);
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    assert_int_equal(truncate(scratch_map, 0), 0);
    assert_int_equal(act_cursor_value(cursor, &value), ACT_ERR_IO);
    assert_int_equal(value, 7);
    act_cursor_reset(cursor);
    act_cursor_child_mask(cursor, mask);
    assert_false(mask[0] | mask[1] | mask[2] | mask[3]);
    assert_int_equal(act_cursor_value_at(cursor, "0", 1, &value, NULL), ACT_ERR_IO);
    assert_int_equal(act_cursor_to_next_step(cursor, NULL), ACT_ERR_IO);
    assert_true(act_cursor_at_root(cursor));
    act_cursor_close(cursor);
    act_map_close(map);
}

/* Zeros are neither warm nor locked, whatever the system says. */
static void nothing_is_steered(const act_map *map)
{
    const act_slice key = {(const uint8_t *)"0", 1};
    act_warm *warm;
    act_error error;
    assert_int_equal(act_map_warm(map, NULL, NULL, NULL, NULL, &error), ACT_ERR_IO);
    assert_int_equal(error.status, ACT_ERR_IO);
    assert_int_equal(act_warm_start(map, NULL, &warm, NULL), ACT_OK);
    assert_int_equal(act_warm_finish(warm, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_warm_keys(map, &key, 1, NULL, NULL, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_lock(map, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_unlock(map, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_RANDOM, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_release(map, NULL, 0, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_set_backing(map, NULL, ACT_BACKING_SHARED, NULL), ACT_ERR_IO);
}

/* Whatever is asked for of its pages, a guarded map is guarded, or in memory of its own. */
static void guards_go_with_options_on_pages(void **state)
{
    (void)state;
    const act_open_options ways[] = {
        {.is_private = true},
        {.populate = ACT_POPULATE_ALL},
        {.populate = ACT_POPULATE_PREFIX, .prefix = "0000", .prefix_nbytes = 4},
        {.huge = ACT_HUGE_ON},
        {.advice = ACT_ADVICE_SEQUENTIAL},
        {.resident_nbytes_max = ACT_RESIDENT_NBYTES_MIN},
    };
    for (size_t i = 0; i < 3 * sizeof(ways) / sizeof(ways[0]); i++) {
        act_open_options options = ways[i / 3];
        act_map *map;
        act_map *next;
        act_error error;
        options.access = ACT_ACCESS_MAP;
        options.guard = kinds[i % 3];
        write_map(20000, 5);
        act_status status = act_map_open(scratch_map, &options, &map, &error);
        if (status == ACT_ERR_IO && options.guard == ACT_GUARD_THREAD)
            continue;
        assert_int_equal(status, ACT_OK);
        assert_int_equal(value_of(map), 5);
        assert_int_equal(act_map_release(map, NULL, 0, NULL), ACT_OK);
        assert_int_equal(value_of(map), 5);
        act_map_verify(map, NULL, NULL, NULL, NULL);
        assert_int_equal(act_map_check(map, NULL), ACT_OK);
        assert_int_equal(act_map_reopen(map, &next, NULL), ACT_OK);
        assert_int_equal(value_of(next), 5);
        act_map_close(next);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        if (stat.guard == ACT_GUARD_SIGNAL && !CHECK_EMULATED) {
            assert_int_equal(truncate(scratch_map, 5000), 0);
            assert_int_equal(act_map_populate(map, NULL, NULL, NULL, NULL, NULL, NULL), ACT_ERR_IO);
            assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_ERR_IO);
            nothing_is_steered(map);
        }
        act_map_close(map);
    }
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
}

/* Not even where hardly a byte is not zero, but for the root that it changes. */
static void a_merge_into_next_to_nothing_disturbs_nobody(void **state)
{
    (void)state;
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    for (size_t i = 0; i < 3; i++) {
        act_merge *merge;
        uint64_t value;
        scratch_write(scratch_map, empty, sizeof(empty));
        act_map *map = open_map(kinds[i]);
        assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
        assert_int_equal(act_merge_set(merge, "a", 1, 2, NULL), ACT_OK);
        assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
        act_merge_close(merge);
        assert_int_equal(act_map_check(map, NULL), ACT_OK);
        assert_int_equal(act_map_get(map, "a", 1, NULL, NULL), ACT_NOT_FOUND);
        act_map *next;
        assert_int_equal(act_map_reopen(map, &next, NULL), ACT_OK);
        assert_int_equal(act_map_get(next, "a", 1, &value, NULL), ACT_OK);
        assert_int_equal(value, 2);
        act_map_close(next);
        /* And what is cut off is noticed. */
        assert_int_equal(truncate(scratch_map, 0), 0);
        if (kinds[i] == ACT_GUARD_SIGNAL && !CHECK_EMULATED)
            assert_int_equal(act_map_check(map, NULL), ACT_ERR_IO);
        act_map_close(map);
    }
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
}

static unsigned told; /* by callbacks */

static int count_root(void *context, uint64_t root, uint64_t nbytes)
{
    (void)context;
    (void)root;
    (void)nbytes;
    told++;
    return 0;
}

static int count_touch(void *context, const act_touch *touch)
{
    (void)context;
    (void)touch;
    told++;
    return 0;
}

static int stop_at_once(void *context, const act_touch *touch)
{
    (void)context;
    (void)touch;
    told++;
    return 1;
}

static int count_change(void *context, const act_change *change)
{
    (void)context;
    (void)change;
    told++;
    return 0;
}

static void count_page(void *context, uint64_t off, bool cached, const uint8_t *path,
                       size_t path_nbytes)
{
    (void)context;
    (void)off;
    (void)cached;
    (void)path;
    (void)path_nbytes;
    told++;
}

/* One map is guarded and cut short, the other is neither. */
static void tell_all(const act_map *map, const act_map *other, const act_residency *residency,
                     act_status expected)
{
    const act_residency_options options = {.page_fn = count_page};
    unsigned calls = 0;
    told = 0;
    if (residency)
        assert_int_equal(act_map_residency_walk(map, residency, &options, NULL, NULL, NULL, NULL),
                         expected);
    calls += told > 0;
    told = 0;
    assert_int_equal(act_map_history(map, count_root, NULL, NULL), expected);
    calls += told > 0;
    told = 0;
    assert_int_not_equal(act_map_trace_get(map, "x", 1, count_touch, NULL, NULL, NULL), ACT_OK);
    calls += told > 0;
    told = 0;
    assert_int_equal(act_map_trace_get(map, "x", 1, stop_at_once, NULL, NULL, NULL),
                     expected == ACT_OK ? ACT_STOPPED : expected);
    calls += told > 0;
    told = 0;
    assert_int_equal(act_map_diff(map, other, count_change, NULL, NULL), expected);
    calls += told > 0;
    told = 0;
    assert_int_equal(act_map_diff(other, map, count_change, NULL, NULL), expected);
    calls += told > 0;
    assert_int_equal(calls, expected == ACT_OK ? residency ? 6 : 5 : 0);
}

static void callbacks_are_not_called_with_what_is_gone(void **state)
{
    (void)state;
    act_map *other;
    act_residency *residency = NULL;
    act_residency_totals totals;
    act_open_options options = {.access = ACT_ACCESS_READ};
    write_map(20000, 1);
    assert_int_equal(act_map_open(scratch_map, &options, &other, NULL), ACT_OK);
    write_map(20000, 2);
    act_map *map = open_map(ACT_GUARD_SIGNAL);
    assert_int_equal(act_map_populate(map, NULL, NULL, NULL, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_map_residency(map, &residency, NULL), ACT_OK);
    act_residency_get_totals(residency, &totals);
    if (!totals.cached.known) {
        act_residency_close(residency);
        residency = NULL;
    }
    tell_all(map, other, residency, ACT_OK);
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    assert_int_equal(truncate(scratch_map, 5000), 0);
    tell_all(map, other, residency, ACT_ERR_IO);
    act_residency_close(residency);
    act_map_close(map);
    act_map_close(other);
}

/* A merge in place is no damage to who has the tree of before. */
static void a_merge_is_told_and_disturbs_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        act_merge *merge;
        write_map(20000, 1);
        act_map *map = open_map(kinds[i]);
        assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
        assert_int_equal(act_merge_set(merge, "00000000-00000000", 17, 2, NULL), ACT_OK);
        assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
        act_merge_close(merge);
        assert_int_equal(changes_of(map) & (ACT_CHANGED_LONGER | ACT_CHANGED_ROOT),
                         ACT_CHANGED_LONGER | ACT_CHANGED_ROOT);
        act_digest digest;
        assert_int_equal(act_map_digest(map, NULL, NULL, &digest, NULL), ACT_OK);
        assert_int_equal(value_of(map), 1);
        act_map *next;
        assert_int_equal(act_map_reopen(map, &next, NULL), ACT_OK);
        assert_int_equal(value_of(next), 2);
        assert_int_equal(changes_of(next), 0);
        act_map_close(next);
        act_map_close(map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guards_that_are_none_are_refused),
        cmocka_unit_test(the_guard_that_took_effect_is_told),
        cmocka_unit_test(damaged_files_are_damaged_with_a_guard_too),
        cmocka_unit_test(replaced_is_told_and_followed),
        cmocka_unit_test(other_changes_are_told_apart),
        cmocka_unit_test(paths_that_lead_elsewhere),
        cmocka_unit_test(maps_in_memory_have_no_file),
        cmocka_unit_test(questions_without_a_status_say_nothing),
        cmocka_unit_test(guards_go_with_options_on_pages),
        cmocka_unit_test(a_merge_into_next_to_nothing_disturbs_nobody),
        cmocka_unit_test(callbacks_are_not_called_with_what_is_gone),
        cmocka_unit_test(a_merge_is_told_and_disturbs_nobody),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
