/*
 * Splitting a range of keys into parts of about equal size, by the top of the tree.
 *
 * Writers finish one subtree after the other, in the order of keys. So where a subtree begins tells
 * how much of the file is taken by the keys before it: in a plain file to the byte, in an
 * indexed one to some pages. That is a guess, and no more: a file may be anything. What is made of
 * it are prefixes of paths, and any keys are good for splitting, if they ascend.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "read/bounds.h"
#include "read/guard.h"
#include "read/map.h"
#include "read/paging.h"
#include "read/walk_enter.h"

enum {
    FIRST_RUN_STEPS_MAX = 64, /* then where the way has come to will do */
    PATH_NBYTES_MAX = 1024,   /* a longer one does not split better */
    STEPS_MAX = 1024,
    LOOKS_MAX = 1 << 16, /* nodes to look at for one cut */
    FINENESS = 64        /* the size of a part over what is small enough not to go into */
};

/* The place of what has none. */
#define NOWHERE UINT64_MAX

struct splitter {
    const struct act_map *map;
    uint64_t places_end; /* what lies here or beyond has no place in the order */
    bool has_pages;
    uint8_t path[PATH_NBYTES_MAX]; /* to the node that the way has come to */
    size_t path_nbytes;
    unsigned looks_left;
};

/* The children of a branch, one after the other. */
struct children {
    struct splitter *splitter;
    struct act_children bytes;
    uint64_t parent_id;
    uint64_t next_id;
    unsigned index;
    unsigned next_byte; /* from here on, where there is a mask */
};

struct child {
    uint64_t id;
    uint64_t place; /* as of place_of */
    uint8_t byte;
    bool is_large; /* what is below is more than goes into a page */
};

/* Decodes a node; false if it is damaged, or enough have been looked at for one cut. */
static bool look(struct splitter *splitter, uint64_t id, struct act_node *node)
{
    if (!splitter->looks_left)
        return false;
    splitter->looks_left--;
    return act_node_decode(&splitter->map->arena, id, node);
}

/* The id of the first child, or of a line's; 0 if there is none that can be. */
static uint64_t first_child(const struct act_node *node)
{
    return act_node_has_child(node) ? act_node_first_child(node->id, node->child_rel) : 0;
}

/* The first of the siblings below a node, lines passed; 0 if there are none. */
static uint64_t run_below(struct splitter *splitter, const struct act_node *node)
{
    struct act_node below = *node;
    uint64_t id = first_child(&below);
    while (id && act_node_is_line(&below))
        id = look(splitter, id, &below) ? first_child(&below) : 0;
    return id;
}

/*
 * Of a branch's children, the one that was begun first: the first with children. In an indexed file
 * small ones wait for what comes after them; there it is the first whose children do not lie in a
 * page, if there is any such. 0 if none has children, or all is not as it should be.
 */
static uint64_t first_begun(struct splitter *splitter, const struct act_node *branch)
{
    struct act_children children;
    uint64_t found = 0;
    uint64_t id = first_child(branch);
    struct act_node node;
    if (!act_node_children(&splitter->map->arena, branch, &children))
        return 0;
    for (unsigned i = 0; i < children.count && id < branch->id && look(splitter, id, &node); i++) {
        uint64_t run = run_below(splitter, &node);
        if (run && (!splitter->has_pages || run >= splitter->places_end))
            return id;
        if (run && !found)
            found = id;
        id = node.end;
    }
    return found;
}

/*
 * Where the first run of siblings that was written below a node lies; NOWHERE if that is not known.
 * Siblings come after all that is below them, so it is one without anything below.
 */
static uint64_t place_of(struct splitter *splitter, uint64_t id)
{
    uint64_t place = NOWHERE;
    struct act_node node;
    for (unsigned i = 0; i < FIRST_RUN_STEPS_MAX && id && look(splitter, id, &node); i++) {
        uint64_t run = run_below(splitter, &node);
        if (run && run < splitter->places_end) {
            place = run;
            /* What is below a node in an indexed file's page is in the same one. */
            if (splitter->has_pages)
                break;
        }
        id = act_node_is_line(&node) ? first_child(&node) : first_begun(splitter, &node);
    }
    return place;
}

/* Begins with the children of a branch. False if they are not as they should be. */
static bool children_of(struct splitter *splitter, const struct act_node *node,
                        struct children *children)
{
    children->splitter = splitter;
    children->parent_id = node->id;
    children->next_id = first_child(node);
    children->index = 0;
    children->next_byte = 0;
    return children->next_id && act_node_children(&splitter->map->arena, node, &children->bytes);
}

/* The byte of the child at hand. */
static uint8_t child_byte(struct children *children)
{
    if (children->bytes.bytes)
        return children->bytes.bytes[children->index];
    unsigned byte = children->next_byte;
    while (!(children->bytes.mask[byte / 64] >> byte % 64 & 1))
        byte++;
    children->next_byte = byte + 1;
    return (uint8_t)byte;
}

/* The next child; false when there is none, or a damaged one. */
static bool next_child(struct children *children, struct child *child_ret)
{
    struct act_node node;
    if (children->index == children->bytes.count || children->next_id >= children->parent_id ||
        !look(children->splitter, children->next_id, &node))
        return false;
    child_ret->byte = child_byte(children);
    child_ret->id = node.id;
    child_ret->place = place_of(children->splitter, node.id);
    child_ret->is_large = children->splitter->has_pages &&
                          run_below(children->splitter, &node) >= children->splitter->places_end;
    children->index++;
    children->next_id = node.end;
    return true;
}

/* Appends to the path; false when it is long enough. */
static bool append(struct splitter *splitter, const uint8_t *bytes, uint64_t nbytes)
{
    if (nbytes > PATH_NBYTES_MAX - splitter->path_nbytes)
        return false;
    memcpy(splitter->path + splitter->path_nbytes, bytes, (size_t)nbytes);
    splitter->path_nbytes += (size_t)nbytes;
    return true;
}

/* Passes lines, down from *id_ref to a branch with children. False where there is none. */
static bool pass_lines(struct splitter *splitter, uint64_t *id_ref, struct act_node *node,
                       unsigned *steps_left)
{
    const struct act_arena *arena = &splitter->map->arena;
    while ((*steps_left)-- && act_node_decode(arena, *id_ref, node)) {
        struct act_line line;
        if (!act_node_is_line(node))
            return act_node_has_child(node);
        *id_ref = first_child(node);
        if (!*id_ref || !act_line_decode(arena, node->id, node->line_rel, &line) ||
            !append(splitter, line.bytes, line.nbytes))
            return false;
    }
    *steps_left = 0;
    return false;
}

/*
 * Of the children of a branch, the last one that begins at `place` or before; `*end_ref` becomes
 * where the one after it begins, if there is one. Large ones decide, if there are any: others may
 * lie out of order. False if all begin later.
 */
static bool child_at(struct splitter *splitter, const struct act_node *node, uint64_t place,
                     struct child *found, uint64_t *end_ref)
{
    struct children children;
    struct child child;
    uint64_t end = *end_ref;
    bool any = false;
    bool any_large = false;
    bool done = false; /* there was one that begins later */
    if (!children_of(splitter, node, &children))
        return false;
    while (next_child(&children, &child)) {
        if (child.place == NOWHERE || (any_large && (done || !child.is_large)))
            continue;
        if (child.is_large && !any_large) {
            any_large = true;
            any = done = false;
            *end_ref = end;
        }
        if (done)
            continue;
        if (child.place <= place) {
            *found = child;
            any = true;
        } else {
            *end_ref = child.place;
            done = true;
        }
    }
    return any;
}

/* Makes the path one that leads to about this place; `small` is a size that matters no more. */
static void go_to_place(struct splitter *splitter, uint64_t place, uint64_t end, uint64_t small)
{
    uint64_t id = splitter->map->root;
    unsigned steps_left = STEPS_MAX;
    struct act_node node;
    struct child child;
    splitter->path_nbytes = 0;
    splitter->looks_left = LOOKS_MAX;
    while (pass_lines(splitter, &id, &node, &steps_left) &&
           child_at(splitter, &node, place, &child, &end) && append(splitter, &child.byte, 1)) {
        if (end - child.place <= small)
            return;
        id = child.id;
    }
}

/* Where the keys from `key` on lie, about; `end` if there are none. */
static uint64_t place_of_key(struct splitter *splitter, const struct act_bound *key, uint64_t end)
{
    uint64_t id = splitter->map->root;
    unsigned steps_left = STEPS_MAX;
    struct act_node node;
    splitter->path_nbytes = 0;
    splitter->looks_left = LOOKS_MAX;
    for (;;) {
        struct children children;
        struct child child = {0};
        bool at_key = false;
        if (!pass_lines(splitter, &id, &node, &steps_left) ||
            splitter->path_nbytes >= key->nbytes ||
            memcmp(splitter->path, key->key, splitter->path_nbytes) != 0 ||
            !children_of(splitter, &node, &children))
            break;
        uint8_t byte = key->key[splitter->path_nbytes];
        while (!at_key && next_child(&children, &child)) {
            at_key = child.byte == byte;
            if (child.byte > byte)
                break;
        }
        if (at_key) {
            id = child.id;
            if (next_child(&children, &child) && child.place != NOWHERE)
                end = child.place;
            if (!append(splitter, &byte, 1))
                break;
        } else {
            return child.byte > byte && child.place != NOWHERE ? child.place : end;
        }
    }
    if (act_key_compare(splitter->path, splitter->path_nbytes, key->key, key->nbytes) < 0)
        return end;
    uint64_t place = place_of(splitter, id);
    return place != NOWHERE ? place : end;
}

/* Whether the path lies above `least`, or above all that is at `bounds`' lower one, and below. */
static bool is_within(const struct splitter *splitter, const struct act_bounds *bounds,
                      const struct act_bound *least)
{
    const struct act_bound *upper = &bounds->upper;
    return act_key_compare(splitter->path, splitter->path_nbytes, least->key, least->nbytes) > 0 &&
           (!upper->key ||
            act_key_compare(splitter->path, splitter->path_nbytes, upper->key, upper->nbytes) < 0);
}

static act_status split(struct splitter *splitter, const struct act_bounds *bounds, size_t parts,
                        act_split_fn visit, void *context, act_error *error)
{
    const struct act_arena *arena = &splitter->map->arena;
    uint8_t last[PATH_NBYTES_MAX];
    struct act_bound least = bounds->lower;
    splitter->has_pages = arena->hot_off != UINT64_MAX;
    uint64_t end = splitter->has_pages ? arena->hot_off : splitter->map->root;
    splitter->places_end = end;
    uint64_t begin = least.key ? place_of_key(splitter, &least, end)
                               : place_of(splitter, splitter->map->root);
    if (bounds->upper.key)
        end = place_of_key(splitter, &bounds->upper, end);
    if (begin == NOWHERE || end <= begin)
        return ACT_OK;
    if (parts > end - begin)
        parts = (size_t)(end - begin);
    uint64_t size = (end - begin) / parts;
    for (size_t i = 1; i < parts; i++) {
        go_to_place(splitter, begin + i * size, end, size / FINENESS);
        if (!is_within(splitter, bounds, &least))
            continue;
        act_status status = act_guarded(splitter->map, ACT_OK, error);
        if (status != ACT_OK)
            return status;
        if (visit(context, splitter->path, splitter->path_nbytes))
            return ACT_STOPPED;
        least = (struct act_bound){last, splitter->path_nbytes};
        memcpy(last, splitter->path, splitter->path_nbytes);
    }
    return ACT_OK;
}

act_status act_map_split(const act_map *map, const act_range *range, size_t parts,
                         act_split_fn visit, void *context, act_error *error)
{
    if (!map || !visit || !parts)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "no map, no function to call, or no parts");
    struct act_bounds bounds;
    struct splitter splitter = {.map = map, .looks_left = LOOKS_MAX};
    if (!act_bounds_of(range, &bounds))
        return act_fail_nomem(error);
    act_status status = ACT_OK;
    act_map_settle(map);
    if (!act_bounds_are_empty(&bounds))
        status = split(&splitter, &bounds, parts, visit, context, error);
    act_bounds_free(&bounds);
    return act_guarded(map, status, error);
}
