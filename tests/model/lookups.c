/* Exact keys, paths, and prefixes of keys. */
#include "model/model.h"

#include <string.h>

#include "support/hex.h"
#include "support/shapes.h"

static void ask_get(struct model *m, const uint8_t *key, size_t key_nbytes)
{
    const struct entry *expected = entries_find(&m->keys, key, key_nbytes);
    uint64_t value = 0x5555;
    act_error error;
    act_status status = act_map_get(m->map, key, key_nbytes, &value, &error);
    MODEL_CHECK(m, status == (expected ? ACT_OK : ACT_NOT_FOUND), "get %s: status %d",
                hex_shown(key, key_nbytes), (int)status);
    MODEL_CHECK(m, value == (expected ? expected->value : 0x5555), "get %s: value %llu",
                hex_shown(key, key_nbytes), (unsigned long long)value);
    MODEL_CHECK(m, act_map_get(m->map, key, key_nbytes, NULL, NULL) == status,
                "get %s without a place for the value", hex_shown(key, key_nbytes));
}

static void ask_path_exists(struct model *m, const uint8_t *path, size_t path_nbytes)
{
    size_t at = entries_lower_bound(&m->all, path, path_nbytes);
    /* The empty path is there in an empty map too. */
    bool exists = path_nbytes == 0 ||
                  (at < m->all.count && entries_begins_with(&m->all.items[at], path, path_nbytes));
    bool has_value = true;
    act_status status = act_map_path_exists(m->map, path, path_nbytes, &has_value, NULL);
    MODEL_CHECK(m, status == (exists ? ACT_OK : ACT_NOT_FOUND), "path %s: status %d",
                hex_shown(path, path_nbytes), (int)status);
    if (exists)
        MODEL_CHECK(m, has_value == (entries_find(&m->keys, path, path_nbytes) != NULL),
                    "path %s: value said %d", hex_shown(path, path_nbytes), (int)has_value);
}

static void ask_longest_prefix(struct model *m, const uint8_t *key, size_t key_nbytes)
{
    const struct entry *expected = NULL;
    for (size_t n = key_nbytes + 1; n > 0 && !expected; n--)
        expected = entries_find(&m->keys, key, n - 1);
    size_t prefix_nbytes = 99999;
    uint64_t value = 0x5555;
    act_status status = act_map_longest_prefix(m->map, key, key_nbytes, &prefix_nbytes, &value,
                                               NULL);
    MODEL_CHECK(m, status == (expected ? ACT_OK : ACT_NOT_FOUND), "longest prefix of %s: status %d",
                hex_shown(key, key_nbytes), (int)status);
    MODEL_CHECK(m, prefix_nbytes == (expected ? expected->key_nbytes : 99999),
                "longest prefix of %s: %zu bytes", hex_shown(key, key_nbytes), prefix_nbytes);
    MODEL_CHECK(m, value == (expected ? expected->value : 0x5555),
                "longest prefix of %s: value %llu", hex_shown(key, key_nbytes),
                (unsigned long long)value);
}

struct prefixes {
    struct model *model;
    const uint8_t *key;
    size_t next_nbytes; /* the shortest that may come next */
    size_t count, stop_at;
};

static int visit_prefix(void *context, size_t prefix_nbytes, uint64_t value)
{
    struct prefixes *p = context;
    struct model *m = p->model;
    const struct entry *expected = NULL;
    while (p->next_nbytes <= prefix_nbytes && !expected)
        expected = entries_find(&m->keys, p->key, p->next_nbytes++);
    MODEL_CHECK(m, expected && expected->key_nbytes == prefix_nbytes,
                "prefixes: %zu bytes where %zu were expected", prefix_nbytes,
                expected ? expected->key_nbytes : 0);
    MODEL_CHECK(m, expected->value == value, "prefixes: value %llu at %zu bytes",
                (unsigned long long)value, prefix_nbytes);
    return ++p->count == p->stop_at ? -7 : 0;
}

static void ask_prefixes(struct model *m, const uint8_t *key, size_t key_nbytes)
{
    size_t count = 0;
    for (size_t n = 0; n <= key_nbytes; n++)
        count += entries_find(&m->keys, key, n) != NULL;
    struct prefixes p = {m, key, 0, 0, random_below(&m->r, count + 3)};
    bool stopped = p.stop_at > 0 && p.stop_at <= count;
    act_status status = act_map_prefixes(m->map, key, key_nbytes, visit_prefix, &p, NULL);
    MODEL_CHECK(m, status == (stopped ? ACT_STOPPED : ACT_OK), "prefixes of %s: status %d",
                hex_shown(key, key_nbytes), (int)status);
    MODEL_CHECK(m, p.count == (stopped ? p.stop_at : count), "prefixes of %s: %zu of %zu",
                hex_shown(key, key_nbytes), p.count, count);
}

void model_ask_lookups(struct model *m)
{
    for (size_t i = 0; i < m->all.count; i++) {
        const struct entry *e = &m->all.items[i];
        ask_get(m, e->key, e->key_nbytes);
        ask_path_exists(m, e->key, e->key_nbytes);
    }
    for (unsigned round = 0; round < m->rounds; round++) {
        size_t nbytes = shapes_near_key(&m->r, &m->all, m->key, MODEL_KEY_ROOM);
        ask_get(m, m->key, nbytes);
        ask_path_exists(m, m->key, nbytes);
        if (nbytes > 4000 && !random_one_in(&m->r, 20))
            continue;
        ask_longest_prefix(m, m->key, nbytes);
        ask_prefixes(m, m->key, nbytes);
    }
    ask_get(m, NULL, 0);
    ask_path_exists(m, NULL, 0);
    ask_longest_prefix(m, NULL, 0);
}
