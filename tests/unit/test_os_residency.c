/* What the system says of pages, and what it does not: each way to be refused is tried on a child.
 */
#define _GNU_SOURCE

#include "os/residency.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/map.h"
#include "support/check.h"
#include "support/scratch.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

enum {
    PAGES = 64,
    NOBODY = 65534,
    SKIPPED = 77 /* as an answer of a child */
};

static char *dir, *path;
static struct act_os_bytes map;

/* mincore as it is for those who may not know: put between by the linker. */
static bool mincore_lies;
int __real_mincore(void *address, size_t nbytes, unsigned char *there);
int __wrap_mincore(void *address, size_t nbytes, unsigned char *there);

int __wrap_mincore(void *address, size_t nbytes, unsigned char *there)
{
    if (!mincore_lies)
        return __real_mincore(address, nbytes, there);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    memset(there, 1, (nbytes + page - 1) / page);
    return 0;
}

static uint64_t page_nbytes;

static int set_up(void **state)
{
    (void)state;
    page_nbytes = act_os_page_nbytes();
    size_t nbytes = (size_t)(PAGES * page_nbytes - 10);
    uint8_t *bytes = calloc(1, nbytes);
    assert_non_null(bytes);
    dir = scratch_make();
    path = scratch_path(dir, "file");
    scratch_write(path, bytes, nbytes);
    free(bytes);
    assert_int_equal(chmod(path, 0644), 0);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fsync(fd), 0);
    close(fd);
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &map, NULL),
                     ACT_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    act_os_bytes_close(&map);
    free(path);
    scratch_remove(dir);
    return 0;
}

static void touch(uint64_t page)
{
    (void)*(const volatile uint8_t *)(map.bytes + page * page_nbytes);
}

static unsigned count(const uint8_t *bits)
{
    unsigned ones = 0;
    for (unsigned i = 0; i < PAGES; i++)
        ones += bits[i / 8] >> i % 8 & 1;
    return ones;
}

/* Drops what is in memory of the file, as far as that is possible; then touches some pages. */
static void leave_pages(uint64_t first, uint64_t end)
{
    assert_int_equal(madvise((void *)(uintptr_t)map.bytes, PAGES * page_nbytes, MADV_DONTNEED), 0);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    for (uint64_t page = first; page < end; page++)
        touch(page);
}

static void the_pages_that_are_there(void **state)
{
    (void)state;
    uint8_t bits[PAGES / 8] = {0};
    leave_pages(5, 9);
    act_residency_source source = act_os_pages_cached(&map, bits);
    assert_int_equal(source, ACT_RESIDENCY_MINCORE);
    for (unsigned i = 5; i < 9; i++)
        assert_true(bits[i / 8] >> i % 8 & 1);
    /* Where nothing can be dropped, in a file system in memory, all of them are there. */
    unsigned ones = count(bits);
    struct act_os_cache cache;
    act_os_cache_totals(&map, &cache);
    if (cache.cached.known)
        assert_int_equal(cache.cached.nbytes, ones * page_nbytes);
    assert_true(ones == 4 || ones == PAGES);
}

static void all_of_them(void **state)
{
    (void)state;
    uint8_t bits[PAGES / 8] = {0};
    leave_pages(0, PAGES);
    assert_int_equal(act_os_pages_cached(&map, bits), ACT_RESIDENCY_MINCORE);
    assert_int_equal(count(bits), PAGES);
}

static void none_of_them(void **state)
{
    (void)state;
    uint8_t bits[PAGES / 8] = {0};
    leave_pages(0, 0);
    assert_int_equal(act_os_pages_cached(&map, bits), ACT_RESIDENCY_MINCORE);
    assert_true(count(bits) == 0 || count(bits) == PAGES);
}

/* As on kernels where mincore is restricted and cachestat is not. */
static void the_pages_by_halves(void **state)
{
    (void)state;
    uint8_t bits[PAGES / 8] = {0}, told[PAGES / 8] = {0};
    leave_pages(5, 9);
    touch(0);
    touch(PAGES - 1);
    assert_int_equal(act_os_pages_cached(&map, told), ACT_RESIDENCY_MINCORE);
    mincore_lies = true;
    act_residency_source source = act_os_pages_cached(&map, bits);
    mincore_lies = false;
    struct act_os_cache cache;
    act_os_cache_totals(&map, &cache);
    if (!cache.cached.known || count(told) == PAGES)
        skip();
    assert_int_equal(source, ACT_RESIDENCY_CACHESTAT);
    assert_memory_equal(bits, told, sizeof(bits));
}

static void the_pages_of_this_process(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("the pages are another program's");
    uint8_t bits[PAGES / 8] = {0};
    leave_pages(5, 9);
    assert_true(act_os_pages_present(map.bytes, map.nbytes, bits));
    for (unsigned i = 5; i < 9; i++)
        assert_true(bits[i / 8] >> i % 8 & 1);
    assert_int_equal(madvise((void *)(uintptr_t)map.bytes, PAGES * page_nbytes, MADV_DONTNEED), 0);
    memset(bits, 0, sizeof(bits));
    assert_true(act_os_pages_present(map.bytes, map.nbytes, bits));
    assert_int_equal(count(bits), 0);
    /* Of any memory, from the middle of a page on. */
    memset(bits, 0, sizeof(bits));
    uint8_t *block = malloc((size_t)(4 * page_nbytes));
    assert_non_null(block);
    memset(block, 1, (size_t)(4 * page_nbytes));
    assert_true(act_os_pages_present(block + 100, 3 * page_nbytes, bits));
    assert_true(count(bits) >= 3);
    free(block);
}

static void the_usage_of_a_mapping(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("the pages are another program's");
    struct act_os_usage usage;
    uint8_t bits[PAGES / 8] = {0};
    leave_pages(5, 9);
    assert_true(act_os_pages_present(map.bytes, map.nbytes, bits));
    act_os_mapping_usage(map.bytes, map.nbytes, &usage);
    assert_true(usage.rss.known && usage.pss.known && usage.huge.known);
    assert_int_equal(usage.rss.nbytes, count(bits) * page_nbytes);
    assert_true(usage.pss.nbytes <= usage.rss.nbytes);
    assert_int_equal(usage.locked.nbytes, 0);
    /* The sanitizers make it do nothing. */
    if (CHECK_SLOW_BUILD || mlock(map.bytes + 8 * page_nbytes, (size_t)page_nbytes) != 0)
        skip();
    act_os_mapping_usage(map.bytes, map.nbytes, &usage);
    munlock(map.bytes + 8 * page_nbytes, (size_t)page_nbytes);
    assert_true(usage.locked.known);
    assert_int_equal(usage.locked.nbytes, page_nbytes);
    /* Memory that is part of another mapping says nothing. */
    uint8_t block[100];
    act_os_mapping_usage(block, sizeof(block), &usage);
    assert_false(usage.rss.known);
}

static void faults_are_counted(void **state)
{
    (void)state;
    act_faults before, after;
    leave_pages(0, 0);
    act_os_faults(ACT_FAULTS_THREAD, &before);
    touch(3);
    act_os_faults(ACT_FAULTS_THREAD, &after);
    assert_true(before.known && after.known);
    assert_true(after.minor + after.major > before.minor + before.major);
    act_os_faults(ACT_FAULTS_PROCESS, &before);
    assert_true(before.known);
    assert_true(before.minor + before.major >= after.minor + after.major);
}

/* ----------------------------------------------------------------------------- what is refused */

/* Runs it in a child; the test fails unless the answer is 0, and is skipped if it is SKIPPED. */
static void in_child(int (*work)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(work());
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* From now on a user who may read the file, and no more. */
static bool become_nobody(void)
{
    return geteuid() == 0 && setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
           setuid(NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* From now on this system call is unknown, as on an older kernel. */
static bool forbid(unsigned number)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Touches two pages, so that there is something to see: the child has its own page tables. */
static unsigned touch_two(void)
{
    madvise((void *)(uintptr_t)map.bytes, PAGES * page_nbytes, MADV_DONTNEED);
    touch(5);
    touch(40);
    uint8_t bits[PAGES / 8] = {0};
    return act_os_pages_present(map.bytes, map.nbytes, bits) ? count(bits) : 0;
}

/* mincore calls all pages resident; what this process has is what is known. */
static int look_as_nobody(void)
{
    uint8_t bits[PAGES / 8] = {0};
    if (!become_nobody())
        return SKIPPED;
    unsigned present = touch_two();
    act_residency_source source = act_os_pages_cached(&map, bits);
    struct act_os_cache cache;
    act_os_cache_totals(&map, &cache);
    /* A kernel on which either still tells the truth. */
    if (source == ACT_RESIDENCY_MINCORE || source == ACT_RESIDENCY_CACHESTAT)
        return SKIPPED;
    if (source != ACT_RESIDENCY_PAGEMAP || !present)
        return 1;
    if (!(bits[0] >> 5 & 1) || !(bits[5] & 1) || count(bits) != present)
        return 2;
    return cache.cached.known ? 3 : 0;
}

static int look_at_itself(void)
{
    uint8_t bits[PAGES / 8] = {0};
    madvise((void *)(uintptr_t)map.bytes, PAGES * page_nbytes, MADV_DONTNEED);
    for (uint64_t page = 5; page < 9; page++)
        touch(page);
    if (!act_os_pages_present(map.bytes, map.nbytes, bits))
        return 0;
    return (bits[0] >> 5) == 7 && (bits[1] & 1) ? 0 : 1;
}

/* An emulator shows its own pages, perhaps with the bytes of each entry in the other order. Whether
 * that looks right is chance, for each process anew. */
static void what_is_told_is_right(void **state)
{
    (void)state;
    for (int i = 0; i < 32; i++)
        in_child(look_at_itself);
}

static void a_file_of_others(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("the pages are another program's");
    leave_pages(0, 2);
    in_child(look_as_nobody);
}

/* Nor may this process look at itself. */
static int look_without_pagemap(void)
{
    uint8_t bits[PAGES / 8] = {0};
    struct act_os_usage usage;
    if (!become_nobody() || prctl(PR_SET_DUMPABLE, 0) != 0)
        return SKIPPED;
    touch(5);
    act_residency_source source = act_os_pages_cached(&map, bits);
    if (source == ACT_RESIDENCY_MINCORE || source == ACT_RESIDENCY_CACHESTAT)
        return SKIPPED;
    if (source != ACT_RESIDENCY_UNKNOWN || act_os_pages_present(map.bytes, map.nbytes, bits))
        return 1;
    /* This one may be open all the same; what it says is right then. */
    act_os_mapping_usage(map.bytes, map.nbytes, &usage);
    return usage.rss.known && !usage.rss.nbytes ? 2 : 0;
}

static void no_permission_for_pagemap(void **state)
{
    (void)state;
    leave_pages(0, 2);
    in_child(look_without_pagemap);
}

static int look_without_proc(void)
{
    uint8_t bits[PAGES / 8] = {0};
    struct act_os_usage usage;
    if (chroot(dir) != 0)
        return SKIPPED;
    act_residency_source source = act_os_pages_cached(&map, bits);
    if (source != ACT_RESIDENCY_MINCORE || count(bits) < 4)
        return 1;
    if (act_os_pages_present(map.bytes, map.nbytes, bits))
        return 2;
    act_os_mapping_usage(map.bytes, map.nbytes, &usage);
    return usage.rss.known || usage.pss.known || usage.locked.known || usage.huge.known ? 3 : 0;
}

static void no_proc(void **state)
{
    (void)state;
    leave_pages(5, 9);
    in_child(look_without_proc);
    leave_pages(0, PAGES);
    in_child(look_without_proc);
}

static int look_without_cachestat(void)
{
    uint8_t bits[PAGES / 8] = {0};
    struct act_os_cache cache;
    if (!forbid(SYS_cachestat))
        return SKIPPED;
    if (act_os_pages_cached(&map, bits) != ACT_RESIDENCY_MINCORE)
        return 1;
    act_os_cache_totals(&map, &cache);
    return cache.cached.known || cache.evicted.known ? 2 : 0;
}

static void a_kernel_without_cachestat(void **state)
{
    (void)state;
    leave_pages(5, 9);
    in_child(look_without_cachestat);
    leave_pages(0, PAGES);
    in_child(look_without_cachestat);
}

static int look_without_mincore(void)
{
    uint8_t bits[PAGES / 8] = {0};
    if (!forbid(SYS_mincore))
        return SKIPPED;
    unsigned present = touch_two();
    if (act_os_pages_cached(&map, bits) != ACT_RESIDENCY_PAGEMAP)
        return 1;
    return present && count(bits) == present && bits[0] >> 5 & 1 && bits[5] & 1 ? 0 : 2;
}

static void a_system_without_mincore(void **state)
{
    (void)state;
    leave_pages(5, 9);
    in_child(look_without_mincore);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pages_that_are_there),
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(none_of_them),
        cmocka_unit_test(the_pages_by_halves),
        cmocka_unit_test(the_pages_of_this_process),
        cmocka_unit_test(the_usage_of_a_mapping),
        cmocka_unit_test(faults_are_counted),
        cmocka_unit_test(what_is_told_is_right),
        cmocka_unit_test(a_file_of_others),
        cmocka_unit_test(no_permission_for_pagemap),
        cmocka_unit_test(no_proc),
        cmocka_unit_test(a_kernel_without_cachestat),
        cmocka_unit_test(a_system_without_mincore),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
