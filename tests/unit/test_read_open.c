/* Opening a file that grows meanwhile, as one does that is merged into: the linker lets it. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "os/map.h"
#include "support/check.h"
#include "support/scratch.h"

enum {
    TRIES = 16,
    NBYTES_MAX = 64
};

/* A file with its root beyond its end, until it is asked for as often as that. */
static struct {
    unsigned asked;
    unsigned good_at;
    bool grows;
} file;

static void write_file(void)
{
    uint8_t bytes[NBYTES_MAX] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 200};
    if (file.asked == file.good_at)
        bytes[8] = 16;
    scratch_write(scratch_map, bytes, 25 + (file.grows ? file.asked : 1));
}

act_status __real_act_os_bytes_open(const char *path, act_access access, act_guard guard,
                                    uint64_t read_nbytes_max, struct act_os_bytes *bytes_ret,
                                    act_error *error);
act_status __wrap_act_os_bytes_open(const char *path, act_access access, act_guard guard,
                                    uint64_t read_nbytes_max, struct act_os_bytes *bytes_ret,
                                    act_error *error);
act_status __wrap_act_os_bytes_open(const char *path, act_access access, act_guard guard,
                                    uint64_t read_nbytes_max, struct act_os_bytes *bytes_ret,
                                    act_error *error)
{
    file.asked++;
    write_file();
    return __real_act_os_bytes_open(path, access, guard, read_nbytes_max, bytes_ret, error);
}

/* How often the file was asked for. */
static unsigned open_file(unsigned good_at, bool grows, act_status expected)
{
    act_map *map;
    file.asked = 0;
    file.good_at = good_at;
    file.grows = grows;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), expected);
    assert_int_equal(map != NULL, expected == ACT_OK);
    act_map_close(map);
    return file.asked;
}

static void files_that_grow_are_asked_again(void **state)
{
    (void)state;
    assert_int_equal(open_file(1, true, ACT_OK), 1);
    assert_int_equal(open_file(5, true, ACT_OK), 5);
    assert_int_equal(open_file(TRIES, true, ACT_OK), TRIES);
    /* Not for ever. */
    assert_int_equal(open_file(TRIES + 1, true, ACT_ERR_CORRUPT), TRIES);
}

static void files_that_do_not_grow_are_damaged(void **state)
{
    (void)state;
    assert_int_equal(open_file(3, false, ACT_ERR_CORRUPT), 2);
}

static int count_root(void *context, uint64_t root, uint64_t nbytes)
{
    assert_int_equal(root, 16);
    assert_int_equal(nbytes, 40);
    ++*(unsigned *)context;
    return 0;
}

/* A root with something after it that is no tail, which no writer leaves: it has no past. */
static void a_file_without_a_tail(void **state)
{
    (void)state;
    uint8_t bytes[40] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    unsigned roots = 0;
    act_map *map;
    memset(bytes + 16, 0x11, 24);
    bytes[16] = 0x40;
    assert_int_equal(act_map_open_memory(bytes, sizeof(bytes), NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_history(map, count_root, &roots, NULL), ACT_OK);
    assert_int_equal(roots, 1);
    act_map_close(map);
    const act_open_options former = {.root = 17};
    assert_int_equal(act_map_open_memory(bytes, sizeof(bytes), &former, &map, NULL),
                     ACT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_grow_are_asked_again),
        cmocka_unit_test(files_that_do_not_grow_are_damaged),
        cmocka_unit_test(a_file_without_a_tail),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
