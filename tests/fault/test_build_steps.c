/*
 * Building, while each step of writing fails in turn: not the system's calls, which come when
 * buffers are full, but the calls of what writes into the buffers. So an error may come up anywhere
 * in the tree. What must hold each time: it is told, with its reason, by this call and by all that
 * follow; no file appears, and nothing else is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "base/error.h"
#include "build/sink.h"
#include "build/spool.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

/* Into the file itself, or to where what comes last is kept until then. */
enum kind {
    SINK,
    SPOOL,
    KINDS
};

static struct {
    bool armed;
    enum kind kind;
    uint64_t nth, steps;
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

WRAP(SPOOL, act_spool_write,
     (struct act_spool * spool, const void *bytes, size_t nbytes, act_error *error),
     (spool, bytes, nbytes, error))
WRAP(SPOOL, act_spool_rewind, (struct act_spool * spool, act_error *error), (spool, error))
WRAP(SPOOL, act_spool_read,
     (struct act_spool * spool, void *bytes, size_t nbytes, act_error *error),
     (spool, bytes, nbytes, error))
WRAP(SINK, act_sink_append,
     (struct act_sink * sink, const void *bytes, size_t nbytes, act_error *error),
     (sink, bytes, nbytes, error))
WRAP(SINK, act_sink_append_sums, (struct act_sink * sink, uint64_t *hash_ret, act_error *error),
     (sink, hash_ret, error))
WRAP(SINK, act_sink_flush, (struct act_sink * sink, act_error *error), (sink, error))

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

static act_status build(const act_builder_options *options, act_error *error)
{
    static const uint8_t last[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    act_builder *builder;
    act_status status = act_builder_open(path, options, &builder, error);
    if (status != ACT_OK)
        return status;
    for (size_t i = 0; status == ACT_OK && i < entries.count; i++) {
        const struct entry *e = &entries.items[i];
        status = act_builder_add(builder, e->key, e->key_nbytes, e->value, error);
    }
    if (status == ACT_OK)
        status = act_builder_finish(builder, NULL, error);
    if (status != ACT_OK) {
        fault.armed = false;
        act_error again = {.status = ACT_OK};
        assert_int_equal(act_builder_add(builder, last, sizeof(last), 1, &again), status);
        assert_int_equal(again.os_code, EDQUOT);
        assert_int_equal(act_builder_finish(builder, NULL, NULL), status);
    }
    act_builder_close(builder);
    return status;
}

static void fail_each_step(act_layout layout, enum kind kind, unsigned threads)
{
    const act_builder_options options = {.layout = layout, .threads = threads};
    act_error error = {.status = ACT_OK};
    fault.armed = true;
    fault.kind = kind;
    fault.nth = fault.steps = 0;
    assert_int_equal(build(&options, &error), ACT_OK);
    uint64_t steps = fault.steps;
    assert_true(steps > 0);
    assert_int_equal(remove(path), 0);
    /* All of the last ones, and of the others as many as there is time for. */
    uint64_t stride = 1 + steps / (CHECK_SLOW_BUILD ? 500 : 1500);
    for (uint64_t nth = 1; nth <= steps; nth += nth + 100 < steps ? stride : 1) {
        error.status = ACT_OK;
        fault.armed = true;
        fault.nth = nth;
        fault.steps = 0;
        assert_int_equal(build(&options, &error), ACT_ERR_IO);
        fault.armed = false;
        assert_int_equal(error.os_code, EDQUOT);
        assert_non_null(strstr(error.text, "step"));
        assert_int_equal(scratch_count(scratch_dir), 0);
    }
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layout),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
