/*
 * Pages that cannot be read: each page of a map in turn answers with SIGBUS, as one does whose
 * device fails, while the map is looked up in, scanned and verified with a guard. The system is
 * asked for such pages by userfaultfd (UFFDIO_POISON, Linux 6.6), of a file in memory; where it
 * gives none, this is skipped.
 *
 * What must hold: a call that needs the page answers ACT_ERR_IO, and so do all later ones with that
 * map; before that, lookups that do not need the page are answered; a scan gives what is right up
 * to the error; other maps of the file, and the map opened again, are not concerned.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/figures.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shapes.h"

/* Headers may be older than the system. */
#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
struct uffdio_poison {
    struct uffdio_range range;
    __u64 mode;
    __s64 updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

enum {
    KEYS = 1500,
    SKIPPED = 77
};

static size_t page;
static struct entries entries;
static act_layout layout;
static int memory = -1; /* the file, and its path */
static char path[64];
static size_t file_nbytes, pages;

/* ------------------------------------------------------------------------------ a page that fails
 */

static int open_faults(void)
{
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    if (fd < 0)
        return -1;
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_POISON};
    if (ioctl(fd, UFFDIO_API, &api) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Where the file is mapped now; there is one mapping of it. */
static uintptr_t mapping_of_file(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    uintptr_t at = 0;
    assert_non_null(maps);
    while (!at && fgets(line, sizeof(line), maps)) {
        if (strstr(line, "memfd:actree-pages"))
            at = (uintptr_t)strtoull(line, NULL, 16);
    }
    fclose(maps);
    assert_true(at != 0);
    return at;
}

/* A map of the file, one page of which fails until close_failing(). */
struct failing {
    act_map *map;
    int faults;
    size_t number; /* of the page */
};

static struct failing open_failing(size_t number)
{
    /* Private: a shared mapping that may not be written is not one whose faults may be served. */
    act_open_options options = {.access = ACT_ACCESS_MAP,
                                .guard = ACT_GUARD_SIGNAL,
                                .is_private = true,
                                .advice = ACT_ADVICE_RANDOM};
    struct failing failing = {.faults = open_faults(), .number = number};
    act_error error = {0};
    assert_true(failing.faults >= 0);
    if (act_map_open(path, &options, &failing.map, &error) != ACT_OK)
        fail_msg("cannot open: %s", error.text);
    uintptr_t at = mapping_of_file();
    struct uffdio_register whole = {.range = {at, pages * page},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (ioctl(failing.faults, UFFDIO_REGISTER, &whole) != 0)
        fail_msg("cannot register: %s", strerror(errno));
    uintptr_t bad = at + number * page;
    assert_int_equal(madvise((void *)bad, page, MADV_DONTNEED), 0);
    struct uffdio_poison poison = {.range = {bad, page}};
    if (ioctl(failing.faults, UFFDIO_POISON, &poison) != 0)
        fail_msg("cannot fail page %zu: %s", number, strerror(errno));
    return failing;
}

static void close_failing(struct failing *failing)
{
    act_map_close(failing->map);
    close(failing->faults);
}

/* ------------------------------------------------------------------------------- what must hold */

static int note_touch(void *context, const act_touch *touch)
{
    struct failing *failing = context;
    uint64_t first = touch->off / page, last = (touch->off + touch->nbytes - 1) / page;
    return first <= failing->number && failing->number <= last;
}

/* Whether a lookup reads the page, by a map in which nothing fails. */
static bool needs_page(const act_map *whole, const struct entry *e, struct failing *failing)
{
    act_status status = act_map_trace_get(whole, e->key, e->key_nbytes, note_touch, failing, NULL,
                                          NULL);
    assert_true(status == ACT_OK || status == ACT_STOPPED);
    return status == ACT_STOPPED;
}

/* Keys one by one: those that do not need the page are answered, and the first that does is not. */
static void look_up(const act_map *whole, size_t number, struct random *r)
{
    struct failing failing = open_failing(number);
    uint64_t served = 0, refused = 0;
    for (unsigned i = 0; i < 60; i++) {
        const struct entry *e = &entries.items[random_below(r, entries.count)];
        uint64_t value = 0;
        act_error error = {0};
        bool needed = needs_page(whole, e, &failing);
        act_status status = act_map_get(failing.map, e->key, e->key_nbytes, &value, &error);
        if (status == ACT_OK) {
            assert_false(needed);
            assert_int_equal(value, e->value);
            served++;
            continue;
        }
        assert_int_equal(status, ACT_ERR_IO);
        /* A lookup may read a little more than it needs, within a cache line: not a page. */
        assert_true(needed);
        assert_int_equal(error.status, ACT_ERR_IO);
        assert_true(error.os_code != 0);
        assert_int_equal(act_map_check(failing.map, NULL), ACT_ERR_IO);
        assert_int_equal(act_map_get(failing.map, e->key, e->key_nbytes, &value, NULL), ACT_ERR_IO);
        refused++;
        /* Another map of the same file has the page. */
        assert_int_equal(act_map_get(whole, e->key, e->key_nbytes, &value, NULL), ACT_OK);
        assert_int_equal(value, e->value);
        close_failing(&failing);
        failing = open_failing(number);
    }
    close_failing(&failing);
    figures_add("page_lookups_answered", served);
    figures_add("page_lookups_refused", refused);
}

struct place {
    size_t at;
    bool wrong;
};

static int compare_next(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct place *place = context;
    const struct entry *e = &entries.items[place->at];
    if (place->at >= entries.count || value != e->value ||
        entries_compare(key, key_nbytes, e->key, e->key_nbytes) != 0)
        place->wrong = true;
    place->at++;
    return place->wrong;
}

/* Of a file in which every page holds something, a scan of all and a verify need every page. */
static void scan_and_verify(size_t number, uint64_t *refused)
{
    struct failing failing = open_failing(number);
    struct place place = {0};
    act_status status = act_map_scan(failing.map, NULL, compare_next, &place, NULL);
    assert_false(place.wrong);
    assert_true(status == ACT_ERR_IO || (status == ACT_OK && place.at == entries.count));
    *refused += status == ACT_ERR_IO;
    close_failing(&failing);

    failing = open_failing(number);
    status = act_map_verify(failing.map, NULL, NULL, NULL, NULL);
    assert_true(status == ACT_ERR_IO || status == ACT_OK);
    /* Checksums are of all bytes. */
    if (layout == ACT_LAYOUT_INDEXED)
        assert_int_equal(status, ACT_ERR_IO);
    *refused += status == ACT_ERR_IO;
    close_failing(&failing);
    figures_add("page_scans_and_verifies", 2);
}

static void make_file(act_layout wanted)
{
    size_t nbytes;
    layout = wanted;
    build_file(&entries, scratch_map, layout, NULL);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    memory = memfd_create("actree-pages", MFD_CLOEXEC);
    assert_true(memory >= 0);
    assert_int_equal(write(memory, bytes, nbytes), nbytes);
    free(bytes);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    file_nbytes = nbytes;
    pages = (file_nbytes + page - 1) / page;
}

static void each_page_fails(act_layout wanted)
{
    act_map *whole;
    struct random r = random_of(wanted);
    uint64_t refused = 0;
    make_file(wanted);
    assert_int_equal(act_map_open(scratch_map, NULL, &whole, NULL), ACT_OK);
    for (size_t number = 0; number < pages; number++) {
        look_up(whole, number, &r);
        scan_and_verify(number, &refused);
    }
    assert_true(refused >= pages);
    figures_add("pages_failed", pages);
    act_map_close(whole);
    close(memory);
}

static void of_an_indexed_file(void **state)
{
    (void)state;
    each_page_fails(ACT_LAYOUT_INDEXED);
}

static void of_a_plain_file(void **state)
{
    (void)state;
    each_page_fails(ACT_LAYOUT_PLAIN);
}

static int set_up(void **state)
{
    struct random r = random_of(15);
    page = (size_t)sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t key[90];
        size_t nbytes = random_below(&r, sizeof(key));
        random_fill(&r, key, nbytes);
        entries_add(&entries, key, nbytes, shapes_value(&r));
    }
    entries_sort(&entries);
    return scratch_set_up(state);
}

static int tear_down(void **state)
{
    entries_free(&entries);
    figures_print();
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_an_indexed_file),
        cmocka_unit_test(of_a_plain_file),
    };
    int faults = open_faults();
    if (faults < 0) {
        printf("skipped: this system does not let a program make its pages fail (%s)\n",
               strerror(errno));
        return SKIPPED;
    }
    close(faults);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
