#include "base/pace.h"

#include "support/check.h"

struct calls {
    unsigned count;
    uint64_t done, total;
    int answer;
};

static int note_call(void *context, uint64_t done, uint64_t total)
{
    struct calls *calls = context;
    calls->count++;
    calls->done = done;
    calls->total = total;
    return calls->answer;
}

static void without_a_callback_nothing_stops(void **state)
{
    (void)state;
    struct act_pace pace;
    assert_true(act_pace_start(&pace, NULL, NULL, 100));
    assert_true(act_pace_tell(&pace, 50));
}

static void the_first_call_comes_at_once_the_next_after_a_while(void **state)
{
    (void)state;
    struct act_pace pace;
    struct calls calls = {0};
    assert_true(act_pace_start(&pace, note_call, &calls, 100));
    assert_int_equal(calls.count, 1);
    assert_int_equal(calls.done, 0);
    assert_int_equal(calls.total, 100);
    /* Ten thousand looks take less than the interval. */
    for (uint64_t i = 0; i < 10000; i++)
        assert_true(act_pace_tell(&pace, i));
    assert_in_range(calls.count, 1, 2);
    unsigned before = calls.count;
    pace.called_ms -= 1000; /* as if a second had gone by */
    assert_true(act_pace_tell(&pace, 70));
    assert_int_equal(calls.count, before + 1);
    assert_int_equal(calls.done, 70);
    assert_int_equal(calls.total, 100);
}

static void a_clock_that_was_set_back_does_not_silence_it(void **state)
{
    (void)state;
    struct act_pace pace;
    struct calls calls = {0};
    assert_true(act_pace_start(&pace, note_call, &calls, 100));
    pace.called_ms += 1000000;
    assert_true(act_pace_tell(&pace, 70));
    assert_int_equal(calls.count, 2);
}

static void any_answer_but_0_stops(void **state)
{
    (void)state;
    struct act_pace pace;
    struct calls calls = {.answer = -1};
    assert_false(act_pace_start(&pace, note_call, &calls, 100));
    pace.called_ms -= 1000;
    assert_false(act_pace_tell(&pace, 1));
    calls.answer = 0;
    pace.called_ms -= 1000;
    assert_true(act_pace_tell(&pace, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_callback_nothing_stops),
        cmocka_unit_test(the_first_call_comes_at_once_the_next_after_a_while),
        cmocka_unit_test(a_clock_that_was_set_back_does_not_silence_it),
        cmocka_unit_test(any_answer_but_0_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
