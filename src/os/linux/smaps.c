/* O_CLOEXEC, major, minor */
#define _DEFAULT_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/linux/smaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
    LINE_NBYTES = 4096 + 256 /* the longest path, and what stands before it */
};

/* The next line, cut where it is too long, without its end. False at the end of the file. */
static bool next_line(FILE *file, char line[LINE_NBYTES])
{
    if (!fgets(line, LINE_NBYTES, file))
        return false;
    size_t length = strcspn(line, "\n");
    if (line[length] == '\0')
        for (int c = getc(file); c != '\n' && c != EOF;)
            c = getc(file);
    line[length] = '\0';
    return true;
}

/* "7f0000000000-7f0000001000 r--s ...": where it ends is `*rest_ret`. */
static bool read_bounds(const char *line, uint64_t *start_ret, uint64_t *end_ret,
                        const char **rest_ret)
{
    char *at;
    if (!strchr("0123456789abcdef", *line))
        return false;
    *start_ret = strtoull(line, &at, 16);
    if (*at++ != '-')
        return false;
    *end_ret = strtoull(at, &at, 16);
    *rest_ret = at;
    return *at == ' ' && *start_ret < *end_ret;
}

struct field {
    const char *name;
    act_amount *amount;
};

/* "Rss:                  12 kB" */
static void add_field(const char *line, const struct field *fields, size_t count)
{
    const char *colon = strchr(line, ':');
    for (size_t i = 0; colon && i < count; i++) {
        size_t length = strlen(fields[i].name);
        if ((size_t)(colon - line) == length && memcmp(line, fields[i].name, length) == 0) {
            fields[i].amount->nbytes += 1024 * (uint64_t)strtoull(colon + 1, NULL, 10);
            fields[i].amount->known = true;
        }
    }
}

void act_os_smaps_usage(const char *smaps, uint64_t start, uint64_t end,
                        struct act_os_usage *usage_ret)
{
    struct act_os_usage usage;
    const struct field fields[] = {
        {"Rss", &usage.rss},
        {"Pss", &usage.pss},
        {"Locked", &usage.locked},
        {"Swap", &usage.swapped},
        {"AnonHugePages", &usage.huge},
        {"ShmemPmdMapped", &usage.huge},
        {"FilePmdMapped", &usage.huge},
        {"Shared_Hugetlb", &usage.huge},
        {"Private_Hugetlb", &usage.huge},
    };
    memset(&usage, 0, sizeof(usage));
    memset(usage_ret, 0, sizeof(*usage_ret));
    FILE *file = fopen(smaps, "re");
    if (!file)
        return;
    bool inside = false, ours = true;
    char line[LINE_NBYTES];
    uint64_t from, to;
    const char *rest;
    while (ours && next_line(file, line)) {
        if (read_bounds(line, &from, &to, &rest)) {
            inside = from < end && to > start;
            ours = !inside || (from >= start && to <= end);
        } else if (inside) {
            add_field(line, fields, sizeof(fields) / sizeof(*fields));
        }
    }
    if (ours && !ferror(file))
        *usage_ret = usage;
    fclose(file);
}

/* Puts the newlines back that the system writes as "\012", in place. */
static void unescape(char *path)
{
    char *to = path;
    for (const char *from = path; *from;) {
        if (strncmp(from, "\\012", 4) == 0) {
            *to++ = '\n';
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The rest of a line of maps: " r--s 00001000 fe:00 1234    /a/path". */
struct mapped_file {
    uint64_t off;
    uint64_t device_major, device_minor;
    uint64_t inode;
    char *path; /* NULL: no file */
};

/* A number, and the character that must follow it. */
static uint64_t number_then(char **at, int base, char follower)
{
    char *end;
    uint64_t number = strtoull(*at, &end, base);
    if (end == *at || *end != follower)
        end = strchr(*at, '\0'); /* nothing comes of what follows */
    else
        end++;
    *at = end;
    return number;
}

static struct mapped_file read_mapped(char *rest)
{
    struct mapped_file mapped;
    char *at = rest + strspn(rest, " ");
    at += strcspn(at, " "); /* the permissions */
    mapped.off = number_then(&at, 16, ' ');
    mapped.device_major = number_then(&at, 16, ':');
    mapped.device_minor = number_then(&at, 16, ' ');
    mapped.inode = number_then(&at, 10, ' ');
    at += strspn(at, " ");
    mapped.path = *at == '/' ? at : NULL;
    return mapped;
}

/* Opens the path, if it still leads to the file that is mapped. */
static int open_same(const struct mapped_file *mapped)
{
    struct stat st;
    unescape(mapped->path);
    int fd = open(mapped->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_ino == mapped->inode &&
        major(st.st_dev) == mapped->device_major && minor(st.st_dev) == mapped->device_minor)
        return fd;
    close(fd);
    return -1;
}

int act_os_maps_open(const char *maps, uint64_t address, uint64_t *off_ret)
{
    FILE *file = fopen(maps, "re");
    if (!file)
        return -1;
    int fd = -1;
    char line[LINE_NBYTES];
    uint64_t from, to;
    const char *rest;
    while (next_line(file, line)) {
        if (!read_bounds(line, &from, &to, &rest) || address < from || address >= to)
            continue;
        struct mapped_file mapped = read_mapped(line + (rest - line));
        if (mapped.path) {
            fd = open_same(&mapped);
            *off_ret = mapped.off + (address - from);
        }
        break;
    }
    fclose(file);
    return fd;
}
