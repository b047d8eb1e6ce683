#define _POSIX_C_SOURCE 200809L

#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupt.h"
#include "message.h"

int cli_temporary_make(struct cli_temporary *temporary)
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

int cli_temporary_copy_out(const struct cli_temporary *temporary, struct cli_out *out)
{
    const char *path = temporary->file;
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

void cli_temporary_remove(const struct cli_temporary *temporary)
{
    unlink(temporary->file);
    rmdir(temporary->folder);
}
