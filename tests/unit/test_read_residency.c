#include "read/residency.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "support/build.h"
#include "support/check.h"
#include "support/scratch.h"

static void build(unsigned count, act_layout layout)
{
    struct entries entries = {0};
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%06u", i);
        entries_add(&entries, key, 6, i);
    }
    build_file(&entries, scratch_map, layout, NULL);
    entries_free(&entries);
}

static act_residency *look(act_access access, act_map **map_ret)
{
    act_open_options options = {.access = access};
    act_residency *residency;
    assert_int_equal(act_map_open(scratch_map, &options, map_ret, NULL), ACT_OK);
    assert_int_equal(act_map_residency(*map_ret, &residency, NULL), ACT_OK);
    return residency;
}

/* Regions have names, follow on each other, and are the whole file; returns how many. */
static size_t check_regions(const act_residency *residency)
{
    act_section_residency regions[ACT_SECTIONS_MAX];
    act_residency_totals totals;
    act_residency_get_totals(residency, &totals);
    size_t count = act_residency_get_sections(residency, regions);
    uint64_t off = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(regions[i].off, off);
        assert_true(regions[i].nbytes > 0);
        assert_true(regions[i].cached.nbytes <= regions[i].nbytes);
        assert_int_equal(regions[i].cached.known, totals.cached.known);
        assert_string_not_equal(act_section_name(regions[i].region), "unknown region");
        off += regions[i].nbytes;
    }
    assert_int_equal(off, totals.file_nbytes);
    return count;
}

static unsigned count_bits(const uint8_t *bits, uint64_t pages)
{
    unsigned count = 0;
    for (uint64_t i = 0; i < pages; i++)
        count += bits[i / 8] >> i % 8 & 1;
    return count;
}

static void of_a_mapped_file(void **state)
{
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        act_map *map;
        act_residency_totals totals;
        build(20000, (act_layout)layout);
        act_residency *residency = look(ACT_ACCESS_MAP, &map);
        act_residency_get_totals(residency, &totals);
        assert_true(totals.page_nbytes >= 512);
        if (!totals.mapped) {
            act_residency_close(residency);
            act_map_close(map);
            skip(); /* this system maps no files */
        }
        assert_int_equal(totals.pages, (totals.file_nbytes - 1) / totals.page_nbytes + 1);
        assert_int_equal(check_regions(residency), layout == ACT_LAYOUT_INDEXED ? 5 : 3);
        const uint8_t *cached = act_residency_cached_pages(residency);
        assert_int_equal(cached != NULL, totals.cached.known);
        if (cached)
            assert_int_equal(totals.cached.nbytes,
                             count_bits(cached, totals.pages) * totals.page_nbytes);
        const uint8_t *present = act_residency_present_pages(residency);
        assert_int_equal(present != NULL, totals.present.known);
        /* Opening has read the header. */
        if (present)
            assert_true(present[0] & 1);
        if (present && cached)
            for (uint64_t i = 0; i < totals.pages; i++)
                assert_true(!act_bit(present, i) || act_bit(cached, i));
        assert_true(act_residency_is_of(residency, map));
        act_residency_close(residency);
        act_map_close(map);
    }
}

static void of_a_file_that_was_read(void **state)
{
    (void)state;
    act_map *map;
    act_residency_totals totals;
    build(20000, ACT_LAYOUT_INDEXED);
    act_residency *residency = look(ACT_ACCESS_READ, &map);
    act_residency_get_totals(residency, &totals);
    assert_false(totals.mapped);
    assert_int_equal(totals.source, ACT_RESIDENCY_UNKNOWN);
    assert_false(totals.cached.known || totals.rss.known || totals.pss.known || totals.dirty.known);
    assert_int_equal(totals.cached.nbytes, 0);
    assert_null(act_residency_cached_pages(residency));
    assert_int_equal(check_regions(residency), 5);
    if (totals.present.known)
        assert_true(totals.present.nbytes >= totals.file_nbytes);
    /* The walk finds all of it. */
    act_residency_walk walk;
    assert_int_equal(act_map_residency_walk(map, residency, NULL, NULL, NULL, &walk, NULL), ACT_OK);
    assert_true(walk.nodes > 20000 && walk.missing == 0);
    act_residency_close(residency);
    act_map_close(map);
}

/* A copy in memory of the process's own: nothing to ask of the page cache. */
static void of_a_copy_in_huge_pages(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP, .huge = ACT_HUGE_ON};
    act_map *map;
    act_residency *residency;
    act_residency_totals totals;
    act_residency_walk walk;
    build(20000, ACT_LAYOUT_INDEXED);
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_residency(map, &residency, NULL), ACT_OK);
    act_residency_get_totals(residency, &totals);
    check_regions(residency);
    if (totals.mapped)
        assert_true(totals.cached.known || totals.source == ACT_RESIDENCY_UNKNOWN);
    else
        assert_false(totals.cached.known || totals.dirty.known);
    if (!totals.mapped && totals.present.known)
        assert_true(totals.present.nbytes >= totals.file_nbytes);
    if (!totals.mapped || totals.cached.known) {
        assert_int_equal(act_map_residency_walk(map, residency, NULL, NULL, NULL, &walk, NULL),
                         ACT_OK);
        assert_int_equal(walk.missing, 0);
    }
    act_residency_close(residency);
    act_map_close(map);
}

static void of_an_empty_map(void **state)
{
    (void)state;
    act_map *map;
    build(0, ACT_LAYOUT_PLAIN);
    act_residency *residency = look(ACT_ACCESS_MAP, &map);
    assert_int_equal(check_regions(residency), 3);
    act_residency_totals totals;
    act_residency_get_totals(residency, &totals);
    act_residency_walk walk;
    act_status status = act_map_residency_walk(map, residency, NULL, NULL, NULL, &walk, NULL);
    /* A walk goes by what the system says is cached. */
    assert_int_equal(status, totals.mapped && !totals.cached.known ? ACT_ERR_INVALID : ACT_OK);
    if (status == ACT_OK)
        assert_int_equal(walk.nodes, 1);
    act_residency_close(residency);
    act_map_close(map);
}

static void calls_that_make_no_sense(void **state)
{
    (void)state;
    act_error error;
    act_residency *residency = (act_residency *)&residency;
    assert_int_equal(act_map_residency(NULL, &residency, &error), ACT_ERR_INVALID);
    assert_null(residency);
    assert_int_equal(act_map_residency(NULL, NULL, NULL), ACT_ERR_INVALID);
    act_residency_close(NULL);
    assert_string_equal(act_section_name((act_section)99), "unknown region");
}

static void differences_of_faults(void **state)
{
    (void)state;
    act_faults before, since;
    act_faults_now(ACT_FAULTS_THREAD, &before);
    size_t nbytes = (size_t)8 << 20;
    volatile uint8_t *block = malloc(nbytes);
    assert_non_null((const void *)block);
    for (size_t i = 0; i < nbytes; i += 512)
        block[i] = 1;
    act_faults_since(ACT_FAULTS_THREAD, &before, &since);
    assert_int_equal(since.known, before.known);
    if (since.known)
        assert_true(since.minor > 0 && since.minor < 100000);
    free((void *)block);
    before.known = false;
    act_faults_since(ACT_FAULTS_PROCESS, &before, &since);
    assert_false(since.known);
    assert_int_equal(since.minor, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_a_mapped_file, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(of_a_file_that_was_read, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(of_a_copy_in_huge_pages, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(of_an_empty_map, scratch_set_up, scratch_tear_down),
        cmocka_unit_test(calls_that_make_no_sense),
        cmocka_unit_test(differences_of_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
