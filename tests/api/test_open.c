#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actree.h"
#include "support/check.h"
#include "support/scratch.h"

#define GOLDEN ACT_TEST_SOURCE_DIR "/tests/interop/golden/"

/* A small file, by hand: "a" is 7, and nothing else. */
static const uint8_t one_key[30] = {
    'A',  'C', 'T', 'r', 'e', 'e', '0', '3', 18, 0, 0, 0, 0, 0, 0, 0, /* root at 18 */
    0x40, 7,                                                          /* 16: a leaf of value 7 */
    0x01, 2,   'a',                                                   /* 18: its parent */
};
enum {
    ONE_KEY_NBYTES = 16 + 2 + 3 + 8
};

static const act_access all_kinds[] = {ACT_ACCESS_AUTO, ACT_ACCESS_MAP, ACT_ACCESS_READ};

/* What becomes of a file that is to be mapped. */
static const act_access mapped = CHECK_MAPPED ? ACT_ACCESS_MAP : ACT_ACCESS_READ;

static act_open_options access_of(act_access access)
{
    act_open_options options = {.access = access};
    return options;
}

/* Opening fails with this status, tells so in full, and gives no handle, however it is asked. */
static act_error refused(const char *path, act_status expected)
{
    act_error error;
    for (size_t i = 0; i < 3; i++) {
        act_open_options options = access_of(all_kinds[i]);
        act_map *map = (act_map *)&map;
        memset(&error, 0xaa, sizeof(error));
        assert_int_equal(act_map_open(path, &options, &map, &error), expected);
        assert_null(map);
        assert_int_equal(error.status, expected);
        assert_non_null(memchr(error.text, 0, sizeof(error.text)));
        assert_true(strlen(error.text) > 0);
        assert_int_equal(act_map_open(path, &options, &map, NULL), expected);
        assert_null(map);
    }
    return error;
}

/* The file says what it should. */
static void check_one_key(const act_map *map)
{
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    assert_int_equal(stat.root, 18);
    assert_int_equal(stat.file_nbytes, ONE_KEY_NBYTES);
    assert_false(stat.merged);
}

static int make_folder(void **state)
{
    *state = scratch_make();
    return 0;
}

static int remove_folder(void **state)
{
    scratch_remove(*state);
    return 0;
}

/* ------------------------------------------------------------------------------------ arguments */

static void arguments_that_make_no_sense(void **state)
{
    char *path = scratch_path(*state, "one");
    scratch_write(path, one_key, ONE_KEY_NBYTES);
    act_error error;
    act_map *map = (act_map *)&map;

    memset(&error, 0xaa, sizeof(error));
    assert_int_equal(act_map_open(path, NULL, NULL, &error), ACT_ERR_INVALID);
    assert_int_equal(error.status, ACT_ERR_INVALID);
    assert_int_equal(error.offset, ACT_NO_OFFSET);
    assert_int_equal(error.os_code, 0);
    assert_int_equal(act_map_open(NULL, NULL, &map, &error), ACT_ERR_INVALID);
    assert_null(map);

    static const int strange[] = {3, 99, -1};
    for (size_t i = 0; i < 3; i++) {
        act_open_options options = access_of((act_access)strange[i]);
        map = (act_map *)&map;
        assert_int_equal(act_map_open(path, &options, &map, &error), ACT_ERR_INVALID);
        assert_null(map);
        assert_int_equal(error.status, ACT_ERR_INVALID);
    }
    act_map_close(NULL);
    free(path);
}

static void success_leaves_the_error_alone(void **state)
{
    char *path = scratch_path(*state, "one");
    scratch_write(path, one_key, ONE_KEY_NBYTES);
    act_error error, untouched;
    memset(&error, 0xaa, sizeof(error));
    memset(&untouched, 0xaa, sizeof(untouched));
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, &error), ACT_OK);
    check_one_key(map);
    act_map_close(map);
    assert_int_equal(act_map_open_memory(one_key, ONE_KEY_NBYTES, NULL, &map, &error), ACT_OK);
    check_one_key(map);
    act_map_close(map);
    assert_memory_equal(&error, &untouched, sizeof(error));
    free(path);
}

/* ------------------------------------------------------------------------------- not these files
 */

static void what_is_not_there(void **state)
{
    char *path = scratch_path(*state, "missing.act");
    act_error error = refused(path, ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOENT);
    assert_int_equal(error.offset, ACT_NO_OFFSET);
    assert_non_null(strstr(error.text, "missing.act"));
    assert_non_null(strstr(error.text, strerror(ENOENT)));
    free(path);

    error = refused("", ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOENT);

    char *file = scratch_path(*state, "file");
    scratch_write(file, one_key, ONE_KEY_NBYTES);
    path = scratch_path(file, "below");
    error = refused(path, ACT_ERR_IO);
    assert_int_equal(error.os_code, CHECK_POSIX ? ENOTDIR : ENOENT);
    free(path);
    free(file);

    char name[5000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    error = refused(name, ACT_ERR_IO);
    assert_int_equal(error.os_code, ENAMETOOLONG);
}

static void what_is_no_regular_file(void **state)
{
    act_error error = refused(*state, ACT_ERR_NOT_REGULAR);
    assert_non_null(strstr(error.text, "directory"));

#if CHECK_POSIX
    char *fifo = scratch_path(*state, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    refused(fifo, ACT_ERR_NOT_REGULAR); /* and does not wait for a writer */
    free(fifo);

    refused("/dev/null", ACT_ERR_NOT_REGULAR);
#endif
}

#if CHECK_POSIX
static void what_may_not_be_read(void **state)
{
    /* Root may read everything, so that root has to become somebody else to see this. */
    char *path = scratch_path(*state, "secret");
    scratch_write(path, one_key, ONE_KEY_NBYTES);
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(chmod(path, 0), 0);
    uid_t me = geteuid();
    bool stranger = me != 0 || seteuid(65534) == 0;
    if (stranger) {
        act_error error = refused(path, ACT_ERR_IO);
        if (me == 0)
            assert_int_equal(seteuid(0), 0);
        assert_int_equal(error.os_code, EACCES);
        assert_non_null(strstr(error.text, "secret"));
    }
    free(path);
    if (!stranger)
        skip();
}

static void a_symbolic_link_is_followed(void **state)
{
    char *path = scratch_path(*state, "target");
    char *link = scratch_path(*state, "link");
    scratch_write(path, one_key, ONE_KEY_NBYTES);
    assert_int_equal(symlink("target", link), 0);
    act_map *map;
    assert_int_equal(act_map_open(link, NULL, &map, NULL), ACT_OK);
    check_one_key(map);
    act_map_close(map);
    assert_int_equal(unlink(path), 0);
    act_error error = refused(link, ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOENT);
    free(link);
    free(path);
}
#endif

/* ------------------------------------------------------------------------------------- contents */

static void files_too_short_to_be_one(void **state)
{
    char *path = scratch_path(*state, "short.act");
    for (size_t nbytes = 0; nbytes < 25; nbytes++) {
        scratch_write(path, one_key, nbytes);
        act_error error = refused(path, ACT_ERR_TRUNCATED);
        assert_int_equal(error.offset, nbytes);
        assert_non_null(strstr(error.text, "short.act"));

        act_map *map;
        assert_int_equal(act_map_open_memory(one_key, nbytes, NULL, &map, &error),
                         ACT_ERR_TRUNCATED);
        assert_null(map);
        assert_int_equal(error.offset, nbytes);
    }
    free(path);
}

static void files_of_another_kind(void **state)
{
    static const char *const starts[] = {"ACTree01", "ACTree02",       "ACTree04",
                                         "actree03", "\0\0\0\0\0\0\0", "#!/bin/sh"};
    char *path = scratch_path(*state, "other");
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, one_key, ONE_KEY_NBYTES);
        memcpy(bytes, starts[i], 8);
        static const size_t sizes[] = {4, 24, 25, 200};
        for (size_t s = 0; s < 4; s++) {
            if (memcmp(bytes, "ACTree03", sizes[s] < 8 ? sizes[s] : 8) == 0)
                continue;
            scratch_write(path, bytes, sizes[s]);
            act_error error = refused(path, ACT_ERR_FORMAT);
            assert_int_equal(error.offset, 0);
        }
    }
    free(path);
}

static void roots_that_lie_outside(void **state)
{
    char *path = scratch_path(*state, "root");
    static const uint64_t roots[] = {0,  1,   15,         ONE_KEY_NBYTES - 8, ONE_KEY_NBYTES,
                                     99, 256, UINT64_MAX, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
        uint8_t bytes[ONE_KEY_NBYTES];
        memcpy(bytes, one_key, sizeof(bytes));
        for (unsigned b = 0; b < 8; b++)
            bytes[8 + b] = (uint8_t)(roots[i] >> 8 * b);
        scratch_write(path, bytes, sizeof(bytes));
        act_error error = refused(path, ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, 8);
        assert_non_null(strstr(error.text, "root"));
    }
    free(path);
}

static void a_root_that_runs_into_the_tail(void **state)
{
    char *path = scratch_path(*state, "cut");
    /* Ever shorter, until a byte of the root at 18 to 20 would be one of the last eight. */
    for (size_t nbytes = ONE_KEY_NBYTES - 1; nbytes > 26; nbytes--) {
        scratch_write(path, one_key, nbytes);
        act_error error = refused(path, ACT_ERR_CORRUPT);
        assert_int_equal(error.offset, 18);
    }
    free(path);
}

/* --------------------------------------------------------------------------------------- access */

static void each_kind_of_access_gives_the_same_map(void **state)
{
    char *path = scratch_path(*state, "one");
    scratch_write(path, one_key, ONE_KEY_NBYTES);
    for (size_t i = 0; i < 3; i++) {
        act_open_options options = access_of(all_kinds[i]);
        act_map *map;
        assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
        check_one_key(map);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        /* So small a file is read unless mapping is asked for. */
        assert_int_equal(stat.access, all_kinds[i] == ACT_ACCESS_MAP ? mapped : ACT_ACCESS_READ);
        act_map_close(map);
    }
    free(path);
}

static void a_large_file_is_mapped_unless_asked_otherwise(void **state)
{
    char *path = scratch_path(*state, "large");
    size_t nbytes = (size_t)8 << 20;
    uint8_t *bytes = calloc(1, nbytes);
    assert_non_null(bytes);
    memcpy(bytes, one_key, ONE_KEY_NBYTES);
    scratch_write(path, bytes, nbytes);
    free(bytes);
    for (size_t i = 0; i < 3; i++) {
        act_open_options options = access_of(all_kinds[i]);
        act_map *map;
        assert_int_equal(act_map_open(path, &options, &map, NULL), ACT_OK);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        assert_int_equal(stat.file_nbytes, nbytes);
        assert_int_equal(stat.access, all_kinds[i] == ACT_ACCESS_READ ? ACT_ACCESS_READ : mapped);
        act_map_close(map);
    }
    free(path);
}

static void memory_needs_no_alignment_and_is_not_copied(void **state)
{
    (void)state;
    uint8_t buffer[ONE_KEY_NBYTES + 8];
    for (size_t shift = 0; shift < 8; shift++) {
        memset(buffer, 0xff, sizeof(buffer));
        memcpy(buffer + shift, one_key, ONE_KEY_NBYTES);
        act_open_options options = access_of((act_access)77); /* ignored here */
        act_map *map;
        assert_int_equal(act_map_open_memory(buffer + shift, ONE_KEY_NBYTES, &options, &map, NULL),
                         ACT_OK);
        check_one_key(map);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        assert_int_equal(stat.access, ACT_ACCESS_READ);
        act_map_close(map);
    }
    act_error error;
    act_map *map = (act_map *)&map;
    assert_int_equal(act_map_open_memory(NULL, 30, NULL, &map, &error), ACT_ERR_INVALID);
    assert_null(map);
    assert_int_equal(act_map_open_memory(NULL, 0, NULL, &map, &error), ACT_ERR_TRUNCATED);
    assert_null(map);
    assert_int_equal(act_map_open_memory(one_key, ONE_KEY_NBYTES, NULL, NULL, &error),
                     ACT_ERR_INVALID);
}

/* ----------------------------------------------------------------------------------------- stat */

static void a_merged_file_tells_its_root_before(void **state)
{
    (void)state;
    size_t nbytes;
    char *history = (char *)scratch_read(GOLDEN "merged3.history", &nbytes);
    char *rest = history;
    unsigned long long now = strtoull(rest, &rest, 10);
    unsigned long long before = strtoull(rest, &rest, 10);
    for (size_t i = 0; i < 3; i++) {
        act_open_options options = access_of(all_kinds[i]);
        act_map *map;
        assert_int_equal(act_map_open(GOLDEN "merged3.act", &options, &map, NULL), ACT_OK);
        act_map_stat stat;
        act_map_get_stat(map, &stat);
        assert_true(stat.merged);
        assert_int_equal(stat.root, now);
        assert_int_equal(stat.merged_root, before);
        act_map_close(map);

        assert_int_equal(act_map_open(GOLDEN "merged3.base.act", &options, &map, NULL), ACT_OK);
        act_map_get_stat(map, &stat);
        assert_false(stat.merged);
        act_map_close(map);
    }
    free(history);
}

int main(void)
{
#define WITH_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(arguments_that_make_no_sense),
        WITH_FOLDER(success_leaves_the_error_alone),
        WITH_FOLDER(what_is_not_there),
        WITH_FOLDER(what_is_no_regular_file),
#if CHECK_POSIX
        WITH_FOLDER(what_may_not_be_read),
        WITH_FOLDER(a_symbolic_link_is_followed),
#endif
        WITH_FOLDER(files_too_short_to_be_one),
        WITH_FOLDER(files_of_another_kind),
        WITH_FOLDER(roots_that_lie_outside),
        WITH_FOLDER(a_root_that_runs_into_the_tail),
        WITH_FOLDER(each_kind_of_access_gives_the_same_map),
        WITH_FOLDER(a_large_file_is_mapped_unless_asked_otherwise),
        cmocka_unit_test(memory_needs_no_alignment_and_is_not_copied),
        cmocka_unit_test(a_merged_file_tells_its_root_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
