/*
 * The script holds keys, each after a byte with its length; an indexed file follows. It is read
 * with its index, and without: a byte of the index's magic is another then. Where verify finds no
 * fault, all answers are the same, whatever the index and the footers of segments say; in any other
 * file both ways are safe, and come to an end.
 */
#include "fuzz/list.h"
#include "fuzz/tree.h"

enum {
    INDEX_AT = 16,
    INDEX_END = 256,
    ROOTS_MAX = 8
};

/* A lookup, told; the answers of both maps are the same where the file is sound. */
static void look_up(const act_map *indexed, const act_map *plain, bool sound, const uint8_t *key,
                    size_t key_nbytes, struct fuzz_told *told)
{
    uint64_t value = 0, plain_value = 0;
    bool has_value = false, plain_has_value = false;
    act_status status = act_map_get(indexed, key, key_nbytes, &value, NULL);
    act_status plain_status = act_map_get(plain, key, key_nbytes, &plain_value, NULL);
    act_status exists = act_map_path_exists(indexed, key, key_nbytes, &has_value, NULL);
    act_status plain_exists = act_map_path_exists(plain, key, key_nbytes, &plain_has_value, NULL);
    fuzz_tell(told, (uint64_t)status);
    fuzz_tell(told, value);
    fuzz_tell(told, (uint64_t)exists);
    if (sound) {
        FUZZ_EXPECT(status == plain_status && value == plain_value);
        FUZZ_EXPECT(exists == plain_exists && has_value == plain_has_value);
    }
}

/* A cursor's way through all children of the places on the way to a key. */
static uint64_t walk(const act_map *map, const uint8_t *key, size_t key_nbytes)
{
    act_cursor *cursor;
    uint64_t sum = 0, mask[4], count = 0;
    if (act_cursor_open(map, NULL, 0, &cursor, NULL) != ACT_OK)
        return 1;
    for (size_t i = 0; i <= key_nbytes; i++) {
        act_cursor_child_mask(cursor, mask);
        for (unsigned word = 0; word < 4; word++)
            sum = (sum ^ mask[word]) * 0x100000001b3u;
        size_t last = act_cursor_child_count(cursor);
        if (last > 1 && act_cursor_descend_indexed_byte(cursor, last - 1, NULL) == ACT_OK) {
            sum += (uint64_t)act_cursor_val_count(cursor, &count, NULL) + count;
            act_cursor_ascend_byte(cursor, NULL);
        }
        if (i < key_nbytes && act_cursor_descend_to_existing_byte(cursor, key[i], NULL) != ACT_OK)
            break;
    }
    act_cursor_close(cursor);
    return sum;
}

struct roots {
    uint64_t roots[ROOTS_MAX];
    size_t count;
};

static int take_root(void *context, uint64_t root, uint64_t file_nbytes)
{
    struct roots *roots = context;
    (void)file_nbytes;
    roots->roots[roots->count++] = root;
    return roots->count == ROOTS_MAX;
}

/* What the file was before is read too; nobody has verified that. */
static void look_back(const act_map *map, struct fuzz_told *told)
{
    static struct fuzz_list list;
    struct roots roots = {.count = 0};
    act_error error;
    act_status status = act_map_history(map, take_root, &roots, &error);
    fuzz_tell_error(told, status, &error);
    for (size_t i = 1; i < roots.count; i++) {
        act_map *former;
        status = act_map_open_former(map, roots.roots[i], &former, &error);
        fuzz_tell_error(told, status, &error);
        FUZZ_EXPECT(status == ACT_OK || status == ACT_ERR_CORRUPT);
        if (status == ACT_OK) {
            fuzz_list_scan(&list, former);
            fuzz_list_tell(&list, told);
            fuzz_tell(told, (uint64_t)act_map_verify(former, NULL, NULL, NULL, NULL));
        }
        act_map_close(former);
    }
}

static void compare(const act_map *indexed, const act_map *plain, bool sound, const uint8_t *keys,
                    size_t keys_nbytes, struct fuzz_told *told)
{
    static struct fuzz_list list, plain_list;
    fuzz_list_scan(&list, indexed);
    fuzz_list_scan(&plain_list, plain);
    fuzz_list_tell(&list, told);
    FUZZ_EXPECT(!sound || fuzz_list_equal(&list, &plain_list));
    for (size_t at = 0; at < keys_nbytes;) {
        size_t nbytes = keys[at++];
        if (nbytes > keys_nbytes - at)
            nbytes = keys_nbytes - at;
        look_up(indexed, plain, sound, keys + at, nbytes, told);
        at += nbytes;
    }
    for (size_t i = 0; i < list.count && i < 60; i++) {
        const struct fuzz_entry *entry = &list.entries[i];
        look_up(indexed, plain, sound, entry->key, entry->key_nbytes, told);
        if (entry->key_nbytes && i % 4 == 0)
            look_up(indexed, plain, sound, entry->key, entry->key_nbytes - 1, told);
        if (i % 16 == 0 && entry->key_nbytes < 200) {
            uint64_t sum = walk(indexed, entry->key, entry->key_nbytes);
            fuzz_tell(told, sum);
            FUZZ_EXPECT(!sound || sum == walk(plain, entry->key, entry->key_nbytes));
        }
    }
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    uint8_t *copy;
    const uint8_t *keys = data;
    size_t keys_nbytes = fuzz_script(data, data_nbytes, &keys);
    size_t front_nbytes = (size_t)(keys - data) + keys_nbytes;
    size_t nbytes = data_nbytes - front_nbytes;
    act_map *map = fuzz_open(data, data_nbytes, front_nbytes, &copy);
    if (map && nbytes > INDEX_END && memcmp(copy + INDEX_AT, "actIndex", 8) == 0) {
        act_map *plain;
        act_verify_report report;
        act_map_stat stat;
        act_error error;
        uint8_t *other = fuzz_copy(copy, nbytes);
        other[INDEX_AT] ^= 1;
        act_status status = act_map_verify(map, NULL, NULL, &report, &error);
        fuzz_tell_error(told, status, &error);
        fuzz_tell(told, report.broken_rule);
        if (act_map_open_memory(other, nbytes, &fuzz_options, &plain, NULL) == ACT_OK) {
            act_map_get_stat(plain, &stat);
            FUZZ_EXPECT(stat.layout == ACT_LAYOUT_PLAIN);
            bool sound = status == ACT_OK && !fuzz_tree_meets_index(copy, nbytes);
            compare(map, plain, sound, keys, keys_nbytes, told);
        }
        act_map_close(plain);
        free(other);
        look_back(map, told);
    }
    act_map_close(map);
    free(copy);
}
