/* A file that is written to in place, by one at a time. */
#define _POSIX_C_SOURCE 200809L

#include "os/update.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/scratch.h"

static struct act_os_update *open_it(void)
{
    struct act_os_update *update;
    act_error error = {0};
    if (act_os_update_open(scratch_map, &update, &error) != ACT_OK)
        fail_msg("%s", error.text);
    return update;
}

static void writes_reads_and_cuts(void **state)
{
    (void)state;
    uint64_t nbytes;
    char bytes[16] = {0};
    scratch_write(scratch_map, "0123456789", 10);
    struct act_os_update *update = open_it();
    const uint8_t *there = act_os_update_bytes(update, &nbytes);
    assert_int_equal(nbytes, 10);
    assert_memory_equal(there, "0123456789", 10);
    assert_int_equal(act_os_update_write(update, 10, "abcd", 4, NULL), ACT_OK);
    assert_int_equal(act_os_update_cut(update, 12, NULL), ACT_OK);
    assert_int_equal(act_os_update_read(update, 8, bytes, 4, NULL), ACT_OK);
    assert_string_equal(bytes, "89ab");
    assert_int_equal(act_os_update_read(update, 8, bytes, 5, NULL), ACT_ERR_IO);
    assert_int_equal(act_os_update_sync(update, NULL), ACT_OK);
    assert_memory_equal(there, "0123456789", 10);
    act_os_update_close(update);
    act_os_update_close(NULL);
    scratch_write(scratch_map, "", 0);
    update = open_it();
    assert_null(act_os_update_bytes(update, &nbytes));
    assert_int_equal(nbytes, 0);
    act_os_update_close(update);
}

/* Another process has it, and then is killed. */
static void a_dead_writer_blocks_nobody(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    scratch_write(scratch_map, "0123456789", 10);
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct act_os_update *update = open_it();
        if (write(ready[1], "x", 1) == 1)
            pause();
        act_os_update_close(update);
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct act_os_update *update = (struct act_os_update *)&update;
    act_error error = {0};
    assert_int_equal(act_os_update_open(scratch_map, &update, &error), ACT_ERR_LOCKED);
    assert_null(update);
    assert_non_null(strstr(error.text, "map.act"));
    char who[32];
    snprintf(who, sizeof(who), "process %ld ", (long)child);
    FILE *locks = fopen("/proc/locks", "r");
    if (locks) {
        fclose(locks);
        if (!strstr(error.text, who) && !strstr(error.text, "another process"))
            fail_msg("\"%s\" does not name %s", error.text, who);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    act_os_update_close(open_it());
    close(ready[0]);
    close(ready[1]);
}

static void what_is_no_file(void **state)
{
    (void)state;
    struct act_os_update *update;
    act_error error = {0};
    char *name = scratch_path(scratch_dir, "pipe");
    assert_int_equal(act_os_update_open(name, &update, &error), ACT_ERR_IO);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_int_equal(act_os_update_open(name, &update, &error), ACT_ERR_NOT_REGULAR);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(symlink("map.act", name), 0);
    scratch_write(scratch_map, "0123456789", 10);
    assert_int_equal(act_os_update_open(name, &update, &error), ACT_OK);
    struct act_os_update *second;
    assert_int_equal(act_os_update_open(scratch_map, &second, &error), ACT_ERR_LOCKED);
    act_os_update_close(update);
    assert_int_equal(act_os_update_open(scratch_dir, &update, &error), ACT_ERR_NOT_REGULAR);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_reads_and_cuts),
        cmocka_unit_test(a_dead_writer_blocks_nobody),
        cmocka_unit_test(what_is_no_file),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
