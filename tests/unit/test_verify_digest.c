/* The digest of a map: of its entries alone, framed so that no two maps have the same text. */
#include "verify/digest.h"

#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

static act_digest digest_of(const struct entries *entries, act_layout layout)
{
    act_map *map;
    act_digest digest;
    build_file(entries, scratch_map, layout, NULL);
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_digest(map, NULL, NULL, &digest, NULL), ACT_OK);
    act_map_close(map);
    return digest;
}

/* The definition, over the whole text at once. */
static act_digest expected_digest(const struct entries *entries)
{
    act_digest digest = {.entries = 0};
    size_t nbytes = 0;
    for (size_t i = 0; i < entries->count; i++)
        nbytes += 16 + entries->items[i].key_nbytes;
    uint8_t *text = malloc(nbytes + 1);
    assert_non_null(text);
    uint8_t *p = text;
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *e = &entries->items[i];
        if (!e->has_value)
            continue;
        act_store_le64(p, e->key_nbytes);
        memcpy(p + 8, e->key, e->key_nbytes);
        act_store_le64(p + 8 + e->key_nbytes, e->value);
        p += 16 + e->key_nbytes;
        digest.entries++;
    }
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(text, (size_t)(p - text)));
    memcpy(digest.bytes, canonical.digest, sizeof(digest.bytes));
    free(text);
    return digest;
}

static void expect_digests(struct entries *entries)
{
    entries_sort(entries);
    act_digest expected = expected_digest(entries);
    for (unsigned layout = 0; layout < 3; layout++) {
        act_digest digest = digest_of(entries, (act_layout)layout);
        assert_int_equal(digest.entries, expected.entries);
        assert_memory_equal(digest.bytes, expected.bytes, sizeof(digest.bytes));
    }
    entries_free(entries);
}

static void the_same_in_every_layout(void **state)
{
    (void)state;
    struct random r = random_of(1);
    struct entries none = {0};
    expect_digests(&none);
    for (size_t round = 0; round < 3; round++) {
        for (size_t shape = 0; shape < shapes_count(); shape++) {
            struct entries entries = {0};
            shapes_make(&r, shape, &entries);
            if (round)
                shapes_add_paths(&r, random_below(&r, 60), &entries);
            expect_digests(&entries);
        }
    }
}

/* Keys that fill the buffer, by a byte more or less, and more than one. */
static void keys_as_long_as_the_buffer(void **state)
{
    (void)state;
    struct random r = random_of(2);
    static uint8_t key[40000];
    random_fill(&r, key, sizeof(key));
    for (size_t nbytes = 16384 - 20; nbytes < 16384 + 4; nbytes++) {
        struct entries entries = {0};
        entries_add(&entries, key, nbytes, 1);
        entries_add(&entries, key, nbytes + 1, 2);
        entries_add(&entries, key, sizeof(key), 3);
        expect_digests(&entries);
    }
}

/* Whatever the buffer holds, nothing is written beyond it. */
static void the_buffer_does_not_run_over(void **state)
{
    (void)state;
    static const uint8_t key[ACT_DIGEST_BUFFER_NBYTES + 1];
    static const uint8_t untouched[64];
    static struct {
        struct act_digesting digesting;
        uint8_t more[sizeof(untouched)];
    } guarded;
    /* Not `more`: what lies between, so that both are aligned, is beyond as well. */
    const uint8_t *beyond = (const uint8_t *)&guarded + offsetof(struct act_digesting, buffer) +
                            ACT_DIGEST_BUFFER_NBYTES;
    for (size_t nbytes = sizeof(key) - 40; nbytes <= sizeof(key); nbytes++) {
        assert_true(act_digesting_start(&guarded.digesting, NULL, NULL));
        for (size_t before = 0; before < 40; before++) {
            assert_int_equal(act_digesting_add(&guarded.digesting, key, before, 1), 0);
            assert_int_equal(act_digesting_add(&guarded.digesting, key, nbytes, UINT64_MAX), 0);
            assert_memory_equal(beyond, untouched, sizeof(untouched));
        }
    }
}

static int keep_done(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    *(uint64_t *)context = done;
    return 0;
}

/* The clock is not looked at for each entry. */
static void the_clock_is_looked_at_now_and_then(void **state)
{
    (void)state;
    static struct act_digesting digesting;
    uint64_t told = UINT64_MAX;
    assert_true(act_digesting_start(&digesting, keep_done, &told));
    assert_int_equal(told, 0);
    for (uint64_t i = 1; i <= 20000; i++) {
        digesting.pace.called_ms = 0; /* the last call was long ago */
        assert_int_equal(act_digesting_add(&digesting, NULL, 0, i), 0);
        assert_int_equal(told, i / 8192 * 8192);
    }
}

static void each_part_of_an_entry_counts(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        uint64_t value;
    } maps[] = {{"a", "bc", 1}, {"ab", "c", 1}, {"a", "bc", 2}, {"a", "bd", 1}, {"a", "b", 1}};
    act_digest digests[5];
    for (size_t i = 0; i < 5; i++) {
        struct entries entries = {0};
        entries_add(&entries, maps[i].first, strlen(maps[i].first), maps[i].value);
        entries_add(&entries, maps[i].second, strlen(maps[i].second), maps[i].value);
        digests[i] = digest_of(&entries, ACT_LAYOUT_PLAIN);
        entries_free(&entries);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(digests[i].bytes, digests[j].bytes, ACT_DIGEST_NBYTES);
    }
}

static int stop(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    uint64_t *most = context;
    return done >= *most;
}

static void it_can_be_stopped_and_fails_as_a_scan_does(void **state)
{
    (void)state;
    struct random r = random_of(3);
    struct entries entries = {0};
    uint8_t key[200];
    random_fill(&r, key, sizeof(key));
    entries_add(&entries, key, sizeof(key), 1);
    build_file(&entries, scratch_map, ACT_LAYOUT_PLAIN, NULL);
    entries_free(&entries);
    const act_open_options options = {.key_nbytes_max = 100};
    act_map *map;
    act_digest digest;
    act_error error;
    uint64_t most = 0;
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    assert_int_equal(act_map_digest(map, stop, &most, &digest, NULL), ACT_STOPPED);
    most = UINT64_MAX;
    assert_int_equal(act_map_digest(map, stop, &most, &digest, &error), ACT_ERR_LIMIT);
    assert_int_equal(error.status, ACT_ERR_LIMIT);
    assert_int_equal(act_map_digest(NULL, NULL, NULL, &digest, NULL), ACT_ERR_INVALID);
    act_map_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_in_every_layout),
        cmocka_unit_test(keys_as_long_as_the_buffer),
        cmocka_unit_test(the_buffer_does_not_run_over),
        cmocka_unit_test(the_clock_is_looked_at_now_and_then),
        cmocka_unit_test(each_part_of_an_entry_counts),
        cmocka_unit_test(it_can_be_stopped_and_fails_as_a_scan_does),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
