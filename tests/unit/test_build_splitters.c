/* Ranges of keys: in order whatever keys they meet, and about equally large. */
#include "build/splitters.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

enum {
    COUNT = 4000,
    KEY_NBYTES_MAX = 80,
    ROOM_NBYTES = KEY_NBYTES_MAX + ACT_SPLITTERS_SLACK_NBYTES,
    WANTED = 64
};

static uint8_t bytes[COUNT][ROOM_NBYTES];
static struct act_key keys[COUNT];

static int compare(const void *a, const void *b)
{
    return act_key_compare_from(*(const struct act_key *)a, *(const struct act_key *)b, 0);
}

/* Keys of some shape, sorted. What follows them is not zeros. */
static void make_keys(unsigned shape, struct random *random)
{
    static const unsigned alphabets[] = {256, 2, 3, 20};
    for (size_t i = 0; i < COUNT; i++) {
        size_t shared = shape / 4 % 4 * 9;
        size_t nbytes = shared + random_below(random, shape % 2 ? 12 : 40);
        memset(bytes[i], 0xee, ROOM_NBYTES);
        memset(bytes[i], shape / 16 ? 0 : 'p', shared);
        for (size_t j = shared; j < nbytes; j++)
            bytes[i][j] = (uint8_t)random_below(random, alphabets[shape % 4]);
        /* Most keys of some shapes begin with one of few long words. */
        if (shape / 16 == 1 && nbytes > 20 && !random_one_in(random, 4))
            memset(bytes[i], random_one_in(random, 3) ? 'w' : 0xff, 17);
        keys[i] = (struct act_key){bytes[i], nbytes};
    }
    qsort(keys, COUNT, sizeof(*keys), compare);
}

/* The range of one key, found among those of others. */
static size_t range_of(const struct act_splitters *splitters, struct act_key key)
{
    size_t ranges[ACT_SPLITTERS_TOGETHER];
    struct act_key together[ACT_SPLITTERS_TOGETHER];
    static unsigned next;
    size_t count = 1 + next++ % ACT_SPLITTERS_TOGETHER;
    for (size_t i = 0; i < count; i++)
        together[i] = keys[next * 97 % COUNT];
    size_t place = next % count;
    together[place] = key;
    act_splitters_find(splitters, together, count, ranges);
    return ranges[place];
}

static void ranges_are_in_the_order_of_keys(void **state)
{
    (void)state;
    struct random random = random_of(5);
    for (unsigned shape = 0; shape < 32; shape++) {
        struct act_splitters splitters;
        make_keys(shape, &random);
        /* Of a sample that begins or ends in the midst of them. */
        size_t from = random_below(&random, COUNT / 4);
        size_t to = COUNT - random_below(&random, COUNT / 4);
        assert_true(act_splitters_make(&splitters, keys + from, to - from, WANTED));
        size_t last = 0;
        for (size_t i = 0; i < COUNT; i++) {
            size_t range = range_of(&splitters, keys[i]);
            assert_in_range(range, last, splitters.range_count - 1);
            last = range;
            struct act_key prefix = act_splitters_prefix(&splitters, range);
            assert_in_range(prefix.nbytes, 0, keys[i].nbytes);
            assert_memory_equal(prefix.bytes, keys[i].bytes, prefix.nbytes);
        }
        act_splitters_close(&splitters);
    }
}

/* No range has much more than its share, unless it is of one key. */
static void ranges_are_about_equally_large(void **state)
{
    (void)state;
    struct random random = random_of(6);
    static size_t counts[COUNT];
    for (unsigned shape = 0; shape < 32; shape++) {
        struct act_splitters splitters;
        make_keys(shape, &random);
        assert_true(act_splitters_make(&splitters, keys, COUNT, WANTED));
        assert_in_range(splitters.range_count, 1, COUNT);
        memset(counts, 0, sizeof(counts));
        size_t different = 1;
        for (size_t i = 0; i < COUNT; i++) {
            bool repeated = i && compare(&keys[i - 1], &keys[i]) == 0;
            different += !repeated;
            counts[range_of(&splitters, keys[i])] += !repeated;
        }
        for (size_t i = 0; i < splitters.range_count; i++)
            assert_in_range(counts[i], 0, 3 * (COUNT / WANTED + 1));
        if (different > COUNT / 2)
            assert_in_range(splitters.range_count, WANTED / 2, 4 * WANTED);
        act_splitters_close(&splitters);
    }
}

/* Keys of which each begins with the one before: a level for each of them, up to a limit. */
static void a_chain_of_keys(void **state)
{
    (void)state;
    static uint8_t zeros[COUNT + ACT_SPLITTERS_SLACK_NBYTES];
    for (unsigned filled = 0; filled < 2; filled++) {
        struct act_splitters splitters;
        memset(zeros, filled ? 0xff : 0, sizeof(zeros));
        for (size_t i = 0; i < COUNT; i++)
            keys[i] = (struct act_key){zeros, i};
        assert_true(act_splitters_make(&splitters, keys, COUNT, COUNT));
        assert_true(splitters.node_count > 8);
        size_t last = 0;
        for (size_t i = 0; i < COUNT; i++) {
            size_t range = range_of(&splitters, keys[i]);
            assert_in_range(range, last, splitters.range_count - 1);
            last = range;
        }
        act_splitters_close(&splitters);
    }
}

/* What does not begin as the keys of the sample do is before or after all ranges but one. */
static void keys_unlike_the_sample(void **state)
{
    (void)state;
    struct random random = random_of(8);
    struct act_splitters splitters;
    static const char *const below[] = {"", "p", "pppp", "pppo", "a", "ppppppppo"};
    static const char *const above[] = {"q", "pq", "pppppppq", "ppppppppq", "z"};
    make_keys(7, &random); /* nine of p, and more */
    assert_true(act_splitters_make(&splitters, keys, COUNT, WANTED));
    assert_true(splitters.nodes[0].depth >= 9);
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        memcpy(bytes[0], below[i], strlen(below[i]) + 1);
        struct act_key key = {bytes[0], strlen(below[i])};
        assert_int_equal(range_of(&splitters, key), 0);
        assert_int_equal(act_splitters_prefix(&splitters, 0).nbytes, 0);
    }
    for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
        memcpy(bytes[0], above[i], strlen(above[i]) + 1);
        struct act_key key = {bytes[0], strlen(above[i])};
        assert_int_equal(range_of(&splitters, key), splitters.range_count - 1);
        assert_int_equal(act_splitters_prefix(&splitters, splitters.range_count - 1).nbytes, 0);
    }
    act_splitters_close(&splitters);
}

static void one_key(void **state)
{
    (void)state;
    struct act_splitters splitters;
    memset(bytes[0], 'x', ROOM_NBYTES);
    keys[0] = (struct act_key){bytes[0], 30};
    for (size_t i = 1; i < COUNT; i++)
        keys[i] = keys[0];
    for (size_t count = 1; count <= 2; count++) {
        assert_true(act_splitters_make(&splitters, keys, count, WANTED));
        assert_int_equal(range_of(&splitters, keys[0]), splitters.range_count - 1);
        struct act_key none = {bytes[0], 0};
        assert_int_equal(range_of(&splitters, none), 0);
        act_splitters_close(&splitters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_in_the_order_of_keys),
        cmocka_unit_test(ranges_are_about_equally_large),
        cmocka_unit_test(a_chain_of_keys),
        cmocka_unit_test(keys_unlike_the_sample),
        cmocka_unit_test(one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
