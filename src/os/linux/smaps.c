#include "os/linux/smaps.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/*
 * Adds up the mappings of a file like /proc/self/smaps that have a part between two addresses.
 * False if it cannot be read. `*beyond_ret`: one of them reaches beyond.
 */
static bool add_up(const char *smaps, uint64_t start, uint64_t end, struct act_os_usage *usage,
                   bool *beyond_ret)
{
    const struct field fields[] = {
        {"Rss", &usage->rss},
        {"Pss", &usage->pss},
        {"Locked", &usage->locked},
        {"Swap", &usage->swapped},
        {"AnonHugePages", &usage->huge},
        {"ShmemPmdMapped", &usage->huge},
        {"FilePmdMapped", &usage->huge},
        {"Shared_Hugetlb", &usage->huge},
        {"Private_Hugetlb", &usage->huge},
    };
    memset(usage, 0, sizeof(*usage));
    *beyond_ret = false;
    FILE *file = fopen(smaps, "re");
    if (!file)
        return false;
    bool inside = false;
    char line[LINE_NBYTES];
    uint64_t from, to;
    const char *rest;
    while (next_line(file, line)) {
        if (read_bounds(line, &from, &to, &rest)) {
            inside = from < end && to > start;
            *beyond_ret |= inside && (from < start || to > end);
        } else if (inside) {
            add_field(line, fields, sizeof(fields) / sizeof(*fields));
        }
    }
    bool read = !ferror(file);
    fclose(file);
    return read;
}

void act_os_smaps_usage(const char *smaps, uint64_t start, uint64_t end,
                        struct act_os_usage *usage_ret)
{
    bool beyond;
    if (!add_up(smaps, start, end, usage_ret, &beyond) || beyond)
        memset(usage_ret, 0, sizeof(*usage_ret));
}

uint64_t act_os_smaps_huge(const char *smaps, uint64_t start, uint64_t end)
{
    struct act_os_usage usage;
    bool beyond;
    if (!add_up(smaps, start, end, &usage, &beyond))
        return 0;
    return usage.huge.nbytes < end - start ? usage.huge.nbytes : end - start;
}
