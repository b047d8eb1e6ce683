/* Sets answer as one file with the same entries does, wherever it is cut, window or not. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

enum {
    PARTS_MAX = 24,
    KEY_NBYTES_MAX = 600,
    ROUNDS = CHECK_SLOW_BUILD ? 1 : 4
};

/* One map, as a file and as a set. */
struct pair {
    struct entries entries;
    act_map *map;
    act_set *set;
};

/* The keys where parts begin: some of the map's own, cut or changed. */
static size_t choose_bounds(struct random *r, const struct entries *entries, struct entries *bounds)
{
    size_t wanted = random_below(r, PARTS_MAX);
    uint8_t key[KEY_NBYTES_MAX];
    entries_add(bounds, NULL, 0, 0);
    for (size_t i = 0; i < wanted; i++)
        entries_add(bounds, key, shapes_near_key(r, entries, key, sizeof(key)), 0);
    entries_sort(bounds);
    return bounds->count;
}

/* Builds the parts and the manifest scratch_dir/NAME.set. */
static void make_set(const struct entries *entries, const struct entries *bounds, const char *name,
                     act_layout layout)
{
    act_set_member members[PARTS_MAX + 1];
    char names[PARTS_MAX + 1][64];
    char manifest[64];
    act_error error;
    for (size_t part = 0; part < bounds->count; part++) {
        const struct entry *from = &bounds->items[part];
        struct entries own = {0};
        own.items = entries->items + entries_lower_bound(entries, from->key, from->key_nbytes);
        const struct entry *end = entries->items + entries->count;
        if (part + 1 < bounds->count)
            end = entries->items + entries_lower_bound(entries, from[1].key, from[1].key_nbytes);
        own.count = (size_t)(end - own.items);
        snprintf(names[part], sizeof(names[part]), "%s-%zu.act", name, part);
        char *path = scratch_path(scratch_dir, names[part]);
        build_file(&own, path, layout, NULL);
        free(path);
        members[part] = (act_set_member){names[part], from->key, from->key_nbytes};
    }
    snprintf(manifest, sizeof(manifest), "%s.set", name);
    char *path = scratch_path(scratch_dir, manifest);
    if (act_set_create(path, members, bounds->count, NULL, &error) != ACT_OK)
        fail_msg("%s", error.text);
    free(path);
}

static void open_pair(struct pair *pair, struct random *r, size_t shape, bool window)
{
    struct entries bounds = {0};
    act_set_options options = {.max_mapped_nbytes = window};
    act_error error;
    memset(pair, 0, sizeof(*pair));
    shapes_make(r, shape, &pair->entries);
    shapes_add_paths(r, 20, &pair->entries);
    choose_bounds(r, &pair->entries, &bounds);
    make_set(&pair->entries, &bounds, "pair", (act_layout)random_below(r, 3));
    build_file(&pair->entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    char *path = scratch_path(scratch_dir, "pair.set");
    assert_int_equal(act_map_open(scratch_map, NULL, &pair->map, &error), ACT_OK);
    if (act_set_open(path, &options, &pair->set, &error) != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(act_set_part_count(pair->set), bounds.count);
    free(path);
    entries_free(&bounds);
}

static void close_pair(struct pair *pair)
{
    act_set_close(pair->set);
    act_map_close(pair->map);
    entries_free(&pair->entries);
}

/* Runs a comparison over all shapes, with all parts open, and with one at a time. */
static void for_each_pair(void (*compare)(struct pair *pair, struct random *r))
{
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t shape = 0; shape < shapes_count(); shape++) {
            struct random r = random_of(1000 * round + shape);
            struct pair pair;
            open_pair(&pair, &r, shape, round % 2);
            compare(&pair, &r);
            if (round % 2) {
                act_set_stat stat;
                act_set_get_stat(pair.set, &stat);
                assert_true(stat.open_parts <= 1);
            }
            close_pair(&pair);
        }
}

/* ------------------------------------------------------------------------------------- lookups */

struct found {
    size_t nbytes[KEY_NBYTES_MAX + 1];
    uint64_t values[KEY_NBYTES_MAX + 1];
    size_t count;
};

static int note_prefix(void *context, size_t nbytes, uint64_t value)
{
    struct found *found = context;
    found->nbytes[found->count] = nbytes;
    found->values[found->count++] = value;
    return 0;
}

static void compare_lookups(struct pair *pair, struct random *r)
{
    static struct found of_map, of_set;
    uint8_t key[KEY_NBYTES_MAX];
    for (int i = 0; i < 1000; i++) {
        size_t nbytes = shapes_near_key(r, &pair->entries, key, sizeof(key));
        uint64_t value = 1, set_value = 1;
        bool has = false, set_has = false;
        size_t prefix = 9, set_prefix = 9;
        assert_int_equal(act_map_get(pair->map, key, nbytes, &value, NULL),
                         act_set_get(pair->set, key, nbytes, &set_value, NULL));
        assert_int_equal(value, set_value);
        assert_int_equal(act_map_path_exists(pair->map, key, nbytes, &has, NULL),
                         act_set_path_exists(pair->set, key, nbytes, &set_has, NULL));
        assert_int_equal(has, set_has);
        assert_int_equal(
            act_map_longest_prefix(pair->map, key, nbytes, &prefix, &value, NULL),
            act_set_longest_prefix(pair->set, key, nbytes, &set_prefix, &set_value, NULL));
        assert_int_equal(prefix, set_prefix);
        assert_int_equal(value, set_value);
        of_map.count = of_set.count = 0;
        assert_int_equal(act_map_prefixes(pair->map, key, nbytes, note_prefix, &of_map, NULL),
                         ACT_OK);
        assert_int_equal(act_set_prefixes(pair->set, key, nbytes, note_prefix, &of_set, NULL),
                         ACT_OK);
        assert_int_equal(of_map.count, of_set.count);
        assert_memory_equal(of_map.nbytes, of_set.nbytes, of_map.count * sizeof(size_t));
        assert_memory_equal(of_map.values, of_set.values, of_map.count * sizeof(uint64_t));
    }
}

static void lookups_are_those_of_one_file(void **state)
{
    (void)state;
    for_each_pair(compare_lookups);
}

static void compare_batches(struct pair *pair, struct random *r)
{
    enum {
        COUNT = 1500
    };
    static uint8_t bytes[COUNT][KEY_NBYTES_MAX];
    static act_slice keys[COUNT];
    static uint64_t values[COUNT], set_values[COUNT];
    static uint8_t found[COUNT / 8 + 2], set_found[COUNT / 8 + 2];
    size_t count = random_below(r, 2) ? COUNT : random_below(r, 20);
    const act_batch_options options = {.threads = 2};
    for (size_t i = 0; i < count; i++)
        keys[i] = (act_slice){bytes[i],
                              shapes_near_key(r, &pair->entries, bytes[i], KEY_NBYTES_MAX)};
    assert_int_equal(act_map_get_batch(pair->map, keys, count, values, found, NULL), ACT_OK);
    memset(set_found, 0xff, sizeof(set_found));
    assert_int_equal(
        act_set_get_batch(pair->set, keys, count, set_values, set_found, &options, NULL), ACT_OK);
    assert_memory_equal(values, set_values, count * sizeof(uint64_t));
    assert_memory_equal(found, set_found, (count + 7) / 8);
    assert_int_equal(set_found[(count + 7) / 8], 0xff);
    assert_int_equal(act_set_get_batch(pair->set, keys, count, NULL, set_found, NULL, NULL),
                     ACT_OK);
    assert_memory_equal(found, set_found, (count + 7) / 8);
    assert_int_equal(act_set_get_batch(pair->set, keys, count, set_values, NULL, NULL, NULL),
                     ACT_OK);
    assert_memory_equal(values, set_values, count * sizeof(uint64_t));
}

static void batches_are_those_of_one_file(void **state)
{
    (void)state;
    for_each_pair(compare_batches);
}

/* A batch of more keys than are sorted by parts at a time. */
static void a_large_batch_is_looked_up_in_windows(void **state)
{
    (void)state;
    enum {
        COUNT = 150001
    };
    struct random r = random_of(3);
    struct pair pair;
    open_pair(&pair, &r, 1, false);
    act_slice *keys = malloc(COUNT * sizeof(*keys));
    uint64_t *values = malloc(COUNT * sizeof(*values));
    uint8_t *found = malloc(COUNT / 8 + 1);
    assert_true(keys && values && found);
    for (size_t i = 0; i < COUNT; i++) {
        const struct entry *e = &pair.entries.items[random_below(&r, pair.entries.count)];
        keys[i] = (act_slice){e->key, e->key_nbytes};
    }
    assert_int_equal(act_set_get_batch(pair.set, keys, COUNT, values, found, NULL, NULL), ACT_OK);
    for (size_t i = 0; i < COUNT; i++) {
        const struct entry *e = entries_find(&pair.entries, keys[i].bytes, keys[i].nbytes);
        assert_int_equal(found[i / 8] >> i % 8 & 1, e->has_value);
        assert_int_equal(values[i], e->has_value ? e->value : 0);
    }
    free(keys);
    free(values);
    free(found);
    close_pair(&pair);
}

/* ----------------------------------------------------------------------------------- iteration */

/* Entries as they come: keys one after the other. */
struct listing {
    struct entries entries;
    size_t stop_at; /* 0: never */
};

static int list_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct listing *listing = context;
    entries_add(&listing->entries, key, key_nbytes, value);
    return listing->entries.count == listing->stop_at;
}

static int list_run(void *context, const act_entry_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        list_entry(context, run->keys + run->key_offs[i],
                   (size_t)(run->key_offs[i + 1] - run->key_offs[i]), run->values[i]);
    return 0;
}

static void check_same(const struct listing *a, const struct listing *b)
{
    assert_int_equal(a->entries.count, b->entries.count);
    for (size_t i = 0; i < a->entries.count; i++) {
        const struct entry *x = &a->entries.items[i];
        const struct entry *y = &b->entries.items[i];
        assert_int_equal(entries_compare(x->key, x->key_nbytes, y->key, y->key_nbytes), 0);
        assert_int_equal(x->value, y->value);
    }
}

/* Bounds that `keys` holds. */
static act_range random_range(struct random *r, const struct entries *entries,
                              uint8_t keys[3][KEY_NBYTES_MAX])
{
    act_range range = {.reverse = random_one_in(r, 2)};
    if (random_one_in(r, 3)) {
        range.prefix = keys[0];
        range.prefix_nbytes = shapes_near_key(r, entries, keys[0], KEY_NBYTES_MAX);
        range.prefix_nbytes /= 1 + random_below(r, 4);
    }
    if (random_one_in(r, 2)) {
        range.from = keys[1];
        range.from_nbytes = shapes_near_key(r, entries, keys[1], KEY_NBYTES_MAX);
    }
    if (random_one_in(r, 2)) {
        range.to = keys[2];
        range.to_nbytes = shapes_near_key(r, entries, keys[2], KEY_NBYTES_MAX);
    }
    if (random_one_in(r, 3))
        range.limit = 1 + random_below(r, entries->count + 1);
    return range;
}

static void compare_scans(struct pair *pair, struct random *r)
{
    uint8_t keys[3][KEY_NBYTES_MAX];
    for (int i = 0; i < 20; i++) {
        act_range range = random_range(r, &pair->entries, keys);
        struct listing of_map = {0}, of_set = {0}, in_runs = {0};
        of_map.stop_at = of_set.stop_at = random_one_in(r, 4) ? random_below(r, 500) : 0;
        assert_int_equal(act_map_scan(pair->map, &range, list_entry, &of_map, NULL),
                         act_set_scan(pair->set, &range, list_entry, &of_set, NULL));
        check_same(&of_map, &of_set);
        if (!of_map.stop_at) {
            assert_int_equal(act_set_scan_runs(pair->set, &range, list_run, &in_runs, NULL),
                             ACT_OK);
            check_same(&of_map, &in_runs);
        }
        entries_free(&of_map.entries);
        entries_free(&of_set.entries);
        entries_free(&in_runs.entries);
    }
    struct listing whole = {0};
    assert_int_equal(act_set_scan(pair->set, NULL, list_entry, &whole, NULL), ACT_OK);
    act_set_stat stat;
    act_set_get_stat(pair->set, &stat);
    assert_int_equal(stat.entries, whole.entries.count);
    entries_free(&whole.entries);
}

static void scans_are_those_of_one_file(void **state)
{
    (void)state;
    for_each_pair(compare_scans);
}

/* One step of both iterators. */
static void step_both(act_iter *iter, act_set_iter *set_iter, bool back)
{
    const uint8_t *key = NULL, *set_key = NULL;
    size_t nbytes = 0, set_nbytes = 0;
    uint64_t value = 0, set_value = 0;
    act_status status = back ? act_iter_prev(iter, &key, &nbytes, &value, NULL)
                             : act_iter_next(iter, &key, &nbytes, &value, NULL);
    assert_int_equal(status,
                     back ? act_set_iter_prev(set_iter, &set_key, &set_nbytes, &set_value, NULL)
                          : act_set_iter_next(set_iter, &set_key, &set_nbytes, &set_value, NULL));
    assert_int_equal(nbytes, set_nbytes);
    assert_int_equal(value, set_value);
    if (nbytes)
        assert_memory_equal(key, set_key, nbytes);
}

static void compare_iterators(struct pair *pair, struct random *r)
{
    uint8_t keys[3][KEY_NBYTES_MAX], key[KEY_NBYTES_MAX];
    for (int i = 0; i < 10; i++) {
        act_range range = random_range(r, &pair->entries, keys);
        act_iter *iter;
        act_set_iter *set_iter;
        bool back = false;
        assert_int_equal(act_iter_open(pair->map, &range, &iter, NULL), ACT_OK);
        assert_int_equal(act_set_iter_open(pair->set, &range, &set_iter, NULL), ACT_OK);
        for (int j = 0; j < 300; j++) {
            if (random_one_in(r, 40)) {
                bool to_end = random_one_in(r, 2);
                act_iter_rewind(iter, to_end);
                act_set_iter_rewind(set_iter, to_end);
            } else if (random_one_in(r, 20)) {
                size_t nbytes = shapes_near_key(r, &pair->entries, key, sizeof(key));
                assert_int_equal(act_iter_seek(iter, key, nbytes, NULL), ACT_OK);
                assert_int_equal(act_set_iter_seek(set_iter, key, nbytes, NULL), ACT_OK);
            } else if (random_one_in(r, 10)) {
                back = !back;
            }
            step_both(iter, set_iter, back);
        }
        act_iter_close(iter);
        act_set_iter_close(set_iter);
    }
}

static void iterators_are_those_of_one_file(void **state)
{
    (void)state;
    for_each_pair(compare_iterators);
}

/* ------------------------------------------------------------------------- digests and checking */

static void compare_digests(struct pair *pair, struct random *r)
{
    act_digest digest, set_digest;
    act_set_verify_report report;
    act_map_info info;
    (void)r;
    assert_int_equal(act_map_digest(pair->map, NULL, NULL, &digest, NULL), ACT_OK);
    assert_int_equal(act_set_digest(pair->set, NULL, NULL, &set_digest, NULL), ACT_OK);
    assert_int_equal(digest.entries, set_digest.entries);
    assert_memory_equal(digest.bytes, set_digest.bytes, sizeof(digest.bytes));
    assert_int_equal(act_set_verify(pair->set, NULL, NULL, &report, NULL), ACT_OK);
    assert_int_equal(report.part, act_set_part_count(pair->set));
    assert_int_equal(act_map_get_info(pair->map, NULL, NULL, &info, NULL), ACT_OK);
    if (!info.shared)
        assert_true(report.map.values <= digest.entries);
}

static void the_digest_is_that_of_one_file(void **state)
{
    (void)state;
    for_each_pair(compare_digests);
}

/* Parts are opened when they are needed, and the prefix is the caller's until then only. */
static void populating_by_prefix_is_refused(void **state)
{
    (void)state;
    act_set_options options = {.part = {.populate = ACT_POPULATE_PREFIX, .prefix = "a"}};
    act_set *set = (act_set *)&options;
    act_error error;
    char *path = scratch_path(scratch_dir, "pair.set");
    assert_int_equal(act_set_open(path, &options, &set, &error), ACT_ERR_INVALID);
    assert_null(set);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(populating_by_prefix_is_refused),
        cmocka_unit_test(lookups_are_those_of_one_file),
        cmocka_unit_test(batches_are_those_of_one_file),
        cmocka_unit_test(a_large_batch_is_looked_up_in_windows),
        cmocka_unit_test(scans_are_those_of_one_file),
        cmocka_unit_test(iterators_are_those_of_one_file),
        cmocka_unit_test(the_digest_is_that_of_one_file),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
