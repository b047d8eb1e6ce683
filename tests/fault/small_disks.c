#define _GNU_SOURCE
#include "small_disks.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/figures.h"

static unsigned *mounted; /* how many, counted by the process that mounts */

void small_disks_run(int (*work)(void))
{
    fflush(NULL);
    mounted = mmap(NULL, sizeof(*mounted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                   0);
    assert_ptr_not_equal(mounted, MAP_FAILED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
            _exit(SMALL_DISKS_REFUSED);
        _exit(work());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SMALL_DISKS_REFUSED) {
        print_message("only root can mount a small disk\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    figures_add("small_disks", *mounted);
    munmap(mounted, sizeof(*mounted));
}

int small_disks_mount(const char *dir, size_t nbytes)
{
    char options[64];
    snprintf(options, sizeof(options), "size=%zu", nbytes);
    if (mount("none", dir, "tmpfs", 0, options) != 0)
        return SMALL_DISKS_REFUSED;
    ++*mounted;
    return 0;
}
