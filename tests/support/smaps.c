#include "support/smaps.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

uint64_t smaps_nbytes(const char *name, const char *permissions, const char *label)
{
    uint64_t kib = 0;
    bool within = false;
    char line[4096];
    FILE *f = fopen("/proc/self/smaps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (!(line[0] >= 'A' && line[0] <= 'Z'))
            within = strstr(line, name) && (!permissions || strstr(line, permissions));
        else if (within && strncmp(line, label, strlen(label)) == 0 && line[strlen(label)] == ':')
            kib += strtoull(line + strlen(label) + 1, NULL, 10);
    }
    fclose(f);
    return kib * 1024;
}
