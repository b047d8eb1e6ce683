/*
 * What a lookup is said to read, against what it reads: no page of the map can be read until it is
 * asked for, and the signal that comes then says which one that was.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actree.h"
#include "read/descent.h"
#include "read/map.h"
#include "read/paging.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/seal.h"
#include "support/shapes.h"

enum {
    PAGES_MAX = 4096,
    QUERIES = CHECK_SLOW_BUILD ? 200 : 2000,
    KEY_ROOM = 600
};

static size_t page_nbytes;

/* The map whose pages are watched, and which of them were read. */
static struct {
    uint8_t *bytes;
    size_t pages;
    bool read[PAGES_MAX];
} watched;

static void page_is_read(int signal_number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)watched.bytes;
    size_t page = at / page_nbytes;
    (void)context;
    if (page >= watched.pages || watched.read[page]) {
        signal(signal_number, SIG_DFL); /* another fault than ours: it comes again */
        return;
    }
    watched.read[page] = true;
    mprotect(watched.bytes + page * page_nbytes, page_nbytes, PROT_READ);
}

/* In each test, for cmocka sets its own. */
static void catch_reads(void)
{
    struct sigaction action;
    page_nbytes = (size_t)sysconf(_SC_PAGESIZE);
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = page_is_read;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

static act_map *open_map(const char *path)
{
    act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map *map;
    catch_reads();
    assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
    watched.bytes = (uint8_t *)(uintptr_t)map->arena.bytes;
    watched.pages = (size_t)(map->file_nbytes + page_nbytes - 1) / page_nbytes;
    assert_true(watched.pages <= PAGES_MAX);
    return map;
}

static void hide_pages(int protection)
{
    memset(watched.read, 0, sizeof(watched.read));
    assert_int_equal(mprotect(watched.bytes, watched.pages * page_nbytes, protection), 0);
}

struct trace {
    const act_map *map;
    unsigned touches;
    unsigned stop_at;
    unsigned level;
    uint64_t kinds[4];
    bool told[PAGES_MAX];
    bool long_line[PAGES_MAX];
};

static int keep_touch(void *context, const act_touch *touch)
{
    struct trace *trace = context;
    assert_true(touch->nbytes > 0);
    assert_true(touch->off + touch->nbytes <= trace->map->file_nbytes);
    assert_true(touch->level >= trace->level && touch->level <= trace->level + 1);
    trace->level = touch->level;
    trace->kinds[touch->kind]++;
    for (uint64_t page = touch->off / page_nbytes;
         page <= (touch->off + touch->nbytes - 1) / page_nbytes; page++) {
        trace->told[page] = true;
        trace->long_line[page] |= touch->kind == ACT_TOUCH_LINE && touch->nbytes > 17;
    }
    return ++trace->touches == trace->stop_at;
}

static void expect_the_same(const act_map *map, struct trace *trace, const uint8_t *key,
                            size_t key_nbytes)
{
    uint64_t value = 0, traced_value = 0;
    hide_pages(PROT_NONE);
    act_status status = act_map_get(map, key, key_nbytes, &value, NULL);
    bool read[PAGES_MAX];
    memcpy(read, watched.read, sizeof(read));
    hide_pages(PROT_READ);
    memset(trace->told, 0, sizeof(trace->told));
    memset(trace->long_line, 0, sizeof(trace->long_line));
    trace->map = map;
    trace->level = 0;
    assert_int_equal(
        act_map_trace_get(map, key, key_nbytes, keep_touch, trace, &traced_value, NULL), status);
    assert_int_equal(traced_value, value);
    for (size_t page = 0; page < watched.pages; page++) {
        /* Elsewhere than on the usual way the C library compares lines, and may stop early. */
        bool may_differ = !map->arena.jump_end && trace->long_line[page];
        if (trace->told[page] != read[page] && !may_differ)
            fail_msg("page %zu of %zu: said to be %s, is %s", page, watched.pages,
                     trace->told[page] ? "read" : "left", read[page] ? "read" : "left");
    }
}

static void ask(const act_map *map, struct random *r, const struct entries *entries,
                struct trace *trace)
{
    uint8_t key[KEY_ROOM];
    for (int i = 0; i < QUERIES; i++)
        expect_the_same(map, trace, key, shapes_near_key(r, entries, key, sizeof(key)));
}

/* Keys that share their beginnings, in three ways, and with lines from short to long. */
static void add_keys(struct random *r, struct entries *entries, size_t count)
{
    uint8_t key[KEY_ROOM];
    for (size_t i = 0; i < count; i++) {
        size_t nbytes = 1 + random_below(r, 6);
        for (size_t j = 0; j < nbytes; j++)
            key[j] = (uint8_t)random_below(r, j < 2 ? 7 : 256);
        if (random_one_in(r, 3)) {
            size_t more = random_below(r, random_one_in(r, 40) ? 400 : 60);
            memset(key + nbytes, (int)random_below(r, 4), more);
            nbytes += more;
        }
        entries_add(entries, key, nbytes, shapes_value(r));
    }
}

/* Keys of which the first bytes lead through the same few nodes, as shortcuts are made for. */
static void add_paths(struct random *r, struct entries *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char key[64];
        int nbytes = snprintf(key, sizeof(key), "dir/%03x/%llx", (unsigned)random_below(r, 1000),
                              (unsigned long long)random_u64(r));
        entries_add(entries, key, (size_t)nbytes, i);
    }
}

/* Returns what the touches were of. */
static struct trace expect_layout(act_layout layout, size_t count,
                                  void (*add)(struct random *, struct entries *, size_t),
                                  bool shortcuts)
{
    struct random r = random_of(count + layout);
    struct entries entries = {0};
    struct trace trace = {0};
    add(&r, &entries, count);
    entries_sort(&entries);
    build_file(&entries, scratch_map, layout, NULL);
    act_map *map = open_map(scratch_map);
    if (shortcuts) {
        act_shortcuts_count(map, ACT_SHORTCUT_LOOKUPS_MIN);
        assert_non_null(act_shortcuts_of(map));
    }
    ask(map, &r, &entries, &trace);
    act_map_close(map);
    entries_free(&entries);
    return trace;
}

static void indexed(void **state)
{
    (void)state;
    struct trace trace = expect_layout(ACT_LAYOUT_INDEXED, 60000, add_keys, false);
    assert_true(trace.kinds[ACT_TOUCH_JUMP] > QUERIES / 2);
    assert_int_equal(trace.kinds[ACT_TOUCH_SIBLINGS], 0);
    assert_true(trace.kinds[ACT_TOUCH_LINE] > QUERIES / 8);
}

static void indexed_with_shortcuts(void **state)
{
    (void)state;
    struct trace without = expect_layout(ACT_LAYOUT_INDEXED, 60000, add_paths, false);
    struct trace with = expect_layout(ACT_LAYOUT_INDEXED, 60000, add_paths, true);
    assert_true(with.touches < without.touches / 4 * 3);
}

static void plain(void **state)
{
    (void)state;
    struct trace trace = expect_layout(ACT_LAYOUT_PLAIN, 60000, add_keys, false);
    assert_int_equal(trace.kinds[ACT_TOUCH_JUMP], 0);
    assert_true(trace.kinds[ACT_TOUCH_SIBLINGS] > QUERIES / 2);
}

static void compact(void **state)
{
    (void)state;
    expect_layout(ACT_LAYOUT_COMPACT, 30000, add_keys, false);
}

/* Also where hardly any node is usual: all of them are near to the end. */
static void small_maps_of_all_shapes(void **state)
{
    static const act_layout layouts[] = {ACT_LAYOUT_INDEXED, ACT_LAYOUT_PLAIN, ACT_LAYOUT_COMPACT};
    struct random r = random_of(11);
    uint8_t key[KEY_ROOM];
    (void)state;
    for (size_t shape = 0; shape < shapes_count(); shape++) {
        struct entries entries = {0};
        shapes_make(&r, shape, &entries);
        for (size_t i = 0; i < 3; i++) {
            struct trace trace = {0};
            build_file(&entries, scratch_map, layouts[i], NULL);
            act_map *map = open_map(scratch_map);
            for (int j = 0; j < 100; j++)
                expect_the_same(map, &trace, key, shapes_near_key(&r, &entries, key, sizeof(key)));
            act_map_close(map);
        }
        entries_free(&entries);
    }
}

/* The root is the last node of a file that was merged into, and no usual one. */
static void merged(void **state)
{
    static const act_layout layouts[] = {ACT_LAYOUT_INDEXED, ACT_LAYOUT_PLAIN};
    struct random r = random_of(12);
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct entries entries = {0};
        struct trace trace = {0};
        act_merge *merge;
        (i % 2 ? add_paths : add_keys)(&r, &entries, 3000); /* the root is a line, or a branch */
        entries_sort(&entries);
        build_file(&entries, scratch_map, layouts[i / 2], NULL);
        assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
        for (size_t at = 5; at < entries.count; at += 50) {
            const struct entry *e = &entries.items[at];
            assert_int_equal(act_merge_set(merge, e->key, e->key_nbytes, at, NULL), ACT_OK);
        }
        assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
        act_merge_close(merge);
        act_map *map = open_map(scratch_map);
        assert_true(map->root >= map->arena.usual_end);
        ask(map, &r, &entries, &trace);
        act_map_close(map);
        entries_free(&entries);
    }
}

/* What the bytes are is nobody's promise: no touch leaves the file, answers are the same. */
static void damaged(void **state)
{
    struct random r = random_of(12);
    struct entries entries = {0};
    size_t nbytes;
    uint8_t key[KEY_ROOM];
    (void)state;
    add_keys(&r, &entries, 3000);
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    for (int i = 0; i < QUERIES; i++) {
        act_map *map;
        uint8_t *broken = malloc(nbytes);
        assert_non_null(broken);
        memcpy(broken, bytes, nbytes);
        for (int j = 0; j < 200; j++)
            broken[256 + random_below(&r, nbytes - 256)] ^= (uint8_t)(1 << random_below(&r, 8));
        if (act_map_open_memory(broken, nbytes, NULL, &map, NULL) == ACT_OK) {
            for (int j = 0; j < 20; j++) {
                struct trace trace = {.map = map};
                size_t key_nbytes = shapes_near_key(&r, &entries, key, sizeof(key));
                uint64_t value = 1, traced = 1;
                act_status status = act_map_get(map, key, key_nbytes, &value, NULL);
                assert_int_equal(
                    act_map_trace_get(map, key, key_nbytes, keep_touch, &trace, &traced, NULL),
                    status);
                assert_int_equal(traced, value);
            }
            act_map_close(map);
        }
        free(broken);
    }
    free(bytes);
    entries_free(&entries);
}

/* Answers of a map are those of its traces; how many touches there were of that kind. */
static uint64_t count_touches(const act_map *map, const uint8_t *key, size_t nbytes,
                              act_touch_kind kind)
{
    struct trace trace = {.map = map};
    uint64_t value = 1, traced = 1;
    act_status status = act_map_get(map, key, nbytes, &value, NULL);
    page_nbytes = (size_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(act_map_trace_get(map, key, nbytes, keep_touch, &trace, &traced, NULL),
                     status);
    assert_int_equal(value, traced);
    return trace.kinds[kind];
}

/* A jump table over the header of the index, and with more children over the front of the file. */
static void a_table_without_room(void **state)
{
    (void)state;
    uint8_t arena[200] = {4}; /* the width, and leaves */
    size_t nbytes;
    act_map *map;
    arena[100] = 32; /* 64 children by a mask, 99 bytes back */
    arena[101] = 99;
    memset(arena + 102, 0xff, 8);
    uint8_t *bytes = seal_arena(arena, sizeof(arena), ACT_INDEX_END + 100, &nbytes);
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(map->index_state, ACT_INDEX_VALID);
    for (uint8_t key = 1; key < 64; key++)
        assert_true(count_touches(map, &key, 1, ACT_TOUCH_JUMP) > 0);
    act_map_close(map);
    free(bytes);
}

/* The last look into a table. */
static int keep_jump(void *context, const act_touch *touch)
{
    if (touch->kind == ACT_TOUCH_JUMP)
        *(act_touch *)context = *touch;
    return 0;
}

/* A look takes what lies from the number to the width, if it is one that there can be. */
static void tables_are_told_from_the_number_on(void **state)
{
    (void)state;
    enum {
        FIRST = 50 /* of three leaves, and the branch after them */
    };
    for (uint8_t width = 0; width < 9; width++) {
        uint8_t arena[200] = {0};
        size_t nbytes;
        act_map *map;
        bool good = width == 1 || width == 2 || width == 4;
        arena[FIRST - 1] = width;
        for (size_t i = 1; i < 3; i++)
            arena[FIRST - 1 - i * width] = (uint8_t)(width ? i : 0);
        memcpy(arena + FIRST + 3, "\3\3abc", 5);
        uint8_t *bytes = seal_arena(arena, sizeof(arena), ACT_INDEX_END + FIRST + 3, &nbytes);
        assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
        for (uint8_t i = 1; i < 3; i++) {
            const uint8_t key = (uint8_t)('a' + i);
            act_touch touch = {.nbytes = 0};
            assert_int_equal(act_map_trace_get(map, &key, 1, keep_jump, &touch, NULL, NULL),
                             ACT_NOT_FOUND);
            assert_int_equal(touch.nbytes, 1 + (good ? i * width : 0));
            assert_int_equal(touch.off + touch.nbytes, ACT_INDEX_END + FIRST);
        }
        act_map_close(map);
        free(bytes);
    }
}

/* On a machine that steps over siblings one by one. */
static void siblings_one_by_one(void **state)
{
    (void)state;
    struct entries entries = {0};
    for (unsigned i = 0; i < 100; i++)
        entries_add(&entries, (uint8_t[]){(uint8_t)i}, 1, i);
    build_file(&entries, scratch_map, ACT_LAYOUT_PLAIN, NULL);
    entries_free(&entries);
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    map->arena.lengths = NULL;
    for (uint8_t key = 1; key < 100; key++)
        assert_int_equal(count_touches(map, &key, 1, ACT_TOUCH_SIBLINGS), 1);
    act_map_close(map);
}

static void stops_when_told(void **state)
{
    struct entries entries = {0};
    struct trace trace = {.stop_at = 2};
    act_error error;
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        entries_add(&entries, (uint8_t[]){(uint8_t)i, 1, 2}, 1 + i % 3, i);
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    act_map *map = open_map(scratch_map);
    trace.map = map;
    assert_int_equal(act_map_trace_get(map, "\xa7\x01\x02", 3, keep_touch, &trace, NULL, NULL),
                     ACT_STOPPED);
    assert_int_equal(trace.touches, 2);
    assert_int_equal(act_map_trace_get(map, "", 0, NULL, NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(act_map_trace_get(NULL, "", 0, keep_touch, &trace, NULL, NULL),
                     ACT_ERR_INVALID);
    act_map_close(map);
    entries_free(&entries);
}

/* Which pages of the watched map this process has; false if the system does not tell. */
static bool pages_mapped(bool mapped[PAGES_MAX])
{
    uint64_t entries[PAGES_MAX];
    int fd = open("/proc/self/pagemap", O_RDONLY);
    off_t at = (off_t)((uintptr_t)watched.bytes / page_nbytes * 8);
    ssize_t nbytes = fd < 0 ? -1 : pread(fd, entries, watched.pages * 8, at);
    if (fd >= 0)
        close(fd);
    for (size_t page = 0; page < watched.pages; page++)
        mapped[page] = nbytes > 0 && entries[page] >> 63;
    return nbytes == (ssize_t)(watched.pages * 8);
}

/* Throws the file out of memory and out of the mapping. */
static bool drop_pages(const char *path)
{
    bool mapped[PAGES_MAX];
    unsigned char cached[PAGES_MAX];
    int fd = open(path, O_RDONLY);
    size_t left = 0;
    madvise(watched.bytes, watched.pages * page_nbytes, MADV_DONTNEED);
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    if (!pages_mapped(mapped) || mincore(watched.bytes, watched.pages * page_nbytes, cached) != 0)
        return false;
    for (size_t page = 0; page < watched.pages; page++)
        left += mapped[page] || (cached[page] & 1);
    return left == 0;
}

/* The same against the system's own books: which pages of a cold file a lookup brings in. */
static void the_pages_that_come_from_the_disk(void **state)
{
    struct random r = random_of(13);
    struct entries entries = {0};
    uint8_t key[KEY_ROOM];
    (void)state;
    CHECK_NEEDS_KERNEL("the pages are another program's");
    add_keys(&r, &entries, 40000);
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    act_map *map = open_map(scratch_map);
    act_map_settle(map); /* so that nothing else is advised later */
    madvise(watched.bytes, watched.pages * page_nbytes, MADV_RANDOM);
    bool can = drop_pages(scratch_map);
    for (int i = 0; can && i < 100; i++) {
        struct trace trace = {.map = map};
        bool mapped[PAGES_MAX] = {false};
        size_t key_nbytes = shapes_near_key(&r, &entries, key, sizeof(key));
        can = drop_pages(scratch_map);
        act_status status = act_map_get(map, key, key_nbytes, NULL, NULL);
        can = can && pages_mapped(mapped);
        assert_int_equal(act_map_trace_get(map, key, key_nbytes, keep_touch, &trace, NULL, NULL),
                         status);
        /* An emulator may show the books of another process: no page at all is there then. */
        can = can && memchr(mapped, 1, sizeof(mapped));
        for (size_t page = 0; can && page < watched.pages; page++)
            assert_int_equal(mapped[page], trace.told[page]);
    }
    act_map_close(map);
    entries_free(&entries);
    if (!can) {
        print_message(
            "the file cannot be thrown out of memory here, or the system does not tell\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexed),
        cmocka_unit_test(indexed_with_shortcuts),
        cmocka_unit_test(plain),
        cmocka_unit_test(compact),
        cmocka_unit_test(small_maps_of_all_shapes),
        cmocka_unit_test(merged),
        cmocka_unit_test(damaged),
        cmocka_unit_test(a_table_without_room),
        cmocka_unit_test(tables_are_told_from_the_number_on),
        cmocka_unit_test(siblings_one_by_one),
        cmocka_unit_test(stops_when_told),
        cmocka_unit_test(the_pages_that_come_from_the_disk),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
