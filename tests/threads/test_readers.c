/* Eight threads on one map, without locks: what a thread checker is for. */
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
    KEYS = 3000,
    ROUNDS = CHECK_SLOW_BUILD ? 3 : 30
};

/* Shared by all readers, and written by none. */
static struct entries entries;
static act_map *map;

static void look_up(struct reader *reader)
{
    uint8_t key[600];
    for (int i = 0; i < 2000; i++) {
        size_t nbytes = shapes_near_key(&reader->r, &entries, key, sizeof(key));
        const struct entry *e = entries_find(&entries, key, nbytes);
        uint64_t value = 0;
        act_error error;
        EXPECT(reader,
               act_map_get(map, key, nbytes, &value, &error) == (e ? ACT_OK : ACT_NOT_FOUND));
        EXPECT(reader, value == (e ? e->value : 0));
        size_t prefix_nbytes;
        act_status status = act_map_longest_prefix(map, key, nbytes, &prefix_nbytes, &value, NULL);
        EXPECT(reader, status != ACT_OK || entries_find(&entries, key, prefix_nbytes));
    }
}

static void scan(struct reader *reader)
{
    struct place place = {reader, 0};
    EXPECT(reader, act_map_scan(map, NULL, readers_compare_next, &place, NULL) == ACT_OK);
    EXPECT(reader, place.at == entries.count);
}

static void iterate(struct reader *reader)
{
    act_iter *iter;
    act_status status = act_iter_open(map, NULL, &iter, NULL);
    EXPECT(reader, status == ACT_OK);
    if (status != ACT_OK)
        return;
    const struct entry *start = &entries.items[random_below(&reader->r, entries.count)];
    struct place place = {reader, (size_t)(start - entries.items)};
    EXPECT(reader, act_iter_seek(iter, start->key, start->key_nbytes, NULL) == ACT_OK);
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    while (act_iter_next(iter, &key, &key_nbytes, &value, NULL) == ACT_OK)
        readers_compare_next(&place, key, key_nbytes, value);
    EXPECT(reader, place.at == entries.count);
    act_iter_close(iter);
}

static void walk(struct reader *reader)
{
    act_cursor *cursor;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, NULL);
    EXPECT(reader, status == ACT_OK);
    if (status != ACT_OK)
        return;
    struct place place = {reader, 0};
    uint64_t value;
    if (act_cursor_value(cursor, &value) == ACT_OK)
        readers_compare_next(&place, NULL, 0, value);
    while (act_cursor_to_next_val(cursor, NULL) == ACT_OK) {
        size_t nbytes;
        const uint8_t *path = act_cursor_path(cursor, &nbytes);
        EXPECT(reader, act_cursor_value(cursor, &value) == ACT_OK);
        readers_compare_next(&place, path, nbytes, value);
    }
    EXPECT(reader, place.at == entries.count);
    act_cursor_close(cursor);
}

static void *read_all(void *context)
{
    struct reader *reader = context;
    static void (*const ways[])(struct reader *) = {look_up, scan, iterate, walk};
    for (int round = 0; round < ROUNDS && !reader->fault; round++) {
        for (int i = 0; i < 4; i++)
            ways[random_below(&reader->r, 4)](reader);
        /* The map's description belongs to nobody either. */
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        EXPECT(reader, stat.file_nbytes > 0);
    }
    return NULL;
}

static void eight_readers_share_a_map(void **state)
{
    static const act_access kinds[] = {ACT_ACCESS_MAP, ACT_ACCESS_READ};
    const char *path = *state;
    /* And with blocks that are compared when the first of them comes by: time and again, for that
     * is over after the first read of each. */
    for (unsigned i = 0; i < 2 + 8; i++) {
        act_open_options options = {.access = kinds[i % 2]};
        if (i >= 2)
            options.checksums = ACT_CHECKSUMS_TOUCH;
        assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
        readers_run(&entries, read_all);
        act_map_close(map);
    }
}

/* Each thread with a map of its own, opened and closed again and again: nothing global is shared.
 */
static void *open_and_close(void *context)
{
    const char *path = context;
    for (int round = 0; round < 20 * ROUNDS; round++) {
        act_map *own;
        if (act_map_open(path, NULL, &own, NULL) != ACT_OK)
            return context;
        uint64_t value;
        const struct entry *e = &entries.items[round % (int)entries.count];
        if (act_map_get(own, e->key, e->key_nbytes, &value, NULL) != ACT_OK || value != e->value)
            return context;
        act_map_close(own);
    }
    return NULL;
}

static void maps_of_their_own_do_not_meet(void **state)
{
    pthread_t threads[READERS];
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, *state), 0);
    for (unsigned i = 0; i < READERS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
}

static char *dir;

static int make_map(void **state)
{
    struct random r = random_of(42);
    for (int i = 0; i < KEYS; i++) {
        uint8_t key[40];
        size_t nbytes = random_below(&r, sizeof(key));
        random_fill(&r, key, nbytes);
        entries_add(&entries, key, nbytes, shapes_value(&r));
    }
    entries_sort(&entries);
    dir = scratch_make();
    *state = scratch_path(dir, "shared.act");
    build_file(&entries, *state, ACT_LAYOUT_INDEXED, NULL);
    return 0;
}

static int remove_map(void **state)
{
    free(*state);
    scratch_remove(dir);
    entries_free(&entries);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_readers_share_a_map),
        cmocka_unit_test(maps_of_their_own_do_not_meet),
    };
    return cmocka_run_group_tests(tests, make_map, remove_map);
}
