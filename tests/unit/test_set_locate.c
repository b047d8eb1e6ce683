#include "set/locate.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"

/* Keys that share much with each other: of few different bytes, after a common start. */
static size_t make_key(struct random *r, uint8_t *key, size_t start_nbytes, size_t room)
{
    static const uint8_t letters[] = {0, 1, 'a', 0x7f, 0x80, 0xff};
    size_t nbytes = random_below(r, room);
    for (size_t i = 0; i < nbytes; i++)
        key[i] = i < start_nbytes && !random_one_in(r, 40) ? (uint8_t)(7 * i)
                                                           : letters[random_below(r, 6)];
    return nbytes;
}

static size_t slowly(const struct act_manifest *manifest, const uint8_t *key, size_t nbytes)
{
    size_t part = manifest->count - 1;
    while (entries_compare(manifest->parts[part].from, manifest->parts[part].from_nbytes, key,
                           nbytes) > 0)
        part--;
    return part;
}

static void check(struct random *r, size_t count, size_t start_nbytes, size_t room)
{
    struct entries bounds = {0};
    struct act_locator locator;
    uint8_t key[64];
    entries_add(&bounds, NULL, 0, 0);
    for (size_t i = 1; i < count; i++)
        entries_add(&bounds, key, make_key(r, key, start_nbytes, room), 0);
    entries_sort(&bounds);
    struct act_manifest_part *parts = calloc(bounds.count, sizeof(*parts));
    struct act_manifest manifest = {.parts = parts, .count = bounds.count};
    assert_non_null(parts);
    for (size_t i = 0; i < bounds.count; i++) {
        parts[i].from = bounds.items[i].key;
        parts[i].from_nbytes = bounds.items[i].key_nbytes;
    }
    assert_true(act_locator_init(&locator, &manifest));
    for (size_t i = 0; i < bounds.count; i++)
        assert_int_equal(act_locate(&locator, parts[i].from, parts[i].from_nbytes), i);
    for (int i = 0; i < 300; i++) {
        size_t nbytes = make_key(r, key, start_nbytes, room + 2);
        assert_int_equal(act_locate(&locator, key, nbytes), slowly(&manifest, key, nbytes));
    }
    assert_int_equal(act_locate(&locator, NULL, 0), 0);
    act_locator_free(&locator);
    free(parts);
    entries_free(&bounds);
}

static void it_finds_what_comparing_finds(void **state)
{
    (void)state;
    struct random r = random_of(1);
    for (int round = 0; round < 200; round++) {
        size_t start = random_below(&r, 3) * 9;
        check(&r, 1 + random_below(&r, 40), start, start + 1 + random_below(&r, 20));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_what_comparing_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
