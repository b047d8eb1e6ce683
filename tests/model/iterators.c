/* Random walks of iterators, forwards, backwards and by seeking, in ranges of both directions. */
#include "model/model.h"

#include "support/hex.h"
#include "support/shapes.h"

/* Where an iterator should stand: before the entry `at` of the `count` in its range. */
struct place {
    act_range range;
    size_t first, end;
    size_t at;
    uint64_t given; /* of its limit */
    act_iter *iter;
};

static void check_entry(struct model *m, const struct place *p, size_t index, const char *move,
                        const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    const struct entry *e = model_in_range(m, &p->range, p->first, p->end, index);
    MODEL_CHECK(m, entries_compare(key, key_nbytes, e->key, e->key_nbytes) == 0,
                "iterate %s: %s gives %s instead of %s", model_range_shown(&p->range), move,
                hex_shown(key, key_nbytes), hex_shown(e->key, e->key_nbytes));
    MODEL_CHECK(m, value == e->value, "iterate %s: %s gives the value %llu",
                model_range_shown(&p->range), move, (unsigned long long)value);
}

static void step_next(struct model *m, struct place *p)
{
    bool more = p->at < p->end - p->first && !(p->range.limit && p->given >= p->range.limit);
    const uint8_t *key = NULL;
    size_t key_nbytes = 0;
    uint64_t value = 0;
    act_status status = act_iter_next(p->iter, &key, &key_nbytes, &value, NULL);
    MODEL_CHECK(m, status == (more ? ACT_OK : ACT_END), "iterate %s: next at %zu of %zu: status %d",
                model_range_shown(&p->range), p->at, p->end - p->first, (int)status);
    if (!more)
        return;
    check_entry(m, p, p->at++, "next", key, key_nbytes, value);
    p->given++;
}

static void step_prev(struct model *m, struct place *p)
{
    bool more = p->at > 0;
    const uint8_t *key = NULL;
    size_t key_nbytes = 0;
    uint64_t value = 0;
    act_status status = act_iter_prev(p->iter, &key, &key_nbytes, &value, NULL);
    MODEL_CHECK(m, status == (more ? ACT_OK : ACT_END), "iterate %s: prev at %zu of %zu: status %d",
                model_range_shown(&p->range), p->at, p->end - p->first, (int)status);
    if (!more)
        return;
    check_entry(m, p, --p->at, "prev", key, key_nbytes, value);
    if (p->given)
        p->given--;
}

static void seek(struct model *m, struct place *p)
{
    /* The bounds of the range were copied by the iterator: their room is free again. */
    size_t nbytes = shapes_near_key(&m->r, &m->all, m->key, MODEL_KEY_ROOM);
    size_t bound = entries_lower_bound(&m->keys, m->key, nbytes);
    bool present = entries_find(&m->keys, m->key, nbytes) != NULL;
    if (p->range.reverse && present)
        bound++; /* the last <= key is the one before this */
    bound = bound < p->first ? p->first : bound > p->end ? p->end : bound;
    p->at = p->range.reverse ? p->end - bound : bound - p->first;
    p->given = 0;
    act_error error;
    act_status status = act_iter_seek(p->iter, m->key, nbytes, &error);
    MODEL_CHECK(m, status == ACT_OK, "iterate: seek %s: status %d", hex_shown(m->key, nbytes),
                (int)status);
}

static void rewind_to(struct model *m, struct place *p)
{
    bool to_end = random_one_in(&m->r, 2);
    act_iter_rewind(p->iter, to_end);
    p->at = to_end ? p->end - p->first : 0;
    p->given = 0;
}

static void step(struct model *m, struct place *p)
{
    static const uint8_t gone[] = "overwritten";
    switch (random_below(&m->r, 8)) {
    case 0:
        seek(m, p);
        /* What is shown of the range in messages is no more what it was. */
        if (p->range.prefix)
            p->range.prefix = gone;
        p->range.prefix_nbytes = 0;
        break;
    case 1:
        rewind_to(m, p);
        break;
    case 2:
    case 3:
        for (uint64_t n = random_below(&m->r, 20); n > 0; n--)
            step_prev(m, p);
        break;
    case 4: { /* a next and its prev are the same entry */
        size_t at = p->at;
        step_next(m, p);
        if (p->at != at)
            step_prev(m, p);
        break;
    }
    default:
        for (uint64_t n = random_below(&m->r, 30); n > 0; n--)
            step_next(m, p);
    }
}

/* All of a range by next, then all of it by prev. */
static void there_and_back(struct model *m, struct place *p)
{
    act_iter_rewind(p->iter, false);
    p->at = 0;
    p->given = 0;
    size_t before;
    do {
        before = p->at;
        step_next(m, p);
    } while (p->at != before);
    step_next(m, p); /* the end, again */
    while (p->at > 0)
        step_prev(m, p);
    step_prev(m, p);
    step_prev(m, p);
    step_next(m, p);
}

static void walk(struct model *m, const act_range *range)
{
    struct place p = {0};
    p.range = range ? *range : (act_range){0};
    model_range_bounds(m, &p.range, &p.first, &p.end);
    act_status status = act_iter_open(m->map, range, &p.iter, NULL);
    MODEL_CHECK(m, status == ACT_OK, "iterate %s: open: status %d", model_range_shown(&p.range),
                (int)status);
    for (uint64_t steps = random_below(&m->r, 40); steps > 0; steps--)
        step(m, &p);
    if (random_one_in(&m->r, 4))
        there_and_back(m, &p);
    act_iter_close(p.iter);
}

void model_walk_iterators(struct model *m)
{
    walk(m, NULL);
    for (unsigned round = 0; round < m->rounds / 4 + 1; round++) {
        act_range range = model_random_range(m);
        walk(m, &range);
    }
}
