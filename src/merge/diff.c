/*
 * What two maps differ in: both are walked at once, along the paths that either has. Where both are
 * of one file, and refer to the same nodes at a path, all below it is the same, and passed by.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "build/key.h"
#include "merge/place.h"
#include "read/checks.h"
#include "read/guard.h"
#include "read/map.h"
#include "read/paging.h"

enum {
    FROM,
    TO,
    SIDES
};

struct frame {
    size_t depth;
    uint64_t left[4]; /* bytes that lead on, and were not followed yet */
    struct act_place places[SIDES];
};

struct diff {
    const struct act_map *maps[SIDES];
    bool shared; /* both lie in the same bytes */
    uint64_t steps_left;
    uint8_t *path;
    size_t path_capacity;
    struct frame *frames;
    size_t count;
    size_t capacity;
    act_change_fn visit;
    void *context;
    act_error *error;
};

/* Whether two nodes of one file are copies of each other. */
static bool same_node(const struct act_old_node *a, const struct act_old_node *b)
{
    if (a->node.header != b->node.header || a->child != b->child ||
        (act_node_has_value(&a->node) && a->node.value != b->node.value))
        return false;
    if (act_node_is_line(&a->node))
        return a->line.bytes == b->line.bytes;
    const struct act_children *x = &a->children;
    const struct act_children *y = &b->children;
    if (x->count == 0) /* and so has the other none: the headers are the same */
        return true;
    return x->bytes ? memcmp(x->bytes, y->bytes, x->count) == 0
                    : memcmp(x->mask, y->mask, sizeof(x->mask)) == 0;
}

static bool same_place(const struct diff *diff, const struct act_place places[SIDES])
{
    const struct act_place *from = &places[FROM];
    const struct act_place *to = &places[TO];
    if (from->kind == ACT_PLACE_NOTHING || to->kind == ACT_PLACE_NOTHING)
        return from->kind == to->kind;
    return diff->shared && from->kind == to->kind && from->off == to->off &&
           same_node(&from->old, &to->old);
}

static act_status make_room(struct diff *diff, uint64_t depth)
{
    uint64_t most = diff->maps[FROM]->key_nbytes_max;
    if (diff->maps[TO]->key_nbytes_max < most)
        most = diff->maps[TO]->key_nbytes_max;
    if (depth > most)
        return act_fail(diff->error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                        "a key of more than %" PRIu64 " bytes, the limit", most);
    return act_reserve(&diff->path, &diff->path_capacity, (size_t)depth + 1, 1)
               ? ACT_OK
               : act_fail_nomem(diff->error);
}

/*
 * Follows what leads on without a choice: the bytes of both lines that are the same, or a line that
 * one side has where the other has nothing. How many there are, be it 0.
 */
static act_status follow(struct diff *diff, size_t *depth, struct act_place places[SIDES],
                         uint64_t *nbytes_ret)
{
    const uint8_t *bytes = NULL;
    uint64_t nbytes = UINT64_MAX;
    *nbytes_ret = 0;
    for (int side = 0; side < SIDES; side++) {
        const struct act_place *place = &places[side];
        if (place->kind == ACT_PLACE_BRANCH)
            return ACT_OK;
        if (place->kind == ACT_PLACE_NOTHING)
            continue;
        uint64_t left = place->old.line.nbytes - place->off;
        const uint8_t *line = place->old.line.bytes + place->off;
        uint64_t most = left < nbytes ? left : nbytes;
        nbytes = bytes ? act_common_nbytes(bytes, line, (size_t)most) : most;
        bytes = line;
    }
    if (nbytes == 0)
        return ACT_OK;
    act_status status = make_room(diff, *depth + nbytes);
    if (status != ACT_OK)
        return status;
    memcpy(diff->path + *depth, bytes, (size_t)nbytes);
    *depth += (size_t)nbytes;
    *nbytes_ret = nbytes;
    for (int side = 0; side < SIDES; side++) {
        struct act_place *place = &places[side];
        if (place->kind == ACT_PLACE_NOTHING)
            continue;
        place->off += nbytes;
        if (place->off == place->old.line.nbytes && status == ACT_OK)
            status = act_place_after_line(&diff->maps[side]->arena, place, diff->error);
    }
    return status;
}

/* `status`, or that what one of the maps has told is not to be believed. */
static act_status guarded(const struct diff *diff, act_status status, act_error *error)
{
    status = act_guarded(diff->maps[FROM], status, error);
    return act_guarded(diff->maps[TO], status, error);
}

/* Tells of the key that ends here, if it differs. */
static act_status compare_values(struct diff *diff, size_t depth,
                                 const struct act_place places[SIDES])
{
    bool has[SIDES];
    uint64_t values[SIDES];
    for (int side = 0; side < SIDES; side++) {
        const struct act_node *node = &places[side].old.node;
        has[side] = places[side].kind == ACT_PLACE_BRANCH && act_node_has_value(node);
        values[side] = has[side] ? node->value : 0;
    }
    if (has[FROM] == has[TO] && values[FROM] == values[TO])
        return ACT_OK;
    act_change change = {diff->path, depth, has[FROM], has[TO], values[FROM], values[TO]};
    diff->steps_left = diff->maps[TO]->steps_max;
    act_status status = guarded(diff, ACT_OK, diff->error);
    if (status != ACT_OK)
        return status;
    return diff->visit(diff->context, &change) ? ACT_STOPPED : ACT_OK;
}

static void add_bytes(const struct act_place *place, uint64_t left[4])
{
    uint8_t bytes[256];
    unsigned count = 0;
    if (place->kind == ACT_PLACE_BRANCH && place->old.children.count)
        count = act_old_bytes(&place->old, bytes);
    if (place->kind == ACT_PLACE_LINE)
        bytes[count++] = place->old.line.bytes[place->off];
    for (unsigned i = 0; i < count; i++)
        left[bytes[i] / 64] |= (uint64_t)1 << bytes[i] % 64;
}

/* Looks at a path, and notes what leads on from there. */
static act_status enter(struct diff *diff, size_t depth, struct act_place places[SIDES])
{
    uint64_t followed;
    do {
        if (same_place(diff, places))
            return ACT_OK;
        if (diff->steps_left-- == 0)
            return act_fail(diff->error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                            "no difference among %" PRIu64 " nodes in a row, the limit",
                            diff->maps[TO]->steps_max);
        act_status status = follow(diff, &depth, places, &followed);
        if (status != ACT_OK)
            return status;
    } while (followed);
    act_status status = compare_values(diff, depth, places);
    if (status == ACT_OK)
        status = make_room(diff, depth);
    if (status != ACT_OK)
        return status;
    if (!act_reserve(&diff->frames, &diff->capacity, diff->count + 1, sizeof(*diff->frames)))
        return act_fail_nomem(diff->error);
    struct frame *frame = &diff->frames[diff->count++];
    memset(frame->left, 0, sizeof(frame->left));
    frame->depth = depth;
    for (int side = 0; side < SIDES; side++) {
        frame->places[side] = places[side];
        add_bytes(&places[side], frame->left);
    }
    return ACT_OK;
}

/* Goes on from the last frame: to its next byte, or up. */
static act_status advance(struct diff *diff)
{
    struct frame *frame = &diff->frames[diff->count - 1];
    unsigned word = 0;
    while (word < 4 && frame->left[word] == 0)
        word++;
    if (word == 4) {
        diff->count--;
        return ACT_OK;
    }
    uint8_t byte = (uint8_t)(64 * word + act_lowest_bit64(frame->left[word]));
    frame->left[word] &= frame->left[word] - 1;
    size_t depth = frame->depth;
    struct act_place places[SIDES];
    act_status status = ACT_OK;
    for (int side = 0; side < SIDES; side++) {
        places[side] = frame->places[side];
        if (status == ACT_OK)
            status = act_place_go(&diff->maps[side]->arena, &places[side], byte, diff->error);
    }
    if (status == ACT_OK)
        status = make_room(diff, depth + 1);
    if (status != ACT_OK)
        return status;
    diff->path[depth] = byte;
    return enter(diff, depth + 1, places);
}

act_status act_map_diff(const act_map *from, const act_map *to, act_change_fn visit, void *context,
                        act_error *error)
{
    if (!from || !to || !visit)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map, or no function to call");
    struct diff diff = {.maps = {from, to},
                        .shared = from->arena.bytes == to->arena.bytes,
                        .steps_left = to->steps_max,
                        .visit = visit,
                        .context = context,
                        .error = error};
    struct act_place places[SIDES];
    act_status status = make_room(&diff, 0);
    for (int side = 0; side < SIDES && status == ACT_OK; side++) {
        act_map_settle(diff.maps[side]);
        status = act_checks_all(diff.maps[side], error);
    }
    for (int side = 0; side < SIDES && status == ACT_OK; side++)
        status = act_place_of(&diff.maps[side]->arena, diff.maps[side]->root, &places[side], error);
    if (status == ACT_OK)
        status = enter(&diff, 0, places);
    while (status == ACT_OK && diff.count)
        status = advance(&diff);
    free(diff.path);
    free(diff.frames);
    return guarded(&diff, status, error);
}
