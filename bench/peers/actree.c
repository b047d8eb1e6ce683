/* actree itself, through its public header only, with the options that everybody gets. */
#include <actree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

static act_map *map;
static act_layout layout;

static int fail(const char *what, act_status status, const act_error *error)
{
    return peer_fail(what, error->text[0] ? error->text : act_strerror(status));
}

static act_status add_keys(act_builder *builder, const struct keyset *keys, act_error *error)
{
    const uint8_t *at = keys->first;
    act_status status = ACT_OK;

    for (uint64_t i = 0; i < keys->nkeys && status == ACT_OK; i++) {
        size_t key_nbytes;
        const uint8_t *key = keyset_next(&at, &key_nbytes);

        status = act_builder_add(builder, key, key_nbytes, keyset_value(keys, i), error);
    }
    return status;
}

static int actree_build(const struct keyset *keys, const char *file, unsigned threads)
{
    act_error error = {0};
    act_builder *builder;
    const act_builder_options options = {.layout = layout, .threads = threads};
    act_status status = act_builder_open(file, &options, &builder, &error);

    if (status != ACT_OK)
        return fail("build", status, &error);
    status = add_keys(builder, keys, &error);
    if (status == ACT_OK)
        status = act_builder_finish(builder, NULL, &error);
    act_builder_close(builder);
    return status == ACT_OK ? 0 : fail("build", status, &error);
}

static int actree_rebuild(const struct keyset *keys, const char *file)
{
    return actree_build(keys, file, 1);
}

static int actree_open(const char *file)
{
    act_error error = {0};
    act_status status = act_map_open(file, NULL, &map, &error);

    return status == ACT_OK ? 0 : fail("open", status, &error);
}

static int actree_verify(const char *file)
{
    act_error error = {0};
    act_status status;

    if (actree_open(file) != 0)
        return -1;
    status = act_map_verify(map, NULL, NULL, NULL, &error);
    act_map_close(map);
    return status == ACT_OK ? 0 : fail("verify", status, &error);
}

static void actree_close(void)
{
    act_map_close(map);
}

static int actree_get(const struct keyset *queries, struct answer *answer)
{
    const uint8_t *at = queries->first;
    act_error error = {0};

    while (at < queries->end) {
        size_t key_nbytes;
        const uint8_t *key = keyset_next(&at, &key_nbytes);
        uint64_t value;
        act_status status = act_map_get(map, key, key_nbytes, &value, &error);

        if (status == ACT_OK) {
            answer->nhits++;
            answer->value_sum += value;
        } else if (status != ACT_NOT_FOUND) {
            return fail("get", status, &error);
        }
    }
    return 0;
}

/* The next keys, as many as there are up to `batch_nkeys`. */
static size_t take_keys(const struct keyset *queries, const uint8_t **at, act_slice *keys,
                        size_t batch_nkeys)
{
    size_t count = 0;

    while (count < batch_nkeys && *at < queries->end) {
        keys[count].bytes = keyset_next(at, &keys[count].nbytes);
        count++;
    }
    return count;
}

/* Values of keys that are not there are 0. */
static void count_found(const uint64_t *values, const uint8_t *found, size_t count,
                        struct answer *answer)
{
    for (size_t i = 0; i < count; i++) {
        answer->nhits += found[i / 8] >> i % 8 & 1;
        answer->value_sum += values[i];
    }
}

static int actree_get_batch(const struct keyset *queries, size_t batch_nkeys, unsigned threads,
                            struct answer *answer)
{
    const uint8_t *at = queries->first;
    act_slice *keys = malloc(batch_nkeys * sizeof *keys);
    uint64_t *values = malloc(batch_nkeys * sizeof *values);
    uint8_t *found = malloc(batch_nkeys / 8 + 1);
    act_error error = {0};
    const act_batch_options options = {.threads = threads};
    act_status status = keys && values && found ? ACT_OK : ACT_ERR_NOMEM;

    while (status == ACT_OK && at < queries->end) {
        size_t count = take_keys(queries, &at, keys, batch_nkeys);

        status = act_map_get_batch_with(map, keys, count, values, found, &options, &error);
        if (status == ACT_OK)
            count_found(values, found, count, answer);
    }
    free(keys);
    free(values);
    free(found);
    return status == ACT_OK ? 0 : fail("batch", status, &error);
}

static int visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct answer *answer = context;

    (void)key;
    answer->nhits++;
    answer->value_sum += value;
    answer->keys_nbytes += key_nbytes;
    return 0;
}

static int actree_scan(struct answer *answer)
{
    act_error error = {0};
    act_status status = act_map_scan(map, NULL, visit, answer, &error);

    return status == ACT_OK ? 0 : fail("scan", status, &error);
}

static int visit_run(void *context, const act_entry_run *run)
{
    struct answer *answer = context;

    answer->nhits += run->count;
    answer->keys_nbytes += run->key_offs[run->count] - run->key_offs[0];
    for (size_t i = 0; i < run->count; i++)
        answer->value_sum += run->values[i];
    return 0;
}

static int actree_scan_runs(struct answer *answer)
{
    act_error error = {0};
    act_status status = act_map_scan_runs(map, NULL, visit_run, answer, &error);

    return status == ACT_OK ? 0 : fail("scan-runs", status, &error);
}

#define PARTS_MAX 64

/* Of each part by itself, on cache lines of its own: parts are scanned side by side. */
struct part_answer {
    struct answer answer;
    char rest[128 - sizeof(struct answer)];
};

static int visit_part(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                      uint64_t value)
{
    struct part_answer *parts = context;

    return visit(&parts[part].answer, key, key_nbytes, value);
}

static int actree_scan_threads(unsigned threads, struct answer *answer)
{
    static struct part_answer parts[PARTS_MAX];
    const act_parallel_options options = {.threads = threads, .parts = PARTS_MAX};
    act_error error = {0};
    act_status status;

    memset(parts, 0, sizeof parts);
    status = act_map_scan_parallel(map, NULL, &options, visit_part, parts, &error);
    for (size_t i = 0; i < PARTS_MAX; i++) {
        answer->nhits += parts[i].answer.nhits;
        answer->value_sum += parts[i].answer.value_sum;
        answer->keys_nbytes += parts[i].answer.keys_nbytes;
    }
    return status == ACT_OK ? 0 : fail("scan-2", status, &error);
}

static int actree_iterate(struct answer *answer)
{
    act_error error = {0};
    act_iter *iter;
    act_status status = act_iter_open(map, NULL, &iter, &error);

    if (status != ACT_OK)
        return fail("iterate", status, &error);
    for (;;) {
        const uint8_t *key;
        size_t key_nbytes;
        uint64_t value;

        status = act_iter_next(iter, &key, &key_nbytes, &value, &error);
        if (status != ACT_OK)
            break;
        visit(answer, key, key_nbytes, value);
    }
    act_iter_close(iter);
    return status == ACT_END ? 0 : fail("iterate", status, &error);
}

/* What the word VARIANT of the command line chooses; the first one if there is none. */
static const struct variant {
    const char *word;
    const char *name;
    const char *note;
    act_layout layout;
    unsigned build_threads_max;
} variants[] = {
    {"indexed", "actree",
     "indexed layout, synced; default options; scan by callback, iterate by iterator",
     ACT_LAYOUT_INDEXED, 2},
    {"plain", "actree-plain", "plain layout, otherwise the same", ACT_LAYOUT_PLAIN, 1},
    {"compact", "actree-compact", "compact layout, otherwise the same", ACT_LAYOUT_COMPACT, 1},
};

static const struct variant *find_variant(const char *word)
{
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        if (strcmp(variants[i].word, word) == 0)
            return &variants[i];
    return NULL;
}

int main(int argc, char **argv)
{
    char version[64];
    const struct variant *variant = argc > 5 ? find_variant(argv[5]) : &variants[0];
    struct engine engine = {
        .version = version,
        .build = actree_build,
        .rebuild = actree_rebuild,
        .verify = actree_verify,
        .open = actree_open,
        .close = actree_close,
        .get = actree_get,
        .batch_threads_max = 2,
        .get_batch = actree_get_batch,
        .scan = actree_scan,
        .iterate = actree_iterate,
        .scan_runs = actree_scan_runs,
        .scan_threads_max = 2,
        .scan_threads = actree_scan_threads,
    };

    if (!variant) {
        fprintf(stderr, "actree: %s: no such variant\n", argv[5]);
        return 2;
    }
    layout = variant->layout;
    engine.name = variant->name;
    engine.note = variant->note;
    engine.build_threads_max = variant->build_threads_max;
    snprintf(version, sizeof version, "actree %s", act_version());
    return peer_main(argc, argv, &engine);
}
