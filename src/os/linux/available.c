/* sysinfo, O_CLOEXEC */
#define _DEFAULT_SOURCE

#include "os/linux/available.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "os/memory.h"

enum {
    TEXT_NBYTES = 4096, /* of a file: what lies beyond is not read */
    NAME_NBYTES = 4096
};

/* Reads the start of a file as a string; false when that fails. */
static bool read_text(const char *file, char text[TEXT_NBYTES])
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t nbytes = read(fd, text, TEXT_NBYTES - 1);
    close(fd);
    if (nbytes < 0)
        return false;
    text[nbytes] = '\0';
    return true;
}

/* The number that a text starts with; UINT64_MAX for "max" and whatever else is none. */
static uint64_t number_of(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    return end == text || errno ? UINT64_MAX : (uint64_t)number;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* "MemAvailable:   12345 kB" */
uint64_t act_os_meminfo_available(const char *meminfo)
{
    static const char label[] = "\nMemAvailable:";
    char text[TEXT_NBYTES];
    if (!read_text(meminfo, text))
        return UINT64_MAX;
    const char *at = strstr(text, label);
    uint64_t kib = at ? number_of(at + sizeof(label) - 1) : UINT64_MAX;
    return kib > UINT64_MAX / 1024 ? UINT64_MAX : kib * 1024;
}

/*
 * The least limit from a group up to the mount. In a container the group may be named as seen from
 * outside, and not be there: then the mount itself is the container's.
 */
static uint64_t group_limit(const char *mount, const char *group, const char *file)
{
    char folder[NAME_NBYTES];
    char name[2 * NAME_NBYTES];
    int length = snprintf(folder, sizeof(folder), "%s%s", mount, group);
    if (length < 0 || (size_t)length >= sizeof(folder))
        return UINT64_MAX;
    uint64_t limit = UINT64_MAX;
    for (;;) {
        char text[TEXT_NBYTES];
        (void)snprintf(name, sizeof(name), "%s/%s", folder, file);
        if (read_text(name, text))
            limit = least(limit, number_of(text));
        char *slash = strrchr(folder + strlen(mount), '/');
        if (!slash)
            return limit;
        *slash = '\0';
    }
}

/* Whether a list of controllers, "cpu,memory", has that of memory in it. */
static bool is_memory(const char *controllers)
{
    const char *at = strstr(controllers, "memory");
    return at && (at == controllers || at[-1] == ',') && (at[6] == '\0' || at[6] == ',');
}

/* One line of /proc/self/cgroup: "4:memory:/a/b", or "0::/a/b" of version 2. */
static uint64_t line_limit(const char *mounts, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return UINT64_MAX;
    controllers++;
    *group++ = '\0';
    if (!*controllers)
        return group_limit(mounts, group, "memory.max");
    char mount[NAME_NBYTES];
    int length = snprintf(mount, sizeof(mount), "%s/memory", mounts);
    if (length < 0 || (size_t)length >= sizeof(mount) || !is_memory(controllers))
        return UINT64_MAX;
    return group_limit(mount, group, "memory.limit_in_bytes");
}

uint64_t act_os_group_limit(const char *groups, const char *mounts)
{
    char text[TEXT_NBYTES];
    uint64_t limit = UINT64_MAX;
    if (!read_text(groups, text))
        return limit;
    char *rest;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        limit = least(limit, line_limit(mounts, line));
    return limit;
}

/* /proc/meminfo takes longer than all else: sysinfo is asked first. */
uint64_t act_os_memory_available(uint64_t enough)
{
    struct sysinfo system;
    uint64_t limit = act_os_group_limit("/proc/self/cgroup", "/sys/fs/cgroup");
    uint64_t total = UINT64_MAX;
    if (sysinfo(&system) == 0)
        total = (uint64_t)system.totalram * system.mem_unit;
    if (total != UINT64_MAX && enough < total / 16)
        return least(limit, total);
    return least(limit, act_os_meminfo_available("/proc/meminfo"));
}
