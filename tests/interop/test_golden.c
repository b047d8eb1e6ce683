/* The files of golden/: read, each way there is, and built again. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/hex.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

#define GOLDEN ACT_TEST_SOURCE_DIR "/tests/interop/golden"

/* A line of the manifest. */
struct golden {
    char act[64];
    char tsv[64];
    char writers[64]; /* the reference's functions that write these bytes */
    unsigned long count;
    unsigned long nbytes;
};

static struct golden files[100];
static size_t files_count;

static char *golden_path(const char *name)
{
    return scratch_path(GOLDEN, name);
}

/* NAME of NAME.act or NAME.KIND.act, with another ending. */
static char *beside(const struct golden *file, const char *ending)
{
    char name[100];
    snprintf(name, sizeof(name), "%.*s%s", (int)strcspn(file->act, "."), file->act, ending);
    return golden_path(name);
}

/* Whether the files of the case are about this ACT file: not about what it was merged from. */
static bool is_the_case(const struct golden *file)
{
    char *own = beside(file, ".tsv"), *tsv = golden_path(file->tsv);
    bool same = strcmp(own, tsv) == 0;
    free(tsv);
    free(own);
    return same;
}

static bool is_there(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file)
        fclose(file);
    return file != NULL;
}

/* The text up to the next tab; moves behind it. */
static const char *next_field(char **at)
{
    char *field = *at;
    *at = field + strcspn(field, "\t");
    assert_true(*at > field);
    if (**at)
        *(*at)++ = '\0';
    return field;
}

static int read_manifest(void **state)
{
    (void)state;
    size_t nbytes;
    char *text = (char *)scratch_read(GOLDEN "/MANIFEST.tsv", &nbytes);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (*line == '#')
            continue;
        struct golden *file = &files[files_count++];
        assert_true(files_count < sizeof(files) / sizeof(*files));
        snprintf(file->act, sizeof(file->act), "%s", next_field(&line));
        snprintf(file->tsv, sizeof(file->tsv), "%s", next_field(&line));
        snprintf(file->writers, sizeof(file->writers), "%s", next_field(&line));
        file->count = strtoul(next_field(&line), NULL, 10);
        file->nbytes = strtoul(next_field(&line), NULL, 10);
    }
    free(text);
    assert_true(files_count > 60);
    return 0;
}

static void read_entries(const char *name, struct entries *entries)
{
    char *path = golden_path(name);
    entries_read_tsv(entries, path);
    free(path);
}

static act_map *open_map(const char *path, act_access access)
{
    act_open_options options = {.access = access};
    act_map *map;
    act_error error = {0};
    if (act_map_open(path, &options, &map, &error) != ACT_OK)
        fail_msg("%s: %s", path, error.text);
    return map;
}

/* ---------------------------------------------------------------------------- the entries there */

struct expected {
    const char *name;
    const struct entries *entries;
    size_t count;
    bool reverse;
};

static const struct entry *next_expected(struct expected *x)
{
    if (x->count == x->entries->count)
        fail_msg("%s: more entries than %zu", x->name, x->count);
    size_t index = x->count++;
    return &x->entries->items[x->reverse ? x->entries->count - 1 - index : index];
}

static int compare_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct expected *x = context;
    const struct entry *e = next_expected(x);
    if (entries_compare(key, key_nbytes, e->key, e->key_nbytes) != 0 || value != e->value)
        fail_msg("%s: entry %zu is %s %llu, not %s %llu", x->name, x->count - 1,
                 hex_shown(key, key_nbytes), (unsigned long long)value,
                 hex_shown(e->key, e->key_nbytes), (unsigned long long)e->value);
    return 0;
}

static void compare_scan(const act_map *map, const char *name, const struct entries *entries)
{
    act_range range = {0};
    for (int reverse = 0; reverse < 2; reverse++) {
        range.reverse = reverse;
        struct expected x = {name, entries, 0, reverse};
        assert_int_equal(act_map_scan(map, &range, compare_entry, &x, NULL), ACT_OK);
        assert_int_equal(x.count, entries->count);
    }
}

static void compare_iterator(const act_map *map, const char *name, const struct entries *entries)
{
    act_range range = {0};
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    for (int reverse = 0; reverse < 2; reverse++) {
        range.reverse = reverse;
        act_iter *iter;
        assert_int_equal(act_iter_open(map, &range, &iter, NULL), ACT_OK);
        struct expected x = {name, entries, 0, reverse};
        while (act_iter_next(iter, &key, &key_nbytes, &value, NULL) == ACT_OK)
            compare_entry(&x, key, key_nbytes, value);
        assert_int_equal(x.count, entries->count);
        /* And all the way back. */
        x = (struct expected){name, entries, 0, !reverse};
        while (act_iter_prev(iter, &key, &key_nbytes, &value, NULL) == ACT_OK)
            compare_entry(&x, key, key_nbytes, value);
        assert_int_equal(x.count, entries->count);
        act_iter_close(iter);
    }
}

static void compare_lookups(const act_map *map, const char *name, const struct entries *entries)
{
    static uint8_t key[70100];
    struct random r = random_of(entries->count);
    for (size_t i = 0; i < entries->count + 300; i++) {
        size_t nbytes = 0;
        if (i < entries->count) {
            nbytes = entries->items[i].key_nbytes;
            memcpy(key, entries->items[i].key, nbytes);
        } else {
            nbytes = shapes_near_key(&r, entries, key, sizeof(key));
        }
        const struct entry *e = entries_find(entries, key, nbytes);
        uint64_t value = 0;
        if (act_map_get(map, key, nbytes, &value, NULL) != (e ? ACT_OK : ACT_NOT_FOUND) ||
            value != (e ? e->value : 0))
            fail_msg("%s: get %s gives %llu", name, hex_shown(key, nbytes),
                     (unsigned long long)value);
    }
}

static void every_file_holds_its_entries(void **state)
{
    (void)state;
    static const act_access kinds[] = {ACT_ACCESS_AUTO, ACT_ACCESS_MAP, ACT_ACCESS_READ};
    for (size_t i = 0; i < files_count; i++) {
        struct entries entries = {0};
        read_entries(files[i].tsv, &entries);
        assert_int_equal(entries.count, files[i].count);
        char *path = golden_path(files[i].act);
        for (size_t k = 0; k < 3; k++) {
            act_map *map = open_map(path, kinds[k]);
            act_map_stat stat;
            act_map_get_stat(map, &stat);
            assert_int_equal(stat.file_nbytes, files[i].nbytes);
            assert_int_equal(stat.merged, strcmp(files[i].writers, "merge") == 0);
            compare_scan(map, files[i].act, &entries);
            compare_iterator(map, files[i].act, &entries);
            compare_lookups(map, files[i].act, &entries);
            act_map_close(map);
        }
        free(path);
        entries_free(&entries);
    }
}

static void every_file_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < files_count; i++) {
        char *path = golden_path(files[i].act);
        act_map *map = open_map(path, ACT_ACCESS_AUTO);
        act_verify_report report;
        act_error error = {0};
        if (act_map_verify(map, NULL, NULL, &report, &error) != ACT_OK)
            fail_msg("%s: %s", files[i].act, error.text);
        assert_int_equal(report.soundness, ACT_SOUND_UNCHECKED);
        assert_int_equal(report.broken_rule, ACT_RULE_NONE);

        act_map_info info;
        assert_int_equal(act_map_get_info(map, NULL, NULL, &info, NULL), ACT_OK);
        assert_int_equal(info.keys, files[i].count);
        assert_int_equal(info.header_nbytes + info.branch_nbytes + info.leaf_nbytes +
                             info.line_node_nbytes + info.line_data_nbytes +
                             info.unreferenced_nbytes + info.tail_nbytes,
                         files[i].nbytes);
        /* What a cached writer, or a merge, may share; the others never do. */
        if (strstr(files[i].writers, "dump"))
            assert_false(info.shared);
        act_map_close(map);
        free(path);
    }
}

/* --------------------------------------------------------------------------- the cases' own files
 */

static void key_lists_get_their_answers(void **state)
{
    (void)state;
    size_t lists = 0, answers = 0;
    for (size_t i = 0; i < files_count; i++) {
        char *in = beside(&files[i], ".get.in"), *out = beside(&files[i], ".get.out");
        if (is_the_case(&files[i]) && is_there(in)) {
            size_t nbytes;
            char *keys = (char *)scratch_read(in, &nbytes);
            char *values = (char *)scratch_read(out, &nbytes);
            char *path = golden_path(files[i].act);
            act_map *map = open_map(path, ACT_ACCESS_AUTO);
            char *value_at = values;
            for (char *at = keys; *at; at += strcspn(at, "\n") + 1) {
                uint8_t key[1000];
                size_t digits = strcspn(at, "\n\t");
                assert_true(digits / 2 <= sizeof(key) && hex_decode(at, digits, key));
                uint64_t value;
                act_status status = act_map_get(map, key, digits / 2, &value, NULL);
                char answer[40] = "-";
                if (status == ACT_OK)
                    snprintf(answer, sizeof(answer), "%llu", (unsigned long long)value);
                size_t expected_nbytes = strcspn(value_at, "\n");
                assert_int_equal(strlen(answer), expected_nbytes);
                assert_memory_equal(answer, value_at, expected_nbytes);
                value_at += expected_nbytes + 1;
                answers++;
            }
            assert_int_equal(*value_at, '\0');
            act_map_close(map);
            free(path);
            free(values);
            free(keys);
            lists++;
        }
        free(in);
        free(out);
    }
    assert_true(lists >= 6 && answers > 1000);
}

/* Paths without a value are paths, and not keys. */
static void leaves_without_a_value_exist(void **state)
{
    (void)state;
    size_t paths = 0;
    for (size_t i = 0; i < files_count; i++) {
        char *leaves = beside(&files[i], ".leaves.tsv");
        if (is_the_case(&files[i]) && is_there(leaves)) {
            struct entries entries = {0};
            entries_read_tsv(&entries, leaves);
            char *path = golden_path(files[i].act);
            act_map *map = open_map(path, ACT_ACCESS_AUTO);
            for (size_t k = 0; k < entries.count; k++) {
                const struct entry *e = &entries.items[k];
                bool has_value = !e->has_value;
                assert_int_equal(act_map_path_exists(map, e->key, e->key_nbytes, &has_value, NULL),
                                 ACT_OK);
                assert_int_equal(has_value, e->has_value);
                paths += !e->has_value;
            }
            act_map_close(map);
            free(path);
            entries_free(&entries);
        }
        free(leaves);
    }
    assert_true(paths >= 4);
}

/* A merged file with a root of before, put back, holds what it held then. */
static void former_roots_lead_to_former_entries(void **state)
{
    (void)state;
    size_t roots = 0;
    for (size_t i = 0; i < files_count; i++) {
        if (strcmp(files[i].writers, "merge") != 0)
            continue;
        char *history_path = beside(&files[i], ".history");
        char *path = golden_path(files[i].act);
        size_t nbytes, history_nbytes;
        uint8_t *bytes = scratch_read(path, &nbytes);
        char *history = (char *)scratch_read(history_path, &history_nbytes);
        unsigned line = 1;
        for (char *at = history; *at; at += strcspn(at, "\n") + 1, line++) {
            unsigned long long root = strtoull(at, NULL, 10);
            for (unsigned b = 0; b < 8; b++)
                bytes[8 + b] = (uint8_t)(root >> 8 * b);
            char ending[20];
            snprintf(ending, sizeof(ending), ".at%u.tsv", line);
            char *then = beside(&files[i], line == 1 ? ".tsv" : ending);
            if (!is_there(then)) {
                free(then);
                then = beside(&files[i], ".base.tsv");
            }
            struct entries entries = {0};
            entries_read_tsv(&entries, then);
            act_map *map;
            assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
            compare_scan(map, then, &entries);
            compare_lookups(map, then, &entries);
            act_map_close(map);
            entries_free(&entries);
            free(then);
            roots++;
        }
        free(history);
        free(bytes);
        free(path);
        free(history_path);
    }
    assert_int_equal(roots, 6);
}

/* ------------------------------------------------------------------------------------- building */

static void check_rebuilt(const struct golden *file, const char *entries_path, const char *out)
{
    struct entries entries = {0};
    entries_read_tsv(&entries, entries_path);
    entries_sort(&entries);
    act_build_report report;
    build_file(&entries, out, ACT_LAYOUT_PLAIN, &report);
    assert_int_equal(report.keys, file->count);
    assert_int_equal(report.file_nbytes, file->nbytes);

    char *path = golden_path(file->act);
    size_t expected_nbytes, nbytes;
    uint8_t *expected = scratch_read(path, &expected_nbytes), *bytes = scratch_read(out, &nbytes);
    size_t at = 0;
    while (at < nbytes && at < expected_nbytes && bytes[at] == expected[at])
        at++;
    if (nbytes != expected_nbytes || at < nbytes)
        fail_msg("%s: built again, it differs at offset %zu (%zu bytes, not %zu)", file->act, at,
                 nbytes, expected_nbytes);
    free(bytes);
    free(expected);
    free(path);
    entries_free(&entries);
}

static void building_from_the_text_gives_the_bytes(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *out = scratch_path(dir, "rebuilt.act");
    size_t count = 0;
    for (size_t i = 0; i < files_count; i++) {
        if (!strstr(files[i].writers, "dump"))
            continue;
        char *in = beside(&files[i], ".in.tsv"), *tsv = golden_path(files[i].tsv);
        check_rebuilt(&files[i], is_there(in) ? in : tsv, out);
        free(tsv);
        free(in);
        count++;
    }
    assert_true(count >= 40);
    free(out);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_holds_its_entries),
        cmocka_unit_test(every_file_is_sound),
        cmocka_unit_test(key_lists_get_their_answers),
        cmocka_unit_test(leaves_without_a_value_exist),
        cmocka_unit_test(former_roots_lead_to_former_entries),
        cmocka_unit_test(building_from_the_text_gives_the_bytes),
    };
    return cmocka_run_group_tests(tests, read_manifest, NULL);
}
