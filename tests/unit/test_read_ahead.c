/*
 * Reading ahead of walks, in a file that is larger than the memory there is. The system's part is
 * put in its place by the linker, so that all that is asked for is seen.
 */
#include "read/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "os/paging.h"
#include "read/paging.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    KEYS = 900000,
    MIB = 1 << 20
};

static uint64_t available = UINT64_MAX;

uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately);
uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately)
{
    (void)lately;
    (void)enough;
    return available;
}

/* What was asked for, since the last reset. */
static struct {
    uint64_t pieces, nbytes, most, low, high;
    bool upwards, downwards; /* each piece lies beyond all before it */
} asked;

static act_map *map; /* that is read */

void __wrap_act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes);
void __wrap_act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t off = (uint64_t)(bytes - map->arena.bytes);
    assert_true(off + nbytes <= map->file_nbytes);
    if (asked.pieces) {
        asked.upwards = asked.upwards && off >= asked.high;
        asked.downwards = asked.downwards && off + nbytes <= asked.low;
    }
    asked.low = !asked.pieces || off < asked.low ? off : asked.low;
    asked.high = off + nbytes > asked.high ? off + nbytes : asked.high;
    asked.most = nbytes > asked.most ? nbytes : asked.most;
    asked.nbytes += nbytes;
    asked.pieces++;
}

static void forget(void)
{
    memset(&asked, 0, sizeof(asked));
    asked.upwards = asked.downwards = true;
}

static char *dir;
static struct entries entries;
static act_map *indexed, *plain, *roomy;
static act_map *small; /* and its values lie too near to its end for usual steps */

static act_map *open_map(const char *name, uint64_t available_nbytes)
{
    char *path = scratch_path(dir, name);
    act_map *opened;
    available = available_nbytes;
    assert_int_equal(act_map_open(path, NULL, &opened, NULL), ACT_OK);
    act_map_settle(opened); /* by what is available now */
    free(path);
    return opened;
}

static int make_maps(void **state)
{
    (void)state;
    struct random r = random_of(21);
    dir = scratch_make();
    for (size_t i = 0; i < KEYS; i++) {
        uint64_t key[3] = {random_below(&r, 256), random_u64(&r), random_u64(&r)};
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_add(&entries, "\x07", 1, KEYS); /* above a twohundredth of all others */
    entries_sort(&entries);
    char *path = scratch_path(dir, "indexed.act");
    build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
    free(path);
    path = scratch_path(dir, "plain.act");
    build_file(&entries, path, ACT_LAYOUT_PLAIN, NULL);
    free(path);
    static const uint8_t bytes[] = {'A', 'C', 'T', 'r', 'e', 'e',  '0', '3',  20, 0, 0,
                                    0,   0,   0,   0,   0,   0x40, 1,   0x40, 2,  2, 4,
                                    'a', 'b', 0,   0,   0,   0,    0,   0,    0,  0};
    path = scratch_path(dir, "small.act");
    scratch_write(path, bytes, sizeof(bytes));
    available = 0;
    const act_open_options mapped = {.access = ACT_ACCESS_MAP};
    assert_int_equal(act_map_open(path, &mapped, &small, NULL), ACT_OK);
    free(path);
    indexed = open_map("indexed.act", 8 * MIB);
    plain = open_map("plain.act", 8 * MIB);
    roomy = open_map("indexed.act", UINT64_MAX);
    return 0;
}

static int remove_maps(void **state)
{
    (void)state;
    act_map_close(indexed);
    act_map_close(plain);
    act_map_close(roomy);
    act_map_close(small);
    entries_free(&entries);
    scratch_remove(dir);
    return 0;
}

struct visits {
    size_t count;
    size_t stop_at;
};

static int visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct visits *visits = context;
    const struct entry *e = &entries.items[visits->count++];
    assert_int_equal(entries_compare(key, key_nbytes, e->key, e->key_nbytes), 0);
    assert_int_equal(value, e->value);
    return visits->count == visits->stop_at;
}

static size_t scan(act_map *of, size_t stop_at)
{
    struct visits visits = {0, stop_at};
    map = of;
    forget();
    act_status status = act_map_scan(of, NULL, visit, &visits, NULL);
    assert_int_equal(status, visits.count == stop_at ? ACT_STOPPED : ACT_OK);
    return visits.count;
}

static void a_long_scan_is_read_ahead_of(void **state)
{
    (void)state;
    act_map *maps[] = {indexed, plain};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(scan(maps[i], 0), entries.count);
        assert_true(asked.upwards);
        assert_int_equal(asked.most, 2 * MIB);
        /* Nearly all of it, and nothing twice. */
        assert_true(asked.nbytes <= maps[i]->file_nbytes);
        assert_true(asked.nbytes >= maps[i]->file_nbytes / 4 * 3);
        assert_true(asked.pieces <= 6 + maps[i]->file_nbytes / MIB);
    }
}

static void a_short_one_is_not(void **state)
{
    (void)state;
    assert_int_equal(scan(indexed, 255), 255);
    assert_int_equal(asked.pieces, 0);
    assert_int_equal(scan(indexed, 256), 256);
    assert_int_equal(asked.pieces, 1);
    assert_int_equal(asked.nbytes, 64 << 10);
}

static void nor_is_a_file_that_fits(void **state)
{
    (void)state;
    assert_int_equal(scan(roomy, 0), entries.count);
    assert_int_equal(asked.pieces, 0);
}

static void iterators_in_both_directions(void **state)
{
    (void)state;
    act_iter *iter;
    uint64_t value;
    map = indexed;
    assert_int_equal(act_iter_open(indexed, NULL, &iter, NULL), ACT_OK);
    forget();
    for (size_t i = 0; i < entries.count; i++) {
        assert_int_equal(act_iter_next(iter, NULL, NULL, &value, NULL), ACT_OK);
        assert_int_equal(value, entries.items[i].value);
    }
    assert_true(asked.upwards && asked.nbytes >= indexed->file_nbytes / 4 * 3);
    /* Turned back, it asks for what lies below. */
    forget();
    for (size_t i = entries.count; i-- > 0;) {
        assert_int_equal(act_iter_prev(iter, NULL, NULL, &value, NULL), ACT_OK);
        assert_int_equal(value, entries.items[i].value);
    }
    assert_true(asked.downwards && asked.nbytes >= indexed->file_nbytes / 4 * 3);
    assert_true(asked.low < 64 << 10);
    act_iter_close(iter);
}

/* Far from the last look it begins small again. */
static void iterators_that_are_sent_elsewhere(void **state)
{
    (void)state;
    act_iter *iter;
    map = indexed;
    assert_int_equal(act_iter_open(indexed, NULL, &iter, NULL), ACT_OK);
    for (size_t i = 0; i < KEYS / 4; i++)
        assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    forget();
    const struct entry *e = &entries.items[entries.count / 4 * 3];
    assert_int_equal(act_iter_seek(iter, e->key, e->key_nbytes, NULL), ACT_OK);
    for (size_t i = 0; i < 256; i++)
        assert_int_equal(act_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(asked.pieces, 1);
    assert_int_equal(asked.nbytes, 64 << 10);
    assert_true(asked.low > indexed->file_nbytes / 2);
    act_iter_close(iter);
}

/* Where a key is not found, nothing is done. */
static void keys_that_are_not_there_or_too_long(void **state)
{
    (void)state;
    static uint8_t key[1000];
    struct act_ahead ahead = {0};
    map = indexed;
    forget();
    act_ahead_look(&ahead, indexed, key, sizeof(key), true);
    act_ahead_look(&ahead, indexed, key, 3, false);
    assert_int_equal(asked.pieces, 0);
    const struct entry *e = &entries.items[5];
    act_ahead_look(&ahead, indexed, e->key, e->key_nbytes, true);
    assert_int_equal(asked.pieces, 1);
}

/* Nor are checks a reason not to, while there are any, and then. */
static void a_scan_that_checks_is_read_ahead_of(void **state)
{
    (void)state;
    const act_open_options options = {.checksums = ACT_CHECKSUMS_TOUCH};
    char *path = scratch_path(dir, "indexed.act");
    act_map *checked;
    available = 8 * MIB;
    assert_int_equal(act_map_open(path, &options, &checked, NULL), ACT_OK);
    free(path);
    assert_int_equal(scan(checked, entries.count / 4), entries.count / 4);
    assert_true(asked.pieces > 1 && asked.upwards);
    act_map_close(checked);
}

/* Values in the hot region say nothing; those at the end of a file what others do. */
static void values_in_other_places(void **state)
{
    (void)state;
    struct act_ahead ahead = {0};
    uint64_t value;
    map = indexed;
    forget();
    assert_int_equal(act_map_get(indexed, "\x07", 1, &value, NULL), ACT_OK);
    assert_int_equal(value, KEYS);
    act_ahead_look(&ahead, indexed, (const uint8_t *)"\x07", 1, true);
    assert_int_equal(asked.pieces, 0);
    map = small;
    act_ahead_look(&ahead, small, (const uint8_t *)"c", 1, true);
    act_ahead_look(&ahead, small, (const uint8_t *)"ab", 2, true);
    assert_int_equal(asked.pieces, 0);
    act_ahead_look(&ahead, small, (const uint8_t *)"b", 1, true);
    assert_int_equal(asked.pieces, 1);
    assert_int_equal(asked.low, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_scan_is_read_ahead_of),
        cmocka_unit_test(a_short_one_is_not),
        cmocka_unit_test(nor_is_a_file_that_fits),
        cmocka_unit_test(iterators_in_both_directions),
        cmocka_unit_test(iterators_that_are_sent_elsewhere),
        cmocka_unit_test(keys_that_are_not_there_or_too_long),
        cmocka_unit_test(a_scan_that_checks_is_read_ahead_of),
        cmocka_unit_test(values_in_other_places),
    };
    return cmocka_run_group_tests(tests, make_maps, remove_maps);
}
