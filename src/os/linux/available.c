/* sysinfo, O_CLOEXEC, CLOCK_MONOTONIC_COARSE */
#define _DEFAULT_SOURCE

#include "os/linux/available.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "os/memory.h"

enum {
    TEXT_NBYTES = 4096, /* of a file: what lies beyond is not read */
    STAT_NBYTES = 16384,
    NAME_NBYTES = 4096,
    KEPT_NS = 100000000
};

/* Limits from here on are none: version 1 has a large number for that. */
#define NO_LIMIT ((uint64_t)1 << 62)

/* Reads the start of a file as a string; false when that fails. */
static bool read_text(const char *file, char *text, size_t text_nbytes)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t nbytes = read(fd, text, text_nbytes - 1);
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
    if (!read_text(meminfo, text, sizeof(text)))
        return UINT64_MAX;
    const char *at = strstr(text, label);
    uint64_t kib = at ? number_of(at + sizeof(label) - 1) : UINT64_MAX;
    return kib > UINT64_MAX / 1024 ? UINT64_MAX : kib * 1024;
}

/* What a version of control groups calls its files. */
struct version {
    const char *limits[2]; /* the second one may be NULL */
    const char *used;
    const char *cached[2]; /* labels in memory.stat: files that can be thrown out */
};

static const struct version first_version = {{"memory.limit_in_bytes", NULL},
                                             "memory.usage_in_bytes",
                                             {"\ntotal_inactive_file ", "\ntotal_active_file "}};
/* From memory.high on a group is slowed down, and thrown out of memory. */
static const struct version second_version = {
    {"memory.max", "memory.high"}, "memory.current", {"\ninactive_file ", "\nactive_file "}};

/* The number in a file of a folder; `otherwise` if there is none. */
static uint64_t number_in(const char *folder, const char *file, uint64_t otherwise)
{
    char name[NAME_NBYTES + 64];
    char text[TEXT_NBYTES];
    (void)snprintf(name, sizeof(name), "%s/%s", folder, file);
    if (!read_text(name, text, sizeof(text)))
        return otherwise;
    uint64_t number = number_of(text);
    return number == UINT64_MAX ? otherwise : number;
}

/* What a group has taken and cannot give back for the asking: all but files. */
static uint64_t held_in(const char *folder, const struct version *version)
{
    char name[NAME_NBYTES + 64];
    char text[STAT_NBYTES];
    uint64_t held = number_in(folder, version->used, 0);
    (void)snprintf(name, sizeof(name), "%s/memory.stat", folder);
    if (!read_text(name, text, sizeof(text)))
        return held;
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(text, version->cached[i]);
        uint64_t cached = at ? number_of(at + strlen(version->cached[i])) : 0;
        held -= least(held, cached);
    }
    return held;
}

/*
 * The least limit from a group up to the mount; with `left`, less what the group has taken. In a
 * container the group may be named as seen from outside, and not be there: then the mount itself is
 * the container's.
 */
static uint64_t group_limit(const char *mount, const char *group, const struct version *version,
                            bool left)
{
    char folder[NAME_NBYTES];
    int length = snprintf(folder, sizeof(folder), "%s%s", mount, group);
    if (length < 0 || (size_t)length >= sizeof(folder))
        return UINT64_MAX;
    uint64_t limit = UINT64_MAX;
    for (;;) {
        uint64_t own = UINT64_MAX;
        for (int i = 0; i < 2 && version->limits[i]; i++)
            own = least(own, number_in(folder, version->limits[i], UINT64_MAX));
        if (left && own < NO_LIMIT)
            own -= least(own, held_in(folder, version));
        limit = least(limit, own);
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

/*
 * One line of /proc/self/cgroup: "4:memory:/a/b", or "0::/a/b" of version 2, which comes last, and
 * has the controllers that the lines before it have not.
 */
static uint64_t line_limit(const char *mounts, char *line, bool left, bool *found_ref)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return UINT64_MAX;
    controllers++;
    *group++ = '\0';
    if (!*controllers)
        return *found_ref ? UINT64_MAX : group_limit(mounts, group, &second_version, left);
    char mount[NAME_NBYTES];
    int length = snprintf(mount, sizeof(mount), "%s/memory", mounts);
    if (length < 0 || (size_t)length >= sizeof(mount) || !is_memory(controllers))
        return UINT64_MAX;
    *found_ref = true;
    return group_limit(mount, group, &first_version, left);
}

uint64_t act_os_group_limit(const char *groups, const char *mounts, bool left)
{
    char text[TEXT_NBYTES];
    uint64_t limit = UINT64_MAX;
    if (!read_text(groups, text, sizeof(text)))
        return limit;
    char *rest;
    bool found = false;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        limit = least(limit, line_limit(mounts, line, left, &found));
    return limit;
}

/* What of that limit was not taken yet. */
static uint64_t own_group_left(void)
{
    return act_os_group_limit("/proc/self/cgroup", "/sys/fs/cgroup", true);
}

/* Of this process, as the system says. */
static uint64_t own_group_limit(void)
{
    return act_os_group_limit("/proc/self/cgroup", "/sys/fs/cgroup", false);
}

static uint64_t meminfo_available(void)
{
    return act_os_meminfo_available("/proc/meminfo");
}

/* An answer that is kept for a while, by the process that asked: its children may have moved to
 * another group. Threads may overwrite each other's, which are as good. */
struct answer {
    atomic_uint_least64_t until_ns; /* 0: none yet */
    atomic_uint_least64_t value;
    atomic_intmax_t process;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0)
        return UINT64_MAX;
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The answer that is kept, or asks anew. */
static uint64_t answer_of(struct answer *answer, uint64_t (*ask)(void))
{
    uint64_t now = now_ns();
    intmax_t process = getpid();
    if (now < atomic_load(&answer->until_ns) && atomic_load(&answer->process) == process)
        return atomic_load(&answer->value);
    uint64_t value = ask();
    atomic_store(&answer->until_ns, 0);
    atomic_store(&answer->value, value);
    atomic_store(&answer->process, process);
    atomic_store(&answer->until_ns, now == UINT64_MAX ? 0 : now + KEPT_NS);
    return value;
}

/* /proc/meminfo takes longer than all else: sysinfo is asked first. */
uint64_t act_os_memory_available(uint64_t enough, bool lately)
{
    static struct answer group, meminfo;
    struct sysinfo system;
    uint64_t limit = lately ? answer_of(&group, own_group_limit) : own_group_left();
    uint64_t total = UINT64_MAX;
    if (sysinfo(&system) == 0)
        total = (uint64_t)system.totalram * system.mem_unit;
    if (total != UINT64_MAX && enough < total / 16)
        return least(limit, total);
    return least(limit, lately ? answer_of(&meminfo, meminfo_available) : meminfo_available());
}
