/* Runs: what is written is read, through buffers of any size, and damage is no danger. */
#include "build/run.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

enum {
    COUNT = 500,
    KEY_NBYTES_MAX = 2000
};

static char *dir;
static uint8_t keys[COUNT][KEY_NBYTES_MAX];
static size_t lengths[COUNT];
static uint64_t values[COUNT];

static int set_up(void **state)
{
    (void)state;
    dir = scratch_make();
    struct random random = random_of(5);
    for (size_t i = 0; i < COUNT; i++) {
        lengths[i] = random_below(&random, random_one_in(&random, 9) ? KEY_NBYTES_MAX : 30);
        values[i] = random_u64(&random) >> random_below(&random, 64);
        if (i)
            memcpy(keys[i], keys[i - 1], KEY_NBYTES_MAX);
        size_t from = random_below(&random, lengths[i] + 1);
        random_fill(&random, keys[i] + from, lengths[i] - from);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

/* How many bytes key `i` shares with the one before. */
static size_t shared_with_last(size_t i)
{
    size_t most = i && lengths[i - 1] < lengths[i] ? lengths[i - 1] : lengths[i];
    return i ? act_common_nbytes(keys[i - 1], keys[i], most) : 0;
}

static struct act_run write_run(struct act_os_temp *temp, size_t buffer_nbytes)
{
    struct act_run run;
    struct act_run_writer writer;
    assert_int_equal(act_run_writer_open(&writer, temp, buffer_nbytes, NULL), ACT_OK);
    for (size_t i = 0; i < COUNT; i++) {
        struct act_joined joined = {{keys[i], lengths[i]}, shared_with_last(i), values[i], false};
        assert_int_equal(act_run_write(&writer, &joined, NULL), ACT_OK);
    }
    assert_int_equal(act_run_finish(&writer, &run, NULL), ACT_OK);
    act_run_writer_close(&writer);
    return run;
}

static void check_run(const struct act_os_temp *temp, const struct act_run *run,
                      size_t buffer_nbytes)
{
    struct act_run_reader reader;
    assert_int_equal(act_run_reader_open(&reader, temp, run, buffer_nbytes, NULL), ACT_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(act_run_next(&reader, NULL), ACT_OK);
        assert_int_equal(reader.key_nbytes, lengths[i]);
        assert_memory_equal(reader.key, keys[i], lengths[i]);
        assert_int_equal(reader.value, values[i]);
        assert_int_equal(reader.shared, shared_with_last(i));
        assert_int_equal(reader.repeated,
                         i && lengths[i] == lengths[i - 1] && reader.shared == lengths[i]);
    }
    assert_int_equal(act_run_next(&reader, NULL), ACT_END);
    assert_int_equal(act_run_next(&reader, NULL), ACT_END);
    act_run_reader_close(&reader);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {ACT_RUN_BUFFER_NBYTES_MIN, 65, 100, 4096, 1 << 20};
    struct act_os_temp *temp;
    struct act_run runs[5];
    assert_int_equal(act_os_temp_open(dir, &temp, NULL), ACT_OK);
    for (size_t i = 0; i < 5; i++)
        runs[i] = write_run(temp, sizes[i]);
    for (size_t i = 0; i < 25; i++)
        check_run(temp, &runs[i / 5], sizes[i % 5]);
    act_os_temp_close(temp);
}

static void an_empty_key_is_no_repetition_of_nothing(void **state)
{
    (void)state;
    struct act_os_temp *temp;
    struct act_run run;
    struct act_run_writer writer;
    struct act_run_reader reader;
    struct act_joined joined = {{NULL, 0}, 0, 7, false};
    assert_int_equal(act_os_temp_open(dir, &temp, NULL), ACT_OK);
    assert_int_equal(act_run_writer_open(&writer, temp, 64, NULL), ACT_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(act_run_write(&writer, &joined, NULL), ACT_OK);
    assert_int_equal(act_run_finish(&writer, &run, NULL), ACT_OK);
    act_run_writer_close(&writer);
    assert_int_equal(run.nbytes, 6);
    assert_int_equal(act_run_reader_open(&reader, temp, &run, 64, NULL), ACT_OK);
    assert_int_equal(act_run_next(&reader, NULL), ACT_OK);
    assert_false(reader.repeated);
    assert_int_equal(act_run_next(&reader, NULL), ACT_OK);
    assert_true(reader.repeated);
    act_run_reader_close(&reader);
    act_os_temp_close(temp);
}

/* A dying disk may give anything back. */
static void damage_is_told_or_reads_as_other_entries(void **state)
{
    (void)state;
    struct random random = random_of(6);
    struct act_os_temp *temp;
    unsigned told = 0;
    assert_int_equal(act_os_temp_open(dir, &temp, NULL), ACT_OK);
    struct act_run run = write_run(temp, 4096);
    uint8_t *bytes = malloc((size_t)run.nbytes);
    assert_non_null(bytes);
    assert_int_equal(act_os_temp_read(temp, run.off, bytes, (size_t)run.nbytes, NULL), ACT_OK);
    for (unsigned round = 0; round < 300; round++) {
        struct act_run_reader reader;
        act_error error = {0};
        size_t at = random_below(&random, 2000);
        uint8_t kept = bytes[at];
        bytes[at] = (uint8_t)random_u64(&random);
        uint64_t off = act_os_temp_nbytes(temp);
        struct act_run damaged = {off, 1 + random_below(&random, 3000)};
        assert_int_equal(act_os_temp_write(temp, bytes, (size_t)damaged.nbytes, NULL), ACT_OK);
        bytes[at] = kept;
        assert_int_equal(act_run_reader_open(&reader, temp, &damaged, 100, NULL), ACT_OK);
        act_status status;
        while ((status = act_run_next(&reader, &error)) == ACT_OK)
            continue;
        if (status != ACT_END) {
            assert_int_equal(status, ACT_ERR_IO);
            assert_non_null(strstr(error.text, dir));
            told++;
        }
        act_run_reader_close(&reader);
    }
    assert_true(told > 100);
    free(bytes);
    act_os_temp_close(temp);
}

/* A key that would be longer than what a run of such a length could have before it: the room for it
 * cannot be counted. */
static void a_key_as_long_as_the_address_space_is_told(void **state)
{
    (void)state;
    uint8_t bytes[ACT_RUN_BUFFER_NBYTES_MIN] = {0};
    const struct act_run run = {0, UINT64_MAX};
    struct act_run_reader reader;
    struct act_os_temp *temp;
    act_error error = {0};
    assert_int_equal(act_os_temp_open(dir, &temp, NULL), ACT_OK);
    uint8_t *p = act_varint_write(bytes, 0);
    uint64_t left = run.nbytes - 1 - ACT_VARINT_NBYTES_MAX; /* after the two lengths */
    assert_true(left > SIZE_MAX - ACT_RUN_KEY_SLACK_NBYTES);
    assert_ptr_equal(act_varint_write(p, left), p + ACT_VARINT_NBYTES_MAX);
    assert_int_equal(act_os_temp_write(temp, bytes, sizeof(bytes), NULL), ACT_OK);
    assert_int_equal(act_run_reader_open(&reader, temp, &run, sizeof(bytes), NULL), ACT_OK);
    assert_int_equal(act_run_next(&reader, &error), ACT_ERR_IO);
    assert_non_null(strstr(error.text, dir));
    act_run_reader_close(&reader);
    act_os_temp_close(temp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(an_empty_key_is_no_repetition_of_nothing),
        cmocka_unit_test(damage_is_told_or_reads_as_other_entries),
        cmocka_unit_test(a_key_as_long_as_the_address_space_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
