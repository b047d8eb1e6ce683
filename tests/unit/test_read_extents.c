/*
 * The extents of subtrees, against the nodes that cursors come by on the way to each key, and in
 * files that are out to make it take forever.
 */
#include "read/extents.h"

#include <stdlib.h>
#include <string.h>

#include "read/cursor.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/seal.h"
#include "support/shapes.h"

#define GOLDEN ACT_TEST_SOURCE_DIR "/tests/interop/golden/"

enum {
    PAGES_MAX = 1 << 12,
    IN_PAGE_LINE_MAX = 247 /* longer line data lie in pages by themselves */
};

/* The pages of a file that something lies in. */
struct pages {
    const struct act_map *map;
    uint8_t marked[PAGES_MAX];
    uint64_t end; /* of the extents so far */
    unsigned extents;
};

static struct pages expected, found;

static void mark(uint64_t off, uint64_t nbytes)
{
    assert_true(off + nbytes <= expected.map->file_nbytes);
    for (uint64_t page = off / 4096; page <= (off + nbytes - 1) / 4096; page++)
        expected.marked[page] = 1;
}

static bool take(void *context, uint64_t off, uint64_t nbytes)
{
    struct pages *pages = context;
    assert_true(nbytes > 0 && off % 4096 == 0);
    assert_true(pages->extents == 0 || off > pages->end);
    pages->end = off + nbytes;
    pages->extents++;
    assert_true(pages->end <= pages->map->file_nbytes);
    assert_true(pages->end % 4096 == 0 || pages->end == pages->map->file_nbytes);
    for (uint64_t page = off / 4096; page < (pages->end + 4095) / 4096; page++)
        pages->marked[page] = 1;
    return true;
}

/* What a frame of a cursor's stands for. */
static void mark_frame(const struct act_cursor *cursor, const struct act_cursor_frame *frame)
{
    const struct act_arena *arena = &cursor->map->arena;
    mark(frame->id, frame->end_rel);
    struct act_node node;
    assert_true(act_node_decode(arena, frame->id, &node));
    if (act_node_is_line(&node)) {
        struct act_line line = {NULL, 0};
        assert_true(act_line_decode(arena, node.id, node.line_rel, &line));
        if (line.nbytes <= IN_PAGE_LINE_MAX || arena->jump_end == 0)
            mark(node.id - node.line_rel, line.nbytes + 1);
        else /* where the node is in a page nobody looks at it */
            expected.marked[(node.id - node.line_rel) / 4096] |= 2;
    } else if (frame->count > 1 && frame->down < arena->jump_end) {
        uint64_t nbytes = 1 + (uint64_t)arena->bytes[frame->down - 1] * (frame->count - 1u);
        mark(frame->down - nbytes, nbytes);
    }
}

/* Marks all nodes at and below the place where the prefix ends. */
static void expect_below(const struct entries *entries, const uint8_t *prefix, size_t prefix_nbytes)
{
    act_cursor *cursor;
    assert_int_equal(act_cursor_open(expected.map, NULL, 0, &cursor, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_check(cursor, prefix, prefix_nbytes, NULL), ACT_OK);
    size_t above = cursor->depth - 1;
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *entry = &entries->items[i];
        if (!entries_begins_with(entry, prefix, prefix_nbytes))
            continue;
        act_cursor_reset(cursor);
        assert_int_equal(act_cursor_descend_to_check(cursor, entry->key, entry->key_nbytes, NULL),
                         ACT_OK);
        for (size_t at = above; at < cursor->depth; at++)
            mark_frame(cursor, &cursor->frames[at]);
    }
    act_cursor_close(cursor);
}

static void check_prefix(const act_map *map, const struct entries *entries, const uint8_t *prefix,
                         size_t prefix_nbytes)
{
    memset(&expected, 0, sizeof(expected));
    memset(&found, 0, sizeof(found));
    expected.map = found.map = map;
    assert_true(map->file_nbytes <= (uint64_t)PAGES_MAX * 4096);
    act_status status = act_extents_of(map, prefix, prefix_nbytes, take, &found, NULL);
    size_t first = entries_lower_bound(entries, prefix, prefix_nbytes);
    if (first == entries_prefix_end(entries, prefix, prefix_nbytes)) {
        assert_int_equal(status, prefix_nbytes ? ACT_NOT_FOUND : ACT_OK);
        return;
    }
    assert_int_equal(status, ACT_OK);
    assert_true(found.extents > 0);
    if (prefix_nbytes == 0) {
        assert_int_equal(found.extents, 1);
        assert_int_equal(found.end, map->file_nbytes);
        return;
    }
    expect_below(entries, prefix, prefix_nbytes);
    for (size_t page = 0; page < PAGES_MAX; page++) {
        if (expected.marked[page] & 1)
            assert_true(found.marked[page]);
        else if (found.marked[page])
            assert_true(expected.marked[page] & 2);
    }
}

static void check_map(const act_map *map, const struct entries *entries, struct random *r,
                      unsigned prefixes)
{
    uint8_t prefix[600] = {0};
    check_prefix(map, entries, prefix, 0);
    for (unsigned i = 0; i < prefixes; i++) {
        size_t nbytes = shapes_near_key(r, entries, prefix, sizeof(prefix));
        check_prefix(map, entries, prefix, nbytes ? random_below(r, nbytes) + 1 : 0);
    }
}

static void extents_are_what_cursors_come_by(void **state)
{
    (void)state;
    struct random r = random_of(11);
    for (size_t shape = 0; shape < shapes_count(); shape++) {
        struct entries entries = {0};
        shapes_make(&r, shape, &entries);
        for (int layout = ACT_LAYOUT_INDEXED; layout <= ACT_LAYOUT_COMPACT; layout++) {
            act_map *map;
            build_file(&entries, scratch_map, (act_layout)layout, NULL);
            assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
            check_map(map, &entries, &r, CHECK_SLOW_BUILD ? 5 : 25);
            act_map_close(map);
        }
        entries_free(&entries);
    }
}

static void extents_of_a_large_file_are_few(void **state)
{
    (void)state;
    struct entries entries = {0};
    struct random r = random_of(12);
    for (size_t i = 0; i < 60000; i++) {
        uint8_t key[24];
        random_put_u64(key, random_below(&r, 20));
        random_put_u64(key + 8, random_u64(&r));
        random_put_u64(key + 16, random_u64(&r));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    for (int layout = ACT_LAYOUT_INDEXED; layout <= ACT_LAYOUT_PLAIN; layout++) {
        act_map *map;
        build_file(&entries, scratch_map, (act_layout)layout, NULL);
        assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
        check_map(map, &entries, &r, 5);
        uint8_t prefix[8] = {7};
        check_prefix(map, &entries, prefix, sizeof(prefix));
        uint64_t pages = 0;
        for (size_t page = 0; page < PAGES_MAX; page++)
            pages += found.marked[page];
        /* A twentieth of the keys, and not much more of the pages. */
        assert_true(pages > map->file_nbytes / 4096 / 30);
        assert_true(pages < map->file_nbytes / 4096 / 12);
        act_map_close(map);
    }
    entries_free(&entries);
}

static void what_was_merged_into_a_file_counts(void **state)
{
    (void)state;
    struct random r = random_of(13);
    static const char *const names[] = {"merged1", "merged3"};
    for (size_t i = 0; i < 2; i++) {
        char name[sizeof(GOLDEN) + 32];
        struct entries entries = {0};
        act_map *map;
        (void)snprintf(name, sizeof(name), GOLDEN "%s.tsv", names[i]);
        entries_read_tsv(&entries, name);
        (void)snprintf(name, sizeof(name), GOLDEN "%s.act", names[i]);
        assert_int_equal(act_map_open(name, NULL, &map, NULL), ACT_OK);
        check_map(map, &entries, &r, 50);
        act_map_close(map);
        entries_free(&entries);
    }
}

static bool stop(void *context, uint64_t off, uint64_t nbytes)
{
    (void)off;
    (void)nbytes;
    ++*(unsigned *)context;
    return false;
}

static void a_call_can_stop(void **state)
{
    (void)state;
    struct forge f;
    unsigned calls = 0;
    forge_start(&f);
    uint64_t child = forge_leaf(&f, 1);
    forge_end(&f, forge_fork(&f, FORGE_NONE, child, "a"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_extents_of(f.map, "a", 1, stop, &calls, NULL), ACT_STOPPED);
    assert_int_equal(act_extents_of(f.map, "", 0, stop, &calls, NULL), ACT_STOPPED);
    assert_int_equal(calls, 2);
    assert_int_equal(act_extents_of(f.map, "b", 1, stop, &calls, NULL), ACT_NOT_FOUND);
    assert_int_equal(calls, 2);
    forge_free(&f);
}

/* 2^60 paths in some hundred bytes; and a node that is none. */
static void hostile_files_end_with_an_error(void **state)
{
    (void)state;
    struct forge f;
    act_error error;
    unsigned calls = 0;
    forge_start(&f);
    forge_end(&f, forge_shared(&f, 60, 2, 1));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    uint8_t first = f.map->arena.bytes[f.map->root + 2];
    assert_int_equal(act_extents_of(f.map, &first, 1, stop, &calls, &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    forge_free(&f);

    forge_start(&f);
    uint64_t wrong = forge_fork(&f, FORGE_NONE, 3, "xy"); /* children below the arena */
    forge_end(&f, forge_fork(&f, FORGE_NONE, wrong, "a"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_extents_of(f.map, "a", 1, stop, &calls, &error), ACT_ERR_CORRUPT);
    forge_free(&f);
    assert_int_equal(calls, 0);
}

/* Siblings that run over their parent, or over the end of the file; a line longer than the limit.
 */
static void runs_and_lines_that_do_not_fit(void **state)
{
    (void)state;
    struct forge f;
    unsigned calls = 0;
    forge_start(&f);
    uint64_t only = forge_leaf(&f, FORGE_NONE);
    uint64_t wrong = forge_fork(&f, FORGE_NONE, only, "xy"); /* the second is itself */
    forge_end(&f, forge_fork(&f, FORGE_NONE, wrong, "a"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_extents_of(f.map, "a", 1, stop, &calls, NULL), ACT_ERR_CORRUPT);
    forge_free(&f);

    forge_start(&f);
    uint64_t child = FORGE_BYTES(&f, 0x60, 0xff); /* a value and a mask: longer than the file */
    uint64_t data = forge_data(&f, "line");
    uint64_t line = forge_line(&f, FORGE_NONE, child, data);
    forge_end(&f, forge_fork(&f, FORGE_NONE, line, "a"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_extents_of(f.map, "a", 1, stop, &calls, NULL), ACT_ERR_CORRUPT);
    forge_free(&f);

    enum {
        LONG = 1 << 20
    };
    char *text = malloc(LONG);
    assert_non_null(text);
    memset(text, 'x', LONG - 1);
    text[LONG - 1] = 0;
    forge_start(&f);
    data = forge_data(&f, text);
    line = forge_line(&f, 1, FORGE_NONE, data);
    forge_end(&f, forge_fork(&f, FORGE_NONE, line, "a"));
    const act_open_options few = {.steps_max = 3};
    act_map *map;
    assert_int_equal(act_map_open_memory(f.bytes, f.nbytes, &few, &map, NULL), ACT_OK);
    assert_int_equal(act_extents_of(map, "a", 1, stop, &calls, NULL), ACT_ERR_LIMIT);
    assert_int_equal(calls, 0);
    act_map_close(map);
    forge_free(&f);
    free(text);
}

/* Runs in an index whose tables would begin before the file, or which have no room for one. */
static void runs_without_room_for_a_table(void **state)
{
    (void)state;
    uint8_t arena[300] = {0};
    unsigned calls = 0;
    size_t nbytes;
    act_map *map;
    arena[0] = 255; /* as wide as its numbers are, right before the run of three leaves, */
    /* whose parent is this one, and above it the root */
    memcpy(arena + 280, (const uint8_t[]){3, 0xf9, 23, 1, 'a', 'b', 'c', 1, 7, 'p'}, 10);
    uint8_t *bytes = seal_arena(arena, sizeof(arena), ACT_INDEX_END + 287, &nbytes);
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(map->index_state, ACT_INDEX_VALID);
    assert_int_equal(act_extents_of(map, "p", 1, stop, &calls, NULL), ACT_STOPPED);
    act_map_close(map);
    /* The run right after the header of the index. */
    bytes[ACT_INDEX_END] = 0;
    bytes[ACT_INDEX_END + 282] = 24;
    struct act_index index;
    assert_int_equal(act_index_read(bytes, nbytes, &index), ACT_INDEX_VALID);
    seal(bytes, &index);
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_extents_of(map, "p", 1, stop, &calls, NULL), ACT_STOPPED);
    assert_int_equal(calls, 2);
    act_map_close(map);
    free(bytes);
}

static bool keep(void *context, uint64_t off, uint64_t nbytes)
{
    struct act_span *span = context;
    assert_int_equal(span->off, UINT64_MAX); /* the only one */
    *span = (struct act_span){off, off + nbytes};
    return true;
}

/* Pages are noted in pieces of 128 MiB; there are none for what is not come by. */
static void extents_of_a_file_of_several_chunks(void **state)
{
    (void)state;
    const uint64_t chunk = (uint64_t)128 << 20;
    const size_t nbytes = (size_t)(3 * chunk);
    uint8_t *bytes = calloc(1, nbytes);
    assert_non_null(bytes);
    memcpy(bytes, "ACTree03", 8);
    /* A leaf on the last page of the second chunk, and its parent before the end of the file. */
    uint64_t leaf = 2 * chunk - 10;
    uint64_t top = nbytes - 4096;
    uint64_t rel = top - leaf;
    bytes[leaf] = 0x40;
    bytes[leaf + 1] = 9;
    const uint8_t root[] = {
        1,  0xfb, (uint8_t)rel, (uint8_t)(rel >> 8), (uint8_t)(rel >> 16), (uint8_t)(rel >> 24),
        'a'};
    memcpy(bytes + top, root, sizeof(root));
    for (unsigned i = 0; i < 8; i++)
        bytes[8 + i] = (uint8_t)(top >> 8 * i);
    act_map *map;
    struct act_span span = {UINT64_MAX, 0};
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_extents_of(map, "a", 1, keep, &span, NULL), ACT_OK);
    assert_int_equal(span.off, 2 * chunk - 4096);
    assert_int_equal(span.end, 2 * chunk);
    act_map_close(map);
    free(bytes);
}

static bool go_on(void *context, uint64_t off, uint64_t nbytes)
{
    const act_map *map = context;
    assert_true(off < map->file_nbytes && nbytes <= map->file_nbytes - off);
    return true;
}

static void any_bytes_are_safe(void **state)
{
    (void)state;
    struct random r = random_of(14);
    struct entries entries = {0};
    size_t nbytes;
    shapes_make(&r, 0, &entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    act_open_options options = {.steps_max = 10000};
    for (int i = 0; i < 2000; i++) {
        uint8_t *copy = malloc(nbytes);
        assert_non_null(copy);
        memcpy(copy, bytes, nbytes);
        for (int j = 0; j < 20; j++)
            copy[256 + random_below(&r, nbytes - 256)] = (uint8_t)random_u64(&r);
        act_map *map;
        if (act_map_open_memory(copy, nbytes, &options, &map, NULL) == ACT_OK) {
            const struct entry *entry = &entries.items[random_below(&r, entries.count)];
            size_t prefix_nbytes = entry->key_nbytes < 2 ? entry->key_nbytes : 2;
            (void)act_extents_of(map, entry->key, prefix_nbytes, go_on, map, NULL);
            act_map_close(map);
        }
        free(copy);
    }
    free(bytes);
    entries_free(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extents_are_what_cursors_come_by),
        cmocka_unit_test(extents_of_a_large_file_are_few),
        cmocka_unit_test(what_was_merged_into_a_file_counts),
        cmocka_unit_test(a_call_can_stop),
        cmocka_unit_test(hostile_files_end_with_an_error),
        cmocka_unit_test(runs_and_lines_that_do_not_fit),
        cmocka_unit_test(runs_without_room_for_a_table),
        cmocka_unit_test(extents_of_a_file_of_several_chunks),
        cmocka_unit_test(any_bytes_are_safe),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
