/* Merging into files that no writer makes: legal and odd ones, damaged ones, and any bytes at all.
 */
#include "merge/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "format/file.h"
#include "format/index.h"
#include "support/build.h"
#include "support/check.h"
#include "support/expect.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"

/* No test here takes the power away. */
static const act_merge_options no_sync = {.no_sync = true};

static act_status set(const char *key, uint64_t value, act_error *error)
{
    act_merge *merge;
    act_status status = act_merge_open(scratch_map, &no_sync, &merge, error);
    if (status == ACT_OK) {
        status = act_merge_set(merge, key, strlen(key), value, error);
        /* What it tells is what it returns. */
        assert_true(!error || error->status == status);
    }
    if (status == ACT_OK)
        status = act_merge_finish(merge, NULL, error);
    act_merge_close(merge);
    return status;
}

static void save(const struct forge *f)
{
    scratch_write(scratch_map, f->bytes, f->nbytes);
}

/* The file holds these, "KEY=VALUE KEY=VALUE", in order. */
static void holds(const char *wanted)
{
    act_map *map;
    act_iter *iter;
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    char text[1000];
    size_t nbytes = 0;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_iter_open(map, NULL, &iter, NULL), ACT_OK);
    while (act_iter_next(iter, &key, &key_nbytes, &value, NULL) == ACT_OK)
        nbytes += (size_t)snprintf(text + nbytes, sizeof(text) - nbytes, "%s%.*s=%u",
                                   nbytes ? " " : "", (int)key_nbytes, (const char *)key,
                                   (unsigned)value);
    assert_string_equal(text, wanted);
    act_iter_close(iter);
    assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
    act_map_close(map);
}

/* Lines that lead to lines, branches with nothing to choose, paths without a value. */
static void legal_but_odd(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 7);
    uint64_t end = forge_fork(&f, FORGE_NONE, leaf, "z");
    uint64_t cd = forge_data(&f, "cd");
    uint64_t second = forge_line(&f, FORGE_NONE, end, cd);
    uint64_t ab = forge_data(&f, "ab");
    uint64_t first = forge_line(&f, FORGE_NONE, second, ab);
    uint64_t dangling = forge_leaf(&f, FORGE_NONE);
    (void)dangling;
    uint64_t run = first;
    uint64_t root = forge_fork(&f, FORGE_NONE, run, "x~");
    forge_end(&f, root);
    save(&f);
    holds("xabcdz=7");
    assert_int_equal(set("xab", 1, NULL), ACT_OK);
    holds("xab=1 xabcdz=7");
    assert_int_equal(set("xabc", 2, NULL), ACT_OK);
    assert_int_equal(set("xabcdzz", 3, NULL), ACT_OK);
    assert_int_equal(set("~", 4, NULL), ACT_OK);
    assert_int_equal(set("", 5, NULL), ACT_OK);
    holds("=5 xab=1 xabc=2 xabcdz=7 xabcdzz=3 ~=4");
    forge_free(&f);
}

/* 2^64 paths in half a kilobyte: only the way to the key is unshared. */
static void shared_subtrees(void **state)
{
    (void)state;
    struct forge f;
    char key[65];
    forge_start(&f);
    forge_end(&f, forge_shared(&f, 64, 2, 1));
    save(&f);
    act_map *map;
    act_map_info info;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    act_cursor *cursor;
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_last_path(cursor, NULL), ACT_OK);
    size_t nbytes;
    const uint8_t *path = act_cursor_path(cursor, &nbytes);
    assert_int_equal(nbytes, 64);
    memcpy(key, path, 64);
    key[64] = '\0';
    act_cursor_close(cursor);
    act_map_close(map);
    assert_int_equal(set(key, 2, NULL), ACT_OK);
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    assert_true(stat.file_nbytes < 3000);
    uint64_t value;
    assert_int_equal(act_map_get(map, key, 64, &value, NULL), ACT_OK);
    assert_int_equal(value, 2);
    assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
    assert_int_equal(info.keys, UINT64_MAX);
    act_map_close(map);
    forge_free(&f);
}

/* A chain of lines, each with a single byte: a key as deep as long. */
static void a_deep_chain(void **state)
{
    (void)state;
    enum {
        DEPTH = 20000
    };
    static char key[DEPTH + 2];
    struct forge f;
    forge_start(&f);
    uint64_t data = forge_data(&f, "a");
    uint64_t node = forge_leaf(&f, 1);
    for (unsigned i = 0; i < DEPTH; i++)
        node = forge_line(&f, FORGE_NONE, node, data);
    forge_end(&f, node);
    save(&f);
    memset(key, 'a', DEPTH);
    key[DEPTH] = 'b';
    act_error error = {0};
    if (set(key, 2, &error) != ACT_OK)
        fail_msg("%s", error.text);
    act_map *map;
    act_map_info info;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
    assert_int_equal(info.keys, 2);
    assert_true(info.node_depth_max < 5); /* and a chain no more */
    act_map_close(map);
    forge_free(&f);
}

/* What is damaged on the way is told with its place, and the file is left alone. */
static void damage_on_the_way(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 6; kind++) {
        struct forge f;
        forge_start(&f);
        uint64_t data = forge_data(&f, "abc");
        uint64_t leaf = forge_leaf(&f, 1);
        uint64_t bad = forge_leaf(&f, 2);
        if (kind == 0)
            bad = forge_line(&f, 5, leaf, data); /* a value and a child */
        else if (kind == 1)
            bad = FORGE_BYTES(&f, 0x82, 1, 1); /* bits without a meaning */
        else if (kind == 2)
            bad = FORGE_BYTES(&f, 33, 1, 1, 1); /* 33 children */
        else if (kind == 3)
            bad = FORGE_BYTES(&f, 2, 1, 'b', 'a'); /* not in order */
        else if (kind == 4)
            bad = FORGE_BYTES(&f, 1, 0, 'a'); /* its own child */
        else
            bad = FORGE_BYTES(&f, 0xc0, 1, 0xf7); /* a line from before the file */
        uint64_t root = forge_fork(&f, FORGE_NONE, bad, "x");
        forge_end(&f, root);
        save(&f);
        act_error error = {0};
        assert_int_equal(set("xabq", 1, &error), ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, bad);
        size_t nbytes;
        unsigned char *there = scratch_read(scratch_map, &nbytes);
        assert_int_equal(nbytes, f.nbytes);
        assert_memory_equal(there, f.bytes, nbytes);
        free(there);
        forge_free(&f);
    }
}

/* A child on the way is good, and found; but not all of its siblings, which have to be copied. */
static void damaged_siblings(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        struct forge f;
        act_error error = {0};
        forge_start(&f);
        uint64_t good = forge_leaf(&f, 1);
        uint64_t bad = forge_here(&f);
        if (kind == 0) /* many children, beyond the end; and once there is no second one */
            FORGE_BYTES(&f, 32);
        else if (kind == 1) /* its line begins a byte before the first that a line may have */
            FORGE_BYTES(&f, 0xc0, 5, (uint8_t)(bad - (ACT_ARENA_OFF - 1)));
        uint64_t root = forge_fork(&f, FORGE_NONE, good, "xy");
        forge_end(&f, root);
        save(&f);
        assert_int_equal(set("xa", 1, &error), ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, kind == 1 ? bad : root);
        forge_free(&f);
    }
}

/* The first key parts within the root's own line, and the next one before it. */
static void the_root_is_a_line(void **state)
{
    (void)state;
    struct entries entries = {0};
    act_merge *merge;
    entries_add(&entries, "shared/a", 8, 1);
    entries_add(&entries, "shared/b", 8, 2);
    for (unsigned layout = 0; layout < 3; layout++) {
        build_file(&entries, scratch_map, (act_layout)layout, NULL);
        assert_int_equal(act_merge_open(scratch_map, &no_sync, &merge, NULL), ACT_OK);
        assert_int_equal(act_merge_set(merge, "share", 5, 3, NULL), ACT_OK);
        assert_int_equal(act_merge_set(merge, "shared/", 7, 4, NULL), ACT_OK);
        assert_int_equal(act_merge_set(merge, "shy", 3, 5, NULL), ACT_OK);
        assert_int_equal(act_merge_set(merge, "t", 1, 6, NULL), ACT_OK);
        assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
        act_merge_close(merge);
        holds("share=3 shared/=4 shared/a=1 shared/b=2 shy=5 t=6");
    }
    entries_free(&entries);
}

/* Of two siblings one goes, and what is left becomes one line with what leads there: the line data
 * of the other are then looked at for the first time. */
static void damaged_line_data_beside_the_way(void **state)
{
    (void)state;
    static const uint8_t lengths[] = {0, 1, 60, 0xff}; /* good is 1: the byte that follows */
    for (size_t i = 0; i < sizeof(lengths); i++) {
        struct forge f;
        act_error error = {0};
        forge_start(&f);
        uint64_t leaf = FORGE_BYTES(&f, 0x40, 0xf9, 1, lengths[i]); /* two more bytes, the value */
        FORGE_BYTES(&f, 0xc0, 5, 1);                                /* the last is the length */
        uint64_t root = forge_fork(&f, FORGE_NONE, leaf, "ab");
        forge_end(&f, root);
        save(&f);
        act_merge *merge;
        assert_int_equal(act_merge_open(scratch_map, &no_sync, &merge, NULL), ACT_OK);
        assert_int_equal(act_merge_remove(merge, "a", 1, NULL), ACT_OK);
        act_status status = act_merge_finish(merge, NULL, &error);
        act_merge_close(merge);
        assert_int_equal(status, i == 1 ? ACT_OK : ACT_ERR_CORRUPT);
        if (i == 1)
            holds("b\xc0=5");
        else
            assert_int_equal(error.offset, leaf + 3);
        forge_free(&f);
    }
}

/* An index of a later version: of it, its header is known not to be what a root lies in. */
static void an_index_of_a_later_version(void **state)
{
    (void)state;
    enum {
        LONGEST_KEY_AT = 16 + 104 /* 5 and zeros: as a node, a branch with children */
    };
    struct entries entries = {0};
    size_t nbytes;
    act_error error = {0};
    entries_add(&entries, "three", 5, 3);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    uint8_t *header = bytes + ACT_INDEX_OFF;
    header[8] ^= 2;
    act_store_le64(header + ACT_INDEX_NBYTES - 8, act_hash64(header, ACT_INDEX_NBYTES - 8, 0));
    scratch_write(scratch_map, bytes, nbytes);
    assert_int_equal(set("two", 2, NULL), ACT_OK);
    holds("three=3 two=2");
    act_store_le64(bytes + ACT_ROOT_OFF, LONGEST_KEY_AT);
    scratch_write(scratch_map, bytes, nbytes);
    assert_int_equal(set("two", 2, &error), ACT_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "inside of what its index is of"));
    free(bytes);
}

/* A file with any bytes changed is refused, and stays as it is, or takes the keys. */
static void any_bytes(void **state)
{
    (void)state;
    struct random r = random_of(3);
    struct entries entries = {0};
    for (unsigned i = 0; i < 60; i++) {
        uint8_t key[30];
        random_fill(&r, key, sizeof(key));
        key[0] &= 3;
        key[1] &= 7;
        entries_add(&entries, key, random_below(&r, sizeof(key)), i);
    }
    entries_sort(&entries);
    unsigned refused = 0, rounds = CHECK_SLOW_BUILD ? 300 : 1500;
    for (unsigned round = 0; round < rounds; round++) {
        if (round % 500 == 0) {
            build_file(&entries, scratch_map, (act_layout)(round / 500 % 3), NULL);
            assert_int_equal(set("merged before", 1, NULL), ACT_OK);
        }
        size_t nbytes, nbytes_after;
        unsigned char *good = scratch_read(scratch_map, &nbytes);
        unsigned char *bytes = scratch_read(scratch_map, &nbytes);
        for (unsigned i = (unsigned)random_below(&r, 4); i < 4; i++)
            bytes[8 + random_below(&r, nbytes - 8)] = (unsigned char)random_u64(&r);
        scratch_write(scratch_map, bytes, nbytes);
        act_merge *merge;
        act_error error = {0};
        act_status status = act_merge_open(scratch_map, &no_sync, &merge, &error);
        for (size_t i = 0; status == ACT_OK && i < entries.count; i++) {
            const struct entry *e = &entries.items[i];
            status = random_one_in(&r, 2)
                         ? act_merge_remove(merge, e->key, e->key_nbytes, &error)
                         : act_merge_set(merge, e->key, e->key_nbytes, random_u64(&r), &error);
        }
        if (status == ACT_OK)
            status = act_merge_finish(merge, NULL, &error);
        act_merge_close(merge);
        if (status != ACT_OK) {
            assert_true(status >= ACT_ERR_FORMAT);
            assert_int_equal(error.status, status);
            unsigned char *after = scratch_read(scratch_map, &nbytes_after);
            /* What looked like another merge's may be gone. */
            assert_true(nbytes_after <= nbytes);
            assert_memory_equal(after, bytes, nbytes_after);
            free(after);
            refused++;
        }
        scratch_write(scratch_map, good, nbytes);
        free(good);
        free(bytes);
    }
    assert_true(refused > rounds / 10 && refused < rounds);
    entries_free(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legal_but_odd),
        cmocka_unit_test(shared_subtrees),
        cmocka_unit_test(a_deep_chain),
        cmocka_unit_test(damage_on_the_way),
        cmocka_unit_test(damaged_siblings),
        cmocka_unit_test(the_root_is_a_line),
        cmocka_unit_test(damaged_line_data_beside_the_way),
        cmocka_unit_test(an_index_of_a_later_version),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
