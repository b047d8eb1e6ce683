/* Some entries of a map, copied: what a scan gives until it is stopped. */
#ifndef FUZZ_LIST_H
#define FUZZ_LIST_H

#include "fuzz/input.h"

enum {
    FUZZ_LIST_MAX = 200,
    FUZZ_LIST_NBYTES_MAX = 1 << 17
};

struct fuzz_entry {
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
};

struct fuzz_list {
    struct fuzz_entry entries[FUZZ_LIST_MAX];
    size_t count;
    size_t used;
    act_status status; /* how the scan ended: ACT_OK if this is all of the map */
    act_error error;
    uint8_t keys[FUZZ_LIST_NBYTES_MAX];
};

/* Adds an entry; false if there is no room. */
static inline bool fuzz_list_add(struct fuzz_list *list, const uint8_t *key, size_t key_nbytes,
                                 uint64_t value)
{
    if (list->count == FUZZ_LIST_MAX || key_nbytes > sizeof(list->keys) - list->used)
        return false;
    uint8_t *copy = list->keys + list->used;
    if (key_nbytes)
        memcpy(copy, key, key_nbytes);
    list->used += key_nbytes;
    list->entries[list->count++] = (struct fuzz_entry){copy, key_nbytes, value};
    return true;
}

static inline int fuzz_list_visit(void *context, const uint8_t *key, size_t key_nbytes,
                                  uint64_t value)
{
    return !fuzz_list_add(context, key, key_nbytes, value);
}

static inline void fuzz_list_scan(struct fuzz_list *list, const act_map *map)
{
    list->count = 0;
    list->used = 0;
    list->status = act_map_scan(map, NULL, fuzz_list_visit, list, &list->error);
    FUZZ_EXPECT(list->status == ACT_OK || list->status == ACT_STOPPED ||
                list->status == ACT_ERR_CORRUPT || list->status == ACT_ERR_LIMIT);
}

static inline bool fuzz_list_equal(const struct fuzz_list *a, const struct fuzz_list *b)
{
    if (a->count != b->count || a->status != b->status)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct fuzz_entry *x = &a->entries[i], *y = &b->entries[i];
        if (x->value != y->value || fuzz_compare(x->key, x->key_nbytes, y->key, y->key_nbytes) != 0)
            return false;
    }
    return true;
}

static inline void fuzz_list_tell(const struct fuzz_list *list, struct fuzz_told *told)
{
    for (size_t i = 0; i < list->count; i++) {
        fuzz_tell_bytes(told, list->entries[i].key, list->entries[i].key_nbytes);
        fuzz_tell(told, list->entries[i].value);
    }
    fuzz_tell_error(told, list->status, &list->error);
}

#endif
