/* Sorting records, and chunks of them: none, one, and a callback that wants no more. Batches of
 * what is merged from them ahead. */
#include "build/sort.h"

#include <stdlib.h>
#include <string.h>

#include "build/ahead.h"
#include "build/chunk.h"
#include "build/spill.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    MANY = 40000 /* so that the clock is looked at while they are sorted */
};

static void none_and_one(void **state)
{
    (void)state;
    uint8_t store[2 + ACT_SORT_SLACK_NBYTES] = {1, 'x'};
    struct act_sort_record records[1] = {{7, 0}};
    assert_true(act_sort(records, 0, NULL, store, NULL));
    assert_int_equal(records[0].cache, 7); /* not even looked at */
    assert_true(act_sort(records, 1, NULL, store, NULL));
    assert_int_equal(records[0].entry, 0);
}

/* With room or without: the same order, whatever the keys have in common. */
static void by_digits_and_by_comparing(void **state)
{
    (void)state;
    enum {
        COUNT = 20000,
        KEY_NBYTES_MAX = 60
    };
    static const unsigned alphabets[] = {256, 2, 10, 1};
    static uint8_t store[COUNT * (KEY_NBYTES_MAX + 1) + ACT_SORT_SLACK_NBYTES];
    static struct act_sort_record with[COUNT], without[COUNT], room[COUNT];
    struct act_pace pace = {.progress = NULL};
    struct random r = random_of(7);
    for (unsigned round = 0; round < 32; round++) {
        size_t used = 0;
        size_t count = round % 4 ? COUNT : 200 + round * 10;
        for (size_t i = 0; i < count; i++) {
            /* Most of them go on alike for a while. */
            size_t alike = random_one_in(&r, 3) ? 0 : round % 8 * 5;
            size_t nbytes = alike + random_below(&r, KEY_NBYTES_MAX - 35);
            with[i] = (struct act_sort_record){0, used};
            store[used++] = (uint8_t)nbytes;
            memset(store + used, 'a', alike);
            for (size_t j = alike; j < nbytes; j++)
                store[used + j] = (uint8_t)random_below(&r, alphabets[round / 8]);
            used += nbytes;
        }
        memcpy(without, with, sizeof(with));
        assert_true(act_sort(with, count, room, store, &pace));
        assert_true(act_sort(without, count, NULL, store, &pace));
        for (size_t i = 0; i < count; i++)
            assert_int_equal(with[i].entry, without[i].entry);
    }
}

/* More records than there is a place for, if each group of equal caches would wait. */
static void more_groups_than_can_wait(void **state)
{
    (void)state;
    enum {
        COUNT = 200000,
        KEY_NBYTES = 12
    };
    uint8_t *store = calloc(COUNT * (KEY_NBYTES + 1) + ACT_SORT_SLACK_NBYTES, 1);
    struct act_sort_record *records = calloc(COUNT, sizeof(*records));
    struct act_sort_record *room = calloc(COUNT, sizeof(*room));
    assert_non_null(store);
    assert_non_null(records);
    assert_non_null(room);
    struct random r = random_of(8);
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t *entry = store + i * (KEY_NBYTES + 1);
        entry[0] = KEY_NBYTES;
        random_fill(&r, entry + 1, KEY_NBYTES);
        entry[1] = (uint8_t)random_below(&r, 3);
        entry[2] = (uint8_t)random_below(&r, 210); /* what follows is the same in a group: */
        memset(entry + 3, 'x', 5);
        records[i].entry = i * (KEY_NBYTES + 1);
    }
    struct act_pace pace = {.progress = NULL};
    assert_true(act_sort(records, COUNT, room, store, &pace));
    for (size_t i = 1; i < COUNT; i++) {
        const uint8_t *before = store + records[i - 1].entry;
        const uint8_t *entry = store + records[i].entry;
        int order = memcmp(before + 1, entry + 1, KEY_NBYTES);
        assert_true(order < 0 || (order == 0 && before < entry));
    }
    free(store);
    free(records);
    free(room);
}

static int stop(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    ++*(unsigned *)context;
    return 1;
}

/* Nothing is written of a chunk whose sorting was stopped; asked again, all of it is. */
static void a_chunk_is_stopped_before_it_is_written(void **state)
{
    (void)state;
    struct random r = random_of(1);
    struct act_chunk chunk = {.block = NULL};
    struct act_spill spill = {.folder = scratch_dir, .memory_nbytes = 1 << 20};
    unsigned calls = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        uint8_t key[8];
        random_fill(&r, key, sizeof(key));
        assert_int_equal(act_chunk_add(&chunk, SIZE_MAX / 4, (struct act_key){key, sizeof(key)}, i),
                         ACT_CHUNK_ADDED);
    }
    /* The last call seems to be long ago. */
    struct act_pace pace = {.progress = stop, .context = &calls, .total = MANY};
    assert_int_equal(act_spill_write(&spill, &chunk, &pace, NULL), ACT_STOPPED);
    assert_int_equal(calls, 1);
    assert_int_equal(spill.run_count, 0);
    assert_null(spill.temp);
    struct act_pace goes_on = {.progress = NULL};
    assert_int_equal(act_spill_write(&spill, &chunk, &goes_on, NULL), ACT_OK);
    assert_int_equal(spill.run_count, 1);
    assert_int_equal(chunk.next, MANY);
    act_spill_close(&spill);
    act_chunk_close(&chunk);
}

/* An entry that no chunk of the allowed size holds makes a larger one, as large as it is. */
static void an_entry_larger_than_a_chunk(void **state)
{
    (void)state;
    enum {
        LARGE = 3 << 20
    };
    struct act_chunk chunk = {.block = NULL};
    struct act_joined joined;
    uint8_t *key = calloc(1, LARGE);
    assert_non_null(key);
    struct act_key large = {key, LARGE};
    assert_int_equal(act_chunk_add(&chunk, 1 << 20, large, 5), ACT_CHUNK_ADDED);
    assert_in_range(chunk.capacity, LARGE, LARGE + 4096);
    assert_int_equal(act_chunk_add(&chunk, 1 << 20, large, 5), ACT_CHUNK_FULL);
    assert_true(act_chunk_next(&chunk, ACT_DUPLICATES_ERROR, &joined));
    assert_int_equal(joined.key.nbytes, LARGE);
    assert_int_equal(joined.value, 5);
    assert_false(act_chunk_next(&chunk, ACT_DUPLICATES_ERROR, &joined));
    act_chunk_close(&chunk);
    /* Where there is more room, it is asked for at once. */
    assert_int_equal(act_chunk_add(&chunk, 8 << 20, large, 6), ACT_CHUNK_ADDED);
    assert_in_range(chunk.capacity, (8 << 20) - 64, 8 << 20);
    act_chunk_close(&chunk);
    free(key);
}

/* By half at a time, so that few bytes are moved; once it is no longer small, to all that is
 * allowed if that is not out of all proportion. */
static void a_chunk_grows_by_half_and_then_to_the_whole(void **state)
{
    (void)state;
    enum {
        FIRST = 4096,
        SMALL = 1 << 20,
        RECORD = sizeof(struct act_sort_record)
    };
    static const size_t limits[] = {3 << 20, SIZE_MAX / 2};
    static const uint8_t key[8] = "the key";
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        struct act_chunk chunk = {.block = NULL};
        size_t before = 0;
        while (chunk.capacity <= 2 * SMALL) {
            assert_int_equal(
                act_chunk_add(&chunk, limits[i], (struct act_key){key, sizeof(key)}, 1),
                ACT_CHUNK_ADDED);
            if (chunk.capacity == before)
                continue;
            size_t half = before ? before + before / 2 : FIRST;
            bool whole = before > SMALL && i == 0;
            assert_int_equal(chunk.capacity, (whole ? limits[i] : half) / RECORD * RECORD);
            before = chunk.capacity;
        }
        act_chunk_close(&chunk);
    }
}

/* Keys that come in order, some of them twice, are not compared again; one that is lower shows that
 * they do not. */
static void keys_that_come_in_order(void **state)
{
    (void)state;
    static const char keys[] = "aabcc~b";
    struct act_chunk chunk = {.block = NULL};
    for (size_t i = 0; keys[i]; i++) {
        struct act_key key = {(const uint8_t *)&keys[i], 1};
        assert_int_equal(act_chunk_add(&chunk, 1 << 20, key, i), ACT_CHUNK_ADDED);
        assert_int_equal(chunk.out_of_order, i == sizeof(keys) - 2);
    }
    act_chunk_close(&chunk);
}

/* A run without entries, between others. */
static void an_empty_run(void **state)
{
    (void)state;
    struct act_spill spill = {.folder = scratch_dir, .memory_nbytes = 1 << 20, .key_nbytes_max = 1};
    struct act_pace pace = {.progress = NULL};
    struct act_runs_merge merge;
    struct act_joined joined;
    for (uint8_t i = 0; i < 5; i++) {
        struct act_chunk chunk = {.block = NULL};
        uint8_t key = (uint8_t)('e' - i);
        if (i % 2 == 0)
            assert_int_equal(act_chunk_add(&chunk, 1 << 20, (struct act_key){&key, 1}, i),
                             ACT_CHUNK_ADDED);
        assert_int_equal(act_spill_write(&spill, &chunk, &pace, NULL), ACT_OK);
        act_chunk_close(&chunk);
    }
    assert_int_equal(spill.run_count, 5);
    assert_int_equal(act_spill_merge(&spill, &merge, NULL), ACT_OK);
    for (int i = 4; i >= 0; i -= 2) {
        assert_int_equal(act_runs_merge_next(&merge, ACT_DUPLICATES_ERROR, &joined, NULL), ACT_OK);
        assert_int_equal(joined.key.bytes[0], 'e' - i);
        assert_int_equal(joined.value, i);
    }
    assert_int_equal(act_runs_merge_next(&merge, ACT_DUPLICATES_ERROR, &joined, NULL), ACT_END);
    act_runs_merge_close(&merge);
    act_spill_close(&spill);
}

/* A merge of one run, and what it lies in. */
struct source {
    struct act_spill spill;
    struct act_chunk chunk;
    struct act_runs_merge merge;
};

static void source_open(struct source *source)
{
    struct act_pace pace = {.progress = NULL};
    source->spill = (struct act_spill){.folder = scratch_dir, .memory_nbytes = 1 << 20};
    assert_int_equal(act_spill_write(&source->spill, &source->chunk, &pace, NULL), ACT_OK);
    act_chunk_close(&source->chunk);
    assert_int_equal(act_spill_merge(&source->spill, &source->merge, NULL), ACT_OK);
}

static void source_add(struct source *source, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    assert_int_equal(
        act_chunk_add(&source->chunk, 1 << 20, (struct act_key){key, key_nbytes}, value),
        ACT_CHUNK_ADDED);
}

static void source_close(struct source *source)
{
    act_runs_merge_close(&source->merge);
    act_spill_close(&source->spill);
}

/* A key and a value that take more than a batch does, with lengths that take all they can. */
static void an_entry_larger_than_a_batch_fits(void **state)
{
    (void)state;
    static const uint8_t key[70000];
    static const size_t lengths[] = {0, 1, 247, 248, 1000, 65535, 65536, sizeof(key)};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        static struct source source; /* of a thread too, be this test at its end or not */
        static struct act_ahead ahead;
        struct act_joined joined;
        act_error error;
        source_add(&source, key, lengths[i], UINT64_MAX);
        source_open(&source);
        act_ahead_open(&ahead, &source.merge, ACT_DUPLICATES_ERROR, 64);
        assert_int_equal(act_ahead_next(&ahead, &joined, &error), ACT_OK);
        assert_int_equal(joined.key.nbytes, lengths[i]);
        assert_memory_equal(joined.key.bytes, key, lengths[i]);
        assert_int_equal(joined.value, UINT64_MAX);
        assert_in_range(ahead.batches[ahead.taken].used, 1, ahead.batches[ahead.taken].capacity);
        assert_int_equal(act_ahead_next(&ahead, &joined, &error), ACT_END);
        act_ahead_close(&ahead);
        source_close(&source);
    }
}

/* Batches are seven eighths full at least, and do not grow for entries of an eighth. */
static void batches_are_filled(void **state)
{
    (void)state;
    enum {
        COUNT = 100,
        BATCH_NBYTES = 1024,
        EIGHTH = BATCH_NBYTES / 8
    };
    for (size_t nbytes = 1; nbytes <= EIGHTH - 2 * ACT_VARINT_NBYTES_MAX + 1; nbytes++) {
        static struct source source; /* of a thread too, be this test at its end or not */
        static struct act_ahead ahead;
        struct act_joined joined;
        act_error error;
        uint8_t key[EIGHTH] = {0};
        for (unsigned i = 0; i < COUNT; i++) {
            key[0] = (uint8_t)i;
            source_add(&source, key, nbytes, i);
        }
        source_open(&source);
        act_ahead_open(&ahead, &source.merge, ACT_DUPLICATES_ERROR, BATCH_NBYTES);
        key[0] = 0;
        for (unsigned i = 0; i < COUNT; i++) {
            assert_int_equal(act_ahead_next(&ahead, &joined, &error), ACT_OK);
            assert_int_equal(joined.key.nbytes, nbytes);
            assert_int_equal(joined.key.bytes[0], i);
            assert_memory_equal(joined.key.bytes + 1, key + 1, nbytes - 1);
            assert_int_equal(joined.value, i);
            assert_false(joined.clash);
            const struct act_ahead_batch *batch = &ahead.batches[ahead.taken];
            assert_int_equal(batch->capacity, BATCH_NBYTES);
            if (batch->status == ACT_OK)
                assert_in_range(batch->used, BATCH_NBYTES - EIGHTH, BATCH_NBYTES);
        }
        assert_int_equal(act_ahead_next(&ahead, &joined, &error), ACT_END);
        assert_int_equal(act_ahead_next(&ahead, &joined, &error), ACT_END);
        act_ahead_close(&ahead);
        source_close(&source);
    }
}

/* Equal keys of two runs, found by the thread that is ahead: told when it is their turn. */
static void a_clash_that_is_found_ahead(void **state)
{
    (void)state;
    const act_sorter_options options = {
        .memory_nbytes = ACT_SORTER_MEMORY_NBYTES_MIN, .temp_dir = scratch_dir, .threads = 2};
    act_sorter *sorter;
    assert_int_equal(act_sorter_open(&options, &sorter, NULL), ACT_OK);
    for (unsigned i = 0; i < MANY; i++) {
        uint8_t key[4] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 0};
        assert_int_equal(act_sorter_add(sorter, key, sizeof(key), i, NULL), ACT_OK);
    }
    static const uint8_t again[4] = {0, 0x40, 0, 0};
    assert_int_equal(act_sorter_add(sorter, again, sizeof(again), 1, NULL), ACT_OK);
    assert_int_equal(act_sorter_sort(sorter, NULL, NULL, NULL), ACT_OK);
    unsigned given = 0;
    act_status status;
    do {
        status = act_sorter_next(sorter, NULL, NULL, NULL, NULL);
        given += status == ACT_OK;
    } while (status == ACT_OK);
    assert_int_equal(status, ACT_ERR_DUPLICATE);
    assert_int_equal(given, 0x4000);
    act_sorter_close(sorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_and_one),
        cmocka_unit_test(by_digits_and_by_comparing),
        cmocka_unit_test(more_groups_than_can_wait),
        cmocka_unit_test(a_chunk_is_stopped_before_it_is_written),
        cmocka_unit_test(an_entry_larger_than_a_chunk),
        cmocka_unit_test(a_chunk_grows_by_half_and_then_to_the_whole),
        cmocka_unit_test(keys_that_come_in_order),
        cmocka_unit_test(an_empty_run),
        cmocka_unit_test(an_entry_larger_than_a_batch_fits),
        cmocka_unit_test(batches_are_filled),
        cmocka_unit_test(a_clash_that_is_found_ahead),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
