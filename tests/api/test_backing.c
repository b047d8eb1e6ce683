/*
 * What is behind the addresses of an open map: the file, shared or private, huge pages, or a copy,
 * for every region, changed while others read; and that it is what the system's own list says.
 */
#define _DEFAULT_SOURCE

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actree.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/smaps.h"
#include "two_files.h"

#define MIB  ((uint64_t)1 << 20)
#define HUGE (2 * MIB)

/* As a mapping of a copy is named. */
#define COPY "memfd:actree"

enum {
    THREADS = 4,
    FLIPS = CHECK_SLOW_BUILD || CHECK_EMULATED ? 40 : 400
};

static const act_backing backings[] = {ACT_BACKING_SHARED, ACT_BACKING_PRIVATE, ACT_BACKING_HUGE,
                                       ACT_BACKING_COPY};

static act_map *open_with(const char *path, act_guard guard)
{
    act_open_options options = {.access = ACT_ACCESS_MAP, .guard = guard};
    act_map *map;
    act_error error;
    if (act_map_open(path, &options, &map, &error) != ACT_OK)
        fail_msg("%s", error.text);
    return map;
}

static void set(const act_map *map, const act_region *region, act_backing backing)
{
    act_error error;
    if (act_map_set_backing(map, region, backing, &error) != ACT_OK)
        fail_msg("%s", error.text);
}

static uint64_t file_nbytes_of(const act_map *map)
{
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    return stat.file_nbytes;
}

static uint64_t in_pages(uint64_t nbytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (nbytes + page - 1) / page * page;
}

static act_map_paging paging_of(const act_map *map)
{
    act_map_paging paging;
    act_map_get_paging(map, &paging);
    return paging;
}

static bool answers(const act_map *map, size_t from, size_t step)
{
    bool right = true;
    for (size_t i = from; i < entries.count; i += step) {
        uint64_t value = 0;
        const struct entry *entry = &entries.items[i];
        right = right && act_map_get(map, entry->key, entry->key_nbytes, &value, NULL) == ACT_OK &&
                value == entry->value;
    }
    return right;
}

/* --------------------------------------------------------------------------------- what is there
 */

static void the_whole_file_has_each_of_them(void **state)
{
    (void)state;
    const char *const paths[] = {indexed, plain};
    for (size_t i = 0; i < 2; i++) {
        act_map *map = open_with(paths[i], ACT_GUARD_NONE);
        uint64_t pages = in_pages(file_nbytes_of(map));
        for (size_t from = 0; from < 4; from++) {
            for (size_t to = 0; to < 4; to++) {
                set(map, NULL, backings[from]);
                set(map, NULL, backings[to]);
                bool copied = backings[to] == ACT_BACKING_COPY;
                bool private = backings[to] == ACT_BACKING_PRIVATE;
                assert_int_equal(smaps_nbytes(paths[i], NULL, "Size"), copied ? 0 : pages);
                assert_int_equal(smaps_nbytes(paths[i], "r--p", "Size"), private ? pages : 0);
                assert_int_equal(smaps_nbytes(COPY, "r--s", "Size"), copied ? pages : 0);
                act_map_paging paging = paging_of(map);
                assert_int_equal(paging.copied_nbytes, copied ? file_nbytes_of(map) : 0);
                assert_int_equal(paging.is_private, private);
                assert_int_equal(strstr(paging.text, "are copied") != NULL, copied);
                assert_false(paging.is_copy);
                assert_true(answers(map, 0, 1009));
            }
        }
        act_map_close(map);
        assert_int_equal(smaps_nbytes(COPY, NULL, "Size"), 0);
    }
}

static void parts_do_so_too(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, ACT_GUARD_NONE);
    uint64_t pages = in_pages(file_nbytes_of(map));
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    act_region middle = {.kind = ACT_REGION_RANGE, .off = 10 * page + 1, .nbytes = page};
    set(map, &middle, ACT_BACKING_COPY);
    assert_int_equal(smaps_nbytes(COPY, NULL, "Size"), 2 * page);
    assert_int_equal(smaps_nbytes(indexed, NULL, "Size"), pages - 2 * page);
    assert_int_equal(paging_of(map).copied_nbytes, 2 * page);

    /* A part of that, and what lies beside it. */
    act_region right = {.kind = ACT_REGION_RANGE, .off = 11 * page, .nbytes = 3 * page};
    set(map, &right, ACT_BACKING_PRIVATE);
    assert_int_equal(smaps_nbytes(COPY, NULL, "Size"), page);
    assert_int_equal(smaps_nbytes(indexed, "r--p", "Size"), 3 * page);
    act_map_paging paging = paging_of(map);
    assert_int_equal(paging.copied_nbytes, page);
    assert_false(paging.is_private);
    assert_true(answers(map, 0, 101));

    set(map, &(act_region){.kind = ACT_REGION_HOT}, ACT_BACKING_COPY);
    set(map, &(act_region){.kind = ACT_REGION_COLD}, ACT_BACKING_PRIVATE);
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    /* The pages on its bounds are the rest's too. */
    assert_in_range(smaps_nbytes(COPY, NULL, "Size"), stat.hot_end - stat.hot_off - 2 * page,
                    stat.hot_end - stat.hot_off);
    assert_true(paging_of(map).is_private);
    assert_true(answers(map, 0, 101));

    const uint8_t prefix[] = {3, 0, 0};
    set(map, NULL, ACT_BACKING_SHARED);
    set(map,
        &(act_region){.kind = ACT_REGION_PREFIX, .prefix = prefix, .prefix_nbytes = sizeof(prefix)},
        ACT_BACKING_COPY);
    assert_in_range(smaps_nbytes(COPY, NULL, "Size"), pages / 40, pages / 10);
    assert_true(answers(map, 0, 101));
    act_map_close(map);
}

/* What is released of a copy comes back from it, not as zeros, nor from the file, which may go. */
static void a_copy_is_released_and_comes_back(void **state)
{
    (void)state;
    char *path = scratch_path(dir, "gone.act");
    size_t nbytes;
    uint8_t *bytes = scratch_read(indexed, &nbytes);
    scratch_write(path, bytes, nbytes);
    free(bytes);
    act_map *map = open_with(path, ACT_GUARD_NONE);
    set(map, NULL, ACT_BACKING_COPY);
    assert_int_equal(truncate(path, 0), 0);
    assert_true(answers(map, 0, 11));
    for (unsigned flags = 0; flags <= ACT_RELEASE_CACHE; flags++) {
        assert_int_equal(act_map_release(map, NULL, flags, NULL), ACT_OK);
        if (!CHECK_EMULATED)
            assert_int_equal(smaps_nbytes(COPY, NULL, "Rss"), 0);
        assert_true(answers(map, 0, 11));
        assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
    }
    /* Of what is gone there is nothing to map, but also nothing to copy: it stays what it is. */
    act_error error;
    act_region middle = {.kind = ACT_REGION_RANGE, .off = 4096, .nbytes = 4096};
    assert_int_equal(act_map_set_backing(map, &middle, ACT_BACKING_COPY, &error), ACT_ERR_IO);
    assert_int_equal(paging_of(map).copied_nbytes, nbytes);
    assert_true(answers(map, 0, 11));
    act_map_close(map);
    free(path);
}

/* Whether this system puts pages of a file in memory together. */
static bool collapses(void)
{
    uint8_t *bytes = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                          0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    memset(bytes, 1, 2 * HUGE);
    uint8_t *start = bytes + (HUGE - (uintptr_t)bytes % HUGE) % HUGE;
    bool done = madvise(start, HUGE, 25) == 0; /* MADV_COLLAPSE */
    munmap(bytes, 2 * HUGE);
    return done;
}

static void huge_pages_are_asked_for(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, ACT_GUARD_NONE);
    uint64_t nbytes = file_nbytes_of(map);
    assert_true(nbytes > 2 * HUGE);
    set(map, NULL, ACT_BACKING_COPY);
    act_map_paging paging = paging_of(map);
    if (!CHECK_EMULATED && collapses()) {
        assert_in_range(paging.huge_nbytes, nbytes / HUGE * HUGE / 2, nbytes);
        assert_int_equal(paging.huge_kind, ACT_HUGE_KIND_COPY);
        assert_non_null(strstr(paging.text, "in huge pages"));
    }
    print_message("copied: %s\n", paging.text);

    /* All that a range needs of them, were it one byte; they are present then, in whatever pages.
     */
    set(map, NULL, ACT_BACKING_SHARED);
    assert_int_equal(act_map_release(map, NULL, ACT_RELEASE_CACHE, NULL), ACT_OK);
    set(map, &(act_region){.kind = ACT_REGION_RANGE, .off = HUGE + 5, .nbytes = 1},
        ACT_BACKING_HUGE);
    paging = paging_of(map);
    print_message("the file: %s\n", paging.text);
    assert_int_equal(paging.huge_kind,
                     paging.huge_nbytes ? ACT_HUGE_KIND_FILE : ACT_HUGE_KIND_NONE);
    if (!CHECK_EMULATED)
        assert_true(smaps_nbytes(indexed, NULL, "Rss") >= HUGE);
    assert_true(answers(map, 0, 101));
    act_map_close(map);
}

/* ------------------------------------------------------------------------------------ together */

static atomic_bool done;

static void *read_on_a_thread(void *context)
{
    size_t rounds = 0;
    for (size_t from = 0; !atomic_load(&done) || !rounds; from = (from + 1) % 499, rounds++)
        if (!answers(context, from, 499))
            abort();
    return NULL;
}

static void readers_see_the_one_or_the_other(void **state)
{
    (void)state;
    struct random r = random_of(78);
    pthread_t threads[THREADS];
    act_map *map = open_with(indexed, ACT_GUARD_NONE);
    uint64_t nbytes = file_nbytes_of(map);
    atomic_store(&done, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on_a_thread, map), 0);
    for (int i = 0; i < FLIPS; i++) {
        act_region range = {.kind = i % 8 ? ACT_REGION_RANGE : ACT_REGION_WHOLE};
        range.off = random_below(&r, nbytes);
        range.nbytes = random_below(&r, nbytes - range.off);
        set(map, &range, backings[random_below(&r, 4)]);
        if (i % 4 == 0)
            assert_int_equal(act_map_release(map, &range, 0, NULL), ACT_OK);
    }
    atomic_store(&done, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    act_map_close(map);
}

static void what_contradicts_it_is_refused(void **state)
{
    (void)state;
    act_error error;
    act_map *map = open_with(indexed, ACT_GUARD_NONE);
    assert_int_equal(act_map_set_backing(NULL, NULL, ACT_BACKING_COPY, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_set_backing(map, NULL, (act_backing)4, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "backing 4"));

    act_region first = {.kind = ACT_REGION_RANGE, .off = 0, .nbytes = 5};
    act_region next = {.kind = ACT_REGION_RANGE, .off = in_pages(5), .nbytes = 1};
    assert_int_equal(act_map_lock(map, &first, NULL), ACT_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(act_map_set_backing(map, NULL, backings[i], &error), ACT_ERR_INVALID);
        assert_non_null(strstr(error.text, "locked"));
    }
    set(map, &next, ACT_BACKING_COPY);
    assert_int_equal(act_map_unlock(map, NULL, NULL), ACT_OK);
    set(map, NULL, ACT_BACKING_COPY);

    /* A budget could not take a copy's memory back. */
    uint64_t budget = ACT_RESIDENT_NBYTES_MIN;
    assert_int_equal(act_map_set_budget(map, budget, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "a copy"));
    assert_int_equal(act_map_set_budget(map, 0, NULL), ACT_OK);
    set(map, NULL, ACT_BACKING_PRIVATE);
    assert_int_equal(act_map_set_budget(map, budget, NULL), ACT_OK);
    assert_int_equal(act_map_set_backing(map, &next, ACT_BACKING_COPY, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "budget"));
    assert_int_equal(act_map_set_backing(map, &next, ACT_BACKING_HUGE, NULL), ACT_ERR_INVALID);
    set(map, &next, ACT_BACKING_SHARED);
    assert_true(answers(map, 0, 101));
    act_map_close(map);
}

/* The file's last pages, by which its guard sees a cut, are left as they are. */
static void a_guard_holds_behind_all_of_them(void **state)
{
    (void)state;
    char *path = scratch_path(dir, "cut.act");
    size_t nbytes;
    uint8_t *bytes = scratch_read(plain, &nbytes);
    for (size_t i = 0; i < 4; i++) {
        scratch_write(path, bytes, nbytes);
        act_map *map = open_with(path, ACT_GUARD_SIGNAL);
        uint64_t mapped_nbytes = smaps_nbytes(path, NULL, "Size");
        set(map, NULL, backings[i]);
        /* Of a copied map the guard alone has a page of the file. */
        assert_int_equal(smaps_nbytes(path, NULL, "Size"), backings[i] == ACT_BACKING_COPY
                                                               ? (uint64_t)sysconf(_SC_PAGESIZE)
                                                               : mapped_nbytes);
        assert_true(answers(map, 0, 101));
        assert_int_equal(act_map_check(map, NULL), ACT_OK);
        assert_int_equal(act_map_release(map, NULL, 0, NULL), ACT_OK);
        assert_true(answers(map, 0, 101));
        if (!CHECK_EMULATED) {
            const struct entry *entry = &entries.items[5];
            uint64_t value;
            assert_int_equal(truncate(path, 5000), 0);
            assert_int_equal(act_map_get(map, entry->key, entry->key_nbytes, &value, NULL),
                             ACT_ERR_IO);
            for (size_t to = 0; to < 4; to++)
                assert_int_equal(act_map_set_backing(map, NULL, backings[to], NULL), ACT_ERR_IO);
            assert_int_equal(act_map_get(map, entry->key, entry->key_nbytes, &value, NULL),
                             ACT_ERR_IO);
        }
        act_map_close(map);
    }
    free(bytes);
    free(path);
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_file_has_each_of_them),
        cmocka_unit_test(parts_do_so_too),
        cmocka_unit_test(a_copy_is_released_and_comes_back),
        cmocka_unit_test(huge_pages_are_asked_for),
        cmocka_unit_test(readers_see_the_one_or_the_other),
        cmocka_unit_test(what_contradicts_it_is_refused),
        cmocka_unit_test(a_guard_holds_behind_all_of_them),
    };
    return cmocka_run_group_tests(tests, make_two_files, remove_two_files);
}
