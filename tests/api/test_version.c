#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actree.h"

static void version_is_that_of_the_project(void **state)
{
    (void)state;
    assert_string_equal(act_version(), ACT_TEST_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_that_of_the_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
