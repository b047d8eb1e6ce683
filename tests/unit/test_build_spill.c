/*
 * Sorting through temporary files, in so little memory that there are hundreds of runs and several
 * passes, against a plain list that qsort() has sorted.
 */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

struct item {
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    size_t number; /* the order of arrival */
};

struct list {
    struct item *items;
    size_t count;
    uint8_t *keys;
    size_t keys_used;
};

static struct list list_open(size_t count_max, size_t keys_nbytes_max)
{
    struct list list = {calloc(count_max, sizeof(struct item)), 0, malloc(keys_nbytes_max), 0};
    assert_non_null(list.items);
    assert_non_null(list.keys);
    return list;
}

static void list_close(struct list *list)
{
    free(list->items);
    free(list->keys);
}

/* Appends an entry whose key the caller has written behind the keys that there are. */
static void list_add(struct list *list, size_t key_nbytes, uint64_t value)
{
    struct item item = {list->keys + list->keys_used, key_nbytes, value, list->count};
    list->items[list->count++] = item;
    list->keys_used += key_nbytes;
}

static int compare_keys(const struct item *a, const struct item *b)
{
    size_t most = a->key_nbytes < b->key_nbytes ? a->key_nbytes : b->key_nbytes;
    int order = memcmp(a->key, b->key, most);
    return order ? order : (a->key_nbytes > b->key_nbytes) - (a->key_nbytes < b->key_nbytes);
}

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = compare_keys(x, y);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* What a policy makes of the entries of one key. */
static uint64_t joined_value(const struct item *items, size_t count, act_duplicates duplicates)
{
    uint64_t value = items[0].value;
    for (size_t i = 1; i < count; i++) {
        uint64_t other = items[i].value;
        if (duplicates == ACT_DUPLICATES_LAST ||
            (duplicates == ACT_DUPLICATES_MIN && other < value) ||
            (duplicates == ACT_DUPLICATES_MAX && other > value))
            value = other;
        if (duplicates == ACT_DUPLICATES_SUM)
            value += other;
    }
    return value;
}

static act_sorter *sort_list(const struct list *list, const act_sorter_options *options)
{
    act_sorter *sorter;
    act_error error = {0};
    assert_int_equal(act_sorter_open(options, &sorter, &error), ACT_OK);
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];
        if (act_sorter_add(sorter, item->key, item->key_nbytes, item->value, &error) != ACT_OK)
            fail_msg("add: %s", error.text);
    }
    if (act_sorter_sort(sorter, NULL, NULL, &error) != ACT_OK)
        fail_msg("sort: %s", error.text);
    return sorter;
}

static act_sort_report report_of(const act_sorter *sorter)
{
    act_sort_report report;
    act_sorter_get_report(sorter, &report);
    return report;
}

/* How many of the sorted items from `at` on have its key. */
static size_t equal_count(const struct list *list, size_t at)
{
    size_t next = at + 1;
    while (next < list->count && compare_keys(&list->items[at], &list->items[next]) == 0)
        next++;
    return next - at;
}

/* Sorts, and compares with the list, which is in order afterwards. */
static act_sort_report check(struct list *list, const act_sorter_options *options)
{
    act_sorter *sorter = sort_list(list, options);
    act_sort_report report = report_of(sorter);
    assert_int_equal(report.entries, list->count);
    qsort(list->items, list->count, sizeof(*list->items), compare_items);
    act_error error = {0};
    for (size_t i = 0; i < list->count;) {
        const uint8_t *key = NULL;
        size_t key_nbytes = 0;
        uint64_t value = 0;
        size_t count = equal_count(list, i);
        act_status status = act_sorter_next(sorter, &key, &key_nbytes, &value, &error);
        if (status != ACT_OK)
            fail_msg("next: %s", error.text);
        assert_int_equal(key_nbytes, list->items[i].key_nbytes);
        assert_memory_equal(key, list->items[i].key, key_nbytes);
        assert_int_equal(value, joined_value(&list->items[i], count, options->duplicates));
        i += count;
    }
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, &error), ACT_END);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, &error), ACT_END);
    act_sorter_close(sorter);
    return report;
}

static act_sorter_options options_of(act_duplicates duplicates, unsigned threads)
{
    act_sorter_options options = {.duplicates = duplicates,
                                  .memory_nbytes = ACT_SORTER_MEMORY_NBYTES_MIN,
                                  .temp_dir = scratch_dir,
                                  .threads = threads};
    return options;
}

/* ------------------------------------------------------------------------------ shapes of keys */

/* Short keys of few letters: the empty one, prefixes, and most of them many times. */
static size_t make_short(uint8_t *key, struct random *random)
{
    size_t nbytes = random_below(random, 18);
    for (size_t i = 0; i < nbytes; i++)
        key[i] = random_one_in(random, 2) ? 0 : 0xff;
    return nbytes;
}

/* Long common starts, parting at any place. */
static size_t make_long(uint8_t *key, struct random *random)
{
    size_t nbytes = 60 + random_below(random, 140);
    memset(key, 'p', nbytes);
    key[random_below(random, nbytes)] = (uint8_t)random_below(random, 3);
    key[nbytes - 1] = (uint8_t)random_u64(random);
    return nbytes;
}

/* Of any bytes, few of them equal. */
static size_t make_any(uint8_t *key, struct random *random)
{
    size_t nbytes = 8 + random_below(random, 300);
    random_fill(random, key, nbytes);
    return nbytes;
}

static size_t (*const shapes[])(uint8_t *key, struct random *random) = {make_short, make_long,
                                                                        make_any};

static struct list make_list(unsigned shape, size_t keys_nbytes, uint64_t seed)
{
    struct random random = random_of(seed);
    struct list list = list_open(keys_nbytes / 4, keys_nbytes + 512);
    while (list.keys_used < keys_nbytes && list.count < keys_nbytes / 4)
        list_add(&list, shapes[shape](list.keys + list.keys_used, &random),
                 random_below(&random, 1000));
    return list;
}

/* --------------------------------------------------------------------------------------- tests */

static void hundreds_of_runs_and_several_passes(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < 3; shape++) {
        struct list list = make_list(shape, 13 << 20, shape);
        act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 0);
        act_sort_report report = check(&list, &options);
        assert_true(report.runs > 200);
        assert_true(report.passes >= 2);
        assert_true(report.temp_nbytes > 0);
        list_close(&list);
    }
}

static void every_policy_and_any_number_of_runs(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct list list = make_list(round % 3, (size_t)1 << (12 + round % 11), round);
        act_sorter_options options = options_of((act_duplicates)(1 + round % 5), round / 5 % 3);
        options.memory_nbytes += round * 37;
        check(&list, &options);
        list_close(&list);
    }
}

/* Of equal keys in several runs and passes the first that came is first, the last one last. */
static void equal_keys_keep_their_order(void **state)
{
    (void)state;
    for (unsigned policy = ACT_DUPLICATES_FIRST; policy <= ACT_DUPLICATES_MAX; policy++) {
        struct list list = list_open(60000, 60000 * 150);
        for (size_t i = 0; i < 60000; i++) {
            uint8_t *key = list.keys + list.keys_used;
            memset(key, 'k', 150);
            key[149] = (uint8_t)(i % 7);
            list_add(&list, 150, i);
        }
        act_sorter_options options = options_of((act_duplicates)policy, 0);
        act_sort_report report = check(&list, &options);
        assert_true(report.runs > 100);
        list_close(&list);
    }
}

/* Keys that do not fit the buffers, and some for which there is not even memory. */
static void keys_longer_than_everything(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 70000, 5000, 200000, 70000, 3000, 65536, 65535};
    enum {
        COUNT = 200
    };
    for (unsigned threads = 0; threads < 3; threads += 2) {
        struct random random = random_of(threads);
        struct list list = list_open(COUNT, (size_t)COUNT * 200000);
        for (size_t i = 0; i < COUNT; i++) {
            size_t nbytes = lengths[i % 9];
            uint8_t *key = list.keys + list.keys_used;
            memset(key, 'x', nbytes);
            if (nbytes)
                key[random_one_in(&random, 2) ? nbytes - 1 : nbytes / 2] = (uint8_t)random_below(
                    &random, 5);
            list_add(&list, nbytes, i);
        }
        act_sorter_options options = options_of(ACT_DUPLICATES_LAST, threads);
        act_sort_report report = check(&list, &options);
        assert_true(report.runs > 20);
        list_close(&list);
    }
}

static void sorted_input_and_its_reverse(void **state)
{
    (void)state;
    for (unsigned reverse = 0; reverse < 2; reverse++) {
        struct list list = list_open(20000, 20000 * 8);
        for (unsigned i = 0; i < 20000; i++) {
            char text[9];
            snprintf(text, sizeof(text), "%08u", reverse ? 20000 - i : i);
            memcpy(list.keys + list.keys_used, text, 8);
            list_add(&list, 8, i);
        }
        act_sorter_options options = options_of(ACT_DUPLICATES_ERROR, 2);
        assert_true(check(&list, &options).runs > 1);
        list_close(&list);
    }
}

static void what_fits_needs_no_files(void **state)
{
    (void)state;
    struct list list = make_list(2, 20000, 3);
    act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 0);
    options.temp_dir = "/there/is/no/such/folder";
    act_sort_report report = check(&list, &options);
    assert_int_equal(report.runs, 0);
    assert_int_equal(report.temp_nbytes, 0);
    list_close(&list);
}

/* More entries than fit, with two of them such that the policy fails. */
static act_sorter *sort_with_clash(act_duplicates duplicates, bool near_each_other)
{
    act_sorter_options options = options_of(duplicates, 0);
    act_sorter *sorter;
    assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
    for (unsigned i = 0; i < 30000; i++) {
        char text[20];
        snprintf(text, sizeof(text), "key %08u", i * 7919 % 30000);
        assert_int_equal(act_sorter_add(sorter, text, strlen(text), UINT64_MAX - 1, NULL), ACT_OK);
        if (i == 100 || i == (near_each_other ? 101 : 29000))
            assert_int_equal(act_sorter_add(sorter, "key 00000001x", 13, UINT64_MAX - 1, NULL),
                             ACT_OK);
    }
    assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
    assert_true(report_of(sorter).runs > 10);
    return sorter;
}

static void clashes_name_the_key_in_its_place(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool sum = i / 2;
        act_error error = {0};
        const uint8_t *key = NULL;
        size_t key_nbytes = 0;
        act_sorter *sorter = sort_with_clash(sum ? ACT_DUPLICATES_SUM : ACT_DUPLICATES_ERROR,
                                             i % 2);
        assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL), ACT_OK);
        assert_memory_equal(key, "key 00000000", 12);
        assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL), ACT_OK);
        assert_memory_equal(key, "key 00000001", 12);
        for (int again = 0; again < 2; again++) {
            key = NULL;
            assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, &error),
                             sum ? ACT_ERR_OVERFLOW : ACT_ERR_DUPLICATE);
            assert_int_equal(key_nbytes, 13);
            assert_memory_equal(key, "key 00000001x", 13);
            assert_non_null(strstr(error.text, "\"key 00000001x\""));
        }
        act_sorter_close(sorter);
    }
}

static int count_down(void *context, uint64_t done, uint64_t total)
{
    assert_true(done <= total);
    int *calls = context;
    return *calls > 0 && --*calls == 0;
}

/* Stopped at its first call, and then gone on with, the sorter gives the same. */
static void progress_can_stop_it(void **state)
{
    (void)state;
    struct list list = make_list(1, 13 << 20, 8);
    act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 2);
    act_sorter *sorter;
    int calls = 1;
    assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(
            act_sorter_add(sorter, list.items[i].key, list.items[i].key_nbytes, i, NULL), ACT_OK);
    assert_int_equal(act_sorter_sort(sorter, count_down, &calls, NULL), ACT_STOPPED);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_add(sorter, "a", 1, 0, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_sorter_sort(sorter, count_down, &calls, NULL), ACT_OK);
    qsort(list.items, list.count, sizeof(*list.items), compare_items);
    const uint8_t *key;
    size_t key_nbytes;
    assert_int_equal(act_sorter_next(sorter, &key, &key_nbytes, NULL, NULL), ACT_OK);
    assert_int_equal(key_nbytes, list.items[0].key_nbytes);
    assert_memory_equal(key, list.items[0].key, key_nbytes);
    act_sorter_close(sorter);
    list_close(&list);
}

/* Closing does not wait for what is under way, and leaves nothing behind. */
static void closing_at_any_time(void **state)
{
    (void)state;
    struct list list = make_list(2, 1 << 20, 9);
    for (size_t stop_at = 0; stop_at < list.count; stop_at += 1 + list.count / 50) {
        act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 2);
        act_sorter *sorter;
        assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
        for (size_t i = 0; i < stop_at; i++)
            assert_int_equal(
                act_sorter_add(sorter, list.items[i].key, list.items[i].key_nbytes, i, NULL),
                ACT_OK);
        if (stop_at % 2)
            assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
        for (size_t i = 0; stop_at % 2 && i < stop_at / 2; i++)
            assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_OK);
        act_sorter_close(sorter);
    }
    list_close(&list);
}

static void folders_that_are_not_there(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 3; threads += 2) {
        struct list list = make_list(2, 1 << 20, 10);
        act_error error = {0}, again = {0};
        act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, threads);
        options.temp_dir = "/there/is/no/such/folder";
        act_sorter *sorter;
        assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
        act_status status = ACT_OK;
        for (size_t i = 0; status == ACT_OK && i < list.count; i++)
            status = act_sorter_add(sorter, list.items[i].key, list.items[i].key_nbytes, i, &error);
        assert_int_equal(status, ACT_ERR_IO);
        assert_non_null(strstr(error.text, "\"/there/is/no/such/folder\""));
        assert_int_equal(act_sorter_add(sorter, "a", 1, 0, &again), ACT_ERR_IO);
        assert_string_equal(again.text, error.text);
        assert_int_equal(act_sorter_sort(sorter, NULL, NULL, &again), ACT_ERR_IO);
        assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, NULL), ACT_ERR_IO);
        act_sorter_close(sorter);
        list_close(&list);
    }
}

static void too_little_memory_is_refused(void **state)
{
    (void)state;
    act_error error = {0};
    act_sorter *sorter = (act_sorter *)&error;
    act_sorter_options options = options_of(ACT_DUPLICATES_FIRST, 0);
    options.memory_nbytes--;
    assert_int_equal(act_sorter_open(&options, &sorter, &error), ACT_ERR_INVALID);
    assert_null(sorter);
    assert_non_null(strstr(error.text, "65535"));
    options.memory_nbytes = UINT64_MAX;
    options.temp_dir = NULL;
    struct list list = make_list(2, 20000, 3);
    check(&list, &options);
    list_close(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundreds_of_runs_and_several_passes),
        cmocka_unit_test(every_policy_and_any_number_of_runs),
        cmocka_unit_test(equal_keys_keep_their_order),
        cmocka_unit_test(keys_longer_than_everything),
        cmocka_unit_test(sorted_input_and_its_reverse),
        cmocka_unit_test(what_fits_needs_no_files),
        cmocka_unit_test(clashes_name_the_key_in_its_place),
        cmocka_unit_test(progress_can_stop_it),
        cmocka_unit_test(closing_at_any_time),
        cmocka_unit_test(folders_that_are_not_there),
        cmocka_unit_test(too_little_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
