#include "support/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIGURES_MAX = 32
};

static struct {
    const char *name;
    uint64_t count;
} figures[FIGURES_MAX];

uint64_t figures_wanted(const char *name, uint64_t normal)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text)
        return normal;
    uint64_t wanted = strtoull(text, &end, 10);
    if (*end || !wanted) {
        fprintf(stderr, "%s: not a number above 0: %s\n", name, text);
        exit(2);
    }
    return wanted;
}

void figures_add(const char *name, uint64_t count)
{
    for (size_t i = 0; i < FIGURES_MAX; i++) {
        if (!figures[i].name)
            figures[i].name = name;
        if (strcmp(figures[i].name, name) == 0) {
            figures[i].count += count;
            return;
        }
    }
    fprintf(stderr, "more figures than there is room for: %s\n", name);
    exit(2);
}

void figures_print(void)
{
    printf("FIGURES {");
    for (size_t i = 0; i < FIGURES_MAX && figures[i].name; i++)
        printf("%s\"%s\": %" PRIu64, i ? ", " : "", figures[i].name, figures[i].count);
    printf("}\n");
    fflush(stdout);
}
