/*
 * What is done where the program may not use much more memory: tables say that there is none before
 * they take it, builders and sorters do with less. How much there is says the test, in place of the
 * system.
 */
#include "os/allowance.h"

#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "build/lines.h"
#include "build/parts.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"
#include "verify/marks.h"
#include "verify/ways.h"

enum {
    MIB = 1 << 20
};

static uint64_t available;
static unsigned asked; /* how often */

uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately);
uint64_t __wrap_act_os_memory_available(uint64_t enough, bool lately)
{
    (void)enough;
    asked += !lately;
    return available;
}

static void the_system_is_asked_for_each_megabyte(void **state)
{
    (void)state;
    struct act_os_allowance allowance = {0, 0};
    available = 100 * MIB;
    asked = 0;
    for (int i = 0; i < 1 << 14; i++)
        assert_true(act_os_allowance_take(&allowance, 1 << 10));
    assert_int_equal(asked, 15); /* not for the first one */
    assert_true(act_os_allowance_take(&allowance, 5 * MIB));
    assert_int_equal(asked, 16);
    available = ACT_ALLOWANCE_REST_NBYTES_MIN + MIB - 1;
    assert_false(act_os_allowance_take(&allowance, 1));
    available = ACT_ALLOWANCE_REST_NBYTES_MIN + MIB;
    assert_true(act_os_allowance_take(&allowance, 1));
    available = 0;
    assert_true(act_os_allowance_take(&allowance, MIB - 1));
    assert_false(act_os_allowance_take(&allowance, 1));
    act_os_allowance_give(&allowance, 1000);
    assert_true(act_os_allowance_take(&allowance, 1000));
    assert_false(act_os_allowance_take(&allowance, UINT64_MAX / 2));
    available = UINT64_MAX; /* nothing is known */
    assert_true(act_os_allowance_take(&allowance, UINT64_MAX / 2));
}

/* A map of a sweep, of which all nodes wait at once. */
static void tables_of_a_sweep_end(void **state)
{
    (void)state;
    struct act_marks marks;
    struct act_ways_table table;
    uint64_t limit = (uint64_t)1 << 32;
    struct random r = random_of(1);
    available = 4 * MIB;
    assert_true(act_marks_open(&marks, limit));
    while (act_marks_put(&marks, random_below(&r, limit)) >= 0)
        available = 4 * MIB - (marks.allowance.taken - marks.allowance.left);
    assert_true(marks.allowance.taken <= 4 * MIB);
    act_marks_close(&marks);
    /* The same of marks so close to each other that bits take less than a list of them. */
    available = 4 * MIB;
    assert_true(act_marks_open(&marks, limit));
    for (uint64_t offset = 0; act_marks_put(&marks, offset) >= 0; offset += 8)
        available = 4 * MIB - (marks.allowance.taken - marks.allowance.left);
    assert_true(marks.allowance.taken <= 4 * MIB);
    act_marks_close(&marks);
    available = 4 * MIB;
    assert_true(act_ways_open(&table, limit));
    for (;;) {
        struct act_ways ways = {0, 1, 40, 40, 6, 6};
        uint64_t id = 1 + random_below(&r, limit - 1);
        if (!act_ways_put(&table, &ways, &id, 1))
            break;
        available = 4 * MIB - (table.allowance.taken - table.allowance.left);
    }
    assert_true(table.allowance.taken <= 4 * MIB);
    act_ways_close(&table);
    available = 0;
    assert_false(act_marks_open(&marks, UINT64_MAX));
    assert_false(act_ways_open(&table, UINT64_MAX));
}

/* Adds keys of one size, with lines of their own, until it says that there is no more memory. */
static void build_plain(size_t key_nbytes, uint64_t least, uint64_t most)
{
    act_builder_options options = {.layout = ACT_LAYOUT_PLAIN};
    act_builder *builder;
    act_error error;
    act_status status = ACT_OK;
    uint8_t key[4000];
    available = 0;
    assert_int_equal(act_builder_open(scratch_map, &options, &builder, NULL), ACT_OK);
    uint64_t i = 0;
    for (; status == ACT_OK; i++) {
        struct random r = random_of(i);
        random_fill(&r, key, key_nbytes);
        for (unsigned j = 0; j < 8; j++)
            key[j] = (uint8_t)(i >> (56 - 8 * j));
        status = act_builder_add(builder, key, key_nbytes, i, &error);
    }
    assert_int_equal(status, ACT_ERR_NOMEM);
    assert_non_null(strstr(error.text, "line data"));
    assert_non_null(strstr(error.text, "indexed layout"));
    assert_in_range(i, least, most);
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_ERR_NOMEM);
    act_builder_close(builder);
}

/* Of the table of line data, or of what is in it. */
static void a_plain_file_says_what_it_needs(void **state)
{
    (void)state;
    build_plain(25, 1000, 100000);
    build_plain(4000, 100, 1000);
}

static void build(unsigned threads, uint64_t memory_nbytes)
{
    act_builder_options options = {.threads = threads};
    act_builder *builder;
    char key[64];
    available = memory_nbytes;
    assert_int_equal(act_builder_open(scratch_map, &options, &builder, NULL), ACT_OK);
    for (uint64_t i = 0; i < 200000; i++) {
        struct random r = random_of(i);
        snprintf(key, sizeof(key), "%08llu/%016llx", (unsigned long long)i,
                 (unsigned long long)random_below(&r, UINT64_MAX));
        assert_int_equal(act_builder_add(builder, key, strlen(key), i, NULL), ACT_OK);
    }
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    act_builder_close(builder);
}

static void fewer_parts_make_the_same_file(void **state)
{
    (void)state;
    size_t nbytes, other_nbytes;
    static const uint64_t memories[] = {0, 11 * MIB, 24 * MIB, 48 * MIB};
    build(3, UINT64_MAX);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
        build(3, memories[i]);
        unsigned char *other = scratch_read(scratch_map, &other_nbytes);
        assert_int_equal(other_nbytes, nbytes);
        assert_memory_equal(other, bytes, nbytes);
        free(other);
    }
    free(bytes);
}

static void parts_are_as_many_as_memory_allows(void **state)
{
    (void)state;
    static const struct {
        uint64_t memory_nbytes;
        unsigned threads;
        size_t count;
    } rows[] = {{UINT64_MAX, 2, 4},
                {UINT64_MAX, 8, 10},
                {48 * (uint64_t)MIB, 2, 4},
                {47 * (uint64_t)MIB, 2, 3},
                {24 * (uint64_t)MIB, 2, 2},
                {23 * (uint64_t)MIB, 8, 1},
                {0, 8, 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct act_indexed indexed;
        struct act_parts parts;
        available = rows[i].memory_nbytes;
        assert_int_equal(act_indexed_open(&indexed, scratch_map, NULL), ACT_OK);
        assert_int_equal(act_parts_open(&parts, &indexed, rows[i].threads, NULL), ACT_OK);
        assert_int_equal(parts.count, rows[i].count);
        assert_true(rows[i].count > 1 || !parts.threads[1]);
        act_parts_close(&parts);
        act_indexed_close(&indexed);
    }
}

static void a_sorter_takes_a_quarter(void **state)
{
    (void)state;
    static const struct {
        uint64_t memory_nbytes, asked_nbytes;
        bool spills;
    } rows[] = {{64 * (uint64_t)MIB, 64 * (uint64_t)MIB, false},
                {8 * (uint64_t)MIB, 64 * (uint64_t)MIB, true},
                {0, 64 * (uint64_t)MIB, true},
                {64 * (uint64_t)MIB, MIB, true},
                {8 * (uint64_t)MIB, 0, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        act_sorter_options options = {.memory_nbytes = rows[i].asked_nbytes,
                                      .temp_dir = scratch_dir};
        act_sorter *sorter;
        act_sort_report report;
        available = rows[i].memory_nbytes;
        assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
        for (uint64_t j = 0; j < 150000; j++) {
            char key[32];
            snprintf(key, sizeof(key), "%08llu", (unsigned long long)(j * 7919 % 150001));
            assert_int_equal(act_sorter_add(sorter, key, strlen(key), j, NULL), ACT_OK);
        }
        assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
        act_sorter_get_report(sorter, &report);
        assert_true((report.runs > 0) == rows[i].spills);
        act_sorter_close(sorter);
    }
}

static void a_file_that_does_not_fit_is_not_read(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_READ};
    act_map *map;
    act_error error;
    build(1, UINT64_MAX); /* some 5 MiB */
    available = 3 * MIB;
    assert_int_equal(act_map_open(scratch_map, &options, &map, &error), ACT_ERR_NOMEM);
    assert_non_null(strstr(error.text, "no memory to read"));
    available = 20 * MIB;
    assert_int_equal(act_map_open(scratch_map, &options, &map, &error), ACT_OK);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_is_asked_for_each_megabyte),
        cmocka_unit_test(tables_of_a_sweep_end),
        cmocka_unit_test(a_plain_file_says_what_it_needs),
        cmocka_unit_test(fewer_parts_make_the_same_file),
        cmocka_unit_test(parts_are_as_many_as_memory_allows),
        cmocka_unit_test(a_sorter_takes_a_quarter),
        cmocka_unit_test(a_file_that_does_not_fit_is_not_read),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
