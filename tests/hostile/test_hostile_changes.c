/*
 * Files that somebody writes to while they are read, without a guard: a walk stands somewhere, some
 * bytes are changed, and it goes on. What it finds then is worth nothing; but it must be safe, and
 * come to an end, an answer or the word that the file is damaged.
 */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

enum {
    STEPS_MAX = 400,
    CHANGES_MAX = 4
};

/* A map over bytes that can be changed. */
struct subject {
    struct random r;
    uint8_t *bytes;
    size_t nbytes;
    act_map *map;
    struct entries entries;
    struct {
        size_t off;
        uint8_t was;
    } changes[CHANGES_MAX];
    size_t changes_count;
    struct forge forged; /* or these, with a branch and the root at these offsets */
    uint64_t branch, root;
};

static void change(struct subject *s)
{
    size_t first = 16 + random_below(&s->r, s->nbytes - 16);
    size_t count = 1 + random_below(&s->r, CHANGES_MAX);
    for (size_t i = 0; i < count && first + i < s->nbytes; i++) {
        s->changes[s->changes_count].off = first + i;
        s->changes[s->changes_count++].was = s->bytes[first + i];
        s->bytes[first + i] = random_one_in(&s->r, 3) ? 0 : (uint8_t)random_u64(&s->r);
    }
}

static void change_back(struct subject *s)
{
    while (s->changes_count) {
        s->changes_count--;
        s->bytes[s->changes[s->changes_count].off] = s->changes[s->changes_count].was;
    }
}

static void expect_answer(act_status status)
{
    assert_true(status == ACT_OK || status == ACT_NOT_FOUND || status == ACT_END ||
                status == ACT_ERR_CORRUPT || status == ACT_ERR_LIMIT);
}

static void iterate(struct subject *s)
{
    act_iter *iter;
    uint8_t key[300];
    assert_int_equal(act_iter_open(s->map, NULL, &iter, NULL), ACT_OK);
    size_t nbytes = shapes_near_key(&s->r, &s->entries, key, sizeof(key));
    assert_int_equal(act_iter_seek(iter, key, nbytes, NULL), ACT_OK);
    for (size_t steps = random_below(&s->r, 4); steps; steps--)
        expect_answer(act_iter_next(iter, NULL, NULL, NULL, NULL));
    change(s);
    bool upwards = random_one_in(&s->r, 2);
    for (unsigned step = 0; step < STEPS_MAX; step++) {
        act_status status = upwards ? act_iter_next(iter, NULL, NULL, NULL, NULL)
                                    : act_iter_prev(iter, NULL, NULL, NULL, NULL);
        expect_answer(status);
        if (status != ACT_OK)
            break;
    }
    expect_answer(act_iter_seek(iter, key, nbytes / 2, NULL));
    expect_answer(act_iter_prev(iter, NULL, NULL, NULL, NULL));
    act_iter_close(iter);
    change_back(s);
}

static void move(struct subject *s)
{
    act_cursor *cursor;
    uint8_t key[300];
    uint64_t count;
    assert_int_equal(act_cursor_open(s->map, NULL, 0, &cursor, NULL), ACT_OK);
    size_t nbytes = shapes_near_key(&s->r, &s->entries, key, sizeof(key));
    expect_answer(act_cursor_descend_to_existing(cursor, key, nbytes, NULL, NULL));
    change(s);
    for (unsigned step = 0; step < 12; step++) {
        uint8_t byte = (uint8_t)random_u64(&s->r);
        switch (random_below(&s->r, 9)) {
        case 0:
            expect_answer(act_cursor_to_next_sibling_byte(cursor, NULL));
            break;
        case 1:
            expect_answer(act_cursor_to_prev_sibling_byte(cursor, NULL));
            break;
        case 2:
            expect_answer(act_cursor_descend_first_byte(cursor, NULL));
            break;
        case 3:
            expect_answer(act_cursor_descend_last_byte(cursor, NULL));
            break;
        case 4:
            expect_answer(act_cursor_descend_to_existing_byte(cursor, byte, NULL));
            break;
        case 5:
            expect_answer(act_cursor_ascend_byte(cursor, NULL));
            break;
        case 6:
            expect_answer(act_cursor_to_next_val(cursor, NULL));
            break;
        case 7:
            expect_answer(act_cursor_to_next_step(cursor, NULL));
            break;
        default:
            expect_answer(act_cursor_descend_until(cursor, NULL));
        }
    }
    expect_answer(act_cursor_val_count(cursor, &count, NULL));
    act_cursor_close(cursor);
    change_back(s);
}

static void a_walk_goes_on_over_changed_bytes(void **state)
{
    (void)state;
    for (size_t shape = 0; shape < shapes_count(); shape++) {
        for (unsigned layout = 0; layout < 3; layout++) {
            struct subject s = {.r = random_of(100 * shape + layout)};
            const act_open_options options = {.steps_max = 100000};
            shapes_make(&s.r, shape, &s.entries);
            build_file(&s.entries, scratch_map, (act_layout)layout, NULL);
            s.bytes = scratch_read(scratch_map, &s.nbytes);
            assert_int_equal(act_map_open_memory(s.bytes, s.nbytes, &options, &s.map, NULL),
                             ACT_OK);
            for (unsigned round = 0; round < (CHECK_SLOW_BUILD ? 150 : 500); round++) {
                iterate(&s);
                move(&s);
            }
            act_map_close(s.map);
            free(s.bytes);
            entries_free(&s.entries);
        }
    }
}

/* ------------------------------------------------------------- what is changed while standing
 * there
 */

enum {
    CHILDREN = 40
};

/* 'm' and below it a branch with a mask, which is the last node but the root. */
static void start_wide(struct subject *s)
{
    memset(s, 0, sizeof(*s));
    forge_start(&s->forged);
    uint8_t labels[CHILDREN];
    uint64_t first = forge_leaf(&s->forged, 0);
    for (unsigned i = 0; i < CHILDREN; i++) {
        labels[i] = (uint8_t)(2 * i);
        if (i)
            forge_leaf(&s->forged, i);
    }
    s->branch = forge_branch(&s->forged, FORGE_NONE, first, labels, CHILDREN);
    s->root = forge_fork(&s->forged, FORGE_NONE, s->branch, "m");
    forge_end(&s->forged, s->root);
    assert_int_equal(act_map_open_memory(s->forged.bytes, s->forged.nbytes, NULL, &s->map, NULL),
                     ACT_OK);
}

static void end_wide(struct subject *s)
{
    act_map_close(s->map);
    forge_free(&s->forged);
}

/* A mask with more bits than there are siblings: none of them comes next. */
static void a_mask_of_more_siblings(void **state)
{
    (void)state;
    struct subject s;
    act_cursor *cursor;
    start_wide(&s);
    assert_int_equal(act_cursor_open(s.map, NULL, 0, &cursor, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_check(cursor, "m<", 2, NULL), ACT_OK);
    assert_int_equal(act_cursor_to_next_sibling_byte(cursor, NULL), ACT_OK);
    memset(s.forged.bytes + s.root - 32, 0xff, 32);
    assert_int_equal(act_cursor_to_next_sibling_byte(cursor, NULL), ACT_ERR_CORRUPT);
    assert_true(act_cursor_at_root(cursor));
    act_cursor_close(cursor);
    end_wide(&s);
}

/* A branch that becomes longer than the file, or loses its children, below an iterator. */
static void a_branch_that_is_none_any_more(void **state)
{
    (void)state;
    static const uint8_t others[][3] = {{0x60, 0xff, 0xff}, {32, 0, 0xff}};
    for (size_t i = 0; i < 2; i++) {
        for (unsigned steps = 0; steps < 3; steps++) {
            struct subject s;
            act_iter *iter;
            start_wide(&s);
            assert_int_equal(act_iter_open(s.map, NULL, &iter, NULL), ACT_OK);
            assert_int_equal(act_iter_seek(iter, "m\x20", 2, NULL), ACT_OK);
            for (unsigned step = 0; step < steps; step++)
                assert_int_equal(act_iter_prev(iter, NULL, NULL, NULL, NULL), ACT_OK);
            memcpy(s.forged.bytes + s.branch, others[i], i ? 2 : 3);
            assert_int_equal(act_iter_prev(iter, NULL, NULL, NULL, NULL), ACT_ERR_CORRUPT);
            act_iter_close(iter);
            end_wide(&s);
        }
    }
}

/* A root that becomes longer than the file, as every lookup sees. */
static void a_root_that_is_none_any_more(void **state)
{
    (void)state;
    struct subject s;
    uint64_t value;
    start_wide(&s);
    assert_int_equal(act_map_get(s.map, "m\x20", 2, &value, NULL), ACT_OK);
    assert_int_equal(value, 16);
    s.forged.bytes[s.root] = 0x60;
    assert_int_equal(act_map_get(s.map, "m\x20", 2, &value, NULL), ACT_ERR_CORRUPT);
    end_wide(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_of_more_siblings),
        cmocka_unit_test(a_branch_that_is_none_any_more),
        cmocka_unit_test(a_root_that_is_none_any_more),
        cmocka_unit_test(a_walk_goes_on_over_changed_bytes),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
