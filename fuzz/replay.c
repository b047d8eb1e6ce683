/*
 * Runs a fuzz target over files instead of under a fuzzer.
 *
 *   replay FOLDER_OR_FILE...
 *
 * Each file, and each file directly in a folder, is one input; the empty input comes first. Exit
 * status 1 if there is no file at all: a corpus that went missing must not pass for a good one.
 */
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_nbytes);

static _Noreturn void fail(const char *path)
{
    fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    exit(2);
}

static void run_file(const char *path, size_t nbytes)
{
    FILE *file = fopen(path, "rb");
    /* Exactly as large as the input, so that a sanitizer sees a read past its end. */
    uint8_t *data = malloc(nbytes ? nbytes : 1);

    if (!file || !data || fread(data, 1, nbytes, file) != nbytes)
        fail(path);
    fclose(file);
    if (LLVMFuzzerTestOneInput(data, nbytes) != 0) {
        fprintf(stderr, "replay: %s: refused\n", path);
        exit(1);
    }
    free(data);
}

static unsigned run(const char *path)
{
    struct stat st;
    unsigned count = 0;

    if (stat(path, &st) != 0)
        fail(path);
    if (!S_ISDIR(st.st_mode)) {
        run_file(path, (size_t)st.st_size);
        return 1;
    }

    DIR *folder = opendir(path);
    if (!folder)
        fail(path);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char child[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        if (stat(child, &st) != 0)
            fail(child);
        if (S_ISREG(st.st_mode)) {
            run_file(child, (size_t)st.st_size);
            count++;
        }
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        count += run(argv[i]);
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 1;
}
