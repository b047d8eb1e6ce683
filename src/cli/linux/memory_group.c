/* MAP_ANONYMOUS, O_CLOEXEC */
#define _GNU_SOURCE

#include "memory_group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"

enum {
    SHARED_NBYTES = 4096,
    NAME_NBYTES = PATH_MAX + 64,
    NOT_ENTERED = 120 /* exit status of a process that could not enter the group */
};

struct group {
    char folder[PATH_MAX]; /* of the new group */
    const char *limit_name;
};

static bool put(const char *folder, const char *name, const char *text)
{
    char path[NAME_NBYTES];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t nbytes = write(fd, text, strlen(text));
    close(fd);
    return nbytes == (ssize_t)strlen(text);
}

/* Where this process's group for memory is; false if there is none. */
static bool find_own(char folder[PATH_MAX], bool *second_ret)
{
    char line[PATH_MAX];
    bool found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    *second_ret = false;
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        bool first = strcmp(controllers + 1, "memory") == 0;
        /* Version 2 has no names there; where the first has memory, the second has not. */
        if (first || (!found && !controllers[1])) {
            int nbytes = snprintf(folder, PATH_MAX, "/sys/fs/cgroup%s%s", first ? "/memory" : "",
                                  path);
            found = nbytes > 0 && nbytes < PATH_MAX;
            *second_ret = !first;
        }
        if (first)
            break;
    }
    if (file)
        fclose(file);
    return found;
}

/* NULL, or why there is no group. */
static const char *make_group(uint64_t limit_nbytes, struct group *group)
{
    char own[PATH_MAX];
    char number[32];
    bool second;
    if (!find_own(own, &second))
        return "there is no control group for memory";
    if (second)
        (void)put(own, "cgroup.subtree_control", "+memory"); /* mostly it is there already */
    int nbytes = snprintf(group->folder, sizeof(group->folder), "%s/actree-%ld", own,
                          (long)getpid());
    if (nbytes < 0 || (size_t)nbytes >= sizeof(group->folder) || mkdir(group->folder, 0755) != 0)
        return "a control group cannot be made here";
    group->limit_name = second ? "memory.max" : "memory.limit_in_bytes";
    snprintf(number, sizeof(number), "%llu", (unsigned long long)limit_nbytes);
    if (put(group->folder, group->limit_name, number))
        return NULL;
    rmdir(group->folder);
    return "control groups have no limit of memory here";
}

static void remove_group(const struct group *group)
{
    /* A process that has ended may be in it for a moment yet. */
    for (int i = 0; i < 100 && rmdir(group->folder) != 0 && errno == EBUSY; i++)
        usleep(10000);
}

/* In the new process. */
_Noreturn static void work_inside(const struct group *group, int (*work)(void *, void *),
                                  void *context, void *shared)
{
    if (!put(group->folder, "cgroup.procs", "0"))
        _exit(NOT_ENTERED);
    _exit(work(context, shared) ? 1 : 0);
}

enum cli_limited cli_memory_limited(uint64_t limit_nbytes, int (*work)(void *context, void *result),
                                    void *context, void *result, size_t result_nbytes,
                                    const char **why_ret)
{
    struct group group;
    int status = 0;
    *why_ret = make_group(limit_nbytes, &group);
    if (*why_ret)
        return CLI_LIMITED_UNAVAILABLE;
    void *shared = mmap(NULL, SHARED_NBYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                        0);
    pid_t child = shared == MAP_FAILED ? -1 : fork();
    if (child == 0)
        work_inside(&group, work, context, shared);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
        if (cli_interrupted())
            kill(child, SIGKILL);
    }
    remove_group(&group);
    if (child > 0)
        memcpy(result, shared, result_nbytes);
    if (shared != MAP_FAILED)
        munmap(shared, SHARED_NBYTES);
    if (child < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ENTERED)) {
        *why_ret = child < 0 ? "no process can be made" : "no process can be put into a group";
        return CLI_LIMITED_UNAVAILABLE;
    }
    if (WIFSIGNALED(status))
        return CLI_LIMITED_KILLED;
    return WEXITSTATUS(status) ? CLI_LIMITED_FAILED : CLI_LIMITED_DONE;
}
