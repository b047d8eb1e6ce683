#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupt.h"
#include "message.h"

struct temporary {
    char folder[4096];
    char file[4096 + 16];
};

static int make(struct temporary *temporary)
{
    if (isatty(STDOUT_FILENO) == 1) {
        cli_say("standard output is a terminal, which is no place for a file");
        return CLI_TROUBLE;
    }
    const char *top = getenv("TMPDIR");
    if (!top || !*top)
        top = "/tmp";
    int nbytes = snprintf(temporary->folder, sizeof(temporary->folder), "%s/actree-XXXXXX", top);
    if (nbytes < 0 || (size_t)nbytes >= sizeof(temporary->folder))
        return cli_fail_os(top, "cannot make a folder in it", ENAMETOOLONG);
    if (!mkdtemp(temporary->folder))
        return cli_fail_os(top, "cannot make a folder in it", errno);
    snprintf(temporary->file, sizeof(temporary->file), "%s/out.act", temporary->folder);
    return CLI_DONE;
}

static int copy_out(const char *path, struct cli_out *out)
{
    uint8_t buffer[16384];
    int status = CLI_DONE;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_fail_os(path, "cannot open", errno);
    while (status == CLI_DONE && !out->os_code && !cli_interrupted()) {
        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n == 0)
            break;
        if (n > 0)
            cli_out_write(out, buffer, (size_t)n);
        else if (errno != EINTR)
            status = cli_fail_os(path, "cannot read", errno);
    }
    close(fd);
    return status;
}

int cli_temporary_output(struct cli_call *call, const char **path_ref, int (*work)(void *context),
                         void *context)
{
    struct temporary temporary;
    int status = make(&temporary);
    if (status != CLI_DONE)
        return status;
    *path_ref = temporary.file;
    call->options.no_sync = true; /* nothing of it stays */
    status = work(context);
    if (status == CLI_DONE)
        status = copy_out(temporary.file, &call->out);
    unlink(temporary.file);
    rmdir(temporary.folder);
    return status;
}
