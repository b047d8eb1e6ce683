#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "format/file.h"
#include "format/segment.h"
#include "format/tail.h"
#include "read/checks.h"
#include "read/guard.h"
#include "read/history.h"
#include "read/map.h"
#include "read/mapping.h"
#include "read/paging.h"
#include "read/shortcut.h"

/*
 * Files up to this size are read rather than mapped: below it a read and a copy cost less than a
 * mapping and its page faults. Measured; see docs/PERFORMANCE.md.
 */
#define READ_NBYTES_MAX ((uint64_t)64 << 10)

enum {
    OPEN_TRIES = 16
};

static act_status check_options(const act_open_options *options, act_error *error)
{
    if (options->access != ACT_ACCESS_AUTO && options->access != ACT_ACCESS_MAP &&
        options->access != ACT_ACCESS_READ)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown kind of access %d",
                        (int)options->access);
    if (options->guard != ACT_GUARD_NONE && options->guard != ACT_GUARD_SIGNAL &&
        options->guard != ACT_GUARD_THREAD)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown kind of guard %d",
                        (int)options->guard);
    if (options->checksums != ACT_CHECKSUMS_OFF && options->checksums != ACT_CHECKSUMS_TOUCH)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown use of checksums %d",
                        (int)options->checksums);
    return act_mapping_check(options, error);
}

/* What one allocation holds. */
struct opened {
    act_map map;
    struct act_map_lazy lazy;
};

/* A search for a root in the history. */
struct search {
    uint64_t root;
    uint64_t file_nbytes;
};

static int is_wanted(void *context, uint64_t root, uint64_t file_nbytes)
{
    struct search *search = context;
    search->file_nbytes = file_nbytes;
    return root == search->root;
}

/* From the live root, and the length of the file, to those that were asked for. */
static act_status go_back(const uint8_t *bytes, const struct act_index *index, uint64_t wanted,
                          uint64_t *root_ref, uint64_t *nbytes_ref, act_error *error)
{
    struct search search = {.root = wanted};
    act_status status = act_history_walk(bytes, *nbytes_ref, *root_ref, index, is_wanted, &search,
                                         error);
    if (status == ACT_OK)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "%llu is not the offset of a root of this file, present or former",
                        (unsigned long long)wanted);
    if (status != ACT_STOPPED)
        return status;
    *root_ref = wanted;
    *nbytes_ref = search.file_nbytes;
    return ACT_OK;
}

/* All that was merged into an indexed file has jump tables too. */
static bool all_segments(const uint8_t *bytes, uint64_t root, const struct act_index *index)
{
    struct act_segment segment;
    return root > index->file_nbytes && index->jump_end == index->sums_off &&
           act_segment_read(bytes, root, &segment) && segment.jump_begin == index->file_nbytes;
}

/*
 * Makes the handle for a file with this root, or a former one; on success it owns `os_bytes`, which
 * are all-zero for bytes that are another's.
 */
static act_status make_view(const uint8_t *bytes, uint64_t nbytes, uint64_t root,
                            const act_open_options *options, const struct act_os_bytes *os_bytes,
                            act_map **map_ret, act_error *error)
{
    struct act_index index;
    enum act_index_state index_state = act_index_read(bytes, nbytes, &index);
    bool indexed = index_state == ACT_INDEX_VALID;
    uint64_t padding_nbytes = os_bytes->padding_nbytes + nbytes;
    uint64_t live_root = root;
    act_status status = ACT_OK;
    if (options->root && options->root != root)
        status = go_back(bytes, indexed ? &index : NULL, options->root, &root, &nbytes, error);
    if (status != ACT_OK)
        return status;
    padding_nbytes -= nbytes;
    struct opened *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return act_fail_nomem(error);
    act_map *map = &opened->map;
    map->lazy = &opened->lazy;
    map->arena = act_arena_of(bytes, nbytes, padding_nbytes);
    map->root = root;
    map->live_root = live_root;
    map->index_state = index_state;
    map->segmented = indexed && all_segments(bytes, root, &index);
    if (indexed) {
        map->index = index;
        map->arena.jump_end = map->segmented ? ACT_JUMP_ALL : index.jump_end;
        map->arena.hot_off = index.hot_off;
        if (map->segmented)
            map->arena.merged_off = index.file_nbytes;
    }
    map->file_nbytes = nbytes;
    map->key_nbytes_max = options->key_nbytes_max ? options->key_nbytes_max
                                                  : ACT_KEY_NBYTES_MAX_DEFAULT;
    map->steps_max = options->steps_max ? options->steps_max : ACT_STEPS_MAX_DEFAULT;
    if (options->checksums == ACT_CHECKSUMS_TOUCH)
        status = act_checks_open(map, error);
    if (status != ACT_OK) {
        act_checks_free(map->checks);
        free(opened);
        return status;
    }
    atomic_store(&map->lazy->watched, map->checks != NULL);
    map->os_bytes = *os_bytes;
    *map_ret = map;
    return ACT_OK;
}

/* The same with the root that the file names; `name` is for error texts. */
static act_status make_map(const uint8_t *bytes, uint64_t nbytes, const char *name,
                           const act_open_options *options, const struct act_os_bytes *os_bytes,
                           act_map **map_ret, act_error *error)
{
    uint64_t root;
    act_status status = act_file_check(bytes, nbytes, name, &root, error);
    return status == ACT_OK ? make_view(bytes, nbytes, root, options, os_bytes, map_ret, error)
                            : status;
}

/* Keeps how the map was opened, for opening it again. False without memory. */
static bool keep_origin(act_map *map, const char *path, const act_open_options *options)
{
    size_t path_nbytes = strlen(path) + 1;
    if (options->prefix_nbytes > SIZE_MAX - path_nbytes)
        return false;
    map->path = malloc(path_nbytes + options->prefix_nbytes);
    if (!map->path)
        return false;
    memcpy(map->path, path, path_nbytes);
    map->options = *options;
    if (options->prefix) {
        memcpy(map->path + path_nbytes, options->prefix, options->prefix_nbytes);
        map->options.prefix = map->path + path_nbytes;
    }
    return true;
}

/* Makes a map of the bytes, which are its own on success, or as soon as there is one. */
static act_status open_bytes(const char *path, const act_open_options *options,
                             uint64_t among_nbytes, const struct act_os_bytes *bytes,
                             act_map **map_ret, act_error *error)
{
    act_status status = make_map(bytes->bytes, bytes->nbytes, path, options, bytes, map_ret, error);
    if (!*map_ret)
        return status;
    (*map_ret)->among_nbytes = among_nbytes;
    if (!keep_origin(*map_ret, path, options))
        return act_fail_nomem(error);
    status = act_mapping_set_up(*map_ret, options, error);
    return act_guarded(*map_ret, status, error);
}

/* act_map_open, with checked arguments; and how long the file was. */
static act_status open_once(const char *path, const act_open_options *options,
                            uint64_t among_nbytes, act_map **map_ret, uint64_t *nbytes_ret,
                            act_error *error)
{
    struct act_os_bytes bytes;
    act_status status = act_os_bytes_open(path, options->access, options->guard, READ_NBYTES_MAX,
                                          &bytes, error);
    if (status != ACT_OK)
        return status;
    *nbytes_ret = bytes.nbytes;
    act_map *map = NULL;
    status = open_bytes(path, options, among_nbytes, &bytes, &map, error);
    if (!map) {
        /* What seems to be damaged may not have been there when it was looked at. */
        status = act_guard_opened(&bytes, path, status, error);
        act_os_bytes_close(&bytes);
        return status;
    }
    if (status == ACT_OK)
        *map_ret = map;
    else
        act_map_close(map);
    return status;
}

act_status act_map_open(const char *path, const act_open_options *options, act_map **map_ret,
                        act_error *error)
{
    return act_map_open_among(path, options, 0, map_ret, error);
}

act_status act_map_open_among(const char *path, const act_open_options *options,
                              uint64_t among_nbytes, act_map **map_ret, act_error *error)
{
    static const act_open_options defaults = {.access = ACT_ACCESS_AUTO};
    if (!map_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the map");
    *map_ret = NULL;
    if (!path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no file name");
    if (!options)
        options = &defaults;
    act_status status = check_options(options, error);
    if (status != ACT_OK)
        return status;
    /* A merge may have put its root in place after the length was asked for: then the file has
     * grown, and is asked again. */
    uint64_t nbytes = 0;
    uint64_t nbytes_before;
    int tries = 0;
    do {
        nbytes_before = nbytes;
        status = open_once(path, options, among_nbytes, map_ret, &nbytes, error);
    } while (status == ACT_ERR_CORRUPT && nbytes > nbytes_before && ++tries < OPEN_TRIES);
    return status;
}

act_status act_map_open_memory(const void *data, size_t data_nbytes,
                               const act_open_options *options, act_map **map_ret, act_error *error)
{
    static const act_open_options defaults = {.access = ACT_ACCESS_AUTO};
    static const struct act_os_bytes none = {.bytes = NULL};
    if (!map_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the map");
    *map_ret = NULL;
    if (!data && data_nbytes)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no data");
    if (!options)
        options = &defaults;
    act_status status = make_map(data, data_nbytes, "memory", options, &none, map_ret, error);
    if (status == ACT_OK)
        act_map_begin_paging(*map_ret, ACT_ADVICE_NORMAL);
    return status;
}

act_status act_map_open_former(const act_map *map, uint64_t root, act_map **map_ret,
                               act_error *error)
{
    if (!map_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the map");
    *map_ret = NULL;
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    /* What lies after the bytes is as it is for `map`; they are not this one's to give back. */
    struct act_os_bytes bytes = {.padding_nbytes = map->arena.readable - map->file_nbytes};
    act_open_options options = {.key_nbytes_max = map->key_nbytes_max,
                                .steps_max = map->steps_max,
                                .checksums = map->checks ? ACT_CHECKSUMS_TOUCH : ACT_CHECKSUMS_OFF,
                                .root = root ? root : map->root};
    act_status status = make_view(map->arena.bytes, map->file_nbytes, map->root, &options, &bytes,
                                  map_ret, error);
    if (status == ACT_OK)
        act_map_begin_paging(*map_ret, ACT_ADVICE_NORMAL);
    return status;
}

void act_map_close(act_map *map)
{
    if (!map)
        return;
    act_checks_free(map->checks);
    act_shortcuts_free(atomic_load(&map->lazy->shortcuts));
    act_mapping_tear_down(map);
    act_os_bytes_close(&map->os_bytes);
    free(map->path);
    free(map); /* the first member of what was allocated */
}

void act_map_get_stat(const act_map *map, act_map_stat *stat_ret)
{
    struct act_tail tail;
    bool indexed = map->index_state == ACT_INDEX_VALID;
    memset(stat_ret, 0, sizeof(*stat_ret));
    stat_ret->file_nbytes = map->file_nbytes;
    stat_ret->root = map->root;
    stat_ret->access = map->os_bytes.mapped ? ACT_ACCESS_MAP : ACT_ACCESS_READ;
    if (map->os_bytes.guard)
        stat_ret->guard = map->os_bytes.served ? ACT_GUARD_THREAD : ACT_GUARD_SIGNAL;
    stat_ret->merged = act_tail_find(map->arena.bytes, map->file_nbytes, map->root,
                                     indexed ? &map->index : NULL, &tail) &&
                       tail.merged;
    stat_ret->index_unusable = map->index_state == ACT_INDEX_DAMAGED ||
                               map->index_state == ACT_INDEX_UNKNOWN;
    stat_ret->layout = ACT_LAYOUT_PLAIN;
    if (indexed) {
        stat_ret->layout = ACT_LAYOUT_INDEXED;
        stat_ret->hot_off = map->index.hot_off;
        stat_ret->hot_end = map->index.sums_off;
        stat_ret->indexed_nbytes = map->index.file_nbytes;
    }
    stat_ret->checksummed_nbytes = map->checks ? act_checks_covered_nbytes(map->checks) : 0;
    stat_ret->merged_unchecked = map->checks && map->root != map->index.root && !map->segmented;
    if (stat_ret->merged)
        stat_ret->merged_root = tail.trailer.previous_root;
}
