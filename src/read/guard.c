#include "read/guard.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/layout.h"
#include "os/guard.h"

ACT_COLD static act_status fail(struct act_os_guard *guard, const char *path, act_error *error)
{
    int lost = act_os_guard_break(guard);
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, path, strlen(path));
    return act_fail_os(error, lost, "%s was changed, or could not be read, while it was in use",
                       quoted);
}

act_status act_guard_opened(const struct act_os_bytes *bytes, const char *path, act_status status,
                            act_error *error)
{
    if (!bytes->guard || act_os_guard_holds(bytes->guard))
        return status;
    return fail(bytes->guard, path, error);
}

act_status act_guard_answer(const struct act_map *map, act_status status, act_error *error)
{
    struct act_os_guard *guard = map->os_bytes.guard;
    if (ACT_LIKELY(act_os_guard_holds(guard)))
        return status;
    return fail(guard, map->path, error);
}

act_status act_map_check(const act_map *map, act_error *error)
{
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    return act_guarded(map, ACT_OK, error);
}

/* What is different, where the path leads to some file. */
static unsigned compare(const struct act_map *map, const struct act_os_identity *now,
                        const uint8_t first[16])
{
    const struct act_os_identity *then = &map->os_bytes.identity;
    if (now->device != then->device || now->number != then->number)
        return ACT_CHANGED_FILE;
    unsigned changes = 0;
    if (now->nbytes < then->nbytes)
        changes |= ACT_CHANGED_SHORTER;
    if (now->nbytes > then->nbytes)
        changes |= ACT_CHANGED_LONGER;
    if (now->written_s != then->written_s || now->written_ns != then->written_ns)
        changes |= ACT_CHANGED_WRITTEN;
    if (act_load_le64(first + ACT_ROOT_OFF) != map->live_root)
        changes |= ACT_CHANGED_ROOT;
    return changes;
}

act_status act_map_changed(const act_map *map, unsigned *changes_ret, act_error *error)
{
    if (!map || !map->path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or none of a file");
    struct act_os_identity now;
    uint8_t first[16];
    act_error own;
    unsigned changes = ACT_CHANGED_GONE;
    act_status status = act_os_identity_at(map->path, &now, first, &own);
    if (status == ACT_OK) {
        changes = compare(map, &now, first);
    } else if (status != ACT_ERR_NOT_REGULAR && own.os_code != ENOENT && own.os_code != ENOTDIR) {
        if (error)
            *error = own;
        return status;
    }
    if (changes_ret)
        *changes_ret = changes;
    return ACT_OK;
}

act_status act_map_reopen(const act_map *map, act_map **map_ret, act_error *error)
{
    if (map_ret)
        *map_ret = NULL;
    if (!map || !map->path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or none of a file");
    return act_map_open(map->path, &map->options, map_ret, error);
}
