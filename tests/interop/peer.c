/*
 * The library, asked command by command over one pipe, as reference/src/main.rs is: one process for
 * many maps. A body is lines and a line with a dot alone; answers end in a dot too, or are one line
 * that begins with "error". Keys are lowercase hex, the empty key is "-".
 *
 *   write FILE    a body of edits, "set KEY VALUE" and "path KEY", in any order. Answer: the size
 *   write-indexed FILE, write-compact FILE
 *                 the same for files of these layouts
 *   merge FILE    a body of edits, "set KEY VALUE" and "remove KEY", in any order, each key once.
 *                 Answer: the size
 *   history FILE  answer: the roots, newest first
 *   dump FILE     answer: KEY VALUE, for each entry in order
 *   leaves FILE   the same with KEY -, for each path that ends without a value
 *   get FILE      a body of keys. Answer: a value or - for each
 *   verify FILE   answer: nothing, if it is sound
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/entries.h"
#include "support/hex.h"

/* A line of the input without its end; NULL behind the last. Valid until the next call. */
static char *next_line(void)
{
    static char *line;
    static size_t capacity;
    ssize_t nbytes = getline(&line, &capacity, stdin);
    if (nbytes <= 0) {
        free(line);
        line = NULL;
        return NULL;
    }
    if (line[nbytes - 1] == '\n')
        line[nbytes - 1] = '\0';
    return line;
}

/* The next line of a body; NULL at its dot. */
static char *next_in_body(void)
{
    char *line = next_line();
    return line && strcmp(line, ".") != 0 ? line : NULL;
}

/* The key that a word stands for. Valid until the next call. */
static const uint8_t *decode(const char *word, size_t *nbytes_ret)
{
    static uint8_t key[1 << 20];
    size_t digits = strcspn(word, " ");
    if (word[0] == '-')
        digits = 0;
    if (digits / 2 > sizeof(key) || !hex_decode(word, digits, key)) {
        fprintf(stderr, "peer: no key: %.100s\n", word);
        exit(2);
    }
    *nbytes_ret = digits / 2;
    return key;
}

static void print_key(const uint8_t *key, size_t nbytes)
{
    if (nbytes == 0)
        putchar('-');
    for (size_t i = 0; i < nbytes; i++)
        printf("%02x", key[i]);
}

static int print_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)context;
    print_key(key, key_nbytes);
    printf(" %llu\n", (unsigned long long)value);
    return 0;
}

/* Takes the whole body, then writes. */
static act_status do_write(const char *path, act_layout layout, act_error *error)
{
    (void)error; /* build_file tells by itself what goes wrong */
    struct entries entries = {0};
    for (char *line; (line = next_in_body()) != NULL;) {
        size_t nbytes;
        bool set = strncmp(line, "set ", 4) == 0;
        char *word = strchr(line, ' ') + 1;
        const uint8_t *key = decode(word, &nbytes);
        if (set)
            entries_add(&entries, key, nbytes, strtoull(strchr(word, ' '), NULL, 10));
        else
            entries_add_path(&entries, key, nbytes);
    }
    entries_sort(&entries);
    act_build_report report;
    build_file(&entries, path, layout, &report);
    entries_free(&entries);
    printf("%llu\n", (unsigned long long)report.file_nbytes);
    return ACT_OK;
}

/* Takes the whole body, then merges; a path stands for a key to remove. */
static act_status do_merge(const char *path, act_error *error)
{
    struct entries entries = {0};
    for (char *line; (line = next_in_body()) != NULL;) {
        size_t nbytes;
        char *word = strchr(line, ' ') + 1;
        const uint8_t *key = decode(word, &nbytes);
        if (line[0] == 's')
            entries_add(&entries, key, nbytes, strtoull(strchr(word, ' '), NULL, 10));
        else
            entries_add_path(&entries, key, nbytes);
    }
    entries_sort(&entries);
    act_merge *merge;
    act_merge_options options = {.no_sync = true};
    act_merge_report report;
    act_status status = act_merge_open(path, &options, &merge, error);
    for (size_t i = 0; status == ACT_OK && i < entries.count; i++) {
        const struct entry *e = &entries.items[i];
        status = e->has_value ? act_merge_set(merge, e->key, e->key_nbytes, e->value, error)
                              : act_merge_remove(merge, e->key, e->key_nbytes, error);
    }
    if (status == ACT_OK)
        status = act_merge_finish(merge, &report, error);
    act_merge_close(merge);
    entries_free(&entries);
    if (status == ACT_OK)
        printf("%llu\n", (unsigned long long)report.file_nbytes);
    return status;
}

static int print_root(void *context, uint64_t root, uint64_t file_nbytes)
{
    (void)context;
    (void)file_nbytes;
    printf("%llu\n", (unsigned long long)root);
    return 0;
}

static act_status do_leaves(const act_map *map, act_error *error)
{
    act_cursor *cursor;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, error);
    if (status != ACT_OK)
        return status;
    uint64_t value;
    if (act_cursor_value(cursor, &value) == ACT_OK)
        print_entry(NULL, NULL, 0, value);
    while ((status = act_cursor_to_next_step(cursor, error)) == ACT_OK) {
        size_t nbytes;
        const uint8_t *path = act_cursor_path(cursor, &nbytes);
        if (act_cursor_value(cursor, &value) == ACT_OK) {
            print_entry(NULL, path, nbytes, value);
        } else if (act_cursor_child_count(cursor) == 0) {
            print_key(path, nbytes);
            puts(" -");
        }
    }
    act_cursor_close(cursor);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

static act_status do_get(const act_map *map, act_error *error)
{
    act_status worst = ACT_OK;
    for (char *line; (line = next_in_body()) != NULL;) {
        size_t nbytes;
        const uint8_t *key = decode(line, &nbytes);
        uint64_t value;
        act_status status = act_map_get(map, key, nbytes, &value, error);
        if (status == ACT_OK)
            printf("%llu\n", (unsigned long long)value);
        else if (status == ACT_NOT_FOUND)
            puts("-");
        else
            worst = status;
    }
    return worst;
}

static act_status do_read(const char *verb, const act_map *map, act_error *error)
{
    if (strcmp(verb, "dump") == 0)
        return act_map_scan(map, NULL, print_entry, NULL, error);
    if (strcmp(verb, "leaves") == 0)
        return do_leaves(map, error);
    if (strcmp(verb, "get") == 0)
        return do_get(map, error);
    if (strcmp(verb, "history") == 0)
        return act_map_history(map, print_root, NULL, error);
    if (strcmp(verb, "verify") == 0)
        return act_map_verify(map, NULL, NULL, NULL, error);
    fprintf(stderr, "peer: no command: %s\n", verb);
    exit(2);
}

int main(void)
{
    for (char *line; (line = next_line()) != NULL;) {
        char verb[16] = "", path[4096] = "";
        sscanf(line, "%15s %4095s", verb, path);
        act_error error = {0};
        act_status status;
        if (strcmp(verb, "write") == 0) {
            status = do_write(path, ACT_LAYOUT_PLAIN, &error);
        } else if (strcmp(verb, "write-indexed") == 0) {
            status = do_write(path, ACT_LAYOUT_INDEXED, &error);
        } else if (strcmp(verb, "write-compact") == 0) {
            status = do_write(path, ACT_LAYOUT_COMPACT, &error);
        } else if (strcmp(verb, "merge") == 0) {
            status = do_merge(path, &error);
        } else {
            act_map *map;
            status = act_map_open(path, NULL, &map, &error);
            if (status == ACT_OK)
                status = do_read(verb, map, &error);
            act_map_close(map);
        }
        if (status == ACT_OK)
            puts(".");
        else
            printf("error %d: %s\n", (int)status, error.text);
        fflush(stdout);
    }
    return 0;
}
