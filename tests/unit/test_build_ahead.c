/* A merge that is ahead of its caller: all that it gives comes back, through batches of any size.
 */
#include "build/ahead.h"

#include <string.h>

#include "support/check.h"

enum {
    COUNT = 300,
    KEY_NBYTES_MAX = 40
};

/* What stands in for the merge: entries by their numbers, and what comes after these. */
static struct {
    unsigned given;
    unsigned count;
    bool clash;         /* of the last one */
    size_t last_nbytes; /* the length of the key after these, if there is one */
} merge;

static const uint8_t bytes[KEY_NBYTES_MAX] = "the bytes that all of the keys begin by";

static size_t nbytes_of(unsigned number)
{
    return number * 7 % KEY_NBYTES_MAX;
}

static uint64_t value_of(unsigned number)
{
    return UINT64_C(0x123456789abcdef) >> number % 57;
}

/* The linker gives __wrap_NAME the calls of NAME. */
act_status __wrap_act_runs_merge_next(struct act_runs_merge *unused, act_duplicates duplicates,
                                      struct act_joined *joined, act_error *error);
act_status __wrap_act_runs_merge_next(struct act_runs_merge *unused, act_duplicates duplicates,
                                      struct act_joined *joined, act_error *error)
{
    (void)unused;
    (void)duplicates;
    (void)error;
    unsigned number = merge.given++;
    *joined = (struct act_joined){.key = {bytes, nbytes_of(number)}, .value = value_of(number)};
    if (number < merge.count) {
        joined->clash = merge.clash && number + 1 == merge.count;
        return ACT_OK;
    }
    joined->key.nbytes = merge.last_nbytes;
    return merge.last_nbytes ? ACT_OK : ACT_END;
}

/* Takes `count` entries, of which only the last one may clash. */
static void take(struct act_ahead *ahead, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct act_joined joined;
        act_error error;
        assert_int_equal(act_ahead_next(ahead, &joined, &error), ACT_OK);
        assert_int_equal(joined.key.nbytes, nbytes_of(i));
        assert_memory_equal(joined.key.bytes, bytes, joined.key.nbytes);
        assert_int_equal(joined.value, value_of(i));
        assert_int_equal(joined.clash, merge.clash && i + 1 == count);
    }
}

static void entries_pass_through_batches(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 20, 64, 500, 1 << 20};
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        for (unsigned count = 0; count <= COUNT; count += COUNT / 2) {
            struct act_ahead ahead;
            struct act_joined joined;
            act_error error;
            memset(&merge, 0, sizeof(merge));
            merge.count = count;
            act_ahead_open(&ahead, NULL, ACT_DUPLICATES_FIRST, batches[i]);
            take(&ahead, count);
            for (int again = 0; again < 2; again++)
                assert_int_equal(act_ahead_next(&ahead, &joined, &error), ACT_END);
            act_ahead_close(&ahead);
        }
    }
}

/* Nobody wants to know what comes after two entries that cannot be joined. */
static void nothing_is_read_after_a_clash(void **state)
{
    (void)state;
    struct act_ahead ahead;
    memset(&merge, 0, sizeof(merge));
    merge.count = COUNT;
    merge.clash = true;
    act_ahead_open(&ahead, NULL, ACT_DUPLICATES_ERROR, 64);
    take(&ahead, COUNT);
    act_ahead_close(&ahead);
    assert_int_equal(merge.given, COUNT);
}

/* A length that nothing can have: no byte of the key is read. What came before it is given. */
static void a_key_that_no_memory_holds_is_refused(void **state)
{
    (void)state;
    struct act_ahead ahead;
    struct act_joined joined;
    memset(&merge, 0, sizeof(merge));
    merge.count = 2;
    merge.last_nbytes = SIZE_MAX - 2 * (size_t)ACT_VARINT_NBYTES_MAX;
    act_ahead_open(&ahead, NULL, ACT_DUPLICATES_FIRST, 64);
    take(&ahead, 2);
    for (int again = 0; again < 2; again++) {
        act_error error = {0};
        assert_int_equal(act_ahead_next(&ahead, &joined, &error), ACT_ERR_NOMEM);
        assert_int_equal(error.status, ACT_ERR_NOMEM);
    }
    act_ahead_close(&ahead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_pass_through_batches),
        cmocka_unit_test(nothing_is_read_after_a_clash),
        cmocka_unit_test(a_key_that_no_memory_holds_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
