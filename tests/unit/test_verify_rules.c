#include <string.h>

#include "actree.h"
#include "support/check.h"

/* Stable: reports and documents hold these numbers and names. */
static const char *const names[] = {
    "none",        "node-bounds",  "child-count",      "child-bytes", "child-mask",  "child-offset",
    "sibling-run", "line-header",  "line-value-child", "line-offset", "line-length", "empty-root",
    "tail",        "index-header", "jump-table",       "checksum"};

static void every_rule_has_its_name(void **state)
{
    (void)state;
    assert_int_equal(sizeof(names) / sizeof(names[0]), ACT_RULE_CHECKSUM + 1);
    for (int i = 0; i <= ACT_RULE_CHECKSUM; i++)
        assert_string_equal(act_rule_name((act_rule)i), names[i]);
}

static void other_numbers_have_one_too(void **state)
{
    (void)state;
    assert_string_equal(act_rule_name((act_rule)(ACT_RULE_CHECKSUM + 1)), "unknown");
    assert_string_equal(act_rule_name((act_rule)255), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_has_its_name),
        cmocka_unit_test(other_numbers_have_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
