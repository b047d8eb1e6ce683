/* Reading sets, while every allocation and every system call is refused in turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "faults.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/figures.h"
#include "support/scratch.h"

enum {
    PARTS = 4,
    KEYS = 400
};

static struct entries entries;
static char *manifest;
static act_set_options options; /* all of this holds without a window, and with one */

static int make_set(void **state)
{
    static char names[PARTS][16];
    act_set_member members[PARTS];
    char key[64];
    scratch_set_up(state);
    for (unsigned i = 0; i < KEYS; i++)
        entries_add(&entries, key, (size_t)snprintf(key, sizeof(key), "%04u/a line of its own", i),
                    i);
    for (size_t part = 0; part < PARTS; part++) {
        struct entries own = {entries.items + part * KEYS / PARTS, KEYS / PARTS, 0};
        snprintf(names[part], sizeof(names[part]), "%zu.act", part);
        char *path = scratch_path(scratch_dir, names[part]);
        build_file(&own, path, ACT_LAYOUT_INDEXED, NULL);
        free(path);
        members[part] = (act_set_member){names[part], own.items[0].key, part ? 4 : 0};
    }
    manifest = scratch_path(scratch_dir, "x.set");
    assert_int_equal(act_set_create(manifest, members, PARTS, NULL, NULL), ACT_OK);
    return 0;
}

static int remove_set(void **state)
{
    figures_print();
    free(manifest);
    entries_free(&entries);
    return scratch_tear_down(state);
}

/* ------------------------------------------------------------------------------- what is done */

/* Something to do with a set; on success it has checked its answer. */
typedef act_status (*action_fn)(act_set *set, act_error *error);

static act_status get_some(act_set *set, act_error *error)
{
    for (size_t i = 0; i < KEYS; i += KEYS / 8) {
        const struct entry *e = &entries.items[i];
        uint64_t value = 0;
        act_status status = act_set_get(set, e->key, e->key_nbytes, &value, error);
        if (status != ACT_OK)
            return status;
        assert_int_equal(value, e->value);
    }
    return ACT_OK;
}

static int note_prefix(void *context, size_t prefix_nbytes, uint64_t value)
{
    (void)context;
    (void)prefix_nbytes;
    (void)value;
    return 0;
}

static act_status ask_for_prefixes(act_set *set, act_error *error)
{
    static const char key[] = "0200/a line of its own and more";
    size_t prefix_nbytes = 0;
    act_status status = act_set_path_exists(set, "02", 2, NULL, error);
    if (status == ACT_OK)
        status = act_set_longest_prefix(set, key, sizeof(key) - 1, &prefix_nbytes, NULL, error);
    if (status == ACT_OK)
        assert_int_equal(prefix_nbytes, 22);
    return status == ACT_OK ? act_set_prefixes(set, key, sizeof(key), note_prefix, NULL, error)
                            : status;
}

static act_status get_batch(act_set *set, act_error *error)
{
    act_slice keys[KEYS];
    uint64_t values[KEYS];
    uint8_t found[KEYS / 8];
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = (act_slice){entries.items[i * 7 % KEYS].key, entries.items[i].key_nbytes};
    act_status status = act_set_get_batch(set, keys, KEYS, values, found, NULL, error);
    for (size_t i = 0; status == ACT_OK && i < KEYS; i++)
        assert_int_equal(values[i], i * 7 % KEYS);
    return status;
}

static int count(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)key;
    (void)key_nbytes;
    (void)value;
    ++*(size_t *)context;
    return 0;
}

static int count_run(void *context, const act_entry_run *run)
{
    *(size_t *)context += run->count;
    return 0;
}

static act_status scan(act_set *set, act_error *error)
{
    size_t visited = 0, in_runs = 0;
    act_range range = {
        .from = "0001", .from_nbytes = 4, .to = "0399", .to_nbytes = 4, .limit = 1000};
    act_status status = act_set_scan(set, &range, count, &visited, error);
    if (status == ACT_OK)
        status = act_set_scan_runs(set, NULL, count_run, &in_runs, error);
    if (status == ACT_OK) {
        assert_int_equal(visited, KEYS - 2);
        assert_int_equal(in_runs, KEYS);
    }
    return status;
}

/* There and back; an iterator that failed is good again after a seek. */
static act_status iterate(act_set *set, act_error *error)
{
    act_set_iter *iter = (act_set_iter *)&iter;
    act_range range = {.from = "", .to = "9", .to_nbytes = 1};
    act_status status = act_set_iter_open(set, &range, &iter, error);
    assert_int_equal(status == ACT_OK, iter != NULL);
    size_t there = 0, back = 0;
    if (status == ACT_OK)
        status = act_set_iter_seek(iter, "0300", 4, error);
    if (status == ACT_OK)
        act_set_iter_rewind(iter, false);
    while (status == ACT_OK &&
           (status = act_set_iter_next(iter, NULL, NULL, NULL, error)) == ACT_OK)
        there++;
    if (status == ACT_END)
        status = ACT_OK;
    while (status == ACT_OK &&
           (status = act_set_iter_prev(iter, NULL, NULL, NULL, error)) == ACT_OK)
        back++;
    if (status == ACT_END) {
        assert_int_equal(there, KEYS);
        assert_int_equal(back, KEYS);
        status = ACT_OK;
    } else if (iter) {
        unsigned calls = fault_disarm();
        assert_true(calls > 0);
        assert_int_equal(act_set_iter_next(iter, NULL, NULL, NULL, NULL), status);
        assert_int_equal(act_set_iter_seek(iter, "", 0, NULL), ACT_OK);
        assert_int_equal(act_set_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    }
    act_set_iter_close(iter);
    return status;
}

static act_status check_all(act_set *set, act_error *error)
{
    act_digest digest;
    act_status status = act_set_digest(set, NULL, NULL, &digest, error);
    if (status == ACT_OK) {
        assert_int_equal(digest.entries, KEYS);
        status = act_set_verify(set, NULL, NULL, NULL, error);
    }
    return status;
}

static act_status warm(act_set *set, act_error *error)
{
    act_warm_state state;
    act_status status = act_set_warm(set, NULL, NULL, NULL, &state, error);
    if (status == ACT_OK)
        assert_true(state.ended && state.done_nbytes == state.wanted_nbytes);
    return status;
}

static act_status warm_for_keys(act_set *set, act_error *error)
{
    act_slice keys[KEYS];
    act_warm_report report;
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = (act_slice){entries.items[i * 7 % KEYS].key, entries.items[i].key_nbytes};
    act_status status = act_set_warm_keys(set, keys, KEYS, NULL, NULL, &report, error);
    if (status == ACT_OK)
        assert_true(report.complete);
    return status;
}

static const action_fn actions[] = {get_some, ask_for_prefixes, get_batch, scan,
                                    iterate,  check_all,        warm,      warm_for_keys};
enum {
    ACTIONS = sizeof(actions) / sizeof(actions[0])
};

/* ------------------------------------------------------------------------------- what must be */

/* After a failure the set is as good as before, and nobody is counted in any part. */
static void check_good(act_set *set)
{
    act_set_stat stat;
    assert_int_equal(get_some(set, NULL), ACT_OK);
    act_set_get_stat(set, &stat);
    assert_int_equal(stat.open_parts, options.max_mapped_nbytes ? 1 : PARTS);
}

/* Does it with the first call there failing, the second, and so on, until none is left to fail.
 * Gives how many failures were told. */
static unsigned fail_each(action_fn action, enum fault_place place, int os_code, bool for_ever)
{
    act_status expected = os_code == ENOMEM ? ACT_ERR_NOMEM : ACT_ERR_IO;
    unsigned told = 0;
    for (unsigned nth = 1;; nth++) {
        act_error error = {0};
        act_set *set;
        assert_int_equal(act_set_open(manifest, &options, &set, NULL), ACT_OK);
        fault_arm(place, nth, os_code, for_ever);
        act_status status = action(set, &error);
        bool reached = fault_disarm() >= nth;
        if (status != ACT_OK) {
            if (status != expected || error.status != expected || !error.text[0])
                fail_msg("call %u: %d, %s", nth, (int)status, error.text);
            told++;
        } else if (!reached) {
            check_good(set);
            act_set_close(set);
            return told;
        }
        check_good(set);
        act_set_close(set);
        assert_true(nth < 5000);
    }
}

static void for_all_actions(enum fault_place place, int os_code, unsigned told_min)
{
    for (unsigned window = 0; window < 2; window++) {
        options = (act_set_options){.max_mapped_nbytes = window,
                                    .part.access = place == FAULT_MMAP ? ACT_ACCESS_MAP
                                                                       : ACT_ACCESS_READ};
        for (size_t i = 0; i < ACTIONS; i++) {
            unsigned once = fail_each(actions[i], place, os_code, false);
            unsigned for_ever = fail_each(actions[i], place, os_code, true);
            /* With a window another part may go, and then there is memory. */
            if (!window)
                assert_true(once >= told_min);
            assert_true(for_ever >= told_min);
        }
    }
}

static void every_allocation_fails(void **state)
{
    (void)state;
    for_all_actions(FAULT_ALLOCATE, ENOMEM, 5);
}

static void every_system_call_fails(void **state)
{
    (void)state;
    for_all_actions(FAULT_OPEN, EIO, 1);
    for_all_actions(FAULT_FSTAT, EIO, 1);
    for_all_actions(FAULT_PREAD, EIO, 1);
    for_all_actions(FAULT_MMAP, ENODEV, 1);
    for_all_actions(FAULT_MMAP, ENOMEM, 1);
}

/* --------------------------------------------------------------------------------- opening */

static void opening_fails(enum fault_place place, int os_code)
{
    act_status expected = os_code == ENOMEM ? ACT_ERR_NOMEM : ACT_ERR_IO;
    for (unsigned nth = 1;; nth++) {
        act_error error = {0};
        act_set *set = (act_set *)&set;
        fault_arm(place, nth, os_code, false);
        act_status status = act_set_open(manifest, &options, &set, &error);
        bool reached = fault_disarm() >= nth;
        assert_int_equal(status == ACT_OK, set != NULL);
        if (status == ACT_OK)
            assert_int_equal(get_some(set, NULL), ACT_OK);
        else
            assert_true(status == expected && error.status == status && error.text[0]);
        act_set_close(set);
        if (!reached) {
            assert_int_equal(status, ACT_OK);
            assert_true(nth > 1);
            return;
        }
        /* Where there is no lock to be had, there is another way. */
        assert_true(status != ACT_OK || options.max_mapped_nbytes);
    }
}

static void opening_while_the_system_refuses(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        options = (act_set_options){.max_mapped_nbytes = i == 1, .open_all = i == 2};
        opening_fails(FAULT_ALLOCATE, ENOMEM);
        opening_fails(FAULT_OPEN, EIO);
        opening_fails(FAULT_FSTAT, EIO);
        opening_fails(FAULT_PREAD, EIO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_while_the_system_refuses),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(every_system_call_fails),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
