#include "repair/damaged.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "format/tail.h"

enum {
    /* That a root may end in, and one: a mask, but for the bytes that hold its 32 bits at least. */
    ZEROS_MAX = ACT_MASK_NBYTES - ACT_BRANCH_MASK / 8 + 1
};

/* -------------------------------------------------------------------------------------- opening */

/* What a search backwards through the file finds: segments, the last one first, and an index. */
struct search {
    const struct act_damaged *file;
    struct act_index *index; /* to be filled from a copy, or NULL: it is known */
    bool found_index;
    struct act_checked_segment *segments;
    size_t count;
    size_t capacity;
};

/*
 * Takes the segment whose footer is at `off`, if there is one, which must end at the limit or
 * before; the limit is then where it begins. False without memory.
 */
static bool take_segment(struct search *search, uint64_t off, uint64_t *limit_ref)
{
    const struct act_damaged *file = search->file;
    struct act_segment segment;
    struct act_node node;
    uint64_t root = off + ACT_SEGMENT_NBYTES;
    if (!act_segment_read(file->arena.bytes, root, &segment) ||
        !act_node_decode(&file->arena, root, &node) || node.end > *limit_ref - ACT_TRAILER_NBYTES)
        return true;
    if (!act_reserve(&search->segments, &search->capacity, search->count + 1,
                     sizeof(*search->segments)))
        return false;
    struct act_checked_segment *added = &search->segments[search->count++];
    added->segment = segment;
    added->end = node.end + ACT_TRAILER_NBYTES;
    *limit_ref = segment.begin;
    return true;
}

static void take_index(struct search *search, uint64_t off)
{
    const struct act_damaged *file = search->file;
    struct act_index index;
    if (off > file->file_nbytes - ACT_INDEX_NBYTES ||
        act_index_read_header(file->arena.bytes + off, file->file_nbytes, &index) !=
            ACT_INDEX_VALID ||
        act_index_copy_off(index.file_nbytes) != off)
        return;
    *search->index = index;
    search->found_index = true;
}

/* Goes from the end down to `low`. No two segments lie over each other: so what they hold is
 * compared once, whatever bytes there are. False without memory. */
static bool search_down(struct search *search, uint64_t low)
{
    const uint8_t *bytes = search->file->arena.bytes;
    uint64_t limit = search->file->file_nbytes;
    for (uint64_t off = limit - ACT_SEGMENT_NBYTES; off >= low; off--) {
        if (bytes[off] != (uint8_t)ACT_SEGMENT_MAGIC[0])
            continue;
        if (memcmp(bytes + off, ACT_SEGMENT_MAGIC, 8) == 0) {
            if (!take_segment(search, off, &limit))
                return false;
            if (limit < off)
                off = limit;
        } else if (search->index && !search->found_index &&
                   memcmp(bytes + off, ACT_INDEX_MAGIC, 8) == 0) {
            take_index(search, off);
        }
    }
    return true;
}

/* Leaves those that belong to the index, in the order of the file. */
static void sort_out(struct search *search, const struct act_index *index)
{
    size_t kept = 0;
    for (size_t i = 0; i < search->count; i++) {
        const struct act_checked_segment *from = &search->segments[i];
        if (from->segment.jump_begin != index->file_nbytes)
            continue;
        search->segments[kept].segment = from->segment;
        search->segments[kept++].end = from->end;
    }
    search->count = kept;
    for (size_t i = 0; i < kept / 2; i++) {
        struct act_checked_segment *low = &search->segments[i];
        struct act_checked_segment *high = &search->segments[kept - 1 - i];
        struct act_segment segment = low->segment;
        uint64_t end = low->end;
        low->segment = high->segment;
        low->end = high->end;
        high->segment = segment;
        high->end = end;
    }
}

act_status act_damaged_open(struct act_damaged *file, const uint8_t *bytes, uint64_t file_nbytes,
                            uint64_t padding_nbytes, bool sound, bool unchecked, act_error *error)
{
    memset(file, 0, sizeof(*file));
    file->arena = act_arena_of(bytes, file_nbytes, padding_nbytes);
    file->file_nbytes = file_nbytes;
    file->sound = sound;
    /* Whoever verified it has compared what its roots lead to; what else looks like a segment is
     * none of its. */
    file->heeded = !unchecked && !sound;
    if (file_nbytes < ACT_INDEX_END + ACT_INDEX_NBYTES)
        return ACT_OK;
    struct search search = {.file = file};
    file->indexed = act_index_read(bytes, file_nbytes, &file->index) == ACT_INDEX_VALID;
    if (!file->indexed && sound)
        return ACT_OK;
    if (!file->indexed)
        search.index = &file->index;
    if (!search_down(&search, file->indexed ? file->index.file_nbytes : ACT_INDEX_END)) {
        free(search.segments);
        return act_fail_nomem(error);
    }
    if (search.found_index)
        file->indexed = true;
    if (!file->indexed) {
        free(search.segments);
        return ACT_OK;
    }
    sort_out(&search, &file->index);
    file->arena.jump_end = file->index.jump_end;
    file->chain_begin = file->index.file_nbytes;
    if (search.count)
        file->chain_end = search.segments[search.count - 1].segment.begin;
    return act_checks_make(bytes, file_nbytes, &file->index, search.segments, search.count,
                           &file->checks, error);
}

void act_damaged_close(struct act_damaged *file)
{
    act_checks_free(file->checks);
    file->checks = NULL;
}

/* ---------------------------------------------------------------------------------------- nodes */

bool act_damaged_trust(const struct act_damaged *file, uint64_t off, uint64_t end,
                       uint64_t *offset_ret)
{
    size_t unit;
    uint64_t unit_end;
    if (!file->checks || !file->heeded)
        return true;
    if (act_checks_find_bad(file->checks, off, end, &unit)) {
        act_checks_unit(file->checks, unit, offset_ret, &unit_end);
        return false;
    }
    *offset_ret = off;
    return off < file->chain_begin || off >= file->chain_end ||
           act_checks_covers(file->checks, off);
}

static act_rule read_line(const struct act_damaged *file, struct act_damaged_node *read)
{
    const struct act_node *node = &read->node;
    if (node->header & ACT_LINE_RESERVED)
        return ACT_RULE_LINE_HEADER;
    if (act_node_has_value(node) && act_node_has_child(node))
        return ACT_RULE_LINE_VALUE_CHILD;
    if (node->line_rel - 1 >= node->id - ACT_ARENA_OFF)
        return ACT_RULE_LINE_OFFSET;
    return act_line_decode(&file->arena, node->id, node->line_rel, &read->line)
               ? ACT_RULE_NONE
               : ACT_RULE_LINE_LENGTH;
}

static act_rule read_branch(const struct act_damaged *file, struct act_damaged_node *read)
{
    unsigned count = read->node.header & ACT_BRANCH_COUNT;
    if (count > ACT_BRANCH_MASK)
        return ACT_RULE_CHILD_COUNT;
    if (act_node_children(&file->arena, &read->node, &read->children))
        return ACT_RULE_NONE;
    return count == ACT_BRANCH_MASK ? ACT_RULE_CHILD_MASK : ACT_RULE_CHILD_BYTES;
}

act_rule act_damaged_read(const struct act_damaged *file, uint64_t id,
                          struct act_damaged_node *node_ret, uint64_t *offset_ret)
{
    const struct act_arena *arena = &file->arena;
    struct act_node *node = &node_ret->node;
    bool decoded = act_node_decode(arena, id, node);
    /* Bytes that do not match are the cause of whatever else is wrong. */
    if (id < arena->tail && !act_damaged_trust(file, id, decoded ? node->end : id + 1, offset_ret))
        return ACT_RULE_CHECKSUM;
    *offset_ret = id;
    if (!decoded)
        return ACT_RULE_NODE_BOUNDS;
    bool is_line = act_node_is_line(node);
    act_rule rule = is_line ? read_line(file, node_ret) : read_branch(file, node_ret);
    if (is_line && (rule == ACT_RULE_NONE || rule == ACT_RULE_LINE_LENGTH)) {
        uint64_t line_off = id - node->line_rel;
        uint64_t line_end = rule == ACT_RULE_NONE
                                ? (uint64_t)(node_ret->line.bytes - arena->bytes) +
                                      node_ret->line.nbytes
                                : line_off + 1;
        if (!act_damaged_trust(file, line_off, line_end, offset_ret))
            return ACT_RULE_CHECKSUM;
        *offset_ret = id;
    }
    node_ret->child = 0;
    if (rule == ACT_RULE_NONE && act_node_has_child(node)) {
        node_ret->child = act_node_first_child(id, node->child_rel);
        if (!node_ret->child)
            return ACT_RULE_CHILD_OFFSET;
    }
    return rule;
}

uint64_t act_damaged_jump(const struct act_damaged *file, uint64_t parent, uint64_t first,
                          unsigned index)
{
    const uint8_t *bytes = file->arena.bytes;
    uint64_t bad_off;
    if (!file->indexed || first <= ACT_INDEX_END || first >= parent || index == 0)
        return 0;
    if (first >= file->index.jump_end && !act_checks_covers(file->checks, first))
        return 0;
    uint64_t child = act_jump_read(bytes, first, index);
    uint64_t table_nbytes = (uint64_t)bytes[first - 1] * index;
    if (child <= first || child >= parent ||
        !act_damaged_trust(file, first - 1 - table_nbytes, first, &bad_off))
        return 0;
    return child;
}

/* ---------------------------------------------------------------------------------------- roots */

/* Whether a root may be where it is, of a file with checksums that are heeded. */
static bool is_placed(const struct act_damaged *file, uint64_t root, const struct act_tail *tail)
{
    if (root == file->index.root)
        return true;
    for (size_t i = 0; i < file->checks->segments_count; i++) {
        if (file->checks->segments[i].segment.root == root)
            return true;
    }
    /* Another program's merge. */
    return root >= file->index.file_nbytes && tail->at_root && tail->merged &&
           !act_segment_was_footer(file->arena.bytes, root);
}

/*
 * Whether a tree can be read from this root. One that the header does not name must be followed by
 * a tail, where no index tells of it.
 */
static bool is_usable(const struct act_damaged *file, uint64_t root, bool named, uint64_t *end_ret)
{
    const struct act_index *index = file->indexed ? &file->index : NULL;
    struct act_damaged_node read;
    struct act_tail tail;
    uint64_t off;
    if (root < ACT_ARENA_OFF || act_damaged_read(file, root, &read, &off) != ACT_RULE_NONE)
        return false;
    if (!act_tail_find(file->arena.bytes, file->file_nbytes, root, index, &tail))
        tail = (struct act_tail){.end = file->file_nbytes};
    *end_ret = tail.end;
    if (named && file->sound)
        return true;
    bool at_index_root = index && root == index->root;
    if (read.node.header == 0 && root != ACT_ARENA_OFF && !at_index_root &&
        !(tail.at_root && tail.merged))
        return false;
    if (index && file->heeded && !is_placed(file, root, &tail))
        return false;
    return named || at_index_root || tail.at_root;
}

/* The best of the roots so far: they are appended, so the highest is the newest. */
struct choice {
    uint64_t root; /* 0: none */
    uint64_t end;
};

static void consider(const struct act_damaged *file, uint64_t root, struct choice *choice)
{
    uint64_t end;
    if (root > choice->root && is_usable(file, root, false, &end))
        *choice = (struct choice){root, end};
}

/* Considers the roots that the trailer at `off`, and those before it, tell of. */
static void consider_trailers(const struct act_damaged *file, uint64_t off, struct choice *choice)
{
    while (off >= ACT_ARENA_OFF && off <= file->file_nbytes - ACT_TRAILER_NBYTES) {
        struct act_trailer trailer;
        if (!act_trailer_read(file->arena.bytes, off + ACT_TRAILER_NBYTES, &trailer) ||
            trailer.previous_root >= off)
            return;
        consider(file, trailer.previous_root, choice);
        if (trailer.previous_trailer >= off)
            return;
        off = trailer.previous_trailer;
    }
}

/*
 * Whether all bytes of a file that ends with this root and eight zeros belong to its tree, and
 * break no rule: as the plain files of all writers are, and by chance no others.
 */
static bool fills(const struct act_damaged *file, uint64_t root, uint64_t end)
{
    struct act_map_lazy lazy = {.shortcuts = NULL};
    uint64_t nbytes = end + ACT_TAIL_NBYTES;
    struct act_map map = {.root = root, .file_nbytes = nbytes, .lazy = &lazy};
    act_map_info info;
    map.arena = act_arena_of(file->arena.bytes, nbytes, file->arena.readable - nbytes);
    return act_map_get_info(&map, NULL, NULL, &info, NULL) == ACT_OK &&
           info.unreferenced_nbytes == 0;
}

/*
 * The root of a plain file whose header does not tell it: the last node before the zeros that the
 * file ends in. Where a node begins is not told from behind, so all places are tried.
 */
static void consider_last(const struct act_damaged *file, struct choice *choice)
{
    const uint8_t *bytes = file->arena.bytes;
    uint64_t last = file->arena.tail + ACT_TAIL_NBYTES;
    while (last > ACT_ARENA_OFF && !bytes[last - 1])
        last--;
    for (uint64_t end = last; end < last + ZEROS_MAX && end <= file->arena.tail; end++) {
        uint64_t least = end > ACT_ARENA_OFF + ACT_NODE_NBYTES_MAX ? end - ACT_NODE_NBYTES_MAX
                                                                   : ACT_ARENA_OFF;
        for (uint64_t root = least; root < end; root++) {
            struct act_damaged_node read;
            uint64_t off;
            /* An empty map is zeros like any others. */
            if (act_damaged_read(file, root, &read, &off) == ACT_RULE_NONE && read.node.header &&
                read.node.end == end && fills(file, root, end)) {
                *choice = (struct choice){root, end + ACT_TAIL_NBYTES};
                return;
            }
        }
    }
}

bool act_damaged_find_root(const struct act_damaged *file, uint64_t *root_ret, bool *former_ret,
                           uint64_t *end_ret)
{
    const uint8_t *bytes = file->arena.bytes;
    struct choice choice = {0, 0};
    struct act_trailer trailer;
    if (file->file_nbytes < ACT_FILE_NBYTES_MIN)
        return false;
    uint64_t named = act_load_le64(bytes + ACT_ROOT_OFF);
    *former_ret = false;
    if (is_usable(file, named, true, &choice.end))
        choice.root = named;
    /* Somebody has moved the root away from the last merge, which is whole. */
    uint64_t newest = file->indexed ? act_segment_newest(&file->arena, file->file_nbytes) : 0;
    if (newest && newest != named) {
        act_trailer_read(bytes, file->file_nbytes, &trailer);
        if (trailer.previous_root != named)
            consider(file, newest, &choice);
    }
    if (!choice.root) {
        struct act_node node;
        for (size_t i = 0; file->checks && i < file->checks->segments_count; i++)
            consider(file, file->checks->segments[i].segment.root, &choice);
        if (file->indexed)
            consider(file, file->index.root, &choice);
        consider_trailers(file, file->file_nbytes - ACT_TRAILER_NBYTES, &choice);
        if (named >= ACT_ARENA_OFF && act_node_decode(&file->arena, named, &node))
            consider_trailers(file, node.end, &choice);
        if (!choice.root && !file->indexed)
            consider_last(file, &choice);
        *former_ret = choice.end < file->file_nbytes;
    }
    *root_ret = choice.root;
    *end_ret = choice.end;
    return choice.root != 0;
}
