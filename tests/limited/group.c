#define _POSIX_C_SOURCE 200809L

#include "group.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char outer[3000], inner[3100];

static bool put(const char *folder, const char *file, const char *text)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    bool put = fputs(text, f) >= 0;
    return fclose(f) == 0 && put;
}

/* The folder of this process's group for memory; the file of the limit in it. NULL if unknown. */
static const char *find_outer(void)
{
    const char *limit = NULL;
    char line[2000];
    FILE *f = fopen("/proc/self/cgroup", "r");
    if (!f)
        return NULL;
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        if (strcmp(controllers + 1, "memory") == 0) {
            snprintf(outer, sizeof(outer), "/sys/fs/cgroup/memory%s", path);
            limit = "memory.limit_in_bytes";
            break;
        }
        if (!controllers[1]) {
            snprintf(outer, sizeof(outer), "/sys/fs/cgroup%s", path);
            limit = "memory.max";
        }
    }
    fclose(f);
    return limit;
}

const char *group_enter(uint64_t limit_nbytes)
{
    char number[32];
    const char *limit = find_outer();
    if (!limit)
        return "no control group for memory";
    snprintf(inner, sizeof(inner), "%s/actree-test-%ld", outer, (long)getpid());
    if (mkdir(inner, 0755) != 0)
        return "no right to make a control group";
    snprintf(number, sizeof(number), "%llu", (unsigned long long)limit_nbytes);
    if (put(inner, limit, number) && put(inner, "cgroup.procs", "0"))
        return NULL;
    rmdir(inner);
    return "control groups here have no limits of memory";
}

void group_leave(void)
{
    put(outer, "cgroup.procs", "0");
    rmdir(inner);
}
