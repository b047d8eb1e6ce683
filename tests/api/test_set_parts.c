/* Opening sets and making them: parts that come and go, and what is wrong with some. */
#define _XOPEN_SOURCE 700

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/scratch.h"

enum {
    PARTS = 6,
    KEYS_A_PART = 200
};

static char *manifest; /* of a set of PARTS parts */
static char part_names[PARTS][16];
static act_set_member members[PARTS];
static const char *const firsts[PARTS] = {"", "b", "c", "d", "e", "f"};

static void key_of(size_t part, size_t i, char key[8])
{
    snprintf(key, 8, "%c%04zu", (int)('a' + part), i);
}

/* Part i holds the keys that begin with the i-th letter; values as told. */
static void build_part(size_t part, const char *name, uint64_t value)
{
    struct entries entries = {0};
    char key[8];
    char *path = scratch_path(scratch_dir, name);
    for (size_t i = 0; i < KEYS_A_PART; i++) {
        key_of(part, i, key);
        entries_add(&entries, key, 5, value);
    }
    build_file(&entries, path, ACT_LAYOUT_PLAIN, NULL);
    entries_free(&entries);
    free(path);
}

static int make_set(void **state)
{
    scratch_set_up(state);
    manifest = scratch_path(scratch_dir, "x.set");
    for (size_t part = 0; part < PARTS; part++) {
        snprintf(part_names[part], sizeof(part_names[part]), "%zu.act", part);
        build_part(part, part_names[part], part);
        members[part] = (act_set_member){part_names[part], firsts[part], strlen(firsts[part])};
    }
    assert_int_equal(act_set_create(manifest, members, PARTS, NULL, NULL), ACT_OK);
    return 0;
}

static int remove_set(void **state)
{
    free(manifest);
    return scratch_tear_down(state);
}

static act_set *open_set(uint64_t max_mapped_nbytes, bool open_all)
{
    act_set_options options = {.max_mapped_nbytes = max_mapped_nbytes, .open_all = open_all};
    act_set *set;
    act_error error;
    if (act_set_open(manifest, &options, &set, &error) != ACT_OK)
        fail_msg("%s", error.text);
    return set;
}

static size_t open_parts(const act_set *set)
{
    act_set_stat stat;
    act_set_get_stat(set, &stat);
    return stat.open_parts;
}

static uint64_t openings(const act_set *set)
{
    act_set_stat stat;
    act_set_get_stat(set, &stat);
    return stat.openings;
}

/* A key of the part is there, with its value. */
static act_status get_from(const act_set *set, size_t part, act_error *error)
{
    char key[8];
    uint64_t value = UINT64_MAX;
    key_of(part, 77, key);
    act_status status = act_set_get(set, key, 5, &value, error);
    if (status == ACT_OK)
        assert_int_equal(value, part);
    return status;
}

static uint64_t part_nbytes(const act_set *set, size_t index)
{
    act_set_part part;
    assert_int_equal(act_set_get_part(set, index, &part, NULL), ACT_OK);
    return part.file_nbytes;
}

/* --------------------------------------------------------------------------------- coming, going
 */

static void parts_are_opened_when_they_are_needed(void **state)
{
    (void)state;
    act_set *set = open_set(0, false);
    assert_int_equal(open_parts(set), 0);
    assert_int_equal(get_from(set, 3, NULL), ACT_OK);
    assert_int_equal(get_from(set, 3, NULL), ACT_OK);
    assert_int_equal(open_parts(set), 1);
    assert_int_equal(get_from(set, 1, NULL), ACT_OK);
    assert_int_equal(open_parts(set), 2);
    assert_int_equal(openings(set), 2);
    act_set_close(set);
    set = open_set(0, true);
    assert_int_equal(open_parts(set), PARTS);
    act_set_close(set);
    act_set_close(NULL);
}

static int count(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)key;
    (void)key_nbytes;
    (void)value;
    ++*(size_t *)context;
    return 0;
}

static void no_more_are_open_than_the_window_holds(void **state)
{
    (void)state;
    act_set *set = open_set(1, false);
    uint64_t two = part_nbytes(set, 0) + part_nbytes(set, 1);
    size_t visited = 0;
    for (size_t part = 0; part < PARTS; part++) {
        assert_int_equal(get_from(set, part, NULL), ACT_OK);
        assert_int_equal(open_parts(set), 1);
    }
    act_set_close(set);
    set = open_set(two, false);
    for (size_t part = 0; part < PARTS; part++) {
        assert_int_equal(get_from(set, part, NULL), ACT_OK);
        assert_int_equal(open_parts(set), part ? 2 : 1);
    }
    assert_int_equal(act_set_scan(set, NULL, count, &visited, NULL), ACT_OK);
    assert_int_equal(visited, PARTS * KEYS_A_PART);
    assert_int_equal(open_parts(set), 2);
    act_set_close(set);
}

static void the_part_that_was_not_used_for_the_longest_goes(void **state)
{
    (void)state;
    act_set *set = open_set(0, false);
    uint64_t three = part_nbytes(set, 0) + part_nbytes(set, 1) + part_nbytes(set, 2);
    act_set_close(set);
    set = open_set(three, false);
    assert_int_equal(get_from(set, 0, NULL), ACT_OK);
    assert_int_equal(get_from(set, 1, NULL), ACT_OK);
    assert_int_equal(get_from(set, 2, NULL), ACT_OK);
    assert_int_equal(get_from(set, 0, NULL), ACT_OK);
    assert_int_equal(get_from(set, 3, NULL), ACT_OK); /* in place of 1 */
    assert_int_equal(openings(set), 4);
    assert_int_equal(get_from(set, 0, NULL), ACT_OK);
    assert_int_equal(get_from(set, 2, NULL), ACT_OK);
    assert_int_equal(openings(set), 4);
    assert_int_equal(get_from(set, 1, NULL), ACT_OK); /* in place of 3 */
    assert_int_equal(get_from(set, 0, NULL), ACT_OK);
    assert_int_equal(openings(set), 5);
    act_set_close(set);
}

static void a_part_in_use_stays(void **state)
{
    (void)state;
    act_set *set = open_set(1, false);
    act_set_iter *iter;
    act_map *map, *again;
    uint64_t value;
    assert_int_equal(act_set_part_open(set, 2, &map, NULL), ACT_OK);
    assert_int_equal(act_set_iter_open(set, NULL, &iter, NULL), ACT_OK);
    assert_int_equal(act_set_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    for (size_t part = 0; part < PARTS; part++)
        assert_int_equal(get_from(set, part, NULL), ACT_OK);
    assert_int_equal(open_parts(set), 3);
    assert_int_equal(act_map_get(map, "c0005", 5, &value, NULL), ACT_OK);
    assert_int_equal(value, 2);
    assert_int_equal(act_set_part_open(set, 2, &again, NULL), ACT_OK);
    assert_ptr_equal(map, again);
    act_set_part_release(set, 2);
    act_set_part_release(set, 2);
    assert_int_equal(act_set_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    act_set_iter_close(iter);
    assert_int_equal(get_from(set, 1, NULL), ACT_OK);
    assert_int_equal(open_parts(set), 1);
    act_set_close(set);
}

static void what_is_open_outlives_its_files(void **state)
{
    (void)state;
    act_set *set = open_set(0, true);
    for (size_t part = 0; part < PARTS; part++) {
        char *path = scratch_path(scratch_dir, part_names[part]);
        unlink(path);
        free(path);
    }
    for (size_t part = 0; part < PARTS; part++)
        assert_int_equal(get_from(set, part, NULL), ACT_OK);
    act_set_close(set);
}

/* --------------------------------------------------------------------------------- wrong parts */

/* The part fails so, and the others do not. */
static void only_this_fails(size_t wrong, act_status status, const char *why)
{
    for (uint64_t window = 0; window < 2; window++) {
        act_set *set = open_set(window, false);
        act_set_verify_report report;
        act_error error;
        for (size_t part = 0; part < PARTS; part++) {
            if (part != wrong) {
                assert_int_equal(get_from(set, part, NULL), ACT_OK);
                continue;
            }
            assert_int_equal(get_from(set, part, &error), status);
            assert_int_equal(error.status, status);
            assert_non_null(strstr(error.text, part_names[part]));
            if (!strstr(error.text, why))
                fail_msg("%s", error.text);
        }
        size_t visited = 0;
        assert_int_equal(act_set_scan(set, NULL, count, &visited, &error), status);
        assert_int_equal(visited, wrong * KEYS_A_PART);
        assert_int_equal(act_set_digest(set, NULL, NULL, NULL, &error), status);
        assert_int_equal(act_set_verify(set, NULL, NULL, &report, &error), status);
        assert_int_equal(report.part, wrong);
        assert_non_null(strstr(error.text, part_names[wrong]));
        act_set_close(set);
    }
    act_set_options all = {.open_all = true};
    act_set *set = (act_set *)&set;
    assert_int_equal(act_set_open(manifest, &all, &set, NULL), status);
    assert_null(set);
}

static void replace(size_t part, const char *by)
{
    char *path = scratch_path(scratch_dir, part_names[part]);
    char *other = scratch_path(scratch_dir, by);
    size_t nbytes;
    unsigned char *bytes = scratch_read(other, &nbytes);
    unlink(path);
    scratch_write(path, bytes, nbytes);
    free(bytes);
    free(other);
    free(path);
}

static void a_missing_part(void **state)
{
    (void)state;
    char *path = scratch_path(scratch_dir, part_names[4]);
    unlink(path);
    only_this_fails(4, ACT_ERR_IO, "No such file");
    assert_int_equal(mkdir(path, 0777), 0);
    only_this_fails(4, ACT_ERR_NOT_REGULAR, "a directory");
    free(path);
}

static void a_part_of_another_size(void **state)
{
    (void)state;
    build_part(1, "other.act", 1000000);
    replace(1, "other.act");
    only_this_fails(1, ACT_ERR_CORRUPT, "not the file that the set was made with");
}

/* The same size and root: what tells is where its keys are. */
static void a_part_in_place_of_another(void **state)
{
    (void)state;
    act_map *one, *other;
    act_map_stat one_stat, other_stat;
    char *path = scratch_path(scratch_dir, part_names[2]);
    char *other_path = scratch_path(scratch_dir, part_names[3]);
    assert_int_equal(act_map_open(path, NULL, &one, NULL), ACT_OK);
    assert_int_equal(act_map_open(other_path, NULL, &other, NULL), ACT_OK);
    act_map_get_stat(one, &one_stat);
    act_map_get_stat(other, &other_stat);
    assert_int_equal(one_stat.file_nbytes, other_stat.file_nbytes);
    assert_int_equal(one_stat.root, other_stat.root);
    act_map_close(one);
    act_map_close(other);
    replace(2, part_names[3]);
    only_this_fails(2, ACT_ERR_CORRUPT, "keys that belong to other parts");
    replace(2, part_names[1]);
    only_this_fails(2, ACT_ERR_CORRUPT, "keys that belong to other parts");
    free(path);
    free(other_path);
}

/* And where only values differ, verifying tells. */
static void a_part_with_other_values(void **state)
{
    (void)state;
    act_set_verify_report report;
    act_error error;
    build_part(5, "other.act", 9);
    replace(5, "other.act");
    act_set *set = open_set(0, true);
    assert_int_equal(act_set_verify(set, NULL, NULL, &report, &error), ACT_ERR_CORRUPT);
    assert_int_equal(report.part, 5);
    assert_true(report.foreign);
    assert_int_equal(report.map.broken_rule, ACT_RULE_NONE);
    assert_non_null(strstr(error.text, "other entries"));
    act_set_close(set);
}

static void sets_do_not_nest(void **state)
{
    (void)state;
    replace(0, "x.set");
    only_this_fails(0, ACT_ERR_FORMAT, "a set itself");
    char *path = scratch_path(scratch_dir, part_names[0]);
    unlink(path);
    assert_int_equal(symlink("x.set", path), 0);
    only_this_fails(0, ACT_ERR_FORMAT, "a set itself");
    free(path);
}

static void what_is_mended_works_again(void **state)
{
    (void)state;
    act_set *set = open_set(0, false);
    char *path = scratch_path(scratch_dir, part_names[3]);
    char *aside = scratch_path(scratch_dir, "aside");
    act_set_iter *iter;
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(act_set_iter_open(set, NULL, &iter, NULL), ACT_OK);
    assert_int_equal(get_from(set, 3, NULL), ACT_ERR_IO);
    for (size_t i = 0; i < 3 * KEYS_A_PART; i++)
        assert_int_equal(act_set_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_set_iter_next(iter, NULL, NULL, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(get_from(set, 3, NULL), ACT_OK);
    /* The iterator stays in error until a seek. */
    assert_int_equal(act_set_iter_prev(iter, NULL, NULL, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(act_set_iter_seek(iter, "d", 1, NULL), ACT_OK);
    assert_int_equal(act_set_iter_next(iter, NULL, NULL, NULL, NULL), ACT_OK);
    act_set_iter_close(iter);
    act_set_close(set);
    free(path);
    free(aside);
}

/* -------------------------------------------------------------------------------------- arguments
 */

static void opening_what_is_no_set(void **state)
{
    (void)state;
    act_set_options both = {.max_mapped_nbytes = 1, .open_all = true};
    act_set_options access = {.part.access = (act_access)9};
    act_set *set = (act_set *)&set;
    act_error error;
    char *none = scratch_path(scratch_dir, "none.set");
    char *part = scratch_path(scratch_dir, part_names[0]);
    assert_int_equal(act_set_open(NULL, NULL, &set, &error), ACT_ERR_INVALID);
    assert_null(set);
    assert_int_equal(act_set_open(manifest, NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(act_set_open(manifest, &both, &set, &error), ACT_ERR_INVALID);
    assert_int_equal(act_set_open(none, NULL, &set, &error), ACT_ERR_IO);
    assert_int_equal(act_set_open(scratch_dir, NULL, &set, &error), ACT_ERR_NOT_REGULAR);
    assert_int_equal(act_set_open(part, NULL, &set, &error), ACT_ERR_FORMAT);
    assert_non_null(strstr(error.text, "not the manifest"));
    assert_null(set);
    assert_int_equal(act_set_open(manifest, &access, &set, &error), ACT_OK);
    assert_int_equal(get_from(set, 0, &error), ACT_ERR_INVALID);
    act_set_close(set);
    free(none);
    free(part);
}

static void parts_that_are_not_there(void **state)
{
    (void)state;
    act_set *set = open_set(0, false);
    act_set_part part;
    act_map *map = (act_map *)&map;
    act_error error;
    assert_int_equal(act_set_get_part(set, PARTS, &part, &error), ACT_ERR_INVALID);
    assert_int_equal(act_set_part_open(set, PARTS, &map, &error), ACT_ERR_INVALID);
    assert_null(map);
    assert_int_equal(act_set_part_open(set, 0, NULL, &error), ACT_ERR_INVALID);
    act_set_part_release(set, PARTS);
    assert_int_equal(act_set_get_part(set, 2, &part, &error), ACT_OK);
    assert_string_equal(part.name, part_names[2]);
    assert_memory_equal(part.from, "c", 1);
    assert_memory_equal(part.to, "d", 1);
    assert_int_equal(part.content.entries, KEYS_A_PART);
    assert_int_equal(act_set_find_part(set, "c", 1), 2);
    assert_int_equal(act_set_find_part(set, "bzzz", 4), 1);
    assert_int_equal(act_set_get_batch(set, NULL, 0, NULL, NULL, NULL, NULL), ACT_OK);
    act_set_close(set);
}

/* A relative name is looked for where the program is. */
static void relative_names(void **state)
{
    (void)state;
    act_set *set;
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(scratch_dir), 0);
    act_status status = act_set_open("x.set", NULL, &set, NULL);
    act_status got = status == ACT_OK ? get_from(set, 1, NULL) : status;
    assert_int_equal(chdir(before), 0);
    assert_int_equal(got, ACT_OK);
    act_set_close(set);
}

/* ----------------------------------------------------------------------------------------- making
 */

/* Making a set of the members fails so, and the one that is there stays. */
static void making_fails(const act_set_member *some, size_t some_count, act_status status,
                         const char *why)
{
    act_error error;
    size_t nbytes, nbytes_after;
    unsigned char *before = scratch_read(manifest, &nbytes);
    act_status result = act_set_create(manifest, some, some_count, NULL, &error);
    if (result != status || !strstr(error.text, why))
        fail_msg("%d: %s; not %s", (int)result, error.text, why);
    unsigned char *after = scratch_read(manifest, &nbytes_after);
    assert_int_equal(nbytes, nbytes_after);
    assert_memory_equal(before, after, nbytes);
    free(before);
    free(after);
}

static void sets_that_cannot_be(void **state)
{
    (void)state;
    act_set_member some[PARTS];
    unsigned files = scratch_count(scratch_dir);
    making_fails(members, 0, ACT_ERR_INVALID, "no parts");
    making_fails(NULL, 1, ACT_ERR_INVALID, "no parts");
    making_fails(members + 1, 2, ACT_ERR_INVALID, "empty key");
    memcpy(some, members, sizeof(some));
    some[2].from = members[1].from;
    making_fails(some, PARTS, ACT_ERR_ORDER, "above the one before");
    memcpy(some, members, sizeof(some));
    some[2].from = "bz";
    some[2].from_nbytes = 2;
    assert_int_equal(act_set_create(manifest, some, PARTS, NULL, NULL), ACT_OK);
    some[2].from = "b0100";
    some[2].from_nbytes = 5;
    making_fails(some, PARTS, ACT_ERR_ORDER, part_names[1]);
    memcpy(some, members, sizeof(some));
    some[1].from = "b0000\1";
    some[1].from_nbytes = 6;
    making_fails(some, PARTS, ACT_ERR_ORDER, part_names[1]);
    static const char *const names[] = {"/a", "../0.act", "./0.act", "", "x/../0.act"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        memcpy(some, members, sizeof(some));
        some[0].name = names[i];
        making_fails(some, PARTS, ACT_ERR_INVALID, "cannot be the name");
    }
    some[0].name = NULL;
    making_fails(some, PARTS, ACT_ERR_INVALID, "without a name");
    some[0].name = part_names[4];
    making_fails(some, PARTS, ACT_ERR_INVALID, "another part has it");
    some[0].name = "none.act";
    making_fails(some, PARTS, ACT_ERR_IO, "none.act");
    some[0].name = "x.set";
    making_fails(some, PARTS, ACT_ERR_FORMAT, "a set itself");
    assert_int_equal(scratch_count(scratch_dir), files);
}

static int refuse_to_go_on(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return 1;
}

static void what_is_expected_is_compared(void **state)
{
    (void)state;
    act_set *set = open_set(0, false);
    act_digest digest;
    act_error error;
    assert_int_equal(act_set_digest(set, NULL, NULL, &digest, NULL), ACT_OK);
    act_set_create_options options = {.expected = &digest, .no_sync = true};
    assert_int_equal(act_set_create(manifest, members, PARTS, &options, NULL), ACT_OK);
    digest.bytes[3] ^= 1;
    assert_int_equal(act_set_create(manifest, members, PARTS, &options, &error), ACT_ERR_CORRUPT);
    digest.bytes[3] ^= 1;
    digest.entries++;
    assert_int_equal(act_set_create(manifest, members, PARTS, &options, &error), ACT_ERR_CORRUPT);
    options.progress = refuse_to_go_on;
    assert_int_equal(act_set_create(manifest, members, PARTS, &options, &error), ACT_STOPPED);
    assert_int_equal(act_set_digest(set, refuse_to_go_on, NULL, &digest, NULL), ACT_STOPPED);
    act_set_close(set);
}

/* Folders below the manifest's, and names that need to be escaped. */
static void names_of_any_kind(void **state)
{
    (void)state;
    char *folder = scratch_path(scratch_dir, "a \t folder");
    act_set_member some[] = {{"a \t folder/\n\xff.act", NULL, 0}, {part_names[1], "b", 1}};
    assert_int_equal(mkdir(folder, 0777), 0);
    build_part(0, some[0].name, 0);
    assert_int_equal(act_set_create(manifest, some, 2, NULL, NULL), ACT_OK);
    act_set *set = open_set(0, true);
    assert_int_equal(get_from(set, 0, NULL), ACT_OK);
    assert_int_equal(get_from(set, 1, NULL), ACT_OK);
    act_set_close(set);
    free(folder);
}

/* Opening touches the manifest only, however many parts there are. */
static void many_parts(void **state)
{
    (void)state;
    enum {
        MANY = 1000
    };
    static char names[MANY][16];
    static uint8_t keys[MANY][2];
    static act_set_member many[MANY];
    struct entries none = {0};
    build_file(&none, scratch_map, ACT_LAYOUT_PLAIN, NULL);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "m%zu.act", i);
        keys[i][0] = (uint8_t)(i >> 8);
        keys[i][1] = (uint8_t)i;
        many[i] = (act_set_member){names[i], keys[i], i ? 2 : 0};
        char *path = scratch_path(scratch_dir, names[i]);
        assert_int_equal(link(scratch_map, path), 0);
        free(path);
    }
    assert_int_equal(act_set_create(manifest, many, MANY, NULL, NULL), ACT_OK);
    act_set *set = open_set(0, false);
    act_set_stat stat;
    size_t visited = 0;
    bool has_value = true;
    act_set_get_stat(set, &stat);
    assert_int_equal(stat.parts, MANY);
    assert_int_equal(stat.open_parts, 0);
    assert_int_equal(act_set_find_part(set, "\1\7", 2), 263);
    assert_int_equal(act_set_scan(set, NULL, count, &visited, NULL), ACT_OK);
    assert_int_equal(visited, 0);
    assert_int_equal(act_set_path_exists(set, "\1", 1, &has_value, NULL), ACT_NOT_FOUND);
    act_set_close(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_set, remove_set)
        TEST(parts_are_opened_when_they_are_needed),
        TEST(no_more_are_open_than_the_window_holds),
        TEST(the_part_that_was_not_used_for_the_longest_goes),
        TEST(a_part_in_use_stays),
        TEST(what_is_open_outlives_its_files),
        TEST(a_missing_part),
        TEST(a_part_of_another_size),
        TEST(a_part_in_place_of_another),
        TEST(a_part_with_other_values),
        TEST(sets_do_not_nest),
        TEST(what_is_mended_works_again),
        TEST(opening_what_is_no_set),
        TEST(parts_that_are_not_there),
        TEST(relative_names),
        TEST(sets_that_cannot_be),
        TEST(what_is_expected_is_compared),
        TEST(names_of_any_kind),
        TEST(many_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
