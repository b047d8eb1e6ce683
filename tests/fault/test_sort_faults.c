/*
 * Sorting through temporary files, while every allocation and every system call is refused in
 * turn, and the process is killed at each of them. What must hold each time: the entries in order,
 * or an error that names the folder; nothing left in it, and no descriptor open.
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actree.h"
#include "build/share.h"
#include "build/spool.h"
#include "build/spread.h"
#include "small_disks.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/figures.h"
#include "support/random.h"
#include "support/scratch.h"
#include "write_faults.h"

static char *dir;
static struct entries unsorted, sorted;

/* Enough for several runs, and keys so long that but few of these are merged at once, and that a
 * range to which they belong cannot be sorted in memory. */
static int set_up(void **state)
{
    (void)state;
    struct random random = random_of(12);
    static uint8_t key[12002];
    random_fill(&random, key, sizeof(key));
    for (unsigned i = 0; i < 1800; i++) {
        random_fill(&random, key + 100, 8);
        entries_add(&unsorted, key, 108 + random_below(&random, 90), i);
    }
    for (unsigned i = 0; i < 3; i++)
        entries_add(&unsorted, key, sizeof(key) - i, 1);
    entries_append(&sorted, &unsorted);
    entries_sort(&sorted);
    dir = scratch_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    figures_print();
    scratch_remove(dir);
    entries_free(&unsorted);
    entries_free(&sorted);
    return 0;
}

/* Whether files without a name are to be had, whether a thread is asked for; and memory, in which
 * entries are spread, or too little for that. */
struct scene {
    bool unnamed;
    unsigned threads;
    uint64_t memory_nbytes;
};
#define LITTLE ACT_SORTER_MEMORY_NBYTES_MIN
#define MORE   ACT_SPREAD_MEMORY_NBYTES_MIN
static const struct scene scenes[] = {
    {true, 0, LITTLE}, {false, 0, LITTLE}, {true, 2, LITTLE}, {true, 0, MORE}, {true, 2, MORE}};
enum {
    SCENE_COUNT = sizeof(scenes) / sizeof(scenes[0])
};

/* ------------------------------------------------------------------------------- what is done */

static act_status take_all(act_sorter *sorter, act_error *error)
{
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    act_status status;
    size_t taken = 0;
    while ((status = act_sorter_next(sorter, &key, &key_nbytes, &value, error)) == ACT_OK) {
        assert_in_range(taken, 0, sorted.count - 1);
        const struct entry *e = &sorted.items[taken++];
        assert_int_equal(key_nbytes, e->key_nbytes);
        assert_memory_equal(key, e->key, key_nbytes);
        assert_int_equal(value, e->value);
    }
    if (status != ACT_END)
        return status;
    assert_int_equal(taken, sorted.count);
    return ACT_OK;
}

static act_status sort(const struct scene *scene, act_error *error)
{
    act_sorter *sorter = (act_sorter *)&sorter;
    act_sorter_options options = {
        .memory_nbytes = scene->memory_nbytes, .temp_dir = dir, .threads = scene->threads};
    act_status status = act_sorter_open(&options, &sorter, error);
    if (status != ACT_OK) {
        assert_null(sorter);
        return status;
    }
    for (size_t i = 0; status == ACT_OK && i < unsorted.count; i++) {
        const struct entry *e = &unsorted.items[i];
        status = act_sorter_add(sorter, e->key, e->key_nbytes, e->value, error);
    }
    if (status == ACT_OK)
        status = act_sorter_sort(sorter, NULL, NULL, error);
    if (status == ACT_OK) {
        act_sort_report report;
        act_sorter_get_report(sorter, &report);
        assert_true(report.runs > 5);
        assert_int_equal(report.passes > 0, scene->memory_nbytes == LITTLE);
        status = take_all(sorter, error);
    }
    act_sorter_close(sorter);
    return status;
}

/* -------------------------------------------------------------------------- what must be true */

static unsigned entry_count(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Removes what is left: a file that was just made, and did not lose its name. How many there were.
 */
static unsigned remove_litter(void)
{
    unsigned count = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char path[512];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 0);
        assert_int_equal(unlink(path), 0);
        count++;
    }
    closedir(folder);
    return count;
}

/* Sorts with what is armed; true if that was reached. Up to `left_max` files may be left. */
static bool sort_armed(const struct scene *scene, unsigned nth, unsigned left_max,
                       act_status *status_ret, act_error *error)
{
    unsigned descriptors = entry_count("/proc/self/fd");
    *status_ret = sort(scene, error);
    bool reached = write_fault_disarm() >= nth;
    assert_int_equal(entry_count("/proc/self/fd"), descriptors);
    assert_in_range(remove_litter(), 0, left_max);
    if (*status_ret != ACT_OK)
        assert_int_equal(error->status, *status_ret);
    return reached;
}

/* ------------------------------------------------------------------------------------- failing */

static void each_allocation_fails(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * SCENE_COUNT; i++) {
        const struct scene *scene = &scenes[i / 2];
        write_fault_no_unnamed(!scene->unnamed);
        /* What a second thread would do is done at once, in the order of one. */
        write_fault_no_threads(scene->threads > 0);
        unsigned failed = 0;
        for (unsigned nth = 1;; nth++) {
            act_error error = {0};
            act_status status;
            write_fault_arm(CALL_ALLOCATE, nth, ENOMEM, i % 2);
            bool reached = sort_armed(scene, nth, 0, &status, &error);
            /* Without memory for a thread there is none, and no error. */
            if (!reached || !scene->threads || status != ACT_OK)
                assert_int_equal(status, reached ? ACT_ERR_NOMEM : ACT_OK);
            failed += status != ACT_OK;
            if (!reached) {
                assert_true(failed > 40);
                break;
            }
        }
    }
    write_fault_no_threads(false);
}

/* An entry for which there is no memory is as if it had not been added: the others are sorted, be
 * they all in files already; and a block that cannot be as large as it may is smaller. */
static void one_entry_too_many(void **state)
{
    (void)state;
    enum {
        LARGE = 3 << 19
    };
    const uint8_t *there;
    size_t there_nbytes;
    uint64_t value;
    uint8_t *key = calloc(1, LARGE);
    assert_non_null(key);
    write_fault_no_unnamed(false);
    unsigned left_out = 0;
    bool reached = true;
    for (unsigned nth = 1; reached; nth++) {
        act_sorter *sorter;
        act_sorter_options options = {.memory_nbytes = 1 << 20, .temp_dir = dir};
        assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
        assert_int_equal(act_sorter_add(sorter, key, LARGE, 1, NULL), ACT_OK);
        write_fault_arm(CALL_ALLOCATE, nth, ENOMEM, false);
        act_status status = act_sorter_add(sorter, "x", 1, 2, NULL);
        reached = write_fault_disarm() >= nth;
        assert_int_equal(status, reached ? ACT_ERR_NOMEM : ACT_OK);
        status = act_sorter_sort(sorter, NULL, NULL, NULL);
        if (status == ACT_OK) {
            assert_int_equal(act_sorter_next(sorter, &there, &there_nbytes, &value, NULL), ACT_OK);
            assert_int_equal(there_nbytes, LARGE);
            assert_int_equal(value, 1);
            status = act_sorter_next(sorter, &there, &there_nbytes, &value, NULL);
            assert_int_equal(status, reached ? ACT_END : ACT_OK);
            left_out += reached;
        } else {
            assert_int_equal(status, ACT_ERR_NOMEM);
        }
        act_sorter_close(sorter);
    }
    assert_int_equal(left_out, 1);
    act_sorter *sorter;
    act_sorter_options options = {.memory_nbytes = 8 << 20, .temp_dir = dir};
    assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
    write_fault_arm(CALL_ALLOCATE, 1, ENOMEM, false);
    assert_int_equal(act_sorter_add(sorter, key, LARGE, 1, NULL), ACT_OK);
    assert_int_equal(write_fault_disarm(), 2);
    assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_sorter_next(sorter, &there, &there_nbytes, &value, NULL), ACT_OK);
    assert_int_equal(there_nbytes, LARGE);
    act_sorter_close(sorter);
    free(key);
}

static void each_system_call_fails(void **state)
{
    (void)state;
    static const enum write_call calls[] = {CALL_OPEN,    CALL_WRITE,  CALL_PREAD,
                                            CALL_MKSTEMP, CALL_UNLINK, CALL_CLOSE};
    static const int os_codes[] = {EIO, ENOSPC, EACCES};
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        unsigned failed = 0, refused = 0;
        for (unsigned j = 0; j < 6; j++) {
            static const unsigned numbers[] = {0, 1, 3};
            const struct scene *scene = &scenes[numbers[j / 2]];
            write_fault_no_unnamed(!scene->unnamed);
            for (unsigned nth = 1;; nth += CHECK_SLOW_BUILD && nth > 20 ? 7 : 1) {
                int os_code = os_codes[(nth + j) % 3];
                act_error error = {0};
                act_status status;
                write_fault_arm(calls[i], nth, os_code, j % 2);
                /* A file that may not be unlinked stays. */
                bool reached = sort_armed(scene, nth, calls[i] == CALL_UNLINK, &status, &error);
                refused += reached;
                failed += status != ACT_OK;
                if (status != ACT_OK &&
                    (status != ACT_ERR_IO || error.os_code != os_code || !strstr(error.text, dir)))
                    fail_msg("%s %u: %s", write_call_name(calls[i]), nth, error.text);
                if (reached && (calls[i] == CALL_WRITE || calls[i] == CALL_PREAD))
                    assert_int_equal(status, ACT_ERR_IO);
                if (!reached)
                    break;
            }
        }
        if (!refused)
            fail_msg("%s was never called", write_call_name(calls[i]));
        /* Where no file without a name can be had, there is another way; and a file that is of no
         * more use may be closed as badly as it likes. */
        if (!failed && calls[i] != CALL_OPEN && calls[i] != CALL_CLOSE)
            fail_msg("no failure of %s was told", write_call_name(calls[i]));
    }
}

/* A block cannot be written while a thread is about the next one. */
static void a_thread_goes_on_after_a_failure(void **state)
{
    (void)state;
    enum {
        KEYS = 40000
    };
    struct random r = random_of(5);
    uint64_t(*keys)[5] = calloc(KEYS, sizeof(*keys));
    assert_non_null(keys);
    for (size_t i = 0; i < KEYS; i++)
        random_fill(&r, (uint8_t *)keys[i], sizeof(keys[i]));
    write_fault_no_unnamed(false);
    for (unsigned round = 0; round < 40; round++) {
        act_sorter_options options = {.memory_nbytes = 2 << 20, .temp_dir = dir, .threads = 2};
        act_sorter *sorter;
        act_error error;
        act_status status = act_sorter_open(&options, &sorter, &error);
        assert_int_equal(status, ACT_OK);
        write_fault_arm(CALL_WRITE, 1 + round % 4, ENOSPC, true);
        for (size_t i = 0; i < KEYS && status == ACT_OK; i++)
            status = act_sorter_add(sorter, keys[i], sizeof(keys[i]), i, &error);
        assert_int_equal(status, ACT_ERR_IO);
        assert_int_equal(error.os_code, ENOSPC);
        act_sorter_close(sorter);
        write_fault_disarm();
    }
    free(keys);
}

static void interrupted_calls_are_repeated(void **state)
{
    (void)state;
    static const enum write_call calls[] = {CALL_OPEN, CALL_WRITE, CALL_PREAD, CALL_MKSTEMP};
    for (unsigned i = 0; i < 4; i++) {
        const struct scene *scene = &scenes[i == 3];
        write_fault_no_unnamed(!scene->unnamed);
        for (unsigned nth = 1;; nth += nth < 10 ? 1 : 13) {
            act_error error = {0};
            act_status status;
            write_fault_arm(calls[i], nth, EINTR, false);
            bool reached = sort_armed(scene, nth, 0, &status, &error);
            assert_int_equal(status, ACT_OK);
            if (!reached)
                break;
        }
    }
}

static void short_reads_and_writes_are_continued(void **state)
{
    (void)state;
    for (unsigned nbytes = 1; nbytes < 3000; nbytes += 997) {
        act_error error = {0};
        act_status status;
        write_fault_arm_short_io(nbytes);
        sort_armed(&scenes[nbytes % 2 ? 0 : 3], 1, 0, &status, &error);
        assert_int_equal(status, ACT_OK);
    }
}

/* The sorter that would have a second thread has none, and does all by itself. */
static void threads_that_cannot_be_had(void **state)
{
    (void)state;
    const struct scene *scene = &scenes[2];
    act_error error = {0};
    act_status status;
    write_fault_no_unnamed(false);
    write_fault_arm(CALL_THREAD, 1, EAGAIN, true);
    assert_true(sort_armed(scene, 1, 0, &status, &error));
    assert_int_equal(status, ACT_OK);
}

/* What was put aside while a file is written, and cannot be read again. */
static void a_spool_that_cannot_be_read(void **state)
{
    (void)state;
    struct act_spool spool;
    act_error error = {0};
    uint8_t *bytes = calloc(1, ACT_SPOOL_BUFFER_NBYTES);
    char *beside = scratch_path(dir, "new.act");
    assert_non_null(bytes);
    for (unsigned nth = 1; nth <= 3; nth++) {
        act_status status = ACT_OK;
        assert_int_equal(act_spool_open(&spool, beside, NULL), ACT_OK);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(act_spool_write(&spool, bytes, ACT_SPOOL_BUFFER_NBYTES, NULL), ACT_OK);
        assert_int_equal(act_spool_rewind(&spool, NULL), ACT_OK);
        write_fault_arm(CALL_PREAD, nth, EIO, false);
        for (unsigned i = 0; i < 2 && status == ACT_OK; i++)
            status = act_spool_read(&spool, bytes, ACT_SPOOL_BUFFER_NBYTES, &error);
        assert_int_equal(write_fault_disarm(), nth < 3 ? nth : 2);
        assert_int_equal(status, nth < 3 ? ACT_ERR_IO : ACT_OK);
        assert_int_equal(error.os_code, EIO);
        act_spool_close(&spool);
    }
    free(beside);
    free(bytes);
}

/* What is known of a compact file, in two tables: from the beginning, or when it has grown. */
static void tables_that_cannot_be_had(void **state)
{
    (void)state;
    static const uint64_t limits[] = {ACT_SHARE_NBYTES_MIN, 1 << 20};
    for (size_t i = 0; i < 2; i++) {
        bool reached = true;
        for (unsigned nth = 1; reached; nth++) {
            struct act_shares shares;
            write_fault_arm(CALL_ALLOCATE, nth, ENOMEM, false);
            bool is_open = act_shares_open(&shares, limits[i]);
            bool there = is_open && act_shares_reserve(&shares, 20000);
            reached = write_fault_disarm() >= nth;
            assert_int_equal(there, !reached);
            if (is_open && !there) /* it is as it was, and can be asked again */
                assert_true(act_shares_reserve(&shares, 20000));
            if (is_open)
                act_shares_close(&shares);
        }
    }
}

/* ------------------------------------------------------------------------- a disk that is full */

/* Sorts on file systems of every size. */
static int fill_disks(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned failed = 0, done = 0;
    size_t every = figures_wanted("ACT_TEST_EVERY", 8);
    for (size_t pages = 2; pages < 300; pages += every == 1 ? 1 : 1 + pages / 8) {
        act_error error = {0};
        if (small_disks_mount(dir, pages * page) != 0)
            return SMALL_DISKS_REFUSED;
        act_status status = sort(&scenes[pages % SCENE_COUNT], &error);
        if (status != ACT_OK) {
            assert_int_equal(error.os_code, ENOSPC);
            assert_non_null(strstr(error.text, dir));
        }
        failed += status != ACT_OK;
        done += status == ACT_OK;
        assert_int_equal(remove_litter(), 0);
        assert_int_equal(umount(dir), 0);
    }
    assert_true(failed > 5);
    assert_true(done > 0);
    return 0;
}

static void a_disk_that_is_too_small(void **state)
{
    (void)state;
    small_disks_run(fill_disks);
}

/* ------------------------------------------------------------------------------------- killing */

static void killed_at_each_system_call(void **state)
{
    (void)state;
    bool all = figures_wanted("ACT_TEST_EVERY", 29) == 1;
    for (unsigned i = 0; i < SCENE_COUNT; i++) {
        unsigned left = 0;
        bool killed = true;
        write_fault_no_unnamed(!scenes[i].unnamed);
        fflush(NULL);
        for (unsigned nth = 1; killed; nth += all || nth < 12 ? 1 : 29) {
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                write_fault_arm_kill(nth);
                _exit(sort(&scenes[i], NULL) != ACT_OK);
            }
            int status;
            assert_int_equal(waitpid(child, &status, 0), child);
            killed = WIFSIGNALED(status);
            figures_add("killed_at_calls", killed);
            if (killed)
                assert_int_equal(WTERMSIG(status), SIGKILL);
            else
                assert_int_equal(WEXITSTATUS(status), 0);
            left += remove_litter();
        }
        assert_in_range(left, 0, scenes[i].unnamed ? 0 : 4);
    }
    write_fault_no_unnamed(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(one_entry_too_many),
        cmocka_unit_test(each_system_call_fails),
        cmocka_unit_test(a_thread_goes_on_after_a_failure),
        cmocka_unit_test(interrupted_calls_are_repeated),
        cmocka_unit_test(short_reads_and_writes_are_continued),
        cmocka_unit_test(threads_that_cannot_be_had),
        cmocka_unit_test(a_spool_that_cannot_be_read),
        cmocka_unit_test(tables_that_cannot_be_had),
        cmocka_unit_test(a_disk_that_is_too_small),
        cmocka_unit_test(killed_at_each_system_call),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
