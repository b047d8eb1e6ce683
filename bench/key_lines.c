/* getline */
#define _POSIX_C_SOURCE 200809L

#include "key_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int key_lines_load(const char *path, struct key_lines *lines)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0, keys_room = 0;
    ssize_t n;

    if (!file)
        return -1;
    while ((n = getline(&line, &room, file)) > 0) {
        if (lines->count == keys_room) {
            keys_room = keys_room ? 2 * keys_room : 4096;
            lines->keys = realloc(lines->keys, keys_room * sizeof(*lines->keys));
        }
        size_t nbytes = (size_t)n - (line[n - 1] == '\n');
        char *key = malloc(nbytes + 1);
        if (!lines->keys || !key)
            exit(2);
        memcpy(key, line, nbytes);
        lines->keys[lines->count++] = (act_slice){key, nbytes};
    }
    free(line);
    fclose(file);
    lines->values = malloc((lines->count + 1) * sizeof(*lines->values));
    return lines->values && lines->count ? 0 : -1;
}
