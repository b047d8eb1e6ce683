#include "fuzz/tree.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    HEADER_NBYTES = 16,
    TRAILER_NBYTES = 16,
    INDEX_AT = 16, /* its header's fields, from there */
    INDEX_NBYTES = 240,
    INDEX_END = INDEX_AT + INDEX_NBYTES,
    INDEX_FILE_NBYTES = 24,
    INDEX_SUMS_OFF = 64,
    INDEX_SUMS_HASH = 72,
    COPY_NBYTES = 256, /* the header's copy, and the zeros behind it */
    FOOTER_NBYTES = 64,
    FOOTER_BEGIN = 16, /* of a segment's footer */
    FOOTER_SUM = 48,
    BLOCK_NBYTES = 65536,
    SEGMENTS_MAX = 16
};

static bool take_varint(const uint8_t *bytes, size_t nbytes, size_t *at, uint64_t *number_ret)
{
    if (*at >= nbytes || fuzz_varint_nbytes(bytes, *at) > nbytes - *at)
        return false;
    size_t width = fuzz_varint_nbytes(bytes, *at) - 1;
    uint64_t number = width ? 0 : bytes[*at];
    for (size_t i = width; i > 0; i--)
        number = number << 8 | bytes[*at + i];
    *at += width + 1;
    *number_ret = number;
    return true;
}

static unsigned bits_in(const uint8_t *mask)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 256; i++)
        count += mask[i / 8] >> i % 8 & 1;
    return count;
}

bool fuzz_node_decode(const uint8_t *bytes, size_t nbytes, uint64_t at, struct fuzz_node *node_ret)
{
    if (at < HEADER_NBYTES || at >= nbytes)
        return false;
    struct fuzz_node node = {.at = (uint32_t)at, .header = bytes[at]};
    size_t next = (size_t)at + 1;
    bool is_line = node.header & 0x80;
    uint64_t value;
    if (node.header & 0x40) {
        node.value = (uint32_t)next;
        if (!take_varint(bytes, nbytes, &next, &value))
            return false;
    }
    if (is_line ? node.header & 1 : node.header & 0x3f) {
        node.child = (uint32_t)next;
        node.count = is_line ? 1 : node.header & 0x3f;
        if (!take_varint(bytes, nbytes, &next, &node.child_rel))
            return false;
    }
    if (is_line) {
        node.line = (uint32_t)next;
        if (!take_varint(bytes, nbytes, &next, &node.line_rel))
            return false;
    } else if (node.count) {
        size_t width = node.count < 32 ? node.count : 32;
        if (width > nbytes - next)
            return false;
        node.labels = (uint32_t)next;
        if (node.count == 32)
            node.count = bits_in(bytes + next);
        next += width;
    }
    node.end = (uint32_t)next;
    *node_ret = node;
    return true;
}

/* Takes a node in, if it is new. */
static bool take(struct fuzz_tree *tree, uint8_t *seen, const uint8_t *bytes, size_t nbytes,
                 uint64_t at, uint64_t *end_ret)
{
    struct fuzz_node node;
    if (!fuzz_node_decode(bytes, nbytes, at, &node))
        return false;
    *end_ret = node.end;
    if (seen[at / 8] >> at % 8 & 1)
        return true;
    if (tree->count == FUZZ_NODES_MAX)
        return false;
    seen[at / 8] |= (uint8_t)(1 << at % 8);
    tree->nodes[tree->count++] = node;
    return true;
}

void fuzz_tree_find(const uint8_t *bytes, size_t nbytes, struct fuzz_tree *tree)
{
    uint8_t seen[FUZZ_FILE_NBYTES_MAX / 8];
    uint64_t end;
    memset(seen, 0, nbytes / 8 + 1);
    tree->count = 0;
    if (nbytes < HEADER_NBYTES + TRAILER_NBYTES)
        return;
    take(tree, seen, bytes, nbytes, fuzz_u64(bytes + 8), &end);
    take(tree, seen, bytes, nbytes, fuzz_u64(bytes + nbytes - 8), &end);
    for (size_t i = 0; i < tree->count; i++) {
        const struct fuzz_node *node = &tree->nodes[i];
        uint64_t at = node->at - node->child_rel;
        for (unsigned child = 0, count = node->count; child < count; child++, at = end) {
            if (at >= node->at || !take(tree, seen, bytes, nbytes, at, &end))
                break;
        }
    }
}

void fuzz_varint_put(uint8_t *varint, size_t width, uint64_t number)
{
    if (width == 1) {
        *varint = (uint8_t)(number <= 247 ? number : 247);
        return;
    }
    *varint = (uint8_t)(246 + width);
    for (size_t i = 1; i < width; i++)
        varint[i] = (uint8_t)(number >> 8 * (i - 1));
}

static uint64_t hash(const uint8_t *bytes, uint64_t from, uint64_t to, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes + from, (size_t)(to - from), seed);
}

static void fix_index(uint8_t *bytes, size_t nbytes)
{
    uint8_t *header = bytes + INDEX_AT;
    uint64_t file_nbytes = fuzz_u64(header + INDEX_FILE_NBYTES);
    uint64_t sums_off = fuzz_u64(header + INDEX_SUMS_OFF);
    bool inside = file_nbytes <= nbytes && file_nbytes >= INDEX_END + COPY_NBYTES;
    if (inside && sums_off > INDEX_END && sums_off <= file_nbytes - COPY_NBYTES) {
        uint64_t count = (sums_off - 1) / BLOCK_NBYTES + 1;
        if (sums_off + 8 * count <= file_nbytes - COPY_NBYTES) {
            for (uint64_t i = 0; i < count; i++) {
                uint64_t from = i ? i * BLOCK_NBYTES : INDEX_END;
                uint64_t to = (i + 1) * BLOCK_NBYTES < sums_off ? (i + 1) * BLOCK_NBYTES : sums_off;
                fuzz_put_u64(bytes + sums_off + 8 * i, hash(bytes, from, to, 0));
            }
            fuzz_put_u64(header + INDEX_SUMS_HASH, hash(bytes, sums_off, sums_off + 8 * count, 0));
        }
    }
    fuzz_put_u64(header + INDEX_NBYTES - 8, hash(header, 0, INDEX_NBYTES - 8, 0));
    if (inside)
        memcpy(bytes + file_nbytes - COPY_NBYTES, header, INDEX_NBYTES);
}

/* The footer before a root, and the root's trailer; where the root before is, or 0. */
static uint64_t fix_segment(uint8_t *bytes, size_t nbytes, uint64_t root)
{
    struct fuzz_node node;
    if (!fuzz_node_decode(bytes, nbytes, root, &node) || nbytes - node.end < TRAILER_NBYTES ||
        root < HEADER_NBYTES + FOOTER_NBYTES)
        return 0;
    uint8_t *footer = bytes + root - FOOTER_NBYTES;
    uint64_t begin = fuzz_u64(footer + FOOTER_BEGIN);
    if (memcmp(footer, "actMerge", 8) == 0) {
        uint64_t sum = 0, end = root - FOOTER_NBYTES;
        for (uint64_t from = begin; from < end; from += BLOCK_NBYTES)
            sum = hash(bytes, from, end - from < BLOCK_NBYTES ? end : from + BLOCK_NBYTES, sum);
        fuzz_put_u64(footer + FOOTER_SUM, hash(bytes, root, node.end + TRAILER_NBYTES, sum));
        fuzz_put_u64(footer + FOOTER_NBYTES - 8, hash(footer, 0, FOOTER_NBYTES - 8, 0));
    }
    return fuzz_u64(bytes + node.end + 8);
}

void fuzz_fix_checksums(uint8_t *bytes, size_t nbytes)
{
    if (nbytes < INDEX_END || memcmp(bytes + INDEX_AT, "actIndex", 8) != 0)
        return;
    fix_index(bytes, nbytes);
    uint64_t root = fuzz_u64(bytes + 8);
    for (unsigned i = 0; i < SEGMENTS_MAX && root; i++) {
        uint64_t before = fix_segment(bytes, nbytes, root);
        root = before < root ? before : 0;
    }
}

bool fuzz_tree_meets_index(const uint8_t *bytes, size_t nbytes)
{
    static struct fuzz_tree tree;
    if (nbytes > FUZZ_FILE_NBYTES_MAX)
        return true;
    fuzz_tree_find(bytes, nbytes, &tree);
    for (size_t i = 0; i < tree.count; i++) {
        const struct fuzz_node *node = &tree.nodes[i];
        if (node->at < INDEX_END || (node->line && node->at - node->line_rel < INDEX_END))
            return true;
    }
    return tree.count == FUZZ_NODES_MAX;
}
