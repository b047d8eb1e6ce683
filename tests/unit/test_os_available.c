/* How much memory there is, by files like the system's. */
#include "os/linux/available.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/memory.h"
#include "support/check.h"
#include "support/scratch.h"

/* Writes a file, with the folders on the way to it. */
static void put(const char *name, const char *text)
{
    char *path = scratch_path(scratch_dir, name);
    for (char *slash = path + strlen(scratch_dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    scratch_write(path, text, strlen(text));
    free(path);
}

static uint64_t available(const char *meminfo)
{
    put("meminfo", meminfo);
    char *path = scratch_path(scratch_dir, "meminfo");
    uint64_t nbytes = act_os_meminfo_available(path);
    free(path);
    return nbytes;
}

static uint64_t ask_limit(const char *groups, bool left)
{
    put("groups", groups);
    char *path = scratch_path(scratch_dir, "groups");
    uint64_t nbytes = act_os_group_limit(path, scratch_dir, left);
    free(path);
    return nbytes;
}

static uint64_t limit(const char *groups)
{
    return ask_limit(groups, false);
}

static void what_the_system_can_give(void **state)
{
    (void)state;
    assert_int_equal(
        available("MemTotal:   9 kB\nMemFree:  1 kB\nMemAvailable:    1234 kB\nX: 5\n"),
        1234 * 1024);
    assert_int_equal(available("MemTotal: 9 kB\n"), UINT64_MAX);
    assert_int_equal(available("MemTotal: 9 kB\nMemAvailable: many\n"), UINT64_MAX);
    assert_int_equal(available("MemTotal: 9 kB\nMemAvailable: 99999999999999999999 kB\n"),
                     UINT64_MAX);
    assert_int_equal(available(""), UINT64_MAX);
    assert_int_equal(act_os_meminfo_available("/no/such/file"), UINT64_MAX);
}

static void the_first_version_of_control_groups(void **state)
{
    (void)state;
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("memory/outer/memory.limit_in_bytes", "1000000\n");
    put("memory/outer/inner/memory.limit_in_bytes", "9223372036854771712\n");
    put("cpu/outer/memory.limit_in_bytes", "1\n");
    put("outer/memory.max", "2\n");
    assert_int_equal(limit("5:cpu,cpuacct:/outer\n4:memory:/\n"), 9223372036854771712u);
    assert_int_equal(limit("5:cpu:/outer\n4:memory:/outer\n"), 1000000);
    /* The limit of the group above holds, and a group that cannot be seen has those above it. */
    assert_int_equal(limit("4:memory:/outer/inner\n0::/none\n"), 1000000);
    assert_int_equal(limit("4:hugetlb,memory:/outer/not/seen\n"), 1000000);
    /* The second version has no memory where the first has it. */
    assert_int_equal(limit("4:memory:/outer\n0::/outer\n"), 1000000);
    assert_int_equal(limit("4:memory_of_others:/outer\n"), UINT64_MAX);
    assert_int_equal(limit("4:xmemory:/outer\n"), UINT64_MAX);
}

static void the_second_version_of_control_groups(void **state)
{
    (void)state;
    put("a/memory.max", "25165824\n");
    put("a/b/memory.max", "max\n");
    put("a/c/memory.max", "4096\n");
    assert_int_equal(limit("0::/a\n"), 25165824);
    assert_int_equal(limit("0::/a/b\n"), 25165824);
    assert_int_equal(limit("0::/a/c\n"), 4096);
    assert_int_equal(limit("0::/\n"), UINT64_MAX);
    put("d/memory.max", "8192\n");
    put("d/memory.high", "5000\n");
    put("e/memory.max", "8192\n");
    put("e/memory.high", "max\n");
    assert_int_equal(limit("0::/d\n"), 5000);
    assert_int_equal(limit("0::/e\n"), 8192);
    assert_int_equal(limit("1:name=systemd:/\n0::/a/c"), 4096);
}

/* What was taken is not there to be taken, but for files. */
static void what_limits_leave(void **state)
{
    (void)state;
    put("memory/f/memory.limit_in_bytes", "1000000\n");
    assert_int_equal(ask_limit("4:memory:/f\n", true), 1000000);
    put("memory/f/memory.usage_in_bytes", "700000\n");
    assert_int_equal(ask_limit("4:memory:/f\n", true), 300000);
    assert_int_equal(limit("4:memory:/f\n"), 1000000);
    put("memory/f/memory.stat", "cache 9\ninactive_file 7\nactive_file 7\n"
                                "total_inactive_file 100000\ntotal_active_file 50000\n");
    assert_int_equal(ask_limit("4:memory:/f\n", true), 450000);
    put("memory/f/memory.usage_in_bytes", "2000000\n");
    assert_int_equal(ask_limit("4:memory:/f\n", true), 0);
    put("memory/f/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(ask_limit("4:memory:/f\n", true), 9223372036854771712u);
    put("g/memory.max", "5000\n");
    put("g/memory.current", "4000\n");
    put("g/memory.stat", "anon 1\ninactive_file 1000\nactive_file 500\n");
    assert_int_equal(ask_limit("0::/g\n", true), 2500);
    put("g/memory.stat", "inactive_file 9000\n");
    assert_int_equal(ask_limit("0::/g\n", true), 1000);
    put("g/memory.stat", "anon 1\ninactive_file 9000\n");
    assert_int_equal(ask_limit("0::/g\n", true), 5000);
}

static void files_that_say_nothing(void **state)
{
    (void)state;
    static char path[10000];
    memset(path, 'x', sizeof(path) - 1);
    memcpy(path, "0::/", 4);
    path[4090] = '\0';
    assert_int_equal(limit(path), UINT64_MAX);
    assert_int_equal(limit(""), UINT64_MAX);
    assert_int_equal(limit("nonsense\n\n:\n::\n4:memory\n"), UINT64_MAX);
    assert_int_equal(act_os_group_limit("/no/such/file", scratch_dir, true), UINT64_MAX);
}

/* Both answers of this machine are some memory, and the careful one is not more. */
static void this_machine(void **state)
{
    (void)state;
    assert_true(act_os_memory_available(0, false) >= 1 << 20);
    assert_true(act_os_memory_available(UINT64_MAX, false) >= 1 << 20);
    assert_true(act_os_memory_available(UINT64_MAX, false) < UINT64_MAX);
}

/* What lately will do for stays the same while memory is taken, and the true answer changes: at
 * some time, for the system has pages at hand that it does not count, and others come and go. */
static void answers_are_kept_for_a_while(void **state)
{
    (void)state;
    enum {
        TRIES = 30,
        TAKEN_NBYTES = 16 << 20 /* touched in less time than an answer is kept */
    };
    char *taken[TRIES] = {NULL};
    bool kept_once = false;
    for (int i = 0; i < TRIES && !kept_once; i++) {
        uint64_t before = act_os_memory_available(UINT64_MAX, false);
        uint64_t kept = act_os_memory_available(UINT64_MAX, true);
        taken[i] = malloc(TAKEN_NBYTES);
        assert_non_null(taken[i]);
        memset(taken[i], 1, TAKEN_NBYTES);
        uint64_t kept_yet = act_os_memory_available(UINT64_MAX, true);
        uint64_t now = act_os_memory_available(UINT64_MAX, false);
        kept_once = kept == kept_yet && now < before;
    }
    for (int i = 0; i < TRIES && taken[i]; i++) {
        assert_int_equal(taken[i][TAKEN_NBYTES - 1], 1);
        free(taken[i]);
    }
    if (!kept_once)
        fail_msg("no answer was kept for a while");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_system_can_give),
        cmocka_unit_test(the_first_version_of_control_groups),
        cmocka_unit_test(the_second_version_of_control_groups),
        cmocka_unit_test(what_limits_leave),
        cmocka_unit_test(files_that_say_nothing),
        cmocka_unit_test(this_machine),
        cmocka_unit_test(answers_are_kept_for_a_while),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
