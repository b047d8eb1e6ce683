/* Ranges of keys, in the model, and scans over them. */
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#include "support/hex.h"
#include "support/shapes.h"

struct act_range model_random_range(struct model *m)
{
    act_range range = {0};
    if (random_one_in(&m->r, 2)) {
        range.prefix_nbytes = shapes_near_key(&m->r, &m->all, m->key, MODEL_KEY_ROOM);
        /* Most prefixes should be short: whole keys have little below them. */
        if (random_one_in(&m->r, 2))
            range.prefix_nbytes = random_below(&m->r, range.prefix_nbytes + 1);
        range.prefix = m->key;
    }
    if (random_one_in(&m->r, 2)) {
        range.from_nbytes = shapes_near_key(&m->r, &m->all, m->key2, MODEL_KEY_ROOM);
        range.from = m->key2;
    }
    if (random_one_in(&m->r, 2)) {
        range.to_nbytes = shapes_near_key(&m->r, &m->all, m->key3, MODEL_KEY_ROOM);
        range.to = m->key3;
    }
    range.reverse = random_one_in(&m->r, 2);
    if (random_one_in(&m->r, 3))
        range.limit = random_below(&m->r, random_one_in(&m->r, 2) ? 6 : m->keys.count + 3);
    return range;
}

void model_range_bounds(const struct model *m, const act_range *range, size_t *first_ret,
                        size_t *end_ret)
{
    const struct entries *keys = &m->keys;
    size_t first = 0, end = keys->count;
    if (range->prefix) {
        first = entries_lower_bound(keys, range->prefix, range->prefix_nbytes);
        end = entries_prefix_end(keys, range->prefix, range->prefix_nbytes);
    }
    if (range->from) {
        size_t from = entries_lower_bound(keys, range->from, range->from_nbytes);
        first = from > first ? from : first;
    }
    if (range->to) {
        size_t to = entries_lower_bound(keys, range->to, range->to_nbytes);
        end = to < end ? to : end;
    }
    *first_ret = first;
    *end_ret = end < first ? first : end;
}

const struct entry *model_in_range(const struct model *m, const act_range *range, size_t first,
                                   size_t end, size_t index)
{
    return &m->keys.items[range->reverse ? end - 1 - index : first + index];
}

const char *model_range_shown(const act_range *range)
{
    static char text[1200];
    snprintf(text, sizeof(text), "prefix %s from %s to %s%s limit %llu",
             range->prefix ? hex_shown(range->prefix, range->prefix_nbytes) : "-",
             range->from ? hex_shown(range->from, range->from_nbytes) : "-",
             range->to ? hex_shown(range->to, range->to_nbytes) : "-",
             range->reverse ? " reverse" : "", (unsigned long long)range->limit);
    return text;
}

struct scan {
    struct model *model;
    const act_range *range;
    size_t first, end; /* the keys expected */
    size_t count, stop_at;
};

static int visit_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scan *s = context;
    struct model *m = s->model;
    MODEL_CHECK(m, s->count < s->end - s->first, "scan %s: goes on after %zu entries",
                model_range_shown(s->range), s->count);
    const struct entry *e = model_in_range(m, s->range, s->first, s->end, s->count);
    MODEL_CHECK(m, entries_compare(key, key_nbytes, e->key, e->key_nbytes) == 0,
                "scan %s: entry %zu is %s instead of %s", model_range_shown(s->range), s->count,
                hex_shown(key, key_nbytes), hex_shown(e->key, e->key_nbytes));
    MODEL_CHECK(m, value == e->value, "scan %s: entry %zu has the value %llu",
                model_range_shown(s->range), s->count, (unsigned long long)value);
    return ++s->count == s->stop_at;
}

static void scan(struct model *m, const act_range *range)
{
    struct scan s = {m, range, 0, 0, 0, 0};
    act_range all = {0};
    s.range = range ? range : &all;
    model_range_bounds(m, s.range, &s.first, &s.end);
    size_t count = s.end - s.first;
    if (s.range->limit && s.range->limit < count)
        count = s.range->limit;
    if (random_one_in(&m->r, 4))
        s.stop_at = random_below(&m->r, count + 2);
    bool stopped = s.stop_at > 0 && s.stop_at <= count;
    act_error error;
    act_status status = act_map_scan(m->map, range, visit_entry, &s, &error);
    MODEL_CHECK(m, status == (stopped ? ACT_STOPPED : ACT_OK), "scan %s: status %d",
                model_range_shown(s.range), (int)status);
    MODEL_CHECK(m, s.count == (stopped ? s.stop_at : count), "scan %s: %zu entries of %zu",
                model_range_shown(s.range), s.count, count);
}

void model_ask_scans(struct model *m)
{
    static const act_range everything = {0};
    static const act_range backwards = {.reverse = true};
    scan(m, NULL);
    scan(m, &everything);
    scan(m, &backwards);
    /* A bound of no bytes: nothing is below it, and all is at or above it. */
    act_range range = {.to = "", .reverse = random_one_in(&m->r, 2)};
    scan(m, &range);
    range = (act_range){.from = "", .prefix = ""};
    scan(m, &range);
    for (unsigned round = 0; round < m->rounds; round++) {
        range = model_random_range(m);
        scan(m, &range);
    }
}
