/* Limits on the length of keys and on the work of one step. */
#include "model/model.h"

#include <string.h>

#include "support/hex.h"

static size_t longest_key(const struct entries *entries)
{
    size_t longest = 0;
    for (size_t i = 0; i < entries->count; i++)
        longest = entries->items[i].key_nbytes > longest ? entries->items[i].key_nbytes : longest;
    return longest;
}

struct counted {
    struct model *model;
    size_t count;
};

static int count_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct counted *c = context;
    struct model *m = c->model;
    const struct entry *e = &m->keys.items[c->count++];
    MODEL_CHECK(m, entries_compare(key, key_nbytes, e->key, e->key_nbytes) == 0,
                "under a budget: %s", hex_shown(key, key_nbytes));
    MODEL_CHECK(m, value == e->value, "under a budget: value %llu", (unsigned long long)value);
    return 0;
}

/* How many entries a scan gives before its status; the iterator must do the same. */
static size_t scan_and_iterate(struct model *m, const char *path, const act_open_options *options,
                               act_status *status_ret)
{
    act_map *map;
    act_status status = act_map_open(path, options, &map, NULL);
    MODEL_CHECK(m, status == ACT_OK, "under a budget: open: status %d", (int)status);
    struct counted c = {m, 0};
    act_error error = {0};
    *status_ret = act_map_scan(map, NULL, count_entry, &c, &error);
    MODEL_CHECK(m, error.status == *status_ret, "under a budget: error says %d", (int)error.status);

    act_iter *iter;
    status = act_iter_open(map, NULL, &iter, NULL);
    MODEL_CHECK(m, status == ACT_OK, "under a budget: iterator: status %d", (int)status);
    size_t given = 0;
    while ((status = act_iter_next(iter, NULL, NULL, NULL, NULL)) == ACT_OK)
        given++;
    act_status expected = *status_ret == ACT_OK ? ACT_END : *status_ret;
    MODEL_CHECK(m, status == expected, "under a budget: iterator ends with %d", (int)status);
    MODEL_CHECK(m, act_iter_next(iter, NULL, NULL, NULL, NULL) == expected,
                "under a budget: the end is not %d again", (int)expected);
    MODEL_CHECK(m, given == c.count, "under a budget: iterator gives %zu, scan %zu", given,
                c.count);
    act_iter_close(iter);
    act_map_close(map);
    return c.count;
}

/* Keys may be as long as the budget; the first longer one ends a scan. */
static void limit_key_length(struct model *m, const char *path)
{
    size_t longest = longest_key(&m->all);
    if (longest < 2)
        return;
    act_status status;
    act_open_options options = {.key_nbytes_max = longest};
    size_t count = scan_and_iterate(m, path, &options, &status);
    MODEL_CHECK(m, status == ACT_OK && count == m->keys.count, "keys of %zu allowed: status %d",
                longest, (int)status);

    size_t allowed = 1 + random_below(&m->r, longest - 1);
    options.key_nbytes_max = allowed;
    count = scan_and_iterate(m, path, &options, &status);
    MODEL_CHECK(m, status == ACT_ERR_LIMIT, "keys of %zu of %zu allowed: status %d", allowed,
                longest, (int)status);
    /* No key that fits and comes before the first too long path is missing. */
    size_t fitting = 0;
    while (fitting < m->all.count && m->all.items[fitting].key_nbytes <= allowed)
        fitting++;
    size_t expected = 0;
    for (size_t i = 0; i < fitting; i++)
        expected += m->all.items[i].has_value;
    MODEL_CHECK(m, count == expected, "keys of %zu allowed: %zu entries, not %zu", allowed, count,
                expected);
}

/* One step is never enough for a whole map of many nodes, and each step counts anew. */
static void limit_steps(struct model *m, const char *path)
{
    act_status status;
    act_open_options options = {.steps_max = 100000};
    size_t count = scan_and_iterate(m, path, &options, &status);
    MODEL_CHECK(m, status == ACT_OK && count == m->keys.count, "100000 steps: status %d",
                (int)status);
}

void model_use_up_budgets(struct model *m, const char *path)
{
    limit_key_length(m, path);
    limit_steps(m, path);
}
