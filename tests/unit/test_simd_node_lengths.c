#include "simd/node_lengths.h"

#include <stdlib.h>
#include <string.h>

#include "format/node.h"
#include "support/check.h"
#include "support/random.h"

/* Bytes enough for a block, and for a node that begins at its last offset. */
enum {
    ROOM = ACT_NODE_LENGTHS_BLOCK + 200
};

/* Lengths that were found out are those that decoding finds. */
static void compare_with_decoding(const uint8_t *bytes, const uint8_t *lengths)
{
    struct act_arena arena = act_arena_of(bytes, ROOM, 0);
    for (uint64_t id = 0; id < ACT_NODE_LENGTHS_BLOCK; id++) {
        struct act_node node;
        assert_true(act_node_decode(&arena, id, &node));
        if (lengths[id])
            assert_int_equal(lengths[id], node.end - id);
        else
            /* Only nodes with two varints or more may be left to others. */
            assert_true(act_node_has_value(&node) + act_node_has_child(&node) +
                            act_node_is_line(&node) >=
                        2);
    }
}

static void check(const uint8_t *bytes)
{
    uint8_t lengths[ACT_NODE_LENGTHS_BLOCK];
    act_node_lengths_portable(bytes, lengths);
    compare_with_decoding(bytes, lengths);

    /* A copy of as many bytes as may be read, so that a sanitizer sees one too many. */
    act_node_lengths_fn best = act_node_lengths_best();
    if (!best)
        return;
    uint8_t *exact = malloc(ACT_NODE_LENGTHS_READABLE);
    assert_non_null(exact);
    memcpy(exact, bytes, ACT_NODE_LENGTHS_READABLE);
    uint8_t same[ACT_NODE_LENGTHS_BLOCK];
    best(exact, same);
    assert_memory_equal(same, lengths, sizeof(lengths));
    free(exact);
}

static void random_bytes(void **state)
{
    (void)state;
    struct random r = random_of(1);
    uint8_t bytes[ROOM];
    for (int round = 0; round < (CHECK_SLOW_BUILD ? 500 : 5000); round++) {
        random_fill(&r, bytes, sizeof(bytes));
        uint64_t long_in = 1 + random_below(&r, 8);
        for (size_t i = 0; i < sizeof(bytes); i++) {
            if (random_one_in(&r, long_in))
                bytes[i] |= 0xf0;
        }
        check(bytes);
    }
}

static void every_header_before_every_first_byte(void **state)
{
    (void)state;
    uint8_t bytes[ROOM];
    for (unsigned header = 0; header < 256; header++) {
        for (unsigned first = 0; first < 256; first += first < 240 ? 30 : 1) {
            for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i % 2 ? first : header);
            check(bytes);
            memset(bytes, (int)first, sizeof(bytes));
            for (size_t i = 0; i < sizeof(bytes); i += 12)
                bytes[i] = (uint8_t)header;
            check(bytes);
        }
    }
}

static void all_but_rare_nodes_are_found_out(void **state)
{
    (void)state;
    /* What writers write: leaves, branches and lines with values and offsets up to 2^32. */
    static const uint8_t common[] = {
        0x00,                          /* a dangling leaf */
        0x40, 7,                       /* a leaf */
        0x40, 251, 1,   2,   3,   4,   /* a leaf with a larger value */
        0x02, 9,   'a', 'b',           /* a branch */
        0x42, 248, 0,   9,   'a', 'b', /* one with a value */
        0x80, 9,                       /* a line that dangles */
        0xc0, 7,   9,                  /* a line with a value */
        0x81, 249, 1,   2,   9,        /* a line with a child */
    };
    uint8_t bytes[ROOM] = {0}, lengths[ACT_NODE_LENGTHS_BLOCK];
    memcpy(bytes, common, sizeof(common));
    act_node_lengths_portable(bytes, lengths);
    static const unsigned expected[] = {1, 2, 6, 4, 6, 2, 3, 5};
    size_t at = 0;
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        assert_int_equal(lengths[at], expected[i]);
        at += expected[i];
    }
    assert_int_equal(at, sizeof(common));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(every_header_before_every_first_byte),
        cmocka_unit_test(all_but_rare_nodes_are_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
