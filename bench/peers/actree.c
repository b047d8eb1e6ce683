/* actree itself, through its public header only, with the options that everybody gets. */
#include <actree.h>
#include <stdio.h>
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

        status = act_builder_add(builder, key, key_nbytes, i, error);
    }
    return status;
}

static int actree_build(const struct keyset *keys, const char *file)
{
    act_error error = {0};
    act_builder *builder;
    const act_builder_options options = {.layout = layout};
    act_status status = act_builder_open(file, &options, &builder, &error);

    if (status != ACT_OK)
        return fail("build", status, &error);
    status = add_keys(builder, keys, &error);
    if (status == ACT_OK)
        status = act_builder_finish(builder, NULL, &error);
    act_builder_close(builder);
    return status == ACT_OK ? 0 : fail("build", status, &error);
}

static int actree_open(const char *file)
{
    act_error error = {0};
    act_status status = act_map_open(file, NULL, &map, &error);

    return status == ACT_OK ? 0 : fail("open", status, &error);
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

int main(int argc, char **argv)
{
    char version[64];
    bool plain = argc > 5 && strcmp(argv[5], "plain") == 0;
    const struct engine engine = {
        .name = plain ? "actree-plain" : "actree",
        .version = version,
        .note = plain ? "plain layout, otherwise the same"
                      : "indexed layout, built in one thread and synced; default options; scan by "
                        "callback, iterate by iterator",
        .build = actree_build,
        .open = actree_open,
        .close = actree_close,
        .get = actree_get,
        .scan = actree_scan,
        .iterate = actree_iterate,
    };

    layout = plain ? ACT_LAYOUT_PLAIN : ACT_LAYOUT_INDEXED;
    snprintf(version, sizeof version, "actree %s", act_version());
    return peer_main(argc, argv, &engine);
}
