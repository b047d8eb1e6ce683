/* The file under construction: what goes in comes out, whatever the sizes of the pieces. */
#include "build/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

static char *dir;
static char path[4096];

static int set_up(void **state)
{
    (void)state;
    dir = scratch_make();
    snprintf(path, sizeof(path), "%s/file", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

/* Appends `nbytes` of `bytes` as one piece, or writes them in place as far as there is room. */
static void put(struct act_sink *sink, const uint8_t *bytes, size_t nbytes, bool in_place)
{
    if (!in_place || nbytes > ACT_SINK_ROOM_NBYTES) {
        assert_int_equal(act_sink_append(sink, bytes, nbytes, NULL), ACT_OK);
        return;
    }
    assert_int_equal(act_sink_make_room(sink, NULL), ACT_OK);
    memcpy(act_sink_end(sink), bytes, nbytes);
    act_sink_set_end(sink, act_sink_end(sink) + nbytes);
}

/* Pieces of up to `most` bytes, until there are `total`. */
static void expect_same(struct random *r, size_t total, size_t most)
{
    static const uint8_t root[8] = {0x34, 0x12};
    struct act_sink sink;
    uint8_t *bytes = malloc(total);
    assert_non_null(bytes);
    random_fill(r, bytes, total);
    assert_int_equal(act_sink_open(&sink, path, 16, NULL), ACT_OK);
    for (size_t done = 0; done < total;) {
        size_t part = random_below(r, most) + 1;
        if (part > total - done)
            part = total - done;
        assert_int_equal(act_sink_position(&sink), 16 + done);
        put(&sink, bytes + done, part, random_below(r, 2));
        done += part;
    }
    assert_int_equal(act_sink_finish(&sink, root, sizeof(root), false, NULL), ACT_OK);
    assert_int_equal(act_sink_position(&sink), 16 + total + 8);
    act_sink_close(&sink);

    size_t nbytes;
    uint8_t *file = scratch_read(path, &nbytes);
    assert_int_equal(nbytes, 16 + total + 8);
    assert_memory_equal(file, "ACTree03\x34\x12\0\0\0\0\0\0", 16);
    assert_memory_equal(file + 16, bytes, total);
    assert_memory_equal(file + 16 + total, "\0\0\0\0\0\0\0\0", 8);
    free(file);
    free(bytes);
}

static void pieces_of_all_sizes_make_one_file(void **state)
{
    (void)state;
    struct random r = random_of(31);
    expect_same(&r, 1, 1);
    expect_same(&r, 5 << 20, 100);
    expect_same(&r, 5 << 20, ACT_SINK_ROOM_NBYTES);
    expect_same(&r, 9 << 20, 5 << 20);
    /* Around the ends of units, and of the buffer. */
    for (size_t more = 0; more <= 18; more++) {
        expect_same(&r, ACT_SINK_UNIT_NBYTES - 17 + more, 4 << 20);
        expect_same(&r, ACT_SINK_BUFFER_NBYTES - 17 + more, 4 << 20);
    }
}

/* In memory, where nothing may be the first thing that is appended. */
static void nothing_is_appended_in_memory(void **state)
{
    (void)state;
    struct act_sink sink;
    act_sink_open_memory(&sink, 4096);
    assert_int_equal(act_sink_append(&sink, NULL, 0, NULL), ACT_OK);
    assert_int_equal(act_sink_position(&sink), 4096);
    assert_int_equal(act_sink_append(&sink, "ab", 2, NULL), ACT_OK);
    assert_int_equal(act_sink_append(&sink, NULL, 0, NULL), ACT_OK);
    assert_int_equal(act_sink_position(&sink), 4098);
    assert_memory_equal(sink.buffer, "ab", 2);
    act_sink_close(&sink);
}

/* As if half of the address space were in it already. */
static void more_than_memory_holds_is_refused(void **state)
{
    (void)state;
    struct act_sink sink;
    act_error error = {0};
    act_sink_open_memory(&sink, 4096);
    assert_int_equal(act_sink_append(&sink, "ab", 2, NULL), ACT_OK);
    sink.used = SIZE_MAX / 2;
    assert_int_equal(act_sink_append(&sink, "c", SIZE_MAX / 2 + 2, &error), ACT_ERR_NOMEM);
    assert_int_equal(error.status, ACT_ERR_NOMEM);
    assert_int_equal(sink.used, SIZE_MAX / 2);
    sink.used = 2;
    assert_int_equal(act_sink_append(&sink, "c", 1, NULL), ACT_OK);
    assert_memory_equal(sink.buffer, "abc", 3);
    act_sink_close(&sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_all_sizes_make_one_file),
        cmocka_unit_test(nothing_is_appended_in_memory),
        cmocka_unit_test(more_than_memory_holds_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
