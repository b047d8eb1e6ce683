/*
 * The contracts of src/os, in so far as every platform has to keep them: output files, files in
 * memory, temporary files, threads, random bits, advice. Asked in ISO C alone, so that the same
 * program asks each of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/map.h"
#include "os/memory.h"
#include "os/paging.h"
#include "os/random.h"
#include "os/temp.h"
#include "os/thread.h"
#include "support/check.h"
#include "support/output_checks.h"
#include "support/random.h"
#include "support/scratch.h"

static bool is_there(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file)
        fclose(file);
    return file != NULL;
}

/* ------------------------------------------------------------------------------ output files */

static void output_appears_when_committed(void **state)
{
    (void)state;
    for (int sync = 0; sync < 2; sync++) {
        struct act_os_output *output = open_output(in_dir("new"));
        assert_int_equal(is_there(in_dir("new")), sync);
        /* Bytes that a text file would not keep. */
        assert_int_equal(act_os_output_write(output, "012345\n\r\x1a 9", 11, NULL), ACT_OK);
        assert_int_equal(act_os_output_write(output, "", 0, NULL), ACT_OK);
        assert_int_equal(act_os_output_write(output, "abc", 3, NULL), ACT_OK);
        assert_int_equal(act_os_output_write_at(output, 3, "xyz", 3, NULL), ACT_OK);
        assert_int_equal(act_os_output_write(output, "d", 1, NULL), ACT_OK);
        assert_int_equal(is_there(in_dir("new")), sync);
        assert_int_equal(act_os_output_commit(output, sync, NULL), ACT_OK);
        act_os_output_close(output);
        assert_holds(in_dir("new"), "012xyz\n\r\x1a 9abcd");
        assert_int_equal(scratch_count(scratch_dir), 1);
    }
}

static void output_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    struct act_os_output *output = open_output(in_dir("new"));
    assert_int_equal(act_os_output_write(output, "abc", 3, NULL), ACT_OK);
    act_os_output_close(output);
    assert_int_equal(scratch_count(scratch_dir), 0);
    scratch_write(in_dir("old"), "old", 3);
    output = open_output(in_dir("old"));
    assert_int_equal(act_os_output_write(output, "abc", 3, NULL), ACT_OK);
    act_os_output_close(output);
    act_os_output_close(NULL);
    assert_holds(in_dir("old"), "old");
    assert_int_equal(scratch_count(scratch_dir), 1);
}

static void output_replaces(void **state)
{
    (void)state;
    scratch_write(in_dir("old"), "an old one, and longer", 22);
    write_file(in_dir("old"), "new");
    assert_holds(in_dir("old"), "new");
    write_file(in_dir("old"), "");
    assert_holds(in_dir("old"), "");

    /* What came while it was written, too. */
    struct act_os_output *output = open_output(in_dir("late"));
    scratch_write(in_dir("late"), "theirs", 6);
    assert_int_equal(act_os_output_write(output, "ours", 4, NULL), ACT_OK);
    assert_int_equal(act_os_output_commit(output, true, NULL), ACT_OK);
    act_os_output_close(output);
    assert_holds(in_dir("late"), "ours");
    assert_int_equal(scratch_count(scratch_dir), 2);
}

/* A map of the old file stays what it was. Some Windows refuse to replace it: then all is as
 * before. */
static void output_replaces_what_is_read(void **state)
{
    (void)state;
    struct act_os_bytes old;
    scratch_write(in_dir("old"), "the old one", 11);
    assert_int_equal(
        act_os_bytes_open(in_dir("old"), ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &old, NULL), ACT_OK);
    act_error error = {0};
    struct act_os_output *output = open_output(in_dir("old"));
    assert_int_equal(act_os_output_write(output, "new", 3, NULL), ACT_OK);
    act_status status = act_os_output_commit(output, true, &error);
    act_os_output_close(output);
    if (CHECK_POSIX || status == ACT_OK)
        assert_int_equal(status, ACT_OK);
    else
        assert_int_equal(error.os_code, EACCES);
    assert_memory_equal(old.bytes, "the old one", 11);
    act_os_bytes_close(&old);
    assert_holds(in_dir("old"), status == ACT_OK ? "new" : "the old one");
    assert_int_equal(scratch_count(scratch_dir), 1);
}

static void names_outside_of_ascii(void **state)
{
    (void)state;
    write_file(in_dir("na\xc3\xafve \xe2\x82\xac.act"), "new");
    struct act_os_bytes bytes;
    assert_int_equal(act_os_bytes_open(in_dir("na\xc3\xafve \xe2\x82\xac.act"), ACT_ACCESS_READ,
                                       ACT_GUARD_NONE, 0, &bytes, NULL),
                     ACT_OK);
    assert_memory_equal(bytes.bytes, "new", 3);
    act_os_bytes_close(&bytes);
    assert_int_equal(scratch_count(scratch_dir), 1);
}

static void output_that_has_no_place(void **state)
{
    (void)state;
    assert_refused(scratch_dir, ACT_ERR_NOT_REGULAR, 0, "directory");
    assert_refused(".", ACT_ERR_NOT_REGULAR, 0, "directory");
    assert_refused("", ACT_ERR_IO, ENOENT, "\"\"");
    assert_refused(in_dir("missing/file"), ACT_ERR_IO, ENOENT, "missing");
    assert_refused(in_dir("missing/"), ACT_ERR_IO, EISDIR, "missing");
    assert_int_equal(scratch_count(scratch_dir), 0);
}

/* ------------------------------------------------------------------------------ files in memory */

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + at / 256 + 1);
}

static void expect_pattern(act_access access, uint64_t read_nbytes_max, size_t nbytes, bool mapped)
{
    struct act_os_bytes opened;
    assert_int_equal(
        act_os_bytes_open(in_dir("file"), access, ACT_GUARD_NONE, read_nbytes_max, &opened, NULL),
        ACT_OK);
    assert_int_equal(opened.mapped, mapped && CHECK_MAPPED);
    assert_int_equal(opened.nbytes, nbytes);
    size_t at = 0;
    while (at < nbytes && opened.bytes[at] == pattern(at))
        at++;
    assert_int_equal(at, nbytes);
    for (size_t i = 0; i < opened.padding_nbytes; i++)
        assert_int_equal(opened.bytes[nbytes + i], 0);
    act_os_paging_set(opened.bytes, opened.nbytes, ACT_OS_PAGING_SINGLE);
    act_os_paging_fetch(opened.bytes + nbytes / 2, nbytes - nbytes / 2);
    assert_int_equal(opened.bytes[nbytes - 1], pattern(nbytes - 1));
    act_os_bytes_close(&opened);
    assert_null(opened.bytes);
}

static void files_are_in_memory_with_zeros_after_them(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,     255,    4095,    4096,    4097,    65535,  65536,
                                   65537, 100000, 2097151, 2097152, 2097153, 5000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t nbytes = sizes[i];
        uint8_t *bytes = malloc(nbytes);
        assert_non_null(bytes);
        for (size_t at = 0; at < nbytes; at++)
            bytes[at] = pattern(at);
        scratch_write(in_dir("file"), bytes, nbytes);
        free(bytes);
        expect_pattern(ACT_ACCESS_MAP, UINT64_MAX, nbytes, true);
        expect_pattern(ACT_ACCESS_READ, 0, nbytes, false);
        expect_pattern(ACT_ACCESS_AUTO, nbytes, nbytes, false);
        expect_pattern(ACT_ACCESS_AUTO, nbytes - 1, nbytes, true);
    }
}

static void empty_files_have_no_bytes(void **state)
{
    (void)state;
    static const act_access kinds[] = {ACT_ACCESS_AUTO, ACT_ACCESS_MAP, ACT_ACCESS_READ};
    scratch_write(in_dir("empty"), "", 0);
    for (size_t i = 0; i < 3; i++) {
        struct act_os_bytes opened;
        memset(&opened, 0xff, sizeof(opened));
        assert_int_equal(
            act_os_bytes_open(in_dir("empty"), kinds[i], ACT_GUARD_NONE, 0, &opened, NULL), ACT_OK);
        assert_null(opened.bytes);
        assert_int_equal(opened.nbytes, 0);
        act_os_bytes_close(&opened);
    }
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    act_error error;
    struct act_os_bytes opened;
    assert_int_equal(
        act_os_bytes_open(scratch_dir, ACT_ACCESS_AUTO, ACT_GUARD_NONE, 0, &opened, &error),
        ACT_ERR_NOT_REGULAR);
    assert_non_null(strstr(error.text, "directory"));
    assert_int_equal(
        act_os_bytes_open(in_dir("none"), ACT_ACCESS_AUTO, ACT_GUARD_NONE, 0, &opened, &error),
        ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOENT);
    assert_non_null(strstr(error.text, "none"));
    assert_int_equal(act_os_bytes_open("", ACT_ACCESS_AUTO, ACT_GUARD_NONE, 0, &opened, &error),
                     ACT_ERR_IO);
    assert_null(opened.bytes);
}

/* ------------------------------------------------------------------------------ temporary files */

static void check_temp(struct act_os_temp *temp)
{
    static uint8_t bytes[100000], read[sizeof(bytes)];
    struct random random = random_of(1);
    random_fill(&random, bytes, sizeof(bytes));
    size_t written = 0;
    assert_int_equal(act_os_temp_nbytes(temp), 0);
    while (written < sizeof(bytes)) {
        size_t part = (size_t)random_below(&random, 9000);
        part = part < sizeof(bytes) - written ? part : sizeof(bytes) - written;
        assert_int_equal(act_os_temp_write(temp, bytes + written, part, NULL), ACT_OK);
        written += part;
        assert_int_equal(act_os_temp_nbytes(temp), written);
        size_t off = (size_t)random_below(&random, written + 1);
        assert_int_equal(act_os_temp_read(temp, off, read, written - off, NULL), ACT_OK);
        assert_memory_equal(read, bytes + off, written - off);
    }
    act_error error = {0};
    assert_int_equal(act_os_temp_read(temp, written - 1, read, 2, &error), ACT_ERR_IO);
    assert_int_equal(error.os_code, EIO);
}

static void temporary_files_hold_what_was_written(void **state)
{
    (void)state;
    struct act_os_temp *temp;
    assert_int_equal(act_os_temp_open(scratch_dir, &temp, NULL), ACT_OK);
    check_temp(temp);
    act_os_temp_close(temp);
    assert_int_equal(scratch_count(scratch_dir), 0);
    assert_int_equal(act_os_temp_open_beside(in_dir("file"), &temp, NULL), ACT_OK);
    check_temp(temp);
    act_os_temp_close(temp);
    assert_int_equal(scratch_count(scratch_dir), 0);
    assert_int_equal(act_os_temp_open_beside("file", &temp, NULL), ACT_OK);
    check_temp(temp);
    act_os_temp_close(temp);
    assert_int_equal(act_os_temp_open(NULL, &temp, NULL), ACT_OK);
    check_temp(temp);
    act_os_temp_close(temp);
    act_os_temp_close(NULL);
}

static void temporary_files_need_a_folder(void **state)
{
    (void)state;
    act_error error = {0};
    struct act_os_temp *temp = (struct act_os_temp *)&error;
    assert_int_equal(act_os_temp_open(in_dir("none"), &temp, &error), ACT_ERR_IO);
    assert_null(temp);
    assert_int_equal(error.os_code, ENOENT);
    assert_non_null(strstr(error.text, "none"));
}

/* -------------------------------------------------------------------------------------- threads */

struct counter {
    struct act_os_monitor *monitor;
    unsigned turn; /* whose it is */
    unsigned total;
};

struct player {
    struct counter *counter;
    unsigned own;
};

enum {
    PLAYERS = 3,
    ROUNDS = 200
};

/* Each adds one when it is its turn, and waits for it otherwise. */
static void play(void *context)
{
    const struct player *player = context;
    struct counter *counter = player->counter;
    for (unsigned i = 0; i < ROUNDS; i++) {
        act_os_monitor_enter(counter->monitor);
        while (counter->turn != player->own)
            act_os_monitor_wait(counter->monitor);
        counter->total++;
        counter->turn = (counter->turn + 1) % PLAYERS;
        act_os_monitor_wake(counter->monitor);
        act_os_monitor_leave(counter->monitor);
    }
}

static void threads_take_turns(void **state)
{
    (void)state;
    struct counter counter = {act_os_monitor_new(), 0, 0};
    struct player players[PLAYERS];
    struct act_os_thread *threads[PLAYERS];
    if (!counter.monitor)
        skip(); /* there are no threads */
    for (unsigned i = 0; i < PLAYERS; i++) {
        players[i] = (struct player){&counter, i};
        threads[i] = act_os_thread_try(play, &players[i]);
        assert_non_null(threads[i]);
    }
    for (unsigned i = 0; i < PLAYERS; i++)
        act_os_thread_join(threads[i]);
    assert_int_equal(counter.total, PLAYERS * ROUNDS);
    act_os_monitor_free(counter.monitor);
}

static void add_one(void *context)
{
    ++*(unsigned *)context;
}

static void work_is_done_with_or_without_threads(void **state)
{
    (void)state;
    unsigned counts[100] = {0};
    struct act_os_thread *threads[100];
    for (unsigned i = 0; i < 100; i++)
        threads[i] = act_os_thread_start(add_one, &counts[i]);
    for (unsigned i = 0; i < 100; i++) {
        act_os_thread_join(threads[i]);
        assert_int_equal(counts[i], 1);
    }
    act_os_thread_join(NULL);
    act_os_monitor_enter(NULL);
    act_os_monitor_leave(NULL);
    act_os_monitor_free(NULL);
}

/* ---------------------------------------------------------------------------------------- others
 */

static void random_bits_differ(void **state)
{
    (void)state;
    enum {
        COUNT = 1000
    };
    static uint64_t bits[COUNT];
    uint64_t any = 0, all = UINT64_MAX;
    for (unsigned i = 0; i < COUNT; i++) {
        bits[i] = act_os_random();
        any |= bits[i];
        all &= bits[i];
        for (unsigned k = i > 100 ? i - 100 : 0; k < i; k++)
            assert_true(bits[k] != bits[i]);
    }
    assert_true(any == UINT64_MAX);
    assert_true(all == 0);
}

static void there_is_memory(void **state)
{
    (void)state;
    assert_true(act_os_memory_available(0, false) > 1 << 20);
    assert_true(act_os_memory_available(UINT64_MAX, false) > 1 << 20);
    char *block = malloc(8 << 20);
    assert_non_null(block);
    act_os_memory_random(block, 8 << 20);
    memset(block, 1, 8 << 20);
    assert_int_equal(block[5 << 20], 1);
    free(block);
    (void)act_os_paging_reads();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(output_appears_when_committed),
        TEST(output_that_is_given_up_leaves_nothing),
        TEST(output_replaces),
        TEST(output_replaces_what_is_read),
        TEST(names_outside_of_ascii),
        TEST(output_that_has_no_place),
        TEST(files_are_in_memory_with_zeros_after_them),
        TEST(empty_files_have_no_bytes),
        TEST(what_cannot_be_opened),
        TEST(temporary_files_hold_what_was_written),
        TEST(temporary_files_need_a_folder),
        cmocka_unit_test(threads_take_turns),
        cmocka_unit_test(work_is_done_with_or_without_threads),
        cmocka_unit_test(random_bits_differ),
        cmocka_unit_test(there_is_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
