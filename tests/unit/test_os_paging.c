/*
 * Advice about pages: whatever is asked for, the bytes are the same. Built once more with a system
 * that does not know how to populate (OLD_SYSTEM), and for systems that know nothing.
 */
#define _DEFAULT_SOURCE

#include "os/paging.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/map.h"
#include "os/residency.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    NBYTES = 300001
};

#ifdef OLD_SYSTEM
#include <errno.h>

int __real_madvise(void *start, size_t nbytes, int advice);
int __wrap_madvise(void *start, size_t nbytes, int advice);

static unsigned refused;

/* A kernel before 5.14, or a filter of system calls. */
int __wrap_madvise(void *start, size_t nbytes, int advice)
{
    if (advice != 22) /* MADV_POPULATE_READ */
        return __real_madvise(start, nbytes, advice);
    static const int codes[] = {EINVAL, ENOSYS, EPERM};
    errno = codes[refused++ % 3];
    return -1;
}
#endif

static void advice_changes_nothing(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "file");
    uint8_t *bytes = malloc(NBYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < NBYTES; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    scratch_write(path, bytes, NBYTES);
    struct act_os_bytes map;
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &map, NULL),
                     ACT_OK);

    uint64_t before = act_os_paging_reads();
    act_os_paging_set(map.bytes, map.nbytes, ACT_OS_PAGING_SINGLE);
    act_os_paging_set(map.bytes + 12345, 20000, ACT_OS_PAGING_AHEAD);
    act_os_paging_fetch(map.bytes + 4095, 2);
    act_os_paging_fetch(map.bytes, map.nbytes);
    act_os_paging_fetch(map.bytes + 77, 0);
    assert_memory_equal(map.bytes, bytes, NBYTES);
    assert_true(act_os_paging_reads() >= before);
    act_os_paging_set(map.bytes, map.nbytes, ACT_OS_PAGING_FORWARD);
    act_os_paging_release(&map, 5, 7, true);
    act_os_paging_release(&map, 0, map.nbytes, true);
    assert_memory_equal(map.bytes, bytes, NBYTES);

    act_os_bytes_close(&map);
    free(bytes);
    free(path);
    scratch_remove(dir);
}

/* Where the system can tell. */
static bool is_present(const struct act_os_bytes *map, uint64_t nbytes)
{
    uint64_t present = act_os_paging_resident(map->bytes, map->nbytes);
    return CHECK_EMULATED || present == UINT64_MAX ||
           (present >= nbytes && present <= nbytes + 4095);
}

static void what_is_populated_is_present(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "file");
    uint8_t *bytes = calloc(1, NBYTES);
    assert_non_null(bytes);
    scratch_write(path, bytes, NBYTES);
    struct act_os_bytes map;
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &map, NULL),
                     ACT_OK);
    act_os_paging_release(&map, 0, NBYTES, false);
    assert_true(is_present(&map, 0));
    assert_int_equal(act_os_paging_populate(map.bytes, NBYTES), 0);
    assert_true(is_present(&map, NBYTES));
    assert_int_equal(act_os_paging_populate(map.bytes + 5000, 1), 0);
#ifdef OLD_SYSTEM
    assert_int_equal(refused, 2);
#endif
    CHECK_NEEDS_KERNEL("pages are not populated");
    uint64_t off = 0;
    uint64_t released = act_os_paging_release_some(&map, &off, NBYTES, 8192);
    if (released != UINT64_MAX) {
        assert_true(released >= 8192 && off >= 8192 && off <= NBYTES);
        assert_true(act_os_paging_release_some(&map, &off, NBYTES, UINT64_MAX / 2) != UINT64_MAX);
        assert_int_equal(off, NBYTES);
        assert_true(is_present(&map, 0));
    }
    assert_true(act_os_paging_huge(map.bytes, NBYTES) <= NBYTES);
    assert_true(act_os_paging_faults() <= act_os_paging_faults());
    int os_code = act_os_paging_lock(map.bytes, 4096);
    if (os_code == 0)
        assert_int_equal(act_os_paging_unlock(map.bytes, 4096), 0);
    assert_true(act_os_paging_lock_limit() > 0);
    act_os_bytes_close(&map);
    free(bytes);
    free(path);
    scratch_remove(dir);
}

/* Two bytes, on two pages of memory that was never touched. */
static void spans_may_begin_and_end_anywhere(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t bits = 0;
    uint8_t *bytes = mmap(NULL, 4 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    assert_int_equal(act_os_paging_populate(bytes + 2 * page - 1, 2), 0);
    bool known = act_os_pages_present(bytes, 4 * page, &bits);
    assert_int_equal(munmap(bytes, 4 * page), 0);
    CHECK_NEEDS_KERNEL("pages are not populated");
    if (known)
        assert_int_equal(bits, 2 | 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_changes_nothing),
        cmocka_unit_test(what_is_populated_is_present),
        cmocka_unit_test(spans_may_begin_and_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
