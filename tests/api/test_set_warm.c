/* Warming sets: all parts together within one limit, what is saved of them, and what is wrong. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/scratch.h"

enum {
    PARTS = 3,
    KEYS_A_PART = 20000,
    MIB = 1 << 20
};

static char *manifest, *saved;
static char part_names[PARTS][16];
static const char *const firsts[PARTS] = {"", "b", "c"};
static const act_set_options mapped = {.part.access = ACT_ACCESS_MAP};
static uint64_t part_nbytes[PARTS], hot_nbytes, all_nbytes;

/* Part i holds the keys that begin with the i-th letter, with a value of `more` and a number. */
static void build_keys(size_t part, size_t count, uint64_t more)
{
    struct entries entries = {0};
    char key[96];
    char *path = scratch_path(scratch_dir, part_names[part]);
    for (size_t i = 0; i < count; i++) {
        size_t nbytes = (size_t)snprintf(key, sizeof(key), "%c%05zu/%zu", (int)('a' + part), i,
                                         i * 7919 % 10007);
        /* What is to be large has long keys with little in common. */
        for (uint64_t word = i + 1; count > KEYS_A_PART && nbytes < sizeof(key) - 17;)
            nbytes += (size_t)snprintf(key + nbytes, sizeof(key) - nbytes, "%016llx",
                                       (unsigned long long)(word *= 0x9e3779b97f4a7c15u));
        entries_add(&entries, key, nbytes, i + more);
    }
    build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
    free(path);
}

static void build_part(size_t part, uint64_t more)
{
    build_keys(part, KEYS_A_PART, more);
}

static void create(void)
{
    act_set_member members[PARTS];
    for (size_t part = 0; part < PARTS; part++)
        members[part] = (act_set_member){part_names[part], firsts[part], strlen(firsts[part])};
    assert_int_equal(act_set_create(manifest, members, PARTS, NULL, NULL), ACT_OK);
}

static act_set *open_set(const act_set_options *options)
{
    act_set *set;
    act_error error;
    if (act_set_open(manifest, options, &set, &error) != ACT_OK)
        fail_msg("%s", error.text);
    return set;
}

static int make_set(void **state)
{
    scratch_set_up(state);
    manifest = scratch_path(scratch_dir, "x.set");
    saved = scratch_path(scratch_dir, "saved");
    for (size_t part = 0; part < PARTS; part++) {
        snprintf(part_names[part], sizeof(part_names[part]), "%zu.act", part);
        build_part(part, 0);
    }
    create();
    act_set *set = open_set(&mapped);
    hot_nbytes = all_nbytes = 0;
    for (size_t part = 0; part < PARTS; part++) {
        act_map *map;
        act_map_stat stat;
        assert_int_equal(act_set_part_open(set, part, &map, NULL), ACT_OK);
        act_map_get_stat(map, &stat);
        part_nbytes[part] = stat.file_nbytes;
        all_nbytes += stat.file_nbytes;
        hot_nbytes += stat.hot_end - stat.hot_off;
        act_set_part_release(set, part);
    }
    act_set_close(set);
    return 0;
}

static int remove_set(void **state)
{
    free(manifest);
    free(saved);
    return scratch_tear_down(state);
}

/* The last call's; `calls` counts. */
struct told {
    unsigned calls;
    uint64_t done;
    uint64_t total;
    unsigned stop_after; /* 0: never */
};

static int tell(void *context, uint64_t done, uint64_t total)
{
    struct told *told = context;
    assert_true(done >= told->done);
    told->done = done;
    told->total = total;
    return ++told->calls == told->stop_after;
}

static void all_of_it(void **state)
{
    (void)state;
    act_set *set = open_set(&mapped);
    struct told told = {0};
    act_warm_state warm;
    assert_int_equal(act_set_warm(set, NULL, tell, &told, &warm, NULL), ACT_OK);
    assert_true(warm.ended && !warm.cut);
    assert_int_equal(warm.wanted_nbytes, all_nbytes);
    assert_int_equal(warm.done_nbytes, all_nbytes);
    assert_int_equal(told.total, all_nbytes);
    assert_true(told.calls >= PARTS);
    /* Once more, without a place for what was done; and in a window of one part at a time. */
    assert_int_equal(act_set_warm(set, NULL, NULL, NULL, NULL, NULL), ACT_OK);
    act_set_close(set);
    act_set_options window = mapped;
    window.max_mapped_nbytes = 1;
    set = open_set(&window);
    assert_int_equal(act_set_warm(set, NULL, NULL, NULL, &warm, NULL), ACT_OK);
    assert_int_equal(warm.done_nbytes, all_nbytes);
    act_set_close(set);
}

static void hot_regions(void **state)
{
    (void)state;
    act_set *set = open_set(&mapped);
    const act_warm_options what = {.what = ACT_WARM_HOT};
    act_warm_state warm;
    assert_int_equal(act_set_warm(set, &what, NULL, NULL, &warm, NULL), ACT_OK);
    assert_int_equal(warm.wanted_nbytes, hot_nbytes);
    assert_int_equal(warm.done_nbytes, hot_nbytes);
    act_set_close(set);
}

/* One limit for all parts: what is not brought in is told as wanted all the same, and the hot
 * regions of all of them come before the rest of any. */
static void limits_are_for_all_parts(void **state)
{
    (void)state;
    act_set *set = open_set(&mapped);
    act_warm_options what = {.what = ACT_WARM_ALL};
    act_warm_state warm;
    for (uint64_t most = 1; most < all_nbytes; most += all_nbytes / 13) {
        what.nbytes_max = most;
        assert_int_equal(act_set_warm(set, &what, NULL, NULL, &warm, NULL), ACT_OK);
        assert_true(warm.cut && warm.ended);
        assert_int_equal(warm.wanted_nbytes, all_nbytes);
        assert_true(warm.done_nbytes <= most);
        if (most > hot_nbytes)
            assert_true(warm.done_nbytes >= hot_nbytes);
    }
    what.nbytes_max = all_nbytes;
    assert_int_equal(act_set_warm(set, &what, NULL, NULL, &warm, NULL), ACT_OK);
    assert_false(warm.cut);
    assert_int_equal(warm.done_nbytes, all_nbytes);
    act_set_close(set);
}

/* A part that its own budget cuts leaves room for the next. */
static void budgets_are_of_each_part(void **state)
{
    (void)state;
    act_set_options options = mapped;
    act_warm_state warm;
    options.part.resident_nbytes_max = ACT_RESIDENT_NBYTES_MIN;
    for (size_t part = 0; part < PARTS; part++)
        build_keys(part, 99999, 0);
    create();
    act_set *set = open_set(&options);
    act_set_part first;
    assert_int_equal(act_set_get_part(set, 0, &first, NULL), ACT_OK);
    if (first.file_nbytes <= ACT_RESIDENT_NBYTES_MIN)
        fail_msg("%llu bytes are too few", (unsigned long long)first.file_nbytes);
    const act_warm_options what = {.what = ACT_WARM_ALL};
    assert_int_equal(act_set_warm(set, &what, NULL, NULL, &warm, NULL), ACT_OK);
    assert_true(warm.cut);
    assert_true(warm.done_nbytes > (PARTS - 1) * ACT_RESIDENT_NBYTES_MIN);
    assert_true(warm.done_nbytes <= PARTS * ACT_RESIDENT_NBYTES_MIN);
    act_set_close(set);
    for (size_t part = 0; part < PARTS; part++)
        build_part(part, 0);
    create();
}

static act_status warm_prefix(const act_set *set, const char *prefix, act_warm_state *warm_ret)
{
    const act_warm_options what = {
        .what = ACT_WARM_PREFIX, .prefix = prefix, .prefix_nbytes = strlen(prefix)};
    return act_set_warm(set, &what, NULL, NULL, warm_ret, NULL);
}

static void prefixes(void **state)
{
    (void)state;
    act_set_stat stat;
    act_warm_state warm;
    act_set *set = open_set(&mapped);
    assert_int_equal(warm_prefix(set, "b0000", &warm), ACT_OK);
    assert_true(warm.done_nbytes > 0 && warm.done_nbytes < part_nbytes[1]);
    assert_int_equal(warm_prefix(set, "b9", &warm), ACT_NOT_FOUND);
    assert_int_equal(warm.done_nbytes, 0);
    act_set_get_stat(set, &stat);
    assert_int_equal(stat.open_parts, 1);
    assert_int_equal(warm_prefix(set, "none", &warm), ACT_NOT_FOUND);
    assert_int_equal(warm_prefix(set, "", &warm), ACT_OK);
    assert_int_equal(warm.done_nbytes, all_nbytes);
    act_set_close(set);
}

static void keys_go_to_their_parts(void **state)
{
    (void)state;
    static char texts[600][16];
    act_slice keys[600];
    act_warm_report warm;
    struct told told = {0};
    for (size_t i = 0; i < 600; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%c%05zu/%zu", (int)('a' + i % 3), i * 31 % 20000,
                 i * 31 % 20000 * 7919 % 10007);
        keys[i] = (act_slice){texts[i], strlen(texts[i])};
    }
    act_set *set = open_set(&mapped);
    assert_int_equal(act_set_warm_keys(set, keys, 600, tell, &told, &warm, NULL), ACT_OK);
    assert_true(warm.complete);
    assert_int_equal(warm.keys_done, 600);
    assert_true(warm.pages > PARTS && warm.pages <= all_nbytes / 4096 + PARTS);
    assert_int_equal(told.total, 600);
    /* The sums of what each part says of its own. */
    act_warm_report sum = {0, 0, 0, true};
    for (size_t part = 0; part < PARTS; part++) {
        act_slice own[200];
        act_warm_report report;
        act_map *map;
        for (size_t i = 0; i < 200; i++)
            own[i] = keys[3 * i + part];
        assert_int_equal(act_set_part_open(set, part, &map, NULL), ACT_OK);
        assert_int_equal(act_map_warm_keys(map, own, 200, NULL, NULL, &report, NULL), ACT_OK);
        act_set_part_release(set, part);
        sum.pages += report.pages;
        sum.pieces += report.pieces;
    }
    assert_int_equal(warm.pages, sum.pages);
    assert_int_equal(warm.pieces, sum.pieces);
    assert_int_equal(act_set_warm_keys(set, NULL, 0, NULL, NULL, &warm, NULL), ACT_OK);
    assert_int_equal(warm.pages, 0);
    assert_int_equal(act_set_warm_keys(set, NULL, 1, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_set_warm_keys(NULL, keys, 1, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    act_set_close(set);
}

/* Saves what there is; false where the system does not tell. */
static bool save(act_warm_set_info *info_ret)
{
    act_set *set = open_set(&mapped);
    act_error error;
    assert_int_equal(act_set_warm(set, NULL, NULL, NULL, NULL, NULL), ACT_OK);
    act_status status = act_set_warm_save(set, saved, info_ret, &error);
    act_set_close(set);
    if (status == ACT_OK)
        return true;
    assert_int_equal(status, ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "does not tell"));
    return false;
}

static act_status restore(act_warm_state *warm_ret, act_error *error)
{
    act_set *set = open_set(&mapped);
    act_status status = act_set_warm_restore(set, saved, 0, NULL, NULL, warm_ret, error);
    act_set_close(set);
    return status;
}

static void what_was_saved_comes_back(void **state)
{
    (void)state;
    act_warm_set_info info;
    act_warm_state warm;
    struct told told = {0};
    if (!save(&info))
        skip();
    assert_int_equal(info.file_nbytes, all_nbytes);
    assert_int_equal(info.nbytes, all_nbytes);
    assert_true(info.runs >= PARTS);
    act_set *set = open_set(&mapped);
    assert_int_equal(act_set_warm_restore(set, saved, 0, tell, &told, &warm, NULL), ACT_OK);
    assert_int_equal(warm.done_nbytes, all_nbytes);
    assert_int_equal(told.total, all_nbytes);
    assert_int_equal(act_set_warm_restore(set, saved, MIB / 4, NULL, NULL, &warm, NULL), ACT_OK);
    assert_true(warm.cut && warm.done_nbytes <= MIB / 4);
    assert_int_equal(warm.wanted_nbytes, all_nbytes);
    told = (struct told){.stop_after = 2};
    assert_int_equal(act_set_warm_restore(set, saved, 0, tell, &told, &warm, NULL), ACT_STOPPED);
    act_set_close(set);
    /* Small parts are read as a whole: there is nothing to bring in, nor to save. */
    set = open_set(NULL);
    assert_int_equal(act_set_warm_restore(set, saved, 0, NULL, NULL, NULL, NULL), ACT_OK);
    act_set_close(set);
}

static void nothing_that_was_saved_is_trusted(void **state)
{
    (void)state;
    act_warm_set_info info;
    act_warm_state warm;
    size_t nbytes;
    if (!save(&info))
        skip();
    unsigned char *whole = scratch_read(saved, &nbytes);
    for (size_t cut = 0; cut < nbytes; cut++) {
        scratch_write(saved, whole, cut);
        act_status status = restore(&warm, NULL);
        assert_int_equal(status, cut < 8    ? ACT_ERR_FORMAT
                                 : cut < 24 ? ACT_ERR_TRUNCATED
                                            : ACT_ERR_CORRUPT);
    }
    for (size_t at = 0; at < nbytes; at++) {
        whole[at] ^= 0x10;
        scratch_write(saved, whole, nbytes);
        assert_int_equal(restore(&warm, NULL), at < 8 ? ACT_ERR_FORMAT : ACT_ERR_CORRUPT);
        assert_int_equal(warm.done_nbytes, 0);
        whole[at] ^= 0x10;
    }
    free(whole);
    scratch_write(saved, "", 0);
    assert_int_equal(restore(&warm, NULL), ACT_ERR_FORMAT);
    char *none = scratch_path(scratch_dir, "none");
    act_set *set = open_set(&mapped);
    assert_int_equal(act_set_warm_restore(set, none, 0, NULL, NULL, NULL, NULL), ACT_ERR_IO);
    assert_int_equal(act_set_warm_restore(set, NULL, 0, NULL, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_set_warm_save(set, NULL, NULL, NULL), ACT_ERR_INVALID);
    act_set_close(set);
    free(none);
}

static void of_another_set(void **state)
{
    (void)state;
    act_warm_set_info info;
    act_error error;
    if (!save(&info))
        skip();
    build_part(1, 1 << 20);
    create();
    assert_int_equal(restore(NULL, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "another set"));
    build_part(1, 0);
    create();
    assert_int_equal(restore(NULL, &error), ACT_OK);
}

static void bad_use_and_missing_parts(void **state)
{
    (void)state;
    act_set *set = open_set(&mapped);
    act_warm_state warm;
    act_error error;
    act_warm_options what = {.what = ACT_WARM_SET};
    assert_int_equal(act_set_warm(set, &what, NULL, NULL, &warm, &error), ACT_ERR_INVALID);
    what = (act_warm_options){.what = (act_warm_what)9};
    assert_int_equal(act_set_warm(set, &what, NULL, NULL, &warm, NULL), ACT_ERR_INVALID);
    what = (act_warm_options){.what = ACT_WARM_PREFIX, .prefix_nbytes = 1};
    assert_int_equal(act_set_warm(set, &what, NULL, NULL, &warm, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_set_warm(NULL, NULL, NULL, NULL, &warm, NULL), ACT_ERR_INVALID);
    act_set_close(set);

    char *path = scratch_path(scratch_dir, part_names[2]);
    assert_int_equal(remove(path), 0);
    free(path);
    set = open_set(&mapped);
    assert_int_equal(act_set_warm(set, NULL, NULL, NULL, &warm, &error), ACT_ERR_IO);
    assert_non_null(strstr(error.text, "2.act"));
    assert_int_equal(warm_prefix(set, "a", &warm), ACT_OK);
    assert_int_equal(warm.done_nbytes > 0, 1);
    act_slice key = {"c", 1};
    assert_int_equal(act_set_warm_keys(set, &key, 1, NULL, NULL, NULL, &error), ACT_ERR_IO);
    act_set_close(set);
    build_part(2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it),
        cmocka_unit_test(hot_regions),
        cmocka_unit_test(limits_are_for_all_parts),
        cmocka_unit_test(budgets_are_of_each_part),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(keys_go_to_their_parts),
        cmocka_unit_test(what_was_saved_comes_back),
        cmocka_unit_test(nothing_that_was_saved_is_trusted),
        cmocka_unit_test(of_another_set),
        cmocka_unit_test(bad_use_and_missing_parts),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
