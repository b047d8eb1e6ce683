#include "hostile/plain_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes from `at` up to `end`; `cut` once more was wanted than there is. */
struct reader {
    const uint8_t *bytes;
    uint64_t at, end;
    bool cut;
};

static uint64_t take(struct reader *r, unsigned nbytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < nbytes; i++) {
        if (r->at >= r->end) {
            r->cut = true;
            return 0;
        }
        value |= (uint64_t)r->bytes[r->at++] << 8 * i;
    }
    return value;
}

static uint64_t take_varint(struct reader *r)
{
    uint64_t first = take(r, 1);
    return first < 248 ? first : take(r, (unsigned)first - 247);
}

static uint64_t u64_at(const uint8_t *bytes, uint64_t at)
{
    struct reader r = {bytes, at, at + 8, false};
    return take(&r, 8);
}

struct plain_node {
    uint64_t at, end;
    uint64_t value, to_child, to_line;
    bool cut, is_line, has_value, has_child;
    unsigned count; /* as the header has it */
    unsigned labels_count;
    uint8_t labels[256];
    bool ascend;
};

static struct plain_node node_at(const uint8_t *bytes, uint64_t at, uint64_t end)
{
    struct plain_node node = {.at = at, .ascend = true};
    struct reader r = {bytes, at, end, false};
    unsigned header = (unsigned)take(&r, 1);
    node.is_line = header >= 128;
    node.has_value = header / 64 % 2;
    node.count = header % 64;
    node.has_child = node.is_line ? header % 2 : node.count > 0;
    if (node.has_value)
        node.value = take_varint(&r);
    if (node.has_child)
        node.to_child = take_varint(&r);
    if (node.is_line) {
        node.to_line = take_varint(&r);
    } else if (node.count < 32) {
        for (unsigned i = 0; i < node.count; i++) {
            node.labels[i] = (uint8_t)take(&r, 1);
            if (i > 0 && node.labels[i - 1] >= node.labels[i])
                node.ascend = false;
        }
        node.labels_count = node.count;
    } else {
        for (unsigned i = 0; i < 32; i++) {
            unsigned eight = (unsigned)take(&r, 1);
            for (unsigned bit = 0; bit < 8; bit++)
                if (eight >> bit & 1)
                    node.labels[node.labels_count++] = (uint8_t)(8 * i + bit);
        }
    }
    node.cut = r.cut;
    node.end = r.at;
    return node;
}

/* The bytes of the node's line: false if there are none that may be. */
static bool line_of(const uint8_t *bytes, const struct plain_node *node, uint64_t *first_ret,
                    uint64_t *nbytes_ret)
{
    if (node->to_line == 0 || node->to_line > node->at - 16)
        return false;
    struct reader r = {bytes, node->at - node->to_line, node->at, false};
    *nbytes_ret = take_varint(&r);
    *first_ret = r.at;
    return !r.cut && *nbytes_ret > 0 && *nbytes_ret <= node->at - r.at;
}

bool plain_can_be_opened(const uint8_t *bytes, size_t nbytes)
{
    if (nbytes < 25 || memcmp(bytes, "ACTree03", 8) != 0)
        return false;
    uint64_t root = u64_at(bytes, 8);
    return root >= 16 && root < nbytes - 8 && !node_at(bytes, root, nbytes - 8).cut;
}

static bool tail_is_good(const uint8_t *bytes, uint64_t nbytes)
{
    uint64_t at = nbytes - 16;
    uint64_t previous_trailer = u64_at(bytes, at);
    uint64_t previous_root = u64_at(bytes, at + 8);
    if (previous_root == 0)
        return true;
    if (previous_root < 16 || previous_root >= at)
        return false;
    if (node_at(bytes, u64_at(bytes, 8), nbytes - 8).end > at)
        return false;
    return previous_trailer == 0 ||
           (previous_trailer >= 16 && previous_trailer + 16 >= 16 && previous_trailer + 16 <= at);
}

/* The node and all below it; `seen` tells which were found good before. */
static bool subtree_is_sound(const uint8_t *bytes, uint64_t nbytes, uint64_t at, bool *seen)
{
    if (seen[at])
        return true;
    struct plain_node node = node_at(bytes, at, nbytes - 8);
    unsigned children = 0;
    if (node.cut)
        return false;
    if (node.is_line) {
        uint64_t first, line_nbytes;
        if (node.count > 1 || (node.has_value && node.has_child) ||
            !line_of(bytes, &node, &first, &line_nbytes))
            return false;
        children = node.has_child;
    } else {
        if (node.count > 32 || !node.ascend || (node.count == 32 && node.labels_count < 32))
            return false;
        children = node.labels_count;
    }
    if (children && (node.to_child == 0 || node.to_child > at - 16))
        return false;
    uint64_t child = at - node.to_child;
    for (unsigned i = 0; i < children; i++) {
        struct plain_node sibling = node_at(bytes, child, at);
        if (sibling.cut || !subtree_is_sound(bytes, nbytes, child, seen))
            return false;
        child = sibling.end;
    }
    seen[at] = true;
    return true;
}

bool plain_is_sound(const uint8_t *bytes, size_t nbytes)
{
    uint64_t root = u64_at(bytes, 8);
    bool merged_here = u64_at(bytes, nbytes - 8) != 0 && root + 1 == nbytes - 16;
    if (!tail_is_good(bytes, nbytes) || (bytes[root] == 0 && root != 16 && !merged_here))
        return false;
    bool *seen = calloc(nbytes, sizeof(*seen));
    if (!seen) {
        fprintf(stderr, "plain model: out of memory\n");
        exit(99);
    }
    bool sound = subtree_is_sound(bytes, nbytes, root, seen);
    free(seen);
    return sound;
}

struct listing {
    const uint8_t *bytes;
    uint64_t nbytes;
    struct entries *entries;
    size_t count_max;
    size_t keys_left; /* bytes */
    size_t steps_left;
    size_t path_nbytes;
    uint8_t path[4096];
};

static bool list_node(struct listing *l, uint64_t at)
{
    struct plain_node node = node_at(l->bytes, at, l->nbytes - 8);
    size_t path_nbytes = l->path_nbytes;
    if (l->steps_left-- == 0)
        return false;
    if (node.is_line) {
        uint64_t first = 0, line_nbytes = 0;
        line_of(l->bytes, &node, &first, &line_nbytes);
        if (line_nbytes > sizeof(l->path) - path_nbytes)
            return false;
        memcpy(l->path + path_nbytes, l->bytes + first, line_nbytes);
        l->path_nbytes += line_nbytes;
    }
    /* The empty path is there in an empty map too: it does not dangle. */
    bool dangles = !node.has_value && !node.has_child && l->path_nbytes > 0;
    if (node.has_value || dangles) {
        if (l->entries->count >= l->count_max || l->path_nbytes > l->keys_left)
            return false;
        l->keys_left -= l->path_nbytes;
        if (node.has_value)
            entries_add(l->entries, l->path, l->path_nbytes, node.value);
        else
            entries_add_path(l->entries, l->path, l->path_nbytes);
    }
    uint64_t child = at - node.to_child;
    unsigned children = node.is_line ? node.has_child : node.labels_count;
    size_t own_nbytes = l->path_nbytes;
    for (unsigned i = 0; i < children; i++) {
        l->path_nbytes = own_nbytes;
        if (!node.is_line) {
            if (own_nbytes == sizeof(l->path))
                return false;
            l->path[l->path_nbytes++] = node.labels[i];
        }
        if (!list_node(l, child))
            return false;
        child = node_at(l->bytes, child, at).end;
    }
    l->path_nbytes = path_nbytes;
    return true;
}

bool plain_list(const uint8_t *bytes, size_t nbytes, size_t count_max, size_t nbytes_max,
                struct entries *entries)
{
    struct listing listing = {.bytes = bytes,
                              .nbytes = nbytes,
                              .entries = entries,
                              .count_max = count_max,
                              .keys_left = nbytes_max,
                              .steps_left = 100000};
    return list_node(&listing, u64_at(bytes, 8));
}
