/* What was merged into an indexed file is checked to the last bit. */
#include "verify/segments.h"

#include <stdlib.h>
#include <string.h>

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
    /* One that does not come to its own trailer is told as what it is. */
    assert_int_equal(check(after, nbytes_after - 1, &soundness), ACT_ERR_CORRUPT);
    free(before);
    free(after);
}

/* A root set back to a former one by hand, or to another of the newest segment's nodes. */
static void another_root(void **state)
{
    (void)state;
    size_t nbytes;
    act_soundness soundness;
    unsigned char *bytes = make_file(&nbytes);
    uint64_t root = act_load_le64(bytes + 8);
    for (uint64_t other = 256; other < nbytes; other++) {
        act_store_le64(bytes + 8, other);
        if (check(bytes, nbytes, &soundness) == ACT_OK &&
            (other != root && other != act_load_le64(bytes + nbytes - 8)))
            fail_msg("a root at %u is not missed", (unsigned)other);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(a_merge_without_its_root),
        cmocka_unit_test(another_root),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
