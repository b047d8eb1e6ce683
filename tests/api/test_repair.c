/* Salvaging damaged files. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    KEYS = 12000, /* some blocks */
    FLIPS = CHECK_SLOW_BUILD ? 40 : 200,
    BLOCK_NBYTES = 65536,
    LOST_MAX = 4096
};

/* A range of lost keys, kept. */
struct range {
    uint8_t first[64];
    size_t first_nbytes;
    uint8_t end[64];
    size_t end_nbytes;
    bool endless;
    act_rule rule;
    uint64_t offset;
};

struct told {
    unsigned blocks;
    uint64_t block_off;
    struct range ranges[LOST_MAX];
    size_t count;
    int answer;
};

static struct told told;
static char *out_path;

static int set_up(void **state)
{
    scratch_set_up(state);
    out_path = scratch_path(scratch_dir, "out.act");
    return 0;
}

static int tear_down(void **state)
{
    free(out_path);
    return scratch_tear_down(state);
}

static int keep_block(void *context, const act_bad_block *block)
{
    struct told *t = context;
    t->blocks++;
    t->block_off = block->offset;
    assert_true(block->nbytes > 0);
    return t->answer;
}

static int keep_range(void *context, const act_lost_keys *lost)
{
    struct told *t = context;
    assert_true(t->count < LOST_MAX && lost->first_nbytes <= 64 && lost->end_nbytes <= 64);
    struct range *range = &t->ranges[t->count];
    memcpy(range->first, lost->first, lost->first_nbytes);
    range->first_nbytes = lost->first_nbytes;
    range->endless = !lost->end;
    if (lost->end)
        memcpy(range->end, lost->end, lost->end_nbytes);
    range->end_nbytes = lost->end_nbytes;
    range->rule = lost->rule;
    range->offset = lost->offset;
    /* Not empty, and above the one before. */
    if (lost->end)
        assert_true(entries_compare(lost->first, lost->first_nbytes, lost->end, lost->end_nbytes) <
                    0);
    if (t->count)
        assert_true(!range[-1].endless && entries_compare(range[-1].end, range[-1].end_nbytes,
                                                          lost->first, lost->first_nbytes) <= 0);
    t->count++;
    return t->answer;
}

static act_repair_options options_of(bool unchecked)
{
    told.blocks = 0;
    told.count = 0;
    told.answer = 0;
    return (act_repair_options){.build = {.no_sync = true},
                                .unchecked = unchecked,
                                .on_bad_block = keep_block,
                                .on_lost_keys = keep_range,
                                .context = &told};
}

static act_status repair(bool unchecked, act_repair_report *report)
{
    act_repair_options options = options_of(unchecked);
    act_error error = {0};
    remove(out_path);
    act_status status = act_repair(scratch_map, out_path, &options, report, &error);
    assert_int_equal(error.status, status);
    if (status != ACT_OK) {
        assert_true(strlen(error.text) > 0);
        assert_int_equal(scratch_count(scratch_dir), 1); /* the damaged file alone */
    }
    return status;
}

static bool is_lost(const struct entry *e)
{
    for (size_t i = 0; i < told.count; i++) {
        const struct range *range = &told.ranges[i];
        if (entries_compare(range->first, range->first_nbytes, e->key, e->key_nbytes) <= 0 &&
            (range->endless ||
             entries_compare(e->key, e->key_nbytes, range->end, range->end_nbytes) < 0))
            return true;
    }
    return false;
}

struct reading {
    const struct entries *entries;
    size_t at;
};

/* What was salvaged was in the file, and what was not is told. */
static int check_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct reading *r = context;
    const struct entry *e = entries_find(r->entries, key, key_nbytes);
    assert_non_null(e);
    assert_int_equal(e->value, value);
    assert_false(is_lost(e));
    for (; &r->entries->items[r->at] < e; r->at++)
        assert_true(is_lost(&r->entries->items[r->at]));
    r->at++;
    return 0;
}

/* The new file holds what it may of these entries. How many are missing. */
static size_t check_out(const struct entries *entries, const act_repair_report *report)
{
    act_map *map;
    struct reading r = {entries, 0};
    assert_int_equal(act_map_open(out_path, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
    assert_int_equal(act_map_scan(map, NULL, check_entry, &r, NULL), ACT_OK);
    for (; r.at < entries->count; r.at++)
        assert_true(is_lost(&entries->items[r.at]));
    act_map_close(map);
    assert_int_equal(report->lost_ranges, told.count);
    assert_int_equal(report->bad_blocks, told.blocks);
    assert_int_equal(report->built.keys, report->keys);
    return entries->count - (size_t)report->keys;
}

static void some_entries(struct entries *entries, size_t count, uint64_t seed)
{
    struct random r = random_of(seed);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[24];
        size_t nbytes = random_below(&r, sizeof(key));
        for (size_t j = 0; j < nbytes; j++)
            key[j] = (uint8_t)(random_one_in(&r, 40) ? random_u64(&r) : 'a' + random_below(&r, 6));
        entries_add(entries, key, nbytes, random_u64(&r) >> random_below(&r, 60));
    }
    entries_sort(entries);
}

static uint8_t *build(const struct entries *entries, act_layout layout, size_t *nbytes_ret)
{
    build_file(entries, scratch_map, layout, NULL);
    return scratch_read(scratch_map, nbytes_ret);
}

/* A word's bytes, as they stand in the file. */
static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | bytes[i];
    return word;
}

static void set_word(uint8_t *bytes, uint64_t word)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(word >> 8 * i);
}

static void test_without_damage(void **state)
{
    (void)state;
    for (int layout = 0; layout < 3; layout++) {
        struct entries entries = {0};
        act_repair_report report;
        some_entries(&entries, 500, (uint64_t)layout);
        entries_add_path(&entries, "aaaadangling", 12);
        entries_sort(&entries);
        size_t nbytes;
        free(build(&entries, (act_layout)layout, &nbytes));
        assert_int_equal(repair(false, &report), ACT_OK);
        assert_false(report.damaged);
        assert_int_equal(report.checksummed, layout == ACT_LAYOUT_INDEXED);
        assert_int_equal(report.dangling_paths, 1);
        entries_drop_paths(&entries);
        assert_int_equal(check_out(&entries, &report), 0);
        assert_int_equal(told.count, 0);
        entries_free(&entries);
    }
}

/* With checksums, what comes out of a file with a changed bit is true, and what is lost is told. */
static void test_flips(void **state)
{
    (void)state;
    struct entries entries = {0};
    struct random r = random_of(3);
    act_repair_report report;
    size_t nbytes;
    size_t lost = 0;
    some_entries(&entries, KEYS, 11);
    uint8_t *bytes = build(&entries, ACT_LAYOUT_INDEXED, &nbytes);
    assert_true(nbytes > 2 * BLOCK_NBYTES);
    for (int i = 0; i < FLIPS; i++) {
        size_t at = i % 8 ? (size_t)random_below(&r, nbytes) : (size_t)random_below(&r, 256);
        uint8_t bit = (uint8_t)(1u << random_below(&r, 8));
        bytes[at] ^= bit;
        scratch_write(scratch_map, bytes, nbytes);
        act_status status = repair(false, &report);
        assert_true(report.damaged);
        if (status == ACT_OK) {
            lost += check_out(&entries, &report) > 0;
            if (told.blocks)
                assert_true(told.block_off <= at && at - told.block_off < BLOCK_NBYTES);
            /* Without blocks that are bad nothing is lost. */
            else
                assert_int_equal(report.keys, entries.count);
        } else {
            /* The root's own block. */
            assert_int_equal(status, ACT_ERR_CORRUPT);
            assert_true(at / BLOCK_NBYTES == word_at(bytes + 16 + 32) / BLOCK_NBYTES);
        }
        bytes[at] ^= bit;
    }
    assert_true(lost > 0);
    free(bytes);
    entries_free(&entries);
}

static void test_bad_blocks_can_be_used(void **state)
{
    (void)state;
    struct entries entries = {0};
    act_repair_report report;
    size_t nbytes;
    some_entries(&entries, KEYS, 12);
    uint8_t *bytes = build(&entries, ACT_LAYOUT_INDEXED, &nbytes);
    /* In the root's block: nothing can be had with the checksums, all but little without. */
    size_t sums_off = (size_t)word_at(bytes + 16 + 64);
    bytes[sums_off - 1] ^= 1;
    scratch_write(scratch_map, bytes, nbytes);
    assert_int_equal(repair(false, &report), ACT_ERR_CORRUPT);
    assert_int_equal(report.bad_blocks, 1);
    assert_int_equal(repair(true, &report), ACT_OK);
    assert_false(report.checksummed);
    assert_int_equal(report.bad_blocks, 1);
    assert_true(report.keys > entries.count / 2);
    free(bytes);
    entries_free(&entries);
}

/* Where a root is to be found: by the index, its copy, and in a plain file by what fills it. */
static void test_headers_that_are_gone(void **state)
{
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        struct entries entries = {0};
        act_repair_report report;
        size_t nbytes;
        some_entries(&entries, 1000, 13);
        uint8_t *bytes = build(&entries, (act_layout)layout, &nbytes);
        /* The magic; the root's offset; both, and the header of the index. */
        static const size_t gone[][2] = {{0, 8}, {8, 8}, {0, 16}, {0, 256}};
        for (size_t i = 0; i < (layout ? 3 : 4); i++) {
            uint8_t *damaged = malloc(nbytes);
            assert_non_null(damaged);
            memcpy(damaged, bytes, nbytes);
            memset(damaged + gone[i][0], 0x5a, gone[i][1]);
            scratch_write(scratch_map, damaged, nbytes);
            free(damaged);
            assert_int_equal(repair(false, &report), ACT_OK);
            assert_true(report.damaged);
            assert_false(report.root_is_former);
            assert_int_equal(check_out(&entries, &report), 0);
        }
        free(bytes);
        entries_free(&entries);
    }
}

/* The root of a plain file is the last node, and what it ends in may be zeros, as the file does: of
 * a value, of the byte of a child, and of a mask all but four bytes. */
static void test_roots_that_end_in_zeros(void **state)
{
    (void)state;
    enum {
        CHILDREN = 32
    };
    for (unsigned first = 0; first + CHILDREN <= 256; first += 8) {
        for (unsigned count = 1; count <= CHILDREN; count += CHILDREN - 1) {
            struct entries entries = {0};
            act_repair_report report;
            size_t nbytes;
            if (count == 1)
                entries_add(&entries, "", 0, 0);
            for (unsigned i = first ? 0 : 1; i < count; i++) {
                const uint8_t key[] = {(uint8_t)(first + i), 'x', (uint8_t)i};
                entries_add(&entries, key, sizeof(key), i);
            }
            if (!first) {
                const uint8_t key[] = {0, 1};
                entries_add(&entries, key, sizeof(key), 9);
            }
            entries_sort(&entries);
            uint8_t *bytes = build(&entries, ACT_LAYOUT_PLAIN, &nbytes);
            uint64_t root = word_at(bytes + 8);
            set_word(bytes + 8, 0);
            scratch_write(scratch_map, bytes, nbytes);
            assert_int_equal(repair(false, &report), ACT_OK);
            assert_int_equal(report.root, root);
            assert_int_equal(check_out(&entries, &report), 0);
            free(bytes);
            entries_free(&entries);
        }
    }
}

/* What looks like the copy of an index counts where its file would have it, and only whole. */
static void test_copies_of_an_index(void **state)
{
    (void)state;
    enum {
        INDEX_NBYTES = 240,
        TAIL_NBYTES = 16
    };
    struct entries entries = {0};
    act_repair_report report;
    size_t nbytes;
    uint8_t copy[INDEX_NBYTES];
    some_entries(&entries, 100, 25);
    uint8_t *bytes = build(&entries, ACT_LAYOUT_INDEXED, &nbytes);
    size_t more_nbytes = nbytes + 2 * INDEX_NBYTES;
    bytes = realloc(bytes, more_nbytes);
    assert_non_null(bytes);
    memset(bytes + nbytes, 0, more_nbytes - nbytes);
    size_t copy_off = nbytes - TAIL_NBYTES - INDEX_NBYTES;
    memcpy(copy, bytes + copy_off, INDEX_NBYTES);
    memset(bytes, 0, 8);                 /* so that it is damaged, whatever else is there */
    memset(bytes + 16, 0, INDEX_NBYTES); /* the index itself */
    const size_t places[] = {copy_off, copy_off - 1, nbytes, more_nbytes - INDEX_NBYTES};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        for (int flipped = 0; flipped < 2; flipped++) {
            uint8_t kept[INDEX_NBYTES];
            memset(bytes + copy_off, 0, INDEX_NBYTES);
            memcpy(kept, bytes + places[i], INDEX_NBYTES);
            memcpy(bytes + places[i], copy, INDEX_NBYTES);
            bytes[places[i] + INDEX_NBYTES - 20] ^= (uint8_t)flipped;
            scratch_write(scratch_map, bytes, more_nbytes);
            assert_int_equal(repair(false, &report), ACT_OK);
            assert_int_equal(report.checksummed, i == 0 && !flipped);
            assert_int_equal(check_out(&entries, &report), 0);
            memcpy(bytes + places[i], kept, INDEX_NBYTES);
        }
    }
    free(bytes);
    entries_free(&entries);
}

/* Roots that lie outside of the nodes, though what is there may look like one: as the magic does.
 */
static void test_roots_out_of_the_file(void **state)
{
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        struct entries entries = {0};
        act_repair_report report;
        size_t nbytes;
        some_entries(&entries, 100, 24);
        uint8_t *bytes = build(&entries, (act_layout)layout, &nbytes);
        uint64_t root = word_at(bytes + 8);
        uint64_t tail = nbytes - 8;
        memset(bytes, 0x40, 8); /* leaves, with a value */
        for (uint64_t i = 0; i < 16 + 10; i++) {
            set_word(bytes + 8, i < 16 ? i : tail + i - 16);
            scratch_write(scratch_map, bytes, nbytes);
            assert_int_equal(repair(false, &report), ACT_OK);
            assert_true(report.damaged);
            assert_int_equal(report.root, root);
            assert_int_equal(check_out(&entries, &report), 0);
        }
        free(bytes);
        entries_free(&entries);
    }
}

/* As low as it can lie: of a key alone, and of none. */
static void test_lowest_roots(void **state)
{
    (void)state;
    for (size_t nbytes = 1; nbytes <= 2; nbytes++) {
        act_repair_report report;
        uint8_t bytes[26] = {0};
        set_word(bytes + 8, 16);
        if (nbytes == 2)
            memcpy(bytes + 16, "\x40\x07", 2);
        scratch_write(scratch_map, bytes, 24 + nbytes);
        assert_int_equal(repair(false, &report), ACT_OK);
        assert_true(report.damaged);
        assert_int_equal(report.root, 16);
        assert_int_equal(report.keys, nbytes - 1);
    }
}

struct totals {
    uint64_t items[8];
    size_t count;
};

/* Keeps what is told before the first step of each pass. */
static int keep_total(void *context, uint64_t done, uint64_t total)
{
    struct totals *t = context;
    if (done == 0) {
        assert_true(t->count < 8);
        t->items[t->count++] = total;
    }
    return 0;
}

/* Verifying, counting, which has no total that is known, and building. */
static void test_progress(void **state)
{
    (void)state;
    struct entries entries = {0};
    struct totals totals = {.count = 0};
    act_repair_options options = options_of(false);
    size_t nbytes;
    some_entries(&entries, 100, 28);
    free(build(&entries, ACT_LAYOUT_INDEXED, &nbytes));
    options.progress = keep_total;
    options.progress_context = &totals;
    assert_int_equal(act_repair(scratch_map, out_path, &options, NULL, NULL), ACT_OK);
    assert_int_equal(totals.count, 3);
    assert_true(totals.items[0] > 0);
    assert_int_equal(totals.items[1], 0);
    assert_true(totals.items[2] >= entries.count);
    entries_free(&entries);
}

/* Where a root ends there may be a trailer: but not where the header would, if it were one. */
static void test_trailers_of_no_root(void **state)
{
    (void)state;
    act_repair_report report;
    uint8_t bytes[49] = {0};
    bytes[7] = 8; /* eight children */
    set_word(bytes + 8, 7);
    set_word(bytes + 17, 0);
    set_word(bytes + 25, 16); /* as if there had been an empty map before */
    scratch_write(scratch_map, bytes, sizeof(bytes));
    assert_int_equal(repair(false, &report), ACT_ERR_FORMAT);
    assert_int_equal(report.root, 0);
}

/* The last node is only sought where no trailer leads to a root: here one does, that follows on the
 * root in the header, which cannot be read. All of them are bytes of a key, as good as any others.
 */
static void test_trailers_come_first(void **state)
{
    (void)state;
    enum {
        FORMER = 0,               /* within the key: a leaf, and zeros */
        NAMED = FORMER + 10,      /* a branch that counts nonsense */
        TRAILER = NAMED + 2 + 32, /* where that would end */
        KEY_NBYTES = TRAILER + 16,
        KEY_OFF = 17 /* in the file */
    };
    struct entries entries = {0};
    act_repair_report report;
    size_t nbytes;
    uint8_t key[KEY_NBYTES] = {0};
    memcpy(key + FORMER, "\x40\x05", 2);
    memset(key + NAMED, 1, TRAILER - NAMED);
    key[NAMED] = 0x3f;
    set_word(key + TRAILER + 8, KEY_OFF + FORMER);
    entries_add(&entries, key, sizeof(key), 7);
    uint8_t *bytes = build(&entries, ACT_LAYOUT_PLAIN, &nbytes);
    assert_memory_equal(bytes + KEY_OFF, key, sizeof(key));
    uint64_t root = word_at(bytes + 8);
    const uint64_t named[] = {KEY_OFF + NAMED, 0};
    for (size_t i = 0; i < 2; i++) {
        set_word(bytes + 8, named[i]);
        scratch_write(scratch_map, bytes, nbytes);
        assert_int_equal(repair(false, &report), ACT_OK);
        assert_int_equal(report.root, i == 0 ? KEY_OFF + FORMER : root);
        assert_int_equal(report.root_is_former, i == 0);
    }
    free(bytes);
    entries_free(&entries);
}

static void merge(struct entries *entries, uint64_t seed)
{
    struct entries added = {0};
    some_entries(&added, 40, seed);
    merge_into_file(entries, &added, scratch_map);
}

/* The last merge is unreadable: what was before is salvaged, and that is told. */
static void test_former_roots(void **state)
{
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        struct entries before = {0};
        struct entries after = {0};
        act_repair_report report;
        size_t nbytes_before;
        size_t nbytes;
        some_entries(&before, 1000, 14);
        free(build(&before, (act_layout)layout, &nbytes));
        merge(&before, 15);
        free(scratch_read(scratch_map, &nbytes_before));
        entries_append(&after, &before);
        merge(&after, 16);
        uint8_t *bytes = scratch_read(scratch_map, &nbytes);
        uint64_t root = word_at(bytes + 8);

        /* The root's own bytes. In a plain file a count that no branch has. */
        uint8_t kept = bytes[root];
        bytes[root] = 0x3f;
        scratch_write(scratch_map, bytes, nbytes);
        assert_int_equal(repair(false, &report), ACT_OK);
        assert_true(report.damaged && report.root_is_former);
        assert_int_equal(report.lost_nbytes, nbytes - nbytes_before);
        assert_int_equal(check_out(&before, &report), 0);
        bytes[root] = kept;

        /* The offset of the root: an indexed file finds the last one by its footer. */
        memset(bytes + 8, 0xee, 8);
        scratch_write(scratch_map, bytes, nbytes);
        assert_int_equal(repair(false, &report), ACT_OK);
        assert_int_equal(report.root_is_former, layout == ACT_LAYOUT_PLAIN);
        assert_int_equal(check_out(report.root_is_former ? &before : &after, &report), 0);

        /* A merge that did not end changes nothing. */
        set_word(bytes + 8, report.root);
        scratch_write(scratch_map, bytes, nbytes - 1);
        assert_int_equal(repair(false, &report), ACT_OK);
        assert_true(report.damaged);
        if (layout == ACT_LAYOUT_PLAIN)
            assert_int_equal(check_out(&before, &report), 0);
        free(bytes);
        entries_free(&before);
        entries_free(&after);
    }
}

/* All of a merge is there but the root's offset, which is written last: it does not count. A root
 * that is further back was put there by somebody, and in an indexed file the last one is found. */
static void test_roots_that_were_moved(void **state)
{
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        struct entries generations[3] = {{0}, {0}, {0}};
        uint64_t roots[3];
        act_repair_report report;
        size_t nbytes;
        some_entries(&generations[0], 1000, 23);
        uint8_t *bytes = build(&generations[0], (act_layout)layout, &nbytes);
        for (size_t i = 1;; i++) {
            roots[i - 1] = word_at(bytes + 8);
            if (i == 3)
                break;
            free(bytes);
            entries_append(&generations[i], &generations[i - 1]);
            merge(&generations[i], 23 + i);
            bytes = scratch_read(scratch_map, &nbytes);
        }
        for (size_t i = 0; i < 2; i++) {
            set_word(bytes + 8, roots[i]);
            scratch_write(scratch_map, bytes, nbytes);
            assert_int_equal(repair(false, &report), ACT_OK);
            size_t taken = i == 0 && layout == ACT_LAYOUT_INDEXED ? 2 : i;
            assert_int_equal(report.root, roots[taken]);
            assert_false(report.root_is_former);
            assert_int_equal(check_out(&generations[taken], &report), 0);
        }
        free(bytes);
        for (size_t i = 0; i < 3; i++)
            entries_free(&generations[i]);
    }
}

/* Any bit of a merge's segment: it is not taken, and the root before it is. */
static void test_bad_segments(void **state)
{
    (void)state;
    struct entries before = {0};
    struct entries after = {0};
    struct random r = random_of(17);
    act_repair_report report;
    size_t nbytes_before;
    size_t nbytes;
    some_entries(&before, 500, 18);
    free(build(&before, ACT_LAYOUT_INDEXED, &nbytes_before));
    entries_append(&after, &before);
    merge(&after, 19);
    uint8_t *bytes = scratch_read(scratch_map, &nbytes);
    for (int i = 0; i < FLIPS; i++) {
        size_t at = nbytes_before + (size_t)random_below(&r, nbytes - nbytes_before);
        uint8_t bit = (uint8_t)(1u << random_below(&r, 8));
        bytes[at] ^= bit;
        scratch_write(scratch_map, bytes, nbytes);
        assert_int_equal(repair(false, &report), ACT_OK);
        assert_true(report.damaged && report.root_is_former);
        assert_int_equal(check_out(&before, &report), 0);
        bytes[at] ^= bit;
    }
    free(bytes);
    entries_free(&before);
    entries_free(&after);
}

/* Of several merges one whose footer is hit: what is only there is lost, for no checksum tells of
 * it, and all else is taken. */
static void test_segments_without_footers(void **state)
{
    (void)state;
    enum {
        MERGES = 3,
        FOOTER_NBYTES = 64
    };
    struct entries entries = {0};
    struct random r = random_of(26);
    act_repair_report report;
    uint64_t ends[MERGES + 1];
    uint64_t roots[MERGES + 1];
    size_t nbytes;
    some_entries(&entries, 500, 27);
    uint8_t *bytes = build(&entries, ACT_LAYOUT_INDEXED, &nbytes);
    ends[0] = nbytes;
    for (size_t i = 1; i <= MERGES; i++) {
        free(bytes);
        merge(&entries, 27 + i);
        bytes = scratch_read(scratch_map, &nbytes);
        ends[i] = nbytes;
        roots[i] = word_at(bytes + 8);
    }
    for (size_t i = 1; i < MERGES; i++) {
        for (int round = 0; round < 20; round++) {
            uint64_t footer = roots[i] - FOOTER_NBYTES;
            /* The footer alone, and something else of the segment. */
            size_t at = (size_t)(footer + random_below(&r, FOOTER_NBYTES));
            size_t other = (size_t)(ends[i - 1] + random_below(&r, footer - ends[i - 1]));
            bytes[at] ^= 4;
            bytes[other] ^= (uint8_t)(round ? 1 : 0);
            scratch_write(scratch_map, bytes, nbytes);
            assert_int_equal(repair(false, &report), ACT_OK);
            assert_true(report.damaged && report.checksummed && !report.root_is_former);
            assert_int_equal(report.root, roots[MERGES]);
            size_t lost = check_out(&entries, &report);
            assert_in_range(lost, 1, entries.count / 2);
            bytes[at] ^= 4;
            bytes[other] ^= (uint8_t)(round ? 1 : 0);
        }
    }
    free(bytes);
    entries_free(&entries);
}

/* By structure alone: a subtree whose node is malformed is lost, its siblings are kept if it is
 * known where they lie. By themselves they tell where the next one does, or a jump table does. */
static void test_structure(void **state)
{
    (void)state;
    enum {
        CHILDREN = 20,
        MASKED_NBYTES = 1 + 1 + 32 /* header, distance, mask */
    };
    static const char *const keys[] = {"a1", "a2", "b", "bx", "by", "c", "d1", "d2"};
    static const size_t keys_below[] = {2, 3, 1, 2}; /* and then 1 */
    static const size_t lengths[] = {4, 5, 2, 4};    /* and then 2 */
    for (int kind = 0; kind < 3; kind++) {
        bool indexed = kind > 0;
        bool with_table = kind == 2;
        struct entries entries = {0};
        act_repair_report report;
        size_t nbytes;
        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
            entries_add(&entries, keys[i], strlen(keys[i]), i);
        for (uint8_t byte = 'e'; byte - 'a' < CHILDREN; byte++)
            entries_add(&entries, &byte, 1, 7);
        uint8_t *bytes = build(&entries, indexed ? ACT_LAYOUT_INDEXED : ACT_LAYOUT_PLAIN, &nbytes);
        uint64_t root = word_at(bytes + 8);
        assert_int_equal(bytes[root], CHILDREN);
        uint64_t first = root - bytes[root + 1];
        if (indexed && !with_table)
            bytes[first - 1] = 0; /* bytes wide */
        /* The first child, a branch of two without a value: header, distance, two bytes. These no
         * longer ascend. */
        assert_int_equal(bytes[first], 2);
        uint8_t kept = bytes[first + 2];
        bytes[first + 2] = bytes[first + 3];
        scratch_write(scratch_map, bytes, nbytes);
        assert_int_equal(repair(true, &report), ACT_OK);
        assert_int_equal(check_out(&entries, &report), keys_below[0]);
        assert_int_equal(told.count, 1);
        assert_memory_equal(told.ranges[0].first, "a", 1);
        assert_memory_equal(told.ranges[0].end, "b", 1);
        assert_int_equal(told.ranges[0].rule, ACT_RULE_CHILD_BYTES);
        assert_int_equal(told.ranges[0].offset, first);
        bytes[first + 2] = kept;

        /* A header that counts nonsense, and so does not tell where the next sibling lies. */
        uint64_t child = first;
        for (unsigned i = 0; i < CHILDREN; i++) {
            kept = bytes[child];
            bytes[child] = 0x3f;
            scratch_write(scratch_map, bytes, nbytes);
            assert_int_equal(repair(true, &report), ACT_OK);
            size_t lost = 0;
            for (unsigned j = i; j < (with_table ? i + 1 : CHILDREN); j++)
                lost += j < 4 ? keys_below[j] : 1;
            assert_int_equal(check_out(&entries, &report), lost);
            /* It may not end before its parent either, nor before the end of a plain file. */
            bool fits = child + MASKED_NBYTES <= root;
            bool bounded = indexed || child + MASKED_NBYTES <= nbytes - 8;
            bool twice = !with_table && !fits && bounded && i + 1 < CHILDREN;
            const struct range *range = &told.ranges[0];
            const struct range *last = &told.ranges[twice ? 1 : 0];
            assert_int_equal(told.count, last - range + 1);
            assert_int_equal(range->first[0], 'a' + i);
            assert_int_equal(last->end[0], with_table ? 'b' + i : 'a' + CHILDREN);
            assert_int_equal(range->first_nbytes, 1);
            assert_int_equal(last->end_nbytes, 1);
            assert_int_equal(range->offset, child);
            assert_int_equal(last->offset, child);
            assert_int_equal(range->rule, bounded ? ACT_RULE_CHILD_COUNT : ACT_RULE_NODE_BOUNDS);
            assert_int_equal(last->rule, twice ? ACT_RULE_SIBLING_RUN : range->rule);
            bytes[child] = kept;
            child += i < 4 ? lengths[i] : 2;
        }
        assert_int_equal(child, root);
        free(bytes);
        entries_free(&entries);
    }
}

static void test_nothing_to_salvage(void **state)
{
    (void)state;
    struct entries entries = {0};
    act_repair_report report;
    size_t nbytes;
    some_entries(&entries, 500, 20);
    uint8_t *bytes = build(&entries, ACT_LAYOUT_INDEXED, &nbytes);
    scratch_write(scratch_map, bytes, nbytes / 2);
    assert_int_equal(repair(false, &report), ACT_ERR_CORRUPT);
    memset(bytes, 0, nbytes);
    scratch_write(scratch_map, bytes, nbytes);
    assert_int_equal(repair(false, &report), ACT_ERR_FORMAT);
    scratch_write(scratch_map, bytes, 0);
    assert_int_equal(repair(false, &report), ACT_ERR_TRUNCATED);
    scratch_write(scratch_map, "ACTree03", 8);
    assert_int_equal(repair(false, &report), ACT_ERR_TRUNCATED);
    assert_true(report.damaged);
    free(bytes);
    entries_free(&entries);
}

static void test_refused(void **state)
{
    (void)state;
    struct entries entries = {0};
    size_t nbytes;
    act_repair_options options = options_of(false);
    some_entries(&entries, 20, 21);
    uint8_t *bytes = build(&entries, ACT_LAYOUT_INDEXED, &nbytes);
    act_error error;
    assert_int_equal(act_repair(scratch_map, scratch_map, NULL, NULL, &error), ACT_ERR_INVALID);
    char *same = scratch_path(scratch_dir, "./map.act");
    assert_int_equal(act_repair(same, scratch_map, NULL, NULL, &error), ACT_ERR_INVALID);
    free(same);
    assert_int_equal(act_repair(NULL, out_path, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_repair(scratch_map, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_repair(out_path, scratch_map, NULL, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(act_repair(scratch_map, scratch_dir, NULL, NULL, NULL), ACT_ERR_NOT_REGULAR);
    size_t now;
    uint8_t *left = scratch_read(scratch_map, &now);
    assert_int_equal(now, nbytes);
    assert_memory_equal(left, bytes, nbytes);
    free(left);
    /* To be stopped, when a block is told of, and when keys are. */
    bytes[300] ^= 1;
    scratch_write(scratch_map, bytes, nbytes);
    told.answer = 1;
    assert_int_equal(act_repair(scratch_map, out_path, &options, NULL, NULL), ACT_STOPPED);
    assert_int_equal(told.blocks, 1);
    assert_int_equal(scratch_count(scratch_dir), 1);
    free(bytes);
    entries_free(&entries);
}

/* 64 levels of two equal branches: 2^64 keys in some hundred bytes. */
static void test_limits(void **state)
{
    (void)state;
    uint8_t bytes[16 + 2 + 64 * 8 + 8] = "ACTree03";
    size_t at = 16;
    bytes[at++] = 0x40; /* a leaf with the value 0, twice: two bytes each */
    bytes[at++] = 0;
    bytes[at++] = 0x40;
    bytes[at++] = 0;
    size_t child = 16;
    for (int level = 0; level < 63; level++) {
        size_t run = at;
        for (int i = 0; i < 2; i++) {
            bytes[at] = 2;
            bytes[at + 1] = (uint8_t)(at - child);
            bytes[at + 2] = 'a';
            bytes[at + 3] = 'b';
            at += 4;
        }
        child = run;
    }
    size_t root = at;
    bytes[at++] = 2;
    bytes[at] = (uint8_t)(root - child);
    bytes[at + 1] = 'a';
    bytes[at + 2] = 'b';
    at += 3;
    set_word(bytes + 8, root);
    scratch_write(scratch_map, bytes, at + 8);
    act_repair_options options = options_of(false);
    act_repair_report report;
    act_error error;
    options.steps_max = 100000;
    assert_int_equal(act_repair(scratch_map, out_path, &options, &report, &error), ACT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "100000 steps"));
    assert_false(report.damaged);
    assert_int_equal(scratch_count(scratch_dir), 1);
    /* Keys that are too long are lost, and told. */
    options = options_of(false);
    options.key_nbytes_max = 10;
    assert_int_equal(act_repair(scratch_map, out_path, &options, &report, &error), ACT_OK);
    assert_int_equal(report.keys, 0);
    assert_int_equal(report.lost_ranges, 1024);
}

/* Keys of lines, as long as they may be and a byte longer: alone, below a branch, and below a line.
 */
static void test_long_lines(void **state)
{
    (void)state;
    struct entries entries = {0};
    act_repair_report report;
    size_t nbytes;
    static const char *const keys[] = {"bbbbbbbbbb", "ccccccccccc", "dddddd1234", "dddddd56789"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        entries_add(&entries, keys[i], strlen(keys[i]), i);
    entries_sort(&entries);
    free(build(&entries, ACT_LAYOUT_PLAIN, &nbytes));
    for (size_t most = 1; most < 13; most++) {
        act_repair_options options = options_of(false);
        options.key_nbytes_max = most;
        remove(out_path);
        assert_int_equal(act_repair(scratch_map, out_path, &options, &report, NULL), ACT_OK);
        assert_false(report.damaged);
        size_t kept = most < 10 ? 0 : most < 11 ? 2 : 4;
        assert_int_equal(check_out(&entries, &report), 4 - kept);
        for (size_t i = 0; i < told.count; i++)
            assert_true(told.ranges[i].first_nbytes <= most);
    }
    entries_free(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flips, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_blocks_can_be_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_headers_that_are_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_roots_that_end_in_zeros, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copies_of_an_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_roots_out_of_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lowest_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trailers_of_no_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trailers_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_former_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_roots_that_were_moved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_segments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segments_without_footers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_structure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_to_salvage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
