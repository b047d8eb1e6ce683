/* The header of an index, and jump tables, out of bytes that say anything. */
#include "format/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "format/node.h"
#include "support/check.h"

enum {
    FILE_NBYTES = 1000,
    SUMS_OFF = FILE_NBYTES - ACT_INDEX_TAIL_NBYTES - ACT_INDEX_NBYTES - ACT_SUM_NBYTES
};

static const struct act_index good = {.file_nbytes = FILE_NBYTES,
                                      .root = SUMS_OFF - 5,
                                      .jump_end = SUMS_OFF,
                                      .hot_off = 300,
                                      .sums_off = SUMS_OFF,
                                      .sums_hash = 0x123456789abcdef0,
                                      .keys = 7,
                                      .nodes = 8,
                                      .line_nbytes = 9,
                                      .key_nbytes_longest = UINT64_MAX};

/* Reads a header from a file of so many bytes, which hold nothing else. */
static enum act_index_state read_from(const uint8_t header[ACT_INDEX_NBYTES], size_t file_nbytes,
                                      struct act_index *index)
{
    uint8_t *bytes = calloc(1, file_nbytes);
    assert_non_null(bytes);
    size_t there = file_nbytes - ACT_INDEX_OFF;
    memcpy(bytes + ACT_INDEX_OFF, header, there < ACT_INDEX_NBYTES ? there : ACT_INDEX_NBYTES);
    enum act_index_state state = act_index_read(bytes, file_nbytes, index);
    free(bytes);
    return state;
}

static enum act_index_state state_of(const struct act_index *index)
{
    uint8_t header[ACT_INDEX_NBYTES];
    struct act_index again;
    act_index_write(header, index);
    return read_from(header, FILE_NBYTES, &again);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t header[ACT_INDEX_NBYTES];
    struct act_index again;
    act_index_write(header, &good);
    assert_true(act_index_intact(header));
    /* In a longer file too: something was merged into it. */
    for (size_t more = 0; more < 100; more += 33) {
        memset(&again, 0xaa, sizeof(again));
        assert_int_equal(read_from(header, FILE_NBYTES + more, &again), ACT_INDEX_VALID);
        assert_memory_equal(&again, &good, sizeof(good));
    }
    assert_int_equal(read_from(header, FILE_NBYTES - 1, &again), ACT_INDEX_DAMAGED);
    assert_int_equal(read_from(header, ACT_INDEX_END, &again), ACT_INDEX_DAMAGED);
    for (size_t nbytes = ACT_FILE_NBYTES_MIN; nbytes < ACT_INDEX_END; nbytes++)
        assert_int_equal(read_from(header, nbytes, &again), ACT_INDEX_DAMAGED);
}

static void every_byte_of_it_counts(void **state)
{
    (void)state;
    uint8_t header[ACT_INDEX_NBYTES];
    struct act_index again;
    act_index_write(header, &good);
    for (size_t at = 0; at < ACT_INDEX_NBYTES; at++) {
        header[at] ^= 0x10;
        assert_int_equal(read_from(header, FILE_NBYTES, &again),
                         at < 8 ? ACT_INDEX_NONE : ACT_INDEX_DAMAGED);
        assert_false(act_index_intact(header));
        header[at] ^= 0x10;
    }
}

/* With a checksum that is right: of a later version, or a lie. */
static void later_versions_are_left_alone(void **state)
{
    (void)state;
    static const size_t fields[] = {8, 16, 23, 56};
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        uint8_t header[ACT_INDEX_NBYTES];
        struct act_index again;
        act_index_write(header, &good);
        header[fields[i]] ^= 2;
        act_store_le64(header + ACT_INDEX_NBYTES - 8, act_hash64(header, ACT_INDEX_NBYTES - 8, 0));
        assert_int_equal(read_from(header, FILE_NBYTES, &again), ACT_INDEX_UNKNOWN);
    }
}

static void numbers_that_cannot_be(void **state)
{
    (void)state;
    static const uint64_t any[] = {
        0,         1, 16, 255, SUMS_OFF, FILE_NBYTES, 1u << 31, (uint64_t)1 << 63, UINT64_MAX - 8,
        UINT64_MAX};
    assert_int_equal(state_of(&good), ACT_INDEX_VALID);
    for (size_t i = 0; i < sizeof(any) / sizeof(*any); i++) {
        struct act_index bad = good;
        bad.file_nbytes = any[i];
        assert_int_equal(state_of(&bad),
                         any[i] == FILE_NBYTES ? ACT_INDEX_VALID : ACT_INDEX_DAMAGED);
        bad = good;
        bad.root = any[i];
        assert_int_equal(state_of(&bad), ACT_INDEX_DAMAGED);
        bad = good;
        bad.sums_off = any[i];
        assert_int_equal(state_of(&bad), any[i] == SUMS_OFF ? ACT_INDEX_VALID : ACT_INDEX_DAMAGED);
        bad = good;
        bad.jump_end = any[i];
        assert_int_equal(state_of(&bad), any[i] <= SUMS_OFF ? ACT_INDEX_VALID : ACT_INDEX_DAMAGED);
        bad = good;
        bad.hot_off = any[i];
        assert_int_equal(state_of(&bad), ACT_INDEX_DAMAGED);
    }
}

/* Each number at its limits. */
static void numbers_that_can_just_be(void **state)
{
    (void)state;
    struct act_index index = good;
    /* As many checksums as fit in between, be the blocks whole or not. */
    index.sums_off = SUMS_OFF - ACT_SUM_NBYTES;
    assert_int_equal(state_of(&index), ACT_INDEX_DAMAGED);
    index = good;
    index.root = index.hot_off = ACT_INDEX_END;
    assert_int_equal(state_of(&index), ACT_INDEX_VALID);
    index.hot_off = ACT_INDEX_END + 1;
    assert_int_equal(state_of(&index), ACT_INDEX_DAMAGED);
    index.root = index.hot_off = ACT_INDEX_END - 1;
    assert_int_equal(state_of(&index), ACT_INDEX_DAMAGED);
    index = good;
    index.root = SUMS_OFF - 1;
    assert_int_equal(state_of(&index), ACT_INDEX_VALID);
    index.root = SUMS_OFF;
    assert_int_equal(state_of(&index), ACT_INDEX_DAMAGED);
    index = good;
    index.jump_end = SUMS_OFF + 1;
    assert_int_equal(state_of(&index), ACT_INDEX_DAMAGED);
}

/* The shortest file: a root of one byte, and its checksum. */
static void the_shortest_index(void **state)
{
    (void)state;
    enum {
        SHORTEST = ACT_INDEX_END + 1 + ACT_SUM_NBYTES + ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES
    };
    struct act_index index = {.file_nbytes = SHORTEST,
                              .root = ACT_INDEX_END,
                              .hot_off = ACT_INDEX_END,
                              .sums_off = ACT_INDEX_END + 1};
    assert_int_equal(state_of(&index), ACT_INDEX_VALID);
    index.file_nbytes--;
    assert_int_equal(state_of(&index), ACT_INDEX_DAMAGED);
    index = (struct act_index){.file_nbytes = SHORTEST + 1,
                               .root = ACT_INDEX_END,
                               .hot_off = ACT_INDEX_END,
                               .sums_off = ACT_INDEX_END};
    assert_int_equal(state_of(&index), ACT_INDEX_DAMAGED);
}

/* A run at any place, its table of any width: nothing before the file is read. The copy of its own
 * size shows it to a sanitizer. */
static void jump_tables_do_not_reach_before_the_file(void **state)
{
    (void)state;
    static const uint8_t widths[] = {0, 1, 2, 3, 4, 5, 255};
    for (size_t first = ACT_ARENA_OFF; first < 1400; first += first < 300 ? 1 : 37) {
        uint8_t *bytes = malloc(first);
        assert_non_null(bytes);
        for (size_t i = 0; i < sizeof(widths); i++) {
            size_t width = widths[i];
            memset(bytes, 7, first);
            bytes[first - 1] = (uint8_t)width;
            for (unsigned index = 1; index < 256; index++) {
                uint64_t child = act_jump_read(bytes, first, index);
                bool known = width == 1 || width == 2 || width == 4;
                bool inside = first > ACT_INDEX_END && width * index < first - 1 - ACT_ARENA_OFF;
                static const uint64_t sevens[] = {0, 7, 0x0707, 0, 0x07070707};
                /* Of single bytes none can reach so far. */
                if (known && (inside || (width == 1 && first > ACT_INDEX_END)))
                    assert_int_equal(child, first + sevens[width]);
                else
                    assert_int_equal(child, 0);
            }
        }
        free(bytes);
    }
}

static void blocks_cover_every_byte_once(void **state)
{
    (void)state;
    static const uint64_t ends[] = {257, 65535, 65536, 65537, 200000, (uint64_t)1 << 37};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        uint64_t count = act_sums_count(ends[i]);
        assert_int_equal(act_sums_begin(0), ACT_INDEX_END);
        assert_int_equal(act_sums_end(count - 1, ends[i]), ends[i]);
        for (uint64_t block = 1; block < count && block < 10; block++)
            assert_int_equal(act_sums_begin(block), act_sums_end(block - 1, ends[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_byte_of_it_counts),
        cmocka_unit_test(later_versions_are_left_alone),
        cmocka_unit_test(numbers_that_cannot_be),
        cmocka_unit_test(numbers_that_can_just_be),
        cmocka_unit_test(the_shortest_index),
        cmocka_unit_test(jump_tables_do_not_reach_before_the_file),
        cmocka_unit_test(blocks_cover_every_byte_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
