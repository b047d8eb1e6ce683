/* What Linux can do with files that have no name. */
#define _XOPEN_SOURCE 700

#include "os/unnamed.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"
#include "support/scratch.h"

enum {
    NBYTES = 1 << 20
};

static blkcnt_t blocks_of(int fd)
{
    struct stat st;
    assert_int_equal(fsync(fd), 0); /* some file systems do not know them before */
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, NBYTES);
    return st.st_blocks;
}

/* The room of what is forgotten is given back, and nothing else is changed. */
static void forgetting_gives_room_back(void **state)
{
    (void)state;
    static uint8_t bytes[NBYTES], read[NBYTES];
    int fd = act_os_unnamed_temp(scratch_dir);
    if (fd < 0)
        skip();
    memset(bytes, 'x', NBYTES);
    assert_int_equal(write(fd, bytes, NBYTES), NBYTES);
    blkcnt_t before = blocks_of(fd);
    act_os_unnamed_forget(fd, NBYTES / 4 + 1, NBYTES / 2);
    assert_in_range(blocks_of(fd), 1, before - NBYTES / 4 / 512);
    memset(bytes + NBYTES / 4 + 1, 0, NBYTES / 2);
    assert_int_equal(pread(fd, read, NBYTES, 0), NBYTES);
    assert_memory_equal(read, bytes, NBYTES);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgetting_gives_room_back),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
