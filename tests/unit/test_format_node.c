#include "format/node.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

/* ------------------------------------------------------------------------- a decoder to judge by
 */

/* A node as the words of the format tell it, byte by byte, with no thought of speed. */
struct plain_node {
    bool inside; /* its own bytes end before the tail */
    bool line, has_value, has_child;
    uint64_t value, child_rel, line_rel, bytes_off, end;
};

struct reader {
    const uint8_t *bytes;
    uint64_t at, tail;
    bool inside;
};

static uint8_t next_byte(struct reader *r)
{
    if (r->at >= r->tail) {
        r->inside = false;
        return 0;
    }
    return r->bytes[r->at++];
}

static uint64_t next_varint(struct reader *r)
{
    unsigned first = next_byte(r);
    if (first < 248)
        return first;
    uint64_t value = 0;
    for (unsigned i = 0; i < first - 247; i++)
        value |= (uint64_t)next_byte(r) << 8 * i;
    return value;
}

static struct plain_node plain_decode(const uint8_t *bytes, uint64_t tail, uint64_t id)
{
    struct plain_node node = {0};
    struct reader r = {bytes, id, tail, true};
    unsigned header = next_byte(&r);
    node.line = header >= 128;
    node.has_value = header / 64 % 2 == 1;
    if (node.has_value)
        node.value = next_varint(&r);
    unsigned count = header % 64;
    node.has_child = node.line ? count % 2 == 1 : count > 0;
    if (node.has_child)
        node.child_rel = next_varint(&r);
    if (node.line) {
        node.line_rel = next_varint(&r);
    } else {
        node.bytes_off = r.at;
        for (unsigned i = 0; i < (count < 32 ? count : 32); i++)
            next_byte(&r);
    }
    node.end = r.at;
    node.inside = r.inside;
    return node;
}

static void compare(const struct plain_node *expected, const struct act_node *node, uint64_t id)
{
    assert_int_equal(node->id, id);
    assert_int_equal(act_node_is_line(node), expected->line);
    assert_int_equal(act_node_has_value(node), expected->has_value);
    assert_int_equal(act_node_has_child(node), expected->has_child);
    assert_int_equal(node->end, expected->end);
    if (expected->has_value)
        assert_int_equal(node->value, expected->value);
    if (expected->has_child)
        assert_int_equal(node->child_rel, expected->child_rel);
    if (expected->line)
        assert_int_equal(node->line_rel, expected->line_rel);
    else
        assert_int_equal(node->bytes_off, expected->bytes_off);
}

/* Holds both decoders, and the one that only finds the end, against the plain one, at every id. */
static void check_every_id_padded(const uint8_t *bytes, size_t file_nbytes, size_t padding_nbytes)
{
    struct act_arena arena = act_arena_of(bytes, file_nbytes, padding_nbytes);
    assert_int_equal(arena.tail, file_nbytes - 8);
    for (uint64_t id = 0; id < file_nbytes + 2; id++) {
        struct plain_node expected = plain_decode(bytes, arena.tail, id);
        struct act_node node;
        assert_int_equal(act_node_decode_checked(&arena, id, &node), expected.inside);
        if (expected.inside)
            compare(&expected, &node, id);
        assert_int_equal(act_node_decode(&arena, id, &node), expected.inside);
        if (expected.inside)
            compare(&expected, &node, id);
        if (id < arena.roomy && (padding_nbytes == 0 || expected.inside)) {
            assert_true(expected.inside);
            assert_int_equal(act_node_end_roomy(&arena, id), expected.end);
        }
    }
    /* Volatile, or the compiler warns of what the library is asked to survive. */
    volatile uint64_t far_ids[] = {UINT64_MAX, (uint64_t)1 << 63};
    struct act_node node;
    assert_false(act_node_decode(&arena, far_ids[0], &node));
    assert_false(act_node_decode(&arena, far_ids[1], &node));
}

/* The same with and without padding: a copy of its own each, so that sanitizers see every load. */
static void check_every_id(const uint8_t *bytes, size_t file_nbytes)
{
    for (size_t padding = 0; padding <= 256; padding += 64) {
        uint8_t *copy = calloc(1, file_nbytes + padding);
        assert_non_null(copy);
        memcpy(copy, bytes, file_nbytes);
        check_every_id_padded(copy, file_nbytes, padding);
        free(copy);
    }
}

/* ------------------------------------------------------------------------------------- decoding */

/* Nodes at the front of a file may be read without looking, as far as its end and the padding
 * allow.
 */
static void what_lies_far_enough_from_the_end(void **state)
{
    (void)state;
    static const uint8_t none[1];
    for (uint64_t nbytes = ACT_FILE_NBYTES_MIN; nbytes < 200; nbytes++) {
        for (uint64_t padding = 0; padding < 100; padding++) {
            struct act_arena arena = act_arena_of(none, nbytes, padding);
            assert_int_equal(arena.tail, nbytes - 8);
            assert_int_equal(arena.readable, nbytes + padding);
            /* The longest node, and a load of 8 bytes. */
            uint64_t roomy = 0;
            while (roomy < arena.tail && roomy + 51 + 8 < arena.readable)
                roomy++;
            assert_int_equal(arena.roomy, roomy);
            assert_int_equal(arena.usual_end, roomy > 51 ? roomy - 51 : 0);
        }
    }
}

static void decoders_agree_on_random_bytes(void **state)
{
    (void)state;
    struct random r = random_of(1);
    int rounds = CHECK_SLOW_BUILD ? 500 : 3000;
    for (int round = 0; round < rounds; round++) {
        size_t nbytes = 25 + random_below(&r, 130);
        /* Of its own size, so that a sanitizer sees one byte too many. */
        uint8_t *bytes = malloc(nbytes);
        assert_non_null(bytes);
        random_fill(&r, bytes, nbytes);
        if (random_one_in(&r, 2)) {
            for (size_t i = 0; i < nbytes; i++)
                bytes[i] |= random_one_in(&r, 3) ? 0xf8 : 0;
        }
        check_every_id(bytes, nbytes);
        free(bytes);
    }
}

static void decoders_agree_on_every_short_node(void **state)
{
    (void)state;
    /* All headers, with all first bytes of a varint behind, at every distance from the tail: what
     * a node's length depends on. */
    for (unsigned room = 1; room <= 60; room += room < 20 ? 1 : 5) {
        size_t nbytes = 16 + room + 8;
        uint8_t *bytes = calloc(1, nbytes);
        assert_non_null(bytes);
        for (unsigned header = 0; header < 256; header++) {
            for (unsigned second = 0; second < 256; second += second < 240 ? 40 : 1) {
                memset(bytes + 16, (int)(header ^ second ^ 0x5a), room);
                bytes[16] = (uint8_t)header;
                if (room > 1)
                    bytes[17] = (uint8_t)second;
                struct act_arena arena = act_arena_of(bytes, nbytes, 0);
                struct plain_node expected = plain_decode(bytes, arena.tail, 16);
                struct act_node node;
                assert_int_equal(act_node_decode(&arena, 16, &node), expected.inside);
                if (expected.inside)
                    compare(&expected, &node, 16);
            }
        }
        free(bytes);
    }
}

/* ------------------------------------------------------------------------------------- children */

/* An arena of zeros with bytes put where a test wants them. */
struct built {
    uint8_t bytes[512];
    struct act_arena arena;
};

static void build_zeros(struct built *built, size_t file_nbytes)
{
    memset(built->bytes, 0, sizeof(built->bytes));
    assert_true(file_nbytes <= sizeof(built->bytes));
    built->arena = act_arena_of(built->bytes, file_nbytes, 0);
}

static void children_are_found_by_stepping_over_siblings(void **state)
{
    (void)state;
    /* Far from the tail and right before it: the quick and the careful way. */
    for (size_t file_nbytes = 60; file_nbytes <= 500; file_nbytes += 440) {
        struct built built;
        build_zeros(&built, file_nbytes);
        static const uint8_t run[] = {
            0x40, 7,                  /* 20: a leaf with a value */
            0x81, 4,   1,             /* 22: a line with a child */
            0xc0, 249, 0,   1,   2,   /* 25: a line with a value of two bytes */
            0x03, 1,   'a', 'b', 'c', /* 30: a branch of three */
            0x00,                     /* 35: a dangling leaf */
        };
        memcpy(built.bytes + 20, run, sizeof(run));
        static const uint64_t ids[] = {20, 22, 25, 30, 35};
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(act_node_child(&built.arena, 36, 16, i), ids[i]);
        /* A sixth would begin where the parent does. */
        assert_int_equal(act_node_child(&built.arena, 36, 16, 5), 0);
        /* The parent further up: the run goes on with what lies there. */
        assert_int_equal(act_node_child(&built.arena, 40, 20, 5), 36);
        /* The parent in the middle of the run. */
        assert_int_equal(act_node_child(&built.arena, 29, 9, 1), 22);
        assert_int_equal(act_node_child(&built.arena, 29, 9, 2), 25);
        assert_int_equal(act_node_child(&built.arena, 29, 9, 3), 0);
    }
}

/* Stepping as the format tells it: whole nodes, each below the parent, the last one begun there. */
static uint64_t plain_child(const uint8_t *bytes, uint64_t tail, uint64_t parent_id, uint64_t first,
                            unsigned index)
{
    uint64_t id = first;
    for (unsigned i = 0; i < index; i++) {
        struct plain_node sibling = plain_decode(bytes, tail, id);
        if (!sibling.inside || sibling.end >= parent_id)
            return 0;
        id = sibling.end;
    }
    return id;
}

static void children_are_the_same_however_they_are_found(void **state)
{
    (void)state;
    struct random r = random_of(3);
    int rounds = CHECK_SLOW_BUILD ? 300 : 1000;
    for (int round = 0; round < rounds; round++) {
        size_t nbytes = 100 + random_below(&r, random_one_in(&r, 2) ? 300 : 1500);
        uint8_t *bytes = malloc(nbytes);
        assert_non_null(bytes);
        random_fill(&r, bytes, nbytes);
        /* Short nodes most of the time, so that many fit below a parent. */
        for (size_t i = 0; i < nbytes; i++)
            bytes[i] &= random_one_in(&r, 30) ? 0xff : random_one_in(&r, 3) ? 0xc1 : 0x41;
        struct act_arena arena = act_arena_of(bytes, nbytes, 0), portable = arena;
        portable.lengths = NULL;
        uint64_t first = 16 + random_below(&r, nbytes / 3);
        uint64_t parent_id = first + 1 + random_below(&r, arena.tail - first - 1);
        /* Behind the last child, and behind a node that is cut, there is nothing more. */
        unsigned beyond = 0;
        for (unsigned index = 0; index < 256 && beyond < 3; index++) {
            uint64_t expected = plain_child(bytes, arena.tail, parent_id, first, index);
            beyond += !expected;
            assert_int_equal(act_node_child(&arena, parent_id, parent_id - first, index), expected);
            assert_int_equal(act_node_child(&portable, parent_id, parent_id - first, index),
                             expected);
        }
        free(bytes);
    }
}

/* What leads to a child is its table, where the run begins below their end, if it leads to where a
 * child can be; else the siblings do. The table here is wrong, so that it is seen which it was. */
static void tables_lead_to_children_below_their_end(void **state)
{
    (void)state;
    enum {
        FIRST = 300,
        PARENT = FIRST + 20
    };
    for (int far = 0; far < 2; far++) {
        struct built built;
        build_zeros(&built, far ? 500 : PARENT + 9);
        memset(built.bytes + FIRST, 0x41, 20); /* of four bytes each */
        built.bytes[FIRST - 1] = 1;            /* bytes wide */
        for (unsigned index = 0; index < 5; index++) {
            uint64_t stepped = FIRST + 4 * (uint64_t)index;
            for (uint8_t distance = 0; distance < 30; distance++) {
                if (index)
                    built.bytes[FIRST - 1 - index] = distance;
                built.arena.jump_end = FIRST;
                assert_int_equal(act_node_child(&built.arena, PARENT, 20, index), stepped);
                built.arena.jump_end++;
                assert_int_equal(act_node_child(&built.arena, PARENT, 20, index),
                                 index && distance && distance < 20 ? (uint64_t)FIRST + distance
                                                                    : stepped);
            }
        }
        /* A distance that leads out of the arena. */
        assert_int_equal(act_node_child(&built.arena, PARENT, 0, 1), 0);
        assert_int_equal(act_node_child(&built.arena, PARENT, PARENT - 15, 1), 0);
    }
}

static void a_run_that_reaches_the_tail_has_no_more_children(void **state)
{
    (void)state;
    struct built built;
    build_zeros(&built, 60);
    /* A mask branch whose 32 bytes would end behind the tail at 52. */
    built.bytes[30] = 0x20;
    built.bytes[31] = 1;
    assert_int_equal(act_node_child(&built.arena, 51, 21, 0), 30);
    assert_int_equal(act_node_child(&built.arena, 51, 21, 1), 0);
}

/*
 * Of many siblings some lie beyond the parent, so far that what is read of the last one may lie
 * beyond the file: a sanitizer tells.
 */
static void siblings_beyond_their_parent_are_not_read(void **state)
{
    (void)state;
    enum {
        FIRST = 64,
        PARENT = FIRST + 10, /* most of a block of lengths lies beyond it */
        ODD = FIRST + ACT_NODE_LENGTHS_BLOCK - 1,
        NBYTES = FIRST + ACT_NODE_LENGTHS_READABLE
    };
    uint8_t *bytes = calloc(1, NBYTES);
    assert_non_null(bytes);
    /* A value and two distances, each of nine bytes. */
    bytes[ODD] = ACT_NODE_LINE | ACT_NODE_VALUE | ACT_LINE_CHILD;
    bytes[ODD + 1] = bytes[ODD + 10] = 0xff;
    struct act_arena arena = act_arena_of(bytes, NBYTES, 0);
    assert_true(PARENT <= arena.roomy);
    /* As many as lead there, and some more: all but these take a byte each. */
    for (unsigned steps = ACT_NODE_LENGTHS_BLOCK - 2; steps < ACT_NODE_LENGTHS_BLOCK + 4; steps++)
        assert_int_equal(act_node_child(&arena, PARENT, PARENT - FIRST, steps), 0);
    free(bytes);
}

static void the_first_child_lies_in_the_arena_below_its_parent(void **state)
{
    (void)state;
    assert_int_equal(act_node_first_child(100, 1), 99);
    assert_int_equal(act_node_first_child(100, 84), 16);
    static const uint64_t bad[] = {
        0, 85, 99, 100, 101, (uint64_t)1 << 63, 200, UINT64_MAX, UINT64_MAX - 100};
    struct built built;
    build_zeros(&built, 300);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(act_node_first_child(100, bad[i]), 0);
        assert_int_equal(act_node_child(&built.arena, 100, bad[i], 0), 0);
        assert_int_equal(act_node_child(&built.arena, 100, bad[i], 3), 0);
    }
    /* A node at the start of the arena has nothing below it. */
    for (uint64_t rel = 0; rel < 20; rel++)
        assert_int_equal(act_node_first_child(16, rel), 0);
}

/* ---------------------------------------------------------------------------------------- lines */

static bool line_at(const struct built *built, uint64_t id, uint64_t rel, struct act_line *line)
{
    return act_line_decode(&built->arena, id, rel, line);
}

static void line_data_ends_at_or_before_its_node(void **state)
{
    (void)state;
    struct built built;
    build_zeros(&built, 400);
    struct act_line line;
    for (unsigned nbytes = 1; nbytes <= 40; nbytes++) {
        built.bytes[50] = (uint8_t)nbytes;
        assert_int_equal(line_at(&built, 71, 21, &line), nbytes <= 20);
        if (nbytes <= 20) {
            assert_int_equal(line.nbytes, nbytes);
            assert_ptr_equal(line.bytes, built.bytes + 51);
        }
    }
    /* Empty, and of any length that the encoding can tell. */
    built.bytes[50] = 0;
    assert_false(line_at(&built, 71, 21, &line));
    for (unsigned first = 248; first < 256; first++) {
        built.bytes[50] = (uint8_t)first;
        memset(built.bytes + 51, 0, 8);
        assert_false(line_at(&built, 71, 21, &line));
        built.bytes[51] = 3;
        assert_true(line_at(&built, 71, 21, &line));
        assert_int_equal(line.nbytes, 3);
        assert_ptr_equal(line.bytes, built.bytes + 50 + first - 246);
        memset(built.bytes + 51, 0xff, 8);
        assert_false(line_at(&built, 71, 21, &line));
    }
}

static void a_length_that_is_cut_by_its_node_is_refused(void **state)
{
    (void)state;
    struct built built;
    build_zeros(&built, 400);
    struct act_line line;
    built.bytes[50] = 255;
    built.bytes[51] = 1;
    /* Nine bytes of length and one of data need the node to begin at 60. */
    for (uint64_t id = 51; id < 60; id++)
        assert_false(line_at(&built, id, id - 50, &line));
    assert_true(line_at(&built, 60, 10, &line));
    assert_int_equal(line.nbytes, 1);
}

static void line_data_lies_in_the_arena(void **state)
{
    (void)state;
    struct built built;
    build_zeros(&built, 400);
    memset(built.bytes, 1, 100);
    struct act_line line;
    assert_true(line_at(&built, 60, 44, &line));
    assert_true(line_at(&built, 60, 2, &line));
    static const uint64_t bad[] = {0, 45, 60, 61, 1000, (uint64_t)1 << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(line_at(&built, 60, bad[i], &line));
    /* One byte below the node there is room for a length and for nothing else. */
    assert_false(line_at(&built, 60, 1, &line));
    assert_false(line_at(&built, 16, 1, &line));
}

/* --------------------------------------------------------------------------------- child bytes */

static bool children_of(const struct built *built, uint64_t id, struct act_children *children)
{
    struct act_node node;
    assert_true(act_node_decode(&built->arena, id, &node));
    return act_node_children(&built->arena, &node, children);
}

static void child_bytes_ascend_strictly(void **state)
{
    (void)state;
    struct built built;
    build_zeros(&built, 400);
    struct act_children children;
    for (unsigned count = 0; count < 32; count++) {
        uint8_t *header = built.bytes + 100;
        uint8_t *bytes = header + (count ? 2 : 1);
        header[0] = (uint8_t)count;
        header[1] = 1;
        for (unsigned i = 0; i < count; i++)
            bytes[i] = (uint8_t)(255 - 8 * (count - 1 - i));
        assert_true(children_of(&built, 100, &children));
        assert_int_equal(children.count, count);
        assert_ptr_equal(children.bytes, bytes);
        for (unsigned i = 1; i < count; i++) {
            uint8_t byte = bytes[i];
            bytes[i] = bytes[i - 1];
            assert_false(children_of(&built, 100, &children));
            bytes[i] = (uint8_t)(bytes[i - 1] - 1);
            assert_false(children_of(&built, 100, &children));
            bytes[i] = byte;
        }
    }
}

static void counts_above_32_do_not_occur(void **state)
{
    (void)state;
    struct built built;
    build_zeros(&built, 400);
    struct act_children children;
    for (unsigned count = 33; count < 64; count++) {
        built.bytes[100] = (uint8_t)count;
        for (unsigned i = 0; i < 64; i++)
            built.bytes[102 + i] = (uint8_t)i;
        assert_false(children_of(&built, 100, &children));
    }
}

static void a_mask_has_32_bits_or_more(void **state)
{
    (void)state;
    struct built built;
    build_zeros(&built, 400);
    built.bytes[100] = 32;
    built.bytes[101] = 1;
    struct act_children children;
    unsigned bits = 0;
    assert_false(children_of(&built, 100, &children));
    /* Bits all over the mask, one more each time. */
    for (unsigned i = 0; i < 256; i++) {
        unsigned bit = i * 93 % 256;
        built.bytes[102 + bit / 8] |= (uint8_t)(1u << bit % 8);
        bits++;
        assert_int_equal(children_of(&built, 100, &children), bits >= 32);
        assert_null(children.bytes);
        assert_int_equal(children.count, bits);
        assert_true(children.mask[bit / 64] >> bit % 64 & 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_far_enough_from_the_end),
        cmocka_unit_test(decoders_agree_on_random_bytes),
        cmocka_unit_test(decoders_agree_on_every_short_node),
        cmocka_unit_test(children_are_found_by_stepping_over_siblings),
        cmocka_unit_test(children_are_the_same_however_they_are_found),
        cmocka_unit_test(tables_lead_to_children_below_their_end),
        cmocka_unit_test(a_run_that_reaches_the_tail_has_no_more_children),
        cmocka_unit_test(siblings_beyond_their_parent_are_not_read),
        cmocka_unit_test(the_first_child_lies_in_the_arena_below_its_parent),
        cmocka_unit_test(line_data_ends_at_or_before_its_node),
        cmocka_unit_test(a_length_that_is_cut_by_its_node_is_refused),
        cmocka_unit_test(line_data_lies_in_the_arena),
        cmocka_unit_test(child_bytes_ascend_strictly),
        cmocka_unit_test(counts_above_32_do_not_occur),
        cmocka_unit_test(a_mask_has_32_bits_or_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
