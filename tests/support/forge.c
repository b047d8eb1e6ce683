#include "support/forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
    fprintf(stderr, "test support: out of memory\n");
    exit(99);
}

void forge_start(struct forge *f)
{
    static const uint8_t start[16] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3'};
    memset(f, 0, sizeof(*f));
    forge_bytes(f, start, sizeof(start));
}

uint64_t forge_bytes(struct forge *f, const void *bytes, size_t nbytes)
{
    if (f->capacity - f->nbytes < nbytes) {
        f->capacity = 2 * f->capacity + nbytes;
        f->bytes = realloc(f->bytes, f->capacity);
        if (!f->bytes)
            out_of_memory();
    }
    if (nbytes)
        memcpy(f->bytes + f->nbytes, bytes, nbytes);
    f->nbytes += nbytes;
    return f->nbytes - nbytes;
}

uint64_t forge_varint(struct forge *f, uint64_t value)
{
    uint8_t bytes[9];
    size_t nbytes = 0;
    if (value < 248)
        return FORGE_BYTES(f, (uint8_t)value);
    for (uint64_t rest = value; rest; rest >>= 8)
        bytes[++nbytes] = (uint8_t)rest;
    bytes[0] = (uint8_t)(247 + nbytes);
    return forge_bytes(f, bytes, nbytes + 1);
}

uint64_t forge_data(struct forge *f, const char *text)
{
    uint64_t at = forge_varint(f, strlen(text));
    forge_bytes(f, text, strlen(text));
    return at;
}

uint64_t forge_leaf(struct forge *f, uint64_t value)
{
    return forge_branch(f, value, FORGE_NONE, NULL, 0);
}

uint64_t forge_branch(struct forge *f, uint64_t value, uint64_t first_child,
                      const uint8_t *children, size_t children_count)
{
    uint8_t mask[32] = {0};
    uint64_t at = forge_here(f);
    unsigned count = children_count < 32 ? (unsigned)children_count : 32;
    FORGE_BYTES(f, (uint8_t)(count | (value == FORGE_NONE ? 0 : 0x40)));
    if (value != FORGE_NONE)
        forge_varint(f, value);
    if (count)
        forge_varint(f, at - first_child);
    for (size_t i = 0; i < children_count; i++)
        mask[children[i] / 8] |= (uint8_t)(1u << children[i] % 8);
    if (count == 32)
        forge_bytes(f, mask, sizeof(mask));
    else
        forge_bytes(f, children, children_count);
    return at;
}

uint64_t forge_fork(struct forge *f, uint64_t value, uint64_t first_child, const char *children)
{
    return forge_branch(f, value, first_child, (const uint8_t *)children, strlen(children));
}

uint64_t forge_line(struct forge *f, uint64_t value, uint64_t child, uint64_t data)
{
    uint64_t at = forge_here(f);
    FORGE_BYTES(f, (uint8_t)(0x80 | (value == FORGE_NONE ? 0 : 0x40) | (child != FORGE_NONE)));
    if (value != FORGE_NONE)
        forge_varint(f, value);
    if (child != FORGE_NONE)
        forge_varint(f, at - child);
    forge_varint(f, at - data);
    return at;
}

uint64_t forge_here(const struct forge *f)
{
    return f->nbytes;
}

static void put_u64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

void forge_root(struct forge *f, uint64_t root)
{
    put_u64(f->bytes + 8, root);
}

void forge_end(struct forge *f, uint64_t root)
{
    static const uint8_t zeros[8];
    forge_root(f, root);
    forge_bytes(f, zeros, sizeof(zeros));
}

void forge_trailer(struct forge *f, uint64_t previous_trailer, uint64_t previous_root)
{
    uint8_t trailer[16];
    put_u64(trailer, previous_trailer);
    put_u64(trailer + 8, previous_root);
    forge_bytes(f, trailer, sizeof(trailer));
}

uint64_t forge_shared(struct forge *f, unsigned levels, unsigned fan_out, uint64_t value)
{
    uint8_t children[256];
    for (unsigned i = 0; i < fan_out; i++)
        children[i] = (uint8_t)(fan_out <= 26 ? 'a' + i : i);
    uint64_t first = forge_leaf(f, value);
    for (unsigned i = 1; i < fan_out; i++)
        forge_leaf(f, value);
    for (unsigned level = 1; level < levels; level++) {
        uint64_t run = forge_branch(f, FORGE_NONE, first, children, fan_out);
        for (unsigned i = 1; i < fan_out; i++)
            forge_branch(f, FORGE_NONE, first, children, fan_out);
        first = run;
    }
    return forge_branch(f, FORGE_NONE, first, children, fan_out);
}

static void close_map(struct forge *f)
{
    act_map_close(f->map);
    free(f->copy);
    f->map = NULL;
    f->copy = NULL;
}

act_status forge_open(struct forge *f, act_error *error)
{
    close_map(f);
    f->copy = malloc(f->nbytes ? f->nbytes : 1);
    if (!f->copy)
        out_of_memory();
    if (f->nbytes)
        memcpy(f->copy, f->bytes, f->nbytes);
    return act_map_open_memory(f->copy, f->nbytes, NULL, &f->map, error);
}

void forge_free(struct forge *f)
{
    close_map(f);
    free(f->bytes);
    memset(f, 0, sizeof(*f));
}
