/*
 * Entries for a sorter, and what it must make of them: a plain list that qsort() sorts.
 */
#ifndef TESTS_SUPPORT_SORTED_LIST_H
#define TESTS_SUPPORT_SORTED_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "support/random.h"

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

struct list list_open(size_t count_max, size_t keys_nbytes_max);
void list_close(struct list *list);

/* Appends an entry whose key the caller has written behind the keys that there are. */
void list_add(struct list *list, size_t key_nbytes, uint64_t value);

/* Shapes of keys: short ones of few letters, most of them many times; long ones with long common
 * starts; any bytes. */
enum {
    LIST_SHAPES = 3
};
struct list list_make(unsigned shape, size_t keys_nbytes, uint64_t seed);

/* Sorts the items, by their arrival where keys are equal. */
void list_sort(struct list *list);

/* A sorter to which all has been added. */
act_sorter *list_fill_sorter(const struct list *list, const act_sorter_options *options);

/* Takes all from a sorter, and compares it with the list, which is sorted. Closes the sorter. */
void list_check_sorted(const struct list *list, act_sorter *sorter, act_duplicates duplicates);

/* All of that: sorts, and compares with the list, which is in order afterwards. */
act_sort_report list_check(struct list *list, const act_sorter_options *options);

/* A progress of sorting that stops it at its nth call, of which there are `*(int *)context` to
 * come; 0: never. */
int list_count_down(void *context, uint64_t done, uint64_t total);

#endif
