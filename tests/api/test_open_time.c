/*
 * Opening takes the same time whatever the size: files of 10 MB, 1 GB and 100 GB, which are holes
 * but for their ends (an emulator, which keeps something for each page, has 5 GB). Medians, of
 * those taken in turns, so that what else goes on here does not decide.
 */
#define _DEFAULT_SOURCE
#define _FILE_OFFSET_BITS 64

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "actree.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    SIZES = 3,
    ROUNDS = CHECK_EMULATED ? 5 : 301,
    LIMIT_US = CHECK_SLOW_BUILD ? 2000 : 100,
    TIMES_MOST = 2
};

static const uint64_t sizes[SIZES] = {10000000, 1000000000,
                                      CHECK_EMULATED ? 5000000000 : 100000000000};
static char *paths[SIZES];

static void put_le64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* The key "k" at the start of the arena, the root at the end. False where there is no such room. */
static bool make_sparse(const char *path, uint64_t nbytes)
{
    const uint64_t root = nbytes - 64;
    uint8_t start[18] = "ACTree03";
    put_le64(start + 8, root);
    start[16] = 0x40;
    start[17] = 7;
    uint8_t end[11] = {0x01, 255};
    put_le64(end + 2, root - 16);
    end[10] = 'k';
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    bool made = ftruncate(fd, (off_t)nbytes) == 0 &&
                pwrite(fd, start, sizeof(start), 0) == sizeof(start) &&
                pwrite(fd, end, sizeof(end), (off_t)root) == sizeof(end);
    close(fd);
    return made;
}

static double now_us(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double open_us(const char *path)
{
    act_map *map;
    double before = now_us();
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    double took = now_us() - before;
    uint64_t value;
    assert_int_equal(act_map_get(map, "k", 1, &value, NULL), ACT_OK);
    assert_int_equal(value, 7);
    act_map_close(map);
    return took;
}

static void opening_takes_the_same_time(void **state)
{
    (void)state;
    static double took[SIZES][ROUNDS];
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < SIZES; i++)
            took[i][round] = open_us(paths[i]);
    CHECK_NEEDS_KERNEL("mapping a page takes a time");
    double least = 1e9, most = 0;
    for (int i = 0; i < SIZES; i++) {
        qsort(took[i], ROUNDS, sizeof(took[i][0]), compare);
        double median = took[i][ROUNDS / 2];
        print_message("%12llu bytes: %.1f us (%.1f to %.1f)\n", (unsigned long long)sizes[i],
                      median, took[i][ROUNDS / 10], took[i][ROUNDS - 1 - ROUNDS / 10]);
        least = median < least ? median : least;
        most = median > most ? median : most;
    }
    assert_true(most <= (double)LIMIT_US);
    assert_true(most <= (double)TIMES_MOST * least);
}

/* Of a file of any size as many pages are touched, give or take one of the program's own. */
static void opening_touches_the_same_pages(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("mapping a page takes a time");
    long faults[SIZES];
    long least = LONG_MAX, most = 0;
    for (int i = 0; i < SIZES; i++) {
        struct rusage before, after;
        act_map *map;
        (void)open_us(paths[i]); /* what the program itself needs is there */
        assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
        assert_int_equal(act_map_open(paths[i], NULL, &map, NULL), ACT_OK);
        assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
        faults[i] = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
        print_message("%12llu bytes: %ld page faults\n", (unsigned long long)sizes[i], faults[i]);
        /* A sanitizer has pages of its own for each of the program's. */
        assert_true(CHECK_SLOW_BUILD || faults[i] <= 8);
        least = faults[i] < least ? faults[i] : least;
        most = faults[i] > most ? faults[i] : most;
        act_map_close(map);
    }
    assert_true(CHECK_SLOW_BUILD || most - least <= 1);
}

int main(void)
{
    static const char *const names[SIZES] = {"10m.act", "1g.act", "more.act"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_takes_the_same_time),
        cmocka_unit_test(opening_touches_the_same_pages),
    };
    char *dir = scratch_make();
    bool made = true;
    for (int i = 0; i < SIZES; i++) {
        paths[i] = scratch_path(dir, names[i]);
        made = made && make_sparse(paths[i], sizes[i]);
    }
    int status = 77;
    if (made)
        status = cmocka_run_group_tests(tests, NULL, NULL);
    else
        printf("skipped: no sparse files of 100 GB here\n");
    for (int i = 0; i < SIZES; i++)
        free(paths[i]);
    scratch_remove(dir);
    return status;
}
