/*
 * examples/faults.c: what opening a file and a first lookup cost
 *
 *   faults FILE KEY
 *
 * Asks the system to forget the file, so that its pages have to come from the disk again, then
 * maps it, looks up the key, and looks it up once more. Prints a line for each: what was done, its
 * time in nanoseconds, and its page faults, those served from memory and those that waited for the
 * disk. A rehearsal comes before, so that the program's own pages are there and only the file's are
 * counted.
 */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700 /* for getrusage */

#include <actree.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct moment {
    uint64_t ns;
    uint64_t minor_faults;
    uint64_t major_faults;
};

static struct moment now(void)
{
    struct timespec time;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (struct moment){(uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec,
                           (uint64_t)usage.ru_minflt, (uint64_t)usage.ru_majflt};
}

static void print(const char *what, struct moment start, struct moment end)
{
    printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", what, end.ns - start.ns,
           end.minor_faults - start.minor_faults, end.major_faults - start.major_faults);
}

/* Drops what the system keeps of the file in memory. It is free not to: on a file system that
 * lives in memory, there is nowhere else to keep it. */
static void forget(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return;
    fdatasync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

/* One round: opening, a lookup, and the same again; the moments before, between and after. */
static act_status measure(const char *path, const char *key, struct moment moments[4],
                          act_error *error)
{
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    const size_t key_nbytes = strlen(key);
    act_map *map;
    uint64_t value;
    moments[0] = now();
    act_status status = act_map_open(path, &options, &map, error);
    moments[1] = now();
    if (status != ACT_OK)
        return status;
    for (int i = 2; i < 4 && status == ACT_OK; i++) {
        status = act_map_get(map, key, key_nbytes, &value, error);
        moments[i] = now();
    }
    act_map_close(map);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "faults: needs FILE and KEY\n");
        return 2;
    }
    struct moment moments[4];
    act_error error;
    act_status status = measure(argv[1], argv[2], moments, &error);
    if (status == ACT_OK) {
        forget(argv[1]);
        status = measure(argv[1], argv[2], moments, &error);
    }
    if (status == ACT_NOT_FOUND) {
        fprintf(stderr, "faults: %s is not there\n", argv[2]);
        return 1;
    }
    if (status != ACT_OK) {
        fprintf(stderr, "faults: %s\n", error.text);
        return 2;
    }
    print("open", moments[0], moments[1]);
    print("first", moments[1], moments[2]);
    print("second", moments[2], moments[3]);
    return 0;
}
