#include "fuzz/mutate.h"

#include <stdbool.h>
#include <string.h>

#include "fuzz/tree.h"

enum {
    TAIL_NBYTES = 8,
    TRAILER_NBYTES = 16,
    FILE_NBYTES_MIN = 25,
    INDEX_AT = 16,
    INDEX_FIELDS = 14, /* of its header, 8 bytes each */
    INDEX_END = 256,
    FOOTER_NBYTES = 64,
    FOOTER_FIELDS = 7,
    EDITS_MAX = 4
};

/* A file that is being changed. */
struct edit {
    uint8_t *bytes;
    size_t nbytes;
    size_t room;
    uint64_t random;
    struct fuzz_tree tree;
};

/* xorshift64* */
static uint64_t next_random(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * 0x2545f4914f6cdd1du >> 16;
}

static uint64_t below(struct edit *edit, uint64_t count)
{
    return next_random(&edit->random) % count;
}

/* Where encodings change and arithmetic wraps, or anything. */
static uint64_t some_number(struct edit *edit)
{
    static const uint64_t edges[] = {0,          1,
                                     2,          15,
                                     16,         17,
                                     31,         32,
                                     33,         63,
                                     64,         247,
                                     248,        255,
                                     256,        4096,
                                     65535,      65536,
                                     UINT32_MAX, (uint64_t)1 << 32,
                                     INT64_MAX,  UINT64_MAX - 16,
                                     UINT64_MAX};
    switch (below(edit, 3)) {
    case 0:
        return edges[below(edit, sizeof(edges) / sizeof(*edges))];
    case 1:
        return below(edit, edit->nbytes + 1);
    default:
        return next_random(&edit->random) >> below(edit, 48);
    }
}

/* A number near to that, or an edge. */
static uint64_t near_number(struct edit *edit, uint64_t number)
{
    return below(edit, 2) ? number + below(edit, 5) - 2 : some_number(edit);
}

static const struct fuzz_node *some_node(struct edit *edit)
{
    return &edit->tree.nodes[below(edit, edit->tree.count)];
}

/* A place for a reference of the node at `at`: another node, line data, near to where it was. */
static uint64_t some_target(struct edit *edit, uint64_t at, uint64_t was)
{
    const struct fuzz_node *other = some_node(edit);
    switch (below(edit, 6)) {
    case 0:
        return at - near_number(edit, was);
    case 1:
        return other->line ? other->at - other->line_rel : other->at;
    case 2:
        return other->child ? other->at - other->child_rel : other->at;
    case 3:
        return other->end;
    default:
        return other->at;
    }
}

static void put_varint(struct edit *edit, size_t at, uint64_t number)
{
    size_t width = fuzz_varint_nbytes(edit->bytes, at);
    if (width <= edit->nbytes - at)
        fuzz_varint_put(edit->bytes + at, width, number);
}

static void change_header(struct edit *edit, const struct fuzz_node *node)
{
    static const uint8_t headers[] = {0x00, 0x01, 0x02, 0x1f, 0x20, 0x21, 0x3f, 0x40,
                                      0x41, 0x60, 0x61, 0x80, 0x81, 0xc0, 0xc1, 0xbf};
    uint8_t *header = edit->bytes + node->at;
    switch (below(edit, 4)) {
    case 0:
        *header = headers[below(edit, sizeof(headers))];
        break;
    case 1:
        *header ^= 0x40;
        break;
    case 2:
        *header = (uint8_t)(*header + (below(edit, 2) ? 1 : 255));
        break;
    default:
        *header ^= (uint8_t)(1 << below(edit, 8));
    }
}

static void change_labels(struct edit *edit, const struct fuzz_node *node)
{
    size_t width = node->end - node->labels;
    if (!node->labels || !width)
        return;
    uint8_t *labels = edit->bytes + node->labels;
    size_t one = (size_t)below(edit, width), other = (size_t)below(edit, width);
    uint8_t was = labels[one];
    if (below(edit, 2)) {
        labels[one] = labels[other];
        labels[other] = was;
    } else {
        labels[one] ^= (uint8_t)(1 << below(edit, 8));
    }
}

static void change_line(struct edit *edit, const struct fuzz_node *node)
{
    uint64_t data = node->at - node->line_rel;
    if (!node->line)
        return;
    if (below(edit, 2) || data >= edit->nbytes) {
        put_varint(edit, node->line, node->at - some_target(edit, node->at, node->line_rel));
        return;
    }
    if (below(edit, 2))
        put_varint(edit, (size_t)data, near_number(edit, edit->bytes[data]));
    else
        edit->bytes[data + below(edit, edit->nbytes - data)] ^= (uint8_t)(1 << below(edit, 8));
}

/* One of the numbers before a run of siblings, the last of which is their width. */
static void change_table(struct edit *edit, const struct fuzz_node *node)
{
    uint64_t first = node->at - node->child_rel;
    if (node->count < 2 || first < INDEX_END || first >= edit->nbytes)
        return;
    uint64_t back = 1 + (below(edit, 3) ? below(edit, 2 * node->count) : 0);
    if (back > first - INDEX_AT)
        return;
    uint8_t *byte = edit->bytes + first - back;
    *byte = (uint8_t)(below(edit, 2) ? some_number(edit) : *byte + below(edit, 5) - 2);
}

static bool is_indexed(const struct edit *edit)
{
    return edit->nbytes > INDEX_END && memcmp(edit->bytes + INDEX_AT, "actIndex", 8) == 0;
}

static void change_field(struct edit *edit, uint8_t *field)
{
    fuzz_put_u64(field, near_number(edit, fuzz_u64(field)));
}

/* A field of the index's header, or of the footer before the root. */
static void change_index(struct edit *edit)
{
    uint64_t root = fuzz_u64(edit->bytes + 8);
    if (!is_indexed(edit))
        return;
    if (root > INDEX_END + FOOTER_NBYTES && root < edit->nbytes && below(edit, 2)) {
        uint8_t *footer = edit->bytes + root - FOOTER_NBYTES;
        if (memcmp(footer, "actMerge", 8) == 0) {
            change_field(edit, footer + 8 + 8 * below(edit, FOOTER_FIELDS));
            return;
        }
    }
    change_field(edit, edit->bytes + INDEX_AT + 8 + 8 * below(edit, INDEX_FIELDS));
}

static void change_root(struct edit *edit)
{
    fuzz_put_u64(edit->bytes + 8, below(edit, 4) ? some_node(edit)->at : some_number(edit));
}

static void change_trailer(struct edit *edit)
{
    uint8_t *trailer = edit->bytes + edit->nbytes - TRAILER_NBYTES;
    fuzz_put_u64(trailer + 8 * below(edit, 2),
                 below(edit, 2) ? some_node(edit)->at : some_number(edit));
}

static size_t put_node(struct edit *edit, uint8_t *at, uint64_t id)
{
    const struct fuzz_node *node = some_node(edit);
    uint64_t rel = id - (below(edit, 2) && node->child ? node->at - node->child_rel : node->at);
    size_t used = 1, width = rel <= 247 ? 1 : 3;
    unsigned count = (unsigned)(below(edit, 8) ? below(edit, 4) : below(edit, 32));
    bool is_line = node->line && below(edit, 2), has_value = below(edit, 2);
    at[0] = (uint8_t)(is_line ? 0x80 | !has_value : count) | (uint8_t)(has_value ? 0x40 : 0);
    if (has_value)
        at[used++] = (uint8_t)below(edit, 248);
    if (is_line ? !has_value : count > 0) {
        fuzz_varint_put(at + used, width, rel);
        used += width;
    }
    if (is_line) {
        fuzz_varint_put(at + used, 3, id - (node->at - node->line_rel));
        return used + 3;
    }
    for (unsigned i = 0; i < count; i++)
        at[used++] = (uint8_t)(below(edit, 8) + 8 * i);
    return used;
}

/*
 * Appends a few nodes that refer to what is there, the last of them as root, and a tail: zeros in
 * place of those that are there, or as a merge does it, beyond them and with a trailer, which can
 * have a footer before its root.
 */
static void append(struct edit *edit)
{
    uint8_t added[4 * 48 + FOOTER_NBYTES + TRAILER_NBYTES] = {0};
    uint64_t root = fuzz_u64(edit->bytes + 8), before = fuzz_u64(edit->bytes + edit->nbytes - 8);
    bool merges = below(edit, 2);
    size_t begin = edit->nbytes - (merges ? 0 : TAIL_NBYTES), used = 0;
    for (uint64_t nodes = below(edit, 4); nodes > 0; nodes--)
        used += put_node(edit, added + used, begin + used);
    if (merges && is_indexed(edit) && below(edit, 4)) {
        uint8_t *footer = added + used;
        uint64_t base_nbytes = fuzz_u64(edit->bytes + INDEX_AT + 24);
        memcpy(footer, "actMerge", 8);
        fuzz_put_u64(footer + 8, 1);
        fuzz_put_u64(footer + 16, begin);
        fuzz_put_u64(footer + 24, begin + used + FOOTER_NBYTES);
        fuzz_put_u64(footer + 32, below(edit, 8) ? base_nbytes : some_number(edit));
        fuzz_put_u64(footer + 40, below(edit, 2) ? UINT64_MAX : below(edit, 20));
        used += FOOTER_NBYTES;
    }
    uint64_t new_root = begin + used;
    used += put_node(edit, added + used, new_root);
    if (merges) {
        fuzz_put_u64(added + used, before ? edit->nbytes - TRAILER_NBYTES : 0);
        fuzz_put_u64(added + used + 8, root);
        used += TRAILER_NBYTES;
    } else {
        memset(added + used, 0, TAIL_NBYTES);
        used += TAIL_NBYTES;
    }
    if (begin + used > edit->room)
        return;
    memcpy(edit->bytes + begin, added, used);
    edit->nbytes = begin + used;
    fuzz_put_u64(edit->bytes + 8, new_root);
}

static void change_end(struct edit *edit)
{
    size_t some = (size_t)below(edit, 40);
    if (below(edit, 2)) {
        if (edit->nbytes - FILE_NBYTES_MIN > some)
            edit->nbytes -= some;
    } else if (some <= edit->room - edit->nbytes) {
        memset(edit->bytes + edit->nbytes, 0, some);
        edit->nbytes += some;
    }
}

static void change_something(struct edit *edit)
{
    fuzz_tree_find(edit->bytes, edit->nbytes, &edit->tree);
    if (edit->tree.count == 0) {
        fuzz_put_u64(edit->bytes + 8, below(edit, edit->nbytes));
        return;
    }
    const struct fuzz_node *node = some_node(edit);
    switch (below(edit, 16)) {
    case 0:
    case 1:
        change_header(edit, node);
        break;
    case 2:
        if (node->value)
            put_varint(edit, node->value, some_number(edit));
        break;
    case 3:
    case 4:
        if (node->child)
            put_varint(edit, node->child, node->at - some_target(edit, node->at, node->child_rel));
        break;
    case 5:
    case 6:
        change_line(edit, node);
        break;
    case 7:
        change_labels(edit, node);
        break;
    case 8:
        change_root(edit);
        break;
    case 9:
        change_trailer(edit);
        break;
    case 10:
    case 11:
        change_index(edit);
        break;
    case 12:
        change_table(edit, node);
        break;
    case 13:
        change_end(edit);
        break;
    default:
        append(edit);
    }
}

/* Puts right, mostly, what a file is refused for at once. */
static void repair(struct edit *edit)
{
    uint64_t root = fuzz_u64(edit->bytes + 8);
    if (below(edit, 16))
        memcpy(edit->bytes, "ACTree03", 8);
    if (below(edit, 16) && (root < 16 || root >= edit->nbytes - TAIL_NBYTES))
        fuzz_put_u64(edit->bytes + 8, 16 + below(edit, edit->nbytes - 24));
    uint64_t before = fuzz_u64(edit->bytes + edit->nbytes - 8);
    if (below(edit, 16) && (before < 16 || before >= edit->nbytes - TRAILER_NBYTES))
        memset(edit->bytes + edit->nbytes - TAIL_NBYTES, 0, TAIL_NBYTES);
    if (below(edit, 8))
        fuzz_fix_checksums(edit->bytes, edit->nbytes);
}

/* For fuzzers that change bytes in their own time. */
static size_t change_bytes(struct edit *edit)
{
    for (uint64_t i = below(edit, 4); i < 4 && edit->nbytes; i++)
        edit->bytes[below(edit, edit->nbytes)] ^= (uint8_t)(1 << below(edit, 8));
    return edit->nbytes;
}

/* Where there is no room at all, libFuzzer's own way writes a byte nonetheless. */
static size_t change_bytewise(fuzz_bytewise_fn bytewise, uint8_t *bytes, size_t nbytes, size_t room)
{
    return room ? bytewise(bytes, nbytes, room) : 0;
}

static size_t change_file(uint8_t *bytes, size_t nbytes, size_t room, uint64_t *random,
                          fuzz_bytewise_fn bytewise)
{
    static struct edit edit;
    edit.bytes = bytes;
    edit.nbytes = nbytes;
    edit.room = room;
    edit.random = *random;
    if (below(&edit, 2) || nbytes < FILE_NBYTES_MIN) {
        edit.nbytes = bytewise ? change_bytewise(bytewise, bytes, nbytes, room)
                               : change_bytes(&edit);
    } else {
        for (uint64_t edits = 1 + below(&edit, EDITS_MAX); edits > 0; edits--)
            change_something(&edit);
    }
    if (edit.nbytes >= FILE_NBYTES_MIN)
        repair(&edit);
    *random = edit.random;
    return edit.nbytes;
}

size_t fuzz_mutate(enum fuzz_form form, uint8_t *data, size_t nbytes, size_t nbytes_max,
                   unsigned seed, fuzz_bytewise_fn bytewise)
{
    static uint8_t part[FUZZ_FILE_NBYTES_MAX];
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
    size_t front = 0, first = 0;
    next_random(&random);
    if (form == FUZZ_BYTES || nbytes > sizeof(part) || nbytes_max > sizeof(part) || nbytes < 2)
        return bytewise ? bytewise(data, nbytes, nbytes_max) : nbytes;
    if (form != FUZZ_FILE) {
        front = 2;
        first = (size_t)data[0] | (size_t)data[1] << 8;
        if (first > nbytes - front)
            first = nbytes - front;
    }
    size_t last = nbytes - front - first, room = nbytes_max - nbytes;
    if (form != FUZZ_FILE && next_random(&random) % 4 == 0) {
        memcpy(part, data + 2, first);
        size_t now = first;
        if (form == FUZZ_PAIR)
            now = change_file(part, first, first + room, &random, bytewise);
        else if (bytewise)
            now = change_bytewise(bytewise, part, first, first + room);
        if (now > UINT16_MAX)
            return nbytes;
        memmove(data + 2 + now, data + 2 + first, last);
        memcpy(data + 2, part, now);
        data[0] = (uint8_t)now;
        data[1] = (uint8_t)(now >> 8);
        return 2 + now + last;
    }
    return front + first + change_file(data + front + first, last, last + room, &random, bytewise);
}
