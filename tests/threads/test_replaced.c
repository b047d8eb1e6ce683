/*
 * A file that is replaced over and over while eight threads read it: each sees one whole version at
 * a time, never an older one than before, and keeps no descriptor and no mapping of those that are
 * gone.
 *
 * ACT_TEST_REPLACEMENTS: how often; by default some hundred times.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "support/check.h"
#include "support/figures.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    READERS = 8,
    KEYS = 60
};

static atomic_bool is_over;

struct reader {
    pthread_t thread;
    unsigned number;
    const char *fault; /* what was wrong, or NULL */
    uint64_t versions; /* how many it saw */
};

/* The version is the value of every key, and the rest of some of them. */
static size_t make_key(unsigned i, uint64_t version, char key[64])
{
    return (size_t)(i % 8 == 7 ? snprintf(key, 64, "key/%03u/%llu", i, (unsigned long long)version)
                               : snprintf(key, 64, "key/%03u", i));
}

static void replace(uint64_t version)
{
    const act_builder_options options = {
        .layout = version % 5 ? ACT_LAYOUT_INDEXED : ACT_LAYOUT_PLAIN, .no_sync = true};
    act_builder *builder;
    char key[64];
    assert_int_equal(act_builder_open(scratch_map, &options, &builder, NULL), ACT_OK);
    for (unsigned i = 0; i < KEYS; i++) {
        size_t nbytes = make_key(i, version, key);
        assert_int_equal(act_builder_add(builder, key, nbytes, version, NULL), ACT_OK);
    }
    assert_int_equal(act_builder_finish(builder, NULL, NULL), ACT_OK);
    act_builder_close(builder);
}

/* ------------------------------------------------------------------------------------ reading it
 */

struct seen {
    uint64_t version;
    unsigned count;
    bool mixed;
};

static int compare_version(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct seen *seen = context;
    char expected[64];
    size_t nbytes = make_key(seen->count, seen->version, expected);
    if (value != seen->version || nbytes != key_nbytes || memcmp(key, expected, nbytes) != 0)
        seen->mixed = true;
    seen->count++;
    return 0;
}

/* What is wrong with this map, or NULL; it is to be of one version, no older than `version`. */
static const char *read_map(const act_map *map, uint64_t *version)
{
    struct seen seen = {0};
    if (act_map_get(map, "key/000", 7, &seen.version, NULL) != ACT_OK)
        return "a key is not found";
    if (seen.version < *version)
        return "an older version than before";
    if (act_map_scan(map, NULL, compare_version, &seen, NULL) != ACT_OK || seen.count != KEYS)
        return "a scan that is not whole";
    if (seen.mixed)
        return "two versions at once";
    for (unsigned i = 0; i < KEYS; i += 9) {
        char key[64];
        uint64_t value;
        size_t nbytes = make_key(i, seen.version, key);
        if (act_map_get(map, key, nbytes, &value, NULL) != ACT_OK || value != seen.version)
            return "a key of another version";
    }
    *version = seen.version;
    return NULL;
}

static const char *follow(struct reader *reader, act_map **map)
{
    uint64_t version = 0;
    while (!atomic_load(&is_over)) {
        unsigned changes;
        act_map *next = NULL;
        uint64_t before = version;
        if (act_map_changed(*map, &changes, NULL) != ACT_OK)
            return "whether it has changed cannot be known";
        if (changes & ACT_CHANGED_GONE)
            return "there is no file for a moment";
        if (changes && act_map_reopen(*map, &next, NULL) != ACT_OK)
            return "it cannot be opened again";
        if (next) {
            /* The old one is still whole. */
            const char *fault = version ? read_map(*map, &before) : NULL;
            act_map_close(*map);
            *map = next;
            if (fault || before != version)
                return fault ? fault : "an old map shows a new version";
        }
        const char *fault = read_map(*map, &version);
        if (fault)
            return fault;
        reader->versions += version != before;
    }
    return NULL;
}

static void *read_on(void *context)
{
    struct reader *reader = context;
    /* All ways to hold a file. */
    act_open_options options = {.access = reader->number % 3 ? ACT_ACCESS_MAP : ACT_ACCESS_READ,
                                .guard = reader->number % 2 ? ACT_GUARD_SIGNAL : ACT_GUARD_NONE};
    act_map *map;
    if (act_map_open(scratch_map, &options, &map, NULL) != ACT_OK) {
        reader->fault = "it cannot be opened";
        return NULL;
    }
    reader->fault = follow(reader, &map);
    act_map_close(map);
    return NULL;
}

/* ------------------------------------------------------------------------------- what is counted
 */

static unsigned descriptor_count(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void replaced_under_readers(void **state)
{
    (void)state;
    uint64_t rounds = figures_wanted("ACT_TEST_REPLACEMENTS", CHECK_SLOW_BUILD ? 100 : 500);
    struct reader readers[READERS];
    memset(readers, 0, sizeof(readers));
    replace(1);
    unsigned descriptors = descriptor_count();
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].number = i;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (uint64_t version = 2; version < 2 + rounds; version++)
        replace(version);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        figures_add("versions_read", readers[i].versions);
    }
    for (unsigned i = 0; i < READERS; i++) {
        if (readers[i].fault)
            fail_msg("reader %u: %s", i, readers[i].fault);
        assert_true(readers[i].versions > 0);
    }
    assert_int_equal(descriptor_count(), descriptors);
    assert_int_equal(scratch_count(scratch_dir), 1);
    figures_add("replacements", rounds);
}

static int print_figures(void **state)
{
    figures_print();
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replaced_under_readers)};
    return cmocka_run_group_tests(tests, scratch_set_up, print_figures);
}
