/* Splitting ranges of trees that no writer makes: cuts ascend, or there are none. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/forge.h"

enum {
    PATH_NBYTES_MAX = 1024, /* of what is looked at */
    PARTS = 8
};

struct cuts {
    size_t count;
    uint8_t last[2 * PATH_NBYTES_MAX];
    size_t last_nbytes;
};

static int keep_cut(void *context, const uint8_t *key, size_t key_nbytes)
{
    struct cuts *cuts = context;
    assert_true(key_nbytes <= PATH_NBYTES_MAX);
    if (cuts->count++)
        assert_true(entries_compare(cuts->last, cuts->last_nbytes, key, key_nbytes) < 0);
    memcpy(cuts->last, key, key_nbytes);
    cuts->last_nbytes = key_nbytes;
    return 0;
}

/* How many cuts there are of the keys from `from` on. */
static size_t split_from(struct forge *f, const void *from, size_t from_nbytes)
{
    struct cuts cuts = {.count = 0};
    const act_range range = {.from = from, .from_nbytes = from_nbytes};
    assert_int_equal(act_map_split(f->map, from ? &range : NULL, PARTS, keep_cut, &cuts, NULL),
                     ACT_OK);
    return cuts.count;
}

/* A branch to some leaves, with children of their own, so that they have a place. */
static uint64_t forge_wide(struct forge *f)
{
    uint64_t runs[4];
    for (size_t i = 0; i < 4; i++) {
        runs[i] = forge_leaf(f, i);
        forge_leaf(f, i);
    }
    uint64_t first = forge_fork(f, FORGE_NONE, runs[0], "xy");
    for (size_t i = 1; i < 4; i++)
        forge_fork(f, FORGE_NONE, runs[i], "xy");
    return forge_fork(f, FORGE_NONE, first, "abcd");
}

static void open_below(struct forge *f, uint64_t root)
{
    forge_end(f, root);
    assert_int_equal(forge_open(f, NULL), ACT_OK);
}

static void branches_that_are_damaged(void **state)
{
    (void)state;
    struct forge f;
    /* As it should be. */
    forge_start(&f);
    open_below(&f, forge_wide(&f));
    assert_true(split_from(&f, NULL, 0) > 0);
    assert_true(split_from(&f, "b", 1) > 0);
    forge_free(&f);
    /* Its children not in order. */
    forge_start(&f);
    uint64_t leaf = forge_leaf(&f, 1);
    forge_leaf(&f, 2);
    open_below(&f, forge_fork(&f, FORGE_NONE, leaf, "ba"));
    assert_int_equal(split_from(&f, NULL, 0), 0);
    assert_int_equal(split_from(&f, "a", 1), 0);
    forge_free(&f);
    /* Out of the file. */
    forge_start(&f);
    open_below(&f, forge_fork(&f, FORGE_NONE, 0, "ab"));
    assert_int_equal(split_from(&f, NULL, 0), 0);
    assert_int_equal(split_from(&f, "a", 1), 0);
    forge_free(&f);
    /* A line to a node that would be longer than the file. */
    forge_start(&f);
    leaf = FORGE_BYTES(&f, 0x60, 0xff);
    uint64_t data = forge_data(&f, "line");
    open_below(&f, forge_line(&f, FORGE_NONE, leaf, data));
    assert_int_equal(split_from(&f, NULL, 0), 0);
    assert_int_equal(split_from(&f, "line", 4), 0);
    forge_free(&f);
}

/* Above a branch, a line of so many bytes, or as many lines of one. */
static void open_deep(struct forge *f, size_t nbytes, bool single)
{
    char text[2 * PATH_NBYTES_MAX + 1] = {0};
    memset(text, 'l', single ? 1 : nbytes);
    forge_start(f);
    uint64_t node = forge_wide(f);
    uint64_t data = forge_data(f, text);
    for (size_t i = 0; i < (single ? nbytes : 1); i++)
        node = forge_line(f, FORGE_NONE, node, data);
    open_below(f, node);
}

static void paths_that_are_too_long(void **state)
{
    (void)state;
    char key[2 * PATH_NBYTES_MAX];
    struct forge f;
    memset(key, 'l', sizeof(key));
    for (int single = 0; single < 2; single++) {
        for (size_t nbytes = PATH_NBYTES_MAX - 3; nbytes < PATH_NBYTES_MAX + 3; nbytes++) {
            open_deep(&f, nbytes, single);
            size_t cuts = split_from(&f, NULL, 0);
            /* At most the one where all ways lead by. */
            if (nbytes >= PATH_NBYTES_MAX)
                assert_true(cuts <= 1);
            else if (!single)
                assert_true(cuts > 0);
            for (size_t more = 0; more < 3; more++) {
                key[nbytes] = 'b';
                cuts = split_from(&f, key, nbytes + more);
                if (nbytes >= PATH_NBYTES_MAX)
                    assert_true(cuts <= 1);
                key[nbytes] = 'l';
            }
            /* Beside the line. */
            key[3] = 'm';
            assert_int_equal(split_from(&f, key, 10), 0);
            assert_int_equal(split_from(&f, key, nbytes + 5), 0);
            key[3] = 'l';
            forge_free(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(branches_that_are_damaged),
        cmocka_unit_test(paths_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
