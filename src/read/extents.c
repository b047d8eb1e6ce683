#include "read/extents.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "read/cursor.h"
#include "read/guard.h"

enum {
    CHUNK_WORDS = 512, /* of 64 pages each */
    CHUNK_PAGES = CHUNK_WORDS * 64
};

/* Siblings that are gone over: those from `next` on, `left` of them, below the offset `end`. */
struct run {
    uint64_t next;
    uint64_t end;
    unsigned left;
};

struct extents {
    const struct act_map *map;
    uint64_t **chunks; /* of bits for pages; NULL where no page is marked */
    size_t chunks_count;
    struct run *runs;
    size_t depth;
    size_t capacity;
    uint64_t steps_left;
    act_error *error;
};

static act_status take_steps(struct extents *extents, uint64_t steps)
{
    if (ACT_UNLIKELY(steps > extents->steps_left))
        return act_fail(extents->error, ACT_ERR_LIMIT, ACT_NO_OFFSET,
                        "more than %" PRIu64 " nodes under the prefix, the limit",
                        extents->map->steps_max);
    extents->steps_left -= steps;
    return ACT_OK;
}

static act_status corrupt(const struct extents *extents, uint64_t id)
{
    return act_cursor_corrupt(id, extents->error);
}

/* -------------------------------------------------------------------------------------- pages */

static bool is_marked(const struct extents *extents, uint64_t page)
{
    const uint64_t *chunk = extents->chunks[page / CHUNK_PAGES];
    return chunk && chunk[page % CHUNK_PAGES / 64] >> page % 64 & 1;
}

/* Marks the pages of these bytes, at least one, which lie in the file. */
static act_status mark(struct extents *extents, uint64_t off, uint64_t nbytes)
{
    uint64_t page = off / ACT_PAGE_NBYTES;
    uint64_t last = (off + nbytes - 1) / ACT_PAGE_NBYTES;
    act_status status = take_steps(extents, (last - page) / 64);
    for (; page <= last && status == ACT_OK; page++) {
        uint64_t **chunk = &extents->chunks[page / CHUNK_PAGES];
        if (ACT_UNLIKELY(!*chunk)) {
            *chunk = calloc(CHUNK_WORDS, sizeof(**chunk));
            if (!*chunk)
                return act_fail_nomem(extents->error);
        }
        (*chunk)[page % CHUNK_PAGES / 64] |= (uint64_t)1 << page % 64;
    }
    return status;
}

/* Calls `visit` for each sequence of marked pages. */
static act_status deliver(const struct extents *extents, act_extent_fn visit, void *context)
{
    uint64_t file_nbytes = extents->map->file_nbytes;
    uint64_t pages = (file_nbytes + ACT_PAGE_NBYTES - 1) / ACT_PAGE_NBYTES;
    for (uint64_t page = 0; page < pages;) {
        if (!extents->chunks[page / CHUNK_PAGES]) {
            page = (page / CHUNK_PAGES + 1) * CHUNK_PAGES;
            continue;
        }
        uint64_t first = page;
        while (page < pages && is_marked(extents, page))
            page++;
        if (page == first) {
            page++;
            continue;
        }
        uint64_t off = first * ACT_PAGE_NBYTES;
        uint64_t end = page < pages ? page * ACT_PAGE_NBYTES : file_nbytes;
        if (!visit(context, off, end - off))
            return ACT_STOPPED;
    }
    return ACT_OK;
}

/* -------------------------------------------------------------------------------------- nodes */

/* Whether bytes at this offset lie in a page whose unit need not be gone into. */
static bool is_in_page(const struct extents *extents, uint64_t off)
{
    return extents->map->index_state == ACT_INDEX_VALID && off < extents->map->arena.hot_off;
}

/* Marks the jump table before a run, if there is one that makes sense. */
static act_status mark_jump_table(struct extents *extents, uint64_t first, unsigned count)
{
    const struct act_arena *arena = &extents->map->arena;
    if (count < 2 || first >= arena->jump_end || first <= ACT_INDEX_END)
        return ACT_OK;
    uint64_t nbytes = 1 + (uint64_t)arena->bytes[first - 1] * (count - 1);
    return nbytes <= first - ACT_ARENA_OFF ? mark(extents, first - nbytes, nbytes) : ACT_OK;
}

/* Siblings below the node `parent`: to be gone over, or known to lie in one page. */
static act_status enter_run(struct extents *extents, uint64_t first, uint64_t parent,
                            unsigned count)
{
    if (is_in_page(extents, first))
        return mark(extents, first, 1);
    act_status status = mark_jump_table(extents, first, count);
    if (status != ACT_OK)
        return status;
    if (!act_reserve(&extents->runs, &extents->capacity, extents->depth + 1,
                     sizeof(*extents->runs)))
        return act_fail_nomem(extents->error);
    extents->runs[extents->depth++] = (struct run){first, parent, count};
    return ACT_OK;
}

static act_status enter_line(struct extents *extents, const struct act_node *node)
{
    uint64_t off = node->id - node->line_rel;
    if (node->line_rel - 1 >= node->id - ACT_ARENA_OFF)
        return corrupt(extents, node->id);
    act_status status;
    if (is_in_page(extents, off)) {
        status = mark(extents, off, 1);
    } else {
        struct act_line line;
        if (!act_line_decode(&extents->map->arena, node->id, node->line_rel, &line))
            return corrupt(extents, node->id);
        uint64_t begin = (uint64_t)(line.bytes - extents->map->arena.bytes);
        status = mark(extents, off, begin - off + line.nbytes);
    }
    if (status != ACT_OK || !act_node_has_child(node))
        return status;
    uint64_t child = act_node_first_child(node->id, node->child_rel);
    return child ? enter_run(extents, child, node->id, 1) : corrupt(extents, node->id);
}

static act_status enter_branch(struct extents *extents, const struct act_node *node)
{
    struct act_children children;
    if (!act_node_has_child(node))
        return ACT_OK;
    uint64_t first = act_node_first_child(node->id, node->child_rel);
    if (!first || !act_node_children(&extents->map->arena, node, &children))
        return corrupt(extents, node->id);
    return enter_run(extents, first, node->id, children.count);
}

/* The next of the siblings on top of the stack, or back to those above. */
static act_status step(struct extents *extents)
{
    struct run *run = &extents->runs[extents->depth - 1];
    struct act_node node;
    if (run->left == 0) {
        extents->depth--;
        return ACT_OK;
    }
    act_status status = take_steps(extents, 1);
    if (status != ACT_OK)
        return status;
    if (run->next >= run->end || !act_node_decode(&extents->map->arena, run->next, &node))
        return corrupt(extents, run->next);
    run->next = node.end;
    run->left--;
    status = mark(extents, node.id, node.end - node.id);
    if (status != ACT_OK)
        return status;
    return act_node_is_line(&node) ? enter_line(extents, &node) : enter_branch(extents, &node);
}

/* The node to which the prefix leads, or in whose line it ends. */
static act_status find(const struct act_map *map, const void *prefix, size_t prefix_nbytes,
                       uint64_t *id_ret, act_error *error)
{
    act_cursor *cursor;
    act_status status = act_cursor_open(map, prefix, prefix_nbytes, &cursor, error);
    if (status != ACT_OK)
        return status;
    if (act_cursor_path_exists(cursor))
        *id_ret = act_cursor_top(cursor)->id;
    else
        status = ACT_NOT_FOUND;
    act_cursor_close(cursor);
    return status;
}

static act_status go_over(struct extents *extents, uint64_t id)
{
    act_status status = enter_run(extents, id, id + 1, 1);
    while (status == ACT_OK && extents->depth)
        status = step(extents);
    return status;
}

act_status act_extents_of(const struct act_map *map, const void *prefix, size_t prefix_nbytes,
                          act_extent_fn visit, void *context, act_error *error)
{
    if (!prefix_nbytes)
        return visit(context, 0, map->file_nbytes) ? ACT_OK : ACT_STOPPED;
    uint64_t id;
    act_status status = find(map, prefix, prefix_nbytes, &id, error);
    if (status != ACT_OK)
        return status;
    struct extents extents = {.map = map, .steps_left = map->steps_max, .error = error};
    extents.chunks_count = (size_t)(map->file_nbytes / ((uint64_t)CHUNK_PAGES * ACT_PAGE_NBYTES) +
                                    1);
    extents.chunks = calloc(extents.chunks_count, sizeof(*extents.chunks));
    if (!extents.chunks)
        return act_fail_nomem(error);
    status = act_guarded(map, go_over(&extents, id), error);
    if (status == ACT_OK)
        status = deliver(&extents, visit, context);
    for (size_t i = 0; i < extents.chunks_count; i++)
        free(extents.chunks[i]);
    free(extents.chunks);
    free(extents.runs);
    return status;
}
