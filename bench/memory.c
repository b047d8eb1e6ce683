/* How long the machine takes over one dependent random load from memory, in picoseconds: prints an
 * integer. Lookups in a large file are made of such loads, so this tells a slow machine, or a
 * crowded one, from a slow library. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NLINES ((size_t)1 << 21) /* of 64 bytes: 128 MiB, more than most caches */
#define NLOADS ((size_t)1 << 21)

struct line {
    size_t next;
    char rest[64 - sizeof(size_t)];
};

/* Of CPU time, so that other programs count by their memory traffic alone. */
static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sattolo's shuffle: one cycle through all lines, in random order. */
static void link_lines(struct line *lines)
{
    uint64_t state = 1;

    for (size_t i = 0; i < NLINES; i++)
        lines[i].next = i;
    for (size_t i = NLINES - 1; i > 0; i--) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t other = (size_t)((state >> 32) % i), next = lines[i].next;

        lines[i].next = lines[other].next;
        lines[other].next = next;
    }
}

int main(void)
{
    struct line *lines = malloc(NLINES * sizeof *lines);
    size_t at = 0;
    uint64_t start, ns;

    if (!lines)
        return 2;
    link_lines(lines);
    start = now_ns();
    for (size_t i = 0; i < NLOADS; i++)
        at = lines[at].next;
    ns = now_ns() - start;
    printf("%" PRIu64 "\n", ns * 1000 / NLOADS);
    free(lines);
    /* The compiler must not see that the walk is of no use. */
    return at == NLINES;
}
