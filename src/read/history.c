/* The roots of a file, newest first. */
#include "read/history.h"

#include "base/error.h"
#include "format/tail.h"
#include "read/guard.h"

act_status act_history_walk(const uint8_t *bytes, uint64_t file_nbytes, uint64_t root,
                            const struct act_index *index, act_root_fn visit, void *context,
                            act_error *error)
{
    struct act_tail tail;
    if (!act_tail_find(bytes, file_nbytes, root, index, &tail))
        tail = (struct act_tail){.end = file_nbytes}; /* no trailer, and no other root then */
    for (;;) {
        if (visit(context, root, tail.end))
            return ACT_STOPPED;
        if (!tail.merged)
            return ACT_OK;
        uint64_t at = tail.trailer_off;
        if (!act_tail_previous(bytes, index, &root, &tail))
            return act_fail(error, ACT_ERR_CORRUPT, at,
                            "the trailer at offset %llu does not lead to a former root",
                            (unsigned long long)at);
    }
}

/* A walk over the history of a map: `visit` is told nothing that is not to be believed. */
struct guarded {
    const act_map *map;
    act_root_fn visit;
    void *context;
};

static int visit_guarded(void *context, uint64_t root, uint64_t file_nbytes)
{
    const struct guarded *guarded = context;
    if (act_guarded(guarded->map, ACT_OK, NULL) != ACT_OK)
        return 1;
    return guarded->visit(guarded->context, root, file_nbytes);
}

act_status act_map_history(const act_map *map, act_root_fn visit, void *context, act_error *error)
{
    if (!map || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or no function to call");
    const struct act_index *index = map->index_state == ACT_INDEX_VALID ? &map->index : NULL;
    struct guarded guarded = {map, visit, context};
    act_status status = act_history_walk(map->arena.bytes, map->file_nbytes, map->root, index,
                                         visit_guarded, &guarded, error);
    return act_guarded(map, status, error);
}
