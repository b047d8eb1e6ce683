/* What is appended to a file: how much waits in memory, and what the tables of runs tell. */
#include "merge/append.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/scratch.h"

enum {
    BEGIN = ACT_INDEX_END + 1000 /* of the file as it was */
};

struct appending {
    struct act_os_update *update;
    struct act_append append;
};

static void start(struct appending *a, bool tables)
{
    uint8_t *bytes = calloc(1, BEGIN);
    assert_non_null(bytes);
    scratch_write(scratch_map, bytes, BEGIN);
    free(bytes);
    assert_int_equal(act_os_update_open(scratch_map, &a->update, NULL), ACT_OK);
    assert_int_equal(act_append_open(&a->append, a->update, BEGIN, BEGIN, tables, NULL), ACT_OK);
}

static void end(struct appending *a)
{
    act_append_close(&a->append);
    act_os_update_close(a->update);
}

/* All that was appended, the file as it was before it. To be freed by the caller. */
static uint8_t *read_all(const struct appending *a)
{
    uint64_t nbytes = act_append_position(&a->append);
    uint8_t *bytes = calloc(1, (size_t)nbytes);
    assert_non_null(bytes);
    assert_int_equal(
        act_append_read(&a->append, BEGIN, bytes + BEGIN, (size_t)nbytes - BEGIN, NULL), ACT_OK);
    return bytes;
}

/* A branch with a value and as many children as there can be: no node is longer. */
static void set_longest(struct act_append_node *node, uint64_t value)
{
    memset(node, 0, sizeof(*node));
    node->node.header = ACT_NODE_VALUE | ACT_BRANCH_MASK;
    node->node.value = UINT64_MAX - value;
    memset(node->child_bytes, 0xff, sizeof(node->child_bytes));
    node->node.child = ACT_ARENA_OFF;
}

/* Runs alone, and runs whose lines have branches of their own. */
static void what_waits_is_no_more_than_there_is_room_for(void **state)
{
    (void)state;
    static struct act_made made[256];
    for (int branches = 0; branches < 2; branches++) {
        struct appending a;
        start(&a, true);
        size_t most = 0;
        uint64_t first = 0;
        for (uint64_t run = 0; run < 80; run++) {
            for (size_t i = 0; i < 256; i++) {
                memset(&made[i], 0, sizeof(made[i]));
                set_longest(&made[i].node, run * 256 + i);
                if (branches) {
                    made[i].has_branch = true;
                    made[i].branch = made[i].node;
                    made[i].node.node = (struct act_new_node){
                        .header = ACT_NODE_LINE | ACT_LINE_CHILD, .line = ACT_ARENA_OFF};
                }
            }
            assert_int_equal(act_append_run(&a.append, made, 256, &first, NULL), ACT_OK);
            assert_true(a.append.used <= ACT_APPEND_UNIT_NBYTES + ACT_APPEND_ROOM_NBYTES);
            most = a.append.used > most ? a.append.used : most;
        }
        /* And it is not written before it has to be, nor in other portions. */
        assert_true(branches || most >= ACT_APPEND_UNIT_NBYTES);
        assert_true(a.append.flushed > BEGIN);
        assert_int_equal((a.append.flushed - BEGIN) % ACT_APPEND_UNIT_NBYTES, 0);
        /* All is there, the last one too. */
        uint8_t *bytes = read_all(&a);
        struct act_append_node *last = branches ? &made[255].branch : &made[255].node;
        uint64_t id = branches ? made[255].node.node.child : act_jump_read(bytes, first, 255);
        uint8_t encoded[ACT_NODE_NBYTES_MAX];
        const uint8_t *encoded_end = act_node_encode(encoded, id, &last->node, last->child_bytes);
        assert_memory_equal(bytes + id, encoded, (size_t)(encoded_end - encoded));
        free(bytes);
        end(&a);
    }
}

/* Numbers of one byte for as long as they do: `wide` siblings have two bytes, the others one. */
static void check_table(size_t count, size_t wide, unsigned width)
{
    struct act_made made[256];
    struct appending a;
    memset(made, 0, sizeof(made));
    for (size_t i = 0; i < wide; i++)
        made[i].node.node = (struct act_new_node){.header = ACT_NODE_VALUE, .value = 1};
    start(&a, true);
    uint64_t first;
    assert_int_equal(act_append_run(&a.append, made, count, &first, NULL), ACT_OK);
    assert_int_equal(first, BEGIN + 1 + (count - 1) * width);
    uint8_t *bytes = read_all(&a);
    assert_int_equal(bytes[first - 1], width);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(act_jump_read(bytes, first, (unsigned)i),
                         first + i + (i < wide ? i : wide));
    assert_int_equal(act_append_position(&a.append), first + count + wide);
    free(bytes);
    end(&a);
}

static void tables_are_as_narrow_as_can_be(void **state)
{
    (void)state;
    check_table(2, 0, 1);
    check_table(2, 2, 1);
    check_table(256, 0, 1); /* the last one lies 255 bytes behind the first */
    check_table(256, 1, 2);
    check_table(128, 128, 1);
    check_table(129, 126, 1);
    check_table(129, 127, 1);
    check_table(129, 128, 2);
    check_table(256, 256, 2);
}

/* One by itself has none, nor has any where there are no tables. */
static void runs_without_a_table(void **state)
{
    (void)state;
    for (int tables = 0; tables < 2; tables++) {
        struct act_made made[2];
        struct appending a;
        uint64_t first;
        memset(made, 0, sizeof(made));
        start(&a, tables);
        assert_int_equal(act_append_run(&a.append, made, tables ? 1 : 2, &first, NULL), ACT_OK);
        assert_int_equal(first, BEGIN);
        assert_int_equal(act_append_position(&a.append), tables ? BEGIN + 1 : BEGIN + 2);
        end(&a);
    }
}

/* Over the end of what was written to the file, and on either side of it. */
static void bytes_are_read_again_wherever_they_are(void **state)
{
    (void)state;
    enum {
        NBYTES = ACT_APPEND_UNIT_NBYTES + ACT_APPEND_ROOM_NBYTES + 1
    };
    struct appending a;
    uint8_t *bytes = malloc(NBYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < NBYTES; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    start(&a, false);
    assert_int_equal(act_append_bytes(&a.append, bytes, NBYTES, NULL), ACT_OK);
    assert_int_equal(a.append.flushed, BEGIN + ACT_APPEND_UNIT_NBYTES);
    static const size_t begins[] = {0, ACT_APPEND_UNIT_NBYTES - 5, ACT_APPEND_UNIT_NBYTES,
                                    ACT_APPEND_UNIT_NBYTES + 1, NBYTES - 10};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        for (size_t nbytes = 0; nbytes <= 10; nbytes++) {
            uint8_t there[10];
            assert_int_equal(act_append_read(&a.append, BEGIN + begins[i], there, nbytes, NULL),
                             ACT_OK);
            assert_memory_equal(there, bytes + begins[i], nbytes);
        }
    }
    free(bytes);
    end(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_no_more_than_there_is_room_for),
        cmocka_unit_test(tables_are_as_narrow_as_can_be),
        cmocka_unit_test(runs_without_a_table),
        cmocka_unit_test(bytes_are_read_again_wherever_they_are),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
