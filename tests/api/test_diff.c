/* What two states of a file differ in, and two files. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    STATES = 5
};

/* Some keys of few letters, with few values. */
static void some_entries(struct random *r, struct entries *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t key[40];
        size_t nbytes = random_below(r, random_one_in(r, 9) ? 40 : 7);
        for (size_t j = 0; j < nbytes; j++)
            key[j] = (uint8_t)('a' + random_below(r, 3));
        entries_add(entries, key, nbytes, random_below(r, 4));
    }
    entries_sort(entries);
}

/* Makes the file hold exactly these. */
static void merge_to(const struct entries *from, const struct entries *to)
{
    struct entries changes = {0};
    for (size_t i = 0; i < from->count; i++)
        entries_add_path(&changes, from->items[i].key, from->items[i].key_nbytes);
    entries_append(&changes, to);
    entries_sort(&changes);
    act_merge *merge;
    act_merge_options options = {.no_sync = true};
    assert_int_equal(act_merge_open(scratch_map, &options, &merge, NULL), ACT_OK);
    for (size_t i = 0; i < changes.count; i++) {
        const struct entry *e = &changes.items[i];
        assert_int_equal(e->has_value ? act_merge_set(merge, e->key, e->key_nbytes, e->value, NULL)
                                      : act_merge_remove(merge, e->key, e->key_nbytes, NULL),
                         ACT_OK);
    }
    assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
    act_merge_close(merge);
    entries_free(&changes);
}

struct expected {
    const struct entries *from;
    const struct entries *to;
    size_t from_at; /* up to here all was compared */
    size_t to_at;
    unsigned told;
};

static int compare_next(const struct expected *e)
{
    const struct entry *a = &e->from->items[e->from_at];
    const struct entry *b = &e->to->items[e->to_at];
    if (e->from_at == e->from->count || e->to_at == e->to->count)
        return (e->from_at == e->from->count) - (e->to_at == e->to->count);
    return entries_compare(a->key, a->key_nbytes, b->key, b->key_nbytes);
}

static void pass_equal(struct expected *e)
{
    while (e->from_at < e->from->count && e->to_at < e->to->count && compare_next(e) == 0 &&
           e->from->items[e->from_at].value == e->to->items[e->to_at].value) {
        e->from_at++;
        e->to_at++;
    }
}

static int check_change(void *context, const act_change *change)
{
    struct expected *e = context;
    pass_equal(e);
    assert_true(e->from_at < e->from->count || e->to_at < e->to->count);
    int order = compare_next(e);
    const struct entry *entry = order <= 0 ? &e->from->items[e->from_at] : &e->to->items[e->to_at];
    assert_int_equal(change->key_nbytes, entry->key_nbytes);
    assert_memory_equal(change->key, entry->key, entry->key_nbytes);
    assert_int_equal(change->in_from, order <= 0);
    assert_int_equal(change->in_to, order >= 0);
    assert_int_equal(change->from_value, order <= 0 ? e->from->items[e->from_at].value : 0);
    assert_int_equal(change->to_value, order >= 0 ? e->to->items[e->to_at].value : 0);
    e->from_at += order <= 0;
    e->to_at += order >= 0;
    e->told++;
    return 0;
}

static void check_diff(const act_map *from, const act_map *to, const struct entries *from_entries,
                       const struct entries *to_entries)
{
    struct expected e = {.from = from_entries, .to = to_entries};
    act_error error = {0};
    if (act_map_diff(from, to, check_change, &e, &error) != ACT_OK)
        fail_msg("%s", error.text);
    pass_equal(&e);
    assert_int_equal(e.from_at, from_entries->count);
    assert_int_equal(e.to_at, to_entries->count);
}

static int note_root(void *context, uint64_t root, uint64_t file_nbytes)
{
    uint64_t **at = context;
    (void)file_nbytes;
    *(*at)++ = root;
    return 0;
}

static void all_pairs_of_states(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < (CHECK_SLOW_BUILD ? 15 : 60); seed++) {
        struct random r = random_of(seed);
        struct entries states[STATES] = {{0}};
        size_t count = 1 + random_below(&r, 300);
        for (unsigned i = 0; i < STATES; i++) {
            if (i && !random_one_in(&r, 3))
                entries_append(&states[i], &states[i - 1]);
            some_entries(&r, &states[i], i ? 1 + random_below(&r, 9) : count);
            if (i == 0)
                build_file(&states[0], scratch_map, (act_layout)(seed % 3), NULL);
            else
                merge_to(&states[i - 1], &states[i]);
        }
        act_map *map;
        uint64_t roots[STATES + 1], *at = roots;
        act_map *maps[STATES];
        assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
        assert_int_equal(act_map_history(map, note_root, (void *)&at, NULL), ACT_OK);
        bool each = at - roots == STATES; /* else some merge changed nothing */
        for (unsigned i = 0; i < STATES && each; i++)
            assert_int_equal(act_map_open_former(map, roots[STATES - 1 - i], &maps[i], NULL),
                             ACT_OK);
        for (unsigned i = 0; i < STATES * STATES && each; i++)
            check_diff(maps[i / STATES], maps[i % STATES], &states[i / STATES],
                       &states[i % STATES]);
        /* The same from another opening: nothing is known to be shared then. */
        act_open_options options = {.root = roots[0]};
        act_map *other;
        assert_int_equal(act_map_open(scratch_map, &options, &other, NULL), ACT_OK);
        for (unsigned i = 0; i < STATES && each; i++)
            check_diff(maps[i], other, &states[i], &states[STATES - 1]);
        for (unsigned i = 0; i < STATES; i++) {
            if (each)
                act_map_close(maps[i]);
            entries_free(&states[i]);
        }
        act_map_close(other);
        act_map_close(map);
    }
}

static int count_changes(void *context, const act_change *change)
{
    (void)change;
    ++*(unsigned *)context;
    return 0;
}

static int stop(void *context, const act_change *change)
{
    (void)context;
    (void)change;
    return 1;
}

static act_map *open_text(uint8_t *bytes, size_t nbytes, const act_open_options *options)
{
    act_map *map;
    assert_int_equal(act_map_open_memory(bytes, nbytes, options, &map, NULL), ACT_OK);
    return map;
}

/* Two leaves, 1 and 2, of which `leads_to` takes the first; and a line of two bytes before it. */
#define LINES(value, leads_to)                                                                     \
    {                                                                                              \
        'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 24, 0, 0, 0, 0, 0, 0, 0, 2, 'a', 'b', 0x40, value, \
            leads_to, 2, 'z', 0x81, 3, 8, 0, 0, 0, 0, 0, 0, 0, 0                                   \
    }

static void what_a_difference_cannot_be_told_of(void **state)
{
    (void)state;
    uint8_t good[] = LINES(1, 1), other[] = LINES(2, 1), bad[] = LINES(1, 33);
    unsigned changes = 0;
    act_error error = {0};
    act_map *from = open_text(good, sizeof(good), NULL);
    act_map *to = open_text(other, sizeof(other), NULL);
    assert_int_equal(act_map_diff(from, to, count_changes, &changes, NULL), ACT_OK);
    assert_int_equal(changes, 1);
    act_map_close(to);
    /* What the line leads to is damaged, on either side. */
    to = open_text(bad, sizeof(bad), NULL);
    assert_int_equal(act_map_diff(from, to, count_changes, &changes, &error), ACT_ERR_CORRUPT);
    assert_int_equal(error.offset, 21);
    assert_int_equal(act_map_diff(to, from, count_changes, &changes, &error), ACT_ERR_CORRUPT);
    act_map_close(to);
    /* Keys of three bytes, and a limit of two, of either side. */
    act_open_options options = {.key_nbytes_max = 2};
    to = open_text(other, sizeof(other), &options);
    assert_int_equal(act_map_diff(from, to, count_changes, &changes, &error), ACT_ERR_LIMIT);
    assert_int_equal(act_map_diff(to, from, count_changes, &changes, &error), ACT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "2 bytes"));
    act_map_close(to);
    options.key_nbytes_max = 3;
    to = open_text(other, sizeof(other), &options);
    assert_int_equal(act_map_diff(from, to, count_changes, &changes, &error), ACT_OK);
    assert_int_equal(changes, 2);
    assert_int_equal(act_map_diff(NULL, to, count_changes, &changes, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_diff(from, NULL, count_changes, &changes, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_diff(from, to, NULL, &changes, NULL), ACT_ERR_INVALID);
    act_map_close(to);
    act_map_close(from);
}

/* Two children, of which but one lies before their parent: it is on neither side stepped over. */
static void a_branch_with_too_few_children(void **state)
{
    (void)state;
    uint8_t good[] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 20, 0, 0, 0, 0, 0, 0, 0,
                      64,  1,   64,  1,   2,   4,   'a', 'b', 0,  0, 0, 0, 0, 0, 0, 0};
    uint8_t bad[] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 18, 0, 0, 0, 0, 0, 0,
                     0,   64,  2,   2,   2,   'a', 'b', 0,   0,  0, 0, 0, 0, 0, 0};
    act_map *from = open_text(good, sizeof(good), NULL);
    act_map *to = open_text(bad, sizeof(bad), NULL);
    unsigned changes = 0;
    act_error error = {0};
    assert_int_equal(act_map_diff(from, to, count_changes, &changes, &error), ACT_ERR_CORRUPT);
    assert_int_equal(error.offset, 18);
    assert_int_equal(act_map_diff(to, from, count_changes, &changes, &error), ACT_ERR_CORRUPT);
    assert_int_equal(error.offset, 18);
    assert_int_equal(changes, 0);
    act_map_close(to);
    act_map_close(from);
}

/* What is the same is passed by: a limit of steps tells. */
static void only_what_differs_is_looked_at(void **state)
{
    (void)state;
    struct entries before = {0}, after = {0};
    struct random r = random_of(1);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t key[8];
        random_fill(&r, key, sizeof(key));
        entries_add(&before, key, sizeof(key), i);
    }
    entries_sort(&before);
    entries_append(&after, &before);
    after.items[777].value++;
    build_file(&before, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    act_map *old, *map, *former;
    assert_int_equal(act_map_open(scratch_map, NULL, &old, NULL), ACT_OK);
    act_map_stat stat;
    act_map_get_stat(old, &stat);
    merge_to(&after, &after);
    unsigned changes = 0;
    act_open_options options = {.steps_max = 2000};
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_open_former(map, stat.root, &former, NULL), ACT_OK);
    act_map_paging paging;
    act_map_get_paging(former, &paging);
    assert_int_equal(paging.advice, ACT_ADVICE_NORMAL);
    assert_true(paging.memory_nbytes == UINT64_MAX && !paging.advice_is_auto);
    assert_int_equal(act_map_diff(former, map, count_changes, &changes, NULL), ACT_OK);
    assert_int_equal(changes, 1);
    assert_int_equal(act_map_diff(map, map, count_changes, &changes, NULL), ACT_OK);
    assert_int_equal(changes, 1);
    assert_int_equal(act_map_diff(former, map, stop, NULL, NULL), ACT_STOPPED);
    act_error error = {0};
    assert_int_equal(act_map_diff(old, map, count_changes, &changes, &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    /* The limit is of what lies between two changes: where all differ, it is not come near to. */
    for (size_t i = 0; i < after.count; i++)
        after.items[i].value += 1000000;
    char *path = scratch_path(scratch_dir, "other.act");
    build_file(&after, path, ACT_LAYOUT_PLAIN, NULL);
    act_map *other;
    assert_int_equal(act_map_open(path, &options, &other, NULL), ACT_OK);
    changes = 0;
    assert_int_equal(act_map_diff(old, other, count_changes, &changes, NULL), ACT_OK);
    assert_int_equal(changes, after.count);
    act_map_close(other);
    free(path);
    act_map *none = (act_map *)&none;
    assert_int_equal(act_map_open_former(map, 17, &none, NULL), ACT_ERR_INVALID);
    assert_null(none);
    assert_int_equal(act_map_open_former(NULL, 17, &none, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_diff(map, NULL, stop, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_map_diff(map, map, NULL, NULL, NULL), ACT_ERR_INVALID);
    /* Whoever has it open has the root that it had then, whatever the file says now. */
    assert_int_equal(act_map_open_former(old, 0, &none, NULL), ACT_OK);
    changes = 0;
    assert_int_equal(act_map_diff(none, old, count_changes, &changes, NULL), ACT_OK);
    assert_int_equal(changes, 0);
    act_map_close(none);
    act_map_close(former);
    act_map_close(map);
    act_map_close(old);
    entries_free(&before);
    entries_free(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_of_states),
        cmocka_unit_test(what_a_difference_cannot_be_told_of),
        cmocka_unit_test(a_branch_with_too_few_children),
        cmocka_unit_test(only_what_differs_is_looked_at),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
