/* Sets of pages: what is saved comes back, and no other bytes are taken for a set. */
#include "read/map.h"
#include "read/residency.h"
#include "read/warm_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "format/varint.h"
#include "os/file.h"
#include "support/build.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

static act_map *map;
static char *set_path;

static act_status write_error; /* the disk's, unless it is ACT_OK */

act_status __real_act_os_output_write(struct act_os_output *output, const void *data, size_t nbytes,
                                      act_error *error);
act_status __wrap_act_os_output_write(struct act_os_output *output, const void *data, size_t nbytes,
                                      act_error *error);
act_status __wrap_act_os_output_write(struct act_os_output *output, const void *data, size_t nbytes,
                                      act_error *error)
{
    return write_error ? write_error : __real_act_os_output_write(output, data, nbytes, error);
}

static void build(unsigned count)
{
    struct entries entries = {0};
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%06u", i);
        entries_add(&entries, key, 6, i);
    }
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    entries_free(&entries);
}

static int set_up(void **state)
{
    act_open_options options = {.access = ACT_ACCESS_MAP};
    scratch_set_up(state);
    build(30000);
    set_path = scratch_path(scratch_dir, "set");
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    return 0;
}

static int tear_down(void **state)
{
    act_map_close(map);
    free(set_path);
    return scratch_tear_down(state);
}

static uint64_t pages_of_map(uint64_t page_nbytes)
{
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    return (stat.file_nbytes - 1) / page_nbytes + 1;
}

/* Any pages, all, none, and the last one alone come back as they were. */
static void a_set_comes_back(void **state)
{
    (void)state;
    struct random r = random_of(21);
    uint64_t pages = pages_of_map(512);
    size_t nbytes = (size_t)(pages / 8 + 1);
    uint8_t *bits = malloc(nbytes);
    assert_non_null(bits);
    for (unsigned round = 0; round < 20; round++) {
        memset(bits, round == 1 ? 255 : 0, nbytes);
        for (uint64_t i = 0; round > 2 && i < pages; i++)
            if (!random_one_in(&r, round % 5 + 1))
                bits[i / 8] |= (uint8_t)(1U << i % 8);
        if (round == 2)
            bits[(pages - 1) / 8] |= (uint8_t)(1U << (pages - 1) % 8);
        act_warm_set *set, *loaded;
        act_warm_set_info before, after;
        assert_int_equal(act_warm_set_of_pages(map, bits, 512, &set, NULL), ACT_OK);
        assert_int_equal(act_warm_set_save(set, set_path, NULL), ACT_OK);
        assert_int_equal(act_warm_set_load(set_path, &loaded, NULL), ACT_OK);
        act_warm_set_get_info(set, &before);
        act_warm_set_get_info(loaded, &after);
        assert_memory_equal(&before, &after, sizeof(before));
        assert_int_equal(after.page_nbytes, 512);
        if (round == 0)
            assert_int_equal(after.nbytes, 0);
        if (round == 1) {
            assert_int_equal(after.nbytes, after.file_nbytes);
            assert_int_equal(after.runs, 1);
        }
        if (round == 2)
            assert_int_equal(after.nbytes, after.file_nbytes - (pages - 1) * 512);
        assert_memory_equal(set->runs, loaded->runs, set->runs_count * sizeof(*set->runs));
        assert_int_equal(act_warm_set_check(loaded, map, NULL), ACT_OK);
        act_warm_set_close(set);
        act_warm_set_close(loaded);
    }
    free(bits);
}

static void save_half(void)
{
    act_warm_set *set;
    uint64_t pages = pages_of_map(512);
    uint8_t *bits = malloc((size_t)pages / 8 + 1);
    assert_non_null(bits);
    memset(bits, 0x55, (size_t)pages / 8 + 1);
    assert_int_equal(act_warm_set_of_pages(map, bits, 512, &set, NULL), ACT_OK);
    assert_int_equal(act_warm_set_save(set, set_path, NULL), ACT_OK);
    act_warm_set_close(set);
    free(bits);
}

static act_status load(act_error *error)
{
    act_warm_set *set = (act_warm_set *)&set;
    act_status status = act_warm_set_load(set_path, &set, error);
    assert_int_equal(status == ACT_OK, set != NULL);
    if (status != ACT_OK && error) {
        assert_int_equal(error->status, status);
        assert_non_null(strstr(error->text, "set"));
    }
    act_warm_set_close(set);
    return status;
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    size_t nbytes;
    save_half();
    unsigned char *bytes = scratch_read(set_path, &nbytes);
    size_t step = nbytes > 400 ? 7 : 1;
    for (size_t bit = 0; bit < 8 * nbytes; bit += bit < 8 * 56 ? 1 : step) {
        act_error error = {0};
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        scratch_write(set_path, bytes, nbytes);
        act_status status = load(&error);
        assert_true(status == ACT_ERR_CORRUPT || status == ACT_ERR_FORMAT);
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
    for (size_t kept = 0; kept < nbytes; kept += kept < 80 ? 1 : 41) {
        scratch_write(set_path, bytes, kept);
        act_status status = load(NULL);
        assert_true(status == (kept < 8    ? ACT_ERR_FORMAT
                               : kept < 64 ? ACT_ERR_TRUNCATED
                                           : ACT_ERR_CORRUPT));
    }
    free(bytes);
}

/* A set with runs as told and a checksum that is right. */
static act_status load_forged(uint64_t page_nbytes, uint64_t file_nbytes, uint64_t pages,
                              uint64_t runs, const uint64_t *numbers, size_t count)
{
    uint8_t bytes[56 + 9 * 16 + 8];
    memcpy(bytes, "ACTwarm1", 8);
    act_store_le64(bytes + 8, 1 | page_nbytes << 32);
    act_store_le64(bytes + 16, file_nbytes);
    act_store_le64(bytes + 24, 16);
    act_store_le64(bytes + 32, 0);
    act_store_le64(bytes + 40, pages);
    act_store_le64(bytes + 48, runs);
    uint8_t *at = bytes + 56;
    for (size_t i = 0; i < count; i++)
        at = act_varint_write(at, numbers[i]);
    act_store_le64(at, act_hash64(bytes, (size_t)(at - bytes), 0));
    scratch_write(set_path, bytes, (size_t)(at - bytes) + 8);
    return load(NULL);
}

#define FORGED(page_nbytes, file_nbytes, pages, runs, ...)                                         \
    load_forged(page_nbytes, file_nbytes, pages, runs, (const uint64_t[]){__VA_ARGS__},            \
                sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void sets_that_make_no_sense(void **state)
{
    (void)state;
    assert_int_equal(FORGED(4096, 40960, 3, 2, 1, 1, 2, 2), ACT_OK);
    assert_int_equal(FORGED(4096, 40961, 11, 1, 0, 11), ACT_OK);
    assert_int_equal(FORGED(4096, 40960, 11, 1, 0, 11), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 4, 2, 1, 1, 2, 2), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 3, 1, 1, 1, 2, 2), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 3, 3, 1, 1, 2, 2), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 3, 2, 1, 1, 0, 2), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 1, 2, 1, 1, 2, 0), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 1, 1, UINT64_MAX, 1), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 1, 1, 1, UINT64_MAX), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4096, 40960, 1, UINT64_MAX, 1, 1), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(4095, 40960, 1, 1, 1, 1), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(0, 40960, 1, 1, 1, 1), ACT_ERR_CORRUPT);
    assert_int_equal(FORGED(512, UINT64_MAX, 1, 1, UINT64_MAX / 512, 1), ACT_OK);
    assert_int_equal(FORGED(4096, 40960, 1, 1, 1), ACT_ERR_CORRUPT); /* a gap, and no run */
}

static void a_set_of_another_file(void **state)
{
    (void)state;
    act_warm_set *set;
    act_error error;
    save_half();
    assert_int_equal(act_warm_set_load(set_path, &set, NULL), ACT_OK);
    set->file_nbytes++;
    assert_int_equal(act_warm_set_check(set, map, &error), ACT_ERR_INVALID);
    assert_non_null(strstr(error.text, "another file"));
    act_warm_options options = {.what = ACT_WARM_SET, .set = set};
    assert_int_equal(act_map_warm(map, &options, NULL, NULL, NULL, &error), ACT_ERR_INVALID);
    set->file_nbytes--;
    set->root++;
    assert_int_equal(act_warm_set_check(set, map, &error), ACT_ERR_INVALID);
    set->root--;
    set->head_hash++;
    assert_int_equal(act_warm_set_check(set, map, &error), ACT_ERR_INVALID);
    set->head_hash--;
    assert_int_equal(act_warm_set_check(set, map, &error), ACT_OK);
    act_warm_set_close(set);
}

static uint64_t pages_nbytes(const act_map *of, uint64_t first, uint64_t end)
{
    static uint8_t bits[1 << 12];
    act_warm_set *set;
    act_warm_set_info info;
    memset(bits, 0, sizeof(bits));
    for (uint64_t page = first; page < end; page++)
        bits[page / 8] |= (uint8_t)(1 << page % 8);
    assert_int_equal(act_warm_set_of_pages(of, bits, 4096, &set, NULL), ACT_OK);
    act_warm_set_get_info(set, &info);
    assert_int_equal(info.pages, end - first);
    act_warm_set_close(set);
    return info.nbytes;
}

/* Only the last page of a file may be shorter than others. */
static void bytes_of_pages(void **state)
{
    (void)state;
    static const size_t sizes[] = {3 * 4096, 3 * 4096 - 100};
    for (size_t i = 0; i < 2; i++) {
        uint8_t *bytes = calloc(1, sizes[i]);
        act_map *of;
        assert_non_null(bytes);
        memcpy(bytes, "ACTree03\x10", 9);
        assert_int_equal(act_map_open_memory(bytes, sizes[i], NULL, &of, NULL), ACT_OK);
        assert_int_equal(pages_nbytes(of, 0, 0), 0);
        assert_int_equal(pages_nbytes(of, 0, 2), 2 * 4096);
        assert_int_equal(pages_nbytes(of, 1, 3), sizes[i] - 4096);
        act_map_close(of);
        free(bytes);
    }
}

static void sets_of_what_is_in_memory(void **state)
{
    (void)state;
    act_residency *residency;
    act_residency_totals totals;
    act_warm_set_info info;
    act_warm_set *set;
    assert_int_equal(act_map_residency(map, &residency, NULL), ACT_OK);
    act_residency_get_totals(residency, &totals);
    act_status status = act_warm_set_take(map, residency, &set, NULL);
    assert_int_equal(status,
                     totals.cached.known || totals.present.known ? ACT_OK : ACT_ERR_INVALID);
    if (status == ACT_OK) {
        act_warm_set_get_info(set, &info);
        assert_int_equal(info.pages * info.page_nbytes,
                         totals.cached.known ? totals.cached.nbytes : totals.present.nbytes);
        act_warm_set_close(set);
    }
    act_residency_close(residency);
}

/* What the system has told, as the test has it. */
static void sets_of_what_is_known(void **state)
{
    (void)state;
    act_residency *residency;
    act_warm_set_info info;
    act_warm_set *set;
    assert_int_equal(act_map_residency(map, &residency, NULL), ACT_OK);
    size_t nbytes = (size_t)(map->file_nbytes / 512 / 8 + 1);
    free(residency->cached);
    free(residency->present);
    residency->totals.mapped = true;
    residency->totals.page_nbytes = 4096;
    residency->cached = residency->present = NULL;
    set = (act_warm_set *)&set;
    assert_int_equal(act_warm_set_take(map, residency, &set, NULL), ACT_ERR_INVALID);
    assert_null(set);
    /* Of what is cached, and else of what is present. */
    residency->present = calloc(1, nbytes);
    residency->cached = calloc(1, nbytes);
    assert_true(residency->present && residency->cached);
    residency->present[0] = 3;
    residency->cached[0] = 1;
    for (uint64_t pages = 1; pages <= 2; pages++) {
        assert_int_equal(act_warm_set_take(map, residency, &set, NULL), ACT_OK);
        act_warm_set_get_info(set, &info);
        assert_int_equal(info.pages, pages);
        assert_int_equal(info.nbytes, pages * 4096);
        act_warm_set_close(set);
        free(residency->cached);
        residency->cached = NULL;
    }
    residency->totals.mapped = false;
    assert_int_equal(act_warm_set_take(map, residency, &set, NULL), ACT_ERR_INVALID);
    /* Of another map: of another size, or with another root. */
    residency->totals.mapped = true;
    residency->root++;
    assert_int_equal(act_warm_set_take(map, residency, &set, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_take(NULL, residency, &set, NULL), ACT_ERR_INVALID);
    act_residency_close(residency);
}

static void calls_that_make_no_sense(void **state)
{
    (void)state;
    uint8_t bits[1024] = {0};
    act_warm_set *set;
    assert_int_equal(act_warm_set_of_pages(NULL, bits, 4096, &set, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_of_pages(map, NULL, 4096, &set, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_of_pages(map, bits, 4097, &set, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_of_pages(map, bits, 256, &set, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_of_pages(map, bits, 4096, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_take(map, NULL, &set, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_load(NULL, &set, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_load("x", NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_load(scratch_dir, &set, NULL), ACT_ERR_NOT_REGULAR);
    assert_int_equal(act_warm_set_load(scratch_map, &set, NULL), ACT_ERR_FORMAT);
    assert_int_equal(act_warm_set_save(NULL, "x", NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_check(NULL, map, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_take(map, NULL, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_of_pages(map, bits, (uint64_t)1 << 31, &set, NULL),
                     ACT_ERR_INVALID);
    save_half();
    assert_int_equal(act_warm_set_load(set_path, &set, NULL), ACT_OK);
    assert_int_equal(act_warm_set_save(set, NULL, NULL), ACT_ERR_INVALID);
    assert_int_equal(act_warm_set_check(set, NULL, NULL), ACT_ERR_INVALID);
    write_error = ACT_ERR_IO;
    assert_int_equal(act_warm_set_save(set, set_path, NULL), ACT_ERR_IO);
    write_error = ACT_OK;
    /* Into a folder that is not there. */
    assert_int_equal(act_warm_set_save(set, "no/such/folder/set", NULL), ACT_ERR_IO);
    act_warm_set_close(set);
    act_warm_set_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_comes_back),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(sets_that_make_no_sense),
        cmocka_unit_test(a_set_of_another_file),
        cmocka_unit_test(sets_of_what_is_in_memory),
        cmocka_unit_test(sets_of_what_is_known),
        cmocka_unit_test(bytes_of_pages),
        cmocka_unit_test(calls_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
