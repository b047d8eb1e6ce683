/* The system's files on mappings, as they are and as they might be. */
#include "os/linux/smaps.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/scratch.h"

static struct act_os_usage usage_of(const char *text, uint64_t start, uint64_t end)
{
    char *dir = scratch_make();
    char *path = scratch_path(dir, "smaps");
    struct act_os_usage usage;
    scratch_write(path, text, strlen(text));
    act_os_smaps_usage(path, start, end, &usage);
    free(path);
    scratch_remove(dir);
    return usage;
}

#define BEFORE "1000-2000 r--p 00000000 00:00 0\nRss: 4 kB\nPss: 4 kB\n"
#define FIRST                                                                                      \
    "2000-4000 r--s 00000000 fe:00 7      /a b\n"                                                  \
    "Size:   8 kB\nRss:                   8 kB\nPss:  3 kB\nPss_Dirty: 99 kB\nLocked: 4 kB\n"      \
    "FilePmdMapped: 2 kB\nAnonHugePages: 1 kB\nVmFlags: rd\n"
#define SECOND "4000-6000 r--s 00002000 fe:00 7      /a b\nRss: 4 kB\nPss: 1 kB\nLocked: 0 kB\n"
#define AFTER  "6000-7000 r--p 00000000 00:00 0\nRss: 16 kB\nPss: 16 kB\n"

static void mappings_are_added_up(void **state)
{
    (void)state;
    struct act_os_usage usage = usage_of(BEFORE FIRST SECOND AFTER, 0x2000, 0x6000);
    assert_true(usage.rss.known && usage.pss.known && usage.locked.known && usage.huge.known);
    assert_int_equal(usage.rss.nbytes, 12 << 10);
    assert_int_equal(usage.pss.nbytes, 4 << 10);
    assert_int_equal(usage.locked.nbytes, 4 << 10);
    assert_int_equal(usage.huge.nbytes, 3 << 10);
    assert_false(usage.swapped.known);
}

static void what_is_not_ours_alone_is_unknown(void **state)
{
    (void)state;
    assert_false(usage_of(BEFORE FIRST, 0x2000, 0x3000).rss.known);
    assert_false(usage_of(BEFORE FIRST, 0x3000, 0x4000).rss.known);
    assert_false(usage_of(BEFORE AFTER, 0x2000, 0x6000).rss.known);
    assert_false(usage_of("", 0x2000, 0x6000).rss.known);
    struct act_os_usage usage;
    memset(&usage, 255, sizeof(usage));
    act_os_smaps_usage("no/such/file", 0x2000, 0x6000, &usage);
    assert_false(usage.rss.known || usage.pss.known || usage.locked.known);
    assert_int_equal(usage.rss.nbytes, 0);
}

/* What is in huge pages of a mapping that reaches beyond is at most what was asked about. */
static void huge_pages_within_bounds(void **state)
{
    (void)state;
    char *dir = scratch_make();
    char *path = scratch_path(dir, "smaps");
    scratch_write(path, BEFORE FIRST SECOND AFTER, strlen(BEFORE FIRST SECOND AFTER));
    assert_int_equal(act_os_smaps_huge(path, 0x2000, 0x6000), 3 << 10);
    assert_int_equal(act_os_smaps_huge(path, 0x3000, 0x3800), 2 << 10);
    assert_int_equal(act_os_smaps_huge(path, 0x4000, 0x6000), 0);
    assert_int_equal(act_os_smaps_huge("no/such/file", 0x2000, 0x6000), 0);
    free(path);
    scratch_remove(dir);
}

/* A path may be as long as it likes, and look like anything. */
static void odd_lines(void **state)
{
    (void)state;
    static char text[20000];
    size_t nbytes = (size_t)snprintf(text, sizeof(text), "2000-4000 r--s 0 fe:00 7 /");
    memset(text + nbytes, 'R', 8000);
    snprintf(text + nbytes + 4200, 4000, "Rss: 999 kB");
    snprintf(text + strlen(text), 1000, "\nRss: 8 kB\n: \nRss\n-\n2000-\n2000-2000 \nabc\n");
    struct act_os_usage usage = usage_of(text, 0x2000, 0x4000);
    assert_true(usage.rss.known);
    assert_int_equal(usage.rss.nbytes, 8 << 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappings_are_added_up),
        cmocka_unit_test(what_is_not_ours_alone_is_unknown),
        cmocka_unit_test(huge_pages_within_bounds),
        cmocka_unit_test(odd_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
