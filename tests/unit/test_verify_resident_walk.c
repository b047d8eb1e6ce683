/*
 * The walk over what is in memory: whole maps against what act_map_get_info counts, and parts of
 * maps with the other pages out of reach, so that a single load from one of them ends the program.
 */
#define _DEFAULT_SOURCE

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "read/map.h"
#include "read/residency.h"
#include "support/build.h"
#include "support/check.h"
#include "support/forge.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

enum {
    LAYOUTS = 3
};

/* A map in pages of its own, and what is said to be in memory of it. */
struct paged {
    uint8_t *bytes;
    size_t nbytes, mapped_nbytes, page_nbytes;
    act_map *map;
    act_residency *residency;
};

static act_status paged_open(struct paged *paged, const void *bytes, size_t nbytes)
{
    memset(paged, 0, sizeof(*paged));
    paged->page_nbytes = (size_t)sysconf(_SC_PAGESIZE);
    paged->nbytes = nbytes;
    paged->mapped_nbytes = (nbytes / paged->page_nbytes + 1) * paged->page_nbytes;
    paged->bytes = mmap(NULL, paged->mapped_nbytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(paged->bytes, MAP_FAILED);
    memcpy(paged->bytes, bytes, nbytes);
    act_status status = act_map_open_memory(paged->bytes, nbytes, NULL, &paged->map, NULL);
    if (status != ACT_OK)
        return status;
    assert_int_equal(act_map_residency(paged->map, &paged->residency, NULL), ACT_OK);
    paged->residency->totals.mapped = true;
    paged->residency->totals.pages = (nbytes - 1) / paged->page_nbytes + 1;
    paged->residency->cached = calloc(1, (size_t)paged->residency->totals.pages / 8 + 1);
    assert_non_null(paged->residency->cached);
    return ACT_OK;
}

static void paged_close(struct paged *paged)
{
    act_residency_close(paged->residency);
    act_map_close(paged->map);
    munmap(paged->bytes, paged->mapped_nbytes);
}

static void set_cached(struct paged *paged, uint64_t page, bool there)
{
    uint8_t bit = (uint8_t)(1U << page % 8);
    uint8_t *byte = &paged->residency->cached[page / 8];
    *byte = (uint8_t)(there ? *byte | bit : *byte & ~bit);
}

/* Says of a page whether it is there; if not, nobody may touch it. */
static void paged_set(struct paged *paged, size_t page, bool there)
{
    set_cached(paged, page, there);
    assert_int_equal(mprotect(paged->bytes + page * paged->page_nbytes, paged->page_nbytes,
                              there ? PROT_READ | PROT_WRITE : PROT_NONE),
                     0);
}

static void paged_set_all(struct paged *paged, bool there)
{
    for (size_t page = 0; page < paged->residency->totals.pages; page++)
        paged_set(paged, page, there);
}

static void paged_build(struct paged *paged, const struct entries *entries, act_layout layout)
{
    size_t nbytes;
    scratch_set_up(NULL);
    build_file(entries, scratch_map, layout, NULL);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    assert_int_equal(paged_open(paged, bytes, nbytes), ACT_OK);
    free(bytes);
    scratch_tear_down(NULL);
}

/* What the calls for prefixes told. */
struct told {
    size_t count;
    uint64_t nbytes;
    uint64_t nodes;
    uint64_t last_nbytes;
    char text[4000]; /* "prefix:missing " of each, the rest with a star */
};

static int tell(void *context, const act_prefix_residency *prefix)
{
    struct told *told = context;
    assert_true(!told->count || prefix->cached_nbytes <= told->last_nbytes);
    told->last_nbytes = prefix->cached_nbytes;
    told->count++;
    told->nbytes += prefix->cached_nbytes;
    told->nodes += prefix->nodes;
    size_t length = strlen(told->text);
    if (length + prefix->prefix_nbytes + 30 < sizeof(told->text))
        snprintf(told->text + length, sizeof(told->text) - length, "%.*s%s:%u ",
                 (int)prefix->prefix_nbytes, (const char *)prefix->prefix, prefix->rest ? "*" : "",
                 (unsigned)prefix->missing);
    return 0;
}

static act_status walk(const struct paged *paged, const act_residency_options *options,
                       struct told *told, act_residency_walk *walk_ret)
{
    memset(told, 0, sizeof(*told));
    act_residency_totals *totals = &paged->residency->totals;
    totals->cached = (act_amount){0, paged->residency->cached != NULL};
    for (uint64_t page = 0; totals->cached.known && page < totals->pages; page++)
        if (act_bit(paged->residency->cached, page))
            totals->cached.nbytes += totals->page_nbytes;
    return act_map_residency_walk(paged->map, paged->residency, options, tell, told, walk_ret,
                                  NULL);
}

static void make_shape(struct random *r, size_t shape, struct entries *entries)
{
    memset(entries, 0, sizeof(*entries));
    shapes_make(r, shape, entries);
    shapes_add_paths(r, 3, entries);
}

/* ------------------------------------------------------------------------------ all is in memory
 */

static void check_against_info(const struct paged *paged)
{
    act_map_info info;
    act_residency_walk found;
    struct told told;
    assert_int_equal(act_map_get_info(paged->map, NULL, NULL, &info, NULL), ACT_OK);
    assert_int_equal(walk(paged, NULL, &told, &found), ACT_OK);
    assert_int_equal(found.nodes, info.branch_nodes + info.leaf_nodes + info.line_nodes);
    assert_true(found.complete);
    assert_int_equal(found.missing, 0);
    assert_int_equal(found.sampled, 1);
    if (info.shared)
        return;
    for (size_t i = 0; i < ACT_DEPTH_BUCKETS; i++)
        assert_int_equal(found.levels[i].nodes, info.node_depth[i]);
    assert_int_equal(found.depth_max, info.node_depth_max);
    assert_int_equal(found.nbytes, info.branch_nbytes + info.leaf_nbytes + info.line_node_nbytes +
                                       info.line_data_nbytes + info.jump_nbytes);
    /* Each byte belongs to one prefix. */
    if (told.count < 16) {
        assert_int_equal(told.nbytes, found.nbytes);
        assert_int_equal(told.nodes, found.nodes);
    }
}

static void a_whole_map_has_what_info_counts(void **state)
{
    (void)state;
    struct random r = random_of(11);
    for (size_t shape = 0; shape < shapes_count(); shape++) {
        struct entries entries;
        make_shape(&r, shape, &entries);
        for (int layout = 0; layout < LAYOUTS; layout++) {
            struct paged paged;
            paged_build(&paged, &entries, (act_layout)layout);
            paged_set_all(&paged, true);
            check_against_info(&paged);
            paged_close(&paged);
        }
        entries_free(&entries);
    }
}

static void an_empty_map(void **state)
{
    (void)state;
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    struct paged paged;
    act_residency_walk found;
    struct told told;
    assert_int_equal(paged_open(&paged, empty, sizeof(empty)), ACT_OK);
    paged_set_all(&paged, true);
    assert_int_equal(walk(&paged, NULL, &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 1);
    assert_string_equal(told.text, ":0 ");
    act_residency_options options = {.depth = UINT64_MAX, .top = SIZE_MAX};
    assert_int_equal(walk(&paged, &options, &told, &found), ACT_OK);
    options = (act_residency_options){.prefix = "a", .prefix_nbytes = 1};
    assert_int_equal(walk(&paged, &options, &told, &found), ACT_NOT_FOUND);
    paged_close(&paged);
}

/* -------------------------------------------------------------------------------------- prefixes
 */

static void add_text(struct entries *entries, const char *key)
{
    entries_add(entries, key, strlen(key), 7);
}

static void build_words(struct paged *paged, act_layout layout)
{
    struct entries entries = {0};
    static const char *const words[] = {"a", "apple", "apply", "banana", "band", "bandage", "cat"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        add_text(&entries, words[i]);
    entries_sort(&entries);
    paged_build(paged, &entries, layout);
    paged_set_all(paged, true);
    entries_free(&entries);
}

static int sort_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The prefixes that were told, in alphabetical order. */
static const char *sorted_text(struct told *told)
{
    static char sorted[4000];
    char *words[64];
    size_t count = 0;
    for (char *word = strtok(told->text, " "); word && count < 64; word = strtok(NULL, " "))
        words[count++] = word;
    qsort(words, count, sizeof(*words), sort_words);
    sorted[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(sorted, words[i]);
        strcat(sorted, " ");
    }
    return sorted;
}

static void prefixes_of_a_length(void **state)
{
    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        struct paged paged;
        struct told told;
        build_words(&paged, (act_layout)layout);
        act_residency_options options = {.depth = 1, .top = 100};
        assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
        assert_string_equal(sorted_text(&told), "a:0 b:0 c:0 ");
        options.depth = 4;
        assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
        /* What is shared counts once. */
        if (layout != ACT_LAYOUT_COMPACT)
            assert_string_equal(sorted_text(&told), "appl:0 bana:0 band:0 cat:0 ");
        options.depth = 100;
        options.top = 2;
        assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
        assert_int_equal(told.count, 2);
        paged_close(&paged);
    }
}

static int take_prefix(void *context, const act_prefix_residency *prefix)
{
    entries_add_path(context, prefix->prefix, prefix->prefix_nbytes);
    return 0;
}

/* Below branches of every width: with a byte for each child, and with a mask. */
static void prefixes_of_any_bytes(void **state)
{
    (void)state;
    enum {
        KEY_NBYTES = 3
    };
    struct random r = random_of(16);
    struct entries entries = {0};
    for (unsigned first = 0; first < 256; first += 1 + (unsigned)random_below(&r, 4)) {
        unsigned sparse = 1 + (unsigned)random_below(&r, 40);
        for (unsigned second = 0; second < 256; second += 1 + (unsigned)random_below(&r, sparse)) {
            const uint8_t key[KEY_NBYTES] = {(uint8_t)first, (uint8_t)second, 'x'};
            entries_add(&entries, key, KEY_NBYTES, 1);
        }
    }
    const uint8_t last[KEY_NBYTES] = {255, 255, 'x'};
    entries_add(&entries, last, KEY_NBYTES, 1);
    entries_sort(&entries);
    struct paged paged;
    paged_build(&paged, &entries, ACT_LAYOUT_INDEXED);
    paged_set_all(&paged, true);
    for (size_t depth = 1; depth <= KEY_NBYTES; depth++) {
        struct entries told = {0}, expected = {0};
        for (size_t i = 0; i < entries.count; i++)
            entries_add_path(&expected, entries.items[i].key, depth);
        entries_sort(&expected);
        act_residency_options options = {.depth = depth, .top = SIZE_MAX};
        assert_int_equal(act_map_residency_walk(paged.map, paged.residency, &options, take_prefix,
                                                &told, NULL, NULL),
                         ACT_OK);
        size_t count = told.count; /* each once */
        entries_sort(&told);
        assert_int_equal(count, expected.count);
        assert_int_equal(told.count, expected.count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(told.items[i].key_nbytes, depth);
            assert_memory_equal(told.items[i].key, expected.items[i].key, depth);
        }
        entries_free(&told);
        entries_free(&expected);
    }
    paged_close(&paged);
    entries_free(&entries);
}

/* How much makes a prefix one to be told: with all that there is, nothing but the whole is. */
static void prefixes_of_a_weight(void **state)
{
    (void)state;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    act_residency_options options = {.nbytes_min = 1, .top = 100};
    build_words(&paged, ACT_LAYOUT_PLAIN);
    assert_int_equal(walk(&paged, &options, &told, &found), ACT_OK);
    assert_int_equal(told.nbytes, found.nbytes);
    assert_non_null(strstr(told.text, "bandage:0 "));
    options.nbytes_min = found.nbytes;
    assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
    assert_string_equal(told.text, ":0 ");
    assert_int_equal(told.nbytes, found.nbytes);
    /* As it is told, however much less can be come to. */
    options.nbytes_min = UINT64_MAX;
    assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
    assert_string_equal(told.text, ":0 ");
    /* A length is a length. */
    options.depth = 1;
    assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
    assert_string_equal(sorted_text(&told), "a:0 b:0 c:0 ");
    paged_close(&paged);
}

static void below_a_prefix(void **state)
{
    (void)state;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    static const struct {
        const char *prefix;
        act_status status;
    } cases[] = {
        {"b", ACT_OK},           {"", ACT_OK},         {"app", ACT_OK},
        {"apple", ACT_OK},       {"ban", ACT_OK},      {"apples", ACT_NOT_FOUND},
        {"bb", ACT_NOT_FOUND},   {"x", ACT_NOT_FOUND}, {"ab", ACT_NOT_FOUND},
        {"catt", ACT_NOT_FOUND},
    };
    build_words(&paged, ACT_LAYOUT_INDEXED);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        act_residency_options options = {.prefix = cases[i].prefix,
                                         .prefix_nbytes = strlen(cases[i].prefix)};
        act_status status = walk(&paged, &options, &told, &found);
        assert_int_equal(status, cases[i].status);
        if (status == ACT_OK) {
            assert_int_equal(told.nbytes, found.nbytes);
            assert_true(found.nodes > 0);
        }
    }
    act_residency_options options = {.prefix = "apple", .prefix_nbytes = 5};
    assert_int_equal(walk(&paged, &options, &told, &found), ACT_OK);
    assert_string_equal(told.text, "apple:0 ");
    assert_int_equal(found.nodes, 1);
    /* Longer than what is asked for: then all of it is told of by that much. */
    options.depth = 2;
    assert_int_equal(walk(&paged, &options, &told, &found), ACT_OK);
    assert_string_equal(told.text, "ap:0 ");
    paged_close(&paged);
}

/* The parts below prefixes of a length, each asked for by itself, are what they are together. */
static void parts_add_up(void **state)
{
    (void)state;
    struct random r = random_of(12);
    struct entries entries = {0};
    for (unsigned i = 0; i < 20000; i++) {
        char key[32];
        snprintf(key, sizeof(key), "%c%x", 'a' + (int)random_below(&r, 20),
                 (unsigned)random_below(&r, 1000000));
        add_text(&entries, key);
    }
    entries_sort(&entries);
    struct paged paged;
    struct told told;
    act_residency_walk all, part;
    paged_build(&paged, &entries, ACT_LAYOUT_INDEXED);
    paged_set_all(&paged, true);
    act_residency_options options = {.depth = 1, .top = 100};
    assert_int_equal(walk(&paged, &options, &told, &all), ACT_OK);
    assert_int_equal(told.count, 20);
    uint64_t nodes = 0, nbytes = 0;
    for (int i = 0; i < 20; i++) {
        char letter = (char)('a' + i);
        options = (act_residency_options){.prefix = &letter, .prefix_nbytes = 1};
        struct told below;
        assert_int_equal(walk(&paged, &options, &below, &part), ACT_OK);
        nodes += part.nodes;
        nbytes += part.nbytes;
    }
    assert_int_equal(nodes, told.nodes);
    /* Line data that two of them have in common count for the first of them, or for each. */
    assert_in_range(nbytes, told.nbytes, told.nbytes + told.nbytes / 20);
    paged_close(&paged);
    entries_free(&entries);
}

/* ----------------------------------------------------------------------------- part is in memory
 */

static void count_page(void *context, uint64_t off, bool cached, const uint8_t *path,
                       size_t path_nbytes)
{
    const struct paged *paged = context;
    assert_true(off < paged->nbytes);
    assert_int_equal(cached && !act_bit(paged->residency->cached, off / paged->page_nbytes), 0);
    assert_true(path || !path_nbytes);
}

static void missing_pages_are_not_touched(void **state)
{
    (void)state;
    struct random r = random_of(13);
    for (size_t shape = 0; shape < shapes_count(); shape++) {
        struct entries entries;
        make_shape(&r, shape, &entries);
        for (int layout = 0; layout < LAYOUTS; layout++) {
            struct paged paged;
            struct told told;
            act_residency_walk found;
            paged_build(&paged, &entries, (act_layout)layout);
            for (unsigned round = 0; round < 12; round++) {
                uint8_t key[64];
                for (size_t page = 0; page < paged.residency->totals.pages; page++)
                    paged_set(&paged, page, !random_one_in(&r, 2 + round % 4));
                act_residency_options options = {
                    .depth = round % 3, .page_fn = count_page, .page_context = &paged};
                assert_int_equal(walk(&paged, &options, &told, &found), ACT_OK);
                assert_true(found.nodes || found.missing);
                options.prefix = key;
                options.prefix_nbytes = shapes_near_key(&r, &entries, key, sizeof(key));
                act_status status = walk(&paged, &options, &told, &found);
                assert_true(status == ACT_OK || status == ACT_NOT_FOUND);
            }
            paged_close(&paged);
        }
        entries_free(&entries);
    }
}

static void nothing_is_in_memory(void **state)
{
    (void)state;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    build_words(&paged, ACT_LAYOUT_PLAIN);
    paged_set_all(&paged, false);
    assert_int_equal(walk(&paged, NULL, &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 0);
    assert_int_equal(found.missing, 1);
    assert_int_equal(told.count, 0);
    paged_close(&paged);
}

static void damage_is_found_or_passed_by(void **state)
{
    (void)state;
    struct random r = random_of(14);
    struct entries entries = {0};
    for (size_t shape = 0; shape < shapes_count(); shape++) {
        make_shape(&r, shape, &entries);
        struct paged paged;
        paged_build(&paged, &entries, (act_layout)(shape % LAYOUTS));
        for (unsigned round = 0; round < 60; round++) {
            struct told told;
            paged_set_all(&paged, true);
            size_t at = 16 + (size_t)random_below(&r, paged.nbytes - 16);
            uint8_t kept = paged.bytes[at];
            paged.bytes[at] = (uint8_t)random_u64(&r);
            for (size_t page = 0; page < paged.residency->totals.pages; page++)
                paged_set(&paged, page, !random_one_in(&r, 6));
            act_status status = walk(&paged, NULL, &told, NULL);
            assert_true(status == ACT_OK || status == ACT_ERR_CORRUPT);
            paged_set_all(&paged, true);
            paged.bytes[at] = kept;
        }
        paged_close(&paged);
        entries_free(&entries);
        memset(&entries, 0, sizeof(entries));
    }
}

/* 2^64 paths of some hundred nodes. */
static void shared_nodes_are_seen_once(void **state)
{
    (void)state;
    struct forge forge;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    forge_start(&forge);
    uint64_t root = forge_shared(&forge, 64, 2, 1);
    forge_end(&forge, root);
    assert_int_equal(paged_open(&paged, forge.bytes, forge.nbytes), ACT_OK);
    paged_set_all(&paged, true);
    assert_int_equal(walk(&paged, NULL, &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 1 + 2 * 64);
    paged_close(&paged);
    forge_free(&forge);
}

/* A line of many pages, and many nodes that refer to it: it is not gone over for each of them. */
static void long_lines_cost_nothing(void **state)
{
    (void)state;
    static char text[256 << 10];
    uint8_t bytes[255];
    uint64_t runs[255];
    struct forge forge;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    memset(text, 'x', sizeof(text) - 1);
    for (unsigned i = 0; i < 255; i++)
        bytes[i] = (uint8_t)i;
    forge_start(&forge);
    uint64_t data = forge_data(&forge, text);
    for (unsigned i = 0; i < 255; i++) {
        runs[i] = forge_here(&forge);
        for (unsigned j = 0; j < 255; j++)
            forge_line(&forge, 1, FORGE_NONE, data);
    }
    uint64_t first = forge_here(&forge);
    for (unsigned i = 0; i < 255; i++)
        forge_branch(&forge, FORGE_NONE, runs[i], bytes, 255);
    forge_end(&forge, forge_branch(&forge, FORGE_NONE, first, bytes, 255));
    assert_int_equal(paged_open(&paged, forge.bytes, forge.nbytes), ACT_OK);
    /* The smaller the pages, the more of them. */
    act_residency *residency = paged.residency;
    residency->totals.page_nbytes = 1;
    residency->totals.pages = paged.nbytes;
    free(residency->cached);
    residency->cached = malloc(paged.nbytes / 8 + 1);
    assert_non_null(residency->cached);
    memset(residency->cached, 0xff, paged.nbytes / 8 + 1);
    clock_t before = clock();
    assert_int_equal(walk(&paged, NULL, &told, &found), ACT_OK);
    assert_true(clock() - before < 5 * CLOCKS_PER_SEC);
    assert_int_equal(found.nodes, 1 + 255 + 255 * 255);
    paged_close(&paged);
    forge_free(&forge);
}

/* ----------------------------------------------------------------------------------- its limits
 */

static void a_sample_is_an_estimate(void **state)
{
    (void)state;
    struct entries entries = {0};
    for (unsigned i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%u", i * 7919U % 1000003U);
        add_text(&entries, key);
    }
    entries_sort(&entries);
    struct paged paged;
    struct told told;
    act_residency_walk all, part;
    paged_build(&paged, &entries, ACT_LAYOUT_INDEXED);
    paged_set_all(&paged, true);
    assert_int_equal(walk(&paged, NULL, &told, &all), ACT_OK);
    act_residency_options options = {.nodes_max = all.nodes / 5};
    assert_int_equal(walk(&paged, &options, &told, &part), ACT_OK);
    assert_true(part.sampled > 1);
    assert_true(part.complete);
    assert_in_range(part.nodes, all.nodes * 7 / 10, all.nodes * 13 / 10);
    assert_in_range(part.nbytes, all.nbytes * 7 / 10, all.nbytes * 13 / 10);
    paged_close(&paged);
    /* Elsewhere no page stands for others. */
    paged_build(&paged, &entries, ACT_LAYOUT_PLAIN);
    paged_set_all(&paged, true);
    assert_int_equal(walk(&paged, &options, &told, &part), ACT_OK);
    assert_false(part.complete);
    assert_true(part.nodes <= all.nodes / 5 + 1);
    paged_close(&paged);
    entries_free(&entries);
}

/* Whatever the header of an index says of the number of nodes. */
static void a_sample_of_more_nodes_than_can_be(void **state)
{
    (void)state;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    build_words(&paged, ACT_LAYOUT_INDEXED);
    paged.map->index.nodes = UINT64_MAX;
    act_residency_options options = {.nodes_max = 1};
    assert_int_equal(walk(&paged, &options, &told, &found), ACT_OK);
    assert_int_equal(found.sampled, 1000000000);
    paged_close(&paged);
}

/* ------------------------------------------------------------------------- pages of single bytes
 */

/* What was forged, each byte of which may be missing by itself; all are there. */
static void open_bytewise(struct paged *paged, struct forge *forge, uint64_t root)
{
    forge_end(forge, root);
    assert_int_equal(paged_open(paged, forge->bytes, forge->nbytes), ACT_OK);
    act_residency *residency = paged->residency;
    residency->totals.page_nbytes = paged->page_nbytes = 1;
    residency->totals.pages = paged->nbytes;
    free(residency->cached);
    residency->cached = malloc(paged->nbytes / 8 + 1);
    assert_non_null(residency->cached);
    memset(residency->cached, 0xff, paged->nbytes / 8 + 1);
    forge_free(forge);
}

static act_status walk_below(struct paged *paged, const char *prefix, struct told *told,
                             act_residency_walk *found)
{
    act_residency_options options = {.prefix = prefix, .prefix_nbytes = strlen(prefix)};
    return walk(paged, &options, told, found);
}

static unsigned paths_told;

static void count_path(void *context, uint64_t off, bool cached, const uint8_t *path,
                       size_t path_nbytes)
{
    count_page(context, off, cached, path, path_nbytes);
    assert_int_equal(path_nbytes, ++paths_told);
}

/* What is missing counts for the prefix that it is below; no prefix is told of which a part is not
 * known, as where the length of a line is there and its bytes are not. */
static void prefixes_of_which_a_part_is_missing(void **state)
{
    (void)state;
    struct forge forge;
    struct paged paged;
    struct told told;
    forge_start(&forge);
    uint64_t data = forge_data(&forge, "xyz");
    uint64_t leaf = forge_leaf(&forge, 1);
    uint64_t below_b = forge_leaf(&forge, 2);
    uint64_t below_b1 = forge_leaf(&forge, 3);
    uint64_t line = forge_line(&forge, FORGE_NONE, leaf, data);
    forge_fork(&forge, FORGE_NONE, below_b, "01");
    open_bytewise(&paged, &forge, forge_fork(&forge, FORGE_NONE, line, "ab"));
    static const struct {
        uint64_t depth;
        const char *all;
        const char *without_b1;
        const char *without_line;
    } cases[] = {
        {1, "a:0 b:0 ", "a:0 b:1 ", "b:0 "},
        {2, "ax:0 b0:0 b1:0 ", "ax:0 b0:0 ", "b0:0 b1:0 "},
        {4, "axyz:0 b0:0 b1:0 ", "axyz:0 b0:0 ", "b0:0 b1:0 "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        act_residency_options options = {.depth = cases[i].depth};
        assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
        assert_string_equal(sorted_text(&told), cases[i].all);
        set_cached(&paged, below_b1, false);
        assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
        assert_string_equal(sorted_text(&told), cases[i].without_b1);
        set_cached(&paged, below_b1, true);
        for (uint64_t off = data; off < leaf; off++) {
            set_cached(&paged, off, false);
            assert_int_equal(walk(&paged, &options, &told, NULL), ACT_OK);
            assert_string_equal(sorted_text(&told), cases[i].without_line);
            set_cached(&paged, off, true);
        }
    }
    paged_close(&paged);
}

/* Of longer paths nothing is told but that the nodes are there. */
static void paths_longer_than_are_kept(void **state)
{
    (void)state;
    static char text[5000];
    struct forge forge;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    memset(text, 'a', sizeof(text) - 1);
    forge_start(&forge);
    uint64_t data = forge_data(&forge, "line");
    uint64_t at = forge_line(&forge, 1, FORGE_NONE, data);
    for (unsigned i = 0; i < 4200; i++)
        at = forge_fork(&forge, FORGE_NONE, at, "a");
    open_bytewise(&paged, &forge, at);
    assert_int_equal(walk(&paged, NULL, &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 4201);
    assert_true(told.count > 0 && told.nodes < 4201);
    /* Nor are pages told of to which no path is known. */
    act_residency_options options = {.page_fn = count_path, .page_context = &paged};
    paths_told = 0;
    assert_int_equal(walk(&paged, &options, &told, &found), ACT_OK);
    assert_int_equal(paths_told, 4096);
    /* Nor is there a name for what lies below a prefix that is so long itself. */
    text[4150] = '\0';
    assert_int_equal(walk_below(&paged, text, &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 51);
    assert_int_equal(told.count, 0);
    paged_close(&paged);
}

static void a_way_to_a_prefix_that_is_missing(void **state)
{
    (void)state;
    struct forge forge;
    struct paged paged;
    struct told told;
    act_residency_walk found;
    forge_start(&forge);
    uint64_t data = forge_data(&forge, "abcd");
    uint64_t leaf = forge_leaf(&forge, 1);
    uint64_t fork = forge_fork(&forge, FORGE_NONE, leaf, "x");
    uint64_t line = forge_line(&forge, FORGE_NONE, fork, data);
    forge_leaf(&forge, 5);
    open_bytewise(&paged, &forge, forge_fork(&forge, FORGE_NONE, line, "01"));
    assert_int_equal(walk_below(&paged, "0abcdx", &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 1);
    assert_int_equal(walk_below(&paged, "0abx", &told, &found), ACT_NOT_FOUND);
    set_cached(&paged, data + 3, false);
    assert_int_equal(walk_below(&paged, "0abcdx", &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 0);
    assert_int_equal(found.missing, 1);
    assert_int_equal(walk_below(&paged, "0ab", &told, &found), ACT_OK);
    assert_int_equal(found.nodes, 3);
    set_cached(&paged, leaf, false);
    assert_int_equal(walk_below(&paged, "0a", &told, &found), ACT_OK);
    assert_int_equal(found.missing, 1);
    set_cached(&paged, line, false);
    assert_int_equal(walk_below(&paged, "1", &told, &found), ACT_OK);
    assert_int_equal(found.missing, 1);
    paged_close(&paged);
}

/* Each of these makes the way to a prefix end, and says where. */
static void a_way_to_a_prefix_that_is_damaged(void **state)
{
    (void)state;
    for (int damage = 0; damage < 5; damage++) {
        struct forge forge;
        struct paged paged;
        act_error error;
        forge_start(&forge);
        uint64_t data = forge_data(&forge, "ab");
        uint64_t leaf = forge_leaf(&forge, 1);
        uint64_t other = forge_leaf(&forge, 2);
        uint64_t at = 0;
        if (damage == 0) /* bytes that do not ascend */
            at = forge_fork(&forge, FORGE_NONE, leaf, "ba");
        if (damage == 1) /* children before the file */
            at = forge_fork(&forge, FORGE_NONE, leaf - 16, "ab");
        if (damage == 2) /* a second child that is its parent */
            at = forge_fork(&forge, FORGE_NONE, other, "ab");
        if (damage == 3) /* a child before the file, of a line */
            at = forge_line(&forge, FORGE_NONE, 1, data);
        if (damage == 4) /* line data that do not end before the line */
            at = forge_line(&forge, FORGE_NONE, leaf, other + 1);
        uint64_t root = forge_fork(&forge, FORGE_NONE, at, "x");
        open_bytewise(&paged, &forge, root);
        const char *prefix = damage == 2 ? "xb" : damage == 4 ? "xa" : "xabc";
        act_residency_options options = {.prefix = prefix, .prefix_nbytes = strlen(prefix)};
        assert_int_equal(
            act_map_residency_walk(paged.map, paged.residency, &options, NULL, NULL, NULL, &error),
            ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, at);
        assert_int_equal(
            act_map_residency_walk(paged.map, paged.residency, NULL, NULL, NULL, NULL, &error),
            ACT_ERR_CORRUPT);
        paged_close(&paged);
    }
}

/* ------------------------------------------------------------------------------- of a real file
 */

static unsigned pages_told;

/* Somebody writes to the file while it is walked over: to the word that the guard looks at, the
 * last one that is not zero. */
static void spoil_file(void *context, uint64_t off, bool cached, const uint8_t *path,
                       size_t path_nbytes)
{
    (void)off;
    (void)cached;
    assert_true(path || !path_nbytes);
    pages_told++;
    const uint64_t *nbytes = context;
    int fd = open(scratch_map, O_WRONLY);
    assert_int_equal(pwrite(fd, "spoiled!", 8, (off_t)(*nbytes - ACT_INDEX_TAIL_NBYTES - 8)), 8);
    close(fd);
}

static void a_file_that_is_mapped(void **state)
{
    (void)state;
    struct random r = random_of(15);
    struct entries entries = {0};
    for (unsigned i = 0; i < 50000; i++) {
        uint8_t key[8];
        random_fill(&r, key, sizeof(key));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    scratch_set_up(NULL);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    size_t size;
    free(scratch_read(scratch_map, &size));
    uint64_t nbytes = size;
    for (int advice = ACT_ADVICE_NORMAL; advice <= ACT_ADVICE_SEQUENTIAL + 1; advice++) {
        bool spoiled = advice > ACT_ADVICE_SEQUENTIAL;
        act_open_options options = {.access = ACT_ACCESS_MAP,
                                    .advice = spoiled ? ACT_ADVICE_AUTO : (act_advice)advice,
                                    .guard = spoiled ? ACT_GUARD_SIGNAL : ACT_GUARD_NONE};
        act_residency_options walk_options = {.page_fn = spoiled ? spoil_file : NULL,
                                              .page_context = &nbytes};
        act_map *map;
        act_residency *residency;
        act_residency_walk found;
        assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
        assert_int_equal(act_map_residency(map, &residency, NULL), ACT_OK);
        pages_told = 0;
        if (residency->cached) {
            act_status status = act_map_residency_walk(map, residency, &walk_options, NULL, NULL,
                                                       &found, NULL);
            assert_int_equal(status, spoiled ? ACT_ERR_IO : ACT_OK);
            if (!spoiled)
                assert_true(found.nodes + found.missing > 0);
            assert_int_equal(pages_told, spoiled); /* what is read after that is given to nobody */
        }
        act_residency_close(residency);
        act_map_close(map);
    }
    scratch_tear_down(NULL);
}

static int stop(void *context, const act_prefix_residency *prefix)
{
    (void)context;
    (void)prefix;
    return 1;
}

static void calls_that_make_no_sense(void **state)
{
    (void)state;
    struct paged paged, other;
    struct told told;
    static const uint8_t empty[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    build_words(&paged, ACT_LAYOUT_PLAIN);
    assert_int_equal(paged_open(&other, empty, sizeof(empty)), ACT_OK);
    assert_int_equal(
        act_map_residency_walk(paged.map, other.residency, NULL, NULL, NULL, NULL, NULL),
        ACT_ERR_INVALID);
    assert_int_equal(act_map_residency_walk(NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                     ACT_ERR_INVALID);
    act_residency_options options = {.prefix_nbytes = 1};
    assert_int_equal(walk(&paged, &options, &told, NULL), ACT_ERR_INVALID);
    assert_int_equal(
        act_map_residency_walk(paged.map, paged.residency, NULL, stop, NULL, NULL, NULL),
        ACT_STOPPED);
    act_residency_walk found;
    assert_int_equal(
        act_map_residency_walk(paged.map, paged.residency, NULL, stop, NULL, &found, NULL),
        ACT_STOPPED);
    assert_true(found.complete && found.nodes > 5);
    assert_int_equal(act_map_residency_walk(paged.map, NULL, NULL, NULL, NULL, NULL, NULL),
                     ACT_ERR_INVALID);
    free(paged.residency->cached);
    paged.residency->cached = NULL;
    assert_int_equal(walk(&paged, NULL, &told, NULL), ACT_ERR_INVALID);
    paged_close(&paged);
    paged_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_map_has_what_info_counts),
        cmocka_unit_test(an_empty_map),
        cmocka_unit_test(prefixes_of_a_length),
        cmocka_unit_test(prefixes_of_any_bytes),
        cmocka_unit_test(prefixes_of_a_weight),
        cmocka_unit_test(below_a_prefix),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(missing_pages_are_not_touched),
        cmocka_unit_test(nothing_is_in_memory),
        cmocka_unit_test(damage_is_found_or_passed_by),
        cmocka_unit_test(shared_nodes_are_seen_once),
        cmocka_unit_test(long_lines_cost_nothing),
        cmocka_unit_test(a_sample_is_an_estimate),
        cmocka_unit_test(a_sample_of_more_nodes_than_can_be),
        cmocka_unit_test(prefixes_of_which_a_part_is_missing),
        cmocka_unit_test(paths_longer_than_are_kept),
        cmocka_unit_test(a_way_to_a_prefix_that_is_missing),
        cmocka_unit_test(a_way_to_a_prefix_that_is_damaged),
        cmocka_unit_test(a_file_that_is_mapped),
        cmocka_unit_test(calls_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
