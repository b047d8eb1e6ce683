/* Nothing of a file is read before it is asked for: seen by what the system has of it in memory. */
#define _DEFAULT_SOURCE
#define _FILE_OFFSET_BITS 64

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actree.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    FILE_MIB = 64,
    /* Reading ahead is the system's own affair; this is far above it and far below the file. */
    ALLOWED_MIB = 4
};

#define FILE_NBYTES ((size_t)FILE_MIB << 20)

static void put_le64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* A file that is a hole but for its ends: the key "k" at the start of the arena, the root at the
 * end. */
static bool make_sparse(const char *path)
{
    const uint64_t root = FILE_NBYTES - 64;
    uint8_t start[18] = "ACTree03";
    put_le64(start + 8, root);
    start[16] = 0x40;
    start[17] = 7;
    uint8_t end[16] = {0x01, 255};
    put_le64(end + 2, root - 16);
    end[10] = 'k';
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    bool made = ftruncate(fd, (off_t)FILE_NBYTES) == 0 &&
                pwrite(fd, start, sizeof(start), 0) == sizeof(start) &&
                pwrite(fd, end, 11, (off_t)root) == 11;
    close(fd);
    return made;
}

/* How much of the file lies in memory, whoever brought it there. */
static size_t resident_mib(const char *path)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    void *bytes = mmap(NULL, FILE_NBYTES, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    size_t page_nbytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = FILE_NBYTES / page_nbytes;
    unsigned char *there = malloc(pages);
    assert_non_null(there);
    assert_int_equal(mincore(bytes, FILE_NBYTES, there), 0);
    size_t count = 0;
    for (size_t i = 0; i < pages; i++)
        count += there[i] & 1;
    free(there);
    munmap(bytes, FILE_NBYTES);
    return count * page_nbytes >> 20;
}

static void opening_and_looking_up_reads_little(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "sparse.act");
    bool made = make_sparse(path);
    act_map *map = NULL;
    act_status status = made ? act_map_open(path, NULL, &map, NULL) : ACT_OK;
    size_t after_open = 0, after_get = 0;
    uint64_t value = 0;
    if (map) {
        after_open = resident_mib(path);
        assert_int_equal(act_map_get(map, "k", 1, &value, NULL), ACT_OK);
        assert_int_equal(act_map_get(map, "kk", 2, NULL, NULL), ACT_NOT_FOUND);
        after_get = resident_mib(path);
    }
    act_map_close(map);
    scratch_remove(dir);
    free(path);
    if (!made)
        skip();
    assert_int_equal(status, ACT_OK);
    assert_int_equal(value, 7);
    assert_true(after_open <= ALLOWED_MIB);
    assert_true(after_get <= 2 * ALLOWED_MIB);
}

/* What the test looks at is not always the same: a file that is read lies in memory. */
static void reading_all_of_it_is_seen(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "sparse.act");
    bool made = make_sparse(path);
    act_open_options options = {.access = ACT_ACCESS_READ};
    act_map *map = NULL;
    act_status status = made ? act_map_open(path, &options, &map, NULL) : ACT_OK;
    uint64_t value = 0;
    if (map)
        assert_int_equal(act_map_get(map, "k", 1, &value, NULL), ACT_OK);
    act_map_close(map);
    size_t after = made ? resident_mib(path) : 0;
    scratch_remove(dir);
    free(path);
    /* A file system in memory has no pages for holes, and a machine may be short of memory. */
    if (!made || after <= 2 * ALLOWED_MIB)
        skip();
    assert_int_equal(status, ACT_OK);
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_and_looking_up_reads_little),
        cmocka_unit_test(reading_all_of_it_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
