/* What was merged into an indexed file is checked to the last bit. */
#include "verify/segments.h"

#include <stdlib.h>
#include <string.h>

#include "format/index.h"
#include "format/segment.h"
#include "format/tail.h"
#include "support/build.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

static void merge_some(uint64_t seed, unsigned count)
{
    struct random r = random_of(seed);
    struct entries some = {0};
    act_merge *merge;
    for (unsigned i = 0; i < count; i++) {
        uint8_t key[6];
        random_fill(&r, key, sizeof(key));
        key[0] = 'k';
        key[1] &= 7;
        entries_add(&some, key, 1 + random_below(&r, 6), i);
    }
    entries_sort(&some);
    assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
    for (size_t i = 0; i < some.count; i++)
        assert_int_equal(act_merge_set(merge, some.items[i].key, some.items[i].key_nbytes,
                                       some.items[i].value + seed, NULL),
                         ACT_OK);
    assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
    act_merge_close(merge);
    entries_free(&some);
}

static unsigned char *make_file(size_t *nbytes_ret)
{
    struct entries entries = {0};
    for (unsigned i = 0; i < 40; i++)
        entries_add(&entries, (uint8_t[]){'k', (uint8_t)(i * 7 % 256), 'x'}, 3, i);
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    for (uint64_t seed = 1; seed < 4; seed++)
        merge_some(seed, 5);
    return scratch_read(scratch_map, nbytes_ret);
}

static int pass(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)context;
    (void)key;
    (void)key_nbytes;
    (void)value;
    return 0;
}

/* What is said by a map that compares what it reads with checksums, when all is read. */
static act_status read_checked(const unsigned char *bytes, size_t nbytes)
{
    static const act_open_options touch = {.checksums = ACT_CHECKSUMS_TOUCH};
    act_map *map;
    act_status status = act_map_open_memory(bytes, nbytes, &touch, &map, NULL);
    if (status == ACT_OK)
        status = act_map_scan(map, NULL, pass, NULL, NULL);
    act_map_close(map);
    return status;
}

/* ACT_OK and checksummed, or what is wrong; opening included. */
static act_status check(const unsigned char *bytes, size_t nbytes, act_soundness *soundness_ret)
{
    act_map *map;
    act_verify_report report = {.soundness = 0};
    act_status status = act_map_open_memory(bytes, nbytes, NULL, &map, NULL);
    if (status == ACT_OK)
        status = act_map_verify(map, NULL, NULL, &report, NULL);
    act_map_close(map);
    *soundness_ret = report.soundness;
    /* What a reader compares is part of that. */
    act_status read = read_checked(bytes, nbytes);
    if (status == ACT_OK)
        assert_int_equal(read, ACT_OK);
    return status;
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    size_t nbytes;
    act_soundness soundness;
    unsigned char *bytes = make_file(&nbytes);
    assert_int_equal(check(bytes, nbytes, &soundness), ACT_OK);
    assert_int_equal(soundness, ACT_SOUND_CHECKSUMMED);
    for (size_t bit = 0; bit < 8 * nbytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (check(bytes, nbytes, &soundness) == ACT_OK)
            fail_msg("bit %zu of byte %zu of %zu is not missed", bit % 8, bit / 8, nbytes);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    free(bytes);
}

/* A merge that did not come to setting the root is no damage; but nothing vouches for its bytes. */
static void a_merge_without_its_root(void **state)
{
    (void)state;
    size_t nbytes, nbytes_after;
    act_soundness soundness;
    unsigned char *before = make_file(&nbytes);
    merge_some(9, 5);
    unsigned char *after = scratch_read(scratch_map, &nbytes_after);
    memcpy(after + 8, before + 8, 8);
    assert_int_equal(check(after, nbytes_after, &soundness), ACT_OK);
    assert_int_equal(soundness, ACT_SOUND_UNCHECKED);
    /* Nor is one whose root is none: with a mask, it would run over its trailer. */
    uint64_t root = nbytes_after;
    struct act_segment segment;
    while (!act_segment_read(after, root, &segment))
        root--;
    assert_true(root > nbytes);
    unsigned char kept = after[root];
    after[root] = ACT_BRANCH_MASK;
    assert_int_equal(check(after, nbytes_after, &soundness), ACT_OK);
    assert_int_equal(soundness, ACT_SOUND_UNCHECKED);
    after[root] = kept;
    /* One that does not come to its own trailer is told as what it is. */
    assert_int_equal(check(after, nbytes_after - 1, &soundness), ACT_ERR_CORRUPT);
    free(before);
    free(after);
}

/* A root that is a branch: other bits of it make it longer than there is room for. */
static void every_flipped_bit_of_a_branch_as_root(void **state)
{
    (void)state;
    struct entries entries = {0};
    size_t nbytes;
    act_soundness soundness;
    act_merge *merge;
    entries_add(&entries, "a", 1, 1);
    entries_add(&entries, "b", 1, 2);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    assert_int_equal(act_merge_open(scratch_map, NULL, &merge, NULL), ACT_OK);
    assert_int_equal(act_merge_set(merge, "c", 1, 3, NULL), ACT_OK);
    assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
    act_merge_close(merge);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    uint64_t root = act_load_le64(bytes + 8);
    assert_int_equal(bytes[root], 3);
    for (uint64_t bit = 8 * root; bit < 8 * nbytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(check(bytes, nbytes, &soundness), ACT_ERR_CORRUPT);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_int_equal(check(bytes, nbytes, &soundness), ACT_OK);
    free(bytes);
}

/* ------------------------------------------------------------------------- segments that lie */

/* What make_file() has made, taken apart. */
struct chain {
    unsigned char *bytes;
    size_t nbytes;
    struct act_index index;
    uint64_t roots[4]; /* newest first; the last is the index's */
    uint64_t ends[4];
};

static void take_apart(struct chain *chain)
{
    struct act_tail tail;
    chain->bytes = make_file(&chain->nbytes);
    assert_int_equal(act_index_read(chain->bytes, chain->nbytes, &chain->index), ACT_INDEX_VALID);
    uint64_t root = act_load_le64(chain->bytes + 8);
    assert_true(act_tail_find(chain->bytes, chain->nbytes, root, &chain->index, &tail));
    for (size_t i = 0; i < 4; i++) {
        chain->roots[i] = root;
        chain->ends[i] = tail.end;
        if (i < 3)
            assert_true(act_tail_previous(chain->bytes, &chain->index, &root, &tail));
    }
    assert_int_equal(root, chain->index.root);
}

/* Writes a footer anew, with the checksum of what is there now. */
static void seal(struct chain *chain, size_t which, const struct act_segment *segment)
{
    struct act_segment sealed = *segment;
    uint64_t footer = sealed.root - ACT_SEGMENT_NBYTES;
    sealed.sum = 0;
    for (uint64_t at = sealed.begin; at < footer; at += ACT_SUMS_BLOCK_NBYTES) {
        uint64_t left = footer - at;
        sealed.sum = act_segment_sum(
            chain->bytes + at,
            (size_t)(left < ACT_SUMS_BLOCK_NBYTES ? left : ACT_SUMS_BLOCK_NBYTES), sealed.sum);
    }
    sealed.sum = act_segment_sum(chain->bytes + sealed.root,
                                 (size_t)(chain->ends[which] - sealed.root), sealed.sum);
    act_segment_write(chain->bytes + footer, &sealed);
}

/* How many nodes were looked at before. */
static uint64_t expect_rule(const struct chain *chain, act_rule rule)
{
    act_map *map;
    act_verify_report report;
    assert_int_equal(act_map_open_memory(chain->bytes, chain->nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_verify(map, NULL, NULL, &report, NULL), ACT_ERR_CORRUPT);
    assert_int_equal(report.broken_rule, rule);
    act_map_close(map);
    assert_int_equal(read_checked(chain->bytes, chain->nbytes), ACT_ERR_CORRUPT);
    return report.nodes;
}

/* Footers whose own checksums are right, and which do not fit each other. */
static void footers_that_do_not_fit(void **state)
{
    (void)state;
    struct chain chain;
    struct act_segment segment;
    act_soundness soundness;

    /* Written again as it was: all is well. */
    take_apart(&chain);
    assert_true(act_segment_read(chain.bytes, chain.roots[1], &segment));
    seal(&chain, 1, &segment);
    assert_int_equal(check(chain.bytes, chain.nbytes, &soundness), ACT_OK);
    assert_int_equal(soundness, ACT_SOUND_CHECKSUMMED);

    /* The one before the last says that segments begin elsewhere. */
    segment.jump_begin--;
    seal(&chain, 1, &segment);
    expect_rule(&chain, ACT_RULE_INDEX_HEADER);

    /* Or begins itself within the one before it. */
    segment.jump_begin++;
    segment.begin -= 2;
    seal(&chain, 1, &segment);
    expect_rule(&chain, ACT_RULE_TAIL);
    free(chain.bytes);

    /* The newest trailer leaves out the one before: then that root has none. */
    take_apart(&chain);
    assert_true(act_segment_read(chain.bytes, chain.roots[0], &segment));
    act_store_le64(chain.bytes + chain.nbytes - ACT_TRAILER_NBYTES, 0);
    seal(&chain, 0, &segment);
    expect_rule(&chain, ACT_RULE_TAIL);
    /* And if the segment begins where it would end then: it still has none. */
    uint64_t cut = chain.ends[1] - ACT_TRAILER_NBYTES + ACT_TAIL_NBYTES;
    segment.begin = cut;
    seal(&chain, 0, &segment);
    expect_rule(&chain, ACT_RULE_INDEX_HEADER);
    free(chain.bytes);

    /* The newest one says that segments begin elsewhere. */
    take_apart(&chain);
    assert_true(act_segment_read(chain.bytes, chain.roots[0], &segment));
    segment.jump_begin--;
    seal(&chain, 0, &segment);
    assert_int_equal(read_checked(chain.bytes, chain.nbytes), ACT_ERR_CORRUPT);
    free(chain.bytes);

    /* It leads to a trailer that is none: then no way leads to the roots before, either. */
    take_apart(&chain);
    act_store_le64(chain.bytes + chain.ends[1] - 8, 3);
    expect_rule(&chain, ACT_RULE_TAIL);
    const act_open_options former = {.root = chain.index.root};
    act_map *map;
    assert_int_equal(act_map_open_memory(chain.bytes, chain.nbytes, &former, &map, NULL),
                     ACT_ERR_CORRUPT);
    assert_null(map);
    free(chain.bytes);
}

/* The header of the index is gone, and its copy lies before what was merged. */
static void segments_without_an_index(void **state)
{
    (void)state;
    struct chain chain;
    take_apart(&chain);
    memset(chain.bytes + ACT_INDEX_OFF, 0, ACT_INDEX_NBYTES);
    assert_int_equal(read_checked(chain.bytes, chain.nbytes), ACT_ERR_CORRUPT);
    free(chain.bytes);
}

/* The root's own trailer is damaged, and the file's last bytes look like one that is not. */
static void a_file_without_any_end(void **state)
{
    (void)state;
    struct chain chain;
    take_apart(&chain);
    unsigned char *longer = calloc(1, chain.nbytes + 17);
    assert_non_null(longer);
    memcpy(longer, chain.bytes, chain.nbytes);
    free(chain.bytes);
    chain.bytes = longer;
    act_store_le64(longer + chain.nbytes - 8, 3);
    longer[chain.nbytes] = 0x3f; /* "the former root", which runs on over the end */
    act_store_le64(longer + chain.nbytes + 9, chain.nbytes);
    chain.nbytes += 17;
    assert_int_equal(expect_rule(&chain, ACT_RULE_INDEX_HEADER), 0);
    free(chain.bytes);
}

/* Bytes that change after they were looked at: a file of which no end is found is not whole. */
static void an_end_that_goes_meanwhile(void **state)
{
    (void)state;
    struct chain chain;
    struct act_sweep sweep;
    act_map *map;
    for (int gone = 0; gone < 2; gone++) {
        bool whole = gone;
        take_apart(&chain);
        assert_int_equal(act_map_open_memory(chain.bytes, chain.nbytes, NULL, &map, NULL), ACT_OK);
        assert_int_equal(act_sweep_open(&sweep, map, 0, NULL, NULL, NULL), ACT_OK);
        if (gone)
            act_store_le64(chain.bytes + chain.nbytes - 8, UINT64_MAX);
        assert_int_equal(act_segments_check_sums(&sweep, true, &whole, NULL),
                         gone ? ACT_ERR_CORRUPT : ACT_OK);
        assert_int_equal(whole, !gone);
        act_sweep_close(&sweep);
        act_map_close(map);
        free(chain.bytes);
    }
}

/* A root set back to a former one by hand, or to another of the newest segment's nodes. */
static void another_root(void **state)
{
    (void)state;
    size_t nbytes;
    unsigned char *bytes = make_file(&nbytes);
    uint64_t root = act_load_le64(bytes + 8);
    for (uint64_t other = 16; other < nbytes; other++) {
        act_map *map;
        act_verify_report report;
        act_store_le64(bytes + 8, other);
        if (act_map_open_memory(bytes, nbytes, NULL, &map, NULL) != ACT_OK)
            continue;
        act_status status = act_map_verify(map, NULL, NULL, &report, NULL);
        act_map_close(map);
        if (other == root || other == act_load_le64(bytes + nbytes - 8)) {
            assert_int_equal(status, ACT_OK);
            continue;
        }
        if (status == ACT_OK)
            fail_msg("a root at %u is not missed", (unsigned)other);
        /* Before any node is looked at. */
        assert_int_equal(report.nodes, 0);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(every_flipped_bit_of_a_branch_as_root),
        cmocka_unit_test(footers_that_do_not_fit),
        cmocka_unit_test(segments_without_an_index),
        cmocka_unit_test(a_file_without_any_end),
        cmocka_unit_test(a_merge_without_its_root),
        cmocka_unit_test(an_end_that_goes_meanwhile),
        cmocka_unit_test(another_root),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
