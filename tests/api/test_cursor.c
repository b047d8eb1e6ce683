/* What the public header promises of cursors, one promise at a time. */
#include <string.h>

#include "actree.h"
#include "maps.h"
#include "support/check.h"

/*
 *        ""                 values: car 0, card 1, care 2, cat 3, dog 5, dogma 6; "cow" exists only
 *        |--- c             branches: "", "c", "ca", "car"
 *        |    |--- a
 *        |    |    |--- r*
 *        |    |    |    |--- d*
 *        |    |    |    `--- e*
 *        |    |    `--- t*
 *        |    `--- o - w
 *        `--- d - o - g* - m - a*
 */
static const char *const words[] = {"car", "card", "care", "cat", "?cow", "dog", "dogma", NULL};

struct fixture {
    act_map *map;
    act_cursor *cursor;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.map = map_of(words, NULL);
    assert_int_equal(act_cursor_open(fixture.map, NULL, 0, &fixture.cursor, NULL), ACT_OK);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    act_cursor_close(fixture->cursor);
    act_map_close(fixture->map);
    return 0;
}

static act_cursor *cursor_of(void **state)
{
    return ((struct fixture *)*state)->cursor;
}

/* Gives the fixture a cursor with another root. */
static act_cursor *rooted(void **state, const char *root)
{
    struct fixture *fixture = *state;
    act_cursor_close(fixture->cursor);
    assert_int_equal(act_cursor_open(fixture->map, root, strlen(root), &fixture->cursor, NULL),
                     ACT_OK);
    return fixture->cursor;
}

static void expect_path(const act_cursor *cursor, const char *path)
{
    size_t nbytes;
    const uint8_t *bytes = act_cursor_path(cursor, &nbytes);
    assert_non_null(bytes);
    if (nbytes != strlen(path) || memcmp(bytes, path, nbytes) != 0)
        fail_msg("stands on \"%.*s\", not on \"%s\"", (int)nbytes, (const char *)bytes, path);
}

static void go(act_cursor *cursor, const char *path)
{
    assert_int_equal(act_cursor_move_to_path(cursor, path, strlen(path), NULL, NULL), ACT_OK);
    expect_path(cursor, path);
}

/* What a move is to answer from a path, and where it is to end. */
typedef act_status move_fn(act_cursor *cursor, act_error *error);

static void expect_move(act_cursor *cursor, move_fn *move, const char *from, act_status status,
                        const char *to)
{
    act_error error;
    memset(&error, 0x55, sizeof(error));
    act_error before = error;
    go(cursor, from);
    assert_int_equal(move(cursor, &error), status);
    expect_path(cursor, to);
    /* An answer is no error. */
    assert_memory_equal(&error, &before, sizeof(error));
}

/* ------------------------------------------------------------------------- opening and forking */

static void bad_arguments(void **state)
{
    struct fixture *fixture = *state;
    act_cursor *cursor = fixture->cursor;
    act_error error;
    assert_int_equal(act_cursor_open(NULL, NULL, 0, &cursor, &error), ACT_ERR_INVALID);
    assert_null(cursor);
    assert_int_equal(error.status, ACT_ERR_INVALID);
    assert_int_equal(act_cursor_open(fixture->map, NULL, 1, &cursor, &error), ACT_ERR_INVALID);
    assert_int_equal(act_cursor_open(fixture->map, NULL, 0, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(act_cursor_fork(NULL, &cursor, NULL), ACT_ERR_INVALID);
    assert_null(cursor);
    assert_int_equal(act_cursor_fork(fixture->cursor, NULL, NULL), ACT_ERR_INVALID);
    act_cursor_close(NULL);
}

static void results_nobody_wants(void **state)
{
    act_cursor *cursor = cursor_of(state);
    assert_int_equal(act_cursor_descend_to_existing(cursor, "ca", 2, NULL, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_val(cursor, "r", 1, NULL, NULL), ACT_OK);
    assert_int_equal(act_cursor_value(cursor, NULL), ACT_OK);
    assert_int_equal(act_cursor_value_at(cursor, "d", 1, NULL, NULL), ACT_OK);
    assert_int_equal(act_cursor_val_count(cursor, NULL, NULL), ACT_OK);
    assert_non_null(act_cursor_path(cursor, NULL));
    assert_int_equal(act_cursor_descend_to(cursor, NULL, 0, NULL), ACT_OK);
    assert_int_equal(act_cursor_value_at(cursor, NULL, 0, NULL, NULL), ACT_OK);
    assert_int_equal(act_cursor_move_to_path(cursor, NULL, 0, NULL, NULL), ACT_OK);
    expect_path(cursor, "");
}

static void fork_is_independent(void **state)
{
    struct fixture *fixture = *state;
    act_cursor *cursor = rooted(state, "ca");
    act_cursor *fork;
    uint64_t value;
    go(cursor, "rd");
    assert_int_equal(act_cursor_fork(cursor, &fork, NULL), ACT_OK);
    expect_path(fork, "rd");
    assert_int_equal(act_cursor_to_next_val(fork, NULL), ACT_OK);
    expect_path(fork, "re");
    expect_path(cursor, "rd");
    act_cursor_reset(cursor);
    go(cursor, "no such path");
    act_cursor_close(cursor);
    fixture->cursor = fork;
    assert_int_equal(act_cursor_value(fork, &value), ACT_OK);
    assert_int_equal(value, 2);
    assert_int_equal(act_cursor_ascend(fork, 5, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_value_at(fork, "t", 1, &value, NULL), ACT_OK);
    assert_int_equal(value, 3);
}

/* Also outside of the tree. */
static void fork_outside(void **state)
{
    act_cursor *cursor = rooted(state, "cab");
    act_cursor *fork;
    go(cursor, "xy");
    assert_int_equal(act_cursor_fork(cursor, &fork, NULL), ACT_OK);
    expect_path(fork, "xy");
    assert_false(act_cursor_path_exists(fork));
    act_cursor_reset(fork);
    assert_false(act_cursor_path_exists(fork));
    act_cursor_close(fork);
}

/* ----------------------------------------------------------------------------------- questions */

static void questions(void **state)
{
    act_cursor *cursor = cursor_of(state);
    static const struct {
        const char *path;
        bool exists;
        int value; /* -1: none */
        const char *children;
        uint64_t count; /* keys at and below */
    } rows[] = {
        {"", true, -1, "cd", 6},    {"c", true, -1, "ao", 4}, {"ca", true, -1, "rt", 4},
        {"car", true, 0, "de", 3},  {"cat", true, 3, "", 1},  {"co", true, -1, "w", 0},
        {"cow", true, -1, "", 0},   {"do", true, -1, "g", 2}, {"dog", true, 5, "m", 2},
        {"dogma", true, 6, "", 1},  {"e", false, -1, "", 0},  {"cowx", false, -1, "", 0},
        {"dogx", false, -1, "", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t value = 99;
        uint64_t count;
        uint64_t mask[4];
        uint64_t wanted[4] = {0};
        go(cursor, rows[i].path);
        assert_int_equal(act_cursor_at_root(cursor), i == 0);
        assert_int_equal(act_cursor_path_exists(cursor), rows[i].exists);
        assert_int_equal(act_cursor_is_val(cursor), rows[i].value >= 0);
        assert_int_equal(act_cursor_value(cursor, &value),
                         rows[i].value >= 0 ? ACT_OK : ACT_NOT_FOUND);
        assert_int_equal(value, rows[i].value >= 0 ? rows[i].value : 99);
        assert_int_equal(act_cursor_child_count(cursor), strlen(rows[i].children));
        for (const char *c = rows[i].children; *c; c++)
            wanted[*c / 64] |= (uint64_t)1 << *c % 64;
        act_cursor_child_mask(cursor, mask);
        assert_memory_equal(mask, wanted, sizeof(mask));
        assert_int_equal(act_cursor_val_count(cursor, &count, NULL), ACT_OK);
        assert_int_equal(count, rows[i].count);
        expect_path(cursor, rows[i].path);
    }
}

static void value_below(void **state)
{
    act_cursor *cursor = cursor_of(state);
    uint64_t value = 99;
    go(cursor, "ca");
    assert_int_equal(act_cursor_value_at(cursor, "re", 2, &value, NULL), ACT_OK);
    assert_int_equal(value, 2);
    value = 99;
    assert_int_equal(act_cursor_value_at(cursor, "", 0, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_value_at(cursor, "x", 1, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_value_at(cursor, "rex", 3, &value, NULL), ACT_NOT_FOUND);
    go(cursor, "do");
    assert_int_equal(act_cursor_value_at(cursor, "gm", 2, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_value_at(cursor, "gx", 2, &value, NULL), ACT_NOT_FOUND);
    go(cursor, "x");
    assert_int_equal(act_cursor_value_at(cursor, "", 0, &value, NULL), ACT_NOT_FOUND);
    assert_int_equal(value, 99);
    expect_path(cursor, "x");
}

/* --------------------------------------------------------------------------------------- down */

static void descend_to_anywhere(void **state)
{
    act_cursor *cursor = cursor_of(state);
    assert_int_equal(act_cursor_descend_to(cursor, "ca", 2, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_byte(cursor, 'r', NULL), ACT_OK);
    assert_true(act_cursor_is_val(cursor));
    assert_int_equal(act_cursor_descend_to_byte(cursor, 'x', NULL), ACT_OK);
    expect_path(cursor, "carx");
    assert_int_equal(act_cursor_descend_to(cursor, "yz", 2, NULL), ACT_OK);
    expect_path(cursor, "carxyz");
    assert_int_equal(act_cursor_descend_to_check(cursor, "", 0, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_ascend(cursor, 3, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_check(cursor, "", 0, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_check(cursor, "d", 1, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_check(cursor, "q", 1, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "cardq");
}

static void descend_as_far_as_it_goes(void **state)
{
    act_cursor *cursor = cursor_of(state);
    size_t n = 99;
    assert_int_equal(act_cursor_descend_to_existing(cursor, "cowboy", 6, &n, NULL), ACT_OK);
    assert_int_equal(n, 3);
    expect_path(cursor, "cow");
    assert_int_equal(act_cursor_descend_to_existing(cursor, "boy", 3, &n, NULL), ACT_OK);
    assert_int_equal(n, 0);
    go(cursor, "dx");
    assert_int_equal(act_cursor_descend_to_existing(cursor, "og", 2, &n, NULL), ACT_OK);
    assert_int_equal(n, 0);
    expect_path(cursor, "dx");
    go(cursor, "");
    assert_int_equal(act_cursor_descend_to_val(cursor, "dogmatic", 8, &n, NULL), ACT_OK);
    assert_int_equal(n, 3);
    expect_path(cursor, "dog");
    assert_int_equal(act_cursor_descend_to_val(cursor, "matic", 5, &n, NULL), ACT_OK);
    assert_int_equal(n, 2);
    expect_path(cursor, "dogma");
    assert_int_equal(act_cursor_descend_to_val(cursor, "tic", 3, &n, NULL), ACT_OK);
    assert_int_equal(n, 0);
    go(cursor, "do");
    assert_int_equal(act_cursor_descend_to_existing_byte(cursor, 'g', NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_existing_byte(cursor, 'g', NULL), ACT_NOT_FOUND);
    expect_path(cursor, "dog");
}

static void descend_to_children(void **state)
{
    act_cursor *cursor = cursor_of(state);
    go(cursor, "c");
    assert_int_equal(act_cursor_descend_indexed_byte(cursor, 1, NULL), ACT_OK);
    expect_path(cursor, "co");
    assert_int_equal(act_cursor_descend_indexed_byte(cursor, 1, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_descend_indexed_byte(cursor, SIZE_MAX, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "co");
    expect_move(cursor, act_cursor_descend_first_byte, "", ACT_OK, "c");
    expect_move(cursor, act_cursor_descend_last_byte, "", ACT_OK, "d");
    expect_move(cursor, act_cursor_descend_last_byte, "dogm", ACT_OK, "dogma");
    expect_move(cursor, act_cursor_descend_first_byte, "dogma", ACT_NOT_FOUND, "dogma");
    expect_move(cursor, act_cursor_descend_last_byte, "dogma", ACT_NOT_FOUND, "dogma");
    expect_move(cursor, act_cursor_descend_first_byte, "x", ACT_NOT_FOUND, "x");
}

static act_status until_2(act_cursor *cursor, act_error *error)
{
    return act_cursor_descend_until_max_bytes(cursor, 2, error);
}

static act_status until_0(act_cursor *cursor, act_error *error)
{
    return act_cursor_descend_until_max_bytes(cursor, 0, error);
}

static void descend_until_something(void **state)
{
    act_cursor *cursor = cursor_of(state);
    expect_move(cursor, act_cursor_descend_until, "d", ACT_OK, "dog");
    expect_move(cursor, act_cursor_descend_until, "dog", ACT_OK, "dogma");
    expect_move(cursor, act_cursor_descend_until, "dogma", ACT_NOT_FOUND, "dogma");
    expect_move(cursor, act_cursor_descend_until, "co", ACT_OK, "cow");
    expect_move(cursor, act_cursor_descend_until, "c", ACT_NOT_FOUND, "c");
    expect_move(cursor, act_cursor_descend_until, "dx", ACT_NOT_FOUND, "dx");
    expect_move(cursor, until_2, "d", ACT_OK, "dog");
    expect_move(cursor, until_2, "dog", ACT_OK, "dogma");
    expect_move(cursor, until_0, "d", ACT_NOT_FOUND, "d");
    rooted(state, "");
    cursor = cursor_of(state);
    expect_move(cursor, act_cursor_descend_last_path, "", ACT_OK, "dogma");
    expect_move(cursor, act_cursor_descend_last_path, "ca", ACT_OK, "cat");
    expect_move(cursor, act_cursor_descend_last_path, "cow", ACT_NOT_FOUND, "cow");
    expect_move(cursor, act_cursor_descend_last_path, "x", ACT_NOT_FOUND, "x");
}

static void move_to_path_keeps_what_is_shared(void **state)
{
    act_cursor *cursor = cursor_of(state);
    size_t shared = 99;
    go(cursor, "card");
    assert_int_equal(act_cursor_move_to_path(cursor, "cat", 3, &shared, NULL), ACT_OK);
    assert_int_equal(shared, 2);
    assert_int_equal(act_cursor_move_to_path(cursor, "catxy", 5, &shared, NULL), ACT_OK);
    assert_int_equal(shared, 3);
    assert_false(act_cursor_path_exists(cursor));
    assert_int_equal(act_cursor_move_to_path(cursor, "catxz", 5, &shared, NULL), ACT_OK);
    assert_int_equal(shared, 4);
    assert_int_equal(act_cursor_move_to_path(cursor, "cat", 3, &shared, NULL), ACT_OK);
    assert_int_equal(shared, 3);
    assert_true(act_cursor_is_val(cursor));
    assert_int_equal(act_cursor_move_to_path(cursor, "dog", 3, &shared, NULL), ACT_OK);
    assert_int_equal(shared, 0);
    expect_path(cursor, "dog");
}

/* ------------------------------------------------------------------------------------------ up */

static act_status ascend_0(act_cursor *cursor, act_error *error)
{
    return act_cursor_ascend(cursor, 0, error);
}

static act_status ascend_2(act_cursor *cursor, act_error *error)
{
    return act_cursor_ascend(cursor, 2, error);
}

static void ascend(void **state)
{
    act_cursor *cursor = cursor_of(state);
    expect_move(cursor, ascend_2, "dogma", ACT_OK, "dog");
    expect_move(cursor, ascend_2, "dogxyz", ACT_OK, "dogx");
    expect_move(cursor, ascend_2, "dogx", ACT_OK, "do");
    expect_move(cursor, ascend_2, "do", ACT_OK, "");
    expect_move(cursor, ascend_2, "d", ACT_NOT_FOUND, "");
    expect_move(cursor, ascend_2, "", ACT_NOT_FOUND, "");
    expect_move(cursor, ascend_0, "dog", ACT_OK, "dog");
    expect_move(cursor, ascend_0, "", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_ascend_byte, "dogx", ACT_OK, "dog");
    expect_move(cursor, act_cursor_ascend_byte, "", ACT_NOT_FOUND, "");
    go(cursor, "dogma");
    assert_int_equal(act_cursor_ascend(cursor, SIZE_MAX, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "");
}

static void ascend_until_something(void **state)
{
    act_cursor *cursor = cursor_of(state);
    expect_move(cursor, act_cursor_ascend_until, "dogma", ACT_OK, "dog");
    expect_move(cursor, act_cursor_ascend_until, "dog", ACT_OK, "");
    expect_move(cursor, act_cursor_ascend_until, "card", ACT_OK, "car");
    expect_move(cursor, act_cursor_ascend_until, "car", ACT_OK, "ca");
    expect_move(cursor, act_cursor_ascend_until, "cow", ACT_OK, "c");
    expect_move(cursor, act_cursor_ascend_until, "catxy", ACT_OK, "cat");
    expect_move(cursor, act_cursor_ascend_until, "cowxy", ACT_OK, "c");
    expect_move(cursor, act_cursor_ascend_until, "", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_ascend_until_branch, "dogma", ACT_OK, "");
    expect_move(cursor, act_cursor_ascend_until_branch, "card", ACT_OK, "car");
    expect_move(cursor, act_cursor_ascend_until_branch, "dogmaxy", ACT_OK, "");
    expect_move(cursor, act_cursor_ascend_until_branch, "cxy", ACT_OK, "c");
    expect_move(cursor, act_cursor_ascend_until_branch, "", ACT_NOT_FOUND, "");
}

/* --------------------------------------------------------------------------------- aside and on */

static void siblings(void **state)
{
    act_cursor *cursor = cursor_of(state);
    expect_move(cursor, act_cursor_to_next_sibling_byte, "c", ACT_OK, "d");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "d", ACT_NOT_FOUND, "d");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "dog", ACT_NOT_FOUND, "dog");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "cb", ACT_OK, "co");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "da", ACT_OK, "do");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "dz", ACT_NOT_FOUND, "dz");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "cbb", ACT_NOT_FOUND, "cbb");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "d", ACT_OK, "c");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "c", ACT_NOT_FOUND, "c");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "cb", ACT_OK, "ca");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "da", ACT_NOT_FOUND, "da");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "dz", ACT_OK, "do");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "dogmaa", ACT_NOT_FOUND, "dogmaa");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "", ACT_NOT_FOUND, "");
    /* The root has none, though its last byte has. */
    cursor = rooted(state, "c");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_to_prev_sibling_byte, "", ACT_NOT_FOUND, "");
}

static void next_step(void **state)
{
    static const char *const paths[] = {"c",   "ca", "car", "card", "care", "cat",  "co",
                                        "cow", "d",  "do",  "dog",  "dogm", "dogma"};
    act_cursor *cursor = cursor_of(state);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
            assert_int_equal(act_cursor_to_next_step(cursor, NULL), ACT_OK);
            expect_path(cursor, paths[i]);
        }
        assert_int_equal(act_cursor_to_next_step(cursor, NULL), ACT_NOT_FOUND);
        expect_path(cursor, "");
    }
    expect_move(cursor, act_cursor_to_next_step, "carxyz", ACT_OK, "cat");
    expect_move(cursor, act_cursor_to_next_step, "caa", ACT_OK, "car");
    expect_move(cursor, act_cursor_to_next_step, "dz", ACT_NOT_FOUND, "");
}

static void next_val(void **state)
{
    static const char *const keys[] = {"car", "card", "care", "cat", "dog", "dogma"};
    act_cursor *cursor = cursor_of(state);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_OK);
            expect_path(cursor, keys[i]);
            assert_true(act_cursor_is_val(cursor));
        }
        assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_NOT_FOUND);
        expect_path(cursor, "");
    }
    expect_move(cursor, act_cursor_to_next_val, "carx", ACT_OK, "cat");
    expect_move(cursor, act_cursor_to_next_val, "ca", ACT_OK, "car");
    expect_move(cursor, act_cursor_to_next_val, "cb", ACT_OK, "dog");
    expect_move(cursor, act_cursor_to_next_val, "doga", ACT_OK, "dogma");
    expect_move(cursor, act_cursor_to_next_val, "dogz", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_to_next_val, "zebra", ACT_NOT_FOUND, "");
    /* Its own value is not among them, and nothing beside its root. */
    cursor = rooted(state, "car");
    expect_move(cursor, act_cursor_to_next_val, "", ACT_OK, "d");
    expect_move(cursor, act_cursor_to_next_val, "e", ACT_NOT_FOUND, "");
    cursor = rooted(state, "do");
    expect_move(cursor, act_cursor_to_next_val, "gm", ACT_OK, "gma");
    expect_move(cursor, act_cursor_to_next_val, "gma", ACT_NOT_FOUND, "");
}

static void paths_of_one_length(void **state)
{
    static const char *const threes[] = {"car", "cat", "cow", "dog"};
    act_cursor *cursor = cursor_of(state);
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 3, NULL), ACT_OK);
    for (size_t i = 0; i < 4; i++) {
        expect_path(cursor, threes[i]);
        assert_int_equal(act_cursor_to_next_k_path(cursor, 3, NULL),
                         i < 3 ? ACT_OK : ACT_NOT_FOUND);
    }
    expect_path(cursor, "");
    /* The first child leads to none of that length. */
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 5, NULL), ACT_OK);
    expect_path(cursor, "dogma");
    assert_int_equal(act_cursor_to_next_k_path(cursor, 2, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "dog");
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 3, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "dog");
    assert_int_equal(act_cursor_descend_first_k_path(cursor, SIZE_MAX, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "dog");
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 0, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_to_next_k_path(cursor, 0, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "dog");
    assert_int_equal(act_cursor_to_next_k_path(cursor, 4, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "");
    /* From a path that does not exist; with and without a common start that does. */
    go(cursor, "cbx");
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 1, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_to_next_k_path(cursor, 2, NULL), ACT_OK);
    expect_path(cursor, "cow");
    go(cursor, "cbx");
    assert_int_equal(act_cursor_to_next_k_path(cursor, 1, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "cb");
}

/* --------------------------------------------------------------------------------------- roots */

static void root_inside_a_run_of_bytes(void **state)
{
    act_cursor *cursor = rooted(state, "dogm");
    uint64_t count;
    assert_true(act_cursor_at_root(cursor));
    assert_true(act_cursor_path_exists(cursor));
    assert_int_equal(act_cursor_child_count(cursor), 1);
    assert_int_equal(act_cursor_val_count(cursor, &count, NULL), ACT_OK);
    assert_int_equal(count, 1);
    expect_move(cursor, act_cursor_descend_until, "", ACT_OK, "a");
    expect_move(cursor, act_cursor_ascend_until, "a", ACT_OK, "");
    expect_move(cursor, act_cursor_ascend_until_branch, "ax", ACT_OK, "");
    expect_move(cursor, act_cursor_ascend_until_branch, "xx", ACT_OK, "");
    act_cursor_reset(cursor);
    assert_int_equal(act_cursor_child_count(cursor), 1);
}

static void root_outside(void **state)
{
    act_cursor *cursor = rooted(state, "dox");
    uint64_t count = 99;
    assert_true(act_cursor_at_root(cursor));
    assert_false(act_cursor_path_exists(cursor));
    assert_int_equal(act_cursor_child_count(cursor), 0);
    assert_int_equal(act_cursor_val_count(cursor, &count, NULL), ACT_OK);
    assert_int_equal(count, 0);
    expect_move(cursor, act_cursor_to_next_val, "", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_to_next_val, "ab", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_to_next_step, "ab", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_to_next_sibling_byte, "a", ACT_NOT_FOUND, "a");
    expect_move(cursor, act_cursor_ascend_until, "ab", ACT_OK, "");
    expect_move(cursor, act_cursor_ascend_until_branch, "ab", ACT_OK, "");
    expect_move(cursor, act_cursor_ascend_until, "", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_ascend_byte, "ab", ACT_OK, "a");
    expect_move(cursor, act_cursor_descend_until, "", ACT_NOT_FOUND, "");
    expect_move(cursor, act_cursor_descend_last_path, "", ACT_NOT_FOUND, "");
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 1, NULL), ACT_NOT_FOUND);
    go(cursor, "abc");
    assert_int_equal(act_cursor_to_next_k_path(cursor, 2, NULL), ACT_NOT_FOUND);
    expect_path(cursor, "a");
}

static void empty_map(void **state)
{
    static const char *const none[] = {NULL};
    act_map *map = map_of(none, NULL);
    act_cursor *cursor;
    (void)state;
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    assert_true(act_cursor_path_exists(cursor));
    assert_false(act_cursor_is_val(cursor));
    assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_to_next_step(cursor, NULL), ACT_NOT_FOUND);
    assert_int_equal(act_cursor_descend_to_check(cursor, "a", 1, NULL), ACT_NOT_FOUND);
    act_cursor_close(cursor);
    act_map_close(map);
}

/* The path grows while the cursor walks; a fork has its own. */
static void key_of_70000_bytes(void **state)
{
    act_map *map = golden_map("one-70000.act");
    act_cursor *cursor;
    size_t nbytes;
    (void)state;
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_first_k_path(cursor, 69999, NULL), ACT_OK);
    assert_int_equal(act_cursor_child_count(cursor), 1);
    assert_int_equal(act_cursor_to_next_val(cursor, NULL), ACT_OK);
    act_cursor_path(cursor, &nbytes);
    assert_int_equal(nbytes, 70000);
    assert_int_equal(act_cursor_ascend_until(cursor, NULL), ACT_OK);
    assert_true(act_cursor_at_root(cursor));
    for (nbytes = 0; act_cursor_to_next_step(cursor, NULL) == ACT_OK;)
        nbytes++;
    assert_int_equal(nbytes, 70000);
    act_cursor_close(cursor);
    act_map_close(map);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

/* A byte further than keys may be long, into a branch. */
static void no_way_leads_beyond_the_limit(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "ba", "bb", "bca", "bcb", NULL};
    const act_open_options options = {.key_nbytes_max = 2};
    act_map *map = map_of(keys, &options);
    act_cursor *cursor;
    assert_int_equal(act_cursor_open(map, NULL, 0, &cursor, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_check(cursor, "bc", 2, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_first_byte(cursor, NULL), ACT_ERR_LIMIT);
    assert_true(act_cursor_at_root(cursor));
    assert_int_equal(act_cursor_descend_to_check(cursor, "bc", 2, NULL), ACT_OK);
    assert_int_equal(act_cursor_descend_to_existing_byte(cursor, 'b', NULL), ACT_ERR_LIMIT);
    act_cursor_close(cursor);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_arguments),
        TEST(no_way_leads_beyond_the_limit),
        TEST(results_nobody_wants),
        TEST(fork_is_independent),
        TEST(fork_outside),
        TEST(questions),
        TEST(value_below),
        TEST(descend_to_anywhere),
        TEST(descend_as_far_as_it_goes),
        TEST(descend_to_children),
        TEST(descend_until_something),
        TEST(move_to_path_keeps_what_is_shared),
        TEST(ascend),
        TEST(ascend_until_something),
        TEST(siblings),
        TEST(next_step),
        TEST(next_val),
        TEST(paths_of_one_length),
        TEST(root_inside_a_run_of_bytes),
        TEST(root_outside),
        cmocka_unit_test(empty_map),
        cmocka_unit_test(key_of_70000_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
