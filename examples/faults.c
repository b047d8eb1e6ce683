/*
 * examples/faults.c: what opening a file and a first lookup cost
 *
 *   faults FILE KEY
 *
 * Asks the system to forget the file, so that its pages have to come from the disk again, then
 * maps it, looks up the key, and looks it up once more. Prints a line for each: what was done, its
 * time in nanoseconds, and its page faults, those served from memory and those that waited for the
 * disk.
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

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "faults: needs FILE and KEY\n");
        return 2;
    }
    const act_open_options options = {.access = ACT_ACCESS_MAP};
    const size_t key_nbytes = strlen(argv[2]);
    act_map *map;
    act_error error;
    uint64_t value = 0;

    now(); /* so that its own first call is not measured */
    forget(argv[1]);
    struct moment start = now();
    act_status status = act_map_open(argv[1], &options, &map, &error);
    struct moment opened = now();
    if (status != ACT_OK) {
        fprintf(stderr, "faults: %s\n", error.text);
        return 2;
    }
    status = act_map_get(map, argv[2], key_nbytes, &value, &error);
    struct moment found = now();
    if (status == ACT_OK)
        status = act_map_get(map, argv[2], key_nbytes, &value, &error);
    struct moment again = now();
    act_map_close(map);
    if (status != ACT_OK) {
        fprintf(stderr, "faults: %s: %s\n", argv[2], act_strerror(status));
        return status == ACT_NOT_FOUND ? 1 : 2;
    }
    print("open", start, opened);
    print("first", opened, found);
    print("second", found, again);
    return 0;
}
