#include "support/model_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    bool line, has_value, has_child;
    uint64_t value, child, line_id;
    unsigned byte_count;
    uint8_t bytes[256];
};

struct line {
    struct line *next;
    uint64_t id;
    const uint8_t *bytes;
    size_t nbytes;
};

struct file {
    uint8_t *bytes;
    size_t nbytes, capacity;
    struct line *lines;
};

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "test support: out of memory\n");
        exit(99);
    }
    return p;
}

int model_compare(const void *a, const void *b)
{
    const struct model_entry *x = a, *y = b;
    size_t least = x->key_nbytes < y->key_nbytes ? x->key_nbytes : y->key_nbytes;
    int order = least ? memcmp(x->key, y->key, least) : 0;
    return order ? order : (x->key_nbytes > y->key_nbytes) - (x->key_nbytes < y->key_nbytes);
}

static void put(struct file *file, const void *bytes, size_t nbytes)
{
    while (file->capacity - file->nbytes < nbytes) {
        file->capacity = file->capacity * 2 + 64;
        file->bytes = must(realloc(file->bytes, file->capacity));
    }
    if (nbytes)
        memcpy(file->bytes + file->nbytes, bytes, nbytes);
    file->nbytes += nbytes;
}

static void put_byte(struct file *file, unsigned byte)
{
    uint8_t b = (uint8_t)byte;
    put(file, &b, 1);
}

static void put_varint(struct file *file, uint64_t value)
{
    unsigned nbytes = 0;
    if (value <= 247) {
        put_byte(file, (unsigned)value);
        return;
    }
    while (nbytes < 8 && value >> 8 * nbytes)
        nbytes++;
    put_byte(file, 247 + nbytes);
    for (unsigned i = 0; i < nbytes; i++)
        put_byte(file, value >> 8 * i & 0xff);
}

static uint64_t put_line(struct file *file, const uint8_t *bytes, size_t nbytes)
{
    for (const struct line *line = file->lines; line; line = line->next) {
        if (line->nbytes == nbytes && memcmp(line->bytes, bytes, nbytes) == 0)
            return line->id;
    }
    struct line *line = must(malloc(sizeof(*line)));
    *line = (struct line){file->lines, file->nbytes, bytes, nbytes};
    file->lines = line;
    put_varint(file, nbytes);
    put(file, bytes, nbytes);
    return line->id;
}

static uint64_t put_node(struct file *file, const struct node *node)
{
    uint64_t id = file->nbytes;
    unsigned value_bit = node->has_value ? 0x40 : 0;
    if (node->line) {
        put_byte(file, 0x80 | value_bit | (node->has_child ? 1 : 0));
        if (node->has_value)
            put_varint(file, node->value);
        if (node->has_child)
            put_varint(file, id - node->child);
        put_varint(file, id - node->line_id);
        return id;
    }
    put_byte(file, value_bit | (node->byte_count < 32 ? node->byte_count : 32));
    if (node->has_value)
        put_varint(file, node->value);
    if (node->byte_count)
        put_varint(file, id - node->child);
    if (node->byte_count < 32) {
        put(file, node->bytes, node->byte_count);
    } else {
        uint8_t mask[32] = {0};
        for (unsigned i = 0; i < node->byte_count; i++)
            mask[node->bytes[i] / 8] |= (uint8_t)(1 << node->bytes[i] % 8);
        put(file, mask, sizeof(mask));
    }
    return id;
}

/* How far all these entries agree; as they are sorted, the first and the last tell. */
static size_t agreed(const struct model_entry *entries, size_t count, size_t at)
{
    const struct model_entry *a = &entries[0], *z = &entries[count - 1];
    while (at < a->key_nbytes && at < z->key_nbytes && a->key[at] == z->key[at])
        at++;
    return at;
}

/* The node at the first `at` bytes that these entries share, with the last `line` bytes as line. */
static struct node *make(struct file *file, const struct model_entry *entries, size_t count,
                         size_t at, size_t line_nbytes)
{
    struct node *node = must(calloc(1, sizeof(*node)));
    struct node *children[256];
    const uint8_t *line = entries[0].key + at - line_nbytes;
    size_t i = 0;
    if (entries[0].key_nbytes == at) {
        node->has_value = entries[0].has_value;
        node->value = entries[0].value;
        i = 1;
    }
    while (i < count) {
        size_t next = i;
        uint8_t byte = entries[i].key[at];
        while (next < count && entries[next].key[at] == byte)
            next++;
        size_t stop = agreed(entries + i, next - i, at + 1);
        children[node->byte_count] = make(file, entries + i, next - i, stop, stop - at - 1);
        node->bytes[node->byte_count++] = byte;
        i = next;
    }
    for (unsigned c = 0; c < node->byte_count; c++) {
        uint64_t id = put_node(file, children[c]);
        if (c == 0)
            node->child = id;
        free(children[c]);
    }
    if (!line_nbytes)
        return node;
    struct node *above = must(calloc(1, sizeof(*above)));
    above->line = true;
    above->line_id = put_line(file, line, line_nbytes);
    if (node->byte_count) {
        above->has_child = true;
        above->child = put_node(file, node);
    } else {
        above->has_value = node->has_value;
        above->value = node->value;
    }
    free(node);
    return above;
}

uint8_t *model_build(const struct model_entry *entries, size_t count, size_t *nbytes_ret)
{
    struct file file = {NULL, 0, 0, NULL};
    struct node *root;
    put(&file, "ACTree03\0\0\0\0\0\0\0\0", 16);
    if (count) {
        size_t at = agreed(entries, count, 0);
        root = make(&file, entries, count, at, at);
    } else {
        root = must(calloc(1, sizeof(*root)));
    }
    uint64_t root_id = put_node(&file, root);
    free(root);
    put(&file, "\0\0\0\0\0\0\0\0", 8);
    for (unsigned i = 0; i < 8; i++)
        file.bytes[8 + i] = (uint8_t)(root_id >> 8 * i);
    while (file.lines) {
        struct line *next = file.lines->next;
        free(file.lines);
        file.lines = next;
    }
    *nbytes_ret = file.nbytes;
    return file.bytes;
}
