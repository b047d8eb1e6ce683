/* Processes that query one file share one copy of it: seen by what the system counts for each. */
#define _DEFAULT_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    PROCESSES = 10,
    KEYS = 200000,
    LOOKUPS = 100000,
    SKIPPED = 77
};

/* What a process says of itself, and how it is told to go on. */
struct process {
    pid_t pid;
    int says;  /* read by the test */
    int hears; /* written by the test */
};

struct measure {
    bool failed;
    bool known;
    uint64_t rss_nbytes;
    uint64_t pss_nbytes;
};

static void make_file(void)
{
    struct entries entries = {0};
    for (unsigned i = 0; i < KEYS; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key %08x", i * 2654435761U);
        entries_add(&entries, key, strlen(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
}

/* Keys at random, the same for all. */
static bool look_up(const act_map *map)
{
    struct random r = random_of(31);
    for (unsigned n = 0; n < LOOKUPS; n++) {
        char key[32];
        uint64_t value;
        unsigned i = (unsigned)random_below(&r, KEYS);
        snprintf(key, sizeof(key), "key %08x", i * 2654435761U);
        if (act_map_get(map, key, strlen(key), &value, NULL) != ACT_OK || value != i)
            return false;
    }
    return true;
}

static bool say(int fd, const void *bytes, size_t nbytes)
{
    return write(fd, bytes, nbytes) == (ssize_t)nbytes;
}

static bool hear(int fd, void *bytes, size_t nbytes)
{
    return read(fd, bytes, nbytes) == (ssize_t)nbytes;
}

/* A process: looks up, waits for all others, measures itself, and stays until all have. */
static int be_process(int says, int hears)
{
    struct measure measure = {.failed = true};
    act_open_options options = {.access = ACT_ACCESS_MAP};
    act_map *map = NULL;
    act_residency *residency = NULL;
    char byte = 0;
    if (act_map_open(scratch_map, &options, &map, NULL) != ACT_OK || !look_up(map) ||
        !say(says, &byte, 1) || !hear(hears, &byte, 1))
        return 1;
    if (act_map_residency(map, &residency, NULL) == ACT_OK) {
        act_residency_totals totals;
        act_residency_get_totals(residency, &totals);
        measure.failed = false;
        measure.known = totals.pss.known && totals.rss.known;
        measure.rss_nbytes = totals.rss.nbytes;
        measure.pss_nbytes = totals.pss.nbytes;
    }
    act_residency_close(residency);
    bool said = say(says, &measure, sizeof(measure)) && hear(hears, &byte, 1);
    act_map_close(map);
    return said ? 0 : 1;
}

static void start(struct process *process)
{
    int says[2], hears[2];
    assert_int_equal(pipe(says), 0);
    assert_int_equal(pipe(hears), 0);
    fflush(stdout);
    process->pid = fork();
    assert_true(process->pid >= 0);
    if (process->pid == 0) {
        close(says[0]);
        close(hears[1]);
        _exit(be_process(says[1], hears[0]));
    }
    close(says[1]);
    close(hears[0]);
    process->says = says[0];
    process->hears = hears[1];
}

/* Runs so many at once; the sums of what they measured. */
static struct measure run(size_t count)
{
    struct process processes[PROCESSES];
    struct measure sum = {.known = true};
    char byte = 0;
    for (size_t i = 0; i < count; i++)
        start(&processes[i]);
    for (size_t i = 0; i < count; i++)
        sum.failed |= !hear(processes[i].says, &byte, 1);
    for (size_t i = 0; i < count; i++)
        sum.failed |= !say(processes[i].hears, &byte, 1);
    for (size_t i = 0; i < count; i++) {
        struct measure measure = {.failed = true};
        sum.failed |= !hear(processes[i].says, &measure, sizeof(measure)) || measure.failed;
        sum.known &= measure.known;
        sum.rss_nbytes += measure.rss_nbytes;
        sum.pss_nbytes += measure.pss_nbytes;
    }
    for (size_t i = 0; i < count; i++) {
        int status = -1;
        sum.failed |= !say(processes[i].hears, &byte, 1);
        waitpid(processes[i].pid, &status, 0);
        sum.failed |= status != 0;
        close(processes[i].says);
        close(processes[i].hears);
    }
    return sum;
}

static bool is_skipped;

static void ten_take_as_much_as_one(void **state)
{
    (void)state;
    make_file();
    struct measure one = run(1);
    struct measure ten = run(PROCESSES);
    assert_false(one.failed);
    assert_false(ten.failed);
    is_skipped = !one.known || !ten.known;
    if (is_skipped) {
        print_message("skipped: the system does not tell what a process has of a file\n");
        return;
    }
    print_message("one process: %llu KiB; ten: %llu KiB together, %llu KiB as each counts alone\n",
                  (unsigned long long)one.pss_nbytes >> 10,
                  (unsigned long long)ten.pss_nbytes >> 10,
                  (unsigned long long)ten.rss_nbytes >> 10);
    assert_true(one.pss_nbytes > (1 << 20));
    assert_true(ten.rss_nbytes >= 9 * one.rss_nbytes);
    assert_true(ten.pss_nbytes <= one.pss_nbytes + one.pss_nbytes / 10);
    assert_true(ten.pss_nbytes >= one.pss_nbytes / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_take_as_much_as_one, scratch_set_up, scratch_tear_down),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed == 0 && is_skipped ? SKIPPED : failed;
}
