/* Looks at nodes of which some pages are missing, in pages of a few bytes: what is not there is
 * never asked for, and what is damaged is told. */
#include "verify/resident.h"

#include <stdlib.h>
#include <string.h>

#include "format/index.h"
#include "support/check.h"
#include "support/forge.h"

enum {
    PAGE_SHIFT = 4,
    PAGES_MAX = 200
};

static struct forge f;
static uint8_t cached[PAGES_MAX / 8];
static struct act_resident resident;

/* All of the file is there. */
static void look_at_file(uint64_t root)
{
    forge_end(&f, root);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_in_range(f.nbytes, 1, PAGES_MAX << PAGE_SHIFT);
    resident = (struct act_resident){
        .arena = act_arena_of(f.copy, f.nbytes, 0), .cached = cached, .page_shift = PAGE_SHIFT};
    memset(cached, 0xff, sizeof(cached));
}

static void set_page_of(uint64_t off, bool there)
{
    uint64_t page = off >> PAGE_SHIFT;
    uint8_t bit = (uint8_t)(1u << page % 8);
    cached[page / 8] = (uint8_t)(there ? cached[page / 8] | bit : cached[page / 8] & ~bit);
}

/* Where headers of an index would end, and beyond. */
static void start_beyond_an_index(void)
{
    static const uint8_t zeros[ACT_INDEX_END];
    forge_start(&f);
    forge_bytes(&f, zeros, sizeof(zeros));
}

static void pad_to_page(uint64_t before)
{
    while ((forge_here(&f) + before) % (1u << PAGE_SHIFT))
        FORGE_BYTES(&f, 0);
}

static void pages_of_some_bytes(void **state)
{
    (void)state;
    start_beyond_an_index();
    look_at_file(forge_leaf(&f, 1));
    assert_true(act_resident_has_all(&resident, 16, 48));
    for (uint64_t page = 1; page < 4; page++) {
        set_page_of(page << PAGE_SHIFT, false);
        assert_false(act_resident_has_all(&resident, 16, 48));
        assert_true(act_resident_has_all(&resident, 64, 1));
        assert_int_equal(act_resident_has_all(&resident, 31, 2), page == 3);
        set_page_of(page << PAGE_SHIFT, true);
    }
    memset(cached, 0, sizeof(cached));
    assert_false(act_resident_has_all(&resident, 16, 1));
    resident.cached = NULL;
    assert_true(act_resident_has_all(&resident, 16, 48));
    forge_free(&f);
}

static void a_node_across_two_pages(void **state)
{
    (void)state;
    struct act_node node, whole;
    start_beyond_an_index();
    uint64_t leaf = forge_leaf(&f, 1);
    pad_to_page(2);
    uint64_t across = forge_fork(&f, 300, leaf, "abcd"); /* 9 bytes, 2 of them here */
    pad_to_page(9);
    uint64_t within = forge_fork(&f, 300, leaf, "abcd"); /* ends where its page does */
    pad_to_page(0);
    look_at_file(forge_leaf(&f, 1));
    assert_int_equal(act_resident_node(&resident, across, &whole), ACT_LOOK_DONE);
    assert_int_equal(whole.value, 300);
    set_page_of(across + 2, false);
    assert_int_equal(act_resident_node(&resident, across, &node), ACT_LOOK_MISSING);
    set_page_of(across, false);
    assert_int_equal(act_resident_node(&resident, across, &node), ACT_LOOK_MISSING);
    memset(cached, 0xff, sizeof(cached));
    set_page_of(within + 9, false);
    assert_int_equal(act_resident_node(&resident, within, &node), ACT_LOOK_DONE);
    assert_int_equal(node.id, within);
    assert_int_equal(node.end, within + 9);
    assert_int_equal(node.bytes_off, within + 5);
    assert_int_equal(node.value, 300);
    assert_int_equal(node.child_rel, within - leaf);
    forge_free(&f);
}

static void nodes_at_the_end_of_the_file(void **state)
{
    (void)state;
    struct act_node node;
    start_beyond_an_index();
    pad_to_page(3);
    uint64_t root = forge_leaf(&f, 7);
    look_at_file(root); /* the page ends in the tail, and there is no next one to be missing */
    assert_int_equal(act_resident_node(&resident, root, &node), ACT_LOOK_DONE);
    assert_int_equal(node.value, 7);
    assert_int_equal(act_resident_node(&resident, root + 2, &node), ACT_LOOK_DAMAGED);
    assert_int_equal(act_resident_node(&resident, UINT64_MAX, &node), ACT_LOOK_DAMAGED);
    f.copy[root] = ACT_BRANCH_MASK; /* runs into the tail */
    assert_int_equal(act_resident_node(&resident, root, &node), ACT_LOOK_DAMAGED);
    forge_free(&f);
}

static void lines_of_which_the_length_is_missing(void **state)
{
    (void)state;
    static char text[301];
    struct act_node node;
    struct act_line line;
    memset(text, 'x', 300);
    start_beyond_an_index();
    pad_to_page(1);
    uint64_t data = forge_data(&f, text); /* the first byte of its length, and the others */
    uint64_t shorter = forge_data(&f, "short");
    uint64_t long_line = forge_line(&f, 1, FORGE_NONE, data);
    uint64_t line_off = forge_line(&f, 1, FORGE_NONE, shorter);
    look_at_file(line_off);
    assert_int_equal(act_resident_node(&resident, long_line, &node), ACT_LOOK_DONE);
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DONE);
    assert_int_equal(line.nbytes, 300);
    assert_ptr_equal(line.bytes, f.copy + data + 3);
    set_page_of(data + 8, false);
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_MISSING);
    set_page_of(data, false);
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_MISSING);
    memset(cached, 0xff, sizeof(cached));
    f.copy[data + 2] = 0x7f; /* 32 KiB, and no more */
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DAMAGED);

    assert_int_equal(act_resident_node(&resident, line_off, &node), ACT_LOOK_DONE);
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DONE);
    assert_int_equal(line.nbytes, 5);
    assert_memory_equal(line.bytes, "short", 5);
    f.copy[shorter] = (uint8_t)(line_off - shorter - 1); /* just up to its node */
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DONE);
    f.copy[shorter]++;
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DAMAGED);
    f.copy[shorter] = 0;
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DAMAGED);
    /* At the arena's begin, and before it, where the header could pass for a line. */
    f.copy[ACT_ARENA_OFF - 1] = f.copy[ACT_ARENA_OFF] = 3;
    node.line_rel = node.id - ACT_ARENA_OFF;
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DONE);
    node.line_rel++;
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DAMAGED);
    node.line_rel = 0;
    assert_int_equal(act_resident_line(&resident, &node, &line), ACT_LOOK_DAMAGED);
    forge_free(&f);
}

/* A run of three leaves of two bytes, its table before it, and their parent. */
struct run {
    uint64_t first;
    uint64_t parent;
};

static struct run make_run(const uint8_t *table, size_t table_nbytes)
{
    struct run run;
    start_beyond_an_index();
    pad_to_page(1); /* of the table, the last byte lies in a page before the run's */
    forge_bytes(&f, table, table_nbytes);
    run.first = forge_leaf(&f, 1);
    forge_leaf(&f, 2);
    forge_leaf(&f, 3);
    run.parent = forge_fork(&f, FORGE_NONE, run.first, "abc");
    look_at_file(run.parent);
    resident.arena.jump_end = ACT_JUMP_ALL;
    return run;
}

static void check_run(const struct run *run)
{
    uint64_t child;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(act_resident_child(&resident, run->parent, run->first, i, &child),
                         ACT_LOOK_DONE);
        assert_int_equal(child, run->first + 2 * i);
    }
}

static void tables_of_each_width(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[9];
        size_t nbytes;
    } tables[] = {{{4, 2, 1}, 3}, {{4, 0, 2, 0, 2}, 5}, {{4, 0, 0, 0, 2, 0, 0, 0, 4}, 9}};
    for (size_t i = 0; i < 3; i++) {
        struct run run = make_run(tables[i].bytes, tables[i].nbytes);
        assert_int_equal(act_resident_jump_nbytes(&resident, run.first, 3), tables[i].nbytes);
        assert_int_equal(act_resident_jump_nbytes(&resident, run.first, 1), 0);
        check_run(&run);
        forge_free(&f);
    }
}

/* Wherever it cannot be right, or is not there, the siblings themselves tell. */
static void tables_that_are_of_no_use(void **state)
{
    (void)state;
    static const uint8_t wrong[][3] = {{4, 2, 0}, {4, 2, 3}, {0, 0, 1}, {6, 200, 1}, {4, 2, 255}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct run run = make_run(wrong[i], 3);
        if (wrong[i][2] != 1)
            assert_int_equal(act_resident_jump_nbytes(&resident, run.first, 3), 0);
        check_run(&run);
        forge_free(&f);
    }
    static const uint8_t right[] = {4, 2, 1};
    struct run run = make_run(right, 3);
    for (uint64_t back = 1; back <= 3; back++) {
        memset(cached, 0xff, sizeof(cached));
        set_page_of(run.first - back, false);
        if (run.first >> PAGE_SHIFT != (run.first - back) >> PAGE_SHIFT)
            check_run(&run);
    }
    memset(cached, 0xff, sizeof(cached));
    resident.arena.jump_end = run.first;
    assert_int_equal(act_resident_jump_nbytes(&resident, run.first, 3), 0);
    check_run(&run);
    resident.arena.jump_end = ACT_JUMP_ALL;
    /* So near to the front that it cannot lie behind the headers of an index. */
    assert_int_equal(act_resident_jump_nbytes(&resident, ACT_INDEX_END, 3), 0);
    /* Or so long that it would reach into them: 255 numbers of 4 bytes. */
    f.copy[run.first - 1] = 4;
    assert_int_equal(act_resident_jump_nbytes(&resident, run.first, 256), 0);
    forge_free(&f);
}

static void siblings_that_are_damaged_or_missing(void **state)
{
    (void)state;
    static const uint8_t none[] = {0};
    uint64_t child;
    struct run run = make_run(none, 1);
    /* The second one ends where the parent begins, and there is no third. */
    f.copy[run.first + 2] = 0x80;
    f.copy[run.first + 3] = 250;
    assert_int_equal(act_resident_child(&resident, run.parent, run.first, 2, &child),
                     ACT_LOOK_DAMAGED);
    assert_int_equal(act_resident_child(&resident, run.parent, run.first, 1, &child),
                     ACT_LOOK_DONE);
    assert_int_equal(act_resident_child(&resident, run.parent, run.parent, 0, &child),
                     ACT_LOOK_DAMAGED);
    set_page_of(run.first, false);
    assert_int_equal(act_resident_child(&resident, run.parent, run.first, 2, &child),
                     ACT_LOOK_MISSING);
    forge_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_some_bytes),
        cmocka_unit_test(a_node_across_two_pages),
        cmocka_unit_test(nodes_at_the_end_of_the_file),
        cmocka_unit_test(lines_of_which_the_length_is_missing),
        cmocka_unit_test(tables_of_each_width),
        cmocka_unit_test(tables_that_are_of_no_use),
        cmocka_unit_test(siblings_that_are_damaged_or_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
