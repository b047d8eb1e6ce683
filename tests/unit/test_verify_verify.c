/*
 * Each rule is broken by bytes made for it, beside a twin that differs in just that and is sound:
 * so a finding has that reason only.
 */
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/forge.h"

static void expect_sound(struct forge *f)
{
    act_verify_report report = {0};
    act_error error = {.text = "opens"};
    if (forge_open(f, &error) != ACT_OK || act_map_verify(f->map, NULL, NULL, &report, &error))
        fail_msg("not sound: %s", error.text);
    assert_int_equal(report.soundness, ACT_SOUND_UNCHECKED);
    assert_int_equal(report.broken_rule, ACT_RULE_NONE);
    assert_true(report.broken_offset == ACT_NO_OFFSET);
    assert_true(report.nodes > 0);
    forge_free(f);
}

static void expect_broken(struct forge *f, act_rule rule, uint64_t offset)
{
    act_verify_report report;
    act_error error = {.status = ACT_OK};
    assert_int_equal(forge_open(f, &error), ACT_OK);
    assert_int_equal(act_map_verify(f->map, NULL, NULL, &report, &error), ACT_ERR_CORRUPT);
    if (report.broken_rule != rule || report.broken_offset != offset)
        fail_msg("%s at %llu, not %s at %llu", act_rule_name(report.broken_rule),
                 (unsigned long long)report.broken_offset, act_rule_name(rule),
                 (unsigned long long)offset);
    assert_int_equal(report.soundness, 0);
    assert_int_equal(error.status, ACT_ERR_CORRUPT);
    assert_true(error.offset == offset);
    char start[64];
    snprintf(start, sizeof(start), "damaged at offset %llu (%s): ", (unsigned long long)offset,
             act_rule_name(rule));
    assert_memory_equal(error.text, start, strlen(start));
    assert_true(strlen(error.text) > strlen(start));
    forge_free(f);
}

/* Line data "abc" at 16, then leaves: the start of most files here. Returns the first leaf. */
static uint64_t start_with_leaves(struct forge *f, unsigned count)
{
    forge_start(f);
    forge_data(f, "abc");
    uint64_t first = forge_here(f);
    for (unsigned i = 0; i < count; i++)
        forge_leaf(f, i);
    return first;
}

/* Ends the file with a root above the object in question: a finding is not at the root by chance.
 * The object is child "x" of the root; a good leaf before it is child "a" where it lies. */
static void end_above(struct forge *f, uint64_t object)
{
    forge_end(f, forge_fork(f, FORGE_NONE, object, "x"));
}

static void a_branch_counts_32_children_at_most(void **state)
{
    (void)state;
    struct forge f;
    for (unsigned count = 32; count < 64; count++) {
        uint64_t first = start_with_leaves(&f, 64);
        uint64_t at = forge_here(&f);
        FORGE_BYTES(&f, (uint8_t)count, (uint8_t)(at - first));
        for (unsigned i = 0; i < 32; i++)
            FORGE_BYTES(&f, i < 8 ? 0xff : 0);
        end_above(&f, at);
        if (count == 32)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_CHILD_COUNT, at);
    }
}

static void a_mask_has_32_bits_or_more(void **state)
{
    (void)state;
    struct forge f;
    for (unsigned bits = 0; bits < 35; bits++) {
        for (unsigned has_value = 0; has_value < 2; has_value++) {
            uint64_t first = start_with_leaves(&f, 35);
            uint64_t at = forge_here(&f);
            uint8_t mask[32] = {0};
            for (unsigned i = 0; i < bits; i++)
                mask[i * 7 / 8] |= (uint8_t)(1u << i * 7 % 8);
            FORGE_BYTES(&f, (uint8_t)(has_value ? 0x60 : 0x20));
            if (has_value)
                forge_varint(&f, 1000);
            forge_varint(&f, at - first);
            forge_bytes(&f, mask, sizeof(mask));
            end_above(&f, at);
            if (bits >= 32)
                expect_sound(&f);
            else
                expect_broken(&f, ACT_RULE_CHILD_MASK, at);
        }
    }
}

static void child_bytes_ascend(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool sound;
    } cases[] = {{"ab", true},
                 {"ba", false},
                 {"aa", false},
                 {"abcde", true},
                 {"abdce", false},
                 {"abcc", false},
                 {"b\x7f", true},
                 {"a\x80", true},
                 {"\x80"
                  "a",
                  false}};
    struct forge f;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t first = start_with_leaves(&f, 5);
        uint64_t at = forge_fork(&f, FORGE_NONE, first, cases[i].bytes);
        end_above(&f, at);
        if (cases[i].sound)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_CHILD_BYTES, at);
    }
}

/* The distances that lead out of the arena, from a node at `at`; and the farthest that does not. */
static size_t bad_distances(uint64_t at, uint64_t distances[8])
{
    const uint64_t all[] = {
        0, at - 15, at, at + 1, at + 4096, (uint64_t)1 << 32, (uint64_t)1 << 63, UINT64_MAX};
    memcpy(distances, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

static void children_lie_before_their_parent_in_the_arena(void **state)
{
    (void)state;
    struct forge f;
    for (int line = 0; line < 2; line++) {
        for (size_t i = 0; i < 9; i++) {
            /* A leaf at 16, so that the farthest distance leads to a node. */
            forge_start(&f);
            forge_leaf(&f, 1);
            uint64_t data = forge_data(&f, "abc");
            uint64_t at = forge_here(&f);
            uint64_t distances[8];
            size_t bad_count = bad_distances(at, distances);
            FORGE_BYTES(&f, (uint8_t)(line ? 0x81 : 0x01));
            forge_varint(&f, i < bad_count ? distances[i] : at - 16);
            if (line)
                forge_varint(&f, at - data);
            else
                FORGE_BYTES(&f, 'b');
            end_above(&f, at);
            if (i < bad_count)
                expect_broken(&f, ACT_RULE_CHILD_OFFSET, at);
            else
                expect_sound(&f);
        }
    }
}

static void siblings_end_at_or_before_their_parent(void **state)
{
    (void)state;
    struct forge f;
    for (unsigned leaves = 1; leaves < 4; leaves++) {
        uint64_t first = start_with_leaves(&f, leaves);
        uint64_t at = forge_fork(&f, FORGE_NONE, first, "abc");
        end_above(&f, at);
        if (leaves == 3)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_SIBLING_RUN, at);
    }
    /* A child that begins before its parent and ends after it. */
    for (unsigned value_nbytes = 1; value_nbytes < 4; value_nbytes++) {
        forge_start(&f);
        FORGE_BYTES(&f, 0x40, (uint8_t)(247 + value_nbytes), 7);
        uint64_t at = forge_fork(&f, FORGE_NONE, 16, "a");
        end_above(&f, at);
        if (value_nbytes == 1)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_SIBLING_RUN, at);
    }
    /* The same for a line's child. */
    for (unsigned value_nbytes = 1; value_nbytes < 3; value_nbytes++) {
        forge_start(&f);
        forge_data(&f, "abc");
        FORGE_BYTES(&f, 0x40, (uint8_t)(247 + value_nbytes), 7);
        uint64_t at = forge_line(&f, FORGE_NONE, 20, 16);
        end_above(&f, at);
        if (value_nbytes == 1)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_SIBLING_RUN, at);
    }
}

static void nodes_end_before_the_tail(void **state)
{
    (void)state;
    struct forge f;
    /* The child's mask reaches into the tail, and beyond the file; twin: it has no mask. */
    for (unsigned header = 0; header < 2; header++) {
        forge_start(&f);
        uint64_t child = FORGE_BYTES(&f, header ? 0x20 : 0x40, 1);
        uint64_t at = forge_fork(&f, FORGE_NONE, child, "a");
        forge_end(&f, at);
        if (header)
            expect_broken(&f, ACT_RULE_NODE_BOUNDS, child);
        else
            expect_sound(&f);
    }
}

static void reserved_bits_of_lines_are_zero(void **state)
{
    (void)state;
    struct forge f;
    for (unsigned bits = 0; bits < 32; bits++) {
        start_with_leaves(&f, 1);
        uint64_t at = forge_here(&f);
        FORGE_BYTES(&f, (uint8_t)(0xc0 | bits << 1), 5);
        forge_varint(&f, at - 16);
        end_above(&f, at);
        if (bits == 0)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_LINE_HEADER, at);
    }
}

static void a_line_has_no_value_above_a_child(void **state)
{
    (void)state;
    struct forge f;
    for (int i = 0; i < 4; i++) {
        uint64_t leaf = start_with_leaves(&f, 1);
        uint64_t at = forge_line(&f, i & 1 ? 5 : FORGE_NONE, i & 2 ? leaf : FORGE_NONE, 16);
        end_above(&f, at);
        if (i == 3)
            expect_broken(&f, ACT_RULE_LINE_VALUE_CHILD, at);
        else
            expect_sound(&f);
    }
}

static void line_data_lies_before_its_node_in_the_arena(void **state)
{
    (void)state;
    struct forge f;
    for (size_t i = 0; i < 9; i++) {
        start_with_leaves(&f, 1);
        uint64_t at = forge_here(&f);
        uint64_t distances[8];
        size_t bad_count = bad_distances(at, distances);
        forge_line(&f, 5, FORGE_NONE, at - (i < bad_count ? distances[i] : at - 16));
        end_above(&f, at);
        if (i < bad_count)
            expect_broken(&f, ACT_RULE_LINE_OFFSET, at);
        else
            expect_sound(&f);
    }
}

static void line_data_is_not_empty_and_ends_before_its_node(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        bool sound;
        size_t nbytes;
    } cases[] = {
        {{1, 'a'}, true, 2},
        {{0, 'a'}, false, 2},
        {{2, 'a'}, false, 2},
        {{2, 'a', 'b'}, true, 3},
        {{3, 'a', 'b'}, false, 3},
        {{248, 1, 'a'}, true, 3}, /* longer than needed, which is legal */
        {{248, 0, 'a'}, false, 3},
        {{248, 2, 'a'}, false, 3},
        {{248}, false, 1}, /* the length itself runs into the node */
        {{255, 1, 0, 0, 0, 0, 0, 0}, false, 8},
        {{255, 1, 0, 0, 0, 0, 0, 0, 0}, false, 9},
        {{255, 1, 0, 0, 0, 0, 0, 0, 0, 'a'}, true, 10},
        {{255, 1, 0, 0, 0, 0, 0, 0, 1, 'a'}, false, 10},
        {{255, 255, 255, 255, 255, 255, 255, 255, 255, 'a'}, false, 10},
        {{251, 255, 255, 255, 255, 'a'}, false, 6},
    };
    struct forge f;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        forge_start(&f);
        uint64_t data = forge_bytes(&f, cases[i].bytes, cases[i].nbytes);
        uint64_t at = forge_line(&f, 5, FORGE_NONE, data);
        end_above(&f, at);
        if (cases[i].sound)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_LINE_LENGTH, at);
    }
}

static void an_empty_root_lies_at_16(void **state)
{
    (void)state;
    struct forge f;
    for (uint64_t root = 16; root < 20; root++) {
        forge_start(&f);
        FORGE_BYTES(&f, 0, 0, 0, 0);
        forge_end(&f, root);
        if (root == 16)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_EMPTY_ROOT, root);
    }
    /* With a value, or as a child, it may lie anywhere. */
    forge_start(&f);
    FORGE_BYTES(&f, 0);
    forge_end(&f, forge_leaf(&f, 1));
    expect_sound(&f);
    forge_start(&f);
    forge_leaf(&f, 1);
    forge_leaf(&f, FORGE_NONE);
    forge_end(&f, forge_fork(&f, FORGE_NONE, 16, "ab"));
    expect_sound(&f);
}

/* A leaf at 16, another at 18, 16 bytes, the root at 36, with its child at 18; it ends at 39. */
static void start_merged(struct forge *f)
{
    forge_start(f);
    forge_leaf(f, 1);
    forge_leaf(f, 2);
    forge_trailer(f, 0, 16);
    forge_root(f, forge_fork(f, FORGE_NONE, 18, "a"));
}

static void the_tail_is_zero_or_a_trailer(void **state)
{
    (void)state;
    static const struct {
        uint64_t previous_trailer, previous_root;
        bool sound;
    } cases[] = {
        {0, 16, true},
        {0, 18, true},
        {0, 15, false},
        {0, 1, false},
        {0, 38, true},
        {0, 39, false}, /* where the trailer lies */
        {0, 47, false},
        {0, UINT64_MAX, false},
        {0, (uint64_t)1 << 63, false},
        {20, 16, true},
        {16, 16, true},
        {23, 16, true},  /* ends where this one begins */
        {24, 16, false}, /* overlaps it */
        {39, 16, false},
        {15, 16, false},
        {1, 16, false},
        {UINT64_MAX, 16, false},
        {UINT64_MAX, 0, true}, /* the last 8 bytes alone tell that there is none */
        {0, 0, true},
    };
    struct forge f;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_merged(&f);
        uint64_t at = forge_here(&f);
        assert_int_equal(at, 39);
        forge_trailer(&f, cases[i].previous_trailer, cases[i].previous_root);
        if (cases[i].sound)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_TAIL, at);
    }
}

static void a_trailer_begins_after_the_root(void **state)
{
    (void)state;
    struct forge f;
    /* The last 8 bytes are a former root's offset; the 8 before are in part the live root's. */
    for (unsigned spare = 6; spare < 10; spare++) {
        forge_start(&f);
        forge_leaf(&f, 1);
        uint64_t root = forge_fork(&f, FORGE_NONE, 16, "a");
        for (unsigned i = 0; i < spare; i++)
            FORGE_BYTES(&f, 0);
        forge_root(&f, root);
        FORGE_BYTES(&f, 16, 0, 0, 0, 0, 0, 0, 0);
        if (spare >= 8)
            expect_sound(&f);
        else
            expect_broken(&f, ACT_RULE_TAIL, forge_here(&f) - 16);
    }
    /* In a file so short that the trailer would overlap the header. */
    forge_start(&f);
    uint64_t root = FORGE_BYTES(&f, 0);
    forge_root(&f, root);
    FORGE_BYTES(&f, 16, 0, 0, 0, 0, 0, 0, 0);
    expect_broken(&f, ACT_RULE_TAIL, 9);
}

static void bytes_after_the_end_must_end_in_zeros(void **state)
{
    (void)state;
    struct forge f;
    for (unsigned junk = 0; junk < 2; junk++) {
        forge_start(&f);
        forge_end(&f, forge_leaf(&f, 1));
        for (unsigned i = 0; i < 100; i++)
            FORGE_BYTES(&f, (uint8_t)(junk ? i + 1 : 0));
        if (junk)
            expect_broken(&f, ACT_RULE_TAIL, forge_here(&f) - 16);
        else
            expect_sound(&f);
    }
}

static void the_tail_comes_first_then_the_highest_node(void **state)
{
    (void)state;
    struct forge f;
    for (int bad_tail = 0; bad_tail < 2; bad_tail++) {
        start_with_leaves(&f, 2);
        uint64_t low = forge_fork(&f, FORGE_NONE, 20, "ba");
        uint64_t high = forge_line(&f, FORGE_NONE, FORGE_NONE, forge_here(&f));
        uint64_t root = forge_fork(&f, FORGE_NONE, low, "ab");
        forge_end(&f, root);
        if (bad_tail) {
            f.bytes[f.nbytes - 1] = 1;
            expect_broken(&f, ACT_RULE_TAIL, f.nbytes - 16);
        } else {
            expect_broken(&f, ACT_RULE_LINE_OFFSET, high);
        }
    }
}

static void what_nobody_refers_to_is_not_looked_at(void **state)
{
    (void)state;
    struct forge f;
    uint64_t leaf = start_with_leaves(&f, 1);
    for (unsigned i = 0; i < 256; i++)
        FORGE_BYTES(&f, (uint8_t)i);
    end_above(&f, leaf);
    expect_sound(&f);
}

static void dangling_paths_and_long_varints_are_legal(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t data = forge_data(&f, "abc");
    uint64_t first = forge_leaf(&f, FORGE_NONE);
    forge_line(&f, FORGE_NONE, FORGE_NONE, data);
    uint64_t at = forge_here(&f);
    /* Value 1 in 8 bytes, the distance in 3. */
    FORGE_BYTES(&f, 0x42, 255, 1, 0, 0, 0, 0, 0, 0, 0, 250, (uint8_t)(at - first), 0, 0, 'a', 'b');
    end_above(&f, at);
    expect_sound(&f);
}

static void the_report_counts_nodes_once_and_references_each_time(void **state)
{
    (void)state;
    struct forge f;
    forge_start(&f);
    uint64_t data = forge_data(&f, "abc");
    uint64_t leaves = forge_leaf(&f, 1);
    forge_leaf(&f, FORGE_NONE);
    forge_line(&f, 3, FORGE_NONE, data);
    uint64_t pair = forge_fork(&f, 4, leaves, "ab");
    forge_fork(&f, FORGE_NONE, leaves, "abc");
    uint64_t line = forge_line(&f, FORGE_NONE, pair, data);
    forge_end(&f, forge_fork(&f, FORGE_NONE, pair, "xyz"));
    assert_int_equal(line + 3, forge_here(&f) - 8 - 5);
    act_verify_report report;
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_map_verify(f.map, NULL, NULL, &report, NULL), ACT_OK);
    assert_int_equal(report.nodes, 7);
    /* 3 of the root, 1 of the line, 2 and 3 of the forks. */
    assert_int_equal(report.references, 9);
    assert_int_equal(report.values, 3);
    assert_int_equal(report.line_nodes, 2);
    forge_free(&f);
}

static void exponential_files_take_linear_time(void **state)
{
    (void)state;
    struct forge f;
    act_verify_report report;
    forge_start(&f);
    forge_end(&f, forge_shared(&f, 512, 256, 1));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_map_verify(f.map, NULL, NULL, &report, NULL), ACT_OK);
    assert_int_equal(report.nodes, 512 * 256 + 1);
    assert_int_equal(report.references, 511 * 65536 + 256);
    assert_int_equal(report.values, 256);
    forge_free(&f);
}

static void depth_takes_no_stack(void **state)
{
    (void)state;
    enum {
        DEPTH = 300000
    };
    struct forge f;
    act_verify_report report;
    forge_start(&f);
    uint64_t at = forge_leaf(&f, 1);
    for (unsigned i = 0; i < DEPTH; i++)
        at = forge_fork(&f, FORGE_NONE, at, "a");
    forge_end(&f, at);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_map_verify(f.map, NULL, NULL, &report, NULL), ACT_OK);
    assert_int_equal(report.nodes, DEPTH + 1);
    forge_free(&f);
}

struct calls {
    unsigned count;
    uint64_t done, total;
    int answer;
};

static int note_call(void *context, uint64_t done, uint64_t total)
{
    struct calls *calls = context;
    calls->count++;
    calls->done = done;
    calls->total = total;
    return calls->answer;
}

static void progress_is_told_and_can_stop(void **state)
{
    (void)state;
    struct forge f;
    struct calls calls = {0};
    act_verify_report report = {.nodes = 4711};
    act_error error = {.status = ACT_OK};
    uint64_t leaf = start_with_leaves(&f, 1);
    end_above(&f, leaf);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_map_verify(f.map, note_call, &calls, NULL, NULL), ACT_OK);
    assert_int_equal(calls.count, 1);
    assert_int_equal(calls.done, 0);
    assert_int_equal(calls.total, 22);
    calls.answer = 1;
    assert_int_equal(act_map_verify(f.map, note_call, &calls, &report, &error), ACT_STOPPED);
    assert_int_equal(calls.count, 2);
    /* An answer, not an error: nothing is filled. */
    assert_int_equal(report.nodes, 4711);
    assert_int_equal(error.status, ACT_OK);
    forge_free(&f);
}

static void no_map_is_refused(void **state)
{
    (void)state;
    act_error error;
    assert_int_equal(act_map_verify(NULL, NULL, NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(error.status, ACT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_branch_counts_32_children_at_most),
        cmocka_unit_test(a_mask_has_32_bits_or_more),
        cmocka_unit_test(child_bytes_ascend),
        cmocka_unit_test(children_lie_before_their_parent_in_the_arena),
        cmocka_unit_test(siblings_end_at_or_before_their_parent),
        cmocka_unit_test(nodes_end_before_the_tail),
        cmocka_unit_test(reserved_bits_of_lines_are_zero),
        cmocka_unit_test(a_line_has_no_value_above_a_child),
        cmocka_unit_test(line_data_lies_before_its_node_in_the_arena),
        cmocka_unit_test(line_data_is_not_empty_and_ends_before_its_node),
        cmocka_unit_test(an_empty_root_lies_at_16),
        cmocka_unit_test(the_tail_is_zero_or_a_trailer),
        cmocka_unit_test(a_trailer_begins_after_the_root),
        cmocka_unit_test(bytes_after_the_end_must_end_in_zeros),
        cmocka_unit_test(the_tail_comes_first_then_the_highest_node),
        cmocka_unit_test(what_nobody_refers_to_is_not_looked_at),
        cmocka_unit_test(dangling_paths_and_long_varints_are_legal),
        cmocka_unit_test(the_report_counts_nodes_once_and_references_each_time),
        cmocka_unit_test(exponential_files_take_linear_time),
        cmocka_unit_test(depth_takes_no_stack),
        cmocka_unit_test(progress_is_told_and_can_stop),
        cmocka_unit_test(no_map_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
