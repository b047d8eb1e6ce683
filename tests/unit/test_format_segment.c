/* The footer of a segment, out of bytes that say anything. */
#define _GNU_SOURCE

#include "format/segment.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "format/layout.h"
#include "support/check.h"

#if CHECK_POSIX
#include <sys/mman.h>
#include <unistd.h>
#endif

enum {
    ROOT = 300
};

static const struct act_segment good = {
    .begin = 100, .root = ROOT, .jump_begin = 100, .keys = UINT64_MAX, .sum = 0x123456789abcdef0};

static uint8_t bytes[ROOT + 1];

static bool reads(const struct act_segment *segment, struct act_segment *again)
{
    act_segment_write(bytes + ROOT - ACT_SEGMENT_NBYTES, segment);
    return act_segment_read(bytes, ROOT, again);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct act_segment again;
    assert_true(reads(&good, &again));
    assert_memory_equal(&again, &good, sizeof(good));
    /* Nowhere else, and not so near to the front that there is no room. */
    for (uint64_t root = 0; root < ROOT; root++)
        assert_false(act_segment_read(bytes, root, &again));
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct act_segment again;
    assert_true(reads(&good, &again));
    for (size_t bit = 0; bit < (size_t)8 * ACT_SEGMENT_NBYTES; bit++) {
        uint8_t *byte = bytes + ROOT - ACT_SEGMENT_NBYTES + bit / 8;
        *byte ^= (uint8_t)(1 << bit % 8);
        assert_false(act_segment_read(bytes, ROOT, &again));
        *byte ^= (uint8_t)(1 << bit % 8);
    }
}

static void numbers_that_make_no_sense(void **state)
{
    (void)state;
    struct act_segment again, bad = good;
    bad.root++;
    assert_false(reads(&bad, &again));
    bad = good;
    bad.begin = ROOT - ACT_SEGMENT_NBYTES;
    assert_true(reads(&bad, &again));
    bad.begin++;
    assert_false(reads(&bad, &again));
    bad.begin = bad.jump_begin = ACT_ARENA_OFF;
    assert_true(reads(&bad, &again));
    bad.begin = bad.jump_begin = ACT_ARENA_OFF - 1;
    assert_false(reads(&bad, &again));
    bad = good;
    bad.jump_begin = ACT_ARENA_OFF;
    assert_true(reads(&bad, &again));
    bad.jump_begin--;
    assert_false(reads(&bad, &again));
    bad = good;
    bad.jump_begin = bad.begin + 1;
    assert_false(reads(&bad, &again));
}

/* With a checksum that is right: each byte of the magic counts by itself. */
static void another_magic_is_not_read(void **state)
{
    (void)state;
    struct act_segment again;
    for (size_t i = 0; i < 8; i++) {
        assert_true(reads(&good, &again));
        uint8_t *footer = bytes + ROOT - ACT_SEGMENT_NBYTES;
        footer[i]++;
        act_store_le64(footer + 56, act_hash64(footer, 56, 0));
        assert_false(act_segment_read(bytes, ROOT, &again));
    }
}

/* A footer was there if its magic is, or what the checksum says but for the magic. */
static void what_is_left_of_a_footer(void **state)
{
    (void)state;
    enum {
        LEAST = ACT_ARENA_OFF + ACT_SEGMENT_NBYTES
    };
    struct act_segment again;
    uint8_t *footer = bytes + ROOT - ACT_SEGMENT_NBYTES;
    assert_true(reads(&good, &again));
    assert_true(act_segment_was_footer(bytes, ROOT));
    for (size_t at = 0; at < ACT_SEGMENT_NBYTES; at++) {
        footer[at] ^= 1;
        assert_true(act_segment_was_footer(bytes, ROOT));
        footer[ACT_SEGMENT_NBYTES - 1] ^= 2;
        assert_int_equal(act_segment_was_footer(bytes, ROOT), at >= 8);
        footer[ACT_SEGMENT_NBYTES - 1] ^= 2;
        footer[at] ^= 1;
    }
    memset(footer, 0, 9);
    assert_false(act_segment_was_footer(bytes, ROOT));
    /* At the begin of the arena, and no lower, where the header is. */
    static uint8_t front[LEAST];
    struct act_segment first = {.begin = ACT_ARENA_OFF, .root = LEAST, .jump_begin = ACT_ARENA_OFF};
    act_segment_write(front + ACT_ARENA_OFF, &first);
    assert_true(act_segment_read(front, LEAST, &again));
    assert_true(act_segment_was_footer(front, LEAST));
    for (uint64_t root = 0; root < LEAST; root++) {
        memset(front, 0, sizeof(front));
        if (root >= ACT_SEGMENT_NBYTES)
            memcpy(front + root - ACT_SEGMENT_NBYTES, ACT_SEGMENT_MAGIC, 8);
        assert_false(act_segment_was_footer(front, root));
    }
}

static void another_version_is_not_read(void **state)
{
    (void)state;
    struct act_segment again;
    assert_true(reads(&good, &again));
    uint8_t *footer = bytes + ROOT - ACT_SEGMENT_NBYTES;
    act_store_le64(footer + 8, 2);
    act_store_le64(footer + 56, act_hash64(footer, 56, 0));
    assert_false(act_segment_read(bytes, ROOT, &again));
}

static void sums_are_a_chain(void **state)
{
    (void)state;
    uint64_t first = act_segment_sum(bytes, 10, 0);
    assert_true(first != act_segment_sum(bytes, 11, 0));
    assert_true(act_segment_sum(bytes, 10, first) != first);
    assert_true(first == act_hash64(bytes, 10, 0));
}

/* Not even bytes for a node as long as they may be: nothing before them is looked at. */
static void a_short_file_has_none(void **state)
{
    (void)state;
    static const uint8_t zeros[ACT_TRAILER_NBYTES + ACT_NODE_NBYTES_MAX / 2];
    const uint8_t *file = zeros;
#if CHECK_POSIX
    size_t page_nbytes = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 2 * page_nbytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages, page_nbytes, PROT_NONE), 0);
    file = pages + page_nbytes;
#endif
    struct act_arena arena = act_arena_of(file, sizeof(zeros), 0);
    assert_int_equal(act_segment_newest(&arena, sizeof(zeros)), 0);
#if CHECK_POSIX
    munmap(pages, 2 * page_nbytes);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),    cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(numbers_that_make_no_sense), cmocka_unit_test(another_version_is_not_read),
        cmocka_unit_test(another_magic_is_not_read),  cmocka_unit_test(what_is_left_of_a_footer),
        cmocka_unit_test(sums_are_a_chain),           cmocka_unit_test(a_short_file_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
