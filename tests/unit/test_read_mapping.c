/*
 * How a file is mapped, with a system that says what the test likes: how much memory there is, what
 * may be locked, what is in huge pages. The linker puts these answers between.
 */
#define _POSIX_C_SOURCE 200809L

#include "read/mapping.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "os/paging.h"
#include "os/thread.h"
#include "read/map.h"
#include "support/build.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

static struct {
    uint64_t memory_nbytes;
    uint64_t enough; /* what was asked for of it last, */
    bool lately;     /* and whether a former answer would have done */
    uint64_t lock_limit;
    int lock_error;
    int populate_error;
    uint64_t huge_nbytes;
    unsigned locks;
    unsigned refused; /* which time from now on no memory is given for an array to grow; 0: none */
    bool no_copy;     /* nor for a copy, or a mapping of one's own */
} machine;

void *__real_realloc(void *memory, size_t nbytes);
void *__wrap_realloc(void *memory, size_t nbytes);
void *__wrap_realloc(void *memory, size_t nbytes)
{
    return machine.refused && --machine.refused == 0 ? NULL : __real_realloc(memory, nbytes);
}

act_status __real_act_os_bytes_copy(struct act_os_bytes *bytes, act_error *error);
act_status __wrap_act_os_bytes_copy(struct act_os_bytes *bytes, act_error *error);
act_status __wrap_act_os_bytes_copy(struct act_os_bytes *bytes, act_error *error)
{
    return machine.no_copy ? act_fail_nomem(error) : __real_act_os_bytes_copy(bytes, error);
}

int __real_act_os_bytes_set_backing(const struct act_os_bytes *bytes, uint64_t off, uint64_t nbytes,
                                    enum act_os_backing backing);
int __wrap_act_os_bytes_set_backing(const struct act_os_bytes *bytes, uint64_t off, uint64_t nbytes,
                                    enum act_os_backing backing);
int __wrap_act_os_bytes_set_backing(const struct act_os_bytes *bytes, uint64_t off, uint64_t nbytes,
                                    enum act_os_backing backing)
{
    if (machine.no_copy)
        return ENOMEM;
    return __real_act_os_bytes_set_backing(bytes, off, nbytes, backing);
}

uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately);
uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately)
{
    machine.lately = lately;
    machine.enough = enough;
    return machine.memory_nbytes;
}

uint64_t __wrap_act_os_paging_lock_limit(void);
uint64_t __wrap_act_os_paging_lock_limit(void)
{
    return machine.lock_limit;
}

int __wrap_act_os_paging_lock(const uint8_t *bytes, uint64_t nbytes);
int __wrap_act_os_paging_lock(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    machine.locks += nbytes > 0;
    return machine.lock_error;
}

int __wrap_act_os_paging_unlock(const uint8_t *bytes, uint64_t nbytes);
int __wrap_act_os_paging_unlock(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    machine.locks -= nbytes > 0;
    return 0;
}

int __wrap_act_os_paging_populate_huge(const uint8_t *bytes, uint64_t nbytes);
int __wrap_act_os_paging_populate_huge(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    (void)nbytes;
    return machine.populate_error;
}

uint64_t __wrap_act_os_paging_huge(const uint8_t *bytes, uint64_t nbytes);
uint64_t __wrap_act_os_paging_huge(const uint8_t *bytes, uint64_t nbytes)
{
    (void)bytes;
    return machine.huge_nbytes < nbytes ? machine.huge_nbytes : nbytes;
}

static uint64_t file_nbytes;

static int set_up(void **state)
{
    struct random r = random_of(9);
    struct entries entries = {0};
    scratch_set_up(state);
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t key[12];
        random_fill(&r, key, sizeof(key));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    size_t nbytes;
    free(scratch_read(scratch_map, &nbytes));
    file_nbytes = nbytes;
    return 0;
}

static int reset(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof(machine));
    machine.memory_nbytes = machine.lock_limit = UINT64_MAX;
    return 0;
}

static act_map *open_with(const act_open_options *options)
{
    act_open_options mapped = *options;
    act_map *map;
    mapped.access = ACT_ACCESS_MAP;
    assert_int_equal(act_map_open(scratch_map, &mapped, &map, NULL), ACT_OK);
    return map;
}

static void what_the_system_says_to_a_lock(void **state)
{
    (void)state;
    static const struct {
        int os_code;
        uint64_t limit;
        act_status status;
    } cases[] = {
        {EIO, 1000, ACT_ERR_IO},
        {ENOMEM, UINT64_MAX, ACT_ERR_NOMEM},
        {ENOMEM, 1000, ACT_ERR_LIMIT},
        {EPERM, 0, ACT_ERR_LIMIT},
        {EPERM, UINT64_MAX - 1, ACT_ERR_IO},
        {EPERM, UINT64_MAX, ACT_ERR_IO},
        {EAGAIN, 1000, ACT_ERR_LIMIT},
        {EAGAIN, UINT64_MAX - 1, ACT_ERR_IO},
        {EAGAIN, UINT64_MAX, ACT_ERR_IO},
    };
    act_map *map = open_with(&(act_open_options){.lock = ACT_LOCK_NONE});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        act_error error = {.status = ACT_OK};
        machine.lock_error = cases[i].os_code;
        machine.lock_limit = cases[i].limit;
        if (act_map_lock(map, NULL, &error) != cases[i].status)
            fail_msg("case %zu: %s", i, error.text);
        assert_int_equal(error.status, cases[i].status);
        assert_int_equal(error.os_code, cases[i].os_code);
        assert_int_equal(act_map_lock(map, NULL, NULL), cases[i].status);
        assert_int_equal(act_mapping_locked_nbytes(map), 0);
    }
    machine.lock_error = 0;
    assert_int_equal(act_map_lock(map, NULL, NULL), ACT_OK);
    assert_int_equal(act_mapping_locked_nbytes(map), file_nbytes);
    assert_int_equal(act_map_unlock(map, NULL, NULL), ACT_OK);
    assert_int_equal(act_mapping_locked_nbytes(map), 0);
    /* Nothing of a file is nothing to do. */
    const act_region nothing = {.kind = ACT_REGION_RANGE, .off = 5};
    unsigned locks = machine.locks;
    assert_int_equal(act_map_lock(map, &nothing, NULL), ACT_OK);
    assert_int_equal(machine.locks, locks);
    /* What cannot be found cannot be unlocked either. */
    const act_region beyond = {.kind = ACT_REGION_RANGE, .off = file_nbytes, .nbytes = 1};
    assert_int_equal(act_map_unlock(map, &beyond, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_release(map, &beyond, 0, NULL), ACT_ERR_INVALID);
    act_map_close(map);
}

static void no_more_is_locked_than_there_is_memory_for(void **state)
{
    (void)state;
    act_error error;
    machine.memory_nbytes = file_nbytes;
    act_map *map = open_with(&(act_open_options){.lock = ACT_LOCK_NONE});
    assert_int_equal(act_map_lock(map, NULL, &error), ACT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "half of what"));
    assert_int_equal(machine.locks, 0);
    act_map_close(map);
}

static void opening_locks(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP, .lock = ACT_LOCK_HOT};
    act_map *map = open_with(&options);
    assert_in_range(act_mapping_locked_nbytes(map), 1, file_nbytes - 4096);
    act_map_close(map);
    options.lock = ACT_LOCK_ALL;
    machine.lock_error = EIO;
    map = (act_map *)&map;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_ERR_IO);
    assert_null(map);
}

/* What is locked cannot be released: with all of it locked no budget can be kept. */
static void no_budget_for_what_is_locked(void **state)
{
    (void)state;
    const act_region most = {.kind = ACT_REGION_RANGE, .nbytes = file_nbytes - 4096};
    act_error error;
    act_map *map = open_with(&(act_open_options){.lock = ACT_LOCK_ALL});
    assert_int_equal(act_map_set_budget(map, ACT_RESIDENT_NBYTES_MIN, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "everything locked"));
    assert_int_equal(act_map_set_budget(map, 0, NULL), ACT_OK);
    assert_int_equal(act_map_unlock(map, NULL, NULL), ACT_OK);
    assert_int_equal(act_map_lock(map, &most, NULL), ACT_OK);
    assert_int_equal(act_map_set_budget(map, ACT_RESIDENT_NBYTES_MIN, NULL), ACT_OK);
    act_map_close(map);
}

/* Spans of locked pages, as many as there is room for, and one of them to be cut in two. */
static void unlocking_without_memory(void **state)
{
    (void)state;
    act_map *map = open_with(&(act_open_options){.lock = ACT_LOCK_NONE});
    act_region region = {.kind = ACT_REGION_RANGE, .nbytes = 3 * ACT_PAGE_NBYTES};
    for (uint64_t page = 0; page < 32; page += 2) {
        region.off = page ? (page + 2) * ACT_PAGE_NBYTES : 0;
        assert_int_equal(act_map_lock(map, &region, NULL), ACT_OK);
        region.nbytes = ACT_PAGE_NBYTES;
    }
    uint64_t locked = act_mapping_locked_nbytes(map);
    assert_int_equal(map->lazy->locked.count, map->lazy->locked.capacity);
    region.off = ACT_PAGE_NBYTES;
    /* The list of what to unlock is made first, and has to be. */
    const act_region middle = region;
    for (unsigned refused = 1; refused <= 2; refused++) {
        machine.refused = refused;
        assert_int_equal(act_map_unlock(map, &middle, NULL), ACT_ERR_NOMEM);
        assert_int_equal(machine.refused, 0);
        assert_int_equal(act_mapping_locked_nbytes(map), locked);
    }
    assert_int_equal(act_map_unlock(map, &middle, NULL), ACT_OK);
    assert_int_equal(act_mapping_locked_nbytes(map), locked - ACT_PAGE_NBYTES);
    act_map_close(map);
}

/* What is mapped is unlocked by the system; what was read into memory is given back unlocked. */
static void closing_unlocks_what_is_not_mapped(void **state)
{
    (void)state;
    const act_open_options options = {.access = ACT_ACCESS_READ};
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_false(map->os_bytes.mapped);
    for (unsigned i = 0; i < 3; i++) {
        const act_region region = {
            .kind = ACT_REGION_RANGE, .off = 4 * i * ACT_PAGE_NBYTES, .nbytes = ACT_PAGE_NBYTES};
        assert_int_equal(act_map_lock(map, &region, NULL), ACT_OK);
    }
    assert_int_equal(machine.locks, 3);
    act_map_close(map);
    assert_int_equal(machine.locks, 0);
}

struct noting {
    const act_map *map;
    unsigned what;
    atomic_bool done;
};

static void lock_beside(void *context)
{
    const act_region region = {.kind = ACT_REGION_RANGE, .nbytes = ACT_PAGE_NBYTES};
    struct noting *noting = context;
    if (noting->what == 0)
        (void)act_mapping_locked_nbytes(noting->map);
    else if (noting->what == 1)
        (void)act_map_lock(noting->map, &region, NULL);
    else
        (void)act_map_unlock(noting->map, &region, NULL);
    atomic_store(&noting->done, true);
}

/* What is locked is a list of the map's, which threads share. */
static void one_thread_at_a_time_sees_what_is_locked(void **state)
{
    (void)state;
    act_map *map = open_with(&(act_open_options){.lock = ACT_LOCK_NONE});
    for (unsigned what = 0; what < 3; what++) {
        const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
        struct noting noting = {.map = map, .what = what};
        act_map_begin_noting(map);
        struct act_os_thread *thread = act_os_thread_try(lock_beside, &noting);
        assert_non_null(thread);
        nanosleep(&pause, NULL);
        assert_false(atomic_load(&noting.done));
        act_map_end_noting(map);
        act_os_thread_join(thread);
        assert_true(atomic_load(&noting.done));
        assert_int_equal(act_mapping_locked_nbytes(map), what == 1 ? ACT_PAGE_NBYTES : 0);
    }
    act_map_close(map);
}

/* Whoever asks gets all of it, as it is now. */
static void memory_that_is_available_is_that_of_the_system(void **state)
{
    (void)state;
    machine.memory_nbytes = 12345678901;
    machine.lately = true;
    assert_int_equal(act_memory_available(), 12345678901);
    assert_int_equal(machine.enough, UINT64_MAX);
    assert_false(machine.lately);
}

/* Of a region by itself: as the map was opened, or as it is told. */
static void advice_for_a_part(void **state)
{
    (void)state;
    const act_region part = {.kind = ACT_REGION_RANGE, .off = 4096, .nbytes = 8192};
    act_map *map = open_with(&(act_open_options){.advice = ACT_ADVICE_RANDOM});
    for (int advice = ACT_ADVICE_AUTO; advice <= ACT_ADVICE_SEQUENTIAL; advice++) {
        act_map_paging paging;
        assert_int_equal(act_map_advise(map, &part, (act_advice)advice, NULL), ACT_OK);
        act_map_get_paging(map, &paging);
        assert_int_equal(paging.advice, ACT_ADVICE_RANDOM); /* of the whole */
    }
    act_map_close(map);
}

static void a_budget_is_room_for_half_of_it(void **state)
{
    (void)state;
    uint64_t done, asked;
    act_map_paging paging;
    uint64_t budget = ACT_RESIDENT_NBYTES_MIN;
    assert_true(file_nbytes > budget / 2);
    act_map *map = open_with(&(act_open_options){
        .resident_nbytes_max = budget, .populate = ACT_POPULATE_ALL, .huge = ACT_HUGE_ON});
    act_map_get_paging(map, &paging);
    assert_non_null(strstr(paging.text, "as much as the budget allows"));
    assert_non_null(strstr(paging.text, "no huge pages beside a budget"));
    assert_int_equal(act_map_populate(map, NULL, NULL, NULL, &done, &asked, NULL), ACT_OK);
    assert_int_equal(asked, file_nbytes);
    assert_in_range(done, 1, budget / 2);
    act_map_close(map);
    /* With less memory than that, it is the memory that counts. */
    machine.memory_nbytes = 1 << 20;
    map = open_with(
        &(act_open_options){.populate = ACT_POPULATE_ALL, .resident_nbytes_max = budget});
    act_map_get_paging(map, &paging);
    assert_in_range(paging.populate_done_nbytes, 1, 1 << 19);
    act_map_close(map);
    map = open_with(&(act_open_options){.populate = ACT_POPULATE_ALL});
    act_map_get_paging(map, &paging);
    assert_non_null(strstr(paging.text, "as much as half of the memory allows"));
    act_map_close(map);
}

/* Huge pages that the system gives, gives too few of, or fails to fill. */
static void huge_pages(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP, .huge = ACT_HUGE_ON};
    act_map_paging paging;
    act_map *map;
    machine.huge_nbytes = UINT64_MAX;
    map = open_with(&options);
    act_map_get_paging(map, &paging);
    assert_false(paging.is_copy);
    assert_int_equal(paging.huge_kind, ACT_HUGE_KIND_FILE);
    assert_non_null(strstr(paging.text, "are in huge pages"));
    act_map_close(map);
    machine.huge_nbytes = 0;
    map = open_with(&options);
    act_map_get_paging(map, &paging);
    assert_true(paging.is_copy);
    assert_int_equal(paging.huge_kind, ACT_HUGE_KIND_NONE);
    assert_non_null(strstr(paging.text, "the system gives none"));
    act_map_close(map);
    machine.populate_error = EIO;
    act_error error;
    map = (act_map *)&map;
    assert_int_equal(act_map_open(scratch_map, &options, &map, &error), ACT_ERR_IO);
    assert_null(map);
    assert_int_equal(error.os_code, EIO);
    machine.populate_error = 0;
    machine.no_copy = true;
    assert_int_equal(act_map_open(scratch_map, &options, &map, &error), ACT_ERR_NOMEM);
    options = (act_open_options){.access = ACT_ACCESS_MAP, .is_private = true};
    assert_int_equal(act_map_open(scratch_map, &options, &map, &error), ACT_ERR_NOMEM);
    assert_null(map);
    machine.no_copy = false;
    options = (act_open_options){.access = ACT_ACCESS_MAP, .huge = ACT_HUGE_ON};
    /* A copy would not fit. */
    machine.memory_nbytes = file_nbytes;
    map = open_with(&options);
    act_map_get_paging(map, &paging);
    assert_non_null(strstr(paging.text, "would not fit"));
    act_map_close(map);
}

/* What the system refuses to put behind an open map, or cannot read. */
static void backings_that_fail(void **state)
{
    (void)state;
    act_error error;
    act_map_paging paging;
    act_map *map = open_with(&(act_open_options){.is_private = true});
    const act_region middle = {.kind = ACT_REGION_RANGE, .off = 8192, .nbytes = 5000};
    machine.no_copy = true;
    assert_int_equal(act_map_set_backing(map, &middle, ACT_BACKING_COPY, &error), ACT_ERR_NOMEM);
    assert_non_null(strstr(error.text, "offset 8192"));
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.copied_nbytes, 0);
    machine.no_copy = false;
    machine.populate_error = EIO;
    assert_int_equal(act_map_set_backing(map, &middle, ACT_BACKING_HUGE, &error), ACT_ERR_IO);
    assert_int_equal(error.os_code, EIO);
    machine.populate_error = 0;
    /* No more is copied than there is memory for. */
    machine.memory_nbytes = 8192;
    assert_int_equal(act_map_set_backing(map, &middle, ACT_BACKING_COPY, &error), ACT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "half of what"));
    machine.memory_nbytes = 16384;
    assert_int_equal(act_map_set_backing(map, &middle, ACT_BACKING_COPY, &error), ACT_OK);
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.copied_nbytes, 8192);
    const act_region beyond = {.kind = ACT_REGION_RANGE, .off = file_nbytes, .nbytes = 1};
    assert_int_equal(act_map_set_backing(map, &beyond, ACT_BACKING_COPY, NULL), ACT_ERR_INVALID);
    act_map_close(map);
}

/* Whichever array it is that cannot grow: what is behind the map answers as before. */
static void backings_without_memory(void **state)
{
    (void)state;
    const act_region cold = {.kind = ACT_REGION_COLD}; /* two pieces */
    for (int backing = ACT_BACKING_SHARED; backing <= ACT_BACKING_COPY; backing++) {
        act_status status = ACT_ERR_NOMEM;
        unsigned failures = 0;
        for (unsigned at = 1; status != ACT_OK; at++) {
            act_map *map = open_with(&(act_open_options){.is_private = true});
            machine.refused = at;
            act_error error = {.status = ACT_OK};
            status = act_map_set_backing(map, &cold, (act_backing)backing, &error);
            failures += status != ACT_OK;
            assert_int_equal(status, error.status);
            assert_true(status == ACT_OK || status == ACT_ERR_NOMEM);
            machine.refused = 0;
            assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
            act_map_close(map);
        }
        assert_true(failures > 1);
    }
    machine.refused = 1;
    act_map *map;
    const act_open_options options = {.access = ACT_ACCESS_MAP, .is_private = true};
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_ERR_NOMEM);
}

/* Where all of a file is read anyway, and it is large, but not, with others, beside the memory
 * there is. */
static void huge_pages_by_themselves(void **state)
{
    (void)state;
    enum {
        LARGE = 32 << 20
    };
    static const struct {
        size_t nbytes;
        uint64_t among_nbytes;
        uint64_t memory_nbytes;
        act_populate populate;
        bool huge;
    } cases[] = {
        {LARGE, 0, 4 * (uint64_t)LARGE, ACT_POPULATE_ALL, true},
        {LARGE, 0, 4 * (uint64_t)LARGE - 1, ACT_POPULATE_ALL, false},
        {LARGE, 2 * LARGE, 8 * (uint64_t)LARGE, ACT_POPULATE_ALL, true},
        {LARGE, 2 * LARGE, 8 * (uint64_t)LARGE - 1, ACT_POPULATE_ALL, false},
        {LARGE, 0, UINT64_MAX, ACT_POPULATE_NONE, false},
        {LARGE - 1, 0, UINT64_MAX, ACT_POPULATE_ALL, false},
    };
    char *path = scratch_path(scratch_dir, "large.act");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* An empty map, and zeros. */
        uint8_t *bytes = calloc(1, cases[i].nbytes);
        assert_non_null(bytes);
        memcpy(bytes, "ACTree03\x10", 9);
        scratch_write(path, bytes, cases[i].nbytes);
        free(bytes);
        const act_open_options options = {
            .access = ACT_ACCESS_MAP, .populate = cases[i].populate, .huge = ACT_HUGE_AUTO};
        act_map_paging paging;
        act_map *map;
        machine.huge_nbytes = UINT64_MAX;
        machine.memory_nbytes = cases[i].memory_nbytes;
        /* What is populated in huge pages only can fail so. */
        machine.populate_error = EIO;
        uint64_t among = cases[i].among_nbytes;
        assert_int_equal(act_map_open_among(path, &options, among, &map, NULL),
                         cases[i].huge ? ACT_ERR_IO : ACT_OK);
        act_map_close(map);
        machine.populate_error = 0;
        assert_int_equal(act_map_open_among(path, &options, among, &map, NULL), ACT_OK);
        act_map_get_paging(map, &paging);
        assert_int_equal(paging.huge, ACT_HUGE_AUTO);
        act_map_close(map);
    }
    free(path);
}

/* A file without an index has no hot region: nothing to lock. Bytes that are not mapped are not
 * released. */
static void what_is_not_there(void **state)
{
    (void)state;
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    const act_open_options options = {.access = ACT_ACCESS_MAP, .lock = ACT_LOCK_HOT};
    char *path = scratch_path(scratch_dir, "empty.act");
    act_map *map;
    scratch_write(path, empty, sizeof(empty));
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_mapping_locked_nbytes(map), 0);
    const act_region beyond = {.kind = ACT_REGION_RANGE, .nbytes = 26};
    assert_int_equal(act_map_release(map, &beyond, 0, NULL), ACT_ERR_INVALID);
    act_map_close(map);
    assert_int_equal(act_map_open_memory(empty, sizeof(empty), NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_release(map, NULL, 0, NULL), ACT_OK);
    assert_int_equal(act_map_unlock(map, NULL, NULL), ACT_OK);
    act_map_close(map);
    free(path);
}

static void options_that_make_no_sense(void **state)
{
    (void)state;
    act_map *map;
    act_open_options options = {.populate = ACT_POPULATE_PREFIX, .prefix_nbytes = 1};
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_ERR_INVALID);
    options.prefix_nbytes = 0; /* the empty prefix is that of all */
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_open_former(map, 0, NULL, NULL), ACT_ERR_INVALID);
    act_map_close(map);
    const act_region region = {.kind = ACT_REGION_PREFIX, .prefix_nbytes = 1};
    map = open_with(&(act_open_options){.advice = ACT_ADVICE_NORMAL});
    assert_int_equal(act_map_populate(map, &region, NULL, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_the_system_says_to_a_lock, reset),
        cmocka_unit_test_setup(no_more_is_locked_than_there_is_memory_for, reset),
        cmocka_unit_test_setup(opening_locks, reset),
        cmocka_unit_test_setup(no_budget_for_what_is_locked, reset),
        cmocka_unit_test_setup(unlocking_without_memory, reset),
        cmocka_unit_test_setup(closing_unlocks_what_is_not_mapped, reset),
        cmocka_unit_test_setup(one_thread_at_a_time_sees_what_is_locked, reset),
        cmocka_unit_test_setup(memory_that_is_available_is_that_of_the_system, reset),
        cmocka_unit_test_setup(advice_for_a_part, reset),
        cmocka_unit_test_setup(a_budget_is_room_for_half_of_it, reset),
        cmocka_unit_test_setup(huge_pages, reset),
        cmocka_unit_test_setup(backings_that_fail, reset),
        cmocka_unit_test_setup(backings_without_memory, reset),
        cmocka_unit_test_setup(huge_pages_by_themselves, reset),
        cmocka_unit_test_setup(what_is_not_there, reset),
        cmocka_unit_test_setup(options_that_make_no_sense, reset),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_tear_down);
}
