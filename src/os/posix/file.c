/* POSIX.1-2008, and files beyond 2 GiB where off_t would be 32 bits. */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "os/posix/calls.h"
#include "os/random.h"
#include "os/unnamed.h"

enum {
    NAME_NBYTES_MAX = 255,             /* of one part of a path, on the systems that matter */
    TEMP_EXTRA_NBYTES = 1 + 1 + 8 + 4, /* ".NAME.XXXXXXXX.tmp" */
    TEMP_TRIES = 100,
    LINKS_MAX = 40,
    PERMISSIONS = 0777
};

struct act_os_output {
    int folder_fd;
    int fd;           /* -1 once closed */
    char *path;       /* of the file that is to appear, links followed */
    const char *name; /* the last part of it */
    bool replaces;    /* there was a file when this began */
    mode_t mode;      /* its permissions */
    bool unnamed;
    char temp_name[NAME_NBYTES_MAX + 1]; /* empty while there is no such file */
    char quoted[ACT_QUOTED_NBYTES];
};

/* ------------------------------------------------------------------------- finding the place */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What a symbolic link holds, as a path from where `path` is; NULL and errno on failure. */
static char *read_link(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder_nbytes = slash ? (size_t)(slash - path) + 1 : 0;
    for (size_t capacity = 256;; capacity *= 2) {
        char *joined = malloc(folder_nbytes + capacity);
        if (!joined)
            return NULL;
        ssize_t n = readlink(path, joined + folder_nbytes, capacity);
        if (n < 0) {
            int os_code = errno;
            free(joined);
            errno = os_code;
            return NULL;
        }
        if ((size_t)n == capacity) {
            free(joined);
            continue;
        }
        joined[folder_nbytes + (size_t)n] = '\0';
        if (joined[folder_nbytes] == '/')
            memmove(joined, joined + folder_nbytes, (size_t)n + 1);
        else
            memcpy(joined, path, folder_nbytes);
        return joined;
    }
}

/* Follows the links at `path` to something that is none, there or not; NULL and errno. */
static char *follow_links(const char *path)
{
    size_t nbytes = strlen(path) + 1;
    char *at = malloc(nbytes);
    if (at)
        memcpy(at, path, nbytes);
    for (int i = 0; at; i++) {
        struct stat st;
        bool found = lstat(at, &st) == 0;
        if (found ? !S_ISLNK(st.st_mode) : errno == ENOENT)
            return at;
        char *next = NULL;
        if (found && i == LINKS_MAX)
            errno = ELOOP;
        else if (found)
            next = read_link(at);
        int os_code = errno;
        free(at);
        errno = os_code;
        at = next;
    }
    return NULL;
}

/* Checks what is at the path now, if anything. */
static act_status examine(struct act_os_output *output, const char *path, act_error *error)
{
    struct stat st, st_followed;
    if (stat(path, &st) != 0) {
        if (errno == ENOENT)
            return ACT_OK;
        return act_fail_os(error, errno, "cannot examine %s", output->quoted);
    }
    act_status status = act_posix_check_regular(&st, output->quoted, error);
    if (status != ACT_OK)
        return status;
    /* Links below /proc need not hold the path of what they lead to. */
    bool found = stat(output->path, &st_followed) == 0;
    if (!found && errno != ENOENT)
        return act_fail_os(error, errno, "cannot examine %s", output->quoted);
    if (!found || !same_file(&st, &st_followed))
        return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET,
                        "%s leads to a file that has no path", output->quoted);
    /* A file may be renamed over one that is write-protected; its owner would not expect it. */
    if (faccessat(AT_FDCWD, output->path, W_OK, AT_EACCESS) != 0)
        return act_fail_os(error, errno, "cannot replace %s", output->quoted);
    output->replaces = true;
    output->mode = st.st_mode & PERMISSIONS;
    return ACT_OK;
}

/* Opens the folder that `output->path` is in. */
static act_status open_folder(struct act_os_output *output, act_error *error)
{
    char *slash = strrchr(output->path, '/');
    output->name = slash ? slash + 1 : output->path;
    if (!*output->name)
        return act_fail_os(error, *output->path ? EISDIR : ENOENT, "cannot create %s",
                           output->quoted);
    const char *folder = slash ? output->path : ".";
    char *end = slash == output->path ? slash + 1 : slash; /* the root's slash is its name */
    char kept = '\0';
    if (slash) {
        kept = *end;
        *end = '\0';
    }
    do {
        output->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (output->folder_fd < 0 && errno == EINTR);
    int os_code = errno;
    if (slash)
        *end = kept;
    if (output->folder_fd < 0)
        return act_fail_os(error, os_code, "cannot open the folder of %s", output->quoted);
    return ACT_OK;
}

/* ---------------------------------------------------------------------------- temporary names */

static void make_temp_name(struct act_os_output *output)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    const char *name = output->name;
    if (strlen(name) + TEMP_EXTRA_NBYTES > NAME_NBYTES_MAX)
        name = "actree"; /* to cut it might leave half a character */
    uint64_t bits = act_os_random();
    char random[9] = {0};
    for (int i = 0; i < 8; i++, bits >>= 5)
        random[i] = digits[bits & 31];
    snprintf(output->temp_name, sizeof(output->temp_name), ".%s.%s.tmp", name, random);
}

/* Makes a new file under a temporary name, or gives the unnamed one such a name. -1 and errno. */
static int enter_temp_name(struct act_os_output *output)
{
    int result = -1;
    for (int i = 0; i < TEMP_TRIES; i++) {
        make_temp_name(output);
        if (output->unnamed)
            result = act_os_unnamed_link(output->fd, output->folder_fd, output->temp_name);
        else
            result = openat(output->folder_fd, output->temp_name,
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                            output->replaces ? 0600 : 0666);
        if (result >= 0)
            return result;
        if (errno != EEXIST && errno != EINTR)
            break;
    }
    output->temp_name[0] = '\0';
    return result;
}

static act_status create(struct act_os_output *output, act_error *error)
{
    /* What replaces a private file is private from the start. */
    output->fd = act_os_unnamed_open(output->folder_fd, output->replaces ? 0600 : 0666);
    if (output->fd >= 0) {
        output->unnamed = true;
        return ACT_OK;
    }
    output->fd = enter_temp_name(output);
    if (output->fd < 0)
        return act_fail_os(error, errno, "cannot create a file beside %s", output->quoted);
    return ACT_OK;
}

act_status act_os_output_open(const char *path, struct act_os_output **output_ret, act_error *error)
{
    *output_ret = NULL;
    struct act_os_output *output = calloc(1, sizeof(*output));
    if (!output)
        return act_fail_nomem(error);
    output->fd = -1;
    output->folder_fd = -1;
    act_quote(output->quoted, path, strlen(path));
    output->path = follow_links(path);
    act_status status = output->path ? ACT_OK
                                     : act_fail_os(error, errno, "cannot find %s", output->quoted);
    if (status == ACT_OK)
        status = examine(output, path, error);
    if (status == ACT_OK)
        status = open_folder(output, error);
    if (status == ACT_OK)
        status = create(output, error);
    if (status != ACT_OK)
        act_os_output_close(output);
    else
        *output_ret = output;
    return status;
}

/* ----------------------------------------------------------------------------------- writing */

/* The most that is asked of one call: Linux takes 2^31 - 4096 bytes, macOS less than 2^31. */
#define WRITE_NBYTES_MAX ((size_t)1 << 30)

static act_status fail_write(const struct act_os_output *output, int os_code, act_error *error)
{
    return act_fail_os(error, os_code, "cannot write %s", output->quoted);
}

act_status act_os_output_write(struct act_os_output *output, const void *bytes, size_t nbytes,
                               act_error *error)
{
    const uint8_t *p = bytes;
    while (nbytes) {
        ssize_t n = write(output->fd, p, nbytes < WRITE_NBYTES_MAX ? nbytes : WRITE_NBYTES_MAX);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_write(output, n < 0 ? errno : EIO, error);
        p += n;
        nbytes -= (size_t)n;
    }
    return ACT_OK;
}

act_status act_os_output_write_at(struct act_os_output *output, uint64_t off, const void *bytes,
                                  size_t nbytes, act_error *error)
{
    int os_code = act_posix_write_at(output->fd, bytes, nbytes, off);
    return os_code ? fail_write(output, os_code, error) : ACT_OK;
}

/* -------------------------------------------------------------------------------- completing */

/* Closes the file; -1 and errno when the system only now tells that data did not arrive. */
static int close_file(struct act_os_output *output)
{
    int fd = output->fd;
    output->fd = -1;
    /* After EINTR the descriptor is gone on Linux, and closing it again might hit another's. */
    return close(fd) != 0 && errno != EINTR ? -1 : 0;
}

/* Puts the written file at its path. */
static act_status put_in_place(struct act_os_output *output, act_error *error)
{
    /* Where nothing is to be replaced, an unnamed file needs no other name on its way. */
    if (output->unnamed && !output->replaces &&
        act_os_unnamed_link(output->fd, output->folder_fd, output->name) == 0) {
        if (close_file(output) == 0)
            return ACT_OK;
        int os_code = errno;
        unlinkat(output->folder_fd, output->name, 0);
        return fail_write(output, os_code, error);
    }
    if (output->unnamed && enter_temp_name(output) < 0)
        return act_fail_os(error, errno, "cannot name a file beside %s", output->quoted);
    if (close_file(output) != 0)
        return fail_write(output, errno, error);
    if (renameat(output->folder_fd, output->temp_name, output->folder_fd, output->name) != 0)
        return act_fail_os(error, errno, "cannot put %s in place", output->quoted);
    output->temp_name[0] = '\0';
    return ACT_OK;
}

act_status act_os_output_commit(struct act_os_output *output, bool sync, act_error *error)
{
    if (output->replaces && fchmod(output->fd, output->mode) != 0)
        return act_fail_os(error, errno, "cannot give %s its permissions", output->quoted);
    if (sync && act_posix_sync(output->fd) != 0)
        return fail_write(output, errno, error);
    act_status status = put_in_place(output, error);
    if (status != ACT_OK)
        return status;
    /* Some file systems have no way to sync a folder, and say so by EINVAL. */
    if (sync && act_posix_sync(output->folder_fd) != 0 && errno != EINVAL)
        return act_fail_os(error, errno, "%s is in place, but may not outlive a power cut",
                           output->quoted);
    return ACT_OK;
}

void act_os_output_close(struct act_os_output *output)
{
    if (!output)
        return;
    if (output->fd >= 0)
        close(output->fd);
    if (output->temp_name[0])
        unlinkat(output->folder_fd, output->temp_name, 0);
    if (output->folder_fd >= 0)
        close(output->folder_fd);
    free(output->path);
    free(output);
}
