/*
 * The input is a list of entries, in any order. They go through the sorter and the builder into a
 * file; every answer of the file must be that of the list. Entries say how much they share with the
 * one before and may repeat their own bytes, so that a short input makes long keys, long lines,
 * deep trees and equal tails.
 */
#define _POSIX_C_SOURCE 200809L

#include "fuzz/place.h"

enum {
    ENTRIES_MAX = 4000,
    KEYS_NBYTES_MAX = 1 << 20,
    KEYS_NBYTES_OFTEN = 96 << 10,
    KEYS_NBYTES_MOSTLY = 6 << 10
};

struct entry {
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    size_t number; /* the order in which they came */
    bool is_path;  /* without a value */
};

struct list {
    struct entry entries[ENTRIES_MAX];
    size_t count;
    uint8_t keys[KEYS_NBYTES_MAX];
    size_t keys_used;
    size_t keys_nbytes_max;
};

struct script {
    const uint8_t *bytes;
    size_t nbytes;
};

static unsigned next_byte(struct script *script)
{
    if (script->nbytes == 0)
        return 0;
    script->nbytes--;
    return *script->bytes++;
}

/* One byte stands for any number of bits: most values of a file are small, but not all. */
static uint64_t next_value(struct script *script)
{
    unsigned bits = next_byte(script);
    uint64_t value = bits < 64 ? 1 : bits;
    return bits < 64 ? (value << bits) - (bits & 1) : value * 0x0101010101010101u >> bits % 8 * 8;
}

/* Reads an entry; false when there is no room for it. */
static bool next_entry(struct script *script, struct list *list)
{
    const struct entry *last = list->count ? &list->entries[list->count - 1] : NULL;
    unsigned kind = next_byte(script);
    size_t shared = next_byte(script);
    size_t own = next_byte(script);
    size_t repeats = 1;
    if (kind & 1)
        shared = SIZE_MAX; /* all of the last key */
    if (kind & 2)
        repeats = 1 + next_byte(script) * (kind & 4 ? 41 : 1);
    if (!last || shared > last->key_nbytes)
        shared = last ? last->key_nbytes : 0;
    if (own > script->nbytes)
        own = script->nbytes;
    size_t room = list->keys_nbytes_max - list->keys_used;
    if (list->count == ENTRIES_MAX || shared + own > room)
        return false;
    if (own * repeats > room - shared)
        repeats = (room - shared) / own;

    uint8_t *key = list->keys + list->keys_used;
    struct entry *entry = &list->entries[list->count];
    if (shared)
        memcpy(key, last->key, shared);
    for (size_t i = 0; own && i < repeats; i++)
        memcpy(key + shared + i * own, script->bytes, own);
    script->bytes += own;
    script->nbytes -= own;
    entry->key = key;
    entry->key_nbytes = shared + own * repeats;
    entry->value = next_value(script);
    entry->number = list->count++;
    entry->is_path = (kind & 24) == 24;
    list->keys_used += entry->key_nbytes;
    return true;
}

static int compare_keys(const struct entry *a, const struct entry *b)
{
    size_t least = a->key_nbytes < b->key_nbytes ? a->key_nbytes : b->key_nbytes;
    int order = memcmp(a->key, b->key, least);
    return order ? order : (a->key_nbytes > b->key_nbytes) - (a->key_nbytes < b->key_nbytes);
}

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = compare_keys(x, y);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* The sorter, told to keep the first of equal keys, must give what qsort() does; values are the
 * numbers of the entries here. Then equal keys leave the list. */
static void sort(struct list *list)
{
    /* So little memory that a few long keys go through files; which folder, TMPDIR says. */
    static const act_sorter_options options = {.duplicates = ACT_DUPLICATES_FIRST,
                                               .memory_nbytes = ACT_SORTER_MEMORY_NBYTES_MIN};
    act_sorter *sorter;
    if (act_sorter_open(&options, &sorter, NULL) != ACT_OK)
        abort();
    for (size_t i = 0; i < list->count; i++)
        FUZZ_EXPECT(act_sorter_add(sorter, list->entries[i].key, list->entries[i].key_nbytes, i,
                                   NULL) == ACT_OK);
    FUZZ_EXPECT(act_sorter_sort(sorter, NULL, NULL, NULL) == ACT_OK);

    qsort(list->entries, list->count, sizeof(list->entries[0]), compare);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!kept || compare_keys(&list->entries[kept - 1], &list->entries[i]) != 0)
            list->entries[kept++] = list->entries[i];
    }
    list->count = kept;

    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        struct entry got = {NULL, 0, 0, 0, false};
        FUZZ_EXPECT(act_sorter_next(sorter, &got.key, &got.key_nbytes, &got.value, NULL) == ACT_OK);
        FUZZ_EXPECT(compare_keys(&got, entry) == 0);
        FUZZ_EXPECT(got.value == entry->number);
    }
    FUZZ_EXPECT(act_sorter_next(sorter, NULL, NULL, NULL, NULL) == ACT_END);
    act_sorter_close(sorter);
}

static act_build_report build(const struct list *list, const char *path, act_layout layout)
{
    const act_builder_options options = {.layout = layout, .no_sync = true};
    act_builder *builder;
    act_build_report report;
    size_t keys = 0;
    if (act_builder_open(path, &options, &builder, NULL) != ACT_OK)
        abort();
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        act_status status = entry->is_path
                                ? act_builder_add_path(builder, entry->key, entry->key_nbytes, NULL)
                                : act_builder_add(builder, entry->key, entry->key_nbytes,
                                                  entry->value, NULL);
        FUZZ_EXPECT(status == ACT_OK);
        keys += !entry->is_path;
        /* A key that came before, or one below it, is refused and changes nothing. */
        const struct entry *before = &list->entries[i / 2];
        FUZZ_EXPECT(act_builder_add(builder, before->key, before->key_nbytes, 0, NULL) ==
                    (before == entry ? ACT_ERR_DUPLICATE : ACT_ERR_ORDER));
    }
    FUZZ_EXPECT(act_builder_finish(builder, &report, NULL) == ACT_OK);
    FUZZ_EXPECT(report.keys == keys);
    act_builder_close(builder);
    return report;
}

struct scan {
    const struct list *list;
    size_t at;
};

static int visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scan *scan = context;
    struct entry got = {key, key_nbytes, value, 0, false};
    while (scan->at < scan->list->count && scan->list->entries[scan->at].is_path)
        scan->at++;
    FUZZ_EXPECT(scan->at < scan->list->count);
    FUZZ_EXPECT(compare_keys(&scan->list->entries[scan->at], &got) == 0);
    FUZZ_EXPECT(scan->list->entries[scan->at].value == value);
    scan->at++;
    return 0;
}

/* What the file says, against the list. */
static void check_map(const act_map *map, const struct list *list, act_layout layout, uint64_t keys)
{
    act_map_info info;
    FUZZ_EXPECT(act_map_verify(map, NULL, NULL, NULL, NULL) == ACT_OK);
    FUZZ_EXPECT(act_map_get_info(map, NULL, NULL, &info, NULL) == ACT_OK);
    FUZZ_EXPECT(info.keys == keys);
    FUZZ_EXPECT(!info.shared || layout == ACT_LAYOUT_COMPACT);
    struct scan scan = {list, 0};
    FUZZ_EXPECT(act_map_scan(map, NULL, visit, &scan, NULL) == ACT_OK);
    while (scan.at < list->count && list->entries[scan.at].is_path)
        scan.at++;
    FUZZ_EXPECT(scan.at == list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        bool has_value = entry->is_path;
        FUZZ_EXPECT(act_map_path_exists(map, entry->key, entry->key_nbytes, &has_value, NULL) ==
                    ACT_OK);
        FUZZ_EXPECT(has_value == !entry->is_path);
    }
}

/* An indexed file is mapped; others are read where a sanitizer sees their ends. */
static void check_file(const struct list *list, const char *path, act_layout layout, uint64_t keys,
                       struct fuzz_told *told)
{
    act_map *map;
    size_t nbytes = 0;
    uint8_t *bytes = NULL;
    bool mapped = layout == ACT_LAYOUT_INDEXED;
    if (!mapped || told->wanted) {
        /* The same bytes, whichever library wrote them. */
        bytes = fuzz_place_read(path, &nbytes);
        fuzz_tell_bytes(told, bytes, nbytes);
    }
    FUZZ_EXPECT((mapped ? act_map_open(path, NULL, &map, NULL)
                        : act_map_open_memory(bytes, nbytes, NULL, &map, NULL)) == ACT_OK);
    check_map(map, list, layout, keys);
    act_map_close(map);
    free(bytes);
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    static const act_layout layouts[] = {ACT_LAYOUT_INDEXED, ACT_LAYOUT_PLAIN, ACT_LAYOUT_COMPACT};
    static struct list list;
    const char *path = fuzz_place("builder");
    struct script script = {data, data_nbytes};
    list.count = 0;
    list.keys_used = 0;
    /* Most inputs are to be quick. Lines have to be long to be written by themselves, and keys many
     * until the sorter takes files, and many more until it merges these in more than one step. */
    list.keys_nbytes_max = data_nbytes % 64 == 0  ? KEYS_NBYTES_MAX
                           : data_nbytes % 64 < 5 ? KEYS_NBYTES_OFTEN
                                                  : KEYS_NBYTES_MOSTLY;
    while (script.nbytes && next_entry(&script, &list))
        continue;
    sort(&list);
    uint64_t file_nbytes = UINT64_MAX;
    /* One input in four builds a file of each layout. */
    for (unsigned i = 0; i < 3; i++) {
        if (data_nbytes % 4 != 0 && i != 1 + data_nbytes % 2)
            continue;
        /* To replace a file takes twice as many calls: one input in eight does it. */
        if (data_nbytes % 8 != 0)
            remove(path);
        act_build_report report = build(&list, path, layouts[i]);
        check_file(&list, path, layouts[i], report.keys, told);
        FUZZ_EXPECT(layouts[i] != ACT_LAYOUT_COMPACT || report.file_nbytes <= file_nbytes);
        file_nbytes = report.file_nbytes;
    }
}
