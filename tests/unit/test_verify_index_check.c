/* What an index says of its file, and what is left of one that was hit. */
#include "verify/index_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/layout.h"
#include "read/map.h"
#include "support/build.h"
#include "support/check.h"
#include "support/scratch.h"

/* What was asked for ahead. */
static struct {
    const uint8_t *bytes;
    uint64_t nbytes;
    unsigned times;
    bool out_of_order;
} asked;

void __wrap_act_os_paging_fetch(const uint8_t *at, uint64_t at_nbytes);
void __wrap_act_os_paging_fetch(const uint8_t *at, uint64_t at_nbytes)
{
    /* Further up each time, and not far behind: half of it was asked for before. */
    if (asked.times && (at <= asked.bytes || at > asked.bytes + asked.nbytes))
        asked.out_of_order = true;
    asked.bytes = at;
    asked.nbytes = at_nbytes;
    asked.times++;
}

static unsigned char *bytes;
static size_t nbytes;
static uint64_t copy_off;

static void make_file(void)
{
    struct entries entries = {0};
    entries_add(&entries, "a", 1, 1);
    entries_add(&entries, "b", 1, 2);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    bytes = scratch_read(scratch_map, &nbytes);
    copy_off = act_index_copy_off(nbytes);
}

static act_status check(act_verify_report *report)
{
    act_map *map;
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    act_status status = act_map_verify(map, NULL, NULL, report, NULL);
    act_map_close(map);
    return status;
}

static void expect_broken(act_rule rule, uint64_t offset)
{
    act_verify_report report;
    assert_int_equal(check(&report), ACT_ERR_CORRUPT);
    assert_int_equal(report.broken_rule, rule);
    assert_int_equal(report.broken_offset, offset);
    free(bytes);
}

static void headers_that_are_gone(void **state)
{
    (void)state;
    act_verify_report report;
    /* Its magic alone: the rest says what it was. */
    make_file();
    memset(bytes + ACT_INDEX_OFF, 0, 8);
    expect_broken(ACT_RULE_INDEX_HEADER, ACT_INDEX_OFF);
    /* All of it: there is the copy. */
    make_file();
    memset(bytes + ACT_INDEX_OFF, 0, ACT_INDEX_NBYTES);
    expect_broken(ACT_RULE_INDEX_HEADER, ACT_INDEX_OFF);
    /* The copy alone. */
    make_file();
    memset(bytes + copy_off, 0, ACT_INDEX_NBYTES);
    expect_broken(ACT_RULE_INDEX_HEADER, copy_off);
    /* Both: that is a plain file, with bytes that nothing refers to. */
    make_file();
    memset(bytes + ACT_INDEX_OFF, 0, ACT_INDEX_NBYTES);
    memset(bytes + copy_off, 0, ACT_INDEX_NBYTES);
    assert_int_equal(check(&report), ACT_OK);
    assert_int_equal(report.soundness, ACT_SOUND_UNCHECKED);
    free(bytes);
}

static void a_file_that_is_not_what_the_index_says(void **state)
{
    (void)state;
    make_file();
    bytes[nbytes - 12] = 1; /* the zeros before those that every file ends in */
    expect_broken(ACT_RULE_TAIL, nbytes - ACT_INDEX_TAIL_NBYTES);
    make_file();
    act_store_le64(bytes + 8, act_load_le64(bytes + 8) - 2); /* a leaf */
    expect_broken(ACT_RULE_INDEX_HEADER, ACT_ROOT_OFF);
    make_file();
    bytes = realloc(bytes, nbytes + 8);
    assert_non_null(bytes);
    memset(bytes + nbytes, 0, 8);
    nbytes += 8;
    expect_broken(ACT_RULE_INDEX_HEADER, nbytes - 8);
}

/* A jump table that does not lead to a sibling: which one, is told as people count. */
static void a_table_that_leads_elsewhere(void **state)
{
    (void)state;
    act_map *map;
    act_error error;
    struct act_node root;
    make_file();
    struct act_arena arena = act_arena_of(bytes, nbytes, 0);
    assert_true(act_node_decode(&arena, act_load_le64(bytes + ACT_ROOT_OFF), &root));
    uint64_t first = root.id - root.child_rel;
    bytes[first - 2]++; /* before the byte that tells how wide it is */
    assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_map_verify(map, NULL, NULL, NULL, &error), ACT_ERR_CORRUPT);
    act_map_close(map);
    assert_non_null(strstr(error.text, "does not lead to sibling 2"));
    expect_broken(ACT_RULE_JUMP_TABLE, first);
}

/* Too short for an index, whatever is in it. */
static void short_plain_files(void **state)
{
    (void)state;
    act_verify_report report;
    make_file();
    size_t limit = ACT_INDEX_END + ACT_INDEX_NBYTES + ACT_INDEX_TAIL_NBYTES;
    for (size_t wanted = limit - 1; wanted <= limit; wanted++) {
        unsigned char *plain = calloc(1, wanted);
        assert_non_null(plain);
        memcpy(plain, "ACTree03", 8);
        plain[ACT_ROOT_OFF] = ACT_ARENA_OFF;
        unsigned char *kept = bytes;
        size_t kept_nbytes = nbytes;
        bytes = plain;
        nbytes = wanted;
        assert_int_equal(check(&report), ACT_OK);
        /* With what would be the copy of a header at its end. */
        memcpy(plain + wanted - ACT_INDEX_TAIL_NBYTES - ACT_INDEX_NBYTES, kept + copy_off,
               ACT_INDEX_NBYTES);
        assert_int_equal(check(&report), wanted < limit ? ACT_OK : ACT_ERR_CORRUPT);
        free(plain);
        bytes = kept;
        nbytes = kept_nbytes;
    }
    free(bytes);
}

/* As if each call were long ago: told when the clock was looked at. */
struct looks {
    struct act_sweep *sweep;
    uint64_t done[8];
    size_t count;
};

static int keep_look(void *context, uint64_t done, uint64_t total)
{
    struct looks *looks = context;
    assert_true(done <= total && looks->count < 8);
    looks->done[looks->count++] = done;
    looks->sweep->pace.called_ms = 0;
    return 0;
}

/* The clock is looked at before every 64th block. */
static void the_clock_is_looked_at_now_and_then(void **state)
{
    (void)state;
    enum {
        BLOCKS = 70
    };
    struct entries entries = {0};
    struct act_sweep sweep;
    struct looks looks = {.sweep = &sweep};
    act_map *map;
    uint8_t *key = calloc(1, (size_t)BLOCKS * ACT_SUMS_BLOCK_NBYTES);
    assert_non_null(key);
    entries_add(&entries, key, (size_t)BLOCKS * ACT_SUMS_BLOCK_NBYTES, 1);
    free(key);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
    assert_int_equal(act_sums_count(map->index.sums_off), BLOCKS + 1);
    assert_int_equal(act_sweep_open(&sweep, map, map->index.sums_off, keep_look, &looks, NULL),
                     ACT_OK);
    assert_int_equal(looks.count, 1);
    sweep.pace.called_ms = 0;
    assert_int_equal(act_index_check_sums(&sweep, NULL), ACT_OK);
    assert_int_equal(looks.count, 3);
    assert_int_equal(looks.done[1], sweep.root + act_sums_begin(0));
    assert_int_equal(looks.done[2], sweep.root + act_sums_begin(64));
    act_sweep_close(&sweep);
    act_map_close(map);
}

/* Where pages are read one by one, blocks are asked for some at a time, before they are compared.
 */
static void blocks_are_asked_for_ahead(void **state)
{
    (void)state;
    enum {
        KEYS = 200000,
        AT_A_TIME = 8 /* blocks */
    };
    struct entries entries = {0};
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t key = i * 2654435761u;
        entries_add(&entries, &key, sizeof(key), i * 11400714819323198485u);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    for (act_advice advice = ACT_ADVICE_NORMAL; advice <= ACT_ADVICE_RANDOM; advice++) {
        const act_open_options options = {.access = ACT_ACCESS_MAP, .advice = advice};
        struct act_sweep sweep;
        act_map *map;
        assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
        assert_int_equal(act_sweep_open(&sweep, map, 0, NULL, NULL, NULL), ACT_OK);
        uint64_t blocks = act_sums_count(map->index.sums_off);
        assert_true(blocks > 2 * AT_A_TIME);
        memset(&asked, 0, sizeof(asked));
        assert_int_equal(act_index_check_sums(&sweep, NULL), ACT_OK);
        if (CHECK_MAPPED && advice == ACT_ADVICE_RANDOM) {
            assert_int_equal(asked.times, (blocks + AT_A_TIME - 1) / AT_A_TIME);
            assert_false(asked.out_of_order);
            assert_true(asked.bytes + asked.nbytes == map->arena.bytes + map->index.sums_off);
        } else {
            assert_int_equal(asked.times, 0);
        }
        act_sweep_close(&sweep);
        act_map_close(map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_are_gone),
        cmocka_unit_test(a_file_that_is_not_what_the_index_says),
        cmocka_unit_test(the_clock_is_looked_at_now_and_then),
        cmocka_unit_test(blocks_are_asked_for_ahead),
        cmocka_unit_test(a_table_that_leads_elsewhere),
        cmocka_unit_test(short_plain_files),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
