/*
 * Merging, while each step fails in turn: not the system's calls, which come when buffers are full,
 * but what is appended to the buffer, each old node that is read, and each table that grows. So an
 * error may come up anywhere in the tree; that of an old node where it was good a moment ago, as
 * where somebody writes to the file meanwhile. What must hold each time: it is told, with its
 * reason, or the merge does without; and after a failure the file is as it was, to the byte.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "merge/append.h"
#include "merge/old.h"
#include "os/update.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/expect.h"
#include "support/random.h"
#include "support/scratch.h"

enum kind {
    APPEND,
    OLD_NODE,
    TABLE,
    KINDS,
    ROOT /* what is written and read of the file, from the root on */
};

static unsigned syncs;

static struct {
    bool armed;
    enum kind kind;
    uint64_t nth, steps;
    bool arrives; /* of ROOT: what could not be written is there nevertheless */
} fault;

static bool refuse(enum kind kind)
{
    return fault.armed && kind == fault.kind && ++fault.steps == fault.nth;
}

static act_status fail_append(act_error *error)
{
    return act_fail_os(error, EDQUOT, "step %llu", (unsigned long long)fault.nth);
}

static act_status fail_old(act_error *error)
{
    return act_fail(error, ACT_ERR_CORRUPT, fault.nth, "step %llu", (unsigned long long)fault.nth);
}

/* The linker gives __wrap_NAME the calls of NAME, and __real_NAME is what they meant. */
#define WRAP(kind, fail, name, parameters, arguments)                                              \
    act_status __real_##name parameters;                                                           \
    act_status __wrap_##name parameters;                                                           \
    act_status __wrap_##name parameters                                                            \
    {                                                                                              \
        return refuse(kind) ? fail(error) : __real_##name arguments;                               \
    }

WRAP(APPEND, fail_append, act_append_bytes,
     (struct act_append * append, const void *bytes, size_t nbytes, act_error *error),
     (append, bytes, nbytes, error))
WRAP(APPEND, fail_append, act_append_varint,
     (struct act_append * append, uint64_t number, act_error *error), (append, number, error))
WRAP(APPEND, fail_append, act_append_node,
     (struct act_append * append, const struct act_append_node *node, uint64_t *id_ret,
      act_error *error),
     (append, node, id_ret, error))
WRAP(APPEND, fail_append, act_append_run,
     (struct act_append * append, struct act_made *made, size_t count, uint64_t *first_id_ret,
      act_error *error),
     (append, made, count, first_id_ret, error))
WRAP(OLD_NODE, fail_old, act_old_read,
     (const struct act_arena *arena, uint64_t id, struct act_old_node *old_ret, act_error *error),
     (arena, id, old_ret, error))
WRAP(OLD_NODE, fail_old, act_old_children,
     (const struct act_arena *arena, const struct act_old_node *old, uint64_t ids_ret[256],
      act_error *error),
     (arena, old, ids_ret, error))
WRAP(OLD_NODE, fail_old, act_old_copy,
     (const struct act_arena *arena, uint64_t id, struct act_append_node *copy_ret,
      act_error *error),
     (arena, id, copy_ret, error))

bool __real_act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes);
bool __wrap_act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes);
bool __wrap_act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes)
{
    return !refuse(TABLE) && __real_act_grow(array_pointer, capacity, needed, element_nbytes);
}

act_status __real_act_os_update_write(struct act_os_update *update, uint64_t off, const void *bytes,
                                      size_t nbytes, act_error *error);
act_status __wrap_act_os_update_write(struct act_os_update *update, uint64_t off, const void *bytes,
                                      size_t nbytes, act_error *error);
act_status __wrap_act_os_update_write(struct act_os_update *update, uint64_t off, const void *bytes,
                                      size_t nbytes, act_error *error)
{
    bool fails = fault.armed && fault.kind == ROOT && off == ACT_ROOT_OFF;
    if (!fails || fault.arrives) {
        act_status status = __real_act_os_update_write(update, off, bytes, nbytes, error);
        if (!fails || status != ACT_OK)
            return status;
    }
    fault.steps = 1;
    return fail_append(error);
}

act_status __real_act_os_update_read(struct act_os_update *update, uint64_t off, void *bytes,
                                     size_t nbytes, act_error *error);
act_status __wrap_act_os_update_read(struct act_os_update *update, uint64_t off, void *bytes,
                                     size_t nbytes, act_error *error);
act_status __wrap_act_os_update_read(struct act_os_update *update, uint64_t off, void *bytes,
                                     size_t nbytes, act_error *error)
{
    return fault.armed && fault.kind == ROOT && fault.steps && !fault.arrives
               ? fail_append(error)
               : __real_act_os_update_read(update, off, bytes, nbytes, error);
}

act_status __real_act_os_update_sync(struct act_os_update *update, act_error *error);
act_status __wrap_act_os_update_sync(struct act_os_update *update, act_error *error);
act_status __wrap_act_os_update_sync(struct act_os_update *update, act_error *error)
{
    syncs++;
    return __real_act_os_update_sync(update, error);
}

static struct entries before_entries, changes, after_entries;
static unsigned char *before;
static size_t before_nbytes;

static void add_text(struct entries *entries, const char *key, uint64_t value)
{
    entries_add(entries, key, strlen(key), value);
}

/* Folders that are copied as a whole, with lines and branches of their own; others that are too
 * large for that; lines that are parted, folded, and go on; keys without which all of it closes. */
static void make_entries(void)
{
    static const char *const there[] = {
        "unit/one/first name",  "unit/one/first",   "unit/one/other",  "unit/two/first name",
        "unit/two/second name", "unit/z",           "fold/this one",   "fold/away",
        "line/is a long one",   "gone/a",           "gone/b",          "chain/of lines/x",
        "chain/of lines/y",     "chain/of links/x", "chain/of links/y"};
    static const char *const removed[] = {"fold/away", "gone/a", "gone/b"};
    static const char *const added[] = {
        "unit/and a third", "line/is", "line/isnt",     "chain/of lines/z",
        "chain/of links",   "chain/o", "empty no more", "zebra, the last is a line"};
    struct random r = random_of(9);
    static char longest[400];
    uint8_t key[60];
    memset(longest, 'l', sizeof(longest));
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        add_text(&before_entries, there[i], i);
    for (unsigned i = 0; i < 120; i++) {
        random_fill(&r, key, sizeof(key));
        memcpy(key, "many/", 5);
        key[5] &= 7;
        entries_add(&before_entries, key, 7 + random_below(&r, sizeof(key) - 7), i);
    }
    /* More of them than a table has room for at first. */
    for (int letter = 'a'; letter < 'x'; letter++)
        entries_add(&before_entries, (char[]){'u', 'n', 'i', 't', '/', 'x', (char)letter}, 7, 1);
    /* A line too long to be copied, before a branch; and a key within it. */
    for (longest[399] = 'a'; longest[399] < 'e'; longest[399]++)
        entries_add(&before_entries, longest, sizeof(longest), 1);
    entries_sort(&before_entries);
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++)
        entries_add_path(&changes, removed[i], strlen(removed[i]));
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
        add_text(&changes, added[i], 100 + i);
    add_text(&changes, "many/\2 and one more", 7);
    entries_add(&changes, longest, 200, 2);
    entries_add(&changes, longest, sizeof(longest), 3);
    longest[300] = 'm';
    entries_add(&changes, longest, sizeof(longest), 4);
    entries_sort(&changes);
    entries_append(&after_entries, &before_entries);
    entries_change(&after_entries, &changes);
}

static int set_up(void **state)
{
    scratch_set_up(state);
    make_entries();
    return 0;
}

static int tear_down(void **state)
{
    entries_free(&before_entries);
    entries_free(&changes);
    entries_free(&after_entries);
    return scratch_tear_down(state);
}

static void prepare(act_layout layout)
{
    build_file(&before_entries, scratch_map, layout, NULL);
    free(before);
    before = scratch_read(scratch_map, &before_nbytes);
}

static act_status merge(act_error *error)
{
    const act_merge_options options = {.no_sync = true};
    act_merge *merge;
    act_status status = act_merge_open(scratch_map, &options, &merge, error);
    if (status != ACT_OK)
        return status;
    for (size_t i = 0; status == ACT_OK && i < changes.count; i++) {
        const struct entry *e = &changes.items[i];
        status = e->has_value ? act_merge_set(merge, e->key, e->key_nbytes, e->value, error)
                              : act_merge_remove(merge, e->key, e->key_nbytes, error);
    }
    if (status == ACT_OK)
        status = act_merge_finish(merge, NULL, error);
    if (status != ACT_OK) {
        act_error again = {.status = ACT_OK};
        assert_int_equal(act_merge_finish(merge, NULL, &again), status);
        assert_string_equal(again.text, error->text);
    }
    act_merge_close(merge);
    return status;
}

static void expect_entries(const struct entries *entries)
{
    act_map *map;
    act_error error = {0};
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    if (act_map_verify(map, NULL, NULL, NULL, &error) != ACT_OK)
        fail_msg("%s", error.text);
    expect_scan(map, entries);
    act_map_close(map);
}

static void expect_as_before(void)
{
    size_t nbytes;
    unsigned char *there = scratch_read(scratch_map, &nbytes);
    assert_int_equal(nbytes, before_nbytes);
    assert_memory_equal(there, before, nbytes);
    free(there);
}

static void fail_each_step(act_layout layout, enum kind kind)
{
    static const act_status wanted[] = {ACT_ERR_IO, ACT_ERR_CORRUPT, ACT_ERR_NOMEM};
    unsigned refused = 0;
    prepare(layout);
    fault.kind = kind;
    for (fault.nth = 1;; fault.nth++) {
        act_error error = {0};
        fault.steps = 0;
        fault.armed = true;
        act_status status = merge(&error);
        fault.armed = false;
        if (status == ACT_OK) {
            /* Beside the way the merge does without; or there was no such step any more. */
            expect_entries(&after_entries);
            if (fault.steps < fault.nth)
                break;
            scratch_write(scratch_map, before, before_nbytes);
            continue;
        }
        refused++;
        assert_int_equal(status, wanted[kind]);
        assert_int_equal(error.status, status);
        assert_int_equal(error.os_code, kind == APPEND ? EDQUOT : 0);
        expect_as_before();
    }
    assert_true(refused > 5);
}

static void each_step_fails(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        fail_each_step(ACT_LAYOUT_INDEXED, (enum kind)kind);
        fail_each_step(ACT_LAYOUT_PLAIN, (enum kind)kind);
    }
}

/* The root could not be written, as far as the system tells; whether it was, the file itself says,
 * and where it does not, nothing is taken away. */
static void a_root_that_may_be_there(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        act_error error = {0};
        size_t nbytes;
        prepare(i / 2 ? ACT_LAYOUT_INDEXED : ACT_LAYOUT_PLAIN);
        fault.kind = ROOT;
        fault.steps = 0;
        fault.arrives = i % 2;
        fault.armed = true;
        assert_int_equal(merge(&error), ACT_ERR_IO);
        fault.armed = false;
        assert_int_equal(error.os_code, EDQUOT);
        assert_non_null(strstr(error.text, "may not outlive"));
        expect_entries(i % 2 ? &after_entries : &before_entries);
        free(scratch_read(scratch_map, &nbytes));
        assert_true(nbytes > before_nbytes);
        /* Whatever there is, the next merge goes on with it. */
        assert_int_equal(merge(&error), ACT_OK);
        expect_entries(&after_entries);
    }
    free(before);
    before = NULL;
}

/* What an earlier merge has left is taken away for good, by one that changes nothing too. */
static void what_is_done_reaches_the_disk_unless_told_not_to(void **state)
{
    (void)state;
    static const unsigned wanted[] = {0, 1, 2}; /* of nothing, a cut, a change */
    for (unsigned i = 0; i < 6; i++) {
        const act_merge_options options = {.no_sync = i / 3};
        const struct entry *e = &before_entries.items[0];
        act_merge *merge;
        prepare(ACT_LAYOUT_INDEXED);
        if (i % 3 == 1) {
            unsigned char *torn = calloc(1, before_nbytes + 1);
            assert_non_null(torn);
            memcpy(torn, before, before_nbytes);
            scratch_write(scratch_map, torn, before_nbytes + 1);
            free(torn);
        }
        syncs = 0;
        assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_OK);
        assert_int_equal(act_merge_set(merge, e->key, e->key_nbytes, e->value + (i % 3 == 2), NULL),
                         ACT_OK);
        assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
        act_merge_close(merge);
        assert_int_equal(syncs, options.no_sync ? 0 : wanted[i % 3]);
        if (i % 3 < 2)
            expect_as_before();
    }
    free(before);
    before = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_fails),
        cmocka_unit_test(a_root_that_may_be_there),
        cmocka_unit_test(what_is_done_reaches_the_disk_unless_told_not_to),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
