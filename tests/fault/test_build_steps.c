/*
 * Building, while each step of writing fails in turn: not the system's calls, which come when
 * buffers are full, but the calls of what writes into the buffers, and each table that grows. So an
 * error may come up anywhere in the tree. And at each step the buffer is full. What must hold each
 * time: it is told, with its reason, by this call and by all that follow; no file appears, and
 * nothing else is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "base/error.h"
#include "base/memory.h"
#include "build/key.h"
#include "build/part.h"
#include "build/sink.h"
#include "build/spool.h"
#include "os/file.h"
#include "os/thread.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

/* Into the file itself, or to where what comes last is kept until then. */
enum kind {
    SINK,
    SPOOL,
    SPOOL_BASE, /* of what the spool gets and gives, what comes once for a part */
    TABLE,
    OUTPUT /* what is in the buffer, to the file */
};

static struct {
    bool armed;
    enum kind kind;
    uint64_t nth, steps;
    bool no_threads;
} fault;

/* Counts a step; true if it has to fail. */
static bool refuse(enum kind kind, act_error *error)
{
    if (!fault.armed || kind != fault.kind || ++fault.steps != fault.nth)
        return false;
    (void)act_fail_os(error, EDQUOT, "step %llu", (unsigned long long)fault.nth);
    return true;
}

/* The linker gives __wrap_NAME the calls of NAME, and __real_NAME is what they meant. */
#define WRAP(kind, name, parameters, arguments)                                                    \
    act_status __real_##name parameters;                                                           \
    act_status __wrap_##name parameters;                                                           \
    act_status __wrap_##name parameters                                                            \
    {                                                                                              \
        return refuse(kind, error) ? ACT_ERR_IO : __real_##name arguments;                         \
    }

act_status __real_act_spool_write(struct act_spool *spool, const void *bytes, size_t nbytes,
                                  act_error *error);
act_status __wrap_act_spool_write(struct act_spool *spool, const void *bytes, size_t nbytes,
                                  act_error *error);
act_status __wrap_act_spool_write(struct act_spool *spool, const void *bytes, size_t nbytes,
                                  act_error *error)
{
    static const uint16_t none = 0;
    bool base = nbytes == sizeof(uint64_t) ||
                (nbytes == sizeof(none) && memcmp(bytes, &none, nbytes) == 0);
    return refuse(SPOOL, error) || (base && refuse(SPOOL_BASE, error))
               ? ACT_ERR_IO
               : __real_act_spool_write(spool, bytes, nbytes, error);
}

act_status __real_act_spool_read(struct act_spool *spool, void *bytes, size_t nbytes,
                                 act_error *error);
act_status __wrap_act_spool_read(struct act_spool *spool, void *bytes, size_t nbytes,
                                 act_error *error);
act_status __wrap_act_spool_read(struct act_spool *spool, void *bytes, size_t nbytes,
                                 act_error *error)
{
    return refuse(SPOOL, error) || (nbytes == sizeof(uint64_t) && refuse(SPOOL_BASE, error))
               ? ACT_ERR_IO
               : __real_act_spool_read(spool, bytes, nbytes, error);
}

WRAP(SPOOL, act_spool_rewind, (struct act_spool * spool, act_error *error), (spool, error))
WRAP(SINK, act_sink_append,
     (struct act_sink * sink, const void *bytes, size_t nbytes, act_error *error),
     (sink, bytes, nbytes, error))
WRAP(SINK, act_sink_append_sums, (struct act_sink * sink, uint64_t *hash_ret, act_error *error),
     (sink, hash_ret, error))
WRAP(SINK, act_sink_flush, (struct act_sink * sink, act_error *error), (sink, error))
WRAP(OUTPUT, act_os_output_write,
     (struct act_os_output * output, const void *bytes, size_t nbytes, act_error *error),
     (output, bytes, nbytes, error))

bool __real_act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes);
bool __wrap_act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes);
bool __wrap_act_grow(void *array_pointer, size_t *capacity, size_t needed, size_t element_nbytes)
{
    return !refuse(TABLE, NULL) && __real_act_grow(array_pointer, capacity, needed, element_nbytes);
}

/* Without threads the caller does what they would, one step after the other. */
struct act_os_thread *__real_act_os_thread_try(void (*work)(void *context), void *context);
struct act_os_thread *__wrap_act_os_thread_try(void (*work)(void *context), void *context);
struct act_os_thread *__wrap_act_os_thread_try(void (*work)(void *context), void *context)
{
    return fault.no_threads ? NULL : __real_act_os_thread_try(work, context);
}

static struct entries entries;
static char *path;

/* Deep and wide, lines long and short, and more than a page's worth of all of it. */
static int set_up(void **state)
{
    struct random r = random_of(21);
    uint8_t key[5000];
    scratch_set_up(state);
    path = scratch_path(scratch_dir, "new.act");
    for (unsigned i = 0; i < 900; i++) {
        random_fill(&r, key, sizeof(key));
        size_t nbytes = 1 + random_below(&r, i % 9 ? 12 : 600);
        if (i % 300 == 0)
            nbytes = sizeof(key); /* does not fit in a page */
        if (i % 5 == 0)
            memset(key, 'x', nbytes / 2);
        entries_add(&entries, key, nbytes, i);
    }
    entries_sort(&entries);
    return 0;
}

static int tear_down(void **state)
{
    entries_free(&entries);
    free(path);
    return scratch_tear_down(state);
}

static act_status wanted_status(void)
{
    return fault.kind == TABLE ? ACT_ERR_NOMEM : ACT_ERR_IO;
}

static act_status build(const act_builder_options *options, const struct entries *of,
                        act_error *error)
{
    static const uint8_t last[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    act_builder *builder;
    act_status status = act_builder_open(path, options, &builder, error);
    if (status != ACT_OK)
        return status;
    for (size_t i = 0; status == ACT_OK && i < of->count; i++) {
        const struct entry *e = &of->items[i];
        status = act_builder_add(builder, e->key, e->key_nbytes, e->value, error);
    }
    if (status == ACT_OK)
        status = act_builder_finish(builder, NULL, error);
    if (status != ACT_OK) {
        fault.armed = false;
        act_error again = {.status = ACT_OK};
        assert_int_equal(act_builder_add(builder, last, sizeof(last), 1, &again), status);
        assert_int_equal(again.os_code, status == ACT_ERR_IO ? EDQUOT : 0);
        assert_int_equal(act_builder_finish(builder, NULL, NULL), status);
    }
    act_builder_close(builder);
    return status;
}

/* Builds with that step failing, if it comes to it. */
static void fail_step(const act_builder_options *options, const struct entries *of, uint64_t nth)
{
    act_error error = {.status = ACT_OK};
    fault.armed = true;
    fault.nth = nth;
    fault.steps = 0;
    act_status status = build(options, of, &error);
    fault.armed = false;
    if (fault.steps < nth) {
        assert_int_equal(status, ACT_OK);
        assert_int_equal(remove(path), 0);
        return;
    }
    assert_int_equal(status, wanted_status());
    assert_int_equal(error.os_code, status == ACT_ERR_IO ? EDQUOT : 0);
    if (status == ACT_ERR_IO)
        assert_non_null(strstr(error.text, "step"));
    assert_int_equal(scratch_count(scratch_dir), 0);
}

static uint64_t count_steps(const act_builder_options *options, const struct entries *of)
{
    act_error error = {.status = ACT_OK};
    fault.armed = true;
    fault.nth = fault.steps = 0;
    assert_int_equal(build(options, of, &error), ACT_OK);
    assert_true(fault.steps > 0);
    assert_int_equal(remove(path), 0);
    return fault.steps;
}

/* The `last` ones, and of the others about `most`, for which there is time. */
static void fail_steps(const act_builder_options *options, const struct entries *of, enum kind kind,
                       uint64_t most, uint64_t last)
{
    fault.kind = kind;
    uint64_t steps = count_steps(options, of);
    uint64_t stride = 1 + steps / most;
    for (uint64_t nth = 1; nth <= steps; nth += nth + last < steps ? stride : 1)
        fail_step(options, of, nth);
}

static void fail_each_step(act_layout layout, enum kind kind, unsigned threads)
{
    const act_builder_options options = {.layout = layout, .threads = threads};
    fail_steps(&options, &entries, kind, CHECK_SLOW_BUILD ? 500 : 1500, 100);
}

static void each_layout(void **state)
{
    (void)state;
    fail_each_step(ACT_LAYOUT_INDEXED, SINK, 0);
    fail_each_step(ACT_LAYOUT_INDEXED, SPOOL, 0);
    fail_each_step(ACT_LAYOUT_INDEXED, SINK, 2);
    fail_each_step(ACT_LAYOUT_INDEXED, SPOOL, 2);
    fail_each_step(ACT_LAYOUT_PLAIN, SINK, 0);
    fail_each_step(ACT_LAYOUT_COMPACT, SINK, 0);
    fail_each_step(ACT_LAYOUT_INDEXED, TABLE, 0);
    fail_each_step(ACT_LAYOUT_PLAIN, TABLE, 0);
    fail_each_step(ACT_LAYOUT_COMPACT, TABLE, 0);
}

/* More of it, in several parts, all of which the caller's thread builds; keys that part at the ends
 * of parts and above, nodes that are hot, and lines that are too long for them. */
static void each_step_of_parts(void **state)
{
    enum {
        LARGE_NBYTES = 300 << 10
    };
    (void)state;
    const act_builder_options options = {.layout = ACT_LAYOUT_INDEXED, .threads = 2};
    struct random r = random_of(22);
    struct entries many = {0};
    uint8_t key[9000];
    memset(key, 'k', sizeof(key));
    for (unsigned i = 0; i < 7000; i++) {
        size_t from = i % 3 ? 40 : 3;
        random_fill(&r, key + from, sizeof(key) - from);
        key[3] &= 3;
        key[40] &= 7;
        entries_add(&many, key, 41 + random_below(&r, i % 11 ? 60 : 300), i);
    }
    /* A few keys fill a part each, and some of what they have in common is long. */
    for (unsigned i = 0; i < 60; i++) {
        memset(key, 'z', sizeof(key));
        memset(key + 1 + i * 140, 'y', sizeof(key) - 1 - i * 140);
        entries_add(&many, key, sizeof(key), i);
    }
    entries_sort(&many);
    fault.no_threads = true;
    fail_steps(&options, &many, TABLE, UINT64_MAX, 20);
    fail_steps(&options, &many, SPOOL_BASE, UINT64_MAX, 20);
    fail_steps(&options, &many, SPOOL, CHECK_SLOW_BUILD ? 40 : 300, 20);
    entries_free(&many);
    /* A part for each key: there are more than are built ahead. */
    uint8_t *large = calloc(1, LARGE_NBYTES);
    assert_non_null(large);
    for (unsigned i = 0; i < 12; i++) {
        large[0] = (uint8_t)i;
        entries_add(&many, large, LARGE_NBYTES, i);
    }
    free(large);
    fail_steps(&options, &many, SINK, UINT64_MAX, 20);
    fault.no_threads = false;
    entries_free(&many);
}

/* Subtrees that just fit in a page, or just do not, and more of them than pages are open; so each
 * step that needs a page has to write another. */
static void each_step_meets_full_pages(void **state)
{
    (void)state;
    struct random r = random_of(23);
    struct entries many = {0};
    uint8_t key[400];
    for (unsigned group = 0; group < 150; group++) {
        for (unsigned child = 0; child < 32; child++) {
            random_fill(&r, key, sizeof(key));
            key[0] = (uint8_t)(group / 40);
            key[1] = (uint8_t)(group % 40);
            memset(key + 2, (int)group, 200); /* a line that is too long for a hot node */
            key[202] = (uint8_t)(child / 2);
            key[203] = (uint8_t)(child % 2);
            entries_add(&many, key, 204 + 100 + group % 32 + random_below(&r, 9), child);
        }
    }
    fault.no_threads = true;
    for (unsigned threads = 0; threads <= 2; threads += 2) {
        const act_builder_options options = {.layout = ACT_LAYOUT_INDEXED, .threads = threads};
        fail_steps(&options, &many, SINK, UINT64_MAX, 20);
    }
    fault.no_threads = false;
    entries_free(&many);
}

/*
 * A part ends below nodes at several depths, each with a subtree of a page, and all open pages are
 * full: lifting the nodes takes a page for each, so that others are written before. Each page that
 * cannot be written is the last step of all.
 */
static void each_page_of_a_part_that_is_lifted(void **state)
{
    enum {
        PAGES = ACT_PAGES_OPEN + 10,
        LIFTED = 3, /* of them */
        KEYS = 14,  /* of a page: more than half of it */
        TAIL_NBYTES = 240
    };
    (void)state;
    struct random r = random_of(25);
    struct entries many = {0};
    struct act_part part;
    uint8_t key[LIFTED + 2 + TAIL_NBYTES + ACT_LINE_SLACK_NBYTES];
    memset(key, 0xff, sizeof(key));
    for (unsigned page = 0; page < PAGES; page++) {
        /* The lifted ones are those of nodes on the way to the last key. */
        size_t depth = page < PAGES - LIFTED ? 0 : 1 + page - (PAGES - LIFTED);
        key[depth] = depth ? 1 : (uint8_t)page;
        for (unsigned i = 0; i < KEYS; i++) {
            key[depth + 1] = (uint8_t)i;
            random_fill(&r, key + depth + 2, TAIL_NBYTES);
            entries_add(&many, key, depth + 2 + TAIL_NBYTES, i);
        }
        memset(key, 0xff, sizeof(key));
    }
    assert_int_equal(act_part_open(&part, NULL), ACT_OK);
    act_part_start(&part, ACT_PART_NO_COMMON);
    for (size_t i = 0; i < many.count; i++) {
        const struct entry *e = &many.items[i];
        size_t common = 0;
        if (i)
            common = act_common_nbytes(e->key, e[-1].key, e->key_nbytes);
        const struct act_part_record record = {common, e->key_nbytes - common, e->value, true};
        memcpy(key, e->key + common, record.suffix_nbytes);
        assert_true(act_part_add(&part, key, &record));
    }
    part.next_common = LIFTED; /* the next key parts from the last one there */
    fault.kind = SINK;
    fault.armed = true;
    for (fault.nth = 1; fault.nth <= PAGES + 1; fault.nth++) {
        fault.steps = 0;
        act_part_build(&part);
        assert_int_equal(part.status, fault.nth <= PAGES ? ACT_ERR_IO : ACT_OK);
        assert_int_equal(fault.steps, fault.nth <= PAGES ? fault.nth : PAGES);
    }
    fault.armed = false;
    assert_int_equal(part.levels_count, 1 + LIFTED);
    act_part_close(&part);
    entries_free(&many);
}

/* What is small and of no file yet: memory that is refused, and the last bytes of all. */
static void buffers_that_are_full(void **state)
{
    (void)state;
    struct act_spool spool;
    struct act_sink sink;
    act_error error = {.status = ACT_OK};
    uint8_t *bytes = calloc(1, ACT_SINK_BUFFER_NBYTES);
    assert_non_null(bytes);
    assert_int_equal(act_spool_open(&spool, NULL, NULL), ACT_OK);
    assert_int_equal(act_spool_write(&spool, bytes, spool.capacity, NULL), ACT_OK);
    fault.kind = TABLE;
    fault.nth = 1;
    fault.steps = 0;
    fault.armed = true;
    assert_int_equal(act_spool_write(&spool, bytes, 1, &error), ACT_ERR_NOMEM);
    assert_int_equal(act_spool_write(&spool, bytes, 1, &error), ACT_OK);
    fault.armed = false;
    act_spool_close(&spool);
    for (size_t less = 0; less <= 8; less++) {
        assert_int_equal(act_sink_open(&sink, path, 16, NULL), ACT_OK);
        assert_int_equal(act_sink_append(&sink, bytes, ACT_SINK_BUFFER_NBYTES - 16 - less, NULL),
                         ACT_OK);
        fault.kind = OUTPUT;
        fault.steps = 0;
        fault.armed = true;
        assert_int_equal(act_sink_finish(&sink, bytes, 8, false, &error), ACT_ERR_IO);
        fault.armed = false;
        assert_int_equal(error.os_code, EDQUOT);
        act_sink_close(&sink);
        assert_int_equal(scratch_count(scratch_dir), 0);
    }
    free(bytes);
}

/*
 * A long line nearly fills the buffer, each time a bit less, so that it is full at each step of
 * what comes then; and that it is written fails.
 */
static void each_step_meets_a_full_buffer(void **state)
{
    (void)state;
    enum {
        STEPS_NBYTES = 220
    };
    static const act_layout layouts[] = {ACT_LAYOUT_PLAIN, ACT_LAYOUT_COMPACT, ACT_LAYOUT_INDEXED};
    static const char *const there[] = {"a long line to a leaf",
                                        "fold/one",
                                        "fold/other",
                                        "fork/1",
                                        "fork/2",
                                        "leaf",
                                        "with a value",
                                        "with a value and more of it",
                                        "zebra"};
    uint8_t *line = calloc(1, ACT_SINK_UNIT_NBYTES);
    assert_non_null(line);
    fault.kind = OUTPUT;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        const act_builder_options options = {.layout = layouts[i], .no_sync = true};
        for (size_t less = 0; less < STEPS_NBYTES; less++) {
            struct entries some = {0};
            entries_add(&some, line, ACT_SINK_UNIT_NBYTES - less, 1);
            for (size_t j = 0; j < sizeof(there) / sizeof(there[0]); j++)
                entries_add(&some, there[j], strlen(there[j]), j);
            fail_step(&options, &some, 1);
            /* And the last line is one that goes its own way, before the others that wait. */
            static uint8_t last[20000];
            memset(last, 'z', sizeof(last));
            entries_add(&some, last, sizeof(last), 1);
            if (layouts[i] == ACT_LAYOUT_PLAIN)
                fail_step(&options, &some, 1);
            entries_free(&some);
            /* What lies in pages is as it was. */
            if (layouts[i] == ACT_LAYOUT_INDEXED)
                less += 16;
        }
    }
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layout),
        cmocka_unit_test(each_step_of_parts),
        cmocka_unit_test(each_step_meets_full_pages),
        cmocka_unit_test(each_page_of_a_part_that_is_lifted),
        cmocka_unit_test(buffers_that_are_full),
        cmocka_unit_test(each_step_meets_a_full_buffer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
