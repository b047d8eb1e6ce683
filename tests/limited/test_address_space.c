/*
 * A set that is larger than the address space: a child has room for a quarter of it, as a machine
 * of 32 bits might, and looks up and scans all of it through a window. Without one it cannot.
 */
#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actree.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    PARTS = 16,
    KEYS_A_PART = 20000,
    KEY_NBYTES = 208,
    KEYS = PARTS * KEYS_A_PART,
    SKIPPED = 77
};

static char *manifest, *whole;
static uint64_t set_nbytes;

/* Key number i, in order; random bytes after its number, so that all of it has to be kept. */
static void make_key(uint8_t key[KEY_NBYTES], uint64_t i)
{
    struct random r = random_of(i);
    for (int byte = 0; byte < 8; byte++)
        key[byte] = (uint8_t)(i >> (56 - 8 * byte));
    for (size_t at = 8; at < KEY_NBYTES; at += 8) {
        uint64_t bits = random_u64(&r);
        memcpy(key + at, &bits, 8);
    }
}

static void build(const char *path, uint64_t first, uint64_t end)
{
    uint8_t key[KEY_NBYTES];
    act_builder *builder;
    act_builder_options options = {.no_sync = true};
    assert_int_equal(act_builder_open(path, &options, &builder, NULL), ACT_OK);
    for (uint64_t i = first; i < end; i++) {
        make_key(key, i);
        assert_int_equal(act_builder_add(builder, key, KEY_NBYTES, i * 7, NULL), ACT_OK);
    }
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    act_builder_close(builder);
}

static int make_files(void **state)
{
    static char names[PARTS][16];
    static uint8_t keys[PARTS][KEY_NBYTES];
    act_set_member members[PARTS];
    act_set_stat stat;
    act_set *set;
    scratch_set_up(state);
    for (size_t part = 0; part < PARTS; part++) {
        snprintf(names[part], sizeof(names[part]), "%zu.act", part);
        char *path = scratch_path(scratch_dir, names[part]);
        build(path, part * KEYS_A_PART, (part + 1) * KEYS_A_PART);
        free(path);
        make_key(keys[part], part * KEYS_A_PART);
        members[part] = (act_set_member){names[part], keys[part], part ? 8 : 0};
    }
    manifest = scratch_path(scratch_dir, "x.set");
    whole = scratch_path(scratch_dir, "whole.act");
    assert_int_equal(act_set_create(manifest, members, PARTS, NULL, NULL), ACT_OK);
    build(whole, 0, KEYS);
    assert_int_equal(act_set_open(manifest, NULL, &set, NULL), ACT_OK);
    act_set_get_stat(set, &stat);
    set_nbytes = stat.file_nbytes;
    act_set_close(set);
    return 0;
}

static int remove_files(void **state)
{
    free(manifest);
    free(whole);
    return scratch_tear_down(state);
}

/* ------------------------------------------------------------------------------- in the child */

/* What this process may have besides what it has. */
static bool limit_address_space(uint64_t more_nbytes)
{
    char line[256] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && !fgets(line, sizeof(line), file))
        line[0] = '\0';
    if (file)
        fclose(file);
    unsigned long pages = strtoul(line, NULL, 10);
    if (pages == 0)
        return false;
    rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more_nbytes;
    struct rlimit limit = {most, most};
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

struct sum {
    uint64_t entries;
    uint64_t values;
    bool in_order;
};

static int add(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct sum *sum = context;
    sum->in_order = sum->in_order && key_nbytes == KEY_NBYTES && value == 7 * sum->entries &&
                    key[7] == (uint8_t)sum->entries;
    sum->entries++;
    sum->values += value;
    return 0;
}

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

/* Everything that a set can be asked, with `window` bytes mapped at most. */
static int use_set(uint64_t window)
{
    act_set_options options = {.max_mapped_nbytes = window, .part.access = ACT_ACCESS_MAP};
    act_set *set;
    act_error error = {0};
    struct random r = random_of(1);
    struct sum sum = {.in_order = true};
    uint8_t key[KEY_NBYTES];
    uint64_t value;
    EXPECT(act_set_open(manifest, &options, &set, &error) == ACT_OK);
    for (int i = 0; i < 2000; i++) {
        uint64_t number = random_below(&r, KEYS);
        make_key(key, number);
        act_status status = act_set_get(set, key, KEY_NBYTES, &value, &error);
        if (status != ACT_OK)
            fprintf(stderr, "%s\n", error.text);
        EXPECT(status == ACT_OK && value == 7 * number);
    }
    EXPECT(act_set_scan(set, NULL, add, &sum, &error) == ACT_OK);
    EXPECT(sum.entries == KEYS && sum.in_order);
    act_set_iter *iter;
    act_range backwards = {.reverse = true};
    EXPECT(act_set_iter_open(set, &backwards, &iter, &error) == ACT_OK);
    for (uint64_t number = KEYS; number-- > 0;)
        EXPECT(act_set_iter_next(iter, NULL, NULL, &value, &error) == ACT_OK &&
               value == 7 * number);
    act_set_iter_close(iter);
    act_set_close(set);
    return 0;
}

/* The file as a whole does not fit, nor all parts at once. */
static int without_a_window(void)
{
    act_set_options all = {.open_all = true, .part.access = ACT_ACCESS_MAP};
    act_open_options mapped = {.access = ACT_ACCESS_MAP};
    act_map *map;
    act_set *set;
    EXPECT(act_map_open(whole, &mapped, &map, NULL) == ACT_ERR_NOMEM);
    EXPECT(act_set_open(manifest, &all, &set, NULL) == ACT_ERR_NOMEM);
    return 0;
}

static int with_a_window(void)
{
    return use_set(set_nbytes / 8);
}

/* A limit that was chosen too high: parts go when the system has no more room. */
static int with_a_window_that_is_too_large(void)
{
    return use_set(set_nbytes);
}

/* Where few files may be open at a time, parts go too. */
static int with_few_open_files(void)
{
    /* The three standard ones are among them. */
    struct rlimit few = {5, 5};
    return setrlimit(RLIMIT_NOFILE, &few) == 0 ? use_set(set_nbytes) : SKIPPED;
}

static unsigned runs; /* that were not skipped */

/* Runs `work` in a child that may map a quarter of the set. */
static void in_small_space(int (*work)(void))
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(limit_address_space(set_nbytes / 4) ? work() : SKIPPED);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
        printf("skipped: neither addresses nor open files can be limited here\n");
        skip();
    }
    runs++;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_file_and_a_set_without_a_window_do_not_fit(void **state)
{
    (void)state;
    CHECK_NEEDS_KERNEL("addresses are not limited");
    in_small_space(without_a_window);
}

static void all_of_a_set_is_read_through_a_window(void **state)
{
    (void)state;
    in_small_space(with_a_window);
}

static void parts_go_where_the_system_has_no_room(void **state)
{
    (void)state;
    in_small_space(with_a_window_that_is_too_large);
    in_small_space(with_few_open_files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_and_a_set_without_a_window_do_not_fit),
        cmocka_unit_test(all_of_a_set_is_read_through_a_window),
        cmocka_unit_test(parts_go_where_the_system_has_no_room),
    };
    int failed = cmocka_run_group_tests(tests, make_files, remove_files);
    return failed == 0 && runs == 0 ? SKIPPED : failed;
}
