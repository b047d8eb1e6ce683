/* Blocks that are compared with their checksums when they are first read. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    KEYS = CHECK_SLOW_BUILD ? 12000 : 40000,
    KEYS_MERGED_INTO = 2000, /* fewer, and what is merged would leave nothing to read of them */
    FLIPS = CHECK_SLOW_BUILD ? 60 : 400,
    ASKED = 64, /* keys looked up after each flip */
    BATCH = 600,
    MERGES = 3,
    BLOCK_NBYTES = 65536,
    FOOTER_NBYTES = 64 /* of a segment */
};

static const act_open_options touch = {.checksums = ACT_CHECKSUMS_TOUCH};

static void some_entries(struct entries *entries, size_t count, uint64_t seed)
{
    struct random r = random_of(seed);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[24];
        size_t nbytes = random_below(&r, sizeof(key));
        for (size_t j = 0; j < nbytes; j++)
            key[j] = (uint8_t)(random_one_in(&r, 40) ? random_u64(&r) : 'a' + random_below(&r, 6));
        entries_add(entries, key, nbytes, random_u64(&r) >> random_below(&r, 60));
    }
    entries_sort(entries);
}

static act_map *open_bytes(const uint8_t *bytes, size_t nbytes, act_error *error)
{
    act_map *map;
    act_status status = act_map_open_memory(bytes, nbytes, &touch, &map, error);
    if (status != ACT_OK)
        assert_null(map);
    return map;
}

struct comparing {
    const struct entries *entries;
    size_t at;
    bool reverse;
};

static int compare(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct comparing *c = context;
    assert_true(c->at < c->entries->count);
    const struct entry *e = &c->entries->items[c->reverse ? c->entries->count - 1 - c->at : c->at];
    assert_int_equal(key_nbytes, e->key_nbytes);
    assert_memory_equal(key, e->key, key_nbytes);
    assert_int_equal(value, e->value);
    c->at++;
    return 0;
}

/* Scans, forwards and backwards: up to the end, or up to a failure all entries are right. */
static act_status check_scan(const act_map *map, const struct entries *entries, bool reverse,
                             act_error *error)
{
    struct comparing c = {entries, 0, reverse};
    act_range range = {.reverse = reverse};
    act_status status = act_map_scan(map, &range, compare, &c, error);
    if (status == ACT_OK)
        assert_int_equal(c.at, entries->count);
    return status;
}

static act_status check_cursor(const act_map *map, const struct entries *entries, act_error *error)
{
    act_cursor *cursor;
    uint64_t count;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, error);
    if (status != ACT_OK)
        return status;
    status = act_cursor_val_count(cursor, &count, error);
    if (status == ACT_OK)
        assert_int_equal(count, entries->count);
    size_t at = act_cursor_is_val(cursor);
    while (act_cursor_to_next_val(cursor, error) == ACT_OK) {
        size_t nbytes;
        uint64_t value;
        const uint8_t *path = act_cursor_path(cursor, &nbytes);
        assert_int_equal(act_cursor_value(cursor, &value), ACT_OK);
        struct comparing c = {entries, at++, false};
        compare(&c, path, nbytes, value);
    }
    act_cursor_close(cursor);
    return status;
}

/* To a key by an iterator, and on from there; by a cursor, from above and from beside it. */
static void check_seeks(const act_map *map, const struct entry *e)
{
    act_iter *iter;
    const uint8_t *key;
    size_t nbytes;
    uint64_t value;
    assert_int_equal(act_iter_open(map, NULL, &iter, NULL), ACT_OK);
    act_status status = act_iter_seek(iter, e->key, e->key_nbytes, NULL);
    /* What a lookup does not get by, the seek itself does not. */
    if (act_map_get(map, e->key, e->key_nbytes, NULL, NULL) != ACT_OK)
        assert_int_equal(status, ACT_ERR_CORRUPT);
    if (status == ACT_OK)
        status = act_iter_next(iter, &key, &nbytes, &value, NULL);
    assert_true(status == ACT_OK || status == ACT_ERR_CORRUPT);
    if (status == ACT_OK) {
        assert_int_equal(nbytes, e->key_nbytes);
        assert_memory_equal(key, e->key, nbytes);
        assert_int_equal(value, e->value);
    }
    act_iter_close(iter);
    act_cursor *cursor;
    if (act_cursor_open(map, NULL, 0, &cursor, NULL) != ACT_OK)
        return;
    status = act_cursor_value_at(cursor, e->key, e->key_nbytes, &value, NULL);
    assert_true(status == ACT_ERR_CORRUPT || (status == ACT_OK && value == e->value));
    status = act_cursor_descend_to_check(cursor, e->key, e->key_nbytes, NULL);
    assert_true(status == ACT_OK || status == ACT_ERR_CORRUPT);
    if (status == ACT_OK && act_cursor_to_prev_sibling_byte(cursor, NULL) == ACT_OK)
        assert_true(act_cursor_path_exists(cursor));
    act_cursor_close(cursor);
}

/* Lookups of all kinds: each is right, or says that something is damaged. How many said so. */
static unsigned check_lookups(const act_map *map, const struct entries *entries, struct random *r)
{
    unsigned damaged = 0;
    act_slice keys[ASKED];
    uint64_t values[ASKED];
    uint8_t found[ASKED / 8];
    for (size_t i = 0; i < ASKED; i++) {
        const struct entry *e = &entries->items[random_below(r, entries->count)];
        uint64_t value;
        bool has_value;
        size_t nbytes;
        keys[i] = (act_slice){e->key, e->key_nbytes};
        act_status status = act_map_get(map, e->key, e->key_nbytes, &value, NULL);
        assert_true(status == ACT_OK || status == ACT_ERR_CORRUPT);
        if (status == ACT_OK)
            assert_int_equal(value, e->value);
        damaged += status != ACT_OK;
        act_status other = act_map_path_exists(map, e->key, e->key_nbytes, &has_value, NULL);
        assert_true(other == ACT_ERR_CORRUPT || (other == ACT_OK && has_value));
        other = act_map_longest_prefix(map, e->key, e->key_nbytes, &nbytes, &value, NULL);
        assert_true(other == ACT_ERR_CORRUPT ||
                    (other == ACT_OK && nbytes == e->key_nbytes && value == e->value));
        /* One that is hardly there. */
        uint8_t absent[40];
        memcpy(absent, e->key, e->key_nbytes);
        memset(absent + e->key_nbytes, '!', 3);
        other = act_map_get(map, absent, e->key_nbytes + 3, &value, NULL);
        assert_true(other == ACT_ERR_CORRUPT || other == ACT_NOT_FOUND);
        check_seeks(map, e);
    }
    if (act_map_get_batch(map, keys, ASKED, values, found, NULL) == ACT_OK) {
        assert_int_equal(damaged, 0);
        for (size_t i = 0; i < ASKED; i++)
            assert_int_equal(values[i],
                             entries_find(entries, keys[i].bytes, keys[i].nbytes)->value);
    }
    return damaged;
}

/* Flips single bits all over the file: no answer is wrong, and what is read shows the damage. */
static void flip(uint8_t *bytes, size_t nbytes, const struct entries *entries, bool all_seen)
{
    struct random r = random_of(nbytes);
    unsigned refused = 0;
    unsigned in_lookups = 0;
    unsigned in_scans = 0;
    for (unsigned i = 0; i < FLIPS; i++) {
        /* Some of them where the header is. */
        size_t at = i % 16 ? (size_t)random_below(&r, nbytes) : (size_t)random_below(&r, 256);
        uint8_t bit = (uint8_t)(1u << random_below(&r, 8));
        bytes[at] ^= bit;
        act_error error;
        act_map *map = open_bytes(bytes, nbytes, &error);
        if (!map) {
            refused++;
        } else {
            unsigned in_these = check_lookups(map, entries, &r);
            act_status forwards = check_scan(map, entries, false, &error);
            act_status backwards = check_scan(map, entries, true, NULL);
            act_status cursor = check_cursor(map, entries, NULL);
            assert_int_equal(forwards == ACT_OK, backwards == ACT_OK);
            assert_int_equal(forwards == ACT_OK, cursor == ACT_OK);
            if (in_these)
                assert_int_equal(forwards, ACT_ERR_CORRUPT);
            in_lookups += in_these > 0;
            in_scans += forwards != ACT_OK;
            if (forwards != ACT_OK) {
                assert_int_equal(forwards, ACT_ERR_CORRUPT);
                assert_true(error.offset <= at && at - error.offset <= nbytes);
                assert_non_null(strstr(error.text, "do not match their checksum"));
            }
            act_map_close(map);
        }
        bytes[at] ^= bit;
    }
    assert_true(refused > 0 && in_lookups > 0);
    /* Nearly every byte is in a block from which something is read. */
    if (all_seen)
        assert_true(refused + in_scans > FLIPS * 9 / 10);
}

static void test_flips_in_a_file_as_built(void **state)
{
    (void)state;
    struct entries entries = {0};
    some_entries(&entries, KEYS, 1);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    assert_true(nbytes > 3 * BLOCK_NBYTES);
    flip(bytes, nbytes, &entries, true);
    free(bytes);
    entries_free(&entries);
}

static void merge(struct entries *entries, uint64_t seed)
{
    struct entries added = {0};
    some_entries(&added, 500, seed);
    merge_into_file(entries, &added, scratch_map);
}

static void test_flips_in_a_file_that_was_merged_into(void **state)
{
    (void)state;
    struct entries entries = {0};
    some_entries(&entries, KEYS_MERGED_INTO, 2);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    for (uint64_t i = 0; i < MERGES; i++)
        merge(&entries, 3 + i);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    act_map *map = open_bytes(bytes, nbytes, NULL);
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    assert_false(stat.merged_unchecked);
    /* All but headers, footers, and the table of checksums with what follows on it. */
    assert_in_range(nbytes - stat.checksummed_nbytes, 256 + 64 * MERGES, 4096);
    act_map_close(map);
    flip(bytes, nbytes, &entries, true);
    free(bytes);
    entries_free(&entries);
}

/* Merges as another program does it, without a footer: the former root, whose offset is returned,
 * comes below a byte. */
static uint64_t merge_otherwise(struct forge *f)
{
    act_map_stat stat;
    assert_int_equal(forge_open(f, NULL), ACT_OK);
    act_map_get_stat(f->map, &stat);
    uint64_t trailer = forge_here(f) - 16;
    forge_root(f, forge_fork(f, FORGE_NONE, stat.root, "z"));
    forge_trailer(f, trailer, stat.root);
    return stat.root;
}

/* A flip in what actree merged before that is found, and no answer is wrong. */
static void flip_before(struct forge *f, size_t at, uint8_t bit, const struct entries *entries,
                        struct random *r)
{
    act_verify_report report;
    f->bytes[at] ^= bit;
    assert_int_equal(forge_open(f, NULL), ACT_OK);
    assert_int_equal(act_map_verify(f->map, NULL, NULL, &report, NULL),
                     bit ? ACT_ERR_CORRUPT : ACT_OK);
    if (!bit)
        assert_int_equal(report.soundness, ACT_SOUND_UNCHECKED);
    act_map *map = open_bytes(f->bytes, f->nbytes, NULL);
    assert_non_null(map);
    unsigned damaged = check_lookups(map, entries, r);
    act_status status = check_scan(map, entries, false, NULL);
    assert_true(status == ACT_ERR_CORRUPT || (status == ACT_OK && !damaged));
    act_map_close(map);
    f->bytes[at] ^= bit;
}

static void test_flips_before_what_another_program_merged(void **state)
{
    (void)state;
    struct entries entries = {0};
    struct entries below = {0};
    struct forge f = {0};
    size_t built;
    size_t nbytes;
    some_entries(&entries, KEYS_MERGED_INTO, 2);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    free(scratch_read(scratch_map, &built));
    for (uint64_t i = 0; i < MERGES; i++)
        merge(&entries, 3 + i);
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *e = &entries.items[i];
        uint8_t key[32] = {'z'};
        memcpy(key + 1, e->key, e->key_nbytes);
        entries_add(&below, key, e->key_nbytes + 1, e->value);
    }
    entries_sort(&below);
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    forge_bytes(&f, bytes, nbytes);
    free(bytes);
    size_t root = (size_t)merge_otherwise(&f);
    struct random r = random_of(4);
    flip_before(&f, built, 0, &below, &r);
    for (size_t at = root - FOOTER_NBYTES; at < root; at++)
        flip_before(&f, at, (uint8_t)(1u << at % 8), &below, &r);
    for (unsigned i = 0; i < FLIPS; i++)
        flip_before(&f, built + (size_t)random_below(&r, nbytes - built),
                    (uint8_t)(1u << random_below(&r, 8)), &below, &r);
    forge_free(&f);
    entries_free(&below);
    entries_free(&entries);
}

static int ignore_change(void *context, const act_change *change)
{
    (void)context;
    (void)change;
    return 0;
}

/* Long lines lie by themselves: their nodes may be good, and they not. */
static void test_lines_in_other_blocks(void **state)
{
    (void)state;
    enum {
        LINES = 200,
        LINE_NBYTES = 1500
    };
    struct random r = random_of(12);
    struct entries entries = {0};
    static uint8_t key[LINE_NBYTES];
    for (unsigned i = 0; i < LINES; i++) {
        random_fill(&r, key, sizeof(key));
        key[0] = (uint8_t)i;
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    bytes[BLOCK_NBYTES + 1000] ^= 1;
    act_map *map = open_bytes(bytes, nbytes, NULL);
    unsigned damaged = 0;
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *e = &entries.items[i];
        uint64_t value;
        act_status status = act_map_get(map, e->key, e->key_nbytes, &value, NULL);
        assert_true(status == ACT_ERR_CORRUPT || (status == ACT_OK && value == e->value));
        damaged += status != ACT_OK;
        check_seeks(map, e);
    }
    assert_in_range(damaged, 1, LINES / 2);
    act_map *good = open_bytes(bytes, nbytes, NULL);
    assert_int_equal(act_map_diff(map, good, ignore_change, NULL, NULL), ACT_ERR_CORRUPT);
    act_map_close(good);
    act_map_close(map);
    free(bytes);
    entries_free(&entries);
}

/* Only those who ask for what lies in a bad block hear of it, and each time. */
static void test_other_blocks_are_read_as_ever(void **state)
{
    (void)state;
    struct entries entries = {0};
    some_entries(&entries, KEYS, 4);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    bytes[BLOCK_NBYTES + 1000] ^= 1;
    act_map *map = open_bytes(bytes, nbytes, NULL);
    unsigned lost = 0;
    for (int round = 0; round < 2; round++) {
        unsigned damaged = 0;
        for (size_t i = 0; i < entries.count; i++) {
            const struct entry *e = &entries.items[i];
            uint64_t value;
            act_error error;
            if (act_map_get(map, e->key, e->key_nbytes, &value, &error) != ACT_OK) {
                assert_int_equal(error.status, ACT_ERR_CORRUPT);
                assert_int_equal(error.offset, BLOCK_NBYTES);
                damaged++;
            } else {
                assert_int_equal(value, e->value);
            }
        }
        assert_in_range(damaged, 1, entries.count / 2);
        if (round)
            assert_int_equal(damaged, lost);
        lost = damaged;
    }
    /* A batch that is read from the disk window by window ends with the first of them. */
    act_map *mapped;
    const act_open_options options = {.access = ACT_ACCESS_MAP, .checksums = ACT_CHECKSUMS_TOUCH};
    static act_slice keys[BATCH];
    size_t bad = 0;
    while (act_map_get(map, entries.items[bad].key, entries.items[bad].key_nbytes, NULL, NULL) ==
           ACT_OK)
        bad++;
    for (size_t i = 0; i < BATCH; i++)
        keys[i] = (act_slice){entries.items[i ? i : bad].key,
                              entries.items[i ? i : bad].key_nbytes};
    scratch_write(scratch_map, bytes, nbytes);
    assert_int_equal(act_map_open(scratch_map, &options, &mapped, NULL), ACT_OK);
    assert_int_equal(act_map_get_batch(mapped, keys, BATCH, NULL, NULL, NULL), ACT_ERR_CORRUPT);
    assert_int_equal(act_map_diff(mapped, mapped, ignore_change, NULL, NULL), ACT_ERR_CORRUPT);
    act_map_close(mapped);
    act_map *former;
    assert_int_equal(act_map_open_former(map, 0, &former, NULL), ACT_OK);
    assert_int_equal(check_scan(former, &entries, false, NULL), ACT_ERR_CORRUPT);
    act_map_close(former);
    act_map_close(map);
    free(bytes);
    entries_free(&entries);
}

/* A budget that comes and goes leaves what is to be compared as it was. */
static void test_a_budget_that_is_lifted(void **state)
{
    (void)state;
    struct entries entries = {0};
    some_entries(&entries, KEYS, 7);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    for (size_t off = BLOCK_NBYTES; off < (size_t)2 * BLOCK_NBYTES; off += 64)
        bytes[off] ^= 0x55;
    scratch_write(scratch_map, bytes, nbytes);
    free(bytes);
    const act_open_options options = {.access = ACT_ACCESS_MAP, .checksums = ACT_CHECKSUMS_TOUCH};
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_set_budget(map, ACT_RESIDENT_NBYTES_MIN, NULL), ACT_OK);
    assert_int_equal(act_map_set_budget(map, 0, NULL), ACT_OK);
    act_cursor *cursor;
    act_error error;
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    size_t at = act_cursor_is_val(cursor);
    act_status status;
    while ((status = act_cursor_to_next_val(cursor, &error)) == ACT_OK) {
        struct comparing c = {&entries, at++, false};
        size_t path_nbytes;
        uint64_t value;
        const uint8_t *path = act_cursor_path(cursor, &path_nbytes);
        assert_int_equal(act_cursor_value(cursor, &value), ACT_OK);
        compare(&c, path, path_nbytes, value);
    }
    assert_int_equal(status, ACT_ERR_CORRUPT);
    assert_int_equal(error.offset, BLOCK_NBYTES);
    act_cursor_close(cursor);
    act_map_close(map);
    entries_free(&entries);
}

/* Without damage all answers are those that there are without checks, also when all was checked. */
static void test_without_damage(void **state)
{
    (void)state;
    struct entries entries = {0};
    struct random r = random_of(9);
    some_entries(&entries, KEYS, 5);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, &touch, &map, NULL), ACT_OK);
    for (int round = 0; round < 300; round++)
        assert_int_equal(check_lookups(map, &entries, &r), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(check_scan(map, &entries, true, NULL), ACT_OK);
        assert_int_equal(check_scan(map, &entries, false, NULL), ACT_OK);
        assert_int_equal(check_cursor(map, &entries, NULL), ACT_OK);
        for (int i = 0; i < 300; i++)
            assert_int_equal(check_lookups(map, &entries, &r), 0);
    }
    act_map_close(map);
    entries_free(&entries);
}

/* The limit of steps is the same, whether or not there is anything to compare. */
static void test_limits_of_steps(void **state)
{
    (void)state;
    enum {
        DANGLING = 200
    };
    struct entries entries = {0};
    for (unsigned i = 0; i < DANGLING; i++) {
        uint8_t path[2] = {'a', (uint8_t)i};
        entries_add_path(&entries, path, sizeof(path));
    }
    entries_add(&entries, "b", 1, 7);
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_drop_paths(&entries);
    uint64_t enough[2] = {0, 0}; /* the least with which all can be read */
    for (int checked = 0; checked < 2; checked++) {
        for (uint64_t steps = DANGLING / 2; steps < 2 * DANGLING; steps++) {
            act_open_options options = {.steps_max = steps, .checksums = (act_checksums)checked};
            act_map *map;
            assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
            for (int round = 0; round < 2; round++) {
                for (int reverse = 0; reverse < 2; reverse++) {
                    act_status status = check_scan(map, &entries, reverse, NULL);
                    if (!enough[reverse] && status == ACT_OK)
                        enough[reverse] = steps;
                    assert_int_equal(status, enough[reverse] && steps >= enough[reverse]
                                                 ? ACT_OK
                                                 : ACT_ERR_LIMIT);
                }
                /* In the second round everything has been compared. */
                bool has_value;
                act_map_path_exists(map, "b", 1, &has_value, NULL);
                for (unsigned i = 0; i < DANGLING; i++) {
                    uint8_t path[2] = {'a', (uint8_t)i};
                    assert_int_equal(act_map_path_exists(map, path, 2, &has_value, NULL), ACT_OK);
                }
            }
            act_map_close(map);
        }
    }
    assert_in_range(enough[0], DANGLING, DANGLING + 10);
    assert_in_range(enough[1], DANGLING, DANGLING + 10);
    entries_free(&entries);
}

static void test_files_without_checksums(void **state)
{
    (void)state;
    static const act_layout layouts[] = {ACT_LAYOUT_PLAIN, ACT_LAYOUT_COMPACT};
    struct entries entries = {0};
    some_entries(&entries, 1000, 6);
    for (size_t i = 0; i < 2; i++) {
        build_file(&entries, scratch_map, layouts[i], NULL);
        act_map *map;
        act_map_stat stat;
        assert_int_equal(act_map_open(scratch_map, &touch, &map, NULL), ACT_OK);
        act_map_get_stat(map, &stat);
        assert_int_equal(stat.checksummed_nbytes, 0);
        assert_int_equal(check_scan(map, &entries, false, NULL), ACT_OK);
        act_map_close(map);
    }
    act_map *none;
    act_open_options wrong = {.checksums = (act_checksums)7};
    assert_int_equal(act_map_open(scratch_map, &wrong, &none, NULL), ACT_ERR_INVALID);
    entries_free(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flips_in_a_file_as_built, scratch_set_up,
                                        scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_flips_before_what_another_program_merged,
                                        scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_flips_in_a_file_that_was_merged_into, scratch_set_up,
                                        scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_other_blocks_are_read_as_ever, scratch_set_up,
                                        scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_lines_in_other_blocks, scratch_set_up,
                                        scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_a_budget_that_is_lifted, scratch_set_up,
                                        scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_without_damage, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_limits_of_steps, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_files_without_checksums, scratch_set_up,
                                        scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
