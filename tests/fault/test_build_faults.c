/*
 * Building, while every allocation and every system call is refused in turn, and the process is
 * killed at each of them. What must hold each time: success means that the new file is there;
 * after a failure the old one is, or none, as before; nothing else is left in the folder, and no
 * descriptor open.
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actree.h"
#include "build/sink.h"
#include "small_disks.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/figures.h"
#include "support/random.h"
#include "support/scratch.h"
#include "write_faults.h"

static const char OLD[] = "what was there before";

static act_builder_options build_options; /* the layout: all of this holds for each */
static char *dir, *path, *link_path;
static struct entries entries;
static unsigned char *expected; /* the new file */
static size_t expected_nbytes;

/* ------------------------------------------------------------------------------- what is done */

static act_status build(const char *to, act_error *error)
{
    act_builder *builder = (act_builder *)&builder;
    act_status status = act_builder_open(to, &build_options, &builder, error);
    if (status != ACT_OK) {
        assert_null(builder);
        return status;
    }
    for (size_t i = 0; status == ACT_OK && i < entries.count; i++) {
        const struct entry *e = &entries.items[i];
        status = act_builder_add(builder, e->key, e->key_nbytes, e->value, error);
    }
    act_build_report report = {0};
    if (status == ACT_OK)
        status = act_builder_finish(builder, &report, error);
    if (status == ACT_OK)
        assert_int_equal(report.file_nbytes, expected_nbytes);
    act_builder_close(builder);
    return status;
}

/* Some of everything that grows: depth, wide nodes, lines of all lengths, several buffers' worth.
 */
static void make_entries(void)
{
    struct random r = random_of(11);
    uint8_t key[4096];
    random_fill(&r, key, sizeof(key));
    for (size_t depth = 0; depth < 600; depth += 1 + random_below(&r, 3)) {
        entries_add(&entries, key, depth, random_u64(&r));
        uint8_t byte = key[depth];
        key[depth] ^= 0x55;
        entries_add(&entries, key, depth + 1 + random_below(&r, 2000), depth);
        key[depth] = byte;
    }
    for (unsigned i = 0; i < 3000; i++) {
        random_fill(&r, key, 40);
        entries_add(&entries, key, 3 + random_below(&r, 37), i);
    }
    static uint8_t longest[2 * ACT_SINK_UNIT_NBYTES]; /* so that it takes several writes */
    random_fill(&r, longest, sizeof(longest));
    entries_add(&entries, longest, sizeof(longest), 1);
    entries_sort(&entries);
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    make_entries();
    dir = scratch_make();
    path = scratch_path(dir, "map.act");
    link_path = scratch_path(dir, "link");
    expected_nbytes = 0;
    act_builder *builder;
    assert_int_equal(act_builder_open(path, &build_options, &builder, NULL), ACT_OK);
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *e = &entries.items[i];
        assert_int_equal(act_builder_add(builder, e->key, e->key_nbytes, e->value, NULL), ACT_OK);
    }
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    act_builder_close(builder);
    expected = scratch_read(path, &expected_nbytes);
    assert_true(expected_nbytes > 2 * ACT_SINK_UNIT_NBYTES);
    assert_int_equal(unlink(path), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    figures_print();
    free(expected);
    free(link_path);
    free(path);
    scratch_remove(dir);
    entries_free(&entries);
    return 0;
}

/* -------------------------------------------------------------------------- what must be true */

/* How it is at the path before: a file to be replaced, through a link; or nothing. And where files
 * without a name are to be had, and where not. */
struct scene {
    bool replaces;
    bool unnamed;
};
static const struct scene scenes[] = {{false, true}, {true, true}, {false, false}, {true, false}};
enum {
    SCENE_COUNT = sizeof(scenes) / sizeof(scenes[0]),
    SCENE_STEP = CHECK_SLOW_BUILD ? 3 : 1 /* each in turn, once and for ever */
};

static void prepare(const struct scene *scene)
{
    unlink(link_path);
    unlink(path);
    assert_int_equal(symlink("map.act", link_path), 0);
    if (scene->replaces)
        scratch_write(path, OLD, sizeof(OLD));
    write_fault_no_unnamed(!scene->unnamed);
}

static bool holds(const char *file, const void *bytes, size_t nbytes)
{
    if (access(file, F_OK) != 0)
        return false;
    size_t file_nbytes;
    unsigned char *file_bytes = scratch_read(file, &file_nbytes);
    bool equal = file_nbytes == nbytes && memcmp(file_bytes, bytes, nbytes) == 0;
    free(file_bytes);
    return equal;
}

static bool is_old(const struct scene *scene)
{
    return scene->replaces ? holds(path, OLD, sizeof(OLD)) : access(path, F_OK) != 0;
}

static bool is_new(void)
{
    return holds(path, expected, expected_nbytes);
}

/* Files in the folder beside those that belong there; `name` is one of them. */
static unsigned litter(char name[512])
{
    unsigned count = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strcmp(entry->d_name, "map.act") == 0 || strcmp(entry->d_name, "link") == 0)
            continue;
        snprintf(name, 512, "%s/%s", dir, entry->d_name);
        count++;
    }
    closedir(folder);
    return count;
}

static unsigned descriptor_count(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void check(const struct scene *scene, const char *what, unsigned nth, act_status status,
                  const act_error *error)
{
    char name[512];
    if (status == ACT_OK) {
        if (!is_new())
            fail_msg("%s %u: success, but no new file", what, nth);
    } else {
        /* Only the last step of all can fail too late, and says so. */
        bool too_late = strstr(error->text, "is in place") != NULL;
        assert_int_equal(error->status, status);
        if (too_late ? !is_new() : !is_old(scene))
            fail_msg("%s %u: \"%s\", but the old file is not as it was", what, nth, error->text);
    }
    if (litter(name))
        fail_msg("%s %u: left %s", what, nth, name);
}

/* ------------------------------------------------------------------------------------- failing */

static void each_allocation_fails(void **state)
{
    (void)state;
    /* Without memory for a thread, and for what it would share with others, there is none. */
    enum {
        THREAD_ALLOCATIONS = 2
    };
    for (unsigned i = 0; i < 2 * SCENE_COUNT; i += SCENE_STEP) {
        const struct scene *scene = &scenes[i / 2];
        unsigned forgone = 0;
        for (unsigned nth = 1;; nth++) {
            act_error error = {0};
            prepare(scene);
            unsigned descriptors = descriptor_count();
            write_fault_arm(CALL_ALLOCATE, nth, ENOMEM, i % 2);
            act_status status = build(link_path, &error);
            bool reached = write_fault_disarm() >= nth;
            assert_int_equal(descriptor_count(), descriptors);
            forgone += reached && status == ACT_OK;
            assert_true(forgone <= (build_options.threads ? THREAD_ALLOCATIONS : 0));
            if (status != ACT_OK || !reached)
                assert_int_equal(status, reached ? ACT_ERR_NOMEM : ACT_OK);
            check(scene, "allocation", nth, status, &error);
            if (!reached) {
                assert_true(nth > 15);
                break;
            }
        }
    }
}

static void each_system_call_fails(void **state)
{
    (void)state;
    static const int os_codes[] = {EIO, ENOSPC, EACCES};
    unsigned refused[CALL_OUTPUT_COUNT] = {0}, failed[CALL_OUTPUT_COUNT] = {0};
    for (unsigned i = 0; i < 2 * SCENE_COUNT; i += SCENE_STEP) {
        const struct scene *scene = &scenes[i / 2];
        for (unsigned call = CALL_STAT; call < CALL_OUTPUT_COUNT; call++) {
            for (unsigned nth = 1;; nth++) {
                int os_code = os_codes[(call + nth + i) % 3];
                act_error error = {0};
                prepare(scene);
                unsigned descriptors = descriptor_count();
                write_fault_arm(call, nth, os_code, i % 2);
                act_status status = build(link_path, &error);
                bool reached = write_fault_disarm() >= nth;
                refused[call] += reached;
                failed[call] += status != ACT_OK;
                assert_int_equal(descriptor_count(), descriptors);
                if (status != ACT_OK && (status != ACT_ERR_IO || error.os_code != os_code))
                    fail_msg("%s %u: %s", write_call_name(call), nth, error.text);
                check(scene, write_call_name(call), nth, status, &error);
                bool writes = call == CALL_WRITE || call == CALL_PWRITE || call == CALL_FSYNC;
                if (writes && reached)
                    assert_int_equal(status, ACT_ERR_IO);
                if (!reached)
                    break;
            }
        }
    }
    for (unsigned call = CALL_STAT; call < CALL_OUTPUT_COUNT; call++) {
        if (!refused[call])
            fail_msg("%s was never called", write_call_name(call));
        /* There is a way round want of randomness; every other call matters somewhere. */
        if (!failed[call] && call != CALL_RANDOM)
            fail_msg("no failure of %s was told", write_call_name(call));
    }
}

/* A signal that came while the system worked is no error: the call is made again. */
static void interrupted_calls_are_repeated(void **state)
{
    (void)state;
    static const enum write_call calls[] = {CALL_OPEN, CALL_WRITE, CALL_PWRITE, CALL_FSYNC,
                                            CALL_CLOSE};
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const struct scene *scene = &scenes[i % SCENE_COUNT];
        for (unsigned nth = 1;; nth++) {
            act_error error = {0};
            prepare(scene);
            write_fault_arm(calls[i], nth, EINTR, false);
            act_status status = build(link_path, &error);
            bool reached = write_fault_disarm() >= nth;
            assert_int_equal(status, ACT_OK);
            check(scene, write_call_name(calls[i]), nth, status, &error);
            if (!reached)
                break;
        }
    }
}

static void short_writes_are_continued(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SCENE_COUNT; i++) {
        act_error error = {0};
        prepare(&scenes[i]);
        write_fault_arm_short_io(1 + i * 1009);
        act_status status = build(link_path, &error);
        write_fault_disarm();
        assert_int_equal(status, ACT_OK);
        check(&scenes[i], "short writes", i, status, &error);
        if (CHECK_SLOW_BUILD)
            i++;
    }
}

/* Nobody may read in the temporary file what the file that it replaces kept from them. */
static void what_replaces_a_private_file_is_private(void **state)
{
    (void)state;
    char name[512];
    struct stat st;
    act_builder *builder;
    prepare(&scenes[3]);
    assert_int_equal(chmod(path, 0600), 0);
    mode_t old_mask = umask(0);
    assert_int_equal(act_builder_open(path, &build_options, &builder, NULL), ACT_OK);
    umask(old_mask);
    assert_int_equal(litter(name), 1);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    act_builder_close(builder);
    assert_int_equal(litter(name), 0);
}

/* What a builder answers after such an error: the same again, and no file. */
static void a_failed_builder_stays_failed(void **state)
{
    (void)state;
    act_error error = {0}, again = {0};
    act_builder *builder;
    prepare(&scenes[1]);
    assert_int_equal(act_builder_open(path, &build_options, &builder, NULL), ACT_OK);
    write_fault_arm(CALL_WRITE, 1, ENOSPC, false);
    act_status status = ACT_OK;
    for (size_t i = 0; status == ACT_OK && i < entries.count; i++)
        status = act_builder_add(builder, entries.items[i].key, entries.items[i].key_nbytes, 0,
                                 &error);
    if (status == ACT_OK)
        status = act_builder_finish(builder, NULL, &error);
    write_fault_disarm();
    assert_int_equal(status, ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOSPC);
    assert_non_null(strstr(error.text, "map.act"));
    assert_int_equal(act_builder_add(builder, "\xff\xff\xff\xff", 4, 0, &again), ACT_ERR_IO);
    assert_string_equal(again.text, error.text);
    assert_int_equal(act_builder_finish(builder, NULL, &again), ACT_ERR_IO);
    assert_string_equal(again.text, error.text);
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_ERR_IO);
    act_builder_close(builder);
    check(&scenes[1], "failed builder", 0, ACT_ERR_IO, &error);
}

/* A sorter that had no memory for an entry is as it was, and goes on when there is some again. */
static void each_allocation_of_a_sorter_fails(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        act_sorter *sorter = (act_sorter *)&sorter;
        act_error error = {0};
        const uint8_t *key;
        size_t key_nbytes;
        unsigned refused = 0;
        write_fault_arm(CALL_ALLOCATE, nth, ENOMEM, false);
        if (act_sorter_open(NULL, &sorter, &error) != ACT_OK) {
            assert_null(sorter);
            assert_int_equal(error.status, ACT_ERR_NOMEM);
            write_fault_disarm();
            continue;
        }
        for (size_t i = entries.count; i-- > 0;) {
            const struct entry *e = &entries.items[i];
            act_status status = act_sorter_add(sorter, e->key, e->key_nbytes, e->value, &error);
            if (status != ACT_OK) {
                refused++;
                assert_int_equal(status, ACT_ERR_NOMEM);
                assert_int_equal(error.status, ACT_ERR_NOMEM);
                status = act_sorter_add(sorter, e->key, e->key_nbytes, e->value, &error);
            }
            assert_int_equal(status, ACT_OK);
        }
        assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
        bool reached = write_fault_disarm() >= nth;
        assert_int_equal(refused, reached);
        for (size_t i = 0; i < entries.count; i++) {
            assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL), ACT_OK);
            assert_int_equal(key_nbytes, entries.items[i].key_nbytes);
            assert_memory_equal(key, entries.items[i].key, key_nbytes);
        }
        assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_END);
        act_sorter_close(sorter);
        if (!reached) {
            assert_true(nth > 4);
            break;
        }
    }
}

/* ----------------------------------------------------------------------------- a disk that fills
 */

static void every_limit_of_the_file_size(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    /* In the many pages of the longest key, the same happens at each: some will do. */
    bool all = figures_wanted("ACT_TEST_EVERY", 2) == 1;
    size_t near_nbytes = !all && CHECK_SLOW_BUILD ? 5 * 4096 : 4096;
    for (size_t nbytes = 0; nbytes <= expected_nbytes + 4096;
         nbytes += all || nbytes < 200000 || nbytes + 100000 > expected_nbytes ? near_nbytes
                                                                               : 69632) {
        const struct scene *scene = &scenes[nbytes / 4096 % SCENE_COUNT];
        struct rlimit small = {nbytes, limit.rlim_max};
        act_error error = {0};
        prepare(scene);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        act_status status = build(link_path, &error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(status, nbytes < expected_nbytes ? ACT_ERR_IO : ACT_OK);
        if (status != ACT_OK)
            assert_int_equal(error.os_code, EFBIG);
        check(scene, "limit", (unsigned)nbytes, status, &error);
        figures_add("size_limits", 1);
    }
}

/* Builds on file systems of every size. */
static int fill_disks(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned failed = 0, done = 0;
    size_t every = figures_wanted("ACT_TEST_EVERY", 16);
    for (size_t pages = 3; !done && pages < 2 * expected_nbytes / page;
         pages += every == 1 ? 1 : 1 + pages / 16) {
        act_error error = {0};
        if (small_disks_mount(dir, pages * page) != 0)
            return SMALL_DISKS_REFUSED;
        const struct scene *scene = &scenes[pages % SCENE_COUNT];
        prepare(scene);
        act_status status = build(link_path, &error);
        if (status != ACT_OK)
            assert_int_equal(error.os_code, ENOSPC);
        check(scene, "pages", (unsigned)pages, status, &error);
        failed += status != ACT_OK;
        done += status == ACT_OK;
        assert_int_equal(umount(dir), 0);
    }
    assert_true(failed > 10);
    assert_int_equal(done, 1);
    return 0;
}

static void a_disk_that_is_too_small(void **state)
{
    (void)state;
    small_disks_run(fill_disks);
}

/* ------------------------------------------------------------------------------------- killing */

/* After a kill. A complete file under a temporary name is what an unnamed one may leave in the one
 * moment between getting that name and getting its own. */
static void check_killed(const struct scene *scene, unsigned nth)
{
    char name[512];
    if (!is_new() && !is_old(scene))
        fail_msg("killed at call %u: neither the old file nor the new one", nth);
    unsigned left = litter(name);
    if (left > 1 || (left && scene->unnamed && !holds(name, expected, expected_nbytes)))
        fail_msg("killed at call %u: left %u files, %s", nth, left, name);
    if (left) {
        assert_non_null(strstr(name, "/.map.act."));
        assert_int_equal(unlink(name), 0);
    }
}

/* Builds in a child that may be killed; true if it was. */
static bool build_in_child(unsigned kill_at_call, unsigned kill_after_us)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (kill_at_call)
            write_fault_arm_kill(kill_at_call);
        _exit(build(link_path, NULL) == ACT_OK ? 0 : 1);
    }
    if (kill_after_us) {
        struct timespec pause = {0, kill_after_us * 1000L};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void killed_at_each_system_call(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SCENE_COUNT; i++) {
        for (unsigned nth = 1;; nth++) {
            prepare(&scenes[i]);
            bool killed = build_in_child(nth, 0);
            check_killed(&scenes[i], nth);
            figures_add("killed_at_calls", killed);
            if (!killed) {
                assert_true(nth > 15);
                assert_true(is_new());
                break;
            }
        }
    }
}

static void killed_at_any_time(void **state)
{
    (void)state;
    struct random r = random_of((uint64_t)getpid());
    unsigned killed = 0;
    uint64_t rounds = figures_wanted("ACT_TEST_KILLS", 200);
    for (unsigned i = 0; i < rounds; i++) {
        const struct scene *scene = &scenes[i % SCENE_COUNT];
        prepare(scene);
        killed += build_in_child(0,
                                 1 + (unsigned)random_below(&r, CHECK_SLOW_BUILD ? 60000 : 8000));
        check_killed(scene, i);
    }
    figures_add("killed_at_any_time", killed);
    assert_true(killed > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(each_system_call_fails),
        cmocka_unit_test(interrupted_calls_are_repeated),
        cmocka_unit_test(short_writes_are_continued),
        cmocka_unit_test(what_replaces_a_private_file_is_private),
        cmocka_unit_test(a_failed_builder_stays_failed),
        cmocka_unit_test(each_allocation_of_a_sorter_fails),
        cmocka_unit_test(every_limit_of_the_file_size),
        cmocka_unit_test(a_disk_that_is_too_small),
        cmocka_unit_test(killed_at_each_system_call),
        cmocka_unit_test(killed_at_any_time),
    };
    const struct CMUnitTest parts_tests[] = {
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(each_system_call_fails),
        cmocka_unit_test(a_failed_builder_stays_failed),
    };
    const struct CMUnitTest plain_tests[] = {
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(each_system_call_fails),
        cmocka_unit_test(short_writes_are_continued),
        cmocka_unit_test(a_failed_builder_stays_failed),
        cmocka_unit_test(every_limit_of_the_file_size),
    };
    /* What is built, by the word on the command line. */
    const char *what = argc > 1 ? argv[1] : "indexed";
    if (strcmp(what, "parts") == 0) {
        /* Of threads there are none, so that calls can be counted: the work is the same. */
        build_options.threads = 2;
        write_fault_no_threads(true);
        return cmocka_run_group_tests_name(what, parts_tests, set_up, tear_down);
    }
    if (strcmp(what, "plain") == 0 || strcmp(what, "compact") == 0) {
        build_options.layout = *what == 'p' ? ACT_LAYOUT_PLAIN : ACT_LAYOUT_COMPACT;
        return cmocka_run_group_tests_name(what, plain_tests, set_up, tear_down);
    }
    return cmocka_run_group_tests_name(what, tests, set_up, tear_down);
}
