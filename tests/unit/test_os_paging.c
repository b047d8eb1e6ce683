/* Advice about pages: whatever is asked for, the bytes are the same. */
#include "os/paging.h"

#include <stdlib.h>

#include "os/map.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    NBYTES = 300001
};

static void advice_changes_nothing(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "file");
    uint8_t *bytes = malloc(NBYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < NBYTES; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    scratch_write(path, bytes, NBYTES);
    struct act_os_bytes map;
    assert_int_equal(act_os_bytes_open(path, ACT_ACCESS_MAP, ACT_GUARD_NONE, 0, &map, NULL),
                     ACT_OK);

    uint64_t before = act_os_paging_reads();
    act_os_paging_set(map.bytes, map.nbytes, ACT_OS_PAGING_SINGLE);
    act_os_paging_set(map.bytes + 12345, 20000, ACT_OS_PAGING_AHEAD);
    act_os_paging_fetch(map.bytes + 4095, 2);
    act_os_paging_fetch(map.bytes, map.nbytes);
    act_os_paging_fetch(map.bytes + 77, 0);
    assert_memory_equal(map.bytes, bytes, NBYTES);
    assert_true(act_os_paging_reads() >= before);

    act_os_bytes_close(&map);
    free(bytes);
    free(path);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
