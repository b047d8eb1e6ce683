#include "truncation.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/shapes.h"

/* Assertions of the test framework belong to the main thread: readers only note what they saw. */
#define EXPECT(question, condition)                                                                \
    do {                                                                                           \
        if (!(condition) && !(question)->fault)                                                    \
            (question)->fault = #condition;                                                        \
    } while (0)

enum {
    BATCH = 200
};

static act_status get(struct question *q)
{
    for (int i = 0; i < 20; i++) {
        uint8_t key[600];
        uint64_t value = 0;
        act_error error;
        size_t nbytes = shapes_near_key(&q->r, q->entries, key, sizeof(key));
        const struct entry *e = entries_find(q->entries, key, nbytes);
        act_status status = act_map_get(q->map, key, nbytes, &value, &error);
        if (status == ACT_ERR_IO) {
            EXPECT(q, error.status == ACT_ERR_IO && error.os_code != 0);
            return status;
        }
        EXPECT(q, status == (e ? ACT_OK : ACT_NOT_FOUND));
        EXPECT(q, value == (e ? e->value : 0));
    }
    return ACT_OK;
}

static act_status get_batch(struct question *q)
{
    act_slice keys[BATCH];
    size_t at[BATCH];
    uint64_t values[BATCH];
    uint8_t found[(BATCH + 7) / 8];
    for (size_t i = 0; i < BATCH; i++) {
        at[i] = random_below(&q->r, q->entries->count);
        keys[i] = (act_slice){q->entries->items[at[i]].key, q->entries->items[at[i]].key_nbytes};
    }
    act_status status = act_map_get_batch(q->map, keys, BATCH, values, found, NULL);
    if (status == ACT_ERR_IO)
        return status;
    EXPECT(q, status == ACT_OK);
    for (size_t i = 0; i < BATCH; i++)
        EXPECT(q, found[i / 8] >> i % 8 & 1 && values[i] == q->entries->items[at[i]].value);
    return ACT_OK;
}

static act_status path_exists(struct question *q)
{
    for (int i = 0; i < 20; i++) {
        const struct entry *e = &q->entries->items[random_below(&q->r, q->entries->count)];
        bool has_value = false;
        act_status status = act_map_path_exists(q->map, e->key, e->key_nbytes, &has_value, NULL);
        if (status == ACT_ERR_IO)
            return status;
        EXPECT(q, status == ACT_OK && has_value);
    }
    return ACT_OK;
}

/* An entry after the other, from `at` on, `step` from one to the next. */
struct place {
    struct question *question;
    size_t at;
    size_t step;
};

static int compare_next(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct place *place = context;
    const struct entries *entries = place->question->entries;
    EXPECT(place->question, place->at < entries->count);
    if (place->at >= entries->count)
        return 1;
    const struct entry *e = &entries->items[place->at];
    EXPECT(place->question, entries_compare(key, key_nbytes, e->key, e->key_nbytes) == 0);
    EXPECT(place->question, value == e->value);
    place->at += place->step;
    return 0;
}

static int compare_prefix(void *context, size_t prefix_nbytes, uint64_t value)
{
    struct place *place = context;
    const struct entry *whole = &place->question->entries->items[place->at];
    const struct entry *e = entries_find(place->question->entries, whole->key, prefix_nbytes);
    EXPECT(place->question, e && e->value == value);
    return 0;
}

static act_status prefixes(struct question *q)
{
    for (int i = 0; i < 20; i++) {
        struct place place = {q, random_below(&q->r, q->entries->count), 0};
        const struct entry *e = &q->entries->items[place.at];
        size_t nbytes;
        uint64_t value;
        act_status status = act_map_prefixes(q->map, e->key, e->key_nbytes, compare_prefix, &place,
                                             NULL);
        if (status == ACT_OK)
            status = act_map_longest_prefix(q->map, e->key, e->key_nbytes, &nbytes, &value, NULL);
        if (status == ACT_ERR_IO)
            return status;
        EXPECT(q, status == ACT_OK && nbytes == e->key_nbytes && value == e->value);
    }
    return ACT_OK;
}

static act_status end_of(struct place *place, act_status status)
{
    if (status == ACT_ERR_IO)
        return status;
    EXPECT(place->question, status == ACT_OK);
    /* Upwards to the end, downwards to what comes before the first. */
    EXPECT(place->question,
           place->at == (place->step == 1 ? place->question->entries->count : SIZE_MAX));
    return ACT_OK;
}

static act_status scan(struct question *q)
{
    struct place place = {q, 0, 1};
    act_error error;
    return end_of(&place, act_map_scan(q->map, NULL, compare_next, &place, &error));
}

static act_status scan_downwards(struct question *q)
{
    struct place place = {q, q->entries->count - 1, SIZE_MAX};
    act_range range = {.reverse = true};
    return end_of(&place, act_map_scan(q->map, &range, compare_next, &place, NULL));
}

static int compare_run(void *context, const act_entry_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (compare_next(context, run->keys + run->key_offs[i],
                         (size_t)(run->key_offs[i + 1] - run->key_offs[i]), run->values[i]))
            return 1;
    }
    return 0;
}

static act_status scan_runs(struct question *q)
{
    struct place place = {q, 0, 1};
    act_error error;
    return end_of(&place, act_map_scan_runs(q->map, NULL, compare_run, &place, &error));
}

static int compare_in_part(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                           uint64_t value)
{
    struct question *q = context;
    const struct entry *e = entries_find(q->entries, key, key_nbytes);
    (void)part;
    EXPECT(q, e && e->value == value);
    return 0;
}

static act_status scan_parallel(struct question *q)
{
    act_parallel_options options = {.threads = 1, .parts = 5};
    act_error error;
    act_status status = act_map_scan_parallel(q->map, NULL, &options, compare_in_part, q, &error);
    EXPECT(q, status == ACT_OK || status == ACT_ERR_IO);
    return status;
}

static act_status iterate(struct question *q)
{
    act_iter *iter;
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
    struct place place = {q, random_below(&q->r, q->entries->count), 1};
    const struct entry *e = &q->entries->items[place.at];
    act_error error;
    if (act_iter_open(q->map, NULL, &iter, NULL) != ACT_OK)
        return ACT_OK;
    act_status status = act_iter_seek(iter, e->key, e->key_nbytes, &error);
    for (int i = 0; i < 100 && status == ACT_OK; i++) {
        status = act_iter_next(iter, &key, &key_nbytes, &value, &error);
        if (status == ACT_OK)
            compare_next(&place, key, key_nbytes, value);
    }
    EXPECT(q, status == ACT_OK || status == ACT_END || status == ACT_ERR_IO);
    EXPECT(q, status != ACT_END || place.at == q->entries->count);
    place.at--;
    place.step = SIZE_MAX;
    for (int i = 0; i < 100 && status != ACT_ERR_IO; i++) {
        status = act_iter_prev(iter, &key, &key_nbytes, &value, &error);
        if (status != ACT_OK)
            break;
        compare_next(&place, key, key_nbytes, value);
    }
    EXPECT(q, status == ACT_OK || status == ACT_END || status == ACT_ERR_IO);
    EXPECT(q, status != ACT_END || place.at == SIZE_MAX);
    act_iter_close(iter);
    return status == ACT_ERR_IO ? status : ACT_OK;
}

static act_status walk(struct question *q)
{
    act_cursor *cursor;
    act_error error;
    act_status status = act_cursor_open(q->map, NULL, 0, &cursor, &error);
    if (status != ACT_OK) {
        EXPECT(q, status == ACT_ERR_IO);
        return status;
    }
    const struct entry *e = &q->entries->items[random_below(&q->r, q->entries->count)];
    struct place place = {q, (size_t)(e - q->entries->items), 1};
    status = act_cursor_descend_to_check(cursor, e->key, e->key_nbytes, &error);
    for (int i = 0; i < 100 && status == ACT_OK; i++) {
        uint64_t value;
        size_t nbytes;
        EXPECT(q, act_cursor_is_val(cursor));
        status = act_cursor_value(cursor, &value);
        const uint8_t *path = act_cursor_path(cursor, &nbytes);
        if (status == ACT_OK) {
            compare_next(&place, path, nbytes, value);
            status = act_cursor_to_next_val(cursor, &error);
        }
    }
    EXPECT(q, status == ACT_OK || status == ACT_NOT_FOUND || status == ACT_ERR_IO);
    EXPECT(q, status != ACT_NOT_FOUND || place.at == q->entries->count);
    if (status != ACT_ERR_IO)
        status = act_cursor_value_at(cursor, "", 0, NULL, &error);
    act_cursor_close(cursor);
    return status == ACT_ERR_IO ? status : ACT_OK;
}

static act_status count(struct question *q)
{
    act_cursor *cursor;
    uint64_t keys;
    act_map_info info;
    act_verify_report report;
    act_status status = act_cursor_open(q->map, NULL, 0, &cursor, NULL);
    if (status != ACT_OK)
        return status;
    status = act_cursor_val_count(cursor, &keys, NULL);
    act_cursor_close(cursor);
    EXPECT(q, status == ACT_ERR_IO || (status == ACT_OK && keys == q->entries->count));
    if (status == ACT_OK)
        status = act_map_get_info(q->map, NULL, NULL, &info, NULL);
    EXPECT(q, status == ACT_ERR_IO || (status == ACT_OK && info.keys == q->entries->count));
    if (status == ACT_OK)
        status = act_map_verify(q->map, NULL, NULL, &report, NULL);
    EXPECT(q, status == ACT_ERR_IO || (status == ACT_OK && report.broken_rule == ACT_RULE_NONE));
    return status;
}

static act_status (*const questions[])(struct question *q) = {
    get,       get_batch,     path_exists, prefixes, scan,  scan_downwards,
    scan_runs, scan_parallel, iterate,     walk,     count,
};

unsigned questions_count(void)
{
    return sizeof(questions) / sizeof(questions[0]);
}

act_status questions_ask(struct question *question, unsigned kind)
{
    act_status status = questions[kind](question);
    EXPECT(question, status == ACT_OK || status == ACT_ERR_IO);
    return status;
}
