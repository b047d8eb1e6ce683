/*
 * The input is two files. Their difference is what scans of both say, where these come to an end; a
 * map does not differ from itself, nor from the same bytes opened twice. Where the second file has
 * a history, the difference to a former root is the same whether the maps know what they share or
 * not.
 */
#include "fuzz/list.h"

enum {
    CHANGES_MAX = 300
};

struct change {
    bool in_from, in_to;
    uint64_t from_value, to_value;
    size_t key_nbytes;
    const uint8_t *key;
};

struct changes {
    struct change items[CHANGES_MAX];
    size_t count;
    size_t used;
    bool sound; /* both maps are */
    act_status status;
    act_error error;
    uint8_t keys[FUZZ_LIST_NBYTES_MAX];
};

static int visit(void *context, const act_change *change)
{
    struct changes *changes = context;
    FUZZ_EXPECT(change->in_from || change->in_to);
    FUZZ_EXPECT(change->in_from || change->from_value == 0);
    FUZZ_EXPECT(change->in_to || change->to_value == 0);
    FUZZ_EXPECT(!change->in_from || !change->in_to || change->from_value != change->to_value);
    if (changes->count == CHANGES_MAX || change->key_nbytes > sizeof(changes->keys) - changes->used)
        return 1;
    if (changes->sound && changes->count) {
        const struct change *last = &changes->items[changes->count - 1];
        FUZZ_EXPECT(fuzz_compare(last->key, last->key_nbytes, change->key, change->key_nbytes) < 0);
    }
    uint8_t *key = changes->keys + changes->used;
    if (change->key_nbytes)
        memcpy(key, change->key, change->key_nbytes);
    changes->used += change->key_nbytes;
    changes->items[changes->count++] = (struct change){change->in_from,    change->in_to,
                                                       change->from_value, change->to_value,
                                                       change->key_nbytes, key};
    return 0;
}

static void find(struct changes *changes, const act_map *from, const act_map *to, bool sound)
{
    changes->count = 0;
    changes->used = 0;
    changes->sound = sound;
    changes->status = act_map_diff(from, to, visit, changes, &changes->error);
    FUZZ_EXPECT(changes->status == ACT_OK || changes->status == ACT_STOPPED ||
                changes->status == ACT_ERR_LIMIT || (changes->status == ACT_ERR_CORRUPT && !sound));
}

static void tell(const struct changes *changes, struct fuzz_told *told)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->items[i];
        fuzz_tell_bytes(told, change->key, change->key_nbytes);
        fuzz_tell(told, change->from_value);
        fuzz_tell(told, change->to_value);
    }
    fuzz_tell_error(told, changes->status, &changes->error);
}

/* By what is in the lists, which are all of both maps. */
static void expect(const struct changes *changes, const struct fuzz_list *from,
                   const struct fuzz_list *to)
{
    size_t at = 0;
    for (size_t i = 0, j = 0; i < from->count || j < to->count;) {
        const struct fuzz_entry *x = &from->entries[i], *y = &to->entries[j];
        int order = i == from->count ? 1
                    : j == to->count ? -1
                                     : fuzz_compare(x->key, x->key_nbytes, y->key, y->key_nbytes);
        bool differ = order != 0 || x->value != y->value;
        if (differ && at < CHANGES_MAX) {
            FUZZ_EXPECT(at < changes->count);
            const struct change *change = &changes->items[at];
            const struct fuzz_entry *entry = order <= 0 ? x : y;
            FUZZ_EXPECT(change->in_from == (order <= 0) && change->in_to == (order >= 0));
            FUZZ_EXPECT(order > 0 || change->from_value == x->value);
            FUZZ_EXPECT(order < 0 || change->to_value == y->value);
            FUZZ_EXPECT(
                fuzz_compare(change->key, change->key_nbytes, entry->key, entry->key_nbytes) == 0);
        }
        at += differ;
        i += order <= 0;
        j += order >= 0;
    }
    FUZZ_EXPECT(at == changes->count || (at > CHANGES_MAX && changes->status == ACT_STOPPED));
}

static bool is_sound(const act_map *map)
{
    return act_map_verify(map, NULL, NULL, NULL, NULL) == ACT_OK;
}

struct former {
    const act_map *map;
    uint64_t root;
};

static int take_root(void *context, uint64_t root, uint64_t file_nbytes)
{
    struct former *former = context;
    (void)file_nbytes;
    former->root = root;
    return 0; /* the oldest there is */
}

/* The difference to what the file was at first, with what both share known and not known. */
static void look_back(const act_map *map, const uint8_t *bytes, size_t nbytes,
                      struct fuzz_told *told)
{
    static struct changes changes, apart;
    struct former former = {.map = map};
    act_map *first, *far;
    act_open_options options = fuzz_options;
    if (act_map_history(map, take_root, &former, NULL) != ACT_OK ||
        act_map_open_former(map, former.root, &first, NULL) != ACT_OK)
        return;
    bool sound = is_sound(first) && is_sound(map);
    find(&changes, first, map, sound);
    tell(&changes, told);
    options.root = former.root;
    uint8_t *copy = fuzz_copy(bytes, nbytes);
    FUZZ_EXPECT(act_map_open_memory(copy, nbytes, &options, &far, NULL) == ACT_OK);
    find(&apart, far, map, sound);
    /* Steps are counted by either way of its own. */
    if (sound && changes.status == ACT_OK && apart.status == ACT_OK) {
        FUZZ_EXPECT(changes.count == apart.count);
        for (size_t i = 0; i < changes.count; i++)
            FUZZ_EXPECT(changes.items[i].from_value == apart.items[i].from_value &&
                        changes.items[i].to_value == apart.items[i].to_value);
    }
    act_map_close(far);
    free(copy);
    act_map_close(first);
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    static struct changes changes;
    static struct fuzz_list from_list, to_list;
    const uint8_t *first = data;
    size_t first_nbytes = fuzz_script(data, data_nbytes, &first);
    size_t front_nbytes = (size_t)(first - data) + first_nbytes;
    uint8_t *from_bytes, *to_bytes;
    act_map *from = fuzz_open(first, first_nbytes, 0, &from_bytes);
    act_map *to = fuzz_open(data, data_nbytes, front_nbytes, &to_bytes);
    if (from && to) {
        bool sound = is_sound(from) && is_sound(to);
        find(&changes, from, to, sound);
        tell(&changes, told);
        fuzz_list_scan(&from_list, from);
        fuzz_list_scan(&to_list, to);
        if (sound && from_list.status == ACT_OK && to_list.status == ACT_OK &&
            changes.status != ACT_ERR_LIMIT)
            expect(&changes, &from_list, &to_list);
    }
    if (to) {
        find(&changes, to, to, is_sound(to));
        FUZZ_EXPECT(changes.count == 0);
        look_back(to, to_bytes, data_nbytes - front_nbytes, told);
    }
    act_map_close(from);
    act_map_close(to);
    free(from_bytes);
    free(to_bytes);
}
