/* Opening a set, and the files of its parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/map.h"
#include "read/map.h"
#include "read/shortcut.h"
#include "set/set.h"

/* Tables of shortcuts, one for each part, help while they fit in a processor's own cache together.
 * Of more parts than this lookups are slower with them than without. Measured; see
 * docs/PERFORMANCE.md. */
enum {
    SHORTCUT_PARTS_MAX = 4
};

/* ------------------------------------------------------------------------------------- manifest */

act_status act_manifest_read(const char *path, struct act_manifest *manifest_ret, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    struct act_os_bytes bytes;
    memset(manifest_ret, 0, sizeof(*manifest_ret));
    /* What is larger than a manifest may be is mapped, so that nobody has to read it. */
    act_status status = act_os_bytes_open(path, ACT_ACCESS_AUTO, ACT_GUARD_NONE,
                                          ACT_SET_MANIFEST_NBYTES_MAX, &bytes, error);
    if (status != ACT_OK)
        return status;
    if (bytes.nbytes > ACT_SET_MANIFEST_NBYTES_MAX &&
        act_manifest_begins(bytes.bytes, bytes.nbytes)) {
        act_quote(quoted, path, strlen(path));
        status = act_fail(error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                          "%s is larger than the %llu bytes that a manifest may have", quoted,
                          (unsigned long long)ACT_SET_MANIFEST_NBYTES_MAX);
    } else {
        status = act_manifest_parse(bytes.bytes, (size_t)bytes.nbytes, path, manifest_ret, error);
    }
    act_os_bytes_close(&bytes);
    return status;
}

char *act_set_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t nbytes = slash ? (size_t)(slash - path) + 1 : 0;
    char *folder = malloc(nbytes + 1);
    if (!folder)
        return NULL;
    memcpy(folder, path, nbytes);
    folder[nbytes] = '\0';
    return folder;
}

/* ---------------------------------------------------------------------------------------- parts */

act_status act_set_name_part(const struct act_set *set, size_t part, act_status status,
                             act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    char text[ACT_ERROR_TEXT_NBYTES];
    if (!error || status <= ACT_STOPPED)
        return status;
    const char *name = set->manifest.parts[part].name;
    memcpy(text, error->text, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    int n = snprintf(error->text, sizeof(error->text),
                     "part %s: ", act_quote(quoted, name, strlen(name)));
    if (n > 0 && (size_t)n < sizeof(error->text))
        snprintf(error->text + n, sizeof(error->text) - (size_t)n, "%.*s",
                 (int)(sizeof(error->text) - (size_t)n - 1), text);
    return status;
}

static int stop(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)context;
    (void)key;
    (void)key_nbytes;
    (void)value;
    return 1;
}

/* Damage on the way to the first key or the last proves nothing, and is told to those who come
 * there. */
act_status act_set_check_ends(const struct act_set *set, size_t part, const act_map *map,
                              act_error *error)
{
    const struct act_manifest_part *own = &set->manifest.parts[part];
    act_range below = {.to = own->from, .to_nbytes = own->from_nbytes, .limit = 1};
    act_status status = ACT_OK;
    if (own->from_nbytes)
        status = act_map_scan(map, &below, stop, NULL, error);
    if (status != ACT_STOPPED && status != ACT_ERR_NOMEM && part + 1 < set->manifest.count) {
        act_range above = {.from = own[1].from, .from_nbytes = own[1].from_nbytes, .limit = 1};
        status = act_map_scan(map, &above, stop, NULL, error);
    }
    if (status == ACT_STOPPED)
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                        "it has keys that belong to other parts: not the file that the set was "
                        "made with");
    return status == ACT_ERR_NOMEM ? status : ACT_OK;
}

static act_status check_file(const struct act_set *set, size_t part, const act_map *map,
                             act_error *error)
{
    const struct act_manifest_part *own = &set->manifest.parts[part];
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    if (stat.file_nbytes != own->file_nbytes || stat.root != own->root)
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                        "not the file that the set was made with: it has %llu bytes and its root "
                        "at %llu, not %llu and %llu",
                        (unsigned long long)stat.file_nbytes, (unsigned long long)stat.root,
                        (unsigned long long)own->file_nbytes, (unsigned long long)own->root);
    return act_set_check_ends(set, part, map, error);
}

/* Whether the file is a manifest; if that cannot be known, it is not. */
static bool is_manifest(const char *path)
{
    struct act_os_bytes bytes;
    if (act_os_bytes_open(path, ACT_ACCESS_AUTO, ACT_GUARD_NONE, 4096, &bytes, NULL) != ACT_OK)
        return false;
    bool is = act_manifest_begins(bytes.bytes, bytes.nbytes);
    act_os_bytes_close(&bytes);
    return is;
}

act_status act_set_open_any(const struct act_set *set, size_t part, act_map **map_ret,
                            act_error *error)
{
    const char *name = set->manifest.parts[part].name;
    size_t folder_nbytes = strlen(set->folder);
    size_t name_nbytes = strlen(name) + 1;
    char *path = malloc(folder_nbytes + name_nbytes);
    *map_ret = NULL;
    if (!path)
        return act_fail_nomem(error);
    memcpy(path, set->folder, folder_nbytes);
    memcpy(path + folder_nbytes, name, name_nbytes);
    /* What fits by itself need not fit with all the others. */
    uint64_t among_nbytes = set->manifest.count > 1 ? set->manifest.file_nbytes : 0;
    act_status status = act_map_open_among(path, &set->part_options, among_nbytes, map_ret, error);
    if (status == ACT_ERR_FORMAT && is_manifest(path))
        act_fail(error, status, 0, "it is a set itself; sets do not have sets as parts");
    free(path);
    return status;
}

act_status act_set_open_file(const struct act_set *set, size_t part, act_map **map_ret,
                             act_error *error)
{
    act_status status = act_set_open_any(set, part, map_ret, error);
    if (*map_ret && set->manifest.count > SHORTCUT_PARTS_MAX)
        act_shortcuts_forgo(*map_ret);
    if (status == ACT_OK)
        status = check_file(set, part, *map_ret, error);
    if (status != ACT_OK) {
        act_map_close(*map_ret);
        *map_ret = NULL;
    }
    return act_set_name_part(set, part, status, error);
}

/* ----------------------------------------------------------------------------------------- sets */

static act_status open_all(const struct act_set *set, act_error *error)
{
    act_status status = ACT_OK;
    act_map *map;
    for (size_t part = 0; part < set->manifest.count && status == ACT_OK; part++)
        status = act_set_pin(set, part, &map, error);
    return status;
}

act_status act_set_open(const char *path, const act_set_options *options, act_set **set_ret,
                        act_error *error)
{
    static const act_set_options defaults;
    if (!set_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the set");
    *set_ret = NULL;
    if (!path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no file name");
    if (!options)
        options = &defaults;
    if (options->open_all && options->max_mapped_nbytes)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "all parts cannot be open where there is a limit");
    if (options->part.populate == ACT_POPULATE_PREFIX)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a set is not populated by prefix: its parts are opened later");
    if (options->part.root)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a set has no former roots: its parts have");
    struct act_set *set = calloc(1, sizeof(*set));
    if (!set)
        return act_fail_nomem(error);
    set->part_options = options->part;
    set->max_mapped_nbytes = options->max_mapped_nbytes;
    act_status status = act_manifest_read(path, &set->manifest, error);
    if (status == ACT_OK) {
        set->folder = act_set_folder_of(path);
        if (!set->folder || !act_locator_init(&set->locator, &set->manifest) ||
            !act_shelf_init(set))
            status = act_fail_nomem(error);
    }
    if (status == ACT_OK && options->open_all)
        status = open_all(set, error);
    if (status != ACT_OK)
        act_set_close(set);
    else
        *set_ret = set;
    return status;
}

void act_set_close(act_set *set)
{
    if (!set)
        return;
    act_shelf_free(set);
    act_locator_free(&set->locator);
    act_manifest_free(&set->manifest);
    free(set->folder);
    free(set);
}

void act_set_get_stat(const act_set *set, act_set_stat *stat_ret)
{
    struct act_shelf *shelf = set->shelf;
    memset(stat_ret, 0, sizeof(*stat_ret));
    stat_ret->parts = set->manifest.count;
    stat_ret->entries = set->manifest.content.entries;
    stat_ret->file_nbytes = set->manifest.file_nbytes;
    stat_ret->open_parts = atomic_load(&shelf->open_parts);
    stat_ret->open_nbytes = atomic_load(&shelf->open_nbytes);
    stat_ret->openings = atomic_load(&shelf->openings);
}

size_t act_set_part_count(const act_set *set)
{
    return set->manifest.count;
}

static act_status check_index(const act_set *set, size_t part, act_error *error)
{
    if (part < set->manifest.count)
        return ACT_OK;
    return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "there is no part %zu of %zu", part,
                    set->manifest.count);
}

act_status act_set_get_part(const act_set *set, size_t part, act_set_part *part_ret,
                            act_error *error)
{
    act_status status = check_index(set, part, error);
    if (status != ACT_OK)
        return status;
    const struct act_manifest_part *own = &set->manifest.parts[part];
    memset(part_ret, 0, sizeof(*part_ret));
    part_ret->name = own->name;
    part_ret->from = own->from;
    part_ret->from_nbytes = own->from_nbytes;
    if (part + 1 < set->manifest.count) {
        part_ret->to = own[1].from;
        part_ret->to_nbytes = own[1].from_nbytes;
    }
    part_ret->file_nbytes = own->file_nbytes;
    part_ret->root = own->root;
    part_ret->content = own->content;
    return ACT_OK;
}

size_t act_set_find_part(const act_set *set, const void *key, size_t key_nbytes)
{
    return act_locate(&set->locator, key, key_nbytes);
}

act_status act_set_part_open(const act_set *set, size_t part, act_map **map_ret, act_error *error)
{
    if (!map_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the map");
    *map_ret = NULL;
    act_status status = check_index(set, part, error);
    return status == ACT_OK ? act_set_pin(set, part, map_ret, error) : status;
}

void act_set_part_release(const act_set *set, size_t part)
{
    if (part < set->manifest.count)
        act_set_unpin(set, part);
}
