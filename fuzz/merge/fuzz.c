/*
 * The script is a byte, and edits of keys; the file to merge into follows, as hostile as may be.
 * Either the merge is refused, and the file has the bytes that it had; or the file holds what it
 * held, with the edits, and what it was before is in its history. A sound file stays sound. If it
 * was to be verified first, no other is merged into.
 */
#define _POSIX_C_SOURCE 200809L

#include "fuzz/place.h"

#include "fuzz/list.h"

enum {
    EDITS_MAX = 40,
    KEY_NBYTES_MAX = 300,
    ROOTS_MAX = 64
};

struct edit {
    size_t key_nbytes;
    uint64_t value;
    bool removes;
    uint8_t key[KEY_NBYTES_MAX];
};

/* A file, and what is known of it. */
struct file {
    uint8_t *bytes;
    size_t nbytes;
    bool sound;
    act_error error;       /* if it is not */
    struct fuzz_list list; /* its entries, or some */
    uint64_t roots[ROOTS_MAX];
    size_t root_count;
    act_status history;
};

static int take_root(void *context, uint64_t root, uint64_t file_nbytes)
{
    struct file *file = context;
    FUZZ_EXPECT(file_nbytes <= file->nbytes);
    file->roots[file->root_count++] = root;
    return file->root_count == ROOTS_MAX;
}

/* Looks at the bytes. False if no map can be opened. */
static bool look_at(struct file *file)
{
    act_map *map;
    if (act_map_open_memory(file->bytes, file->nbytes, &fuzz_options, &map, NULL) != ACT_OK)
        return false;
    file->sound = act_map_verify(map, NULL, NULL, NULL, &file->error) == ACT_OK;
    fuzz_list_scan(&file->list, map);
    file->root_count = 0;
    file->history = act_map_history(map, take_root, file, NULL);
    act_map_close(map);
    return true;
}

/* Reads edits: what a key shares with one of the file's, its own bytes, and what is done. */
static size_t read_edits(const uint8_t *script, size_t nbytes, const struct fuzz_list *list,
                         struct edit *edits)
{
    size_t count = 0;
    while (count < EDITS_MAX && nbytes >= 4) {
        struct edit *edit = &edits[count++];
        size_t own = script[0] & 15, kept = 0;
        edit->removes = script[0] & 16;
        edit->value = script[3] < 200 ? script[3] : (uint64_t)script[3] << (script[3] - 200);
        if (list->count && !(script[0] & 32)) {
            const struct fuzz_entry *entry = &list->entries[script[1] % list->count];
            kept = script[2] < 128 || entry->key_nbytes == 0 ? entry->key_nbytes
                                                             : script[2] % entry->key_nbytes;
            if (kept > KEY_NBYTES_MAX - 16)
                kept = KEY_NBYTES_MAX - 16;
            if (kept)
                memcpy(edit->key, entry->key, kept);
        }
        script += 4;
        nbytes -= 4;
        if (own > nbytes)
            own = nbytes;
        if (own)
            memcpy(edit->key + kept, script, own);
        edit->key_nbytes = kept + own;
        script += own;
        nbytes -= own;
    }
    return count;
}

static int compare_edits(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    return fuzz_compare(x->key, x->key_nbytes, y->key, y->key_nbytes);
}

/* In order, each key once. */
static size_t sort_edits(struct edit *edits, size_t count)
{
    size_t kept = 0;
    qsort(edits, count, sizeof(*edits), compare_edits);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_edits(&edits[kept - 1], &edits[i]) != 0) {
            if (kept != i)
                edits[kept] = edits[i];
            kept++;
        }
    }
    return kept;
}

static act_status merge(const char *path, const struct edit *edits, size_t count, bool verify,
                        act_merge_report *report, act_error *error)
{
    const act_merge_options options = {.no_sync = true, .verify = verify};
    act_merge *merge;
    act_status status = act_merge_open(path, &options, &merge, error);
    FUZZ_EXPECT((status == ACT_OK) == (merge != NULL));
    for (size_t i = 0; status == ACT_OK && i < count; i++) {
        const struct edit *edit = &edits[i];
        status = edit->removes
                     ? act_merge_remove(merge, edit->key, edit->key_nbytes, error)
                     : act_merge_set(merge, edit->key, edit->key_nbytes, edit->value, error);
        /* The one before is refused now, and changes nothing. */
        if (status == ACT_OK && i > 0)
            FUZZ_EXPECT(act_merge_set(merge, edits[i - 1].key, edits[i - 1].key_nbytes, 1, NULL) ==
                        ACT_ERR_ORDER);
    }
    if (status == ACT_OK)
        status = act_merge_finish(merge, report, error);
    act_merge_close(merge);
    return status;
}

/* What the list becomes, which was all of the map, and what is to be reported. False if it does not
 * fit. */
static bool apply(const struct fuzz_list *list, const struct edit *edits, size_t count,
                  struct fuzz_list *after, act_merge_report *report)
{
    bool fits = true;
    memset(report, 0, sizeof(*report));
    after->count = 0;
    after->used = 0;
    after->status = ACT_OK;
    for (size_t i = 0, j = 0; i < list->count || j < count;) {
        const struct fuzz_entry *entry = &list->entries[i];
        const struct edit *edit = &edits[j];
        int order = i == list->count ? 1
                    : j == count
                        ? -1
                        : fuzz_compare(entry->key, entry->key_nbytes, edit->key, edit->key_nbytes);
        if (order < 0)
            fits &= fuzz_list_add(after, entry->key, entry->key_nbytes, entry->value);
        else if (!edit->removes)
            fits &= fuzz_list_add(after, edit->key, edit->key_nbytes, edit->value);
        if (order > 0)
            *(edit->removes ? &report->missing : &report->added) += 1;
        if (order == 0)
            *(edit->removes                 ? &report->removed
              : edit->value == entry->value ? &report->unchanged
                                            : &report->replaced) += 1;
        i += order <= 0;
        j += order >= 0;
    }
    return fits;
}

/* A map of the new bytes finds each edit done. */
static void find_edits(const struct file *after, const struct edit *edits, size_t count)
{
    act_map *map;
    FUZZ_EXPECT(act_map_open_memory(after->bytes, after->nbytes, NULL, &map, NULL) == ACT_OK);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;
        act_status status = act_map_get(map, edits[i].key, edits[i].key_nbytes, &value, NULL);
        /* What a damaged file says of a key that is not there may be another thing than what it
         * says once the nodes on the way to it were written anew. */
        if (!after->sound && (edits[i].removes || status == ACT_ERR_CORRUPT))
            continue;
        FUZZ_EXPECT(status == (edits[i].removes ? ACT_NOT_FOUND : ACT_OK));
        FUZZ_EXPECT(edits[i].removes || value == edits[i].value);
    }
    act_map_close(map);
}

static void check_merged(const struct file *before, const struct file *after,
                         const act_merge_report *report, const struct edit *edits, size_t count)
{
    static struct fuzz_list expected;
    act_merge_report wanted;
    bool changed = report->root != report->previous_root;
    FUZZ_EXPECT(report->file_nbytes == after->nbytes);
    FUZZ_EXPECT(report->previous_root == before->roots[0]);
    if (changed) {
        /* Nothing that was there and counted is another now. */
        size_t kept = after->nbytes - (size_t)report->appended_nbytes;
        FUZZ_EXPECT(kept <= before->nbytes && memcmp(before->bytes, after->bytes, 8) == 0);
        FUZZ_EXPECT(kept >= 16 && memcmp(before->bytes + 16, after->bytes + 16, kept - 16) == 0);
    }
    find_edits(after, edits, count);
    if (!before->sound)
        return;
    if (!after->sound)
        fprintf(stderr, "%s\n", after->error.text);
    FUZZ_EXPECT(after->sound);
    if (before->list.status == ACT_OK && apply(&before->list, edits, count, &expected, &wanted)) {
        FUZZ_EXPECT(report->added == wanted.added && report->removed == wanted.removed);
        FUZZ_EXPECT(report->missing == wanted.missing && report->replaced == wanted.replaced);
        FUZZ_EXPECT(report->unchanged == wanted.unchanged);
        FUZZ_EXPECT(after->list.status != ACT_OK || fuzz_list_equal(&after->list, &expected));
    }
    if (before->history == ACT_OK && changed && before->root_count < ROOTS_MAX - 1) {
        FUZZ_EXPECT(after->history == ACT_OK && after->root_count == before->root_count + 1);
        for (size_t i = 0; i < before->root_count; i++)
            FUZZ_EXPECT(after->roots[i + 1] == before->roots[i]);
    }
}

/* Merges into the file; what it is then takes its place. False if that was refused. */
static bool merge_and_check(struct file *file, const struct edit *edits, size_t count, bool verify,
                            struct fuzz_told *told)
{
    static struct file after;
    const char *path = fuzz_place("merge");
    act_merge_report report = {0};
    act_error error;
    fuzz_place_write(path, file->bytes, file->nbytes);
    bool opens = look_at(file);
    act_status status = merge(path, edits, count, verify, &report, &error);
    fuzz_tell_error(told, status, &error);
    after.bytes = fuzz_place_read(path, &after.nbytes);
    fuzz_tell_bytes(told, after.bytes, after.nbytes);
    if (status != ACT_OK) {
        FUZZ_EXPECT(status == ACT_ERR_CORRUPT || status == ACT_ERR_FORMAT ||
                    status == ACT_ERR_TRUNCATED);
        FUZZ_EXPECT(after.nbytes == file->nbytes);
        FUZZ_EXPECT(file->nbytes == 0 || memcmp(after.bytes, file->bytes, file->nbytes) == 0);
        free(after.bytes);
        return false;
    }
    FUZZ_EXPECT(opens && (file->sound || !verify));
    FUZZ_EXPECT(look_at(&after));
    check_merged(file, &after, &report, edits, count);
    free(file->bytes);
    *file = after;
    return true;
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    static struct file file;
    static struct edit edits[EDITS_MAX];
    const uint8_t *script = data;
    size_t script_nbytes = fuzz_script(data, data_nbytes, &script);
    if (script_nbytes == 0)
        return;
    size_t front_nbytes = (size_t)(script - data) + script_nbytes;
    file.nbytes = data_nbytes - front_nbytes;
    file.bytes = fuzz_copy(script + script_nbytes, file.nbytes);
    file.list.count = 0;
    look_at(&file);
    size_t count = read_edits(script + 1, script_nbytes - 1, &file.list, edits);
    count = sort_edits(edits, count);
    if (merge_and_check(&file, edits, count, script[0] & 1, told) && script[0] & 2) {
        /* Once more, the other way round. */
        for (size_t i = 0; i < count; i++)
            edits[i].removes = !edits[i].removes;
        merge_and_check(&file, edits, count, script[0] & 4, told);
    }
    free(file.bytes);
}
