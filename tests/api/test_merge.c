/* Merging: what is there afterwards, what was there before, and who is kept out. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/expect.h"
#include "support/random.h"
#include "support/scratch.h"

static const act_layout layouts[] = {ACT_LAYOUT_INDEXED, ACT_LAYOUT_PLAIN, ACT_LAYOUT_COMPACT};
static const act_merge_options no_sync = {.no_sync = true};

/* ------------------------------------------------------------------------------- what is merged */

static size_t random_key(struct random *r, uint8_t *key, unsigned letters, unsigned longest)
{
    size_t nbytes = random_below(r, longest + 1);
    for (size_t i = 0; i < nbytes; i++)
        key[i] = (uint8_t)(letters == 256 ? random_u64(r) : 'a' + random_below(r, letters));
    return nbytes;
}

/* Keys to set or, without a value, to remove; some of those that are there, and some others. */
static void make_changes(struct random *r, const struct entries *there, struct entries *changes)
{
    static const unsigned letters[] = {1, 2, 5, 256};
    uint8_t key[400];
    unsigned kind = (unsigned)random_below(r, 4);
    unsigned longest = random_one_in(r, 8) ? 399 : 9;
    size_t count = random_below(r, random_one_in(r, 4) ? 400 : 20);
    for (size_t i = 0; i < count; i++) {
        size_t nbytes = random_key(r, key, letters[kind], longest);
        if (random_one_in(r, 5))
            entries_add_path(changes, key, nbytes);
        else
            entries_add(changes, key, nbytes, random_u64(r) >> random_below(r, 64));
    }
    unsigned share = 1 + (unsigned)random_below(r, 20); /* 1: all of them */
    for (size_t i = 0; i < there->count; i++) {
        const struct entry *e = &there->items[i];
        if (!random_one_in(r, share))
            continue;
        if (random_one_in(r, 3))
            entries_add(changes, e->key, e->key_nbytes, e->value + random_below(r, 2));
        else
            entries_add_path(changes, e->key, e->key_nbytes);
    }
    entries_sort(changes);
}

/* Does the same to an array as to the file. */
static void apply(struct entries *there, const struct entries *changes, act_merge_report *wanted)
{
    memset(wanted, 0, sizeof(*wanted));
    for (size_t i = 0; i < changes->count; i++) {
        const struct entry *e = &changes->items[i];
        const struct entry *old = entries_find(there, e->key, e->key_nbytes);
        if (!e->has_value)
            old ? wanted->removed++ : wanted->missing++;
        else if (!old)
            wanted->added++;
        else
            old->value == e->value ? wanted->unchanged++ : wanted->replaced++;
    }
    entries_change(there, changes);
}

static act_merge_report merge(const char *path, const struct entries *changes)
{
    act_merge *merge;
    act_merge_report report;
    act_error error = {0};
    if (act_merge_open(path, &no_sync, &merge, &error) != ACT_OK)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < changes->count; i++) {
        const struct entry *e = &changes->items[i];
        act_status status = e->has_value
                                ? act_merge_set(merge, e->key, e->key_nbytes, e->value, &error)
                                : act_merge_remove(merge, e->key, e->key_nbytes, &error);
        if (status != ACT_OK)
            fail_msg("%s", error.text);
    }
    if (act_merge_finish(merge, &report, &error) != ACT_OK)
        fail_msg("%s", error.text);
    act_merge_close(merge);
    return report;
}

static act_map *open_at(const char *path, uint64_t root)
{
    act_open_options options = {.root = root};
    act_map *map;
    act_error error = {0};
    if (act_map_open(path, &options, &map, &error) != ACT_OK)
        fail_msg("%s", error.text);
    return map;
}

static void check_map(const act_map *map, const struct entries *entries, bool indexed)
{
    act_verify_report report;
    act_error error = {0};
    if (act_map_verify(map, NULL, NULL, &report, &error) != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(report.soundness, indexed ? ACT_SOUND_CHECKSUMMED : ACT_SOUND_UNCHECKED);
    expect_scan(map, entries);
    expect_lookups(map, entries);
}

static void copy_entries(struct entries *to, const struct entries *from)
{
    memset(to, 0, sizeof(*to));
    entries_append(to, from);
}

/* ------------------------------------------------------------------------------------ the model */

enum {
    STEPS = 6
};

struct roots {
    uint64_t roots[STEPS + 2];
    size_t count;
};

static int note_root(void *context, uint64_t root, uint64_t file_nbytes)
{
    struct roots *roots = context;
    assert_true(roots->count < STEPS + 2 && root < file_nbytes);
    roots->roots[roots->count++] = root;
    return 0;
}

/* Merges again and again, and opens every state of the file at every time. */
static void one_history(struct random *r, act_layout layout)
{
    struct entries states[STEPS + 1];
    uint64_t root_of[STEPS + 1];
    size_t count = 0;
    struct entries there = {0}, nothing = {0};
    make_changes(r, &nothing, &there);
    entries_drop_paths(&there);
    build_file(&there, scratch_map, layout, NULL);
    act_map *reader = open_at(scratch_map, 0);
    copy_entries(&states[0], &there);
    act_map_stat stat;
    act_map_get_stat(reader, &stat);
    root_of[count++] = stat.root;
    for (unsigned step = 0; step < STEPS; step++) {
        struct entries changes = {0};
        act_merge_report wanted;
        make_changes(r, &there, &changes);
        apply(&there, &changes, &wanted);
        act_merge_report report = merge(scratch_map, &changes);
        entries_free(&changes);
        assert_int_equal(report.added, wanted.added);
        assert_int_equal(report.replaced, wanted.replaced);
        assert_int_equal(report.unchanged, wanted.unchanged);
        assert_int_equal(report.removed, wanted.removed);
        assert_int_equal(report.missing, wanted.missing);
        assert_int_equal(report.dropped_nbytes, 0);
        assert_int_equal(report.previous_root, root_of[count - 1]);
        bool changed = wanted.added || wanted.replaced || wanted.removed;
        assert_int_equal(report.appended_nbytes != 0, changed);
        assert_int_equal(report.root != report.previous_root, changed);
        if (changed) {
            copy_entries(&states[count], &there);
            root_of[count++] = report.root;
        }
        act_map *map = open_at(scratch_map, 0);
        check_map(map, &there, layout == ACT_LAYOUT_INDEXED);
        act_map_get_stat(map, &stat);
        assert_int_equal(stat.file_nbytes, report.file_nbytes);
        assert_int_equal(stat.root, report.root);
        assert_int_equal(stat.merged, count > 1);
        struct roots roots = {.count = 0};
        assert_int_equal(act_map_history(map, note_root, &roots, NULL), ACT_OK);
        assert_int_equal(roots.count, count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(roots.roots[i], root_of[count - 1 - i]);
        act_map_close(map);
    }
    for (size_t i = 0; i < count; i++) {
        act_map *map = open_at(scratch_map, root_of[i]);
        check_map(map, &states[i], layout == ACT_LAYOUT_INDEXED);
        act_map_close(map);
    }
    /* Nothing has moved under who opened it at first. */
    check_map(reader, &states[0], layout == ACT_LAYOUT_INDEXED);
    act_map_close(reader);
    for (size_t i = 0; i < count; i++)
        entries_free(&states[i]);
    entries_free(&there);
    assert_int_equal(unlink(scratch_map), 0);
}

static void merges_do_to_a_file_what_they_do_to_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < (CHECK_SLOW_BUILD ? 20 : 60); seed++) {
        struct random r = random_of(seed);
        one_history(&r, layouts[seed % 3]);
    }
}

/* Everything removed, and put back: the empty map is one again, and not a hole. */
static void an_empty_map_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct entries there = {0}, none = {0}, removals = {0};
        struct random r = random_of(i);
        while (there.count < 300) {
            uint8_t key[12];
            size_t nbytes = random_key(&r, key, 3, 11);
            entries_add(&there, key, nbytes, i);
            entries_sort(&there);
        }
        for (size_t j = 0; j < there.count; j++)
            entries_add_path(&removals, there.items[j].key, there.items[j].key_nbytes);
        build_file(&there, scratch_map, layouts[i], NULL);
        for (unsigned round = 0; round < 3; round++) {
            assert_int_equal(merge(scratch_map, &removals).removed, there.count);
            act_map *map = open_at(scratch_map, 0);
            check_map(map, &none, layouts[i] == ACT_LAYOUT_INDEXED);
            act_map_info info;
            assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
            assert_int_equal(info.keys, 0);
            assert_int_equal(info.dangling_paths, 0);
            act_map_close(map);
            assert_int_equal(merge(scratch_map, &there).added, there.count);
            map = open_at(scratch_map, 0);
            check_map(map, &there, layouts[i] == ACT_LAYOUT_INDEXED);
            act_map_close(map);
        }
        entries_free(&there);
        entries_free(&removals);
    }
}

/* What is removed again leaves the nodes that a builder would have made. */
static void nothing_is_left_of_a_removed_key(void **state)
{
    (void)state;
    static const char *const there[] = {"", "a", "abcdefgh", "abcdefghij", "abcxyz", "b12345", "c"};
    static const char *const others[] = {"0",       "aa",    "abc",     "abcd",     "abcdefg",
                                         "abcdx",   "abcxy", "abcxyzz", "b",        "b1234",
                                         "b12345x", "b1x",   "bx",      "cccccccc", "d"};
    struct entries entries = {0};
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        entries_add(&entries, there[i], strlen(there[i]), i);
    act_map_info before, after;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct entries addition = {0}, removal = {0};
        entries_add(&addition, others[i], strlen(others[i]), 1);
        entries_add_path(&removal, others[i], strlen(others[i]));
        build_file(&entries, scratch_map, ACT_LAYOUT_PLAIN, NULL);
        act_map *map = open_at(scratch_map, 0);
        assert_int_equal(act_map_get_info(map, NULL, NULL, &before, NULL), ACT_OK);
        act_map_close(map);
        merge(scratch_map, &addition);
        merge(scratch_map, &removal);
        map = open_at(scratch_map, 0);
        check_map(map, &entries, false);
        assert_int_equal(act_map_get_info(map, NULL, NULL, &after, NULL), ACT_OK);
        act_map_close(map);
        assert_int_equal(after.branch_nodes, before.branch_nodes);
        assert_int_equal(after.leaf_nodes, before.leaf_nodes);
        assert_int_equal(after.line_nodes, before.line_nodes);
        assert_int_equal(after.dangling_paths, 0);
        entries_free(&addition);
        entries_free(&removal);
    }
    entries_free(&entries);
}

/* Runs as wide as they can be, with lines of all lengths, in one merge of several writes. */
static void wide_and_large(void **state)
{
    (void)state;
    static uint8_t long_key[300000];
    for (size_t i = 0; i < 3; i++) {
        struct entries there = {0}, changes = {0};
        struct random r = random_of(i);
        for (unsigned byte = 0; byte < 256; byte += byte % 3 ? 1 : 2) {
            uint8_t key[2] = {'x', (uint8_t)byte};
            entries_add(&there, key, 2, byte);
        }
        entries_sort(&there);
        build_file(&there, scratch_map, layouts[i], NULL);
        random_fill(&r, long_key, sizeof(long_key));
        long_key[0] = 'x';
        for (unsigned j = 0; j < 256; j++) {
            long_key[1] = (uint8_t)j;
            entries_add(&changes, long_key, 2 + random_below(&r, j == 7 ? sizeof(long_key) - 2 : 9),
                        j);
            entries_add(&changes, long_key + 1, 3000, j);
        }
        entries_sort(&changes);
        act_merge_report wanted;
        apply(&there, &changes, &wanted);
        act_merge_report report = merge(scratch_map, &changes);
        assert_int_equal(report.added, wanted.added);
        assert_true(report.appended_nbytes > 700000);
        act_map *map = open_at(scratch_map, 0);
        check_map(map, &there, layouts[i] == ACT_LAYOUT_INDEXED);
        act_map_close(map);
        entries_free(&there);
        entries_free(&changes);
    }
}

/* ------------------------------------------------------------------------------------- refusals */

static void make_file(act_layout layout)
{
    struct entries entries = {0};
    entries_add(&entries, "do", 2, 2);
    entries_add(&entries, "doing", 5, 300);
    entries_add(&entries, "song", 4, 65536);
    build_file(&entries, scratch_map, layout, NULL);
    entries_free(&entries);
}

static void refused(const char *path, act_status expected, const char *says)
{
    act_merge *merge = (act_merge *)&merge;
    act_error error = {0};
    assert_int_equal(act_merge_open(path, NULL, &merge, &error), expected);
    assert_null(merge);
    assert_int_equal(error.status, expected);
    if (!strstr(error.text, says))
        fail_msg("\"%s\" does not say \"%s\"", error.text, says);
    assert_int_equal(act_merge_open(path, NULL, &merge, NULL), expected);
}

static void what_cannot_be_merged_into(void **state)
{
    (void)state;
    act_merge *merge;
    assert_int_equal(act_merge_open(NULL, NULL, &merge, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_merge_open(scratch_map, NULL, NULL, NULL), ACT_ERR_INVALID);
    unlink(scratch_map);
    refused(scratch_map, ACT_ERR_IO, "cannot open");
    refused(scratch_dir, ACT_ERR_NOT_REGULAR, "directory");
    refused("/dev/null", ACT_ERR_NOT_REGULAR, "not a file");
    scratch_write(scratch_map, "", 0);
    refused(scratch_map, ACT_ERR_TRUNCATED, "0 bytes");
    scratch_write(scratch_map, "what is this? no tree, I would say.", 35);
    refused(scratch_map, ACT_ERR_FORMAT, "not an ACTree03 file");
    make_file(ACT_LAYOUT_PLAIN);
    if (geteuid() != 0) {
        assert_int_equal(chmod(scratch_map, 0444), 0);
        refused(scratch_map, ACT_ERR_IO, "cannot open");
    }
}

/* A root that somebody put where zeros follow: what comes behind it is no merge that did not end,
 * and is not taken away. */
static void a_root_inside_of_what_an_index_is_of(void **state)
{
    enum {
        LONGEST_KEY_AT = 16 + 104 /* 5 and zeros: as a node, a branch with children */
    };
    (void)state;
    make_file(ACT_LAYOUT_INDEXED);
    size_t nbytes, nbytes_after;
    unsigned char *file = scratch_read(scratch_map, &nbytes);
    assert_int_equal(file[LONGEST_KEY_AT], 5);
    memset(file + 8, 0, 8);
    file[8] = LONGEST_KEY_AT;
    scratch_write(scratch_map, file, nbytes);
    refused(scratch_map, ACT_ERR_CORRUPT, "has a root that neither its index nor a merge has");
    unsigned char *after = scratch_read(scratch_map, &nbytes_after);
    assert_int_equal(nbytes_after, nbytes);
    assert_memory_equal(after, file, nbytes);
    free(after);
    free(file);
}

static void one_writer_at_a_time(void **state)
{
    (void)state;
    make_file(ACT_LAYOUT_INDEXED);
    act_merge *merge;
    assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
    refused(scratch_map, ACT_ERR_LOCKED, "is writing to");
    /* Readers come and go. */
    act_map *map = open_at(scratch_map, 0);
    assert_int_equal(act_map_get(map, "do", 2, NULL, NULL), ACT_OK);
    act_map_close(map);
    refused(scratch_map, ACT_ERR_LOCKED, "is writing to");
    act_merge_close(merge);
    assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
    act_merge_close(merge);
    act_merge_close(NULL);
}

struct told {
    unsigned calls;
    uint64_t total;
    int answer;
};

static int tell(void *context, uint64_t done, uint64_t total)
{
    struct told *told = context;
    told->calls++;
    told->total = total;
    assert_true(done <= total);
    return told->answer;
}

/* Whoever waits for the check is told how far it is, and can end it. */
static void a_check_tells_and_can_be_ended(void **state)
{
    (void)state;
    struct told told = {0, 0, 0};
    act_merge_options options = {.verify = true, .progress = tell, .context = &told};
    act_merge *merge;
    make_file(ACT_LAYOUT_INDEXED);
    assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_OK);
    assert_true(told.calls > 0 && told.total > 0);
    act_merge_close(merge);
    told.answer = 1;
    size_t nbytes, nbytes_after;
    unsigned char *before = scratch_read(scratch_map, &nbytes);
    assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_STOPPED);
    assert_null(merge);
    unsigned char *after = scratch_read(scratch_map, &nbytes_after);
    assert_int_equal(nbytes_after, nbytes);
    assert_memory_equal(after, before, nbytes);
    free(before);
    free(after);
    told.calls = 0;
    options.verify = false;
    assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_OK);
    assert_int_equal(told.calls, 0);
    act_merge_close(merge);
}

static void keys_come_in_order(void **state)
{
    (void)state;
    act_error error = {0};
    act_merge_report report;
    act_merge *merge;
    make_file(ACT_LAYOUT_INDEXED);
    assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
    assert_int_equal(act_merge_set(merge, "m", 1, 1, &error), ACT_OK);
    assert_int_equal(act_merge_set(merge, "m", 1, 2, &error), ACT_ERR_DUPLICATE);
    assert_non_null(strstr(error.text, "\"m\""));
    assert_int_equal(act_merge_remove(merge, "m", 1, &error), ACT_ERR_DUPLICATE);
    assert_int_equal(act_merge_remove(merge, "lll", 3, &error), ACT_ERR_ORDER);
    assert_non_null(strstr(error.text, "\"lll\""));
    assert_int_equal(act_merge_set(merge, NULL, 0, 2, &error), ACT_ERR_ORDER);
    /* Also after what changes nothing. */
    assert_int_equal(act_merge_remove(merge, "no", 2, &error), ACT_OK);
    assert_int_equal(act_merge_set(merge, "n", 1, 2, &error), ACT_ERR_ORDER);
    assert_int_equal(act_merge_finish(merge, &report, &error), ACT_OK);
    assert_int_equal(report.added, 1);
    assert_int_equal(report.missing, 1);
    assert_int_equal(act_merge_set(merge, "z", 1, 2, &error), ACT_ERR_INVALID);
    assert_int_equal(act_merge_finish(merge, &report, &error), ACT_ERR_INVALID);
    act_merge_close(merge);
    assert_int_equal(act_merge_set(NULL, "z", 1, 2, &error), ACT_ERR_INVALID);
    act_map *map = open_at(scratch_map, 0);
    uint64_t value;
    assert_int_equal(act_map_get(map, "m", 1, &value, NULL), ACT_OK);
    assert_int_equal(value, 1);
    act_map_close(map);
}

/* A merge that is given up leaves the file to the byte, however much was appended. */
static void a_merge_given_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        make_file(layouts[i]);
        size_t nbytes, nbytes_after;
        unsigned char *before = scratch_read(scratch_map, &nbytes);
        act_merge *merge;
        assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
        static uint8_t key[100000];
        for (unsigned j = 0; j < 20; j++) {
            memset(key, (int)j, sizeof(key));
            assert_int_equal(act_merge_set(merge, key, sizeof(key), j, NULL), ACT_OK);
        }
        act_merge_close(merge);
        unsigned char *after = scratch_read(scratch_map, &nbytes_after);
        assert_int_equal(nbytes_after, nbytes);
        assert_memory_equal(after, before, nbytes);
        free(before);
        free(after);
    }
}

/* Bytes at the end that belong to no root: the next merge takes them away, whatever they are. */
static void what_a_merge_that_did_not_end_has_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        make_file(layouts[i % 3]);
        struct entries one = {0};
        entries_add(&one, "first", 5, i);
        if (i >= 3)
            merge(scratch_map, &one);
        size_t nbytes, nbytes_after;
        unsigned char *good = scratch_read(scratch_map, &nbytes);
        struct random r = random_of(i);
        for (size_t more = 1; more < 200; more += 7) {
            unsigned char *torn = calloc(1, nbytes + more);
            assert_non_null(torn);
            memcpy(torn, good, nbytes);
            if (more % 3)
                random_fill(&r, torn + nbytes, more);
            scratch_write(scratch_map, torn, nbytes + more);
            act_merge *merge;
            act_merge_report report;
            assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
            assert_int_equal(act_merge_finish(merge, &report, NULL), ACT_OK);
            act_merge_close(merge);
            assert_int_equal(report.dropped_nbytes, more);
            assert_int_equal(report.appended_nbytes, 0);
            unsigned char *after = scratch_read(scratch_map, &nbytes_after);
            assert_int_equal(nbytes_after, nbytes);
            assert_memory_equal(after, good, nbytes);
            free(after);
            free(torn);
        }
        free(good);
        entries_free(&one);
    }
}

/* A root that is set back to a former one by hand is not merged into. */
static void a_root_that_was_set_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t nbytes, nbytes_after;
        act_merge *opened = (act_merge *)&opened;
        act_error error = {0};
        make_file(layouts[i]);
        unsigned char *first = scratch_read(scratch_map, &nbytes);
        for (uint64_t round = 0; round < 2; round++) {
            struct entries one = {0};
            entries_add(&one, "first", 5, 100 + round);
            merge(scratch_map, &one);
            entries_free(&one);
        }
        unsigned char *bytes = scratch_read(scratch_map, &nbytes_after);
        memcpy(bytes + 8, first + 8, 8);
        scratch_write(scratch_map, bytes, nbytes_after);
        assert_int_equal(act_merge_open(scratch_map, NULL, &opened, &error), ACT_ERR_CORRUPT);
        assert_null(opened);
        assert_non_null(strstr(error.text, "another root"));
        free(first);
        free(bytes);
    }
}

/* A root of nothing but zeros: only where a writer has put it does it stand for an empty map. */
static void roots_of_zeros(void **state)
{
    (void)state;
    size_t nbytes;
    act_merge *opened = (act_merge *)&opened;
    act_error error = {0};
    struct entries none = {0}, one = {0};
    entries_add(&one, "a", 1, 1);
    for (size_t i = 0; i < 3; i++) {
        build_file(&none, scratch_map, layouts[i], NULL);
        merge(scratch_map, &one); /* into an empty map */
        act_map *map = open_at(scratch_map, 0);
        assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
        act_map_close(map);
    }
    make_file(ACT_LAYOUT_INDEXED);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    /* The bytes between the tail's zeros: the root is put there, and all before it is as it was. */
    memset(bytes + 8, 0, 8);
    bytes[8] = (unsigned char)((nbytes - 16) & 0xff);
    bytes[9] = (unsigned char)((nbytes - 16) >> 8);
    bytes[10] = (unsigned char)((nbytes - 16) >> 16);
    scratch_write(scratch_map, bytes, nbytes);
    assert_int_equal(act_merge_open(scratch_map, NULL, &opened, &error), ACT_ERR_CORRUPT);
    assert_null(opened);
    assert_non_null(strstr(error.text, "neither its index nor a merge has"));
    free(bytes);
    /* And of a plain file, which ends in some zeros more. */
    make_file(ACT_LAYOUT_PLAIN);
    bytes = scratch_read(scratch_map, &nbytes);
    bytes = realloc(bytes, nbytes + 9);
    assert_non_null(bytes);
    memset(bytes + nbytes, 0, 9);
    memset(bytes + 8, 0, 8);
    bytes[8] = (unsigned char)(nbytes & 0xff);
    bytes[9] = (unsigned char)(nbytes >> 8);
    bytes[10] = (unsigned char)(nbytes >> 16);
    scratch_write(scratch_map, bytes, nbytes + 9);
    assert_int_equal(act_merge_open(scratch_map, NULL, &opened, &error), ACT_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "nothing but zeros"));
    free(bytes);
    entries_free(&one);
}

static void roots_that_are_none(void **state)
{
    (void)state;
    make_file(ACT_LAYOUT_PLAIN);
    act_map *map = open_at(scratch_map, 0);
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    for (uint64_t root = 1; root < stat.file_nbytes + 10; root++) {
        act_open_options options = {.root = root};
        act_map *other = (act_map *)&other;
        act_error error = {0};
        act_status status = act_map_open(scratch_map, &options, &other, &error);
        assert_int_equal(status, root == stat.root ? ACT_OK : ACT_ERR_INVALID);
        if (status == ACT_OK)
            act_map_close(other);
        else
            assert_null(other);
    }
    assert_int_equal(act_map_history(map, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_history(NULL, note_root, NULL, NULL), ACT_ERR_INVALID);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_do_to_a_file_what_they_do_to_an_array),
        cmocka_unit_test(an_empty_map_and_back),
        cmocka_unit_test(nothing_is_left_of_a_removed_key),
        cmocka_unit_test(wide_and_large),
        cmocka_unit_test(what_cannot_be_merged_into),
        cmocka_unit_test(a_root_inside_of_what_an_index_is_of),
        cmocka_unit_test(one_writer_at_a_time),
        cmocka_unit_test(a_check_tells_and_can_be_ended),
        cmocka_unit_test(keys_come_in_order),
        cmocka_unit_test(a_merge_given_up),
        cmocka_unit_test(what_a_merge_that_did_not_end_has_left),
        cmocka_unit_test(a_root_that_was_set_back),
        cmocka_unit_test(roots_of_zeros),
        cmocka_unit_test(roots_that_are_none),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
