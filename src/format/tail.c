#include "format/tail.h"

#include "base/bytes.h"

/* Where the node at `id` ends; 0 if it does not do so up to `limit`. */
static uint64_t node_end(const uint8_t *bytes, uint64_t id, uint64_t limit)
{
    struct act_arena arena = {.bytes = bytes, .tail = limit};
    struct act_node node;
    return id >= ACT_ARENA_OFF && act_node_decode_checked(&arena, id, &node) ? node.end : 0;
}

/* `off` is no higher than the file is long. */
static bool zeros_at(const uint8_t *bytes, uint64_t file_nbytes, uint64_t off)
{
    return file_nbytes - off >= ACT_TAIL_NBYTES && act_load_le64(bytes + off) == 0;
}

/* Takes the trailer at `off`, no higher than the file is long, if it is one and could be. */
static bool take_trailer(const uint8_t *bytes, uint64_t file_nbytes, uint64_t off,
                         struct act_tail *tail)
{
    if (file_nbytes - off < ACT_TRAILER_NBYTES)
        return false;
    uint64_t end = off + ACT_TRAILER_NBYTES;
    struct act_trailer trailer;
    if (!act_trailer_read(bytes, end, &trailer) || !node_end(bytes, trailer.previous_root, off))
        return false;
    /* Further down, and not over this one; `off` lies above a node, and so above ACT_ARENA_OFF. */
    if (trailer.previous_trailer && (trailer.previous_trailer < ACT_ARENA_OFF ||
                                     trailer.previous_trailer > off - ACT_TRAILER_NBYTES))
        return false;
    *tail = (struct act_tail){end, true, true, off, trailer};
    return true;
}

/*
 * A trailer that names no other begins with zeros, as what follows a root that nobody merged into.
 * Then the root before it has no trailer of its own: it ends in zeros, or an index tells of it.
 */
static bool first_trailer_fits(const uint8_t *bytes, const struct act_index *index,
                               const struct act_tail *tail)
{
    uint64_t previous = tail->trailer.previous_root;
    if (tail->trailer.previous_trailer || (index && previous == index->root))
        return true;
    return zeros_at(bytes, tail->trailer_off, node_end(bytes, previous, tail->trailer_off));
}

bool act_tail_find(const uint8_t *bytes, uint64_t file_nbytes, uint64_t root,
                   const struct act_index *index, struct act_tail *tail_ret)
{
    struct act_tail last = {.end = file_nbytes};
    bool ends_in_trailer = take_trailer(bytes, file_nbytes, file_nbytes - ACT_TRAILER_NBYTES,
                                        &last);
    uint64_t end = node_end(bytes, root, file_nbytes - ACT_TAIL_NBYTES);
    /* A trailer at the end that belongs to another root, and is not that of a merge into this one:
     * somebody has put the root elsewhere. */
    bool foreign = ends_in_trailer && last.trailer_off != end && last.trailer.previous_root != root;
    *tail_ret = last;
    tail_ret->at_root = false;
    if (!end || foreign)
        return ends_in_trailer;
    if (index && root == index->root) {
        *tail_ret = (struct act_tail){.end = index->file_nbytes, .at_root = true};
        return true;
    }
    if (take_trailer(bytes, file_nbytes, end, tail_ret) &&
        (end + ACT_TRAILER_NBYTES == file_nbytes || first_trailer_fits(bytes, index, tail_ret)))
        return true;
    if (zeros_at(bytes, file_nbytes, end)) {
        *tail_ret = (struct act_tail){.end = end + ACT_TAIL_NBYTES, .at_root = true};
        return true;
    }
    *tail_ret = last;
    tail_ret->at_root = false;
    return ends_in_trailer || zeros_at(bytes, file_nbytes, file_nbytes - ACT_TAIL_NBYTES);
}

bool act_tail_previous(const uint8_t *bytes, const struct act_index *index, uint64_t *root_ref,
                       struct act_tail *tail)
{
    uint64_t off = tail->trailer_off;
    uint64_t root = tail->trailer.previous_root;
    uint64_t before = tail->trailer.previous_trailer;
    *root_ref = root;
    if (before) {
        /* The root ends before the trailer that belongs to it, as everything of its tree does. */
        return take_trailer(bytes, before + ACT_TRAILER_NBYTES, before, tail) &&
               node_end(bytes, root, before);
    }
    uint64_t end = node_end(bytes, root, off);
    if (!end)
        return false;
    if (index && root == index->root && index->file_nbytes <= off)
        end = index->file_nbytes;
    else
        end = off - end < ACT_TAIL_NBYTES ? off : end + ACT_TAIL_NBYTES;
    *tail = (struct act_tail){.end = end, .at_root = true};
    return true;
}
