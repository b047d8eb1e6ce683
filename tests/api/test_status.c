#include <string.h>

#include "actree.h"
#include "support/check.h"

/* The numbers are a promise: programs store them. */
static const struct {
    act_status status;
    int number;
} statuses[] = {
    {ACT_OK, 0},
    {ACT_NOT_FOUND, 1},
    {ACT_END, 2},
    {ACT_STOPPED, 3},
    {ACT_ERR_INVALID, 16},
    {ACT_ERR_ORDER, 17},
    {ACT_ERR_DUPLICATE, 18},
    {ACT_ERR_LIMIT, 19},
    {ACT_ERR_OVERFLOW, 20},
    {ACT_ERR_NOMEM, 32},
    {ACT_ERR_IO, 33},
    {ACT_ERR_NOT_REGULAR, 34},
    {ACT_ERR_LOCKED, 35},
    {ACT_ERR_FORMAT, 48},
    {ACT_ERR_TRUNCATED, 49},
    {ACT_ERR_CORRUPT, 50},
};
enum {
    STATUSES = sizeof(statuses) / sizeof(*statuses)
};

static void the_numbers_stay(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATUSES; i++)
        assert_int_equal(statuses[i].status, statuses[i].number);
}

static void every_status_has_words_of_its_own(void **state)
{
    (void)state;
    const char *unknown = act_strerror((act_status)4711);
    for (size_t i = 0; i < STATUSES; i++) {
        const char *text = act_strerror(statuses[i].status);
        assert_non_null(text);
        assert_true(strlen(text) > 0 && strlen(text) < 60);
        assert_null(strchr(text, '\n'));
        assert_ptr_equal(text, act_strerror(statuses[i].status));
        assert_string_not_equal(text, unknown);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(text, act_strerror(statuses[j].status));
    }
}

static void numbers_that_mean_nothing_have_words_too(void **state)
{
    (void)state;
    for (int number = -3; number < 300; number++) {
        bool known = false;
        for (size_t i = 0; i < STATUSES; i++)
            known = known || statuses[i].number == number;
        if (known)
            continue;
        const char *text = act_strerror((act_status)number);
        assert_non_null(text);
        assert_string_equal(text, act_strerror((act_status)4711));
    }
    assert_non_null(act_strerror((act_status)INT32_MAX));
    assert_non_null(act_strerror((act_status)INT32_MIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_stay),
        cmocka_unit_test(every_status_has_words_of_its_own),
        cmocka_unit_test(numbers_that_mean_nothing_have_words_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
