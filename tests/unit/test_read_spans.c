/* Sets of bytes as spans, against an array of booleans. */
#include "read/spans.h"

#include <string.h>

#include "support/check.h"
#include "support/random.h"

enum {
    BYTES = 200
};

static void expect(const struct act_spans *spans, const bool model[BYTES])
{
    bool have[BYTES] = {false};
    uint64_t count = 0;
    for (size_t i = 0; i < spans->count; i++) {
        const struct act_span *span = &spans->items[i];
        assert_true(span->off < span->end && span->end <= BYTES);
        assert_true(i == 0 || spans->items[i - 1].end < span->off);
        for (uint64_t at = span->off; at < span->end; at++)
            have[at] = true;
    }
    for (size_t i = 0; i < BYTES; i++)
        count += model[i];
    assert_memory_equal(have, model, sizeof(have));
    assert_int_equal(act_spans_nbytes(spans), count);
}

static void sets_are_what_was_added_and_not_removed(void **state)
{
    (void)state;
    struct random r = random_of(21);
    for (int round = 0; round < 200; round++) {
        struct act_spans spans = {0};
        bool model[BYTES] = {false};
        for (int step = 0; step < 60; step++) {
            uint64_t off = random_below(&r, BYTES);
            uint64_t nbytes = random_below(&r, random_one_in(&r, 4) ? BYTES - off + 1 : 6);
            bool added = random_below(&r, 5) < 3;
            if (nbytes > BYTES - off)
                nbytes = BYTES - off;
            assert_int_equal(act_spans_overlap(&spans, off, nbytes),
                             memchr(model + off, true, nbytes) != NULL);
            assert_true(added ? act_spans_add(&spans, off, nbytes)
                              : act_spans_remove(&spans, off, nbytes));
            memset(model + off, added, nbytes);
            expect(&spans, model);
        }
        act_spans_free(&spans);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_what_was_added_and_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
