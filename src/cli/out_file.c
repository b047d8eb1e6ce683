/* realpath, mkstemp */
#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include "out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

struct target {
    const char *name; /* for messages */
    char *path;       /* what a symbolic link leads to */
    bool exists;
    struct stat st; /* if it does */
};

static bool is_argument(const struct cli_call *call, const struct target *target)
{
    struct stat st;
    for (size_t i = 0; target->exists && i < call->argument_count; i++)
        if (stat(call->arguments[i], &st) == 0 && st.st_dev == target->st.st_dev &&
            st.st_ino == target->st.st_ino)
            return true;
    return false;
}

/* Writes to a file that is open, and closes it. Returns an errno, or 0. */
static int write_to(int fd, void (*print)(struct cli_out *out, const void *context),
                    const void *context)
{
    struct cli_out out;
    int os_code = ENOMEM;
    if (cli_out_open(&out, fd)) {
        print(&out, context);
        cli_out_flush(&out);
        os_code = out.os_code;
        cli_out_close(&out);
    }
    if (close(fd) != 0 && !os_code)
        os_code = errno;
    return os_code;
}

/* To a file beside, which then takes the name. Returns an errno, or 0. */
static int replace(const struct target *target,
                   void (*print)(struct cli_out *out, const void *context), const void *context)
{
    static const char end[] = ".XXXXXX";
    size_t nbytes = strlen(target->path);
    char *beside = malloc(nbytes + sizeof(end));
    if (!beside)
        return ENOMEM;
    memcpy(beside, target->path, nbytes);
    memcpy(beside + nbytes, end, sizeof(end));
    int fd = mkstemp(beside);
    int os_code = fd < 0 ? errno : 0;
    if (!os_code) {
        mode_t hidden = umask(0);
        umask(hidden);
        /* Where that cannot be done, it is for its owner alone. */
        (void)fchmod(fd, target->exists ? target->st.st_mode & 07777 : 0666 & ~hidden);
        os_code = write_to(fd, print, context);
        if (!os_code && rename(beside, target->path) != 0)
            os_code = errno;
        if (os_code)
            unlink(beside);
    }
    free(beside);
    return os_code;
}

int cli_out_file(struct cli_call *call, void (*print)(struct cli_out *out, const void *context),
                 const void *context)
{
    struct target target = {.name = call->options.output};
    if (!target.name || strcmp(target.name, "-") == 0) {
        print(&call->out, context);
        return CLI_DONE;
    }
    target.exists = stat(target.name, &target.st) == 0;
    if (is_argument(call, &target))
        return cli_usage_error(call->verb->name, "%s is what is read: it is not written over",
                               target.name);
    int os_code;
    if (target.exists && !S_ISREG(target.st.st_mode)) {
        int fd = open(target.name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        os_code = fd < 0 ? errno : write_to(fd, print, context);
    } else {
        target.path = target.exists ? realpath(target.name, NULL) : strdup(target.name);
        os_code = target.path ? replace(&target, print, context) : errno;
        free(target.path);
    }
    return os_code ? cli_fail_os(target.name, "cannot write", os_code) : CLI_DONE;
}
