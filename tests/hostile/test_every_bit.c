/*
 * Damage to whole files: single bits flipped, sectors of 512 bytes zeroed, doubled and swapped. Of
 * files with checksums, merged into or not, verify finds all of it; of the others, whatever breaks
 * a rule; and whoever reads without verifying comes to an end, without a crash.
 *
 * ACT_TEST_EVERY: one bit in so many is flipped, by default 32 (64 in slow builds); 1 is all.
 */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/figures.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

enum {
    SECTOR = 512,
    LOOKUPS = 12,
    VISITED_MAX = 4000
};

/* The file under test, in a block of exactly its size. */
static struct {
    uint8_t *bytes;
    size_t nbytes;
    bool checked; /* has checksums of every byte */
    struct entries entries;
    struct random r;
    uint64_t damages, found;
} file;

/* ------------------------------------------------------------------------------ what is damaged */

/* A little of everything: some 30 KB. */
static void make_entries(struct entries *entries)
{
    struct random r = random_of(228392);
    uint8_t key[300];
    for (unsigned i = 0; i < 900; i++) {
        size_t nbytes = (size_t)snprintf((char *)key, sizeof(key), "%s/%03u/%x",
                                         i % 2 ? "usr/share" : "usr/lib", i % 71, i * 2654435u);
        entries_add(entries, key, nbytes, shapes_value(&r));
        random_fill(&r, key, 8);
        if (i % 3 == 0)
            entries_add(entries, key, 1 + random_below(&r, 7), shapes_value(&r));
    }
    random_fill(&r, key, sizeof(key));
    for (size_t nbytes = 20; nbytes <= sizeof(key); nbytes += 40)
        entries_add(entries, key, nbytes, nbytes);
    entries_sort(entries);
}

/* Every 20th key gets another value, some are new, in two merges. */
static void merge_twice(struct entries *entries)
{
    for (unsigned round = 0; round < 2; round++) {
        act_merge *merge;
        struct entries changes = {0};
        for (size_t i = round; i < entries->count; i += 20)
            entries_add(&changes, entries->items[i].key, entries->items[i].key_nbytes, round);
        entries_add(&changes, round ? "one more" : "some more", 8, round);
        entries_sort(&changes);
        assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
        for (size_t i = 0; i < changes.count; i++) {
            const struct entry *e = &changes.items[i];
            assert_int_equal(act_merge_set(merge, e->key, e->key_nbytes, e->value, NULL), ACT_OK);
        }
        assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
        act_merge_close(merge);
        entries_append(entries, &changes);
        entries_sort(entries);
        entries_free(&changes);
    }
}

static void start(act_layout layout, bool merged)
{
    memset(&file, 0, sizeof(file));
    file.r = random_of(layout);
    file.checked = layout == ACT_LAYOUT_INDEXED;
    make_entries(&file.entries);
    build_file(&file.entries, scratch_map, layout, NULL);
    if (merged)
        merge_twice(&file.entries);
    size_t nbytes;
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    file.bytes = malloc(nbytes);
    assert_non_null(file.bytes);
    memcpy(file.bytes, bytes, nbytes);
    file.nbytes = nbytes;
    free(bytes);
    assert_true(nbytes > 15000 && nbytes < 70000);
}

static void finish(void)
{
    free(file.bytes);
    entries_free(&file.entries);
}

/* ------------------------------------------------------------------------------- what must hold */

static void expect_answer(act_status status)
{
    if (status != ACT_OK && status != ACT_NOT_FOUND && status != ACT_END && status != ACT_STOPPED &&
        status != ACT_ERR_CORRUPT && status != ACT_ERR_LIMIT)
        fail_msg("an unverified read answers %s", act_strerror(status));
}

static int count_visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    size_t *visited = context;
    /* The key is there to be read, whatever it is. */
    static volatile uint8_t sink;
    if (key_nbytes)
        sink = (uint8_t)(key[0] ^ key[key_nbytes - 1] ^ value);
    (void)sink;
    return ++*visited >= VISITED_MAX;
}

/* Everything that reads, without having verified. */
static void read_all_ways(const act_map *map)
{
    for (unsigned reverse = 0; reverse < 2; reverse++) {
        size_t visited = 0;
        act_range range = {.reverse = reverse};
        expect_answer(act_map_scan(map, &range, count_visit, &visited, NULL));
    }
    for (unsigned i = 0; i < LOOKUPS; i++) {
        uint8_t key[600];
        size_t nbytes = shapes_near_key(&file.r, &file.entries, key, sizeof(key));
        uint64_t value;
        expect_answer(act_map_get(map, key, nbytes, &value, NULL));
        expect_answer(act_map_longest_prefix(map, key, nbytes, &nbytes, &value, NULL));
    }
    act_iter *iter;
    const uint8_t *key;
    size_t nbytes;
    uint64_t value;
    const struct entry *from = &file.entries.items[random_below(&file.r, file.entries.count)];
    assert_int_equal(act_iter_open(map, NULL, &iter, NULL), ACT_OK);
    expect_answer(act_iter_seek(iter, from->key, from->key_nbytes, NULL));
    for (unsigned i = 0; i < 8; i++)
        expect_answer(i < 5 ? act_iter_next(iter, &key, &nbytes, &value, NULL)
                            : act_iter_prev(iter, &key, &nbytes, &value, NULL));
    act_iter_close(iter);
    act_cursor *cursor;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, NULL);
    expect_answer(status);
    if (status != ACT_OK)
        return;
    expect_answer(act_cursor_descend_to_check(cursor, from->key, from->key_nbytes, NULL));
    for (unsigned i = 0; i < 8; i++)
        expect_answer(act_cursor_to_next_val(cursor, NULL));
    act_cursor_close(cursor);
}

/* What a verify of the damaged bytes says, and what reading them does. */
static void look(const char *what, uint64_t number)
{
    act_map *map;
    act_error error = {0};
    act_verify_report report;
    act_open_options options = {.steps_max = 1 << 16};
    file.damages++;
    act_status status = act_map_open_memory(file.bytes, file.nbytes, &options, &map, &error);
    if (status != ACT_OK) {
        file.found++;
        assert_true(status == ACT_ERR_CORRUPT || status == ACT_ERR_FORMAT);
        return;
    }
    status = act_map_verify(map, NULL, NULL, &report, &error);
    file.found += status == ACT_ERR_CORRUPT;
    if (status != ACT_OK && status != ACT_ERR_CORRUPT)
        fail_msg("%s %llu: verify answers %s", what, (unsigned long long)number, error.text);
    if (file.checked && status != ACT_ERR_CORRUPT)
        fail_msg("%s %llu: not found", what, (unsigned long long)number);
    read_all_ways(map);
    act_map_close(map);
}

/* ---------------------------------------------------------------------------------- the damages */

static void flip_bits(void)
{
    uint64_t every = figures_wanted("ACT_TEST_EVERY", CHECK_SLOW_BUILD ? 64 : 32);
    for (size_t bit = random_below(&file.r, every); bit < 8 * file.nbytes; bit += every) {
        file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        look("flipped bit", bit);
        file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* A sector with other contents; nothing is done where they are the same. */
static void damage_sector(size_t at, const uint8_t *bytes, size_t nbytes, const char *what)
{
    uint8_t was[SECTOR];
    if (memcmp(file.bytes + at, bytes, nbytes) == 0)
        return;
    memcpy(was, file.bytes + at, nbytes);
    memcpy(file.bytes + at, bytes, nbytes);
    look(what, at / SECTOR);
    memcpy(file.bytes + at, was, nbytes);
}

static void damage_sectors(void)
{
    static const uint8_t zeros[SECTOR];
    size_t sectors = file.nbytes / SECTOR;
    for (size_t i = 0; i * SECTOR < file.nbytes; i++) {
        size_t left = file.nbytes - i * SECTOR;
        damage_sector(i * SECTOR, zeros, left < SECTOR ? left : SECTOR, "zeros in sector");
    }
    for (size_t i = 0; i < sectors; i++) {
        uint8_t one[SECTOR], other[SECTOR];
        size_t k = (i + 1 + random_below(&file.r, sectors - 1)) % sectors;
        memcpy(one, file.bytes + i * SECTOR, SECTOR);
        memcpy(other, file.bytes + k * SECTOR, SECTOR);
        damage_sector(i * SECTOR, other, SECTOR, "another sector's bytes in sector");
        /* Both. */
        memcpy(file.bytes + k * SECTOR, one, SECTOR);
        damage_sector(i * SECTOR, other, SECTOR, "swapped sector");
        memcpy(file.bytes + k * SECTOR, other, SECTOR);
    }
}

static void damage(act_layout layout, bool merged, const char *bits, const char *bits_found,
                   const char *sectors, const char *sectors_found)
{
    start(layout, merged);
    flip_bits();
    figures_add(bits, file.damages);
    figures_add(bits_found, file.found);
    file.damages = file.found = 0;
    damage_sectors();
    figures_add(sectors, file.damages);
    figures_add(sectors_found, file.found);
    /* After all that it is whole again. */
    act_map *map;
    assert_int_equal(act_map_open_memory(file.bytes, file.nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
    act_map_close(map);
    finish();
}

static void of_an_indexed_file(void **state)
{
    (void)state;
    damage(ACT_LAYOUT_INDEXED, false, "flips", "flips_found", "sectors", "sectors_found");
}

static void of_an_indexed_file_that_was_merged_into(void **state)
{
    (void)state;
    damage(ACT_LAYOUT_INDEXED, true, "merged_flips", "merged_flips_found", "merged_sectors",
           "merged_sectors_found");
}

static void of_files_without_checksums(void **state)
{
    (void)state;
    damage(ACT_LAYOUT_PLAIN, false, "plain_flips", "plain_flips_found", "plain_sectors",
           "plain_sectors_found");
    damage(ACT_LAYOUT_COMPACT, false, "plain_flips", "plain_flips_found", "plain_sectors",
           "plain_sectors_found");
}

static int print_figures(void **state)
{
    figures_print();
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_an_indexed_file),
        cmocka_unit_test(of_an_indexed_file_that_was_merged_into),
        cmocka_unit_test(of_files_without_checksums),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, print_figures);
}
