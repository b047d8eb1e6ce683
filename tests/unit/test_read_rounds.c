/* Many keys that go down together: each comes to where it would by itself, lines compared whole. */
#include "read/rounds.h"

#include <stdlib.h>
#include <string.h>

#include "support/build.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/seal.h"

enum {
    LINE_NBYTES_MAX = 80, /* several times what is compared at once */
    KEY_NBYTES_MAX = LINE_NBYTES_MAX + 2,
    FILLER = 3000, /* keys besides, so that the file's end is far from the others */
    QUERIES_MAX = LINE_NBYTES_MAX * (LINE_NBYTES_MAX + 8)
};

struct queries {
    uint8_t bytes[QUERIES_MAX][KEY_NBYTES_MAX];
    act_slice keys[QUERIES_MAX];
    size_t count;
};

static struct entries entries;

/* A byte that tells how long the line below it is, the line, and the byte of one of two children.
 */
static size_t put_key(uint8_t key[KEY_NBYTES_MAX], size_t line_nbytes, int child)
{
    key[0] = (uint8_t)line_nbytes;
    for (size_t i = 1; i <= line_nbytes; i++)
        key[i] = (uint8_t)('A' + i % 23);
    key[line_nbytes + 1] = (uint8_t)child;
    return line_nbytes + 2;
}

static int set_up(void **state)
{
    struct random r = random_of(17);
    uint8_t key[KEY_NBYTES_MAX];
    assert_int_equal(scratch_set_up(state), 0);
    for (size_t n = 1; n <= LINE_NBYTES_MAX; n++) {
        for (int child = 'a'; child <= 'b'; child++) {
            size_t nbytes = put_key(key, n, child);
            entries_add(&entries, key, nbytes, n * 256 + (uint64_t)child);
            if (n % 3 == 0 && child == 'a') /* a value above the children */
                entries_add(&entries, key, nbytes - 1, n);
        }
    }
    for (size_t i = 0; i < FILLER; i++) {
        random_fill(&r, key, 12);
        key[0] |= 0x80;
        entries_add(&entries, key, 12, i);
    }
    entries_sort(&entries);
    return 0;
}

static int tear_down(void **state)
{
    entries_free(&entries);
    return scratch_tear_down(state);
}

static void ask(struct queries *queries, const uint8_t *key, size_t nbytes)
{
    assert_true(queries->count < QUERIES_MAX);
    uint8_t *bytes = queries->bytes[queries->count];
    memcpy(bytes, key, nbytes);
    queries->keys[queries->count++] = (act_slice){bytes, nbytes};
}

static void expect_answers(const act_map *map, const struct queries *queries)
{
    uint64_t *values = calloc(queries->count, sizeof(*values));
    uint8_t *found = calloc(queries->count / 8 + 1, 1);
    assert_true(values && found);
    assert_int_equal(act_map_get_batch(map, queries->keys, queries->count, values, found, NULL),
                     ACT_OK);
    for (size_t i = 0; i < queries->count; i++) {
        const act_slice *key = &queries->keys[i];
        const struct entry *entry = entries_find(&entries, key->bytes, key->nbytes);
        assert_int_equal(found[i / 8] >> i % 8 & 1, entry != NULL);
        assert_int_equal(values[i], entry ? entry->value : 0);
    }
    free(values);
    free(found);
}

/* Each key there is, each with one byte of its line changed, cut short, and gone on with. */
static void lines_are_compared_to_the_last_byte(void **state)
{
    (void)state;
    static const act_layout layouts[] = {ACT_LAYOUT_PLAIN, ACT_LAYOUT_COMPACT, ACT_LAYOUT_INDEXED};
    static struct queries queries;
    uint8_t key[KEY_NBYTES_MAX];
    queries.count = 0;
    for (size_t n = 1; n <= LINE_NBYTES_MAX; n++) {
        for (int child = 'a'; child <= 'c'; child++)
            ask(&queries, key, put_key(key, n, child));
        ask(&queries, key, n + 1);
        ask(&queries, key, n);
        for (size_t at = 1; at <= n; at++) {
            size_t nbytes = put_key(key, n, at % 2 ? 'a' : 'b');
            key[at] ^= 1;
            ask(&queries, key, nbytes);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        act_map *map;
        build_file(&entries, scratch_map, layouts[i], NULL);
        assert_int_equal(act_map_open(scratch_map, NULL, &map, NULL), ACT_OK);
        expect_answers(map, &queries);
        act_map_close(map);
    }
}

/* A line whose last byte is the first one of the node that refers to it, which the key has too. */
static void a_line_over_its_node_is_damage(void **state)
{
    (void)state;
    enum {
        LEAF = 4000, /* as far from the front of the file as most nodes are */
        ROOT = LEAF + 8
    };
    static const uint8_t nodes[] = {0x40, 7, 3, 'x', 'y', 0x81, 5, 3, 1, 3, 'k'};
    uint8_t arena[5000] = {0};
    static const act_slice keys[] = {{"kxy", 3}, {"kxy\x81", 4}};
    for (int good = 0; good < 2; good++) {
        act_map *map;
        size_t nbytes;
        uint64_t values[2];
        uint8_t found = 0;
        memcpy(arena + LEAF, nodes, sizeof(nodes));
        arena[LEAF + 2] = (uint8_t)(good ? 2 : 3);
        uint8_t *bytes = seal_arena(arena, sizeof(arena), ACT_INDEX_END + ROOT, &nbytes);
        assert_int_equal(act_map_open_memory(bytes, nbytes, NULL, &map, NULL), ACT_OK);
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(act_map_get_batch(map, &keys[i], 1, NULL, NULL, NULL),
                             good ? ACT_OK : ACT_ERR_CORRUPT);
        act_status status = act_map_get_batch(map, keys, 2, values, &found, NULL);
        assert_int_equal(status, good ? ACT_OK : ACT_ERR_CORRUPT);
        if (good)
            assert_int_equal(found, 1);
        act_map_close(map);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_compared_to_the_last_byte),
        cmocka_unit_test(a_line_over_its_node_is_damage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
