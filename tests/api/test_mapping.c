/*
 * Steering how the pages of a map are held, and what is told of it: what every region stands for,
 * what is refused, and what really happens, as the system's own list of mappings has it.
 */
#define _DEFAULT_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/smaps.h"
#include "two_files.h"

#define MIB ((uint64_t)1 << 20)

enum {
    SKIPPED = 77,
    LOCKS_NOTHING = CHECK_SLOW_BUILD /* sanitizers answer mlock by themselves, and do nothing */
};

static char *small;

static int make_files(void **state)
{
    make_two_files(state);
    struct entries few = {entries.items, 10, 10};
    build_file(&few, small = scratch_path(dir, "small.act"), ACT_LAYOUT_INDEXED, NULL);
    return 0;
}

static int remove_files(void **state)
{
    free(small);
    return remove_two_files(state);
}

static act_map *open_with(const char *path, const act_open_options *options)
{
    act_map *map;
    act_error error;
    if (act_map_open(path, options, &map, &error) != ACT_OK)
        fail_msg("%s", error.text);
    return map;
}

static act_map_paging paging_of(const act_map *map)
{
    act_map_paging paging;
    act_map_get_paging(map, &paging);
    assert_true(strlen(paging.text) > 0 && strlen(paging.text) < ACT_PAGING_TEXT_NBYTES - 1);
    assert_null(strchr(paging.text, '\n'));
    return paging;
}

static void expect_answers(const act_map *map)
{
    for (size_t i = 0; i < entries.count; i += 997) {
        uint64_t value = 0;
        const struct entry *entry = &entries.items[i];
        assert_int_equal(act_map_get(map, entry->key, entry->key_nbytes, &value, NULL), ACT_OK);
        assert_int_equal(value, entry->value);
    }
}

/* ------------------------------------------------------------------------------------- regions */

typedef act_status (*steer_fn)(const act_map *map, const act_region *region, act_error *error);

static act_status advise(const act_map *map, const act_region *region, act_error *error)
{
    return act_map_advise(map, region, ACT_ADVICE_NORMAL, error);
}

static act_status populate(const act_map *map, const act_region *region, act_error *error)
{
    return act_map_populate(map, region, NULL, NULL, NULL, NULL, error);
}

static act_status release(const act_map *map, const act_region *region, act_error *error)
{
    return act_map_release(map, region, 0, error);
}

static act_status share(const act_map *map, const act_region *region, act_error *error)
{
    return act_map_set_backing(map, region, ACT_BACKING_SHARED, error);
}

static act_status copy(const act_map *map, const act_region *region, act_error *error)
{
    return act_map_set_backing(map, region, ACT_BACKING_COPY, error);
}

static const steer_fn steers[] = {advise, populate, act_map_unlock, release,
                                  copy,   share,    act_map_lock};

/* Locking comes last, and is left out of maps that are too large for the limit. */
static void expect_all(const act_map *map, const act_region *region, act_status expected)
{
    for (size_t i = 0; i < 6 + (expected != ACT_OK); i++) {
        act_error error = {.status = ACT_OK};
        assert_int_equal(steers[i](map, region, &error), expected);
        assert_int_equal(error.status, expected >= ACT_ERR_INVALID ? expected : ACT_OK);
    }
}

static void every_call_takes_every_region(void **state)
{
    (void)state;
    const char *const paths[] = {indexed, plain};
    for (size_t i = 0; i < 2; i++) {
        act_map *map = open_with(paths[i], NULL);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        const uint8_t prefix[] = {3};
        const uint8_t absent[] = {3, 1};
        act_status hot = i == 0 ? ACT_OK : ACT_NOT_FOUND;
        expect_all(map, NULL, ACT_OK);
        expect_all(map, &(act_region){.kind = ACT_REGION_WHOLE}, ACT_OK);
        expect_all(map, &(act_region){.kind = ACT_REGION_HOT}, hot);
        expect_all(map, &(act_region){.kind = ACT_REGION_COLD}, ACT_OK);
        act_region range = {.kind = ACT_REGION_RANGE, .off = 4097, .nbytes = 9000};
        expect_all(map, &range, ACT_OK);
        range.nbytes = 0;
        range.off = stat.file_nbytes;
        expect_all(map, &range, ACT_OK);
        range.nbytes = 1;
        expect_all(map, &range, ACT_ERR_INVALID);
        range.off = UINT64_MAX;
        range.nbytes = UINT64_MAX;
        expect_all(map, &range, ACT_ERR_INVALID);
        act_region some = {.kind = ACT_REGION_PREFIX, .prefix = prefix, .prefix_nbytes = 1};
        expect_all(map, &some, ACT_OK);
        some.prefix = absent;
        some.prefix_nbytes = 2;
        expect_all(map, &some, ACT_NOT_FOUND);
        some.prefix = NULL;
        expect_all(map, &some, ACT_ERR_INVALID);
        expect_all(map, &(act_region){.kind = (act_region_kind)9}, ACT_ERR_INVALID);
        expect_answers(map);
        act_map_close(map);
    }
    expect_all(NULL, NULL, ACT_ERR_INVALID);
}

static void words_that_mean_nothing_are_refused(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, NULL);
    assert_int_equal(act_map_advise(map, NULL, (act_advice)4, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_release(map, NULL, 2, NULL), ACT_ERR_INVALID);
    act_map_close(map);
    const act_open_options wrong[] = {
        {.advice = (act_advice)4},
        {.populate = (act_populate)4},
        {.populate = ACT_POPULATE_PREFIX, .prefix_nbytes = 3},
        {.lock = (act_lock)3},
        {.huge = (act_huge)3},
        {.resident_nbytes_max = 1},
        {.resident_nbytes_max = ACT_RESIDENT_NBYTES_MIN - 1},
        {.resident_nbytes_max = 64 * MIB, .lock = ACT_LOCK_ALL},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        act_error error = {.status = ACT_OK};
        assert_int_equal(act_map_open(indexed, &wrong[i], &map, &error), ACT_ERR_INVALID);
        assert_int_equal(error.status, ACT_ERR_INVALID);
        assert_null(map);
    }
}

/* ------------------------------------------------------------------------------------- reports */

static void advice_is_told(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, NULL);
    act_map_paging paging = paging_of(map);
    assert_int_equal(paging.access, ACT_ACCESS_MAP);
    assert_int_equal(paging.advice, ACT_ADVICE_NORMAL);
    assert_true(paging.advice_is_auto);
    assert_true(paging.hot_nbytes > 0 && paging.hot_is_ahead);
    assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_RANDOM, NULL), ACT_OK);
    paging = paging_of(map);
    assert_int_equal(paging.advice, ACT_ADVICE_RANDOM);
    assert_false(paging.advice_is_auto || paging.hot_is_ahead);
    assert_non_null(strstr(paging.text, "random: as asked"));
    expect_answers(map);
    assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_AUTO, NULL), ACT_OK);
    paging = paging_of(map);
    assert_int_equal(paging.advice, ACT_ADVICE_NORMAL);
    assert_true(paging.advice_is_auto && paging.hot_is_ahead);
    act_map_close(map);

    map = open_with(plain, &(act_open_options){.advice = ACT_ADVICE_SEQUENTIAL});
    paging = paging_of(map);
    assert_int_equal(paging.advice, ACT_ADVICE_SEQUENTIAL);
    assert_false(paging.advice_is_auto);
    assert_int_equal(paging.hot_nbytes, 0);
    act_map_close(map);
}

static void what_is_in_memory_is_said_to_be(void **state)
{
    (void)state;
    act_open_options all = {.access = ACT_ACCESS_READ,
                            .advice = ACT_ADVICE_RANDOM,
                            .populate = ACT_POPULATE_ALL,
                            .is_private = true,
                            .huge = ACT_HUGE_ON,
                            .resident_nbytes_max = ACT_RESIDENT_NBYTES_MIN};
    act_map *map = open_with(indexed, &all);
    act_map_paging paging = paging_of(map);
    assert_int_equal(paging.access, ACT_ACCESS_READ);
    assert_int_equal(paging.resident_nbytes_max, 0);
    assert_int_equal(paging.populate_done_nbytes, paging.populate_asked_nbytes);
    assert_false(paging.is_private || paging.is_copy);
    assert_non_null(strstr(paging.text, "read into memory"));
    assert_int_equal(act_map_release(map, NULL, ACT_RELEASE_CACHE, NULL), ACT_OK);
    act_region range = {.kind = ACT_REGION_RANGE, .off = 5000, .nbytes = 3};
    assert_int_equal(act_map_lock(map, &range, NULL), ACT_OK);
    assert_int_equal(paging_of(map).locked_nbytes, 4096);
    expect_answers(map);
    act_map_close(map);

    size_t nbytes;
    uint8_t *bytes = scratch_read(indexed, &nbytes);
    assert_int_equal(act_map_open_memory(bytes, nbytes, &all, &map, NULL), ACT_OK);
    assert_non_null(strstr(paging_of(map).text, "the caller's"));
    assert_int_equal(act_map_lock(map, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_unlock(map, NULL, NULL), ACT_OK);
    assert_int_equal(act_map_release(map, NULL, ACT_RELEASE_CACHE, NULL), ACT_OK);
    assert_int_equal(act_map_populate(map, NULL, NULL, NULL, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_map_set_backing(map, NULL, ACT_BACKING_COPY, NULL), ACT_OK);
    assert_int_equal(paging_of(map).copied_nbytes, 0);
    expect_answers(map);
    act_map_close(map);
    free(bytes);

    map = open_with(small, &(act_open_options){.populate = ACT_POPULATE_HOT});
    assert_int_equal(paging_of(map).access, ACT_ACCESS_READ);
    act_map_close(map);
}

/* -------------------------------------------------------------------------------- what happens */

static void what_is_populated_is_present_until_it_is_released(void **state)
{
    (void)state;
    for (int private = 0; private < 2; private ++) {
        act_open_options options = {.populate = ACT_POPULATE_ALL, .is_private = private};
        act_map *map = open_with(indexed, &options);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        act_map_paging paging = paging_of(map);
        assert_int_equal(paging.is_private, private);
        assert_int_equal(paging.populate_asked_nbytes, stat.file_nbytes);
        assert_int_equal(paging.populate_done_nbytes, stat.file_nbytes);
        assert_true(CHECK_EMULATED || smaps_nbytes(indexed, NULL, "Rss") >= stat.file_nbytes);
        assert_int_equal(act_map_release(map, &(act_region){.kind = ACT_REGION_COLD}, 0, NULL),
                         ACT_OK);
        uint64_t left = smaps_nbytes(indexed, NULL, "Rss");
        uint64_t hot_nbytes = stat.hot_end - stat.hot_off;
        assert_true(CHECK_EMULATED || (left >= hot_nbytes && left <= hot_nbytes + 4 * 4096));
        assert_int_equal(act_map_release(map, NULL, ACT_RELEASE_CACHE, NULL), ACT_OK);
        if (!CHECK_EMULATED)
            assert_int_equal(smaps_nbytes(indexed, NULL, "Rss"), 0);
        expect_answers(map);
        assert_true(smaps_nbytes(indexed, NULL, "Rss") > 0);
        act_map_close(map);
    }
    CHECK_NEEDS_KERNEL("pages are not populated");
}

static void a_prefix_is_populated_alone(void **state)
{
    (void)state;
    const uint8_t prefix[] = {3};
    const char *const paths[] = {indexed, plain};
    for (size_t i = 0; i < 2; i++) {
        act_open_options options = {
            .populate = ACT_POPULATE_PREFIX, .prefix = prefix, .prefix_nbytes = 1};
        act_map *map = open_with(paths[i], &options);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        act_map_paging paging = paging_of(map);
        assert_true(paging.populate_asked_nbytes > stat.file_nbytes / 40);
        assert_true(paging.populate_asked_nbytes < stat.file_nbytes / 10);
        assert_int_equal(paging.populate_done_nbytes, paging.populate_asked_nbytes);
        assert_true(CHECK_EMULATED ||
                    smaps_nbytes(paths[i], NULL, "Rss") >= paging.populate_done_nbytes);
        act_map_close(map);

        options.prefix = "\3absent";
        options.prefix_nbytes = 7;
        map = open_with(paths[i], &options);
        paging = paging_of(map);
        assert_int_equal(paging.populate_asked_nbytes, 0);
        assert_non_null(strstr(paging.text, "nothing to populate"));
        act_map_close(map);

        options.steps_max = 1;
        options.prefix_nbytes = 1;
        act_status status = act_map_open(paths[i], &options, &map, NULL);
        if (status == ACT_OK)
            act_map_close(map); /* an indexed file's prefix may lie in one page */
        assert_int_equal(status, i == 0 ? status : ACT_ERR_LIMIT);
    }
    act_map *map = open_with(plain, &(act_open_options){.populate = ACT_POPULATE_HOT});
    assert_non_null(strstr(paging_of(map).text, "no hot region"));
    act_map_close(map);
}

/* Whoever cut it off: it is an error, not a signal, where the system can tell. */
static void populating_what_is_gone_is_an_error(void **state)
{
    (void)state;
    size_t nbytes, page = (size_t)sysconf(_SC_PAGESIZE);
    CHECK_NEEDS_KERNEL("pages are not populated");
    char *path = scratch_path(dir, "cut.act");
    void *probe = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(probe, MAP_FAILED);
    bool can_tell = madvise(probe, page, 22) == 0; /* MADV_POPULATE_READ */
    munmap(probe, page);
    if (!can_tell)
        skip();
    uint8_t *bytes = scratch_read(plain, &nbytes);
    scratch_write(path, bytes, nbytes);
    free(bytes);
    act_map *map = open_with(path, NULL);
    assert_int_equal(truncate(path, (off_t)page), 0);
    act_error error;
    assert_int_equal(act_map_populate(map, NULL, NULL, NULL, NULL, NULL, &error), ACT_ERR_IO);
    assert_non_null(strstr(error.text, "offset 0"));
    act_region range = {.kind = ACT_REGION_RANGE, .off = 8 * page, .nbytes = page};
    act_status status = act_map_lock(map, &range, &error);
    assert_true(status == ACT_ERR_IO || status == ACT_ERR_NOMEM || status == ACT_ERR_LIMIT ||
                (LOCKS_NOTHING && status == ACT_OK));
    assert_int_equal(act_map_release(map, NULL, ACT_RELEASE_CACHE, NULL), ACT_OK);
    act_map_close(map);
    free(path);
}

struct told {
    unsigned calls;
    uint64_t done, total;
    unsigned stop_at;
};

static int tell(void *context, uint64_t done, uint64_t total)
{
    struct told *told = context;
    assert_true(done >= told->done && done <= total);
    told->done = done;
    told->total = total;
    return ++told->calls == told->stop_at;
}

static void populating_tells_and_can_be_stopped(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, NULL);
    struct told told = {.stop_at = 0};
    uint64_t done, asked;
    assert_int_equal(act_map_populate(map, NULL, tell, &told, &done, &asked, NULL), ACT_OK);
    assert_true(told.calls > 0 && told.total == asked && done == asked);
    told = (struct told){.stop_at = 1};
    assert_int_equal(act_map_populate(map, NULL, tell, &told, &done, &asked, NULL), ACT_STOPPED);
    assert_true(done == 0 && asked > 0);
    act_map_close(map);
}

/* -------------------------------------------------------------------------------------- locking */

static void what_is_locked_is_counted(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (LOCKS_NOTHING || limit.rlim_cur < 2 * MIB)
        skip();
    act_map *map = open_with(indexed, &(act_open_options){.lock = ACT_LOCK_HOT});
    act_map_paging paging = paging_of(map);
    assert_true(paging.hot_nbytes > 0 && paging.hot_nbytes < MIB);
    assert_true(paging.locked_nbytes >= paging.hot_nbytes);
    assert_true(paging.locked_nbytes <= paging.hot_nbytes + 8192);
    assert_true(smaps_nbytes(indexed, NULL, "Locked") >= paging.hot_nbytes);
    act_region range = {.kind = ACT_REGION_RANGE, .off = 100, .nbytes = 4096};
    assert_int_equal(act_map_lock(map, &range, NULL), ACT_OK);
    assert_int_equal(act_map_lock(map, &range, NULL), ACT_OK);
    assert_int_equal(paging_of(map).locked_nbytes, paging.locked_nbytes + 8192);
    assert_int_equal(act_map_unlock(map, &range, NULL), ACT_OK);
    assert_int_equal(paging_of(map).locked_nbytes, paging.locked_nbytes);
    assert_int_equal(act_map_unlock(map, NULL, NULL), ACT_OK);
    assert_int_equal(paging_of(map).locked_nbytes, 0);
    assert_int_equal(smaps_nbytes(indexed, NULL, "Locked"), 0);
    act_map_close(map);

    map = open_with(plain, &(act_open_options){.lock = ACT_LOCK_HOT});
    assert_int_equal(paging_of(map).locked_nbytes, 0);
    act_map_close(map);
}

/* In a child: which limit it is, is said. */
static int lock_beyond_the_limit(void)
{
    act_map *map = open_with(indexed, NULL);
    struct rlimit limit = {65536, 65536};
    act_error error;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return SKIPPED;
    if (geteuid() == 0 && setuid(65534) != 0) /* who has the right to lock has no limit */
        return SKIPPED;
    if (act_map_lock(map, NULL, &error) != ACT_ERR_LIMIT || error.status != ACT_ERR_LIMIT)
        return 1;
    if (!strstr(error.text, "RLIMIT_MEMLOCK") || !strstr(error.text, "65536") || !error.os_code)
        return 2;
    act_map_paging paging = paging_of(map);
    act_region range = {.kind = ACT_REGION_RANGE, .off = 0, .nbytes = 4096};
    if (paging.locked_nbytes != 0 || act_map_lock(map, &range, NULL) != ACT_OK)
        return 3;
    expect_answers(map);
    act_map_close(map);
    act_open_options options = {.lock = ACT_LOCK_ALL};
    if (geteuid() != 65534 &&
        (act_map_open(indexed, &options, &map, &error) != ACT_ERR_LIMIT || map))
        return 4;
    return 0;
}

static void locking_more_than_the_limit_names_it(void **state)
{
    (void)state;
    int status;
    if (LOCKS_NOTHING)
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(lock_beyond_the_limit());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---------------------------------------------------------------------------------- huge pages */

static void in_huge_pages_the_answers_are_the_same(void **state)
{
    (void)state;
    act_open_options options = {.huge = ACT_HUGE_ON, .populate = ACT_POPULATE_ALL};
    for (int cached = 0; cached < 2; cached++) {
        act_map *map = open_with(indexed, NULL);
        assert_int_equal(act_map_release(map, NULL, ACT_RELEASE_CACHE, NULL), ACT_OK);
        if (cached) /* page by page, so that there are no huge ones */
            assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_RANDOM, NULL), ACT_OK);
        expect_answers(map);
        act_map_close(map);

        map = open_with(indexed, &options);
        act_map_paging paging = paging_of(map);
        print_message("%s\n", paging.text);
        assert_int_equal(paging.huge, ACT_HUGE_ON);
        assert_int_equal(paging.populate_done_nbytes, paging.populate_asked_nbytes);
        if (paging.is_copy) {
            assert_int_equal(paging.huge_kind,
                             paging.huge_nbytes ? ACT_HUGE_KIND_COPY : ACT_HUGE_KIND_NONE);
            if (!CHECK_EMULATED) /* which holds the old mapping, too */
                assert_int_equal(smaps_nbytes(indexed, NULL, "Rss"), 0);
        } else {
            assert_int_equal(paging.huge_kind, ACT_HUGE_KIND_FILE);
            assert_true(paging.huge_nbytes >= smaps_nbytes(indexed, NULL, "Size") / 4);
        }
        assert_int_equal(act_map_release(map, NULL, ACT_RELEASE_CACHE, NULL), ACT_OK);
        assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_RANDOM, NULL), ACT_OK);
        expect_answers(map);
        act_map_close(map);
    }
}

static void huge_pages_are_not_for_every_map(void **state)
{
    (void)state;
    act_map *map = open_with(
        indexed, &(act_open_options){.huge = ACT_HUGE_ON, .resident_nbytes_max = 8 * MIB});
    assert_false(paging_of(map).is_copy);
    assert_non_null(strstr(paging_of(map).text, "no huge pages beside a budget"));
    expect_answers(map);
    act_map_close(map);
    /* So small a file gains nothing. */
    map = open_with(indexed,
                    &(act_open_options){.huge = ACT_HUGE_AUTO, .populate = ACT_POPULATE_ALL});
    assert_false(paging_of(map).is_copy);
    expect_answers(map);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_takes_every_region),
        cmocka_unit_test(words_that_mean_nothing_are_refused),
        cmocka_unit_test(advice_is_told),
        cmocka_unit_test(what_is_in_memory_is_said_to_be),
        cmocka_unit_test(what_is_populated_is_present_until_it_is_released),
        cmocka_unit_test(a_prefix_is_populated_alone),
        cmocka_unit_test(populating_what_is_gone_is_an_error),
        cmocka_unit_test(populating_tells_and_can_be_stopped),
        cmocka_unit_test(what_is_locked_is_counted),
        cmocka_unit_test(locking_more_than_the_limit_names_it),
        cmocka_unit_test(in_huge_pages_the_answers_are_the_same),
        cmocka_unit_test(huge_pages_are_not_for_every_map),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
