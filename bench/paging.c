/* Lookups of a file that is opened in a certain way, for paging.py.
 *
 *   paging FILE QUERIES ADVICE POPULATE LOCK HUGE WARM_MS MS
 *
 * The words are those of the tool's options; HUGE may also be "small" or "hugetlb", for a copy made
 * here in memory without huge pages, or in those that the system was told to keep for that; "later"
 * or "later-hot", for a copy that is put behind the open map, or behind its hot region. Looks up
 * the keys of QUERIES, a line each, one by one and round it, for WARM_MS and then for MS; 0: all of
 * them once. Prints JSON. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <actree.h>

#include "meter.h"

struct query {
    char *key;
    size_t nbytes;
};

/* What HUGE may be besides the options. */
enum {
    LATER = ACT_HUGE_ON + 1,
    LATER_HOT,
    SMALL
};

static struct query *queries;
static size_t count, next;

static int fail(const char *what)
{
    fprintf(stderr, "paging: %s\n", what);
    return 2;
}

/* The place of a word in a list with bars between them; ends the program if it is not there. */
static int word(const char *list, const char *text)
{
    int index = 0;
    for (const char *at = list; at; index++) {
        size_t nbytes = strcspn(at, "|");
        if (strlen(text) == nbytes && strncmp(at, text, nbytes) == 0)
            return index;
        at = at[nbytes] ? at + nbytes + 1 : NULL;
    }
    exit(fail(list));
}

static int load(const char *path)
{
    char line[1 << 16];
    size_t room = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return fail(path);
    while (fgets(line, sizeof(line), file)) {
        if (count == room) {
            room = room ? 2 * room : 1024;
            queries = realloc(queries, room * sizeof(*queries));
        }
        line[strcspn(line, "\n")] = '\0';
        if (!queries || !(queries[count].key = strdup(line)))
            return fail("no memory");
        queries[count].nbytes = strlen(line);
        count++;
    }
    fclose(file);
    return count ? 0 : fail("no queries");
}

/* Looks up keys for a while, or each once. Returns how many, or 0 after a message. */
static uint64_t look_up(const act_map *map, uint64_t ms, uint64_t *hits)
{
    uint64_t end_ns = meter_now_ns() + ms * 1000000, n = 0;
    while (ms ? n % 64 || meter_now_ns() < end_ns : n < count) {
        const struct query *query = &queries[next++ % count];
        act_error error;
        act_status status = act_map_get(map, query->key, query->nbytes, NULL, &error);
        if (status != ACT_OK && status != ACT_NOT_FOUND)
            return (uint64_t)(fail(error.text) & 0);
        *hits += status == ACT_OK;
        n++;
    }
    return n;
}

/* Opens a copy in memory of one kind or the other. */
static act_status open_copy(const char *path, int flags, act_map **map_ret, act_error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    error->status = ACT_ERR_IO;
    strcpy(error->text, "no copy can be made in such memory");
    if (fd < 0 || fstat(fd, &st) != 0)
        return ACT_ERR_IO;
    size_t nbytes = (size_t)st.st_size, huge = (size_t)2 << 20;
    uint8_t *copy = mmap(NULL, (nbytes + huge - 1) / huge * huge, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (copy == MAP_FAILED)
        return ACT_ERR_IO;
    (void)madvise(copy, nbytes, MADV_NOHUGEPAGE);
    for (size_t done = 0; done < nbytes;) {
        ssize_t n = read(fd, copy + done, nbytes - done);
        if (n <= 0)
            return ACT_ERR_IO;
        done += (size_t)n;
    }
    close(fd);
    return act_map_open_memory(copy, nbytes, NULL, map_ret, error);
}

int main(int argc, char **argv)
{
    static const act_populate populates[] = {ACT_POPULATE_NONE, ACT_POPULATE_HOT, ACT_POPULATE_ALL};
    act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map_paging paging;
    act_error error;
    act_map *map;
    uint64_t hits = 0;
    if (argc != 9)
        return fail("FILE QUERIES ADVICE POPULATE LOCK HUGE WARM_MS MS");
    options.advice = (act_advice)word("auto|normal|random|sequential", argv[3]);
    options.populate = populates[word("none|hot|all", argv[4])];
    options.lock = (act_lock)word("none|hot|all", argv[5]);
    int huge = word("off|auto|on|later|later-hot|small|hugetlb", argv[6]);
    options.huge = huge <= ACT_HUGE_ON ? (act_huge)huge : ACT_HUGE_OFF;
    uint64_t warm_ms = strtoull(argv[7], NULL, 10), ms = strtoull(argv[8], NULL, 10);
    if (load(argv[2]) != 0)
        return 2;
    uint64_t start_ns = meter_now_ns();
    act_status status = huge <= LATER_HOT
                            ? act_map_open(argv[1], &options, &map, &error)
                            : open_copy(argv[1], huge > SMALL ? MAP_HUGETLB : 0, &map, &error);
    act_region region = {.kind = huge == LATER_HOT ? ACT_REGION_HOT : ACT_REGION_WHOLE};
    if (status == ACT_OK && (huge == LATER || huge == LATER_HOT))
        status = act_map_set_backing(map, &region, ACT_BACKING_COPY, &error);
    if (status != ACT_OK)
        return fail(error.text);
    uint64_t opened_ns = meter_now_ns();
    if (warm_ms && !look_up(map, warm_ms, &hits))
        return 2;
    struct traffic before = meter_traffic();
    uint64_t begin_ns = meter_now_ns();
    clock_t begin = clock();
    uint64_t n = look_up(map, ms, &hits);
    clock_t end = clock();
    uint64_t end_ns = meter_now_ns();
    struct traffic after = meter_traffic();
    if (!n)
        return 2;
    act_map_get_paging(map, &paging);
    printf("{\"open_ns\":%" PRIu64 ",\"n\":%" PRIu64 ",\"ns\":%" PRIu64 ",\"cpu_ns\":%.0f,"
           "\"total_ns\":%" PRIu64 ",\"major_faults\":%" PRIu64 ",\"read_bytes\":%" PRIu64
           ",\"resident_bytes\":%" PRIu64 ",\"huge_bytes\":%" PRIu64 ",\"hits\":%" PRIu64
           ",\"text\":\"%s\"}\n",
           opened_ns - start_ns, n, end_ns - begin_ns, (double)(end - begin) * 1e9 / CLOCKS_PER_SEC,
           end_ns - start_ns, after.major_faults - before.major_faults,
           after.read_nbytes - before.read_nbytes, meter_resident_nbytes(), paging.huge_nbytes,
           hits, paging.text);
    act_map_close(map);
    return 0;
}
