/*
 * Output files over POSIX: links, permissions, limits, and what is no file. What every platform has
 * to do is asked by tests/platform.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/output_checks.h"

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_new_file_has_the_permissions_that_the_mask_leaves(void **state)
{
    (void)state;
    mode_t old_mask = umask(027);
    write_file(in_dir("new"), "new");
    umask(old_mask);
    assert_int_equal(mode_of(in_dir("new")), 0640);
}

static void a_replaced_file_gives_its_permissions(void **state)
{
    (void)state;
    scratch_write(in_dir("old"), "old", 3);
    assert_int_equal(chmod(in_dir("old"), 0604), 0);
    write_file(in_dir("old"), "new");
    assert_int_equal(mode_of(in_dir("old")), 0604);
}

/* Who has the old file open keeps reading it. */
static void readers_keep_the_replaced_file(void **state)
{
    (void)state;
    char bytes[4] = {0};
    scratch_write(in_dir("old"), "old", 3);
    int fd = open(in_dir("old"), O_RDONLY);
    write_file(in_dir("old"), "new");
    assert_int_equal(read(fd, bytes, 3), 3);
    assert_string_equal(bytes, "old");
    close(fd);
}

static void a_folder_that_came_meanwhile_stays(void **state)
{
    (void)state;
    act_error error = {0};
    struct act_os_output *output = open_output(in_dir("new"));
    assert_int_equal(mkdir(in_dir("new"), 0777), 0);
    assert_int_equal(act_os_output_commit(output, true, &error), ACT_ERR_IO);
    assert_int_equal(error.os_code, EISDIR);
    act_os_output_close(output);
    assert_int_equal(scratch_count(scratch_dir), 1);
}

static void links_are_followed(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(mkdir(in_dir("sub"), 0777), 0);
    scratch_write(in_dir("sub/real"), "old", 3);
    assert_int_equal(symlink("real", in_dir("sub/near")), 0);
    assert_int_equal(symlink("sub/near", in_dir("link")), 0);
    assert_int_equal(symlink(in_dir("link"), in_dir("far")), 0);
    write_file(in_dir("far"), "new");
    assert_holds(in_dir("sub/real"), "new");
    assert_int_equal(lstat(in_dir("sub/near"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lstat(in_dir("far"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));

    /* To a file that is not there yet, by a name too long for the first guess of its length. */
    char target[300] = "sub/";
    memset(target + 4, '.', 2);
    memcpy(target + 6, "/sub/", 5);
    memset(target + 11, 'n', 255);
    assert_int_equal(symlink(target, in_dir("dangling")), 0);
    write_file(in_dir("dangling"), "made");
    assert_holds(in_dir(target), "made");
    assert_int_equal(lstat(in_dir("dangling"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));

    assert_int_equal(symlink("loop", in_dir("loop")), 0);
    assert_refused(in_dir("loop"), ACT_ERR_IO, ELOOP, "loop");
    assert_int_equal(symlink("missing/file", in_dir("nowhere")), 0);
    assert_refused(in_dir("nowhere"), ACT_ERR_IO, ENOENT, "folder");
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_dir("fifo"), 0666), 0);
    assert_int_equal(symlink("/dev/null", in_dir("null")), 0);
    scratch_write(in_dir("file"), "old", 3);
    assert_refused(in_dir("fifo"), ACT_ERR_NOT_REGULAR, 0, "pipe");
    assert_refused("/dev/null", ACT_ERR_NOT_REGULAR, 0, "device");
    assert_refused(in_dir("null"), ACT_ERR_NOT_REGULAR, 0, "device");
    assert_refused(in_dir("file/below"), ACT_ERR_IO, ENOTDIR, "file/below");
    assert_holds(in_dir("file"), "old");
    assert_int_equal(scratch_count(scratch_dir), 3);
}

/* A link of the kind that /dev/stdout is leads to a file whose name it does not know. */
static void a_file_that_lost_its_path_is_refused(void **state)
{
    (void)state;
    char path[64];
    int fd = open(in_dir("lost"), O_WRONLY | O_CREAT, 0666);
    snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    write_file(path, "found"); /* as long as it has one */
    assert_holds(in_dir("lost"), "found");
    close(fd);

    fd = open(in_dir("lost"), O_WRONLY);
    assert_int_equal(unlink(in_dir("lost")), 0);
    assert_refused(path, ACT_ERR_NOT_REGULAR, 0, "no path");
    assert_int_equal(scratch_count(scratch_dir), 0);
    close(fd);
}

static void names_of_any_length(void **state)
{
    (void)state;
    char name[300];
    for (size_t nbytes = 230; nbytes <= 255; nbytes++) {
        memset(name, 'n', nbytes);
        name[nbytes] = '\0';
        write_file(in_dir(name), "new");
        write_file(in_dir(name), "newer");
        assert_holds(in_dir(name), "newer");
        assert_int_equal(unlink(in_dir(name)), 0);
    }
    memset(name, 'n', 256);
    name[256] = '\0';
    assert_refused(in_dir(name), ACT_ERR_IO, ENAMETOOLONG, "nnn");
}

static void names_without_a_folder(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(scratch_dir), 0);
    struct act_os_output *output = open_output("here");
    /* The place was chosen when it was opened. */
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(act_os_output_commit(output, true, NULL), ACT_OK);
    act_os_output_close(output);
    assert_int_equal(chdir(before), 0);
    assert_holds(in_dir("here"), "");
}

/* Only a user with fewer rights than root can be refused for want of them. */
static void write_protection_holds(void **state)
{
    (void)state;
    scratch_write(in_dir("protected"), "old", 3);
    assert_int_equal(chmod(in_dir("protected"), 0444), 0);
    assert_int_equal(mkdir(in_dir("closed"), 0555), 0);
    assert_int_equal(chmod(scratch_dir, 0777), 0);
    uid_t user = geteuid();
    if (user == 0)
        assert_int_equal(seteuid(65534), 0);
    if (faccessat(AT_FDCWD, scratch_dir, X_OK, AT_EACCESS) != 0) {
        assert_int_equal(seteuid(user), 0);
        print_message("other users cannot reach %s\n", scratch_dir);
        skip();
    }
    assert_refused(in_dir("protected"), ACT_ERR_IO, EACCES, "replace");
    assert_refused(in_dir("closed/new"), ACT_ERR_IO, EACCES, "beside");
    if (user == 0)
        assert_int_equal(seteuid(user), 0);
    assert_holds(in_dir("protected"), "old");
}

static void a_limit_of_the_file_size_is_an_error(void **state)
{
    (void)state;
    static const char bytes[100000];
    struct rlimit limit, small;
    act_error error = {0};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 50000;
    struct act_os_output *output = open_output(in_dir("new"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    /* The part that fits is written first: one call comes back short, the next one fails. */
    act_status status = act_os_output_write(output, bytes, sizeof(bytes), &error);
    act_status status_at = act_os_output_write_at(output, 49999, "ab", 2, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    act_os_output_close(output);
    assert_int_equal(status, ACT_ERR_IO);
    assert_int_equal(error.os_code, EFBIG);
    assert_int_equal(status_at, ACT_ERR_IO);
    assert_int_equal(scratch_count(scratch_dir), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_file_has_the_permissions_that_the_mask_leaves),
        TEST(a_replaced_file_gives_its_permissions),
        TEST(readers_keep_the_replaced_file),
        TEST(a_folder_that_came_meanwhile_stays),
        TEST(links_are_followed),
        TEST(what_is_no_file_is_refused),
        TEST(a_file_that_lost_its_path_is_refused),
        TEST(names_of_any_length),
        TEST(names_without_a_folder),
        TEST(write_protection_holds),
        TEST(a_limit_of_the_file_size_is_an_error),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
