/* What lookups can do without: memory for shortcuts, and for lists of pages. And what they cannot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "base/bytes.h"
#include "faults.h"
#include "format/index.h"
#include "read/map.h"
#include "read/shortcut.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    KEYS = 20000,
    BATCH = 1000
};

static struct entries entries;

static int make_file(void **state)
{
    struct random r = random_of(77);
    scratch_set_up(state);
    for (unsigned i = 0; i < KEYS; i++) {
        uint64_t key[2] = {random_u64(&r), random_u64(&r)};
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    return 0;
}

static int remove_file(void **state)
{
    entries_free(&entries);
    return scratch_tear_down(state);
}

static act_map *open_mapped(void)
{
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    return map;
}

static void lookups_need_no_shortcuts(void **state)
{
    (void)state;
    act_map *map = open_mapped();
    fault_arm(FAULT_ALLOCATE, 1, 0, true);
    act_shortcuts_count(map, ACT_SHORTCUT_LOOKUPS_MIN);
    for (size_t i = 0; i < entries.count; i++) {
        uint64_t value = 0;
        const struct entry *e = &entries.items[i];
        assert_int_equal(act_map_get(map, e->key, e->key_nbytes, &value, NULL), ACT_OK);
        assert_int_equal(value, e->value);
    }
    assert_int_equal(fault_disarm(), 1);
    assert_null(act_shortcuts_of(map));
    act_map_close(map);
}

/* Then pages are asked for a window at a time. */
static void batches_need_no_list_of_all_pages(void **state)
{
    (void)state;
    const act_batch_options options = {.fetch = ACT_FETCH_ALWAYS};
    static act_slice keys[BATCH];
    static uint64_t values[BATCH];
    act_map *map = open_mapped();
    for (size_t i = 0; i < BATCH; i++) {
        const struct entry *e = &entries.items[i * (KEYS / BATCH)];
        keys[i] = (act_slice){e->key, e->key_nbytes};
    }
    fault_arm(FAULT_ALLOCATE, 1, 0, true);
    assert_int_equal(act_map_get_batch_with(map, keys, BATCH, values, NULL, &options, NULL),
                     ACT_OK);
    assert_true(fault_disarm() > 0);
    for (size_t i = 0; i < BATCH; i++)
        assert_int_equal(values[i], entries.items[i * (KEYS / BATCH)].value);
    act_map_close(map);
}

/* Checks of a file that was merged into keep a list of what was. */
static void checks_need_memory(void **state)
{
    (void)state;
    const act_open_options touch = {.checksums = ACT_CHECKSUMS_TOUCH};
    struct entries added = {0};
    entries_add(&added, "one more", 8, 1);
    merge_into_file(&entries, &added, scratch_map);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    for (unsigned nth = 1;; nth++) {
        act_map *map;
        act_error error = {0};
        fault_arm(FAULT_ALLOCATE, nth, 0, false);
        act_status status = act_map_open_memory(bytes, nbytes, &touch, &map, &error);
        if (fault_disarm() < nth) {
            assert_int_equal(status, ACT_OK);
            act_map_close(map);
            assert_int_equal(nth, 6); /* the map, and four for the checks */
            break;
        }
        assert_int_equal(status, ACT_ERR_NOMEM);
        assert_int_equal(error.status, ACT_ERR_NOMEM);
        assert_null(map);
    }
    free(bytes);
}

/* Deep in a chain of nodes that are keys. */
static void counting_needs_memory(void **state)
{
    (void)state;
    enum {
        DEPTH = 60
    };
    struct entries deep = {0};
    uint8_t key[DEPTH] = {0};
    char *path = scratch_path(scratch_dir, "deep.act");
    for (size_t nbytes = 0; nbytes < DEPTH; nbytes++)
        entries_add(&deep, key, nbytes, nbytes);
    build_file(&deep, path, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&deep);
    act_map *map;
    act_cursor *cursor;
    uint64_t count = 0;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    unsigned failed = 0;
    for (unsigned nth = 1; nth < 100; nth++, failed++) {
        fault_arm(FAULT_ALLOCATE, nth, 0, false);
        act_status status = act_cursor_val_count(cursor, &count, NULL);
        if (fault_disarm() < nth) {
            assert_int_equal(status, ACT_OK);
            break;
        }
        assert_int_equal(status, ACT_ERR_NOMEM);
    }
    assert_in_range(failed, 2, 20);
    assert_int_equal(count, DEPTH);
    act_cursor_close(cursor);
    act_map_close(map);
    free(path);
}

/* Warming as a whole begins with a list of what is to be read. */
static void warming_needs_memory(void **state)
{
    (void)state;
    act_map *map = open_mapped();
    unsigned failed = 0;
    for (unsigned nth = 1; nth < 100; nth++, failed++) {
        act_warm_state found = {.ended = false};
        act_error error = {0};
        fault_arm(FAULT_ALLOCATE, nth, 0, false);
        act_status status = act_map_warm(map, NULL, NULL, NULL, &found, &error);
        if (fault_disarm() < nth) {
            assert_int_equal(status, ACT_OK);
            assert_int_equal(found.done_nbytes, map->file_nbytes);
            break;
        }
        assert_int_equal(status, ACT_ERR_NOMEM);
        assert_int_equal(error.status, ACT_ERR_NOMEM);
    }
    assert_in_range(failed, 2, 20);
    act_map_close(map);
}

/* What the system does not tell is not known, nor are differences to it. */
static void faults_that_are_not_told(void **state)
{
    (void)state;
    act_faults before, since;
    act_faults_now(ACT_FAULTS_THREAD, &before);
    assert_true(before.known);
    fault_arm(FAULT_GETRUSAGE, 1, EINVAL, true);
    act_faults_since(ACT_FAULTS_THREAD, &before, &since);
    assert_int_equal(fault_disarm(), 1);
    assert_false(since.known);
    assert_int_equal(since.minor, 0);
}

/* ------------------------------------------------------------------------ a file of many pages */

/* Its jump table lies so far from the run's parent that it is marked in another piece of memory. */
enum {
    FAR = 140 << 20,
    TABLE = ACT_INDEX_END + 4096
};

static void extents_need_memory_for_tables(void **state)
{
    (void)state;
    struct act_index index = {.root = FAR + 12, .hot_off = ACT_INDEX_END, .sums_off = FAR + 19};
    uint64_t sums_nbytes = act_sums_count(index.sums_off) * ACT_SUM_NBYTES;
    index.jump_end = index.sums_off;
    index.file_nbytes = index.sums_off + sums_nbytes + ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES;
    uint8_t *bytes = calloc(1, (size_t)index.file_nbytes);
    assert_non_null(bytes);
    memcpy(bytes, "ACTree03", 8);
    act_store_le64(bytes + ACT_ROOT_OFF, index.root);
    act_index_write(bytes + ACT_INDEX_OFF, &index);
    /* Two leaves with their table before them, and far away their parent, and the root above it. */
    static const uint8_t leaves[] = {2, 1, 0x40, 1, 0x40, 2};
    memcpy(bytes + TABLE, leaves, sizeof(leaves));
    uint64_t rel = FAR - (TABLE + 2);
    const uint8_t nodes[] = {2,
                             0xfb,
                             (uint8_t)rel,
                             (uint8_t)(rel >> 8),
                             (uint8_t)(rel >> 16),
                             (uint8_t)(rel >> 24),
                             'a',
                             'b',
                             0,
                             0,
                             0,
                             0,
                             1,
                             12,
                             'p'};
    memcpy(bytes + FAR, nodes, sizeof(nodes));
    const act_region region = {.kind = ACT_REGION_PREFIX, .prefix = "p", .prefix_nbytes = 1};
    act_map *map;
    assert_int_equal(act_map_open_memory(bytes, (size_t)index.file_nbytes, NULL, &map, NULL),
                     ACT_OK);
    assert_int_equal(map->index_state, ACT_INDEX_VALID);
    uint64_t done = 0, asked = 0;
    unsigned failed = 0;
    for (unsigned nth = 1; nth < 100; nth++, failed++) {
        fault_arm(FAULT_ALLOCATE, nth, 0, false);
        act_status status = act_map_populate(map, &region, NULL, NULL, &done, &asked, NULL);
        if (fault_disarm() < nth) {
            assert_int_equal(status, ACT_OK);
            break;
        }
        assert_int_equal(status, ACT_ERR_NOMEM);
    }
    assert_in_range(failed, 5, 50);
    assert_int_equal(asked, 2 * ACT_PAGE_NBYTES);
    act_map_close(map);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups_need_no_shortcuts),
        cmocka_unit_test(batches_need_no_list_of_all_pages),
        cmocka_unit_test(checks_need_memory),
        cmocka_unit_test(counting_needs_memory),
        cmocka_unit_test(warming_needs_memory),
        cmocka_unit_test(faults_that_are_not_told),
        cmocka_unit_test(extents_need_memory_for_tables),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
