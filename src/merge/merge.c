/* Merging: the file as it was, the keys that change something, and the end of it all. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "build/key.h"
#include "format/tail.h"
#include "merge/frames.h"
#include "os/memory.h"
#include "os/paging.h"
#include "os/update.h"
#include "read/map.h"

struct act_merge {
    bool sync;
    bool finished;
    bool counts; /* the root was set: there is no way back */
    act_error failure;
    struct act_os_update *update;
    act_map *map; /* over the file as it was */
    struct act_tail tail;
    uint64_t keys; /* UINT64_MAX: not known */
    struct act_append append;
    struct act_frames frames;
    uint8_t *last; /* the key that was given last, whether it changed something or not */
    size_t last_nbytes;
    size_t last_capacity;
    bool any;
    act_merge_report report;
    char quoted[ACT_QUOTED_NBYTES];
};

/* ------------------------------------------------------------------------------------ opening */

static act_status fail_damaged(const struct act_merge *merge, uint64_t offset, const char *what,
                               act_error *error)
{
    return act_fail(error, ACT_ERR_CORRUPT, offset, "%s %s: nothing is merged into it",
                    merge->quoted, what);
}

/* Finds where the tree ends, and with it what is to be appended begins. */
static act_status examine(struct act_merge *merge, act_error *error)
{
    const act_map *map = merge->map;
    bool indexed = map->index_state == ACT_INDEX_VALID;
    struct act_tail *tail = &merge->tail;
    if (map->index_state == ACT_INDEX_DAMAGED)
        return fail_damaged(merge, ACT_INDEX_OFF, "has a damaged index", error);
    if (!act_tail_find(map->arena.bytes, map->file_nbytes, map->root, indexed ? &map->index : NULL,
                       tail))
        return fail_damaged(merge, map->file_nbytes - ACT_TAIL_NBYTES, "has a damaged end", error);
    if (tail->merged && !tail->at_root)
        return fail_damaged(merge, ACT_ROOT_OFF,
                            "has another root than the one that the last merge left", error);
    if (indexed && map->root != map->index.root && !tail->merged)
        return fail_damaged(merge, ACT_ROOT_OFF,
                            "has a root that neither its index nor a merge has", error);
    /* A root inside of what an index is of is none that a writer set: the file would be cut after
     * it. Of an index of another version its header alone is known. */
    uint64_t index_end = indexed                                 ? map->index.file_nbytes
                         : map->index_state == ACT_INDEX_UNKNOWN ? ACT_INDEX_END
                                                                 : 0;
    if (tail->end < index_end)
        return fail_damaged(merge, ACT_ROOT_OFF, "has a root inside of what its index is of",
                            error);
    /* The root of an empty map is a zero byte, which a hole of zeros must not be taken for. */
    if (map->arena.bytes[map->root] == 0 && map->root != ACT_ARENA_OFF && !tail->merged && !indexed)
        return fail_damaged(merge, map->root, "has a root of nothing but zeros", error);
    return ACT_OK;
}

/* What the footer of this merge will say, as far as it is known. */
static struct act_segment next_segment(const struct act_merge *merge)
{
    const act_map *map = merge->map;
    /* Jump tables are all that follows the file as it was built, or begin here. */
    return (struct act_segment){.jump_begin = map->segmented ? map->index.file_nbytes
                                                             : merge->tail.end,
                                .keys = merge->keys};
}

static uint64_t keys_before(const struct act_merge *merge)
{
    const act_map *map = merge->map;
    struct act_segment before = {.keys = UINT64_MAX};
    if (map->index_state != ACT_INDEX_VALID)
        return UINT64_MAX;
    if (map->root == map->index.root)
        return map->index.keys;
    if (map->segmented)
        (void)act_segment_read(map->arena.bytes, map->root, &before); /* as opening it has */
    return before.keys;
}

static act_status open_file(struct act_merge *merge, const char *path,
                            const act_merge_options *options, act_error *error)
{
    act_status status = act_os_update_open(path, &merge->update, error);
    if (status != ACT_OK)
        return status;
    uint64_t nbytes;
    uint64_t root;
    const uint8_t *bytes = act_os_update_bytes(merge->update, &nbytes);
    if (act_os_memory_is_scarce())
        act_os_paging_set(bytes, nbytes, ACT_OS_PAGING_SINGLE);
    status = act_file_check(bytes, nbytes, path, &root, error);
    if (status == ACT_OK)
        status = act_map_open_memory(bytes, (size_t)nbytes, NULL, &merge->map, error);
    if (status == ACT_OK)
        status = examine(merge, error);
    if (status == ACT_OK && options->verify)
        status = act_map_verify(merge->map, options->progress, options->context, NULL, error);
    if (status != ACT_OK)
        return status;
    merge->keys = keys_before(merge);
    act_frames_open(&merge->frames, merge->map, &merge->append);
    /* A damaged jump table may mislead whoever looks, but not who writes. */
    merge->map->arena.jump_end = 0;
    return act_append_open(&merge->append, merge->update, merge->tail.end, nbytes,
                           merge->map->index_state == ACT_INDEX_VALID, error);
}

act_status act_merge_open(const char *path, const act_merge_options *options, act_merge **merge_ret,
                          act_error *error)
{
    static const act_merge_options defaults = {.no_sync = false};
    if (!merge_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the merge");
    *merge_ret = NULL;
    if (!path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no file name");
    if (!options)
        options = &defaults;
    struct act_merge *merge = calloc(1, sizeof(*merge));
    if (!merge)
        return act_fail_nomem(error);
    merge->sync = !options->no_sync;
    act_quote(merge->quoted, path, strlen(path));
    act_status status = open_file(merge, path, options, error);
    if (status != ACT_OK)
        act_merge_close(merge);
    else
        *merge_ret = merge;
    return status;
}

void act_merge_close(act_merge *merge)
{
    if (!merge)
        return;
    /* What was left by others stays where nothing was done. */
    if (merge->append.started && !merge->counts)
        act_append_undo(&merge->append, NULL);
    act_frames_close(&merge->frames);
    act_append_close(&merge->append);
    act_map_close(merge->map);
    act_os_update_close(merge->update);
    free(merge->last);
    free(merge);
}

/* --------------------------------------------------------------------------------- the errors */

/* Remembers an error after which nothing can be merged, and passes it on. */
static act_status fail_finally(act_merge *merge, const act_error *failure, act_error *error)
{
    if (&merge->failure != failure)
        merge->failure = *failure;
    if (error)
        *error = *failure;
    return failure->status;
}

static act_status check_usable(act_merge *merge, act_error *error)
{
    if (!merge)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no merge");
    if (merge->failure.status != ACT_OK)
        return fail_finally(merge, &merge->failure, error);
    if (merge->finished)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "the merge was finished before");
    return ACT_OK;
}

/* ----------------------------------------------------------------------------------- the keys */

/* Says why the key cannot come after the last one. */
ACT_COLD
static act_status fail_order(int order, struct act_key key, struct act_key last, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    char quoted_last[ACT_QUOTED_NBYTES];
    act_quote(quoted, key.bytes, key.nbytes);
    if (order == 0)
        return act_fail(error, ACT_ERR_DUPLICATE, ACT_NO_OFFSET, "key %s came before", quoted);
    return act_fail(error, ACT_ERR_ORDER, ACT_NO_OFFSET, "key %s is below %s, which came before it",
                    quoted, act_quote(quoted_last, last.bytes, last.nbytes));
}

/* Takes note of the key, if it is above the last one. */
static act_status take_key(act_merge *merge, const uint8_t *key, size_t key_nbytes,
                           act_error *error)
{
    struct act_key last = {merge->last, merge->last_nbytes};
    /* Bytes that are compared have an address, be there none of them. */
    struct act_key next = {key_nbytes ? key : (const uint8_t *)"", key_nbytes};
    int order = merge->any ? act_key_compare_from(next, last, 0) : 1;
    if (order <= 0)
        return fail_order(order, next, last, error);
    if (!act_reserve(&merge->last, &merge->last_capacity, key_nbytes + 1, 1)) {
        act_error failure;
        act_fail_nomem(&failure);
        return fail_finally(merge, &failure, error);
    }
    if (key_nbytes)
        memcpy(merge->last, key, key_nbytes);
    merge->last_nbytes = key_nbytes;
    merge->any = true;
    return ACT_OK;
}

/* Sets or removes a key, which changes something. */
static act_status change(act_merge *merge, bool has_value, uint64_t value, act_error *error)
{
    act_error failure;
    if (act_frames_set(&merge->frames, merge->last, merge->last_nbytes, has_value, value,
                       &failure) != ACT_OK)
        return fail_finally(merge, &failure, error);
    return ACT_OK;
}

/* What a key has now: ACT_OK, ACT_NOT_FOUND, or a final error. */
static act_status look_up(act_merge *merge, uint64_t *value_ret, act_error *error)
{
    act_error failure;
    act_status status = act_map_get(merge->map, merge->last, merge->last_nbytes, value_ret,
                                    &failure);
    return status == ACT_OK || status == ACT_NOT_FOUND ? status
                                                       : fail_finally(merge, &failure, error);
}

act_status act_merge_set(act_merge *merge, const void *key, size_t key_nbytes, uint64_t value,
                         act_error *error)
{
    uint64_t before;
    act_status status = check_usable(merge, error);
    if (status == ACT_OK)
        status = take_key(merge, key, key_nbytes, error);
    if (status != ACT_OK)
        return status;
    status = look_up(merge, &before, error);
    if (status != ACT_OK && status != ACT_NOT_FOUND)
        return status;
    bool there = status == ACT_OK;
    if (there && before == value) {
        merge->report.unchanged++;
        return ACT_OK;
    }
    merge->report.added += !there;
    merge->report.replaced += there;
    return change(merge, true, value, error);
}

act_status act_merge_remove(act_merge *merge, const void *key, size_t key_nbytes, act_error *error)
{
    act_status status = check_usable(merge, error);
    if (status == ACT_OK)
        status = take_key(merge, key, key_nbytes, error);
    if (status == ACT_OK)
        status = look_up(merge, NULL, error);
    if (status == ACT_NOT_FOUND) {
        merge->report.missing++;
        return ACT_OK;
    }
    if (status != ACT_OK)
        return status;
    merge->report.removed++;
    return change(merge, false, 0, error);
}

/* ----------------------------------------------------------------------------------- the end */

/* Puts the new root in place. `error` is not NULL. */
static act_status commit(act_merge *merge, act_error *error)
{
    struct act_append_node root;
    act_merge_report *report = &merge->report;
    struct act_segment segment = next_segment(merge);
    struct act_trailer trailer = {merge->tail.merged ? merge->tail.trailer_off : 0,
                                  merge->map->root};
    if (segment.keys != UINT64_MAX)
        segment.keys += report->added - report->removed;
    act_status status = act_frames_finish(&merge->frames, &root, error);
    if (status == ACT_OK)
        status = act_append_root(&merge->append, &root, &segment, &trailer, error);
    if (status != ACT_OK)
        return status;
    report->root = segment.root;
    status = act_append_commit(&merge->append, segment.root, merge->sync, &merge->counts, error);
    if (status != ACT_OK && merge->counts) {
        act_error failure = *error;
        act_fail(error, failure.status, failure.offset,
                 "%s: the merge is in place, but may not outlive a power cut", failure.text);
        error->os_code = failure.os_code;
    }
    return status;
}

act_status act_merge_finish(act_merge *merge, act_merge_report *report_ret, act_error *error)
{
    act_status status = check_usable(merge, error);
    if (status != ACT_OK)
        return status;
    act_error failure;
    act_merge_report *report = &merge->report;
    uint64_t nbytes = merge->append.file_nbytes;
    report->root = report->previous_root = merge->map->root;
    report->dropped_nbytes = nbytes - merge->tail.end;
    if (report->added || report->replaced || report->removed) {
        status = commit(merge, &failure);
    } else if (report->dropped_nbytes) {
        status = act_append_undo(&merge->append, &failure);
        if (status == ACT_OK && merge->sync)
            status = act_os_update_sync(merge->update, &failure);
    }
    if (status != ACT_OK)
        return fail_finally(merge, &failure, error);
    merge->finished = true;
    report->file_nbytes = act_append_position(&merge->append);
    report->appended_nbytes = report->file_nbytes - merge->tail.end;
    if (report_ret)
        *report_ret = *report;
    return ACT_OK;
}
