/* Eight threads on one set, whose parts come, and with a window go, while others read them. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "readers.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

enum {
    PARTS = 12,
    KEYS = 3000,
    ROUNDS = CHECK_SLOW_BUILD ? 3 : 12
};

/* Shared by all readers, and written by none. */
static struct entries entries;
static act_set *set;
static char *manifest;

static void look_up(struct reader *reader)
{
    uint8_t key[600];
    for (int i = 0; i < 300; i++) {
        size_t nbytes = shapes_near_key(&reader->r, &entries, key, sizeof(key));
        const struct entry *e = entries_find(&entries, key, nbytes);
        uint64_t value = 0;
        EXPECT(reader, act_set_get(set, key, nbytes, &value, NULL) == (e ? ACT_OK : ACT_NOT_FOUND));
        EXPECT(reader, value == (e ? e->value : 0));
        size_t prefix;
        act_status status = act_set_longest_prefix(set, key, nbytes, &prefix, &value, NULL);
        EXPECT(reader, status != ACT_OK || entries_find(&entries, key, prefix));
    }
}

static void look_up_many(struct reader *reader)
{
    act_slice keys[200];
    uint64_t values[200];
    size_t at[200];
    for (size_t i = 0; i < 200; i++) {
        at[i] = random_below(&reader->r, entries.count);
        keys[i] = (act_slice){entries.items[at[i]].key, entries.items[at[i]].key_nbytes};
    }
    EXPECT(reader, act_set_get_batch(set, keys, 200, values, NULL, NULL, NULL) == ACT_OK);
    for (size_t i = 0; i < 200; i++)
        EXPECT(reader, values[i] == entries.items[at[i]].value);
}

static void scan(struct reader *reader)
{
    struct place place = {reader, 0};
    EXPECT(reader, act_set_scan(set, NULL, readers_compare_next, &place, NULL) == ACT_OK);
    EXPECT(reader, place.at == entries.count);
}

static void iterate(struct reader *reader)
{
    act_set_iter *iter;
    act_status status = act_set_iter_open(set, NULL, &iter, NULL);
    EXPECT(reader, status == ACT_OK);
    if (status != ACT_OK)
        return;
    struct place place = {reader, random_below(&reader->r, entries.count)};
    const struct entry *start = &entries.items[place.at];
    EXPECT(reader, act_set_iter_seek(iter, start->key, start->key_nbytes, NULL) == ACT_OK);
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    while (act_set_iter_next(iter, &key, &key_nbytes, &value, NULL) == ACT_OK)
        readers_compare_next(&place, key, key_nbytes, value);
    EXPECT(reader, place.at == entries.count);
    act_set_iter_close(iter);
}

static void *read_all(void *context)
{
    struct reader *reader = context;
    static void (*const ways[])(struct reader *) = {look_up, look_up_many, scan, iterate};
    for (int round = 0; round < ROUNDS && !reader->fault; round++) {
        ways[random_below(&reader->r, 4)](reader);
        act_set_stat stat;
        act_set_get_stat(set, &stat);
        EXPECT(reader, stat.entries == entries.count && stat.open_parts <= PARTS);
    }
    return NULL;
}

/* No limit, a few parts, and one at a time. */
static void eight_readers_share_a_set(void **state)
{
    (void)state;
    static const uint64_t windows[] = {0, 20000, 1};
    for (unsigned i = 0; i < 3; i++) {
        act_set_options options = {.max_mapped_nbytes = windows[i]};
        act_set_stat stat;
        act_map *map;
        assert_int_equal(act_set_open(manifest, &options, &set, NULL), ACT_OK);
        readers_run(&entries, read_all);
        act_set_get_stat(set, &stat);
        if (windows[i] == 0)
            assert_int_equal(stat.openings, PARTS);
        else
            assert_true(stat.openings > PARTS);
        /* Nobody is in it any more: the next to be opened makes the others go. */
        for (size_t part = 0; part < PARTS; part++) {
            assert_int_equal(act_set_part_open(set, part, &map, NULL), ACT_OK);
            act_set_part_release(set, part);
        }
        act_set_get_stat(set, &stat);
        assert_true(windows[i] == 0 || stat.open_nbytes <= windows[i] || stat.open_parts == 1);
        act_set_close(set);
    }
}

static int make_set(void **state)
{
    static char names[PARTS][16];
    act_set_member members[PARTS];
    struct random r = random_of(42);
    scratch_set_up(state);
    for (int i = 0; i < KEYS; i++) {
        uint8_t key[40];
        size_t nbytes = random_below(&r, sizeof(key));
        random_fill(&r, key, nbytes);
        entries_add(&entries, key, nbytes, shapes_value(&r));
    }
    entries_sort(&entries);
    for (size_t part = 0; part < PARTS; part++) {
        size_t begin = part * entries.count / PARTS;
        struct entries own = {entries.items + begin, (part + 1) * entries.count / PARTS - begin, 0};
        snprintf(names[part], sizeof(names[part]), "%zu.act", part);
        char *path = scratch_path(scratch_dir, names[part]);
        build_file(&own, path, ACT_LAYOUT_INDEXED, NULL);
        free(path);
        members[part] = (act_set_member){names[part], own.items[0].key,
                                         part ? own.items[0].key_nbytes : 0};
    }
    manifest = scratch_path(scratch_dir, "x.set");
    assert_int_equal(act_set_create(manifest, members, PARTS, NULL, NULL), ACT_OK);
    return 0;
}

static int remove_set(void **state)
{
    free(manifest);
    entries_free(&entries);
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_readers_share_a_set),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
