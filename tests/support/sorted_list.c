#include "support/sorted_list.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

struct list list_open(size_t count_max, size_t keys_nbytes_max)
{
    struct list list = {calloc(count_max, sizeof(struct item)), 0, malloc(keys_nbytes_max), 0};
    assert_non_null(list.items);
    assert_non_null(list.keys);
    return list;
}

void list_close(struct list *list)
{
    free(list->items);
    free(list->keys);
}

void list_add(struct list *list, size_t key_nbytes, uint64_t value)
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

void list_sort(struct list *list)
{
    qsort(list->items, list->count, sizeof(*list->items), compare_items);
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

struct list list_make(unsigned shape, size_t keys_nbytes, uint64_t seed)
{
    struct random random = random_of(seed);
    struct list list = list_open(keys_nbytes / 4, keys_nbytes + 512);
    while (list.keys_used < keys_nbytes && list.count < keys_nbytes / 4)
        list_add(&list, shapes[shape](list.keys + list.keys_used, &random),
                 random_below(&random, 1000));
    return list;
}

/* -------------------------------------------------------------------------------------- sorters */

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

act_sorter *list_fill_sorter(const struct list *list, const act_sorter_options *options)
{
    act_sorter *sorter;
    act_error error = {0};
    assert_int_equal(act_sorter_open(options, &sorter, &error), ACT_OK);
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];
        if (act_sorter_add(sorter, item->key, item->key_nbytes, item->value, &error) != ACT_OK)
            fail_msg("add: %s", error.text);
    }
    return sorter;
}

/* How many of the sorted items from `at` on have its key. */
static size_t equal_count(const struct list *list, size_t at)
{
    size_t next = at + 1;
    while (next < list->count && compare_keys(&list->items[at], &list->items[next]) == 0)
        next++;
    return next - at;
}

void list_check_sorted(const struct list *list, act_sorter *sorter, act_duplicates duplicates)
{
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
        assert_int_equal(value, joined_value(&list->items[i], count, duplicates));
        i += count;
    }
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, &error), ACT_END);
    assert_int_equal(act_sorter_next(sorter, NULL, NULL, NULL, &error), ACT_END);
    act_sorter_close(sorter);
}

act_sort_report list_check(struct list *list, const act_sorter_options *options)
{
    act_sorter *sorter = list_fill_sorter(list, options);
    act_sort_report report;
    act_error error = {0};
    if (act_sorter_sort(sorter, NULL, NULL, &error) != ACT_OK)
        fail_msg("sort: %s", error.text);
    act_sorter_get_report(sorter, &report);
    assert_int_equal(report.entries, list->count);
    list_sort(list);
    list_check_sorted(list, sorter, options->duplicates);
    return report;
}

int list_count_down(void *context, uint64_t done, uint64_t total)
{
    assert_true(done <= total);
    int *calls = context;
    return *calls > 0 && --*calls == 0;
}
