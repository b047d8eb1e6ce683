#define _DEFAULT_SOURCE
#define _FILE_OFFSET_BITS 64

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "os/lock.h"

/* Moves past what is there of the text; false if something else is. */
static bool skip(const char **at, const char *text)
{
    size_t nbytes = strlen(text);
    if (strncmp(*at, text, nbytes) != 0)
        return false;
    *at += nbytes;
    return true;
}

/* Moves past a number; 0 where there is none. */
static uint64_t number(const char **at, int base)
{
    char *end;
    uint64_t value = strtoull(*at, &end, base);
    *at = end;
    return value;
}

/*
 * A line is "12: FLOCK  ADVISORY  WRITE 345 fd:01:67890 0 EOF". The process is 0 where it is one of
 * another container's.
 */
static uint64_t holder_in(const char *line, const struct stat *st)
{
    const char *at = strstr(line, "FLOCK");
    if (!at || !(at = strstr(at, "WRITE ")) || !skip(&at, "WRITE "))
        return 0;
    uint64_t process = number(&at, 10);
    bool same = number(&at, 16) == major(st->st_dev) && skip(&at, ":") &&
                number(&at, 16) == minor(st->st_dev) && skip(&at, ":") &&
                number(&at, 10) == st->st_ino;
    return same && process <= INT32_MAX ? process : 0;
}

uint64_t act_os_lock_holder(int fd)
{
    struct stat st;
    char line[256];
    uint64_t holder = 0;
    FILE *locks = fstat(fd, &st) == 0 ? fopen("/proc/locks", "re") : NULL;
    if (!locks)
        return 0;
    while (!holder && fgets(line, sizeof(line), locks))
        holder = holder_in(line, &st);
    fclose(locks);
    return holder;
}
