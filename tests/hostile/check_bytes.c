#include "hostile/check_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "hostile/check_ways.h"
#include "hostile/plain_model.h"
#include "support/check.h"

enum {
    LISTED_MAX = 3000, /* entries of a sound file that are compared */
    LISTED_NBYTES_MAX = 1 << 20,
    VISITED_MAX = 5000, /* entries after which a scan is stopped */
    MOVES_MAX = 300,
    CHECK_WAYS_ONE_IN = CHECK_SLOW_BUILD ? 6 : 40
};

/* The file under test. */
struct subject {
    const uint8_t *bytes;
    size_t nbytes;
    const char *what;
    uint64_t number;
    act_map *map;
    bool sound;
    bool listed;            /* all entries of a sound file are in `entries` */
    struct entries entries; /* of an unsound file, what a scan gave */
};

#define EXPECT(subject, condition)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s %llu: %s", (subject)->what, (unsigned long long)(subject)->number,        \
                     #condition);                                                                  \
    } while (0)

static bool is_of_damage(act_status status)
{
    return status == ACT_ERR_CORRUPT || status == ACT_ERR_LIMIT;
}

/* What a read may answer: on a sound file that is listed only `expected`. */
static void expect_status(const struct subject *s, act_status status, act_status expected)
{
    if (s->listed)
        EXPECT(s, status == expected);
    else
        EXPECT(s, status == ACT_OK || status == ACT_NOT_FOUND || status == ACT_END ||
                      status == ACT_STOPPED || is_of_damage(status));
    if (s->sound)
        EXPECT(s, status != ACT_ERR_CORRUPT);
}

static void check_verify(struct subject *s)
{
    act_verify_report report;
    act_error error;
    act_status status = act_map_verify(s->map, NULL, NULL, &report, &error);
    s->sound = plain_is_sound(s->bytes, s->nbytes);
    EXPECT(s, status == (s->sound ? ACT_OK : ACT_ERR_CORRUPT));
    if (s->sound) {
        EXPECT(s, report.broken_rule == ACT_RULE_NONE);
        s->listed = plain_list(s->bytes, s->nbytes, LISTED_MAX, LISTED_NBYTES_MAX, &s->entries);
        if (!s->listed)
            entries_free(&s->entries);
    } else {
        EXPECT(s, report.broken_rule != ACT_RULE_NONE);
        EXPECT(s, report.broken_offset < s->nbytes);
        EXPECT(s, error.offset == report.broken_offset);
    }
}

static void check_info(struct subject *s)
{
    act_map_info info;
    act_status status = act_map_get_info(s->map, NULL, NULL, &info, NULL);
    EXPECT(s, status == (s->sound ? ACT_OK : ACT_ERR_CORRUPT));
    if (!s->listed)
        return;
    uint64_t keys = 0, key_nbytes = 0, longest = 0;
    for (size_t i = 0; i < s->entries.count; i++) {
        const struct entry *entry = &s->entries.items[i];
        keys += entry->has_value;
        key_nbytes += entry->has_value ? entry->key_nbytes : 0;
        if (entry->has_value && entry->key_nbytes > longest)
            longest = entry->key_nbytes;
    }
    EXPECT(s, info.keys == keys);
    EXPECT(s, info.key_nbytes == key_nbytes);
    EXPECT(s, info.key_nbytes_longest == longest);
    EXPECT(s, info.dangling_paths == s->entries.count - keys);
    entries_drop_paths(&s->entries);
}

struct visit {
    struct subject *subject;
    size_t count;
    bool reverse;
    bool collect;
};

static int visit_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct visit *visit = context;
    struct subject *s = visit->subject;
    size_t i = visit->count++;
    if (s->listed) {
        EXPECT(s, i < s->entries.count);
        const struct entry *entry =
            &s->entries.items[visit->reverse ? s->entries.count - 1 - i : i];
        EXPECT(s, entries_compare(key, key_nbytes, entry->key, entry->key_nbytes) == 0);
        EXPECT(s, value == entry->value);
    } else if (visit->collect && i < 50 && key_nbytes < 2000) {
        entries_add(&s->entries, key, key_nbytes, value);
    }
    return visit->count >= VISITED_MAX;
}

static void check_scan(struct subject *s)
{
    for (int reverse = 0; reverse < 2; reverse++) {
        struct visit visit = {.subject = s, .reverse = reverse, .collect = !reverse};
        act_range range = {.reverse = reverse};
        act_status status = act_map_scan(s->map, &range, visit_entry, &visit, NULL);
        expect_status(s, status, ACT_OK);
        if (s->listed)
            EXPECT(s, visit.count == s->entries.count);
    }
}

/* Forth to the end, and back to the start. */
static void check_iter(struct subject *s)
{
    act_iter *iter;
    const uint8_t *key = NULL;
    size_t key_nbytes = 0, there = 0, back = 0;
    uint64_t value = 0;
    act_status status;
    EXPECT(s, act_iter_open(s->map, NULL, &iter, NULL) == ACT_OK);
    while ((status = act_iter_next(iter, &key, &key_nbytes, &value, NULL)) == ACT_OK &&
           there < VISITED_MAX) {
        if (s->listed) {
            EXPECT(s, there < s->entries.count);
            EXPECT(s, entries_compare(key, key_nbytes, s->entries.items[there].key,
                                      s->entries.items[there].key_nbytes) == 0);
            EXPECT(s, value == s->entries.items[there].value);
        }
        there++;
    }
    expect_status(s, status, ACT_END);
    if (s->listed)
        EXPECT(s, there == s->entries.count);
    while ((status = act_iter_prev(iter, &key, &key_nbytes, &value, NULL)) == ACT_OK &&
           back < VISITED_MAX) {
        back++;
        if (s->listed)
            EXPECT(s, value == s->entries.items[there - back].value);
    }
    expect_status(s, status, ACT_END);
    if (s->listed)
        EXPECT(s, back == there);
    act_iter_close(iter);
}

static int visit_prefix(void *context, size_t prefix_nbytes, uint64_t value)
{
    size_t *longest = context;
    (void)value;
    *longest = prefix_nbytes + 1;
    return 0;
}

/* One key, whatever it is. */
static void look_up(struct subject *s, const uint8_t *key, size_t key_nbytes)
{
    uint64_t value = 0, prefix_value = 0;
    size_t prefix_nbytes = 0, last_prefix = 0;
    bool has_value = false;
    const struct entry *entry = s->listed ? entries_find(&s->entries, key, key_nbytes) : NULL;
    act_status status = act_map_get(s->map, key, key_nbytes, &value, NULL);
    expect_status(s, status, entry ? ACT_OK : ACT_NOT_FOUND);
    if (entry)
        EXPECT(s, value == entry->value);
    act_status exists = act_map_path_exists(s->map, key, key_nbytes, &has_value, NULL);
    act_status longest = act_map_longest_prefix(s->map, key, key_nbytes, &prefix_nbytes,
                                                &prefix_value, NULL);
    act_status all = act_map_prefixes(s->map, key, key_nbytes, visit_prefix, &last_prefix, NULL);
    EXPECT(s, exists == ACT_OK || exists == ACT_NOT_FOUND || exists == ACT_ERR_CORRUPT);
    EXPECT(s, longest == ACT_OK || longest == ACT_NOT_FOUND || longest == ACT_ERR_CORRUPT);
    EXPECT(s, all == ACT_OK || all == ACT_ERR_CORRUPT);
    if (!s->sound)
        return;
    EXPECT(s, all == ACT_OK && exists != ACT_ERR_CORRUPT && longest != ACT_ERR_CORRUPT);
    EXPECT(s, (exists == ACT_OK && has_value) == (status == ACT_OK));
    EXPECT(s, (longest == ACT_OK) == (last_prefix > 0));
    if (longest == ACT_OK)
        EXPECT(s, prefix_nbytes == last_prefix - 1);
    if (status == ACT_OK)
        EXPECT(s, prefix_nbytes == key_nbytes && prefix_value == value);
}

static void check_lookups(struct subject *s)
{
    static const uint8_t fixed[] = "\0\1\2ab\xff";
    uint8_t key[LISTED_NBYTES_MAX / 256];
    for (size_t nbytes = 0; nbytes < sizeof(fixed); nbytes++)
        look_up(s, fixed, nbytes);
    for (size_t i = 0; i < s->entries.count; i++) {
        const struct entry *entry = &s->entries.items[i];
        look_up(s, entry->key, entry->key_nbytes);
        /* Near it: cut, longer, other in the last byte. */
        if (i < 20 && entry->key_nbytes > 0 && entry->key_nbytes < sizeof(key)) {
            memcpy(key, entry->key, entry->key_nbytes);
            key[entry->key_nbytes] = (uint8_t)i;
            look_up(s, key, entry->key_nbytes - 1);
            look_up(s, key, entry->key_nbytes + 1);
            key[entry->key_nbytes - 1] ^= 1;
            look_up(s, key, entry->key_nbytes);
        }
    }
}

/* From key to key with a cursor, and some moves off the way. */
static void check_cursor(struct subject *s)
{
    act_cursor *cursor;
    act_status status = act_cursor_open(s->map, NULL, 0, &cursor, NULL);
    EXPECT(s, status == ACT_OK || is_of_damage(status));
    if (status != ACT_OK) {
        EXPECT(s, !s->sound);
        return;
    }
    /* It never stops on its root. */
    size_t i = s->listed && s->entries.count > 0 && s->entries.items[0].key_nbytes == 0;
    for (unsigned moves = 0; moves < MOVES_MAX; moves++) {
        status = act_cursor_to_next_val(cursor, NULL);
        if (status != ACT_OK)
            break;
        size_t path_nbytes;
        const uint8_t *path = act_cursor_path(cursor, &path_nbytes);
        if (s->listed) {
            EXPECT(s, i < s->entries.count);
            EXPECT(s, entries_compare(path, path_nbytes, s->entries.items[i].key,
                                      s->entries.items[i].key_nbytes) == 0);
        }
        i++;
        /* Up and down again leads back. */
        uint8_t last = path_nbytes ? path[path_nbytes - 1] : 0;
        if (moves % 4 == 1 && act_cursor_ascend_byte(cursor, NULL) == ACT_OK)
            act_cursor_descend_to_existing_byte(cursor, last, NULL);
    }
    EXPECT(s, status == ACT_OK || status == ACT_NOT_FOUND || is_of_damage(status));
    if (s->sound)
        EXPECT(s, status != ACT_ERR_CORRUPT);
    act_cursor_reset(cursor);
    for (unsigned moves = 0; moves < MOVES_MAX; moves++) {
        status = act_cursor_to_next_step(cursor, NULL);
        if (status != ACT_OK)
            break;
    }
    if (s->sound)
        EXPECT(s, status != ACT_ERR_CORRUPT);
    act_cursor_close(cursor);
}

void check_bytes(const uint8_t *bytes, size_t nbytes, const char *what, uint64_t number,
                 struct check_tally *tally)
{
    static const act_open_options options = {.key_nbytes_max = 1 << 16, .steps_max = 1 << 16};
    uint8_t *copy = malloc(nbytes ? nbytes : 1);
    assert_non_null(copy);
    if (nbytes)
        memcpy(copy, bytes, nbytes);
    struct subject s = {.bytes = copy, .nbytes = nbytes, .what = what, .number = number};
    act_status status = act_map_open_memory(copy, nbytes, &options, &s.map, NULL);
    if (plain_can_be_opened(bytes, nbytes)) {
        EXPECT(&s, status == ACT_OK);
        check_verify(&s);
        check_info(&s);
        check_scan(&s);
        check_iter(&s);
        check_lookups(&s);
        check_cursor(&s);
        /* Some of them, any: all ways take several times as long as all of the above. */
        if ((number * UINT64_C(0x9e3779b97f4a7c15) >> 32) % CHECK_WAYS_ONE_IN == 0)
            check_ways(s.map, s.listed ? &s.entries : NULL, s.sound, what, number);
        tally->sound += s.sound;
        tally->damaged += !s.sound;
        tally->entries += s.listed ? s.entries.count : 0;
        act_map_close(s.map);
    } else {
        EXPECT(&s, status == ACT_ERR_TRUNCATED || status == ACT_ERR_FORMAT ||
                       status == ACT_ERR_CORRUPT);
        EXPECT(&s, s.map == NULL);
        tally->refused++;
    }
    entries_free(&s.entries);
    free(copy);
}
