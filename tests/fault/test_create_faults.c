/*
 * Making a set where there is one already, while every allocation and every system call is refused
 * in turn, and the process is killed at each of them: the old manifest is there or the new one, and
 * nothing else is left.
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
#include "support/figures.h"
#include "support/scratch.h"
#include "write_faults.h"

enum {
    PARTS = 3
};

static char *manifest;
static act_set_member members[PARTS];
static unsigned char *old_bytes, *new_bytes;
static size_t old_nbytes, new_nbytes;
static unsigned files;

static int make_parts(void **state)
{
    static char names[PARTS][16];
    static char keys[PARTS][2] = {"a", "b", "c"};
    scratch_set_up(state);
    for (size_t part = 0; part < PARTS; part++) {
        struct entries own = {0};
        entries_add(&own, keys[part], 1, part);
        snprintf(names[part], sizeof(names[part]), "%zu.act", part);
        char *path = scratch_path(scratch_dir, names[part]);
        build_file(&own, path, ACT_LAYOUT_INDEXED, NULL);
        free(path);
        entries_free(&own);
        members[part] = (act_set_member){names[part], keys[part], part ? 1 : 0};
    }
    manifest = scratch_path(scratch_dir, "x.set");
    assert_int_equal(act_set_create(manifest, members, PARTS, NULL, NULL), ACT_OK);
    new_bytes = scratch_read(manifest, &new_nbytes);
    assert_int_equal(act_set_create(manifest, members, 1, NULL, NULL), ACT_OK);
    old_bytes = scratch_read(manifest, &old_nbytes);
    files = scratch_count(scratch_dir);
    return 0;
}

static int remove_parts(void **state)
{
    figures_print();
    free(old_bytes);
    free(new_bytes);
    free(manifest);
    return scratch_tear_down(state);
}

static bool is_there(const unsigned char *bytes, size_t nbytes)
{
    size_t found_nbytes;
    unsigned char *found = scratch_read(manifest, &found_nbytes);
    bool same = found_nbytes == nbytes && memcmp(found, bytes, nbytes) == 0;
    free(found);
    return same;
}

/* After a failure, or a success; puts the old one back. */
static void check(unsigned nth, act_status status, const act_error *error)
{
    bool is_new = is_there(new_bytes, new_nbytes);
    /* Only the last step of all can fail too late, and says so. */
    bool too_late = status != ACT_OK && strstr(error->text, "is in place");
    if (!is_new && !is_there(old_bytes, old_nbytes))
        fail_msg("call %u: the manifest is torn", nth);
    if (is_new != (status == ACT_OK || too_late))
        fail_msg("call %u: %s", nth, error->text);
    assert_int_equal(scratch_count(scratch_dir), files);
    scratch_write(manifest, old_bytes, old_nbytes);
}

static void each_call_fails(void **state)
{
    (void)state;
    for (unsigned call = CALL_ALLOCATE; call < CALL_PREAD + 1; call++) {
        unsigned told = 0;
        for (unsigned i = 0; i < 2; i++) {
            write_fault_no_unnamed(i);
            for (unsigned nth = 1;; nth++) {
                act_error error = {0};
                write_fault_arm(call, nth, call == CALL_ALLOCATE ? ENOMEM : EIO, false);
                act_status status = act_set_create(manifest, members, PARTS, NULL, &error);
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
                       call == CALL_FSYNC || call == CALL_RENAMEAT || call == CALL_PREAD;
        if (matters && !told)
            fail_msg("no failure of %s was told", write_call_name(call));
    }
    write_fault_no_unnamed(false);
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
            _exit(act_set_create(manifest, members, PARTS, NULL, NULL) != ACT_OK);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        bool is_new = is_there(new_bytes, new_nbytes);
        if (!is_new && !is_there(old_bytes, old_nbytes))
            fail_msg("killed at call %u: the manifest is torn", nth);
        /* A name that a file has for a moment on its way may be left; parts are as they were. */
        assert_true(scratch_count(scratch_dir) <= before + 1);
        scratch_write(manifest, old_bytes, old_nbytes);
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
    return cmocka_run_group_tests(tests, make_parts, remove_parts);
}
