/*
 * A guard that breaks in the middle of a call, when certain pages are touched: these are taken out
 * of reach, and the handler of the signal breaks it, and gives them back.
 */
#define _DEFAULT_SOURCE

#include "read/guard.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/guard.h"
#include "read/cursor.h"
#include "read/extents.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

static atomic_uintptr_t word;

static void wipe(struct act_os_guard *guard)
{
    (void)guard;
    atomic_store(&word, 0);
}

static struct act_os_guard guard = {.word = &word, .expected = 1, .wipe = wipe};

/* Out of reach until they are touched. */
static struct {
    void *bytes;
    size_t nbytes;
} trap;

static void spring(int number)
{
    (void)number;
    atomic_store(&word, 0);
    if (mprotect(trap.bytes, trap.nbytes, PROT_READ) != 0)
        _exit(1);
}

/* A plain map with a guard, whose pages before that of the node of "m" are a trap. */
static act_map *open_trapped(void)
{
    act_open_options options = {.access = ACT_ACCESS_MAP};
    struct entries entries = {0};
    struct random r = random_of(61);
    act_map *map;
    act_cursor *cursor;
    for (uint64_t i = 0; i < 40000; i++) {
        char key[32];
        int nbytes = snprintf(key, sizeof(key), "%c%012llx", 'a' + (int)random_below(&r, 26),
                              (unsigned long long)random_u64(&r) >> 16);
        entries_add(&entries, key, (size_t)nbytes, i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_PLAIN, NULL);
    entries_free(&entries);
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_cursor_open(map, "m", 1, &cursor, NULL), ACT_OK);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    trap.bytes = (void *)(uintptr_t)map->arena.bytes;
    trap.nbytes = (size_t)(act_cursor_top(cursor)->id / page * page);
    act_cursor_close(cursor);
    struct sigaction action = {.sa_handler = spring};
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0); /* some systems' signal for it */
    assert_int_equal(mprotect(trap.bytes, trap.nbytes, PROT_NONE), 0);
    atomic_store(&word, 1);
    atomic_store(&guard.lost, 0);
    map->os_bytes.guard = &guard;
    return map;
}

static void close_trapped(act_map *map)
{
    map->os_bytes.guard = NULL;
    act_map_close(map);
}

static bool count(void *context, uint64_t off, uint64_t nbytes)
{
    (void)off;
    (void)nbytes;
    ++*(unsigned *)context;
    return true;
}

static void no_extent_is_told_of_what_is_gone(void **state)
{
    (void)state;
    act_map *map = open_trapped();
    unsigned extents = 0;
    assert_int_equal(act_extents_of(map, "m", 1, count, &extents, NULL), ACT_ERR_IO);
    assert_false(act_os_guard_holds(&guard));
    assert_int_equal(extents, 0);
    close_trapped(map);
}

static int never(void *context, const uint8_t *key, size_t key_nbytes)
{
    (void)context;
    fail_msg("a cut of %zu bytes, the first %d", key_nbytes, key[0]);
    return 0;
}

/* What is told of a file at once is not to be believed when its guard does not hold any more. */
static void nothing_is_told_of_a_map_whose_guard_broke(void **state)
{
    (void)state;
    static const uint8_t pages[8] = {1};
    act_warm_set *set, *none;
    act_map *map = open_trapped();
    assert_int_equal(mprotect(trap.bytes, trap.nbytes, PROT_READ), 0);
    assert_int_equal(act_warm_set_of_pages(map, pages, 1 << 20, &set, NULL), ACT_OK);
    assert_int_equal(act_warm_set_check(set, map, NULL), ACT_OK);
    atomic_store(&word, 0);
    assert_int_equal(act_warm_set_of_pages(map, pages, 1 << 20, &none, NULL), ACT_ERR_IO);
    assert_null(none);
    assert_int_equal(act_warm_set_check(set, map, NULL), ACT_ERR_IO);
    assert_int_equal(act_map_split(map, NULL, 4, never, NULL, NULL), ACT_ERR_IO);
    act_warm_set_close(set);
    close_trapped(map);
}

/* Opening has an answer, which is not to be believed either when the guard does not hold. */
static void what_opening_says_stands_while_the_guard_holds(void **state)
{
    (void)state;
    act_map *map = open_trapped();
    assert_int_equal(mprotect(trap.bytes, trap.nbytes, PROT_READ), 0);
    struct act_os_bytes bytes = map->os_bytes;
    act_error error = {0};
    for (int guarded = 0; guarded < 2; guarded++) {
        bytes.guard = guarded ? &guard : NULL;
        assert_int_equal(act_guard_opened(&bytes, "the file", ACT_OK, &error), ACT_OK);
        assert_int_equal(act_guard_opened(&bytes, "the file", ACT_ERR_CORRUPT, &error),
                         ACT_ERR_CORRUPT);
        assert_int_equal(error.status, ACT_OK);
    }
    atomic_store(&word, 0);
    assert_int_equal(act_guard_opened(&bytes, "the file", ACT_OK, &error), ACT_ERR_IO);
    assert_int_equal(error.status, ACT_ERR_IO);
    assert_int_equal(error.os_code, ACT_OS_GUARD_CHANGED);
    assert_non_null(strstr(error.text, "the file"));
    assert_int_equal(act_guard_opened(&bytes, "the file", ACT_ERR_CORRUPT, NULL), ACT_ERR_IO);
    bytes.guard = NULL;
    assert_int_equal(act_guard_opened(&bytes, "the file", ACT_OK, NULL), ACT_OK);
    close_trapped(map);
}

/* A file that was written to is told by the time of that, to the second or less. */
static void files_that_were_written_to(void **state)
{
    (void)state;
    unsigned changes = 0;
    act_map *map = open_trapped();
    close_trapped(map);
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    const struct act_os_identity *was = &map->os_bytes.identity;
    for (int seconds = 0; seconds < 2; seconds++) {
        const struct timespec times[2] = {
            {.tv_sec = (time_t)was->written_s, .tv_nsec = (long)was->written_ns},
            {.tv_sec = (time_t)was->written_s + seconds,
             .tv_nsec = seconds ? (long)was->written_ns : ((long)was->written_ns + 1) % 1000000}};
        assert_int_equal(act_map_changed(map, &changes, NULL), ACT_OK);
        if (!seconds)
            assert_int_equal(changes, 0);
        assert_int_equal(utimensat(AT_FDCWD, scratch_map, times, 0), 0);
        assert_int_equal(act_map_changed(map, &changes, NULL), ACT_OK);
        assert_int_equal(changes, ACT_CHANGED_WRITTEN);
    }
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_of_a_map_whose_guard_broke),
        cmocka_unit_test(what_opening_says_stands_while_the_guard_holds),
        cmocka_unit_test(files_that_were_written_to),
        cmocka_unit_test(no_extent_is_told_of_what_is_gone),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
