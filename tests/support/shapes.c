#include "support/shapes.h"

#include <string.h>

enum {
    KEY_NBYTES_MAX = 70000 /* of any key made here */
};

uint64_t shapes_value(struct random *r)
{
    switch (random_below(r, 4)) {
    case 0:
        return random_below(r, 10);
    case 1:
        return random_u64(r) >> random_below(r, 64);
    case 2: {
        /* One below, at, or one above a power of 256, or of the last value in one byte. */
        uint64_t bits = 8 * random_below(r, 9);
        uint64_t edge = bits == 64 ? 0 : bits == 0 ? 248 : (uint64_t)1 << bits;
        return edge + random_below(r, 3) - 1;
    }
    default:
        return random_u64(r);
    }
}

static void add(struct random *r, struct entries *entries, const uint8_t *key, size_t key_nbytes)
{
    entries_add(entries, key, key_nbytes, shapes_value(r));
}

static void make_nearly_nothing(struct random *r, struct entries *entries)
{
    uint8_t key[600];
    random_fill(r, key, sizeof(key));
    if (random_one_in(r, 2))
        add(r, entries, key, 0);
    if (random_one_in(r, 2))
        add(r, entries, key, random_below(r, random_one_in(r, 2) ? 4 : sizeof(key)));
}

/* Few letters and short keys: most paths are keys, most keys are prefixes of others. */
static void make_dense(struct random *r, struct entries *entries)
{
    uint64_t letters = 1 + random_below(r, 4), longest = 1 + random_below(r, 9);
    uint8_t first = (uint8_t)random_u64(r);
    for (uint64_t i = random_below(r, 400); i > 0; i--) {
        uint8_t key[16];
        size_t nbytes = random_below(r, longest + 1);
        for (size_t k = 0; k < nbytes; k++)
            key[k] = (uint8_t)(first + 85 * random_below(r, letters));
        add(r, entries, key, nbytes);
    }
}

static void make_binary(struct random *r, struct entries *entries)
{
    for (uint64_t i = random_below(r, 2000); i > 0; i--) {
        uint8_t key[24];
        size_t nbytes = random_below(r, 17);
        random_fill(r, key, nbytes);
        add(r, entries, key, nbytes);
    }
}

/* Widths around the change from a list of bytes to a mask, on two levels. */
static void make_wide(struct random *r, struct entries *entries)
{
    static const unsigned widths[] = {1, 2, 3, 30, 31, 32, 33, 34, 63, 64, 65, 254, 255, 256};
    uint8_t key[64];
    size_t above = random_one_in(r, 2) ? 0 : random_below(r, 40);
    random_fill(r, key, sizeof(key));
    unsigned width = widths[random_below(r, sizeof(widths) / sizeof(*widths))];
    unsigned start = (unsigned)random_u64(r), step = 1 + 2 * (unsigned)random_below(r, 128);
    uint64_t below_in = 1 + random_below(r, 6);
    for (unsigned i = 0; i < width; i++) {
        key[above] = (uint8_t)(start + step * i);
        if (!random_one_in(r, 5))
            add(r, entries, key, above + 1 + (random_one_in(r, 3) ? random_below(r, 9) : 0));
        if (!random_one_in(r, below_in))
            continue;
        unsigned narrow = widths[random_below(r, random_one_in(r, 8) ? 14 : 8)];
        for (unsigned j = 0; j < narrow; j++) {
            key[above + 1] = (uint8_t)(start + step * j);
            add(r, entries, key, above + 2 + random_below(r, 4));
        }
    }
    if (random_one_in(r, 3))
        add(r, entries, key, random_below(r, above + 1));
}

/* Tails of lengths around the boundaries of their encoding. */
static void make_long(struct random *r, struct entries *entries)
{
    static const size_t lengths[] = {1,   2,   3,   100, 246,  247,   248,   249,
                                     254, 255, 256, 257, 1000, 65535, 65536, KEY_NBYTES_MAX - 8};
    static uint8_t key[KEY_NBYTES_MAX];
    uint8_t same = (uint8_t)random_u64(r);
    bool random_bytes = random_one_in(r, 2);
    for (uint64_t i = 1 + random_below(r, 12); i > 0; i--) {
        size_t head = 1 + random_below(r, 3);
        size_t nbytes = head + lengths[random_below(r, random_one_in(r, 4) ? 16 : 13)];
        if (random_bytes)
            random_fill(r, key, nbytes);
        else
            memset(key, same, nbytes);
        random_fill(r, key, head);
        key[0] &= 3;
        add(r, entries, key, nbytes);
        if (random_one_in(r, 3))
            add(r, entries, key, random_below(r, nbytes));
    }
}

/* One long path with keys all along it and twigs beside it. */
static void make_deep(struct random *r, struct entries *entries)
{
    uint8_t key[3000];
    size_t depth = 1 + random_below(r, random_one_in(r, 3) ? 2900 : 300);
    random_fill(r, key, sizeof(key));
    uint64_t key_in = 1 + random_below(r, 10), twig_in = 1 + random_below(r, 10);
    for (size_t i = 0; i <= depth; i++) {
        if (random_one_in(r, key_in))
            add(r, entries, key, i);
        if (!random_one_in(r, twig_in))
            continue;
        uint8_t byte = key[i];
        key[i] = (uint8_t)random_u64(r);
        add(r, entries, key, i + 1);
        key[i] = byte;
    }
}

/* Names out of a few parts: whole tails come again and again, as file paths do. */
static void make_paths(struct random *r, struct entries *entries)
{
    static const char *const parts[] = {"/usr",  "/share", "/doc",   "/lib",       "/python3",
                                        "/a",    "/ab",    "/abc",   "/copyright", "/README.md",
                                        ".html", ".gz",    "-1.0.0", "/changelog", ".Debian"};
    for (uint64_t i = random_below(r, 1200); i > 0; i--) {
        uint8_t key[200];
        size_t nbytes = 0;
        for (uint64_t n = random_below(r, 8); n > 0; n--) {
            const char *part = parts[random_below(r, sizeof(parts) / sizeof(*parts))];
            while (*part)
                key[nbytes++] = (uint8_t)*part++;
        }
        add(r, entries, key, nbytes);
    }
}

/* The same small tree below many heads, so that equal lines lie near and far. */
static void make_repeated(struct random *r, struct entries *entries)
{
    uint8_t tails[12][90];
    size_t tail_nbytes[12];
    for (size_t i = 0; i < 12; i++) {
        random_fill(r, tails[i], sizeof(tails[i]));
        tail_nbytes[i] = random_below(r, sizeof(tails[i]));
    }
    for (uint64_t i = random_below(r, 300); i > 0; i--) {
        uint8_t key[100];
        size_t head = random_below(r, 5), tail = random_below(r, 12);
        random_fill(r, key, head);
        memcpy(key + head, tails[tail], tail_nbytes[tail]);
        add(r, entries, key, head + tail_nbytes[tail]);
    }
}

/* Counted keys, big-endian: the numbers of a table. */
static void make_numbers(struct random *r, struct entries *entries)
{
    uint64_t number = random_u64(r) >> random_below(r, 64), stride = 1 + random_below(r, 300);
    for (uint64_t i = random_below(r, 1500); i > 0; i--, number += stride) {
        uint8_t key[8];
        for (unsigned b = 0; b < 8; b++)
            key[b] = (uint8_t)(number >> 8 * (7 - b));
        add(r, entries, key, 8);
    }
}

static const struct {
    const char *name;
    void (*make)(struct random *r, struct entries *entries);
} shapes[] = {
    {"nearly nothing", make_nearly_nothing},
    {"dense", make_dense},
    {"binary", make_binary},
    {"wide", make_wide},
    {"long", make_long},
    {"deep", make_deep},
    {"paths", make_paths},
    {"repeated", make_repeated},
    {"numbers", make_numbers},
};

size_t shapes_count(void)
{
    return sizeof(shapes) / sizeof(*shapes);
}

const char *shapes_name(size_t shape)
{
    return shapes[shape].name;
}

void shapes_make(struct random *r, size_t shape, struct entries *entries)
{
    shapes[shape].make(r, entries);
    entries_sort(entries);
}

void shapes_add_paths(struct random *r, size_t count, struct entries *entries)
{
    static uint8_t key[KEY_NBYTES_MAX + 16];
    struct entries paths = {0};
    for (size_t i = 0; i < count; i++) {
        size_t nbytes = shapes_near_key(r, entries, key, sizeof(key));
        if (!entries_find(entries, key, nbytes))
            entries_add_path(&paths, key, nbytes);
    }
    entries_append(entries, &paths);
    entries_free(&paths);
    entries_sort(entries);
}

size_t shapes_near_key(struct random *r, const struct entries *entries, uint8_t *key, size_t room)
{
    size_t nbytes = 0;
    if (entries->count && !random_one_in(r, 12)) {
        const struct entry *entry = &entries->items[random_below(r, entries->count)];
        nbytes = entry->key_nbytes < room ? entry->key_nbytes : room;
        memcpy(key, entry->key, nbytes);
    } else {
        nbytes = random_below(r, room < 12 ? room + 1 : 12);
        random_fill(r, key, nbytes);
    }
    switch (random_below(r, 6)) {
    case 0: /* cut */
        return random_below(r, nbytes + 1);
    case 1: { /* longer */
        size_t more = random_below(r, 4);
        more = more < room - nbytes ? more : room - nbytes;
        random_fill(r, key + nbytes, more);
        return nbytes + more;
    }
    case 2: /* one byte is another */
        if (nbytes)
            key[random_below(r, nbytes)] = (uint8_t)random_u64(r);
        return nbytes;
    case 3: /* the neighbour */
        if (nbytes)
            key[nbytes - 1] = (uint8_t)(key[nbytes - 1] + (random_one_in(r, 2) ? 1 : 255));
        return nbytes;
    default:
        return nbytes;
    }
}
