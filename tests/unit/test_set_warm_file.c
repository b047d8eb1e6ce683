/* What was saved of a set, made up by somebody who knows how the checksum is made. */
#include <stdlib.h>
#include <string.h>

#include "actree.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/scratch.h"

enum {
    PARTS = 2,
    HEADER_NBYTES = 16,
    LENGTH_NBYTES = 8,
    SUM_NBYTES = 8
};

static char *manifest, *saved;
static unsigned char *whole;
static size_t whole_nbytes;

/* Parts are small, and read: so nothing of them is noted, whatever the system tells. */
static int make_set(void **state)
{
    static const char *const names[PARTS] = {"0.act", "1.act"};
    static const char *const firsts[PARTS] = {"", "b"};
    act_set_member members[PARTS];
    act_set *set;
    scratch_set_up(state);
    manifest = scratch_path(scratch_dir, "x.set");
    saved = scratch_path(scratch_dir, "saved");
    for (size_t part = 0; part < PARTS; part++) {
        struct entries entries = {0};
        char *path = scratch_path(scratch_dir, names[part]);
        entries_add(&entries, part ? "b" : "a", 1, part);
        build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
        entries_free(&entries);
        free(path);
        members[part] = (act_set_member){names[part], firsts[part], strlen(firsts[part])};
    }
    assert_int_equal(act_set_create(manifest, members, PARTS, NULL, NULL), ACT_OK);
    assert_int_equal(act_set_open(manifest, NULL, &set, NULL), ACT_OK);
    assert_int_equal(act_set_warm_save(set, saved, NULL, NULL), ACT_OK);
    act_set_close(set);
    whole = scratch_read(saved, &whole_nbytes);
    return 0;
}

static int remove_set(void **state)
{
    free(manifest);
    free(saved);
    free(whole);
    return scratch_tear_down(state);
}

/* Restores from so many bytes and their checksum. */
static act_status restore(unsigned char *bytes, size_t nbytes)
{
    act_set *set;
    act_error error = {0};
    act_store_le64(bytes + nbytes, act_hash64(bytes, nbytes, 0));
    scratch_write(saved, bytes, nbytes + SUM_NBYTES);
    assert_int_equal(act_set_open(manifest, NULL, &set, NULL), ACT_OK);
    act_status status = act_set_warm_restore(set, saved, 0, NULL, NULL, NULL, &error);
    act_set_close(set);
    if (status != ACT_OK)
        assert_true(error.status == status && error.text[0]);
    return status;
}

/* With room for more behind it. */
static unsigned char *copy(void)
{
    unsigned char *bytes = calloc(1, whole_nbytes + 64);
    assert_non_null(bytes);
    memcpy(bytes, whole, whole_nbytes);
    return bytes;
}

static void lengths_lead_nowhere(void **state)
{
    (void)state;
    size_t body = whole_nbytes - SUM_NBYTES;
    uint64_t first = act_load_le64(whole + HEADER_NBYTES);
    const size_t second_at = HEADER_NBYTES + LENGTH_NBYTES + (size_t)first;
    const uint64_t lengths[] = {0,
                                1,
                                first - 1,
                                first + 1,
                                body - HEADER_NBYTES - LENGTH_NBYTES,
                                body - HEADER_NBYTES - LENGTH_NBYTES + 1,
                                UINT64_MAX - LENGTH_NBYTES,
                                UINT64_MAX - 7,
                                UINT64_MAX};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        unsigned char *bytes = copy();
        act_store_le64(bytes + HEADER_NBYTES, lengths[i]);
        assert_int_not_equal(restore(bytes, body), ACT_OK);
        memcpy(bytes, whole, whole_nbytes);
        act_store_le64(bytes + second_at, lengths[i] + (lengths[i] == first));
        assert_int_not_equal(restore(bytes, body), ACT_OK);
        free(bytes);
    }
    /* Cut at any place, and with more behind it. */
    unsigned char *bytes = copy();
    for (size_t nbytes = HEADER_NBYTES; nbytes < body; nbytes++) {
        memcpy(bytes, whole, whole_nbytes);
        assert_int_equal(restore(bytes, nbytes), ACT_ERR_CORRUPT);
    }
    memcpy(bytes, whole, whole_nbytes);
    for (size_t more = 1; more < 20; more++)
        assert_int_equal(restore(bytes, body + more), ACT_ERR_CORRUPT);
    memcpy(bytes, whole, whole_nbytes);
    assert_int_equal(restore(bytes, body), ACT_OK);
    free(bytes);
}

static void parts_are_those_of_the_set(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 3, UINT64_MAX};
    size_t body = whole_nbytes - SUM_NBYTES;
    unsigned char *bytes = copy();
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        act_store_le64(bytes + 8, counts[i]);
        assert_int_equal(restore(bytes, body), ACT_ERR_INVALID);
    }
    /* Each bit of what stands there: nothing is taken as it is, for it has a checksum of its own.
     */
    memcpy(bytes, whole, whole_nbytes);
    for (size_t at = HEADER_NBYTES; at < body; at++) {
        bytes[at] ^= 1;
        assert_int_not_equal(restore(bytes, body), ACT_OK);
        bytes[at] ^= 1;
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_lead_nowhere),
        cmocka_unit_test(parts_are_those_of_the_set),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
