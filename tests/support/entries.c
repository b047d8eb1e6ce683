#include "support/entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/hex.h"
#include "support/scratch.h"

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "test support: %s\n", what);
    exit(99);
}

static struct entry *append(struct entries *entries, const void *key, size_t key_nbytes)
{
    if (entries->count == entries->capacity) {
        entries->capacity = entries->capacity ? 2 * entries->capacity : 16;
        entries->items = realloc(entries->items, entries->capacity * sizeof(*entries->items));
    }
    /* One byte more than needed: malloc may return NULL for 0 bytes. */
    uint8_t *copy = malloc(key_nbytes + 1);
    if (!entries->items || !copy)
        fail("out of memory");
    if (key_nbytes)
        memcpy(copy, key, key_nbytes);
    struct entry *entry = &entries->items[entries->count++];
    entry->key = copy;
    entry->key_nbytes = key_nbytes;
    return entry;
}

void entries_add(struct entries *entries, const void *key, size_t key_nbytes, uint64_t value)
{
    struct entry *entry = append(entries, key, key_nbytes);
    entry->value = value;
    entry->has_value = true;
}

void entries_add_path(struct entries *entries, const void *path, size_t path_nbytes)
{
    struct entry *entry = append(entries, path, path_nbytes);
    entry->value = 0;
    entry->has_value = false;
}

void entries_append(struct entries *entries, const struct entries *other)
{
    for (size_t i = 0; i < other->count; i++) {
        const struct entry *from = &other->items[i];
        struct entry *entry = append(entries, from->key, from->key_nbytes);
        entry->value = from->value;
        entry->has_value = from->has_value;
    }
}

int entries_compare(const void *a, size_t a_nbytes, const void *b, size_t b_nbytes)
{
    size_t shared = a_nbytes < b_nbytes ? a_nbytes : b_nbytes;
    int order = shared ? memcmp(a, b, shared) : 0;
    if (order)
        return order;
    return a_nbytes < b_nbytes ? -1 : a_nbytes > b_nbytes;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return entries_compare(x->key, x->key_nbytes, y->key, y->key_nbytes);
}

/* qsort may swap equals: a stable order takes the index along. */
struct numbered {
    struct entry entry;
    size_t index;
};

static int compare_numbered(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    int order = compare_entries(&x->entry, &y->entry);
    return order ? order : x->index < y->index ? -1 : 1;
}

void entries_sort(struct entries *entries)
{
    size_t count = entries->count;
    struct numbered *all = malloc((count + 1) * sizeof(*all));
    if (!all)
        fail("out of memory");
    for (size_t i = 0; i < count; i++) {
        all[i].entry = entries->items[i];
        all[i].index = i;
    }
    qsort(all, count, sizeof(*all), compare_numbered);
    entries->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && compare_entries(&all[i].entry, &all[i + 1].entry) == 0)
            free(all[i].entry.key);
        else
            entries->items[entries->count++] = all[i].entry;
    }
    free(all);
}

void entries_drop_paths(struct entries *entries)
{
    size_t kept = 0;
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].has_value)
            entries->items[kept++] = entries->items[i];
        else
            free(entries->items[i].key);
    }
    entries->count = kept;
}

void entries_change(struct entries *entries, const struct entries *changes)
{
    entries_append(entries, changes);
    entries_sort(entries);
    entries_drop_paths(entries);
}

void entries_read_tsv(struct entries *entries, const char *path)
{
    size_t nbytes;
    char *text = (char *)scratch_read(path, &nbytes);
    for (char *line = text; *line;) {
        char *tab = strchr(line, '\t');
        char *end = strchr(line, '\n');
        if (!tab || !end || tab > end)
            fail("a line of a .tsv file without a tab, or without an end");
        size_t key_nbytes = (size_t)(tab - line) / 2;
        uint8_t *key = malloc(key_nbytes + 1);
        if (!key || !hex_decode(line, (size_t)(tab - line), key))
            fail("a key of a .tsv file that is not hex");
        if (tab[1] == '-')
            entries_add_path(entries, key, key_nbytes);
        else
            entries_add(entries, key, key_nbytes, strtoull(tab + 1, NULL, 10));
        free(key);
        line = end + 1;
    }
    free(text);
}

void entries_free(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->items[i].key);
    free(entries->items);
    memset(entries, 0, sizeof(*entries));
}

size_t entries_lower_bound(const struct entries *entries, const void *key, size_t key_nbytes)
{
    size_t low = 0, high = entries->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entry *entry = &entries->items[middle];
        if (entries_compare(entry->key, entry->key_nbytes, key, key_nbytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t entries_prefix_end(const struct entries *entries, const void *prefix, size_t prefix_nbytes)
{
    size_t low = entries_lower_bound(entries, prefix, prefix_nbytes), high = entries->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries_begins_with(&entries->items[middle], prefix, prefix_nbytes))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct entry *entries_find(const struct entries *entries, const void *key, size_t key_nbytes)
{
    size_t at = entries_lower_bound(entries, key, key_nbytes);
    if (at == entries->count)
        return NULL;
    const struct entry *entry = &entries->items[at];
    return entries_compare(entry->key, entry->key_nbytes, key, key_nbytes) == 0 ? entry : NULL;
}

bool entries_begins_with(const struct entry *entry, const void *prefix, size_t prefix_nbytes)
{
    return entry->key_nbytes >= prefix_nbytes &&
           (prefix_nbytes == 0 || memcmp(entry->key, prefix, prefix_nbytes) == 0);
}
