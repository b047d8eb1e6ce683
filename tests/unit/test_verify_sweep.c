#include "verify/sweep.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "read/map.h"
#include "support/check.h"
#include "support/forge.h"

static void nodes_come_downwards_with_their_children(void **state)
{
    (void)state;
    struct forge f;
    struct act_sweep sweep;
    forge_start(&f);
    uint64_t data = forge_data(&f, "line");
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t other = forge_leaf(&f, FORGE_NONE);
    uint64_t fork = forge_fork(&f, FORGE_NONE, leaf, "ab");
    uint64_t line = forge_line(&f, FORGE_NONE, fork, data);
    uint64_t root = forge_fork(&f, 7, fork, "xy");
    forge_end(&f, root);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, NULL, NULL, NULL), ACT_OK);

    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    assert_int_equal(sweep.node.id, root);
    assert_int_equal(sweep.children_count, 2);
    assert_int_equal(sweep.children[0], fork);
    assert_int_equal(sweep.children[1], line);

    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    assert_int_equal(sweep.node.id, line);
    assert_int_equal(sweep.line.nbytes, 4);
    assert_memory_equal(sweep.line.bytes, "line", 4);
    assert_int_equal(sweep.children_count, 1);
    assert_int_equal(sweep.children[0], fork);

    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    assert_int_equal(sweep.node.id, fork);
    assert_int_equal(sweep.children_count, 2);
    assert_int_equal(sweep.children[0], leaf);
    assert_int_equal(sweep.children[1], other);

    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    assert_int_equal(sweep.node.id, other);
    assert_int_equal(sweep.children_count, 0);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    assert_int_equal(sweep.node.id, leaf);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_END);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_END);
    assert_int_equal(sweep.nodes, 5);
    assert_int_equal(sweep.references, 5);
    act_sweep_close(&sweep);
    forge_free(&f);
}

static int stop_later(void *context, uint64_t done, uint64_t total)
{
    unsigned *calls = context;
    assert_true(done <= total);
    return ++*calls > 1;
}

/* Not only before the first node: a long sweep looks at the clock now and then. */
static void a_long_sweep_can_be_stopped(void **state)
{
    (void)state;
    struct forge f;
    struct act_sweep sweep;
    unsigned calls = 0;
    forge_start(&f);
    uint64_t at = forge_leaf(&f, 1);
    for (unsigned i = 0; i < 50000; i++)
        at = forge_fork(&f, FORGE_NONE, at, "a");
    forge_end(&f, at);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, stop_later, &calls, NULL), ACT_OK);
    sweep.pace.called_ms = 0; /* the last call was long ago */
    act_status status;
    while ((status = act_sweep_next(&sweep, NULL)) == ACT_OK)
        ;
    assert_int_equal(status, ACT_STOPPED);
    assert_int_equal(calls, 2);
    assert_in_range(sweep.nodes, 1, 49999);
    act_sweep_close(&sweep);
    forge_free(&f);
}

static void after_damage_it_says_where(void **state)
{
    (void)state;
    struct forge f;
    struct act_sweep sweep;
    act_error error;
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t bad = forge_fork(&f, FORGE_NONE, leaf, "ab");
    forge_end(&f, forge_fork(&f, FORGE_NONE, bad, "x"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_sweep_next(&sweep, &error), ACT_OK);
    assert_int_equal(act_sweep_next(&sweep, &error), ACT_ERR_CORRUPT);
    assert_int_equal(sweep.broken_rule, ACT_RULE_SIBLING_RUN);
    assert_true(sweep.broken_offset == bad);
    assert_int_equal(sweep.nodes, 2);
    assert_string_equal(error.text, "damaged at offset 18 (sibling-run): child 2 of the node's 2, "
                                    "at offset 18, does not end before it");
    act_sweep_close(&sweep);
    forge_free(&f);
}

static void a_child_that_runs_past_the_end(void **state)
{
    (void)state;
    struct forge f;
    struct act_sweep sweep;
    act_error error;
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t bad = FORGE_BYTES(&f, 0x20, 1); /* a mask, and its distance */
    forge_end(&f, forge_fork(&f, FORGE_NONE, leaf, "ab"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_sweep_next(&sweep, &error), ACT_ERR_CORRUPT);
    assert_int_equal(sweep.broken_rule, ACT_RULE_NODE_BOUNDS);
    assert_true(sweep.broken_offset == bad);
    assert_string_equal(error.text, "damaged at offset 18 (node-bounds): child 2 of 2 of the node "
                                    "at offset 20 runs past the end");
    act_sweep_close(&sweep);
    forge_free(&f);
}

static void bytes_that_change_meanwhile_are_no_danger(void **state)
{
    (void)state;
    struct forge f;
    struct act_sweep sweep;
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 1);
    forge_end(&f, forge_fork(&f, FORGE_NONE, leaf, "a"));
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    /* The leaf was decoded when it was reached; now it has a mask, past the end. */
    f.copy[leaf] = 0x20;
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_ERR_CORRUPT);
    assert_int_equal(sweep.broken_rule, ACT_RULE_NODE_BOUNDS);
    assert_true(sweep.broken_offset == leaf);
    act_sweep_close(&sweep);
    /* And the root, opened before. */
    f.copy[f.nbytes - 8 - 3] = 0x20;
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, NULL, NULL, NULL), ACT_ERR_CORRUPT);
    assert_int_equal(sweep.broken_rule, ACT_RULE_NODE_BOUNDS);
    forge_free(&f);
}

/* What is asked for where pages are read one by one: a megabyte at a time, downwards, but not what
 * lies between two nodes that are further from each other. */
static void what_is_asked_for_ahead(void **state)
{
    (void)state;
    enum {
        LONG_NBYTES = 5 << 20,
        ASKED_NBYTES = 1 << 20
    };
    struct forge f;
    struct act_sweep sweep;
    uint8_t *line = calloc(1, LONG_NBYTES);
    assert_non_null(line);
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 1);
    uint64_t data = forge_varint(&f, LONG_NBYTES);
    forge_bytes(&f, line, LONG_NBYTES);
    forge_end(&f, forge_line(&f, FORGE_NONE, leaf, data));
    free(line);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    atomic_store(&f.map->lazy->single_pages, true);
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    assert_int_equal(sweep.asked_from, f.map->file_nbytes - ASKED_NBYTES);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_OK);
    assert_int_equal(sweep.node.id, leaf);
    assert_int_equal(sweep.asked_from, 0);
    assert_int_equal(act_sweep_next(&sweep, NULL), ACT_END);
    act_sweep_close(&sweep);
    forge_free(&f);

    /* Nodes without gaps: each is asked for before its turn, and never twice. */
    forge_start(&f);
    uint64_t at = forge_leaf(&f, 1);
    for (unsigned i = 0; i < 1000000; i++)
        at = forge_fork(&f, FORGE_NONE, at, "a");
    forge_end(&f, at);
    assert_int_equal(forge_open(&f, NULL), ACT_OK);
    atomic_store(&f.map->lazy->single_pages, true);
    assert_int_equal(act_sweep_open(&sweep, f.map, 0, NULL, NULL, NULL), ACT_OK);
    uint64_t asked_from = f.map->file_nbytes;
    unsigned asked = 0;
    while (act_sweep_next(&sweep, NULL) == ACT_OK) {
        assert_true(sweep.node.id >= sweep.asked_from);
        if (sweep.asked_from == asked_from)
            continue;
        assert_int_equal(sweep.asked_from,
                         asked_from > ASKED_NBYTES ? asked_from - ASKED_NBYTES : 0);
        asked_from = sweep.asked_from;
        asked++;
    }
    assert_int_equal(asked, 1 + f.map->file_nbytes / ASKED_NBYTES);
    act_sweep_close(&sweep);
    forge_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_come_downwards_with_their_children),
        cmocka_unit_test(a_long_sweep_can_be_stopped),
        cmocka_unit_test(after_damage_it_says_where),
        cmocka_unit_test(a_child_that_runs_past_the_end),
        cmocka_unit_test(bytes_that_change_meanwhile_are_no_danger),
        cmocka_unit_test(what_is_asked_for_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
