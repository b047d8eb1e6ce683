/*
 * Repairing a damaged file where there is a file already, while every allocation and every system
 * call is refused in turn, and the process is killed at each of them: the old file is there or the
 * new one, nothing else is left, and the damaged one is as it was.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "write_faults.h"

enum {
    KEYS = 3000,
    MERGES = 3
};

static char *out;
static unsigned char *damaged, *new_bytes;
static size_t damaged_nbytes, new_nbytes;
static const char old_bytes[] = "what was there before";

static int make_files(void **state)
{
    struct entries entries = {0};
    struct random r = random_of(1);
    act_repair_report report;
    scratch_set_up(state);
    for (size_t i = 0; i < KEYS; i++) {
        uint8_t key[40];
        size_t nbytes = 5 + random_below(&r, 35);
        random_fill(&r, key, nbytes);
        entries_add(&entries, key, nbytes, i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    /* Merged into: then there are segments to be found, and kept in mind. */
    for (unsigned merge = 0; merge < MERGES; merge++) {
        struct entries added = {0};
        const uint8_t key[] = {(uint8_t)merge, 'm'};
        entries_add(&added, key, sizeof(key), merge);
        merge_into_file(&entries, &added, scratch_map);
    }
    entries_free(&entries);
    damaged = scratch_read(scratch_map, &damaged_nbytes);
    damaged[1000] ^= 1;
    scratch_write(scratch_map, damaged, damaged_nbytes);
    out = scratch_path(scratch_dir, "out.act");
    assert_int_equal(act_repair(scratch_map, out, NULL, &report, NULL), ACT_OK);
    assert_true(report.damaged && report.keys > 0 && report.keys < KEYS);
    new_bytes = scratch_read(out, &new_nbytes);
    scratch_write(out, old_bytes, sizeof(old_bytes));
    return 0;
}

static int remove_files(void **state)
{
    free(damaged);
    free(new_bytes);
    free(out);
    return scratch_tear_down(state);
}

static bool is_there(const char *path, const void *bytes, size_t nbytes)
{
    size_t found_nbytes;
    unsigned char *found = scratch_read(path, &found_nbytes);
    bool same = found_nbytes == nbytes && memcmp(found, bytes, nbytes) == 0;
    free(found);
    return same;
}

/* After a failure, or a success; puts the old one back. */
static void check(unsigned nth, act_status status, const act_error *error)
{
    bool is_new = is_there(out, new_bytes, new_nbytes);
    /* Only the last step of all can fail too late, and says so. */
    bool too_late = status != ACT_OK && strstr(error->text, "is in place");
    if (!is_new && !is_there(out, old_bytes, sizeof(old_bytes)))
        fail_msg("call %u: the file is torn", nth);
    if (is_new != (status == ACT_OK || too_late))
        fail_msg("call %u: %s", nth, error->text);
    assert_int_equal(scratch_count(scratch_dir), 2);
    assert_true(is_there(scratch_map, damaged, damaged_nbytes));
    scratch_write(out, old_bytes, sizeof(old_bytes));
}

static void each_call_fails(void **state)
{
    (void)state;
    for (unsigned call = CALL_ALLOCATE; call < CALL_PREAD + 1; call++) {
        unsigned told = 0;
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            for (unsigned nth = 1;; nth++) {
                act_error error = {0};
                write_fault_arm(call, nth, call == CALL_ALLOCATE ? ENOMEM : EIO, for_ever);
                act_status status = act_repair(scratch_map, out, NULL, NULL, &error);
                bool reached = write_fault_disarm() >= nth;
                told += status != ACT_OK;
                if (status != ACT_OK)
                    assert_int_equal(status, call == CALL_ALLOCATE ? ACT_ERR_NOMEM : ACT_ERR_IO);
                check(nth, status, &error);
                if (!reached)
                    break;
            }
        }
        bool matters = call == CALL_ALLOCATE || call == CALL_OPEN || call == CALL_WRITE ||
                       call == CALL_FSYNC || call == CALL_RENAMEAT;
        if (matters && !told)
            fail_msg("no failure of %s was told", write_call_name(call));
    }
}

static void killed_at_each_call(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        unsigned before = scratch_count(scratch_dir);
        fflush(stdout);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            write_fault_arm_kill(nth);
            _exit(act_repair(scratch_map, out, NULL, NULL, NULL) != ACT_OK);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        bool is_new = is_there(out, new_bytes, new_nbytes);
        if (!is_new && !is_there(out, old_bytes, sizeof(old_bytes)))
            fail_msg("killed at call %u: the file is torn", nth);
        /* A name that a file has for a moment on its way may be left. */
        assert_true(scratch_count(scratch_dir) <= before + 1);
        assert_true(is_there(scratch_map, damaged, damaged_nbytes));
        scratch_write(out, old_bytes, sizeof(old_bytes));
        if (!WIFSIGNALED(ended)) {
            assert_int_equal(WEXITSTATUS(ended), 0);
            assert_true(is_new);
            assert_true(nth > 8);
            return;
        }
        assert_int_equal(WTERMSIG(ended), SIGKILL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails),
        cmocka_unit_test(killed_at_each_call),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
