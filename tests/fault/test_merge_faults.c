/*
 * Merging, while every allocation and every system call is refused in turn, the process is killed
 * at each of them, disks are full, and the power goes: of what a merge asks of the file, a log is
 * kept, and every state is made that a disk may be left in when not all of it has arrived. What
 * must hold each time: the file opens as it was before or as it is after the merge; after a failure
 * that was told it is what it was, to the byte; and the next merge goes on.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actree.h"
#include "small_disks.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/expect.h"
#include "support/figures.h"
#include "support/random.h"
#include "support/scratch.h"

/* ------------------------------------------------------------------------------ what is refused */

enum call {
    CALL_ALLOCATE,
    CALL_OPEN,
    CALL_STAT,
    CALL_LOCK,
    CALL_MAP,
    CALL_WRITE,
    CALL_READ,
    CALL_CUT,
    CALL_SYNC,
    CALL_COUNT,
    CALL_SYSTEM /* any but allocations */
};

enum {
    LOG_MAX = 64
};

/* What was asked of a file, in order. */
struct logged {
    enum call call; /* CALL_WRITE, CALL_CUT, CALL_SYNC */
    uint64_t off;   /* or the length */
    uint8_t *bytes;
    size_t nbytes;
};

static struct {
    bool armed, kill, for_ever, logging;
    enum call call;
    unsigned nth, calls;
    int os_code;
    size_t io_nbytes_max;
    struct logged log[LOG_MAX];
    size_t log_count;
} fault;

static void arm(enum call call, unsigned nth, int os_code, bool for_ever)
{
    fault.call = call;
    fault.nth = nth;
    fault.calls = 0;
    fault.os_code = os_code;
    fault.for_ever = for_ever;
    fault.armed = true;
}

static unsigned disarm(void)
{
    fault.armed = fault.kill = false;
    fault.io_nbytes_max = 0;
    return fault.calls;
}

static bool refuse(enum call call)
{
    if (!fault.armed ||
        (fault.call != call && (fault.call != CALL_SYSTEM || call == CALL_ALLOCATE)))
        return false;
    fault.calls++;
    if (fault.calls != fault.nth && !(fault.for_ever && fault.calls > fault.nth))
        return false;
    if (fault.kill)
        raise(SIGKILL);
    figures_add(call == CALL_ALLOCATE ? "refused_allocations" : "refused_calls", 1);
    errno = fault.os_code;
    return true;
}

static void note(enum call call, uint64_t off, const void *bytes, size_t nbytes)
{
    if (!fault.logging)
        return;
    assert_true(fault.log_count < LOG_MAX);
    struct logged *logged = &fault.log[fault.log_count++];
    *logged = (struct logged){call, off, NULL, nbytes};
    if (nbytes) {
        logged->bytes = malloc(nbytes);
        assert_non_null(logged->bytes);
        memcpy(logged->bytes, bytes, nbytes);
    }
}

/* The linker gives __wrap_NAME the calls of NAME, and __real_NAME is what they meant. */
#define WRAP(result, name, parameters)                                                             \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters

WRAP(void *, malloc, (size_t nbytes))
{
    return refuse(CALL_ALLOCATE) ? NULL : __real_malloc(nbytes);
}

WRAP(void *, calloc, (size_t count, size_t nbytes))
{
    return refuse(CALL_ALLOCATE) ? NULL : __real_calloc(count, nbytes);
}

WRAP(void *, realloc, (void *old, size_t nbytes))
{
    return refuse(CALL_ALLOCATE) ? NULL : __real_realloc(old, nbytes);
}

WRAP(int, open64, (const char *path, int flags, ...))
{
    return refuse(CALL_OPEN) ? -1 : __real_open64(path, flags, 0666);
}

WRAP(int, stat64, (const char *path, struct stat *st))
{
    return refuse(CALL_STAT) ? -1 : __real_stat64(path, st);
}

WRAP(int, fstat64, (int fd, struct stat *st))
{
    return refuse(CALL_STAT) ? -1 : __real_fstat64(fd, st);
}

WRAP(int, flock, (int fd, int operation))
{
    return refuse(CALL_LOCK) ? -1 : __real_flock(fd, operation);
}

WRAP(void *, mmap64, (void *address, size_t nbytes, int protection, int flags, int fd, off_t off))
{
    return refuse(CALL_MAP) ? MAP_FAILED
                            : __real_mmap64(address, nbytes, protection, flags, fd, off);
}

WRAP(ssize_t, pwrite64, (int fd, const void *bytes, size_t nbytes, off_t off))
{
    if (refuse(CALL_WRITE))
        return -1;
    if (fault.io_nbytes_max && nbytes > fault.io_nbytes_max)
        nbytes = fault.io_nbytes_max;
    note(CALL_WRITE, (uint64_t)off, bytes, nbytes);
    return __real_pwrite64(fd, bytes, nbytes, off);
}

WRAP(ssize_t, pread64, (int fd, void *bytes, size_t nbytes, off_t off))
{
    return refuse(CALL_READ) ? -1 : __real_pread64(fd, bytes, nbytes, off);
}

WRAP(int, ftruncate64, (int fd, off_t nbytes))
{
    if (refuse(CALL_CUT))
        return -1;
    note(CALL_CUT, (uint64_t)nbytes, NULL, 0);
    return __real_ftruncate64(fd, nbytes);
}

WRAP(int, fdatasync, (int fd))
{
    if (refuse(CALL_SYNC))
        return -1;
    note(CALL_SYNC, 0, NULL, 0);
    return __real_fdatasync(fd);
}

/* -------------------------------------------------------------------------------- what is done */

static const char *const call_names[] = {"allocation", "open",  "stat",      "flock",    "mmap",
                                         "pwrite",     "pread", "ftruncate", "fdatasync"};

static act_layout layout; /* of the file: all of this holds for each */
static struct entries before_entries, changes, after_entries;
static unsigned char *before, *after; /* the file; before without, and with, a torn end */
static size_t before_nbytes, after_nbytes;

/* After a failure all that is asked for fails in the same way. */
static void expect_final(act_merge *merge, act_status status)
{
    static const uint8_t last[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    bool armed = fault.armed;
    act_error error = {0};
    fault.armed = false;
    assert_int_equal(act_merge_set(merge, last, sizeof(last), 1, &error), status);
    assert_int_equal(error.status, status);
    assert_true(strlen(error.text) > 0);
    assert_int_equal(act_merge_set(merge, last, sizeof(last), 1, NULL), status);
    assert_int_equal(act_merge_remove(merge, last, sizeof(last), NULL), status);
    assert_int_equal(act_merge_finish(merge, NULL, NULL), status);
    fault.armed = armed;
}

static act_status merge_with(const act_merge_options *options, const struct entries *entries,
                             act_error *error)
{
    act_merge *merge = (act_merge *)&merge;
    act_status status = act_merge_open(scratch_map, options, &merge, error);
    if (status != ACT_OK) {
        assert_null(merge);
        return status;
    }
    for (size_t i = 0; status == ACT_OK && i < entries->count; i++) {
        const struct entry *e = &entries->items[i];
        status = e->has_value ? act_merge_set(merge, e->key, e->key_nbytes, e->value, error)
                              : act_merge_remove(merge, e->key, e->key_nbytes, error);
    }
    if (status == ACT_OK)
        status = act_merge_finish(merge, NULL, error);
    if (status != ACT_OK)
        expect_final(merge, status);
    act_merge_close(merge);
    return status;
}

static act_status merge(const struct entries *entries, act_error *error)
{
    return merge_with(NULL, entries, error);
}

/* Some of everything: depth, wide nodes, several buffers' worth; and a line that is read back. */
static void make_entries(void)
{
    struct random r = random_of(5);
    uint8_t key[300];
    static uint8_t longest[200000];
    for (unsigned i = 0; i < 1500; i++) {
        random_fill(&r, key, sizeof(key));
        entries_add(&before_entries, key, 1 + random_below(&r, 9), i);
        random_fill(&r, key, sizeof(key));
        if (i % 4 == 0)
            entries_add(&changes, key, 1 + random_below(&r, 299), i);
    }
    entries_add(&before_entries, "fold/this", 9, 1);
    entries_add(&before_entries, "fold/away", 9, 2);
    entries_add_path(&changes, "fold/away", 9);
    random_fill(&r, longest, sizeof(longest));
    entries_add(&changes, longest, sizeof(longest), 1);
    longest[0] ^= 1;
    entries_add(&changes, longest, sizeof(longest), 2);
    entries_sort(&before_entries);
    for (size_t i = 0; i < before_entries.count; i += 9)
        entries_add_path(&changes, before_entries.items[i].key, before_entries.items[i].key_nbytes);
    entries_sort(&changes);
    entries_append(&after_entries, &before_entries);
    entries_change(&after_entries, &changes);
}

static int set_up(void **state)
{
    signal(SIGXFSZ, SIG_IGN);
    scratch_set_up(state);
    make_entries();
    build_file(&before_entries, scratch_map, layout, NULL);
    before = scratch_read(scratch_map, &before_nbytes);
    assert_int_equal(merge(&changes, NULL), ACT_OK);
    after = scratch_read(scratch_map, &after_nbytes);
    return 0;
}

static int tear_down(void **state)
{
    figures_print();
    free(before);
    free(after);
    entries_free(&before_entries);
    entries_free(&changes);
    entries_free(&after_entries);
    return scratch_tear_down(state);
}

/* The file before, with some bytes at its end that an earlier merge has left. */
static void prepare(size_t torn_nbytes)
{
    unsigned char *bytes = malloc(before_nbytes + torn_nbytes);
    assert_non_null(bytes);
    memcpy(bytes, before, before_nbytes);
    memset(bytes + before_nbytes, 0x5a, torn_nbytes);
    scratch_write(scratch_map, bytes, before_nbytes + torn_nbytes);
    free(bytes);
}

static bool file_is(const unsigned char *bytes, size_t nbytes)
{
    size_t there_nbytes;
    unsigned char *there = scratch_read(scratch_map, &there_nbytes);
    bool same = there_nbytes == nbytes && memcmp(there, bytes, nbytes) == 0;
    free(there);
    return same;
}

static unsigned descriptor_count(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 64; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* What such a file holds; true if it is that of after the merge. */
static bool holds_new(const void *bytes, size_t nbytes)
{
    act_map *map;
    act_error error = {0};
    if (act_map_open_memory(bytes, nbytes, NULL, &map, &error) != ACT_OK)
        fail_msg("%s", error.text);
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    act_map_stat old_stat;
    act_map *old;
    assert_int_equal(act_map_open_memory(before, before_nbytes, NULL, &old, NULL), ACT_OK);
    act_map_get_stat(old, &old_stat);
    act_map_close(old);
    bool is_new = stat.root != old_stat.root;
    expect_scan(map, is_new ? &after_entries : &before_entries);
    act_map_close(map);
    return is_new;
}

/* A merge into what is there: all is well afterwards. */
static void goes_on(bool is_new)
{
    struct entries one = {0}, wanted = {0};
    act_error error = {0};
    entries_add(&one, "and one more", 12, 12);
    entries_append(&wanted, is_new ? &after_entries : &before_entries);
    entries_append(&wanted, &one);
    entries_sort(&wanted);
    if (merge(&one, &error) != ACT_OK)
        fail_msg("%s", error.text);
    act_map *map;
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    if (act_map_verify(map, NULL, NULL, NULL, &error) != ACT_OK)
        fail_msg("%s", error.text);
    expect_scan(map, &wanted);
    act_map_close(map);
    entries_free(&one);
    entries_free(&wanted);
}

/* ------------------------------------------------------------------------------------- failing */

static void each_call_fails(void **state)
{
    (void)state;
    static const int os_codes[] = {EIO, ENOSPC, EACCES};
    for (unsigned call = 0; call < CALL_COUNT; call++) {
        unsigned failed = 0;
        for (unsigned i = 0; i < 4; i++) {
            size_t torn_nbytes = i / 2 * 100;
            for (unsigned nth = 1;; nth++) {
                int os_code = call == CALL_ALLOCATE ? ENOMEM : os_codes[(call + nth + i) % 3];
                act_error error = {0};
                prepare(torn_nbytes);
                unsigned descriptors = descriptor_count();
                arm(call, nth, os_code, i % 2);
                act_status status = merge(&changes, &error);
                bool reached = disarm() >= nth;
                assert_int_equal(descriptor_count(), descriptors);
                failed += status != ACT_OK;
                bool too_late = status != ACT_OK && strstr(error.text, "may not outlive");
                if (status != ACT_OK && error.os_code != os_code && call != CALL_ALLOCATE)
                    fail_msg("%s %u: %s", call_names[call], nth, error.text);
                if (status !=
                    (reached ? call == CALL_ALLOCATE ? ACT_ERR_NOMEM : ACT_ERR_IO : ACT_OK))
                    fail_msg("%s %u: %d, %s", call_names[call], nth, (int)status, error.text);
                if (status == ACT_OK || too_late) {
                    assert_true(file_is(after, after_nbytes));
                } else if (!file_is(before, before_nbytes)) {
                    /* What others have left is there until it is written over. */
                    size_t nbytes;
                    unsigned char *there = scratch_read(scratch_map, &nbytes);
                    if (nbytes != before_nbytes + torn_nbytes ||
                        memcmp(there, before, before_nbytes) != 0)
                        fail_msg("%s %u: the file is not as it was", call_names[call], nth);
                    free(there);
                }
                if (nth % 8 == 1)
                    goes_on(status == ACT_OK || too_late);
                if (!reached)
                    break;
            }
        }
        if (!failed && call != CALL_READ)
            fail_msg("no failure of %s was told", call_names[call]);
    }
}

static void interrupted_calls_are_repeated(void **state)
{
    (void)state;
    static const enum call calls[] = {CALL_OPEN, CALL_LOCK, CALL_WRITE, CALL_CUT, CALL_SYNC};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (unsigned nth = 1;; nth++) {
            act_error error = {0};
            prepare(100);
            arm(calls[i], nth, EINTR, false);
            act_status status = merge(&changes, &error);
            bool reached = disarm() >= nth;
            if (status != ACT_OK)
                fail_msg("%s", error.text);
            assert_true(file_is(after, after_nbytes));
            if (!reached)
                break;
        }
    }
}

static void short_writes_are_continued(void **state)
{
    (void)state;
    prepare(0);
    fault.io_nbytes_max = 10007;
    assert_int_equal(merge(&changes, NULL), ACT_OK);
    disarm();
    assert_true(file_is(after, after_nbytes));
}

/* A failure is one whether anybody wants to know more of it or not. */
static void failures_that_nobody_asks_about(void **state)
{
    (void)state;
    for (unsigned call = 0; call < CALL_COUNT; call++) {
        for (unsigned nth = 1;; nth++) {
            prepare(100);
            arm(call, nth, EIO, true);
            act_status status = merge(&changes, NULL);
            if (disarm() < nth) {
                assert_int_equal(status, ACT_OK);
                break;
            }
            assert_int_equal(status, call == CALL_ALLOCATE ? ACT_ERR_NOMEM : ACT_ERR_IO);
        }
    }
}

/* Nothing is changed, but for what others have left, which is taken away. */
static void taking_away_what_others_have_left_fails(void **state)
{
    (void)state;
    const struct entries none = {0};
    static const enum call calls[] = {CALL_CUT, CALL_SYNC};
    for (size_t i = 0; i < 2; i++) {
        act_error error = {0};
        prepare(100);
        arm(calls[i], 1, EIO, true);
        assert_int_equal(merge(&none, &error), ACT_ERR_IO);
        assert_int_equal(error.os_code, EIO);
        assert_int_equal(disarm(), 1 + (calls[i] == CALL_CUT)); /* once more when it is closed */
        assert_int_equal(file_is(before, before_nbytes), calls[i] == CALL_SYNC);
        /* Who does not want to wait for the disk does not see it fail. */
        const act_merge_options options = {.no_sync = true};
        prepare(100);
        arm(CALL_SYNC, 1, EIO, true);
        assert_int_equal(merge_with(&options, &none, &error), ACT_OK);
        assert_int_equal(disarm(), 0);
        assert_true(file_is(before, before_nbytes));
    }
}

/*
 * What is appended is gathered in a buffer. Here a long line nearly fills it, each time a bit less,
 * so that it is full at each step of what comes then: splitting lines, folding them, runs, the
 * root.
 */
static void each_step_meets_a_full_buffer(void **state)
{
    (void)state;
    enum {
        BUFFER_NBYTES = 256 << 10,
        STEPS_NBYTES = 1000
    };
    struct entries small = {0};
    uint8_t *kept = before;
    size_t kept_nbytes = before_nbytes;
    static uint8_t line[BUFFER_NBYTES];
    static const char *const there[] = {"fold/this",    "fold/away", "gone/a", "gone/b",
                                        "line/is long", "run/a",     "run/b",  "run/c"};
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        entries_add(&small, there[i], strlen(there[i]), i);
    entries_sort(&small);
    build_file(&small, scratch_map, layout, NULL);
    entries_free(&small);
    before = scratch_read(scratch_map, &before_nbytes);
    unsigned read_back = 0;
    for (size_t less = 0; less < STEPS_NBYTES; less++) {
        struct entries some = {0};
        char tail[400];
        memset(tail, 't', sizeof(tail));
        memset(line, 0, sizeof(line));
        entries_add(&some, line, BUFFER_NBYTES - less, 1);
        entries_add_path(&some, "fold/away", 9);
        entries_add_path(&some, "gone/a", 6);
        entries_add_path(&some, "gone/b", 6);
        memcpy(tail, "gone/c", 6); /* all that is left there, and so goes on with its line */
        entries_add(&some, tail, sizeof(tail), 2);
        entries_add(&some, "line/is", 7, 3);
        entries_add(&some, "line/isnt", 9, 4);
        for (int byte = 'c'; byte < 'z'; byte++)
            entries_add(&some, (char[]){'r', 'u', 'n', '/', (char)byte, (char)byte}, 6, 5);
        entries_add(&some, "zebra", 5, 6); /* and its line, when all keys have come */
        entries_sort(&some);
        static const enum call calls[] = {CALL_WRITE, CALL_READ, CALL_ALLOCATE};
        for (size_t i = 0; i < (less % 20 ? 2 : 3); i++) {
            act_error error = {0};
            prepare(0);
            arm(calls[i], i == 2 ? UINT_MAX : 1, EIO, false);
            act_status status = merge(&some, &error);
            unsigned asked = disarm();
            if (i == 2 || !asked) {
                assert_int_equal(status, ACT_OK);
            } else {
                assert_int_equal(status, ACT_ERR_IO);
                assert_true(file_is(before, before_nbytes));
                read_back += i == 1;
            }
            if (i == 2) {
                act_map *map;
                uint64_t value;
                assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
                assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_OK);
                assert_int_equal(act_map_get(map, tail, sizeof(tail), &value, NULL), ACT_OK);
                assert_int_equal(value, 2);
                assert_int_equal(act_map_get(map, "line/is long", 12, &value, NULL), ACT_OK);
                act_map_close(map);
            }
        }
        entries_free(&some);
    }
    assert_true(read_back > 0);
    free(before);
    before = kept;
    before_nbytes = kept_nbytes;
}

/* ------------------------------------------------------------------------------------- killing */

static void killed_at_each_system_call(void **state)
{
    (void)state;
    bool seen[2] = {false, false};
    for (unsigned nth = 1;; nth++) {
        prepare(nth % 2 * 100);
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            arm(CALL_SYSTEM, nth, 0, false);
            fault.kill = true;
            _exit(merge(&changes, NULL) == ACT_OK ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        size_t nbytes;
        unsigned char *there = scratch_read(scratch_map, &nbytes);
        bool is_new = holds_new(there, nbytes);
        free(there);
        seen[is_new] = true;
        goes_on(is_new); /* a dead writer blocks nobody */
        figures_add("killed_at_calls", WIFSIGNALED(status));
        if (!WIFSIGNALED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            assert_true(nth > 10 && is_new && seen[false]);
            break;
        }
    }
}

/* ------------------------------------------------------------------------------ the power goes */

struct disk {
    uint8_t *bytes;
    size_t nbytes;
    size_t capacity;
};

/* Does to a file in memory what was logged; of a write only the sectors of `mask`, in turn. */
static void replay(struct disk *disk, const struct logged *logged, uint64_t mask)
{
    enum {
        SECTOR = 512
    };
    if (logged->call == CALL_CUT)
        disk->nbytes = (size_t)logged->off;
    if (logged->call != CALL_WRITE)
        return;
    size_t end = (size_t)logged->off + logged->nbytes;
    assert_true(end <= disk->capacity);
    if (end > disk->nbytes) {
        memset(disk->bytes + disk->nbytes, 0, end - disk->nbytes);
        disk->nbytes = end;
    }
    for (size_t at = (size_t)logged->off; at < end;) {
        size_t next = at / SECTOR * SECTOR + SECTOR;
        if (next > end)
            next = end;
        if (mask >> at / SECTOR % 64 & 1)
            memcpy(disk->bytes + at, logged->bytes + (at - (size_t)logged->off), next - at);
        at = next;
    }
}

static struct {
    struct disk disk;
    unsigned states;
    bool seen[2];
} power;

/* Starts with the old file, all that was synced, and what of `first` to `end` a mask chooses. */
static void power_cut(size_t torn_nbytes, size_t first, size_t end, uint64_t chosen, uint64_t mask,
                      bool may_be_new)
{
    struct disk *disk = &power.disk;
    memcpy(disk->bytes, before, before_nbytes);
    memset(disk->bytes + before_nbytes, 0x5a, torn_nbytes);
    disk->nbytes = before_nbytes + torn_nbytes;
    for (size_t i = 0; i < first; i++)
        replay(disk, &fault.log[i], UINT64_MAX);
    for (size_t i = first; i < end; i++) {
        if (chosen >> (i - first) & 1)
            replay(disk, &fault.log[i], fault.log[i].nbytes > 8 ? mask : UINT64_MAX);
    }
    bool is_new = holds_new(disk->bytes, disk->nbytes);
    assert_true(may_be_new || !is_new);
    power.seen[is_new] = true;
    figures_add("power_states", 1);
    if (++power.states % 16 == 0) {
        scratch_write(scratch_map, disk->bytes, disk->nbytes);
        goes_on(is_new);
    }
}

/* Every set of the writes between two syncs may have arrived, and of each write any sectors. */
static void cut_between(size_t torn_nbytes, size_t first, size_t end, bool may_be_new)
{
    struct random r = random_of(first);
    assert_true(end - first < 8);
    for (uint64_t chosen = 0; chosen < (uint64_t)1 << (end - first); chosen++) {
        power_cut(torn_nbytes, first, end, chosen, UINT64_MAX, may_be_new);
        power_cut(torn_nbytes, first, end, chosen, 0, may_be_new);
        for (unsigned i = 0; i < (CHECK_SLOW_BUILD ? 1 : 4); i++)
            power_cut(torn_nbytes, first, end, chosen, random_u64(&r), may_be_new);
    }
}

static void power_cuts(void **state)
{
    (void)state;
    for (size_t torn_nbytes = 0; torn_nbytes <= 1000; torn_nbytes += 1000) {
        power.disk.capacity = after_nbytes + torn_nbytes;
        power.disk.bytes = malloc(power.disk.capacity);
        assert_non_null(power.disk.bytes);
        memset(power.seen, 0, sizeof(power.seen));
        prepare(torn_nbytes);
        fault.logging = true;
        assert_int_equal(merge(&changes, NULL), ACT_OK);
        fault.logging = false;
        size_t first = 0;
        unsigned syncs = 0;
        for (size_t i = 0; i < fault.log_count; i++) {
            if (fault.log[i].call != CALL_SYNC)
                continue;
            cut_between(torn_nbytes, first, i, syncs == 1);
            first = i + 1;
            syncs++;
        }
        assert_int_equal(first, fault.log_count);
        assert_int_equal(syncs, 2);
        assert_true(power.seen[false] && power.seen[true]);
        for (size_t i = 0; i < fault.log_count; i++)
            free(fault.log[i].bytes);
        fault.log_count = 0;
        free(power.disk.bytes);
    }
    assert_true(power.states > (CHECK_SLOW_BUILD ? 40 : 100));
}

/* ----------------------------------------------------------------------------------- full disks */

static void every_limit_of_the_file_size(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    for (size_t nbytes = 0; nbytes <= after_nbytes + 4096; nbytes += 4096) {
        struct rlimit small = {nbytes, limit.rlim_max};
        act_error error = {0};
        prepare(0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        act_status status = merge(&changes, &error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(status, nbytes < after_nbytes ? ACT_ERR_IO : ACT_OK);
        assert_int_equal(error.os_code, status == ACT_OK ? 0 : EFBIG);
        assert_true(status == ACT_OK ? file_is(after, after_nbytes)
                                     : file_is(before, before_nbytes));
        figures_add("size_limits", 1);
    }
}

static int fill_disks(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned failed = 0, done = 0;
    size_t every = figures_wanted("ACT_TEST_EVERY", 16);
    for (size_t pages = before_nbytes / page + 2; !done; pages += every == 1 ? 1 : 1 + pages / 32) {
        act_error error = {0};
        if (small_disks_mount(scratch_dir, pages * page) != 0)
            return SMALL_DISKS_REFUSED;
        prepare(0);
        act_status status = merge(&changes, &error);
        assert_int_equal(error.os_code, status == ACT_OK ? 0 : ENOSPC);
        assert_true(status == ACT_OK ? file_is(after, after_nbytes)
                                     : file_is(before, before_nbytes));
        failed += status != ACT_OK;
        done += status == ACT_OK;
        assert_int_equal(umount(scratch_dir), 0);
    }
    assert_true(failed > 10);
    return 0;
}

static void a_disk_that_is_too_small(void **state)
{
    (void)state;
    small_disks_run(fill_disks);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails),
        cmocka_unit_test(interrupted_calls_are_repeated),
        cmocka_unit_test(short_writes_are_continued),
        cmocka_unit_test(failures_that_nobody_asks_about),
        cmocka_unit_test(taking_away_what_others_have_left_fails),
        cmocka_unit_test(each_step_meets_a_full_buffer),
        cmocka_unit_test(killed_at_each_system_call),
        cmocka_unit_test(power_cuts),
        cmocka_unit_test(every_limit_of_the_file_size),
        cmocka_unit_test(a_disk_that_is_too_small),
    };
    layout = argc > 1 && strcmp(argv[1], "plain") == 0 ? ACT_LAYOUT_PLAIN : ACT_LAYOUT_INDEXED;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
