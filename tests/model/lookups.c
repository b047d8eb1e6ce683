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

/* Some of the entries, again and again, and keys that are near to them, in one call. */
static void ask_batch(struct model *m)
{
    enum {
        COUNT_MAX = 70,
        ROOM = 300
    };
    static uint8_t near[COUNT_MAX][ROOM];
    act_slice keys[COUNT_MAX] = {{NULL, 0}};
    uint64_t values[COUNT_MAX];
    uint8_t found[(COUNT_MAX + 7) / 8];
    size_t count = random_below(&m->r, COUNT_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        if (m->all.count && random_below(&m->r, 2)) {
            const struct entry *e = &m->all.items[random_below(&m->r, m->all.count)];
            keys[i] = (act_slice){e->key, e->key_nbytes};
        } else {
            keys[i] = (act_slice){near[i], shapes_near_key(&m->r, &m->all, near[i], ROOM)};
        }
        if (keys[i].nbytes == 0)
            keys[i].bytes = NULL;
    }
    memset(found, 0xff, sizeof(found));
    memset(values, 0xff, sizeof(values));
    act_status status = act_map_get_batch(m->map, keys, count, values, found, NULL);
    MODEL_CHECK(m, status == ACT_OK, "batch of %zu: status %d", count, (int)status);
    for (size_t i = 0; i < count; i++) {
        const struct entry *expected = entries_find(&m->keys, keys[i].nbytes ? keys[i].bytes : "",
                                                    keys[i].nbytes);
        bool said = found[i / 8] >> i % 8 & 1;
        MODEL_CHECK(m, said == (expected != NULL), "batch: %s: found %d",
                    hex_shown(keys[i].bytes, keys[i].nbytes), (int)said);
        MODEL_CHECK(m, values[i] == (expected ? expected->value : 0), "batch: %s: value %llu",
                    hex_shown(keys[i].bytes, keys[i].nbytes), (unsigned long long)values[i]);
    }
    if (count % 8)
        MODEL_CHECK(m, found[count / 8] >> count % 8 == 0, "batch of %zu: bits beyond it", count);
    uint8_t again[sizeof(found)];
    MODEL_CHECK(m,
                act_map_get_batch(m->map, keys, count, NULL, again, NULL) == ACT_OK &&
                    memcmp(found, again, (count + 7) / 8) == 0,
                "batch without values");
    MODEL_CHECK(m, act_map_get_batch(m->map, keys, count, values, NULL, NULL) == ACT_OK,
                "batch without a bitmap");
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
    for (unsigned round = 0; round < m->rounds; round += 4)
        ask_batch(m);
    ask_get(m, NULL, 0);
    ask_path_exists(m, NULL, 0);
    ask_longest_prefix(m, NULL, 0);
}
