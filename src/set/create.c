/* Making a set of files that are there. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"
#include "read/bounds.h"
#include "set/set.h"
#include "verify/digest.h"

/* What will be in the manifest. A set that has nothing but these lends itself to opening them. */
struct making {
    struct act_set set;
    const act_set_create_options *options;
    struct act_digesting whole; /* of all parts up to now; tells the progress */
};

static act_status refuse_name(const char *name, const char *why, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    if (!name)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "a part without a name");
    return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "%s cannot be the name of a part: %s",
                    act_quote(quoted, name, strlen(name)), why);
}

static act_status take_members(struct making *making, const act_set_member *members, size_t count,
                               act_error *error)
{
    struct act_manifest *manifest = &making->set.manifest;
    size_t twins[2];
    bool no_memory;
    manifest->parts = calloc(count, sizeof(*manifest->parts));
    if (!manifest->parts)
        return act_fail_nomem(error);
    manifest->count = count;
    for (size_t i = 0; i < count; i++) {
        struct act_manifest_part *part = &manifest->parts[i];
        part->name = members[i].name;
        part->from = members[i].from ? members[i].from : "";
        part->from_nbytes = members[i].from ? members[i].from_nbytes : 0;
        if (!part->name || !act_manifest_name_is_allowed(part->name, strlen(part->name)))
            return refuse_name(part->name, "it must lead to a file beside the manifest or below",
                               error);
        if (i == 0 && part->from_nbytes)
            return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                            "the first part does not begin with the empty key");
        if (i > 0 && act_key_compare(part[-1].from, part[-1].from_nbytes, part->from,
                                     part->from_nbytes) >= 0)
            return act_fail(error, ACT_ERR_ORDER, ACT_NO_OFFSET,
                            "part %zu does not begin above the one before", i);
    }
    if (act_manifest_find_twins(manifest->parts, count, twins, &no_memory))
        return refuse_name(manifest->parts[twins[0]].name, "another part has it too", error);
    return no_memory ? act_fail_nomem(error) : ACT_OK;
}

/* Reads a part for what the manifest says of it. */
static act_status examine(struct making *making, size_t part, act_error *error)
{
    struct act_manifest_part *own = &making->set.manifest.parts[part];
    act_map *map;
    act_status status = act_set_open_any(&making->set, part, &map, error);
    if (status == ACT_OK)
        status = act_digesting_add_part(&making->whole, map, &own->content, error);
    if (status == ACT_OK) {
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        own->file_nbytes = stat.file_nbytes;
        own->root = stat.root;
        status = act_set_check_ends(&making->set, part, map, error);
        if (status == ACT_ERR_CORRUPT)
            status = act_fail(error, ACT_ERR_ORDER, ACT_NO_OFFSET,
                              "it has keys that belong to other parts");
    }
    act_map_close(map);
    return act_set_name_part(&making->set, part, status, error);
}

/* Reads all parts. */
static act_status examine_all(struct making *making, act_error *error)
{
    const act_set_create_options *options = making->options;
    const act_digest *expected = options->expected;
    act_digest *found = &making->set.manifest.content;
    if (!act_digesting_start(&making->whole, options->progress, options->context))
        return ACT_STOPPED;
    for (size_t part = 0; part < making->set.manifest.count; part++) {
        act_status status = examine(making, part, error);
        if (status != ACT_OK)
            return status;
    }
    act_digesting_finish(&making->whole, found);
    if (expected && !act_digests_are_equal(found, expected))
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                        "the parts hold other entries than they should");
    return ACT_OK;
}

static act_status put_in_place(const struct making *making, const char *path, act_error *error)
{
    struct act_os_output *output = NULL;
    uint8_t *bytes;
    size_t nbytes;
    if (!act_manifest_write(&making->set.manifest, &bytes, &nbytes))
        return act_fail_nomem(error);
    act_status status = nbytes > ACT_SET_MANIFEST_NBYTES_MAX
                            ? act_fail(error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                                       "the manifest would have %zu bytes, which is too many",
                                       nbytes)
                            : act_os_output_open(path, &output, error);
    if (status == ACT_OK)
        status = act_os_output_write(output, bytes, nbytes, error);
    if (status == ACT_OK)
        status = act_os_output_commit(output, !making->options->no_sync, error);
    act_os_output_close(output);
    free(bytes);
    return status;
}

act_status act_set_create(const char *path, const act_set_member *members, size_t count,
                          const act_set_create_options *options, act_error *error)
{
    static const act_set_create_options defaults;
    if (!path || !members || count == 0)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no file name, or no parts");
    struct making *making = calloc(1, sizeof(*making));
    if (!making)
        return act_fail_nomem(error);
    making->options = options ? options : &defaults;
    act_status status = take_members(making, members, count, error);
    if (status == ACT_OK) {
        making->set.folder = act_set_folder_of(path);
        status = making->set.folder ? examine_all(making, error) : act_fail_nomem(error);
    }
    if (status == ACT_OK)
        status = put_in_place(making, path, error);
    free(making->set.folder);
    free(making->set.manifest.parts);
    free(making);
    return status;
}
