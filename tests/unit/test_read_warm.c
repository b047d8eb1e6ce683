/* Warming: what is asked for is there afterwards; and what the disk refuses is told. */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actree.h"
#include "os/residency.h"
#include "support/build.h"
#include "support/check.h"
#include "support/scratch.h"

/* What the disk does is the test's to say: put between by the linker. */
static uint64_t refused_off;
static uint64_t waited_nbytes;
static atomic_bool held;
static uint64_t memory_nbytes = UINT64_MAX;
static bool faults_known = true;

int __real_act_os_paging_await(const uint8_t *bytes, uint64_t nbytes);
int __wrap_act_os_paging_await(const uint8_t *bytes, uint64_t nbytes);
uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately);

int __wrap_act_os_paging_await(const uint8_t *bytes, uint64_t nbytes)
{
    while (atomic_load(&held))
        usleep(1000);
    waited_nbytes += nbytes;
    return waited_nbytes <= refused_off ? __real_act_os_paging_await(bytes, nbytes) : EIO;
}

void __real_act_os_faults(act_faults_of whose, act_faults *faults_ret);
void __wrap_act_os_faults(act_faults_of whose, act_faults *faults_ret);
void __wrap_act_os_faults(act_faults_of whose, act_faults *faults_ret)
{
    __real_act_os_faults(whose, faults_ret);
    faults_ret->known = faults_ret->known && faults_known;
    faults_known = true; /* the next time */
}

uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately)
{
    (void)lately;
    (void)enough;
    return memory_nbytes;
}

static act_map *map;
static act_map_stat stat;

static int set_up(void **state)
{
    act_open_options options = {.access = ACT_ACCESS_MAP};
    struct entries entries = {0};
    scratch_set_up(state);
    for (unsigned i = 0; i < 100000; i++) {
        char key[32];
        snprintf(key, sizeof(key), "%c%u", 'a' + (int)(i / 10000), i * 7919U);
        entries_add(&entries, key, strlen(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    act_map_get_stat(map, &stat);
    refused_off = UINT64_MAX;
    memory_nbytes = UINT64_MAX;
    waited_nbytes = 0;
    atomic_store(&held, false);
    return 0;
}

static int tear_down(void **state)
{
    act_map_close(map);
    return scratch_tear_down(state);
}

/* Bytes of the range that this process has, or UINT64_MAX if that is not known. */
static uint64_t present(uint64_t off, uint64_t end)
{
    act_residency *residency;
    act_residency_totals totals;
    uint64_t nbytes = 0;
    assert_int_equal(act_map_residency(map, &residency, NULL), ACT_OK);
    act_residency_get_totals(residency, &totals);
    const uint8_t *pages = CHECK_EMULATED ? NULL : act_residency_present_pages(residency);
    for (; pages && off < end; off++)
        nbytes += pages[off / totals.page_nbytes / 8] >> off / totals.page_nbytes % 8 & 1;
    act_residency_close(residency);
    return pages ? nbytes : UINT64_MAX;
}

static void check_present(uint64_t off, uint64_t end)
{
    uint64_t nbytes = present(off, end);
    assert_true(nbytes == end - off || nbytes == UINT64_MAX);
}

static int count_call(void *context, uint64_t done, uint64_t total)
{
    uint64_t *calls = context;
    assert_true(done <= total);
    ++*calls;
    return 0;
}

static void the_whole_file(void **state)
{
    (void)state;
    act_warm_state found;
    uint64_t calls = 0;
    assert_int_equal(act_map_warm(map, NULL, count_call, &calls, &found, NULL), ACT_OK);
    assert_true(calls > 0);
    assert_int_equal(found.wanted_nbytes, stat.file_nbytes);
    assert_int_equal(found.done_nbytes, stat.file_nbytes);
    assert_true(found.ended && !found.cut);
    check_present(0, stat.file_nbytes);
}

static void the_hot_region(void **state)
{
    (void)state;
    act_warm_options options = {.what = ACT_WARM_HOT};
    act_warm_state found;
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, &found, NULL), ACT_OK);
    assert_int_equal(found.done_nbytes, stat.hot_end - stat.hot_off);
    check_present(stat.hot_off, stat.hot_end);
}

static void a_prefix(void **state)
{
    (void)state;
    act_warm_options options = {.what = ACT_WARM_PREFIX, .prefix = "c", .prefix_nbytes = 1};
    act_warm_state found;
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.done_nbytes > 0 && found.done_nbytes < stat.file_nbytes / 2);
    assert_int_equal(found.done_nbytes, found.wanted_nbytes);
    /* A scan below the prefix has no page to wait for. */
    act_faults before, since;
    act_range range = {.prefix = "c", .prefix_nbytes = 1};
    act_iter *iter;
    assert_int_equal(act_iter_open(map, &range, &iter, NULL), ACT_OK);
    act_faults_now(ACT_FAULTS_THREAD, &before);
    while (act_iter_next(iter, NULL, NULL, NULL, NULL) == ACT_OK)
        continue;
    act_faults_since(ACT_FAULTS_THREAD, &before, &since);
    act_iter_close(iter);
    assert_int_equal(since.major, 0);
    options.prefix = "x";
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, &found, NULL), ACT_NOT_FOUND);
    assert_true(found.ended);
    assert_int_equal(found.wanted_nbytes, 0);
}

static void a_set(void **state)
{
    (void)state;
    act_warm_set *set;
    act_warm_state found;
    uint8_t *pages = calloc(1, (size_t)(stat.file_nbytes / 4096 / 8 + 1));
    assert_non_null(pages);
    pages[1] = 0x0f;
    pages[stat.file_nbytes / 4096 / 8] |= (uint8_t)(1U << stat.file_nbytes / 4096 % 8);
    assert_int_equal(act_warm_set_of_pages(map, pages, 4096, &set, NULL), ACT_OK);
    free(pages);
    act_warm_options options = {.what = ACT_WARM_SET, .set = set};
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, &found, NULL), ACT_OK);
    assert_int_equal(found.done_nbytes, 4 * 4096 + stat.file_nbytes % 4096);
    check_present((size_t)8 * 4096, (size_t)12 * 4096);
    check_present(stat.file_nbytes - 1, stat.file_nbytes);
    options.set = NULL;
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    act_warm_set_close(set);
}

static void no_more_than_allowed(void **state)
{
    (void)state;
    act_warm_options options = {.nbytes_max = (uint64_t)256 << 10};
    act_warm_state found;
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.cut && found.ended);
    assert_true(found.done_nbytes <= options.nbytes_max && found.done_nbytes > 0);
    /* The hot region comes first. */
    check_present(stat.hot_off, stat.hot_end);
    options.nbytes_max = 0;
    memory_nbytes = (uint64_t)512 << 10;
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.cut);
    assert_true(found.done_nbytes <= (448 << 10));
    memory_nbytes = 0;
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.cut && found.done_nbytes == 0);
}

static void no_more_than_the_budget(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP, .resident_nbytes_max = 4 << 20};
    act_map *other;
    act_warm_state found;
    assert_int_equal(act_map_open(scratch_map, &options, &other, NULL), ACT_OK);
    act_warm_options what = {.nbytes_max = UINT64_MAX};
    assert_int_equal(act_map_warm(other, &what, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.done_nbytes <= options.resident_nbytes_max);
    assert_int_equal(found.cut, stat.file_nbytes > options.resident_nbytes_max);
    what.nbytes_max = 1 << 20;
    assert_int_equal(act_map_warm(other, &what, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.cut && found.done_nbytes <= what.nbytes_max);
    act_map_close(other);
}

static void a_disk_that_fails(void **state)
{
    (void)state;
    act_error error = {0};
    act_warm_state found;
    refused_off = (uint64_t)400 << 10;
    assert_int_equal(act_map_warm(map, NULL, NULL, NULL, &found, &error), ACT_ERR_IO);
    assert_int_equal(error.status, ACT_ERR_IO);
    assert_true(error.offset < stat.file_nbytes);
    assert_true(found.ended && found.done_nbytes <= refused_off);
}

/* What was mapped is not there any more: an error, where touching it would end the program. */
static void a_file_that_became_shorter(void **state)
{
    (void)state;
    act_error error = {0};
    act_warm_state found;
    CHECK_NEEDS_KERNEL("pages are not populated");
    /* Where only touching brings pages in, this cannot be tried. */
    long page_nbytes = sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, (size_t)page_nbytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    bool populates = madvise(page, (size_t)page_nbytes, 22) == 0; /* MADV_POPULATE_READ */
    munmap(page, (size_t)page_nbytes);
    if (!populates)
        skip();
    assert_int_equal(truncate(scratch_map, 8192), 0);
    assert_int_equal(act_map_warm(map, NULL, NULL, NULL, &found, &error), ACT_ERR_IO);
    assert_true(found.ended);
}

static int stop_at_once(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return 1;
}

static void stopping(void **state)
{
    (void)state;
    act_warm_state found;
    assert_int_equal(act_map_warm(map, NULL, stop_at_once, NULL, &found, NULL), ACT_STOPPED);
    assert_true(found.ended && found.done_nbytes == 0);
}

static void on_a_thread(void **state)
{
    (void)state;
    act_warm *warm;
    act_warm_state found;
    assert_int_equal(act_warm_start(map, NULL, &warm, NULL), ACT_OK);
    do
        act_warm_progress(warm, &found);
    while (!found.ended);
    assert_int_equal(found.done_nbytes, stat.file_nbytes);
    assert_int_equal(act_warm_finish(warm, &found, NULL), ACT_OK);
    assert_int_equal(found.done_nbytes, stat.file_nbytes);
    char prefix[] = "x";
    act_warm_options options = {.what = ACT_WARM_PREFIX, .prefix = prefix, .prefix_nbytes = 1};
    assert_int_equal(act_warm_start(map, &options, &warm, NULL), ACT_OK);
    prefix[0] = 'c';
    assert_int_equal(act_warm_finish(warm, &found, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_warm_finish(NULL, NULL, NULL), ACT_OK);
}

static void cancelling(void **state)
{
    (void)state;
    act_warm *warm;
    act_warm_state found;
    atomic_store(&held, true);
    assert_int_equal(act_warm_start(map, NULL, &warm, NULL), ACT_OK);
    act_warm_cancel(warm);
    act_warm_progress(warm, &found);
    assert_false(found.ended);
    atomic_store(&held, false);
    assert_int_equal(act_warm_finish(warm, &found, NULL), ACT_STOPPED);
    assert_true(found.ended && found.done_nbytes < stat.file_nbytes);
}

/* More than is asked for ahead, and without a hot region. */
static void a_large_plain_file(void **state)
{
    (void)state;
    enum {
        LARGE = 17 << 20
    };
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    uint8_t *bytes = calloc(1, LARGE);
    act_map *other;
    act_warm_state found;
    assert_non_null(bytes);
    memcpy(bytes, "ACTree03\x10", 9);
    scratch_write(scratch_map, bytes, LARGE);
    free(bytes);
    assert_int_equal(act_map_open(scratch_map, &options, &other, NULL), ACT_OK);
    assert_int_equal(act_map_warm(other, NULL, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.ended && !found.cut && found.done_nbytes == LARGE);
    act_map_close(other);
}

/* Then nobody says how much of it was read, but all is there. */
static void where_the_system_does_not_count_reads(void **state)
{
    (void)state;
    act_warm_state found;
    faults_known = false;
    assert_int_equal(act_map_warm(map, NULL, NULL, NULL, &found, NULL), ACT_OK);
    assert_int_equal(found.done_nbytes, stat.file_nbytes);
    assert_int_equal(found.read_nbytes, 0);
    assert_true(faults_known);
}

static void maps_that_are_not_mapped(void **state)
{
    (void)state;
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    act_map *other;
    act_warm_state found;
    assert_int_equal(act_map_open_memory(empty, sizeof(empty), NULL, &other, NULL), ACT_OK);
    assert_int_equal(act_map_warm(other, NULL, NULL, NULL, &found, NULL), ACT_OK);
    assert_true(found.ended && !found.cut && found.wanted_nbytes == 0);
    act_warm_options prefix = {.what = ACT_WARM_PREFIX, .prefix = "a", .prefix_nbytes = 1};
    assert_int_equal(act_map_warm(other, &prefix, NULL, NULL, &found, NULL), ACT_NOT_FOUND);
    prefix.prefix_nbytes = 0;
    assert_int_equal(act_map_warm(other, &prefix, NULL, NULL, &found, NULL), ACT_OK);
    act_map_close(other);
    act_warm *warm;
    act_warm_options options = {.what = (act_warm_what)9};
    assert_int_equal(act_warm_start(map, &options, &warm, NULL), ACT_ERR_INVALID);
    assert_null(warm);
    assert_int_equal(act_warm_start(map, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_start(NULL, NULL, &warm, NULL), ACT_ERR_INVALID);
    options = (act_warm_options){.what = ACT_WARM_PREFIX, .prefix_nbytes = 1};
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_whole_file),
        TEST(the_hot_region),
        TEST(a_prefix),
        TEST(a_set),
        TEST(no_more_than_allowed),
        TEST(no_more_than_the_budget),
        TEST(a_disk_that_fails),
        TEST(a_file_that_became_shorter),
        TEST(stopping),
        TEST(on_a_thread),
        TEST(cancelling),
        TEST(a_large_plain_file),
        TEST(where_the_system_does_not_count_reads),
        TEST(maps_that_are_not_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
