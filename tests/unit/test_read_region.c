/* What a region of a file comes to, as spans of bytes. */
#include "read/region.h"

#include <stdlib.h>

#include "support/build.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    KEYS = 2000
};

static act_map *open_map(act_layout layout)
{
    struct entries entries = {0};
    act_map *map;
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        entries_add(&entries, key, (size_t)snprintf(key, sizeof(key), "%u/%05u", i % 7, i), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, layout, NULL);
    entries_free(&entries);
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    return map;
}

/* A region is these spans, and no others. */
static void expect_spans(const act_map *map, const act_region *region, const struct act_span *spans,
                         size_t count)
{
    struct act_spans have = {0};
    assert_int_equal(act_region_spans(map, region, &have, NULL), ACT_OK);
    assert_int_equal(have.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(have.items[i].off, spans[i].off);
        assert_int_equal(have.items[i].end, spans[i].end);
    }
    act_spans_free(&have);
}

static void expect_status(const act_map *map, const act_region *region, act_status status)
{
    struct act_spans spans = {0};
    act_error error = {0};
    assert_int_equal(act_region_spans(map, region, &spans, &error), status);
    assert_int_equal(error.status, status == ACT_NOT_FOUND ? ACT_OK : status);
    assert_int_equal(spans.count, 0);
    act_spans_free(&spans);
}

static void all_of_it_and_what_is_hot(void **state)
{
    (void)state;
    const act_region whole = {.kind = ACT_REGION_WHOLE};
    const act_region hot = {.kind = ACT_REGION_HOT};
    const act_region cold = {.kind = ACT_REGION_COLD};
    /* Without an index nothing is hot. */
    act_map *map = open_map(ACT_LAYOUT_PLAIN);
    struct act_span all = {0, map->file_nbytes};
    expect_spans(map, NULL, &all, 1);
    expect_spans(map, &whole, &all, 1);
    expect_spans(map, &cold, &all, 1);
    expect_status(map, &hot, ACT_NOT_FOUND);
    act_map_close(map);
    map = open_map(ACT_LAYOUT_INDEXED);
    all.end = map->file_nbytes;
    expect_spans(map, NULL, &all, 1);
    expect_spans(map, &whole, &all, 1);
    struct act_span parts[] = {{0, map->index.hot_off},
                               {map->index.hot_off, map->index.sums_off},
                               {map->index.sums_off, map->file_nbytes}};
    expect_spans(map, &hot, &parts[1], 1);
    parts[1] = parts[2];
    expect_spans(map, &cold, parts, 2);
    act_map_close(map);
}

static void ranges_end_with_the_file(void **state)
{
    (void)state;
    act_map *map = open_map(ACT_LAYOUT_PLAIN);
    uint64_t nbytes = map->file_nbytes;
    act_region range = {.kind = ACT_REGION_RANGE, .off = 5, .nbytes = 7};
    struct act_span span = {5, 12};
    expect_spans(map, &range, &span, 1);
    range.nbytes = nbytes - 5;
    span.end = nbytes;
    expect_spans(map, &range, &span, 1);
    range.nbytes++;
    expect_status(map, &range, ACT_ERR_INVALID);
    range.nbytes = UINT64_MAX;
    expect_status(map, &range, ACT_ERR_INVALID);
    range = (act_region){.kind = ACT_REGION_RANGE, .off = nbytes};
    expect_spans(map, &range, NULL, 0);
    range.off++;
    expect_status(map, &range, ACT_ERR_INVALID);
    act_map_close(map);
}

static void prefixes_lie_where_their_keys_are(void **state)
{
    (void)state;
    act_map *map = open_map(ACT_LAYOUT_PLAIN);
    act_region region = {.kind = ACT_REGION_PREFIX};
    struct act_span all = {0, map->file_nbytes};
    expect_spans(map, &region, &all, 1);
    region.prefix_nbytes = 1;
    expect_status(map, &region, ACT_ERR_INVALID);
    region.prefix = "x";
    expect_status(map, &region, ACT_NOT_FOUND);
    region.prefix = "3/00003";
    region.prefix_nbytes = 7;
    struct act_spans spans = {0};
    assert_int_equal(act_region_spans(map, &region, &spans, NULL), ACT_OK);
    assert_in_range(act_spans_nbytes(&spans), 1, map->file_nbytes - 1);
    act_spans_free(&spans);
    act_map_close(map);
}

static void what_is_no_region_is_a_mistake(void **state)
{
    (void)state;
    act_map *map = open_map(ACT_LAYOUT_PLAIN);
    const act_region unknown = {.kind = (act_region_kind)(ACT_REGION_PREFIX + 1)};
    expect_status(map, &unknown, ACT_ERR_INVALID);
    expect_status(NULL, NULL, ACT_ERR_INVALID);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_and_what_is_hot),
        cmocka_unit_test(ranges_end_with_the_file),
        cmocka_unit_test(prefixes_lie_where_their_keys_are),
        cmocka_unit_test(what_is_no_region_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
