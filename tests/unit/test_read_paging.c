/*
 * How a map chooses to be read, by its size and the memory there is. The system's part is put in
 * its place by the linker.
 */
#include "read/paging.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "os/paging.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

static char *dir, *indexed, *plain, *small;

/* The memory there is, and how each byte of the map that was opened last is read. */
static struct {
    uint64_t available;
    unsigned questions;
    const uint8_t *bytes;
    uint64_t nbytes;
    uint8_t paging[16 << 20];
} sys;

uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately);
uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately)
{
    (void)lately;
    assert_true(enough > 0);
    sys.questions++;
    return sys.available;
}

void __wrap_act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging);
void __wrap_act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging)
{
    if (!sys.bytes) {
        assert_true(nbytes <= sizeof(sys.paging));
        sys.bytes = bytes;
        sys.nbytes = nbytes;
    }
    assert_true(bytes >= sys.bytes && bytes + nbytes <= sys.bytes + sys.nbytes);
    memset(sys.paging + (bytes - sys.bytes), (int)paging, nbytes);
}

static char *build(const char *name, size_t count, act_layout layout)
{
    struct entries entries = {0};
    struct random r = random_of(3);
    char *path = scratch_path(dir, name);
    for (size_t i = 0; i < count; i++) {
        uint64_t key[3] = {random_u64(&r) % 100, random_u64(&r), random_u64(&r)};
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, path, layout, NULL);
    entries_free(&entries);
    return path;
}

static int make_files(void **state)
{
    (void)state;
    dir = scratch_make();
    sys.available = UINT64_MAX;
    indexed = build("indexed.act", 400000, ACT_LAYOUT_INDEXED);
    plain = build("plain.act", 400000, ACT_LAYOUT_PLAIN);
    small = build("small.act", 50000, ACT_LAYOUT_INDEXED);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    free(indexed);
    free(plain);
    free(small);
    scratch_remove(dir);
    return 0;
}

/* Nothing is asked while a map is opened. */
static act_map *open_unsettled(const char *path, uint64_t available, act_access access)
{
    act_open_options options = {.access = access};
    act_map *map;
    memset(&sys, 0, sizeof(sys));
    sys.available = available;
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    assert_int_equal(sys.questions, 0);
    return map;
}

static act_map *open_with(const char *path, uint64_t available, act_access access)
{
    act_map *map = open_unsettled(path, available, access);
    act_map_settle(map);
    return map;
}

/* The same of one that has so many bytes together with others. */
static act_map *open_among(const char *path, uint64_t available, uint64_t among_nbytes,
                           const act_open_options *options)
{
    act_map *map;
    memset(&sys, 0, sizeof(sys));
    sys.available = available;
    assert_int_equal(act_map_open_among(path, options, among_nbytes, &map, NULL), ACT_OK);
    act_map_settle(map);
    return map;
}

/* Whether all bytes from `at` to `end` are read that way. */
static bool all_are(uint64_t at, uint64_t end, enum act_os_paging paging)
{
    while (at < end && sys.paging[at] == paging)
        at++;
    return at == end;
}

static void what_fits_is_read_ahead(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, UINT64_MAX, ACT_ACCESS_AUTO);
    assert_true(map->file_nbytes > 8 << 20);
    assert_int_equal(sys.questions, 1);
    assert_int_equal(sys.nbytes, map->file_nbytes);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_AHEAD));
    assert_true(map->lazy->hot_ahead);
    uint64_t nbytes = map->file_nbytes;
    act_map_close(map);

    map = open_with(indexed, 2 * nbytes, ACT_ACCESS_MAP);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_AHEAD));
    act_map_close(map);

    map = open_with(plain, UINT64_MAX, ACT_ACCESS_AUTO);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_AHEAD));
    assert_false(map->lazy->hot_ahead);
    act_map_close(map);
}

static void what_does_not_fit_is_read_by_the_page(void **state)
{
    (void)state;
    act_map *map = open_with(plain, 8 << 20, ACT_ACCESS_AUTO);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_SINGLE));
    act_map_close(map);

    map = open_with(indexed, 8 << 20, ACT_ACCESS_AUTO);
    const struct act_index *index = &map->index;
    assert_true(index->sums_off - index->hot_off < 4 << 20);
    assert_true(all_are(0, index->hot_off, ACT_OS_PAGING_SINGLE));
    assert_true(all_are(index->hot_off, index->sums_off, ACT_OS_PAGING_AHEAD));
    assert_true(map->lazy->hot_ahead);
    act_map_close(map);
}

/* What each kind of work begins with, if nothing has asked before. */
static void scan(act_map *map)
{
    act_map_info info;
    assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
}

static void begin_to_iterate(act_map *map)
{
    act_iter *iter;
    assert_int_equal(act_iter_open(map, NULL, &iter, NULL), ACT_OK);
    act_iter_close(iter);
}

static void open_a_cursor(act_map *map)
{
    act_cursor *cursor;
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    act_cursor_close(cursor);
}

static void look_up_in_a_batch(act_map *map)
{
    act_slice key = {"no", 2};
    uint64_t value;
    assert_int_equal(act_map_get_batch(map, &key, 1, &value, NULL, NULL), ACT_OK);
}

static void ask_for_a_path(act_map *map)
{
    assert_int_equal(act_map_path_exists(map, "", 0, NULL, NULL), ACT_OK);
}

static void ask_for_a_prefix(act_map *map)
{
    assert_int_equal(act_map_longest_prefix(map, "", 0, NULL, NULL, NULL), ACT_NOT_FOUND);
}

static void look_up_often(act_map *map)
{
    struct random r = random_of(9);
    for (int i = 0; i < 64 * ACT_SHORTCUT_SAMPLE && !sys.questions; i++) {
        uint64_t key[3] = {random_u64(&r) % 100, random_u64(&r), random_u64(&r)};
        (void)act_map_get(map, key, sizeof(key), NULL, NULL);
    }
}

static void ask_how_it_is_read(act_map *map)
{
    act_map_paging paging;
    act_map_get_paging(map, &paging);
    assert_true(paging.memory_nbytes == UINT64_MAX);
}

static void warm_a_key(act_map *map)
{
    act_slice key = {"no", 2};
    act_warm_report report;
    assert_int_equal(act_map_warm_keys(map, &key, 1, NULL, NULL, &report, NULL), ACT_OK);
}

static void what_reads_much_asks_for_the_memory_once(void **state)
{
    static void (*const ways[])(act_map * map) = {
        scan,           begin_to_iterate, open_a_cursor, look_up_in_a_batch,
        ask_for_a_path, ask_for_a_prefix, look_up_often, ask_how_it_is_read,
        warm_a_key,
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        act_map *map = open_unsettled(indexed, UINT64_MAX, ACT_ACCESS_AUTO);
        assert_true(act_map_reads_single(map));
        assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_SINGLE));
        assert_int_equal(act_map_get(map, "no", 2, NULL, NULL), ACT_NOT_FOUND);
        assert_int_equal(sys.questions, 0);
        ways[i](map);
        assert_true(sys.bytes == map->arena.bytes);
        assert_false(act_map_reads_single(map));
        assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_AHEAD));
        unsigned questions = sys.questions; /* some of them: what there is now */
        assert_true(questions >= 1);
        begin_to_iterate(map);
        assert_int_equal(sys.questions, questions);
        act_map_close(map);
    }
}

/* What a program has told stays, though nothing had been chosen when it did. */
static void what_is_told_first_is_not_undone(void **state)
{
    (void)state;
    act_map *map = open_unsettled(indexed, UINT64_MAX, ACT_ACCESS_AUTO);
    assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_RANDOM, NULL), ACT_OK);
    scan(map);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_SINGLE));
    assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_AUTO, NULL), ACT_OK);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_AHEAD));
    act_map_close(map);
}

/* As many lookups as it takes. */
static bool has_shortcuts(const act_map *map)
{
    struct random r = random_of(9);
    for (int i = 0; i < 4 * ACT_SHORTCUT_LOOKUPS_MIN; i++) {
        uint64_t key[3] = {random_u64(&r) % 100, random_u64(&r), random_u64(&r)};
        (void)act_map_get(map, key, sizeof(key), NULL, NULL);
    }
    return act_shortcuts_of(map) != NULL;
}

static void all_lookups_keep_the_hot_region_in_use(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, UINT64_MAX, ACT_ACCESS_AUTO);
    assert_true(has_shortcuts(map));
    act_map_close(map);
    map = open_with(indexed, 8 << 20, ACT_ACCESS_AUTO);
    assert_false(has_shortcuts(map));
    act_map_close(map);
}

/* Not even the hot region fits. */
static void nothing_is_read_ahead_with_hardly_any_memory(void **state)
{
    (void)state;
    act_map *map = open_with(indexed, 10000, ACT_ACCESS_AUTO);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_SINGLE));
    assert_false(map->lazy->hot_ahead);
    act_map_close(map);
}

/* A file is not small by itself, but beside the memory there is. */
static void small_files_are_compared_too(void **state)
{
    (void)state;
    act_map *map = open_with(small, UINT64_MAX, ACT_ACCESS_MAP);
    uint64_t nbytes = map->file_nbytes;
    assert_true(nbytes < 8 << 20);
    assert_int_equal(sys.questions, 1);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_AHEAD));
    assert_true(act_map_room(map) == UINT64_MAX);
    act_map_close(map);

    map = open_with(small, 2 * nbytes, ACT_ACCESS_MAP);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_AHEAD));
    assert_int_equal(act_map_room(map), nbytes);
    act_map_close(map);

    map = open_with(small, 2 * nbytes - 2, ACT_ACCESS_MAP);
    assert_true(all_are(0, map->index.hot_off, ACT_OS_PAGING_SINGLE));
    assert_true(all_are(map->index.hot_off, map->index.sums_off, ACT_OS_PAGING_AHEAD));
    assert_int_equal(act_map_room(map), nbytes - 1);
    act_map_close(map);

    /* What is read around a page of the hot region is as much as the file, and must fit. */
    map = open_with(small, nbytes - 1, ACT_ACCESS_MAP);
    assert_true(map->index.sums_off - map->index.hot_off < nbytes / 2);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_SINGLE));
    act_map_close(map);

    map = open_with(small, 4096, ACT_ACCESS_MAP);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_SINGLE));
    act_map_close(map);
}

/* Parts of a set are used together: what fits by itself need not fit with the others. */
static void a_part_is_compared_with_all_parts(void **state)
{
    (void)state;
    const uint64_t available = 64 << 20;
    act_map *map = open_with(indexed, available, ACT_ACCESS_AUTO);
    uint64_t nbytes = map->file_nbytes;
    uint64_t hot_nbytes = map->index.sums_off - map->index.hot_off;
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_AHEAD));
    act_map_close(map);
    map = open_among(indexed, available, 32 << 20, NULL);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_AHEAD));
    act_map_close(map);
    map = open_among(indexed, available, (32 << 20) + 1, NULL);
    assert_true(act_map_exceeds_memory(map));
    act_map_paging paging;
    act_map_get_paging(map, &paging);
    assert_non_null(strstr(paging.text, "32.0 MiB, of the whole set, are more than half"));
    assert_true(all_are(0, map->index.hot_off, ACT_OS_PAGING_SINGLE));
    assert_true(all_are(map->index.hot_off, map->index.sums_off, ACT_OS_PAGING_AHEAD));
    act_map_close(map);
    /* The hot regions of so many parts do not fit either. */
    map = open_among(indexed, available, nbytes * ((32 << 20) / hot_nbytes + 1), NULL);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_SINGLE));
    act_map_close(map);

    /* What was told stays as it was told. */
    act_open_options options = {.advice = ACT_ADVICE_NORMAL};
    map = open_among(indexed, 8 << 20, UINT64_MAX, &options);
    assert_true(all_are(0, nbytes, ACT_OS_PAGING_AHEAD));
    act_map_close(map);
}

/* And each is given its share of the memory that all of them may take. */
static void a_part_is_populated_by_its_share(void **state)
{
    (void)state;
    act_open_options options = {.populate = ACT_POPULATE_ALL};
    act_map *map = open_with(indexed, UINT64_MAX, ACT_ACCESS_AUTO);
    uint64_t nbytes = map->file_nbytes;
    act_map_paging paging;
    act_map_close(map);
    /* All of 8 parts fit; half of their bytes; or nobody knows. */
    for (uint64_t available = 16 * nbytes; available >= 8 * nbytes; available -= 8 * nbytes) {
        map = open_among(indexed, available, 8 * nbytes, &options);
        act_map_get_paging(map, &paging);
        assert_int_equal(paging.populate_asked_nbytes, nbytes);
        assert_int_equal(paging.populate_done_nbytes,
                         available == 16 * nbytes ? nbytes : nbytes / 2);
        assert_int_equal(strstr(paging.text, "this part's share of half") != NULL,
                         available < 16 * nbytes);
        act_map_close(map);
    }
    map = open_among(indexed, UINT64_MAX, 8 * nbytes, &options);
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.populate_done_nbytes, nbytes);
    act_map_close(map);

    /* A call is about one part only. */
    uint64_t done;
    act_error error;
    map = open_among(indexed, 2 * nbytes, 8 * nbytes, NULL);
    assert_int_equal(act_map_populate(map, NULL, NULL, NULL, &done, NULL, NULL), ACT_OK);
    assert_int_equal(done, nbytes);
    sys.available = nbytes;
    assert_int_equal(act_map_lock(map, NULL, &error), ACT_ERR_LIMIT);
    assert_null(strstr(error.text, "share"));
    act_map_close(map);

    /* Locking takes all or nothing. */
    options = (act_open_options){.lock = ACT_LOCK_ALL};
    memset(&sys, 0, sizeof(sys));
    sys.available = 8 * nbytes;
    assert_int_equal(act_map_open_among(indexed, &options, 8 * nbytes, &map, &error),
                     ACT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "the share of this part of a set"));
    assert_null(map);
    /* A file by itself has no share. */
    memset(&sys, 0, sizeof(sys)); /* it may lie elsewhere */
    sys.available = nbytes;
    assert_int_equal(act_map_open(indexed, &options, &map, &error), ACT_ERR_LIMIT);
    assert_null(strstr(error.text, "share"));
    assert_non_null(strstr(error.text, "half of what this process may use"));
}

/* Who has asked for pages one by one gets them again, of a hot region that would fit as well. */
static void what_was_asked_for_at_opening_comes_back(void **state)
{
    (void)state;
    const act_open_options options = {.advice = ACT_ADVICE_RANDOM};
    act_map *map = open_among(indexed, UINT64_MAX, 0, &options);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_SINGLE));
    assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_NORMAL, NULL), ACT_OK);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_AHEAD));
    assert_int_equal(act_map_advise(map, NULL, ACT_ADVICE_AUTO, NULL), ACT_OK);
    assert_true(all_are(0, map->file_nbytes, ACT_OS_PAGING_SINGLE));
    assert_false(map->lazy->hot_ahead);
    act_map_close(map);
}

/* What comes behind a map later is read as the file is, the hot region by itself. */
static void what_is_put_behind_a_map_is_read_alike(void **state)
{
    (void)state;
    /* The last one has nothing of the hot region. */
    static const act_region regions[] = {{.kind = ACT_REGION_WHOLE},
                                         {.kind = ACT_REGION_HOT},
                                         {.kind = ACT_REGION_COLD},
                                         {.kind = ACT_REGION_RANGE, .off = 0, .nbytes = 1}};
    for (int advice = ACT_ADVICE_AUTO; advice <= ACT_ADVICE_SEQUENTIAL; advice++) {
        const act_open_options options = {.advice = (act_advice)advice};
        act_map *map = open_among(indexed, 8 << 20, 0, &options);
        uint8_t *before = malloc(map->file_nbytes);
        assert_non_null(before);
        memcpy(before, sys.paging, map->file_nbytes);
        for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
            assert_int_equal(act_map_set_backing(map, &regions[i], ACT_BACKING_PRIVATE, NULL),
                             ACT_OK);
            assert_memory_equal(sys.paging, before, map->file_nbytes);
        }
        free(before);
        act_map_close(map);
    }
}

static void what_is_not_mapped_chooses_nothing(void **state)
{
    (void)state;
    /* But for a file that is read: whether there is room for it. */
    const act_open_options options = {.access = ACT_ACCESS_READ};
    act_map *map;
    memset(&sys, 0, sizeof(sys));
    sys.available = UINT64_MAX;
    assert_int_equal(act_map_open(indexed, &options, &map, NULL), ACT_OK);
    assert_null(sys.bytes);
    assert_int_equal(act_map_memory(map), UINT64_MAX);
    act_map_close(map);

    size_t nbytes;
    unsigned char *bytes = scratch_read(indexed, &nbytes);
    memset(&sys, 0, sizeof(sys));
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(sys.questions, 0);
    assert_null(sys.bytes);
    act_map_close(map);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_read_ahead),
        cmocka_unit_test(what_does_not_fit_is_read_by_the_page),
        cmocka_unit_test(what_reads_much_asks_for_the_memory_once),
        cmocka_unit_test(what_is_told_first_is_not_undone),
        cmocka_unit_test(all_lookups_keep_the_hot_region_in_use),
        cmocka_unit_test(nothing_is_read_ahead_with_hardly_any_memory),
        cmocka_unit_test(small_files_are_compared_too),
        cmocka_unit_test(a_part_is_compared_with_all_parts),
        cmocka_unit_test(a_part_is_populated_by_its_share),
        cmocka_unit_test(what_was_asked_for_at_opening_comes_back),
        cmocka_unit_test(what_is_put_behind_a_map_is_read_alike),
        cmocka_unit_test(what_is_not_mapped_chooses_nothing),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
