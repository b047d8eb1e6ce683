#include "verify/heaviest.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/bounds.h"

void act_heaviest_init(struct act_heaviest *heaviest, size_t most)
{
    memset(heaviest, 0, sizeof(*heaviest));
    heaviest->most = most;
}

void act_heaviest_free(struct act_heaviest *heaviest)
{
    for (size_t i = 0; i < heaviest->count; i++)
        free((void *)(uintptr_t)heaviest->items[i].prefix);
    free(heaviest->items);
    memset(heaviest, 0, sizeof(*heaviest));
}

/* Below 0 if `a` comes before `b` in the end. */
static int compare(const void *a, const void *b)
{
    const act_prefix_residency *left = a;
    const act_prefix_residency *right = b;
    if (left->cached_nbytes != right->cached_nbytes)
        return left->cached_nbytes > right->cached_nbytes ? -1 : 1;
    return act_key_compare(left->prefix, left->prefix_nbytes, right->prefix, right->prefix_nbytes);
}

static void swap(act_prefix_residency *a, act_prefix_residency *b)
{
    act_prefix_residency kept = *a;
    *a = *b;
    *b = kept;
}

/* Restores the heap after the item at `at` has become lighter, or is the new last one. */
static void sift_up(act_prefix_residency *items, size_t at)
{
    while (at && compare(&items[at], &items[(at - 1) / 2]) > 0) {
        swap(&items[at], &items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

/* The same after the first has become heavier. */
static void sift_down(act_prefix_residency *items, size_t count)
{
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child < count && child <= 2 * at + 2; child++)
            if (compare(&items[child], &items[least]) > 0)
                least = child;
        if (least == at)
            return;
        swap(&items[at], &items[least]);
        at = least;
    }
}

bool act_heaviest_put(struct act_heaviest *heaviest, const act_prefix_residency *item)
{
    bool full = heaviest->count == heaviest->most;
    if (full && (!heaviest->most || compare(item, &heaviest->items[0]) > 0))
        return true;
    uint8_t *prefix = malloc(item->prefix_nbytes + 1);
    if (!prefix)
        return false;
    if (item->prefix_nbytes)
        memcpy(prefix, item->prefix, item->prefix_nbytes);
    act_prefix_residency copy = *item;
    copy.prefix = prefix;
    if (full) {
        free((void *)(uintptr_t)heaviest->items[0].prefix);
        heaviest->items[0] = copy;
        sift_down(heaviest->items, heaviest->count);
        return true;
    }
    if (!act_reserve(&heaviest->items, &heaviest->capacity, heaviest->count + 1, sizeof(copy))) {
        free(prefix);
        return false;
    }
    heaviest->items[heaviest->count] = copy;
    sift_up(heaviest->items, heaviest->count++);
    return true;
}

void act_heaviest_sort(struct act_heaviest *heaviest)
{
    if (heaviest->count)
        qsort(heaviest->items, heaviest->count, sizeof(*heaviest->items), compare);
}
