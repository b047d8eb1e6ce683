/* Encoding is tested by decoding: format/node.h has golden files to vouch for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/encode.h"
#include "format/node.h"

enum {
    FILE_NBYTES = 1 << 17
};
static uint8_t file[FILE_NBYTES];

static const uint64_t VALUES[] = {
    0,
    1,
    247,
    248,
    255,
    256,
    0xffff,
    0x10000,
    0xffffff,
    0x1000000,
    (uint64_t)1 << 32,
    ((uint64_t)1 << 40) - 1,
    (uint64_t)1 << 48,
    (uint64_t)1 << 56,
    UINT64_MAX - 1,
    UINT64_MAX,
};
enum {
    VALUE_COUNT = sizeof(VALUES) / sizeof(VALUES[0])
};

/* Encodes at `id`, checks that nothing was written at or past the largest node, and decodes. */
static struct act_node encode_decode(uint64_t id, const struct act_new_node *node,
                                     const uint8_t *child_bytes)
{
    memset(file + id, 0xa5, ACT_NODE_NBYTES_MAX + 8);
    const uint8_t *end = act_node_encode(file + id, id, node, child_bytes);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(file[id + ACT_NODE_NBYTES_MAX + i], 0xa5);

    struct act_arena arena = act_arena_of(file, FILE_NBYTES, 0);
    struct act_node decoded;
    assert_true(act_node_decode(&arena, id, &decoded));
    assert_int_equal(decoded.header, node->header);
    assert_int_equal(decoded.end, end - file);
    assert_int_equal(act_node_nbytes_at(id, node), decoded.end - id);
    if (node->header & ACT_NODE_VALUE)
        assert_int_equal(decoded.value, node->value);
    return decoded;
}

static void lines_come_back(void **state)
{
    (void)state;
    static const uint64_t distances[] = {1, 247, 248, 255, 256, 65535, 65536, 100000};
    /* It could be NULL; but a compiler that makes a variant of encode_decode() of that would warn.
     */
    static const uint8_t none[ACT_MASK_NBYTES];
    uint64_t id = 110000;
    for (unsigned i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        for (unsigned v = 0; v < VALUE_COUNT; v++) {
            struct act_new_node leaf = {VALUES[v], 0, id - distances[i],
                                        ACT_NODE_LINE | ACT_NODE_VALUE, 0};
            assert_int_equal(encode_decode(id, &leaf, none).line_rel, distances[i]);
        }
        struct act_new_node inner = {0, id - distances[i], id - 7, ACT_NODE_LINE | ACT_LINE_CHILD,
                                     0};
        struct act_node decoded = encode_decode(id, &inner, none);
        assert_int_equal(decoded.child_rel, distances[i]);
        assert_int_equal(decoded.line_rel, 7);
    }
}

static void branches_of_every_width_come_back(void **state)
{
    (void)state;
    struct act_arena arena = act_arena_of(file, FILE_NBYTES, 0);
    uint64_t id = 90000;
    for (unsigned count = 0; count <= 256; count++) {
        struct act_new_node node = {VALUES[count % VALUE_COUNT], id - 1 - 300 * count, 0, 0, 0};
        uint8_t bytes[ACT_MASK_NBYTES] = {0};
        uint64_t mask[4] = {0};
        for (unsigned i = 0; i < count; i++) {
            unsigned byte = count <= 80 ? 3 * i + 10 : i + (256 - count) / 2; /* ascending */
            mask[byte / 64] |= (uint64_t)1 << byte % 64;
            if (count < ACT_BRANCH_MASK)
                bytes[i] = (uint8_t)byte;
        }
        if (count >= ACT_BRANCH_MASK)
            act_mask_encode(bytes, mask);
        node.header = (uint8_t)(count < ACT_BRANCH_MASK ? count : ACT_BRANCH_MASK);
        assert_int_equal(act_branch_count(count), node.header);
        node.header |= count % 2 ? ACT_NODE_VALUE : 0;

        struct act_node decoded = encode_decode(id, &node, bytes);
        if (count)
            assert_int_equal(decoded.child_rel, 1 + 300 * count);
        assert_int_equal(decoded.end - decoded.bytes_off, act_child_bytes_nbytes(node.header));
        struct act_children children;
        assert_true(act_node_children(&arena, &decoded, &children));
        assert_int_equal(children.count, count);
        if (count < ACT_BRANCH_MASK && count)
            assert_memory_equal(children.bytes, bytes, count);
        else if (count)
            assert_memory_equal(children.mask, mask, sizeof(mask));
    }
}

/* Written out by hand, from the description of the format. */
static void bytes_are_those_of_the_format(void **state)
{
    (void)state;
    uint8_t out[ACT_NODE_NBYTES_MAX + 8];
    const uint8_t children[ACT_MASK_NBYTES] = {'a', 'b'};

    struct act_new_node branch = {300, 700, 0, ACT_NODE_VALUE | 2, 0};
    static const uint8_t branch_bytes[] = {0x42, 249, 0x2c, 0x01, 249, 0x2c, 0x01, 'a', 'b'};
    assert_int_equal(act_node_encode(out, 1000, &branch, children) - out, sizeof(branch_bytes));
    assert_memory_equal(out, branch_bytes, sizeof(branch_bytes));

    struct act_new_node line = {0, 990, 752, ACT_NODE_LINE | ACT_LINE_CHILD, 0};
    static const uint8_t line_bytes[] = {0x81, 10, 248, 248};
    assert_int_equal(act_node_encode(out, 1000, &line, NULL) - out, sizeof(line_bytes));
    assert_memory_equal(out, line_bytes, sizeof(line_bytes));

    struct act_new_node dangling = {0, 0, 999, ACT_NODE_LINE, 0};
    assert_int_equal(act_node_encode(out, 1000, &dangling, NULL) - out, 2);
    assert_memory_equal(out, "\x80\x01", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_back),
        cmocka_unit_test(branches_of_every_width_come_back),
        cmocka_unit_test(bytes_are_those_of_the_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
