/*
 * Pages that go while a map is open, with a guard: the file is cut so that each of its pages is the
 * last, and every question is asked: right answers from before, or ACT_ERR_IO, and then nothing
 * else. And each page is made a hole, which a guard need not see, since it reads as zeros: answers
 * may be wrong then, as with any damage, but there is no crash, and verify finds it.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/figures.h"
#include "support/scratch.h"
#include "support/shapes.h"
#include "threads/truncation.h"

enum {
    KEYS = 700,
    PAGE = 4096
};

static struct entries entries;

/* One reader, who asks everything after the file has been cut to each number of pages. */
static void each_page_is_the_last(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("SIGBUS does not tell the address");
    for (unsigned layout = ACT_LAYOUT_INDEXED; layout <= ACT_LAYOUT_COMPACT; layout++) {
        act_open_options options = {.access = ACT_ACCESS_MAP, .guard = ACT_GUARD_SIGNAL};
        size_t nbytes;
        act_map *map;
        build_file(&entries, scratch_map, (act_layout)layout, NULL);
        unsigned char *bytes = scratch_read(scratch_map, &nbytes);
        for (size_t end = nbytes / PAGE * PAGE; end < nbytes; end -= PAGE) {
            struct question question = {.entries = &entries, .r = random_of(end)};
            bool saw_error = false;
            assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
            assert_int_equal(truncate(scratch_map, (off_t)end), 0);
            question.map = map;
            for (unsigned kind = 0; kind < questions_count(); kind++) {
                act_status status = questions_ask(&question, kind);
                if (question.fault || (saw_error && status != ACT_ERR_IO))
                    fail_msg("cut at %zu: not so: %s", end,
                             question.fault ? question.fault : "an answer after an error");
                saw_error |= status != ACT_OK;
            }
            assert_true(saw_error);
            act_map_close(map);
            scratch_write(scratch_map, bytes, nbytes);
            figures_add("pages_cut", 1);
        }
        free(bytes);
    }
}

static int count_some(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)key;
    (void)key_nbytes;
    (void)value;
    return ++*(unsigned *)context > 2 * KEYS;
}

/* Damage, perhaps found; or that what the guard watches is gone. */
static void expect_answer(act_status status)
{
    assert_true(status == ACT_OK || status == ACT_NOT_FOUND || status == ACT_STOPPED ||
                status == ACT_ERR_CORRUPT || status == ACT_ERR_LIMIT || status == ACT_ERR_IO);
}

static void holes_crash_nobody(void **state)
{
    (void)state;
    act_open_options options = {.access = ACT_ACCESS_MAP, .guard = ACT_GUARD_SIGNAL};
    struct random r = random_of(14);
    size_t nbytes;
    act_map *map;
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    unsigned char *bytes = scratch_read(scratch_map, &nbytes);
    for (size_t at = 0; at < nbytes; at += PAGE) {
        static const unsigned char zeros[PAGE];
        unsigned visited = 0;
        if (memcmp(bytes + at, zeros, nbytes - at < PAGE ? nbytes - at : PAGE) == 0)
            continue; /* a hole already */
        assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
        int fd = open(scratch_map, O_RDWR);
        assert_true(fd >= 0);
        int punched = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, PAGE);
        close(fd);
        if (punched != 0) {
            act_map_close(map);
            free(bytes);
            print_message("no holes can be punched into files here\n");
            skip();
        }
        for (unsigned i = 0; i < 200; i++) {
            uint8_t key[200];
            uint64_t value;
            size_t key_nbytes = shapes_near_key(&r, &entries, key, sizeof(key));
            act_status status = act_map_get(map, key, key_nbytes, &value, NULL);
            expect_answer(status);
        }
        act_status status = act_map_scan(map, NULL, count_some, &visited, NULL);
        expect_answer(status);
        /* The guard keeps the last pages as they were, for what it watches in them. */
        bool is_whole = act_map_verify(map, NULL, NULL, NULL, NULL) == ACT_OK;
        assert_true(!is_whole || (status == ACT_OK && visited == entries.count));
        act_map_close(map);
        /* Who opens it now sees the hole in any case. */
        if (act_map_open(scratch_map, &options, &map, NULL) == ACT_OK)
            assert_int_equal(act_map_verify(map, NULL, NULL, NULL, NULL), ACT_ERR_CORRUPT);
        act_map_close(map);
        scratch_write(scratch_map, bytes, nbytes);
        figures_add("holes_punched", 1);
    }
    free(bytes);
}

static int set_up(void **state)
{
    struct random r = random_of(42);
    for (int i = 0; i < KEYS; i++) {
        uint8_t key[60];
        size_t nbytes = random_below(&r, sizeof(key));
        random_fill(&r, key, nbytes);
        entries_add(&entries, key, nbytes, shapes_value(&r));
    }
    entries_sort(&entries);
    return scratch_set_up(state);
}

static int tear_down(void **state)
{
    figures_print();
    entries_free(&entries);
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_page_is_the_last),
        cmocka_unit_test(holes_crash_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
