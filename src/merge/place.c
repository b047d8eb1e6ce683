#include "merge/place.h"

#include <string.h>

act_status act_place_of(const struct act_arena *arena, uint64_t id, struct act_place *place_ret,
                        act_error *error)
{
    act_status status = act_old_read(arena, id, &place_ret->old, error);
    if (status != ACT_OK)
        return status;
    place_ret->kind = act_node_is_line(&place_ret->old.node) ? ACT_PLACE_LINE : ACT_PLACE_BRANCH;
    place_ret->off = 0;
    return ACT_OK;
}

act_status act_place_after_line(const struct act_arena *arena, struct act_place *place,
                                act_error *error)
{
    if (place->old.child)
        return act_place_of(arena, place->old.child, place, error);
    place->kind = ACT_PLACE_BRANCH;
    place->old.node.header &= ACT_NODE_VALUE;
    place->old.children.count = 0;
    return ACT_OK;
}

act_status act_place_go(const struct act_arena *arena, struct act_place *place, uint8_t byte,
                        act_error *error)
{
    const struct act_old_node *old = &place->old;
    if (place->kind == ACT_PLACE_LINE && old->line.bytes[place->off] == byte) {
        place->off++;
        return place->off == old->line.nbytes ? act_place_after_line(arena, place, error) : ACT_OK;
    }
    if (place->kind == ACT_PLACE_BRANCH) {
        uint8_t bytes[256];
        uint64_t ids[256];
        unsigned count = old->children.count ? act_old_bytes(old, bytes) : 0;
        const uint8_t *found = count ? memchr(bytes, byte, count) : NULL;
        if (found) {
            act_status status = act_old_children(arena, old, ids, error);
            return status == ACT_OK ? act_place_of(arena, ids[found - bytes], place, error)
                                    : status;
        }
    }
    place->kind = ACT_PLACE_NOTHING;
    return ACT_OK;
}
