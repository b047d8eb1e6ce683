#include "hostile/check_ways.h"

#include <string.h>

#include "support/check.h"

enum {
    VISITED_MAX = 5000, /* entries or steps after which something is stopped */
    PARTS = 5
};

struct subject {
    const act_map *map;
    const struct entries *listed;
    bool sound;
    const char *what;
    uint64_t number;
    uint64_t file_nbytes;
    size_t visited;
    uint8_t last[64]; /* the key that was given last, its front */
    size_t last_nbytes;
};

#define EXPECT(s, condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s %llu: %s", (s)->what, (unsigned long long)(s)->number, #condition);       \
    } while (0)

/* An answer, or of a map that is not sound, damage. */
static void expect_answer(const struct subject *s, act_status status)
{
    bool damaged = status == ACT_ERR_CORRUPT;
    EXPECT(s, status == ACT_OK || status == ACT_NOT_FOUND || status == ACT_END ||
                  status == ACT_STOPPED || status == ACT_ERR_LIMIT || damaged);
    EXPECT(s, !s->sound || !damaged);
    EXPECT(s, !s->listed || status != ACT_ERR_LIMIT);
}

static const struct entry *expect_entry(struct subject *s, const uint8_t *key, size_t key_nbytes)
{
    if (!s->listed)
        return NULL;
    EXPECT(s, s->visited < s->listed->count);
    const struct entry *e = &s->listed->items[s->visited];
    EXPECT(s, entries_compare(key, key_nbytes, e->key, e->key_nbytes) == 0);
    return e;
}

/* ------------------------------------------------------------------------- counts and digests */

static void check_counts(struct subject *s)
{
    act_cursor *cursor;
    uint64_t count = 0;
    act_digest digest;
    act_status status = act_cursor_open(s->map, NULL, 0, &cursor, NULL);
    expect_answer(s, status);
    if (status == ACT_OK) {
        status = act_cursor_val_count(cursor, &count, NULL);
        expect_answer(s, status);
        if (s->listed)
            EXPECT(s, count == s->listed->count);
        act_cursor_close(cursor);
    }
    if (!s->listed)
        return; /* there may be 2^64 */
    EXPECT(s, act_map_digest(s->map, NULL, NULL, &digest, NULL) == ACT_OK);
    EXPECT(s, digest.entries == s->listed->count);
}

/* -------------------------------------------------------------------------------------- scans */

static int visit_run(void *context, const act_entry_run *run)
{
    struct subject *s = context;
    for (size_t i = 0; i < run->count; i++, s->visited++) {
        const struct entry *e = expect_entry(s, run->keys + run->key_offs[i],
                                             (size_t)(run->key_offs[i + 1] - run->key_offs[i]));
        if (e)
            EXPECT(s, run->values[i] == e->value);
    }
    return s->visited >= VISITED_MAX;
}

static int visit_part(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                      uint64_t value)
{
    struct subject *s = context;
    EXPECT(s, part < PARTS);
    const struct entry *e = expect_entry(s, key, key_nbytes);
    if (e)
        EXPECT(s, value == e->value);
    return ++s->visited >= VISITED_MAX;
}

static int visit_cut(void *context, const uint8_t *key, size_t key_nbytes)
{
    struct subject *s = context;
    EXPECT(s, key_nbytes > 0);
    size_t some = key_nbytes < sizeof(s->last) ? key_nbytes : sizeof(s->last);
    if (s->visited++ && key_nbytes <= sizeof(s->last) && s->last_nbytes < sizeof(s->last))
        EXPECT(s, entries_compare(s->last, s->last_nbytes, key, key_nbytes) < 0);
    memcpy(s->last, key, some);
    s->last_nbytes = some;
    return 0;
}

static void check_scans(struct subject *s)
{
    const act_parallel_options options = {.parts = PARTS};
    s->visited = 0;
    act_status status = act_map_scan_runs(s->map, NULL, visit_run, s, NULL);
    expect_answer(s, status);
    if (s->listed)
        EXPECT(s, status == ACT_OK && s->visited == s->listed->count);
    s->visited = 0;
    status = act_map_scan_parallel(s->map, NULL, &options, visit_part, s, NULL);
    expect_answer(s, status);
    if (s->listed)
        EXPECT(s, status == ACT_OK && s->visited == s->listed->count);
    for (size_t parts = 2; parts < 80; parts *= 5) {
        s->visited = 0;
        status = act_map_split(s->map, NULL, parts, visit_cut, s, NULL);
        EXPECT(s, status == ACT_OK || (!s->sound && status == ACT_ERR_CORRUPT));
        EXPECT(s, s->visited < parts);
    }
}

/* --------------------------------------------------------------------------- keys and prefixes */

static int visit_touch(void *context, const act_touch *touch)
{
    struct subject *s = context;
    EXPECT(s, touch->nbytes > 0 && touch->off + touch->nbytes <= s->file_nbytes);
    return ++s->visited >= VISITED_MAX;
}

static int visit_prefix(void *context, const act_prefix_residency *prefix)
{
    struct subject *s = context;
    EXPECT(s, prefix->cached_nbytes > 0 && prefix->nodes > 0 && prefix->missing == 0);
    return ++s->visited >= VISITED_MAX;
}

/* Traced, in a batch, and what lies below it. */
static void check_key(struct subject *s, const uint8_t *key, size_t key_nbytes)
{
    uint64_t value = 0, traced = 0, in_batch = 0, done, asked;
    uint8_t found = 0;
    const act_slice slice = {key, key_nbytes};
    const act_region region = {
        .kind = ACT_REGION_PREFIX, .prefix = key, .prefix_nbytes = key_nbytes};
    act_residency *residency;
    act_status status = act_map_get(s->map, key, key_nbytes, &value, NULL);
    s->visited = 0;
    act_status by_trace = act_map_trace_get(s->map, key, key_nbytes, visit_touch, s, &traced, NULL);
    act_status by_batch = act_map_get_batch(s->map, &slice, 1, &in_batch, &found, NULL);
    EXPECT(s, by_trace == status);
    EXPECT(s, s->visited > 0);
    EXPECT(s, by_batch == (status == ACT_NOT_FOUND ? ACT_OK : status));
    EXPECT(s, by_batch != ACT_OK || found == (status == ACT_OK));
    if (status == ACT_OK)
        EXPECT(s, traced == value && in_batch == value);

    status = act_map_populate(s->map, &region, NULL, NULL, &done, &asked, NULL);
    expect_answer(s, status);
    if (status == ACT_OK)
        EXPECT(s, done == asked && asked > 0);
    EXPECT(s, act_map_residency(s->map, &residency, NULL) == ACT_OK);
    for (uint64_t depth = 0; depth < 3; depth++) {
        const act_residency_options options = {
            .prefix = key, .prefix_nbytes = key_nbytes, .depth = depth, .top = 3};
        act_residency_walk walk;
        s->visited = 0;
        act_status walked = act_map_residency_walk(s->map, residency, &options, visit_prefix, s,
                                                   &walk, NULL);
        expect_answer(s, walked);
        EXPECT(s, s->visited <= 3);
        if (s->sound && status != ACT_ERR_LIMIT)
            EXPECT(s, (walked == ACT_OK) == (status == ACT_OK));
        if (walked == ACT_OK)
            EXPECT(s, walk.nodes > 0 && walk.missing == 0);
    }
    act_residency_close(residency);
}

static void check_keys(struct subject *s)
{
    static const uint8_t fixed[] = "\1\2";
    for (size_t nbytes = 0; nbytes < sizeof(fixed); nbytes++)
        check_key(s, fixed, nbytes);
    /* What begins so in the file of which most are made. */
    static const uint8_t letters[] = "PQRS";
    for (size_t i = 0; i < 4; i++)
        check_key(s, letters + i, 1);
    check_key(s, (const uint8_t *)"Sst", 3);
    check_key(s, (const uint8_t *)"Patail", 6);
    for (size_t i = 0; s->listed && i < s->listed->count; i += 1 + s->listed->count / 6) {
        const struct entry *e = &s->listed->items[i];
        check_key(s, e->key, e->key_nbytes);
        check_key(s, e->key, e->key_nbytes / 2);
    }
}

/* ------------------------------------------------------------------------------- two maps */

struct comparison {
    struct subject *subject;
    bool from_empty;
};

static int visit_change(void *context, const act_change *change)
{
    const struct comparison *comparison = context;
    struct subject *s = comparison->subject;
    const struct entry *e = expect_entry(s, change->key, change->key_nbytes);
    EXPECT(s, change->in_to == comparison->from_empty);
    EXPECT(s, change->in_from != comparison->from_empty);
    if (e)
        EXPECT(s, e->value == (change->in_to ? change->to_value : change->from_value));
    return ++s->visited >= VISITED_MAX;
}

static int visit_no_change(void *context, const act_change *change)
{
    struct subject *s = context;
    (void)change;
    fail_msg("%s %llu: the map differs from itself", s->what, (unsigned long long)s->number);
    return 1;
}

static void check_differences(struct subject *s)
{
    static const uint8_t bytes[25] = {'A', 'C', 'T', 'r', 'e', 'e', '0', '3', 16};
    act_map *empty;
    EXPECT(s, act_map_open_memory(bytes, sizeof(bytes), NULL, &empty, NULL) == ACT_OK);
    for (int back = 0; back < 2; back++) {
        struct comparison comparison = {s, !back};
        s->visited = 0;
        act_status status = act_map_diff(back ? s->map : empty, back ? empty : s->map, visit_change,
                                         &comparison, NULL);
        expect_answer(s, status);
        if (s->listed)
            EXPECT(s, status == ACT_OK && s->visited == s->listed->count);
    }
    expect_answer(s, act_map_diff(s->map, s->map, visit_no_change, s, NULL));
    act_map_close(empty);
}

/* ------------------------------------------------------------------------------- a cursor */

/* Moves that depend on where the last one led, and never end by themselves. */
static void check_moves(struct subject *s)
{
    act_cursor *cursor, *fork;
    if (act_cursor_open(s->map, NULL, 0, &cursor, NULL) != ACT_OK)
        return;
    for (unsigned step = 0; step < 40; step++) {
        uint64_t mask[4];
        uint64_t count;
        expect_answer(s, act_cursor_descend_first_byte(cursor, NULL));
        expect_answer(s, act_cursor_to_next_sibling_byte(cursor, NULL));
        act_cursor_child_mask(cursor, mask);
        expect_answer(s, act_cursor_descend_indexed_byte(cursor, step, NULL));
        expect_answer(s, act_cursor_to_prev_sibling_byte(cursor, NULL));
        expect_answer(s, act_cursor_val_count(cursor, &count, NULL));
        if (step % 5 == 4) {
            expect_answer(s, act_cursor_descend_until(cursor, NULL));
            expect_answer(s, act_cursor_descend_last_path(cursor, NULL));
            expect_answer(s, act_cursor_ascend_until_branch(cursor, NULL));
        }
        if (step % 8 == 7) {
            expect_answer(s, act_cursor_fork(cursor, &fork, NULL));
            expect_answer(s, act_cursor_descend_first_k_path(fork, 2, NULL));
            expect_answer(s, act_cursor_to_next_k_path(fork, 2, NULL));
            act_cursor_close(fork);
            act_cursor_reset(cursor);
        }
    }
    act_cursor_close(cursor);
}

void check_ways(const act_map *map, const struct entries *listed, bool sound, const char *what,
                uint64_t number)
{
    struct subject s = {
        .map = map, .listed = listed, .sound = sound, .what = what, .number = number};
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    s.file_nbytes = stat.file_nbytes;
    check_counts(&s);
    check_scans(&s);
    check_keys(&s);
    check_differences(&s);
    check_moves(&s);
}
