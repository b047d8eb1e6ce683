/* The builder against tests/support/model_build.c, byte for byte, and its refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/model_build.h"
#include "support/scratch.h"

static act_builder *open_builder(void)
{
    act_builder *builder = NULL;
    act_error error = {0};
    const act_builder_options options = {.layout = ACT_LAYOUT_PLAIN, .no_sync = true};
    act_status status = act_builder_open(scratch_map, &options, &builder, &error);
    if (status != ACT_OK)
        fail_msg("%s", error.text);
    return builder;
}

static void add(act_builder *builder, const struct model_entry *entry)
{
    act_error error = {0};
    act_status status = entry->has_value
                            ? act_builder_add(builder, entry->key, entry->key_nbytes, entry->value,
                                              &error)
                            : act_builder_add_path(builder, entry->key, entry->key_nbytes, &error);
    if (status != ACT_OK)
        fail_msg("%s", error.text);
}

static act_build_report finish(act_builder *builder)
{
    act_error error = {0};
    act_build_report report;
    act_status status = act_builder_finish(builder, &report, &error);
    if (status != ACT_OK)
        fail_msg("%s", error.text);
    act_builder_close(builder);
    return report;
}

/* Builds the entries and compares the file with the model's. */
static act_build_report build_and_compare(const struct model_entry *entries, size_t count)
{
    act_builder *builder = open_builder();
    for (size_t i = 0; i < count; i++)
        add(builder, &entries[i]);
    act_build_report report = finish(builder);

    size_t nbytes, expected_nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    uint8_t *expected = model_build(entries, count, &expected_nbytes);
    assert_int_equal(nbytes, expected_nbytes);
    assert_memory_equal(bytes, expected, nbytes);
    assert_int_equal(report.file_nbytes, nbytes);
    free(bytes);
    free(expected);
    return report;
}

/* Entries from strings, with values counted from 1; a string that starts with '!' has none. */
static act_build_report build_strings(const char *const *strings, size_t count)
{
    struct model_entry entries[16];
    for (size_t i = 0; i < count; i++) {
        bool has_value = strings[i][0] != '!';
        const char *key = strings[i] + !has_value;
        entries[i] = (struct model_entry){(const uint8_t *)key, strlen(key), i + 1, has_value};
    }
    return build_and_compare(entries, count);
}
#define BUILD(...)                                                                                 \
    build_strings((const char *const[]){__VA_ARGS__},                                              \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void no_keys_make_an_empty_map(void **state)
{
    (void)state;
    static const uint8_t expected[25] = "ACTree03\x10";
    act_build_report report = finish(open_builder());
    assert_int_equal(report.keys, 0);
    assert_int_equal(report.nodes, 1);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    assert_int_equal(nbytes, sizeof(expected));
    assert_memory_equal(bytes, expected, sizeof(expected));
    free(bytes);
}

static void small_shapes(void **state)
{
    (void)state;
    BUILD("");
    BUILD("a");
    BUILD("abc");
    BUILD("", "a");
    BUILD("", "abc", "abd");
    BUILD("a", "ab", "abc", "abcd");
    BUILD("abc", "abcdef", "abd");
    BUILD("abc", "b", "cde", "cdf", "cdfghi", "cdg");
    BUILD("prefix/a", "prefix/b", "prefix/ccc");
    BUILD("a", "ab", "b", "ba", "bb", "c");
}

static void paths_without_values(void **state)
{
    (void)state;
    BUILD("!");
    BUILD("!a");
    BUILD("!abc");
    BUILD("!abc", "abd", "!b", "cc");
    BUILD("a", "!ab", "!ac", "b");
}

/* A path without a value that a later key continues is there anyway: it leaves no trace. */
static void continued_paths_leave_no_trace(void **state)
{
    (void)state;
    size_t nbytes[2];
    uint8_t *bytes[2];
    for (int with = 0; with < 2; with++) {
        act_builder *builder = open_builder();
        const char *const paths[] = {"", "a", "abc", "abcd"};
        for (int i = 0; with && i < 4; i++)
            assert_int_equal(act_builder_add_path(builder, paths[i], strlen(paths[i]), NULL),
                             ACT_OK);
        assert_int_equal(act_builder_add(builder, "abcde", 5, 1, NULL), ACT_OK);
        if (with)
            assert_int_equal(act_builder_add_path(builder, "b", 1, NULL), ACT_OK);
        assert_int_equal(act_builder_add(builder, "bcd", 3, 2, NULL), ACT_OK);
        finish(builder);
        bytes[with] = scratch_read(scratch_map, &nbytes[with]);
    }
    assert_int_equal(nbytes[0], nbytes[1]);
    assert_memory_equal(bytes[0], bytes[1], nbytes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void equal_lines_are_written_once(void **state)
{
    (void)state;
    act_build_report report = BUILD("a-tail", "b-tail", "c-tail", "d-tale", "ee-tail");
    assert_int_equal(report.lines, 3); /* "-tail", "-tale", "e-tail" */
    assert_int_equal(report.lines_shared, 2);
    assert_int_equal(report.keys, 5);
    assert_int_equal(report.nodes, 6);
}

/* A generator with a state of its own, so that a failing seed can be repeated. */
static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Keys over a small alphabet share much; over a large one they fan out. */
static size_t random_entries(uint64_t seed, struct model_entry *entries, uint8_t *keys)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
    static const unsigned alphabets[] = {1, 2, 3, 26, 256};
    static const unsigned lengths[] = {3, 8, 20, 60};
    unsigned alphabet = alphabets[next_random(&random) % 5];
    unsigned length = lengths[next_random(&random) % 4];
    size_t wanted = next_random(&random) % 400;
    for (size_t i = 0; i < wanted; i++) {
        uint8_t *key = keys + i * 64;
        size_t nbytes = next_random(&random) % (length + 1);
        for (size_t j = 0; j < nbytes; j++)
            key[j] = (uint8_t)(next_random(&random) % alphabet + (alphabet < 256 ? 'a' : 0));
        uint64_t value = next_random(&random) >> next_random(&random) % 64;
        entries[i] = (struct model_entry){key, nbytes, value, next_random(&random) % 8 != 0};
    }
    qsort(entries, wanted, sizeof(*entries), model_compare);
    size_t count = 0;
    for (size_t i = 0; i < wanted; i++) {
        if (count && model_compare(&entries[count - 1], &entries[i]) == 0)
            continue;
        /* The model wants no path without a value before its own continuation. */
        if (count && !entries[count - 1].has_value &&
            entries[i].key_nbytes > entries[count - 1].key_nbytes &&
            memcmp(entries[i].key, entries[count - 1].key, entries[count - 1].key_nbytes) == 0)
            count--;
        entries[count++] = entries[i];
    }
    return count;
}

static void random_sets_equal_the_model(void **state)
{
    (void)state;
    static struct model_entry entries[400];
    static uint8_t keys[400 * 64];
    for (uint64_t seed = 0; seed < 400; seed++) {
        size_t count = random_entries(seed, entries, keys);
        build_and_compare(entries, count);
    }
}

/* Lines around the sizes of the buffers that they pass through, and two that are larger. */
static void lines_of_every_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,      247,    248,    255,        256,        16383,
                                   16384,  16385,  65535,  65536,      131071,     131073,
                                   262143, 262144, 262145, 300 * 1000, 1000 * 1000};
    enum {
        COUNT = sizeof(sizes) / sizeof(sizes[0])
    };
    struct model_entry entries[2 * COUNT];
    for (size_t i = 0; i < 2 * COUNT; i++) {
        size_t nbytes = sizes[i % COUNT] + 1;
        uint8_t *key = malloc(nbytes);
        assert_non_null(key);
        memset(key, 'x', nbytes);
        key[0] = (uint8_t)i;
        entries[i] = (struct model_entry){key, nbytes, i, true};
    }
    act_build_report report = build_and_compare(entries, 2 * COUNT);
    assert_int_equal(report.lines, COUNT);
    assert_int_equal(report.lines_shared, COUNT);
    for (size_t i = 0; i < 2 * COUNT; i++)
        free((void *)(uintptr_t)entries[i].key);
}

/* Keys that are each the one before and a byte more: a node for every byte, and all of them open.
 */
static void a_deep_comb(void **state)
{
    (void)state;
    enum {
        DEPTH = 20000
    };
    uint8_t *key = malloc(DEPTH);
    assert_non_null(key);
    memset(key, 'a', DEPTH);
    act_builder *builder = open_builder();
    for (size_t i = 1; i <= DEPTH; i++)
        assert_int_equal(act_builder_add(builder, key, i, 7, NULL), ACT_OK);
    key[DEPTH / 2] = 'b';
    assert_int_equal(act_builder_add(builder, key, DEPTH / 2 + 1, 7, NULL), ACT_OK);
    act_build_report report = finish(builder);
    free(key);
    assert_int_equal(report.keys, DEPTH + 1);
    assert_int_equal(report.lines, 1); /* the root's: all share the first byte */
    assert_int_equal(report.nodes, DEPTH + 2);
}

/* As many different lines as make the table grow several times, then all of them again. */
static void many_lines(void **state)
{
    (void)state;
    enum {
        COUNT = 20000
    };
    char key[32];
    act_builder *builder = open_builder();
    for (unsigned i = 0; i < 2 * COUNT; i++) {
        int n = snprintf(key, sizeof(key), "%06u-%u", i, i % COUNT * 7919);
        assert_int_equal(act_builder_add(builder, key, (size_t)n, i, NULL), ACT_OK);
    }
    act_build_report report = finish(builder);
    assert_int_equal(report.lines, 1 + COUNT); /* all share the first digit */
    assert_int_equal(report.lines_shared, COUNT);
}

static void refused_keys_leave_the_builder_usable(void **state)
{
    (void)state;
    act_error error = {0};
    act_builder *builder = open_builder();
    assert_int_equal(act_builder_add(builder, "b", 1, 1, &error), ACT_OK);
    assert_int_equal(act_builder_add(builder, "bcd", 3, 2, &error), ACT_OK);

    assert_int_equal(act_builder_add(builder, "bcc", 3, 9, &error), ACT_ERR_ORDER);
    assert_int_equal(error.status, ACT_ERR_ORDER);
    assert_non_null(strstr(error.text, "\"bcc\""));
    assert_non_null(strstr(error.text, "\"bcd\""));
    assert_int_equal(act_builder_add(builder, "bc", 2, 9, NULL), ACT_ERR_ORDER);
    assert_int_equal(act_builder_add(builder, "", 0, 9, NULL), ACT_ERR_ORDER);
    assert_int_equal(act_builder_add(builder, "bcd", 3, 9, &error), ACT_ERR_DUPLICATE);
    assert_non_null(strstr(error.text, "\"bcd\""));
    assert_int_equal(act_builder_add_path(builder, "bcd", 3, NULL), ACT_ERR_DUPLICATE);

    assert_int_equal(act_builder_add(builder, "bce", 3, 3, &error), ACT_OK);
    finish(builder);
    static const struct model_entry entries[] = {{(const uint8_t *)"b", 1, 1, true},
                                                 {(const uint8_t *)"bcd", 3, 2, true},
                                                 {(const uint8_t *)"bce", 3, 3, true}};
    size_t nbytes, expected_nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    uint8_t *expected = model_build(entries, 3, &expected_nbytes);
    assert_int_equal(nbytes, expected_nbytes);
    assert_memory_equal(bytes, expected, nbytes);
    free(bytes);
    free(expected);
}

static void the_empty_key_can_come_twice_only_in_error(void **state)
{
    (void)state;
    act_error error = {0};
    act_builder *builder = open_builder();
    assert_int_equal(act_builder_add(builder, NULL, 0, 1, &error), ACT_OK);
    assert_int_equal(act_builder_add(builder, "", 0, 1, &error), ACT_ERR_DUPLICATE);
    assert_non_null(strstr(error.text, "\"\""));
    act_builder_close(builder);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    act_error error = {0};
    act_builder *builder = (act_builder *)&error;
    assert_int_equal(act_builder_open(scratch_map, NULL, NULL, &error), ACT_ERR_INVALID);
    const act_builder_options unknown = {.layout = (act_layout)3};
    assert_int_equal(act_builder_open(scratch_map, &unknown, &builder, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "unknown layout 3"));
    assert_int_equal(act_builder_open(NULL, NULL, &builder, &error), ACT_ERR_INVALID);
    assert_null(builder);
    assert_int_equal(act_builder_add(NULL, "a", 1, 0, &error), ACT_ERR_INVALID);
    assert_int_equal(act_builder_finish(NULL, NULL, &error), ACT_ERR_INVALID);
    act_builder_close(NULL);

    builder = open_builder();
    assert_int_equal(act_builder_add(builder, NULL, 1, 0, &error), ACT_ERR_INVALID);
    assert_int_equal(act_builder_add(builder, "a", 1, 0, NULL), ACT_OK);
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    assert_int_equal(act_builder_add(builder, "b", 1, 0, &error), ACT_ERR_INVALID);
    assert_int_equal(act_builder_finish(builder, NULL, &error), ACT_ERR_INVALID);
    act_builder_close(builder);
}

static void without_finish_nothing_appears(void **state)
{
    (void)state;
    scratch_write(scratch_map, "old", 3);
    act_builder *builder = open_builder();
    assert_int_equal(act_builder_add(builder, "a", 1, 0, NULL), ACT_OK);
    act_builder_close(builder);
    size_t nbytes;
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    assert_int_equal(nbytes, 3);
    assert_memory_equal(bytes, "old", 3);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_keys_make_an_empty_map),
        cmocka_unit_test(small_shapes),
        cmocka_unit_test(paths_without_values),
        cmocka_unit_test(continued_paths_leave_no_trace),
        cmocka_unit_test(equal_lines_are_written_once),
        cmocka_unit_test(random_sets_equal_the_model),
        cmocka_unit_test(lines_of_every_size),
        cmocka_unit_test(a_deep_comb),
        cmocka_unit_test(many_lines),
        cmocka_unit_test(refused_keys_leave_the_builder_usable),
        cmocka_unit_test(the_empty_key_can_come_twice_only_in_error),
        cmocka_unit_test(senseless_calls_are_refused),
        cmocka_unit_test(without_finish_nothing_appears),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
