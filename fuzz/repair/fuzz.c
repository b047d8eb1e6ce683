/*
 * The input is a file, as hostile as may be, which is repaired into a new one: heeding checksums,
 * and where there are some, without. A repair says that there is nothing to salvage, and leaves
 * nothing, or what it writes is sound. Each of its entries is one that lookups in the damaged file
 * find, at the root that the repair tells of; what a scan there finds is salvaged, or told as lost.
 * A file without damage loses nothing.
 */
#define _POSIX_C_SOURCE 200809L

#include "fuzz/place.h"

#include "fuzz/list.h"
#include "fuzz/tree.h"

enum {
    ROOT_AT = 8,
    INDEX_AT = 16,
    RANGES_MAX = 200,
    RANGE_KEY_NBYTES_MAX = 1 << 14,
    STEPS_MAX = 1 << 12
};

/* Keys that were lost, from the first on, and below the end. */
struct range {
    const uint8_t *first;
    size_t first_nbytes;
    const uint8_t *end; /* NULL: all */
    size_t end_nbytes;
};

struct lost {
    struct range ranges[RANGES_MAX];
    size_t count;
    uint64_t told; /* with those for which there was no room */
    bool by_limit; /* some are only too long */
    bool all;      /* there was room for all */
    size_t used;
    uint8_t keys[4 * RANGE_KEY_NBYTES_MAX];
    uint64_t blocks, blocks_nbytes, blocks_end;
};

static const uint8_t *keep(struct lost *lost, const uint8_t *key, size_t key_nbytes)
{
    uint8_t *copy = lost->keys + lost->used;
    if (key_nbytes)
        memcpy(copy, key, key_nbytes);
    lost->used += key_nbytes;
    return copy;
}

static int take_block(void *context, const act_bad_block *block)
{
    struct lost *lost = context;
    FUZZ_EXPECT(block->nbytes > 0 && (lost->blocks == 0 || block->offset >= lost->blocks_end));
    FUZZ_EXPECT(lost->told == 0);
    lost->blocks++;
    lost->blocks_nbytes += block->nbytes;
    lost->blocks_end = block->offset + block->nbytes;
    return 0;
}

/* Ranges are not empty, and each is above the one before. */
static int take_range(void *context, const act_lost_keys *keys)
{
    struct lost *lost = context;
    lost->told++;
    lost->by_limit |= keys->rule == ACT_RULE_NONE;
    FUZZ_EXPECT(!keys->end ||
                fuzz_compare(keys->first, keys->first_nbytes, keys->end, keys->end_nbytes) < 0);
    if (lost->count == RANGES_MAX ||
        keys->first_nbytes + keys->end_nbytes > sizeof(lost->keys) - lost->used) {
        lost->all = false;
        return 0;
    }
    struct range *range = &lost->ranges[lost->count];
    if (lost->all && lost->count++ > 0)
        FUZZ_EXPECT(range[-1].end && fuzz_compare(range[-1].end, range[-1].end_nbytes, keys->first,
                                                  keys->first_nbytes) <= 0);
    range->first = keep(lost, keys->first, keys->first_nbytes);
    range->first_nbytes = keys->first_nbytes;
    range->end = keys->end ? keep(lost, keys->end, keys->end_nbytes) : NULL;
    range->end_nbytes = keys->end_nbytes;
    return 0;
}

static bool is_lost(const struct lost *lost, const struct fuzz_entry *entry)
{
    for (size_t i = 0; i < lost->count; i++) {
        const struct range *range = &lost->ranges[i];
        if (fuzz_compare(range->first, range->first_nbytes, entry->key, entry->key_nbytes) <= 0 &&
            (!range->end ||
             fuzz_compare(entry->key, entry->key_nbytes, range->end, range->end_nbytes) < 0))
            return true;
    }
    return false;
}

/* The damaged file as the repair saw it: beginning at that root, without an index, which a repair
 * asks for checksums and tables alone. NULL if it cannot be opened, or something of the tree lies
 * where that was changed. */
static act_map *open_salvaged(const uint8_t *data, size_t nbytes, uint64_t root, uint8_t **copy_ret)
{
    act_map *map = NULL;
    *copy_ret = fuzz_copy(data, nbytes);
    memcpy(*copy_ret, "ACTree03", 8);
    fuzz_put_u64(*copy_ret + ROOT_AT, root);
    if (nbytes > INDEX_AT + 8 && memcmp(data + INDEX_AT, "actIndex", 8) == 0) {
        if (fuzz_tree_meets_index(*copy_ret, nbytes))
            return NULL;
        (*copy_ret)[INDEX_AT] ^= 1;
    }
    (void)act_map_open_memory(*copy_ret, nbytes, &fuzz_options, &map, NULL);
    return map;
}

/* Whether there may be an index, at the beginning or a copy of one. */
static bool has_index(const uint8_t *data, size_t nbytes)
{
    for (size_t at = INDEX_AT; at + 8 <= nbytes; at++) {
        if (memcmp(data + at, "actIndex", 8) == 0)
            return true;
    }
    return false;
}

/*
 * What was salvaged, against what the damaged file gives. `jumps`: it has jump tables, by which a
 * repair goes past a node whose length is damaged, while lookups and scans believe that length; so
 * where something was lost they may come to other nodes.
 */
static void compare(const act_map *damaged, const struct fuzz_list *salvaged,
                    const struct lost *lost, bool jumps)
{
    bool same = !jumps || lost->told == 0;
    static struct fuzz_list list;
    for (size_t i = 0; i < salvaged->count; i++) {
        const struct fuzz_entry *entry = &salvaged->entries[i];
        uint64_t value = 0;
        act_status status = act_map_get(damaged, entry->key, entry->key_nbytes, &value, NULL);
        /* A sibling that is damaged stops a lookup, and not a repair. */
        FUZZ_EXPECT(!same || status == ACT_ERR_CORRUPT ||
                    (status == ACT_OK && value == entry->value));
        FUZZ_EXPECT(!is_lost(lost, entry));
    }
    fuzz_list_scan(&list, damaged);
    if (!same || salvaged->status != ACT_OK || !lost->all)
        return;
    for (size_t i = 0, j = 0; i < list.count; i++) {
        const struct fuzz_entry *entry = &list.entries[i];
        while (j < salvaged->count &&
               fuzz_compare(salvaged->entries[j].key, salvaged->entries[j].key_nbytes, entry->key,
                            entry->key_nbytes) < 0)
            j++;
        if (is_lost(lost, entry))
            continue;
        FUZZ_EXPECT(j < salvaged->count);
        FUZZ_EXPECT(fuzz_compare(salvaged->entries[j].key, salvaged->entries[j].key_nbytes,
                                 entry->key, entry->key_nbytes) == 0);
        FUZZ_EXPECT(salvaged->entries[j].value == entry->value);
    }
}

/* The new file is sound; its entries become the list. */
static void check_written(const char *path, const act_repair_report *report,
                          struct fuzz_list *salvaged, struct fuzz_told *told)
{
    size_t nbytes;
    uint8_t *bytes = fuzz_place_read(path, &nbytes);
    act_map *map;
    fuzz_tell_bytes(told, bytes, nbytes);
    FUZZ_EXPECT(act_map_open_memory(bytes, nbytes, NULL, &map, NULL) == ACT_OK);
    FUZZ_EXPECT(fuzz_is_sound(map, bytes, nbytes));
    FUZZ_EXPECT(report->built.keys == report->keys && report->built.file_nbytes == nbytes);
    fuzz_list_scan(salvaged, map);
    FUZZ_EXPECT(salvaged->status != ACT_ERR_CORRUPT);
    FUZZ_EXPECT(salvaged->status != ACT_OK || salvaged->count == report->keys);
    act_map_close(map);
    free(bytes);
}

static act_status repair(const char *from, const char *to, bool unchecked, unsigned layout,
                         struct lost *lost, act_repair_report *report, act_error *error)
{
    static const act_layout layouts[] = {ACT_LAYOUT_PLAIN, ACT_LAYOUT_COMPACT, ACT_LAYOUT_PLAIN,
                                         ACT_LAYOUT_INDEXED};
    const act_repair_options options = {.build = {.layout = layouts[layout % 4], .no_sync = true},
                                        .unchecked = unchecked,
                                        .key_nbytes_max = fuzz_options.key_nbytes_max,
                                        .steps_max = STEPS_MAX,
                                        .on_bad_block = take_block,
                                        .on_lost_keys = take_range,
                                        .context = lost};
    memset(lost, 0, offsetof(struct lost, keys));
    lost->blocks = 0;
    lost->blocks_nbytes = 0;
    lost->all = true;
    act_status status = act_repair(from, to, &options, report, error);
    FUZZ_EXPECT(status == ACT_OK || status == ACT_ERR_CORRUPT || status == ACT_ERR_FORMAT ||
                status == ACT_ERR_TRUNCATED || status == ACT_ERR_LIMIT);
    FUZZ_EXPECT((access(to, F_OK) == 0) == (status == ACT_OK));
    FUZZ_EXPECT(report->bad_blocks == lost->blocks && report->bad_nbytes == lost->blocks_nbytes);
    return status;
}

/* Repairs and looks at what came of it; whether there were checksums to heed. */
static bool repair_and_check(const uint8_t *data, size_t nbytes, bool sound, bool unchecked,
                             struct fuzz_told *told)
{
    static struct lost lost;
    static struct fuzz_list salvaged;
    const char *from = fuzz_place("damaged"), *to = fuzz_place("repaired");
    act_repair_report report;
    act_error error;
    act_status status = repair(from, to, unchecked, (unsigned)nbytes, &lost, &report, &error);
    fuzz_tell_error(told, status, &error);
    fuzz_tell(told, report.broken_rule);
    fuzz_tell(told, report.bad_blocks);
    fuzz_tell(told, report.root);
    fuzz_tell(told, report.keys);
    fuzz_tell(told, report.dangling_paths);
    fuzz_tell(told, report.lost_ranges);
    FUZZ_EXPECT(sound == !report.damaged);
    FUZZ_EXPECT(!sound || status == ACT_OK || status == ACT_ERR_LIMIT);
    if (status != ACT_OK)
        return report.checksummed;
    FUZZ_EXPECT(report.lost_ranges == lost.told && report.root < nbytes);
    check_written(to, &report, &salvaged, told);
    FUZZ_EXPECT(!sound || !report.root_is_former);
    FUZZ_EXPECT(!sound || lost.told == 0 || lost.by_limit);
    uint8_t *copy;
    act_map *damaged = open_salvaged(data, nbytes, report.root, &copy);
    if (damaged)
        compare(damaged, &salvaged, &lost, has_index(data, nbytes));
    act_map_close(damaged);
    free(copy);
    FUZZ_EXPECT(remove(to) == 0);
    return report.checksummed;
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    uint8_t *copy;
    const char *from = fuzz_place("damaged");
    act_map *map = fuzz_open(data, data_nbytes, 0, &copy);
    bool sound = map && act_map_verify(map, NULL, NULL, NULL, NULL) == ACT_OK;
    act_map_close(map);
    free(copy);
    fuzz_place_write(from, data, data_nbytes);
    if (repair_and_check(data, data_nbytes, sound, false, told))
        repair_and_check(data, data_nbytes, sound, true, told);
    size_t nbytes;
    copy = fuzz_place_read(from, &nbytes);
    FUZZ_EXPECT(nbytes == data_nbytes && (nbytes == 0 || memcmp(copy, data, nbytes) == 0));
    free(copy);
}
