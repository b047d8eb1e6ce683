/* The dictionary of pairs: equal things have one id, and no others do, be the table full or not. */
#include "build/share.h"
#include "support/check.h"
#include "support/random.h"

static uint64_t id_of(struct act_shares *shares, enum act_share_kind kind, uint64_t left,
                      uint64_t right)
{
    assert_true(act_shares_reserve(shares, 1));
    return act_shares_put(shares, kind, left, right)->id;
}

static void a_pair_keeps_its_id_and_place(void **state)
{
    (void)state;
    struct act_shares shares;
    assert_true(act_shares_open(&shares, 1 << 20));
    assert_null(act_shares_find(&shares, ACT_SHARE_RUN, 1, 2));
    struct act_share *put = act_shares_put(&shares, ACT_SHARE_RUN, 1, 2);
    assert_int_equal(put->place, 0);
    put->place = 77;
    uint64_t id = put->id;
    struct act_share *found = act_shares_find(&shares, ACT_SHARE_RUN, 1, 2);
    assert_non_null(found);
    assert_int_equal(found->id, id);
    assert_int_equal(found->place, 77);
    struct act_share copy = *found;
    assert_ptr_equal(act_shares_again(&shares, &copy), found);
    act_shares_close(&shares);
}

static void kinds_and_sides_make_pairs_different(void **state)
{
    (void)state;
    struct act_shares shares;
    assert_true(act_shares_open(&shares, 1 << 20));
    uint64_t ids[8];
    size_t count = 0;
    ids[count++] = id_of(&shares, ACT_SHARE_BRANCH, 3, 4);
    ids[count++] = id_of(&shares, ACT_SHARE_VALUE, 3, 4);
    ids[count++] = id_of(&shares, ACT_SHARE_BYTES, 3, 4);
    ids[count++] = id_of(&shares, ACT_SHARE_LINE, 3, 4);
    ids[count++] = id_of(&shares, ACT_SHARE_LONG, 3, 4);
    ids[count++] = id_of(&shares, ACT_SHARE_RUN, 3, 4);
    ids[count++] = id_of(&shares, ACT_SHARE_RUN, 4, 3);
    ids[count++] = id_of(&shares, ACT_SHARE_RUN, 3, 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(ids[i], 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(ids[i], ids[j]);
    }
    act_shares_close(&shares);
}

static void nothing_is_forgotten_below_the_limit(void **state)
{
    (void)state;
    struct act_shares shares;
    enum {
        SLOTS = 1 << 16
    };
    assert_true(act_shares_open(&shares, 2 * SLOTS * sizeof(struct act_share)));
    /* More than one generation holds: the first ones are looked for in the old one. */
    for (uint64_t i = 0; i < SLOTS / 4 * 5; i++) {
        id_of(&shares, ACT_SHARE_LINE, i, i * i);
        act_shares_find(&shares, ACT_SHARE_LINE, i, i * i)->place = i + 1;
    }
    assert_int_equal(shares.old.count, SLOTS / 4 * 3);
    for (uint64_t i = 0; i < SLOTS / 4; i++) {
        const struct act_share *share = act_shares_find(&shares, ACT_SHARE_LINE, i, i * i);
        assert_non_null(share);
        assert_int_equal(share->id, i + 1);
        assert_int_equal(share->place, i + 1);
    }
    act_shares_close(&shares);
}

static void what_is_asked_for_stays(void **state)
{
    (void)state;
    struct act_shares shares;
    assert_true(act_shares_open(&shares, 0)); /* eight slots, of which six are used */
    uint64_t kept = id_of(&shares, ACT_SHARE_RUN, 1, 1);
    uint64_t left = id_of(&shares, ACT_SHARE_RUN, 2, 2);
    for (uint64_t i = 0; i < 100; i++) {
        id_of(&shares, ACT_SHARE_RUN, 1000 + i, 0);
        assert_int_equal(id_of(&shares, ACT_SHARE_RUN, 1, 1), kept);
        assert_true(shares.young.count <= 6);
    }
    assert_null(act_shares_find(&shares, ACT_SHARE_RUN, 2, 2));
    /* What was forgotten is new when it comes again: its old id may be part of other pairs. */
    assert_true(id_of(&shares, ACT_SHARE_RUN, 2, 2) > left + 100);
    act_shares_close(&shares);
}

/* A pair with an id that was given after the old generation was filled is not looked for there; one
 * with older ids is. */
static void what_is_new_is_not_looked_for_among_the_old(void **state)
{
    (void)state;
    struct act_shares shares;
    assert_true(act_shares_open(&shares, 0));
    uint64_t first = id_of(&shares, ACT_SHARE_LINE, 0, 1);
    uint64_t pair = id_of(&shares, ACT_SHARE_RUN, first, first);
    uint64_t last = 0;
    while (!shares.old.count)
        last = id_of(&shares, ACT_SHARE_LINE, 0, 2 + last);
    assert_int_equal(shares.last_id_old, last);
    last = id_of(&shares, ACT_SHARE_LINE, 0, 0);
    assert_int_equal(id_of(&shares, ACT_SHARE_RUN, first, first), pair);
    assert_null(act_shares_find(&shares, ACT_SHARE_RUN, first, last));
    assert_true(id_of(&shares, ACT_SHARE_RUN, first, last) > last);
    act_shares_close(&shares);
}

static void memory_stays_below_the_limit(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1, 512, 4096, 100000, 1 << 20};
    for (size_t l = 0; l < sizeof(limits) / sizeof(*limits); l++) {
        struct act_shares shares;
        struct random r = random_of(l);
        assert_true(act_shares_open(&shares, limits[l]));
        for (unsigned i = 0; i < 100000; i++)
            id_of(&shares, ACT_SHARE_RUN, random_u64(&r) >> 4, random_u64(&r));
        assert_non_null(shares.old.slots);
        uint64_t nbytes = (sizeof(struct act_share) * 2) << (64 - shares.shift);
        assert_true(nbytes <= (limits[l] < 512 ? 512 : limits[l]));
        assert_true(nbytes * 2 > limits[l]);
        act_shares_close(&shares);
    }
}

/* A limit that no machine has memory for: what is there is little, for as long as little is known.
 */
static void a_limit_beyond_all_memory(void **state)
{
    (void)state;
    struct act_shares shares;
    assert_true(act_shares_open(&shares, UINT64_MAX));
    assert_int_equal(shares.shift, 64 - 10);
    assert_true(shares.shift_min > 0);
    assert_null(shares.old.slots);
    assert_int_equal(id_of(&shares, ACT_SHARE_RUN, 1, 2), id_of(&shares, ACT_SHARE_RUN, 1, 2));
    act_shares_close(&shares);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_keeps_its_id_and_place),
        cmocka_unit_test(kinds_and_sides_make_pairs_different),
        cmocka_unit_test(nothing_is_forgotten_below_the_limit),
        cmocka_unit_test(what_is_asked_for_stays),
        cmocka_unit_test(what_is_new_is_not_looked_for_among_the_old),
        cmocka_unit_test(memory_stays_below_the_limit),
        cmocka_unit_test(a_limit_beyond_all_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
