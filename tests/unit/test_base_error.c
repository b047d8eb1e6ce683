#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/random.h"

static void fail_fills_everything(void **state)
{
    (void)state;
    act_error error;
    memset(&error, 0xaa, sizeof(error));
    assert_int_equal(act_fail(&error, ACT_ERR_CORRUPT, 4711, "node at %d: %s", 12, "bad"),
                     ACT_ERR_CORRUPT);
    assert_int_equal(error.status, ACT_ERR_CORRUPT);
    assert_int_equal(error.os_code, 0);
    assert_int_equal(error.offset, 4711);
    assert_string_equal(error.text, "node at 12: bad");
}

static void without_a_place_only_the_status_comes_back(void **state)
{
    (void)state;
    assert_int_equal(act_fail(NULL, ACT_ERR_ORDER, 0, "%s", "unseen"), ACT_ERR_ORDER);
    assert_int_equal(act_fail_os(NULL, EACCES, "unseen"), ACT_ERR_IO);
    assert_int_equal(act_fail_os(NULL, ENOMEM, "unseen"), ACT_ERR_NOMEM);
    assert_int_equal(act_fail_nomem(NULL), ACT_ERR_NOMEM);
}

static void out_of_memory_says_so(void **state)
{
    (void)state;
    act_error error;
    assert_int_equal(act_fail_nomem(&error), ACT_ERR_NOMEM);
    assert_int_equal(error.status, ACT_ERR_NOMEM);
    assert_int_equal(error.offset, ACT_NO_OFFSET);
    assert_string_equal(error.text, "out of memory");
}

static void a_system_error_carries_code_and_meaning(void **state)
{
    (void)state;
    act_error error;
    assert_int_equal(act_fail_os(&error, ENOENT, "cannot open %s", "\"x\""), ACT_ERR_IO);
    assert_int_equal(error.status, ACT_ERR_IO);
    assert_int_equal(error.os_code, ENOENT);
    assert_int_equal(error.offset, ACT_NO_OFFSET);
    char expected[200];
    snprintf(expected, sizeof(expected), "cannot open \"x\": %s", strerror(ENOENT));
    assert_string_equal(error.text, expected);

    assert_int_equal(act_fail_os(&error, ENOMEM, "cannot map"), ACT_ERR_NOMEM);
    assert_int_equal(error.status, ACT_ERR_NOMEM);
    assert_int_equal(error.os_code, ENOMEM);

    /* A number that no system knows still gives a text. */
    assert_int_equal(act_fail_os(&error, 987654, "strange"), ACT_ERR_IO);
    assert_int_equal(error.os_code, 987654);
    assert_memory_equal(error.text, "strange: ", 9);
    assert_true(strlen(error.text) > 9);
}

static void long_texts_are_cut_and_terminated(void **state)
{
    (void)state;
    struct {
        act_error error;
        char canary[16];
    } box;
    memset(&box, 0x55, sizeof(box));
    char text[1000];
    for (size_t nbytes = ACT_ERROR_TEXT_NBYTES - 40; nbytes < sizeof(text); nbytes += 7) {
        memset(text, 'x', nbytes);
        text[nbytes] = '\0';
        act_fail(&box.error, ACT_ERR_FORMAT, 0, "%s", text);
        size_t room = ACT_ERROR_TEXT_NBYTES - 1;
        assert_int_equal(strlen(box.error.text), nbytes < room ? nbytes : room);
        act_fail_os(&box.error, EIO, "%s", text);
        size_t with_meaning = nbytes + 2 + strlen(strerror(EIO));
        assert_int_equal(strlen(box.error.text), with_meaning < room ? with_meaning : room);
    }
    for (size_t i = 0; i < sizeof(box.canary); i++)
        assert_int_equal(box.canary[i], 0x55);
}

static void check_quote(const void *bytes, size_t nbytes, const char *expected)
{
    char quoted[ACT_QUOTED_NBYTES];
    assert_ptr_equal(act_quote(quoted, bytes, nbytes), quoted);
    assert_string_equal(quoted, expected);
}

static void short_bytes_are_quoted_whole(void **state)
{
    (void)state;
    check_quote("", 0, "\"\"");
    check_quote(NULL, 0, "\"\"");
    check_quote("words.act", 9, "\"words.act\"");
    check_quote("a b~", 4, "\"a b~\"");
    check_quote("a\tb\n\0\x7f\xff", 7, "\"a\\x09b\\x0a\\x00\\x7f\\xff\"");
    check_quote("say \"\\\"", 7, "\"say \\\"\\\\\\\"\"");
    /* 60 bytes: the longest that needs no thought about cutting. */
    check_quote("0123456789012345678901234567890123456789012345678901234567890", 60,
                "\"012345678901234567890123456789012345678901234567890123456789\"");
}

static void long_bytes_are_cut_in_the_middle(void **state)
{
    (void)state;
    char path[300];
    snprintf(path, sizeof(path), "/start/%0280d/e.act", 0);
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, path, strlen(path));
    assert_memory_equal(quoted, "\"/start/000", 11);
    assert_non_null(strstr(quoted, "000.../e.act\""));
}

/* Undoes the escapes of a quoted text; how many bytes it stands for. The quotes are not given. */
static size_t unescape(const char *text, size_t text_nbytes, uint8_t *bytes)
{
    size_t nbytes = 0;
    for (size_t at = 0; at < text_nbytes; nbytes++) {
        assert_in_range(text[at], ' ', '~');
        assert_int_not_equal(text[at], '"');
        if (text[at] != '\\') {
            bytes[nbytes] = (uint8_t)text[at++];
        } else if (text[at + 1] == 'x') {
            char digits[3] = {text[at + 2], text[at + 3], '\0'};
            bytes[nbytes] = (uint8_t)strtoul(digits, NULL, 16);
            at += 4;
        } else {
            bytes[nbytes] = (uint8_t)text[at + 1];
            at += 2;
        }
        /* No escape was torn apart by the closing quote. */
        assert_true(at <= text_nbytes);
    }
    return nbytes;
}

/* The text is of these bytes: whole, or the first of them, three dots, and the last six. */
static void check_meaning(const char *text, size_t text_nbytes, const uint8_t *bytes, size_t nbytes)
{
    uint8_t said[ACT_QUOTED_NBYTES];
    size_t said_nbytes = unescape(text, text_nbytes, said);
    if (said_nbytes == nbytes && memcmp(said, bytes, nbytes) == 0)
        return;
    assert_true(said_nbytes > 9 && nbytes > said_nbytes - 3);
    size_t head = said_nbytes - 9;
    assert_memory_equal(said, bytes, head);
    assert_memory_equal(said + head, "...", 3);
    assert_memory_equal(said + head + 3, bytes + nbytes - 6, 6);
}

static void any_bytes_give_a_printable_text_that_fits(void **state)
{
    (void)state;
    struct random r = random_of(1);
    struct {
        char quoted[ACT_QUOTED_NBYTES];
        char canary[16];
    } box;
    uint8_t bytes[200];
    for (int round = 0; round < 20000; round++) {
        size_t nbytes = random_below(&r, sizeof(bytes) + 1);
        unsigned any_in = (unsigned)random_below(&r, 8) + 1;
        for (size_t i = 0; i < nbytes; i++)
            bytes[i] = random_one_in(&r, any_in) ? (uint8_t)random_u64(&r)
                                                 : (uint8_t)(' ' + random_below(&r, 95));
        memset(&box, 0x55, sizeof(box));
        act_quote(box.quoted, bytes, nbytes);
        for (size_t i = 0; i < sizeof(box.canary); i++)
            assert_int_equal(box.canary[i], 0x55);

        size_t length = strlen(box.quoted);
        assert_true(length >= 2 && length < ACT_QUOTED_NBYTES);
        assert_int_equal(box.quoted[0], '"');
        assert_int_equal(box.quoted[length - 1], '"');
        check_meaning(box.quoted + 1, length - 2, bytes, nbytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_everything),
        cmocka_unit_test(without_a_place_only_the_status_comes_back),
        cmocka_unit_test(out_of_memory_says_so),
        cmocka_unit_test(a_system_error_carries_code_and_meaning),
        cmocka_unit_test(long_texts_are_cut_and_terminated),
        cmocka_unit_test(short_bytes_are_quoted_whole),
        cmocka_unit_test(long_bytes_are_cut_in_the_middle),
        cmocka_unit_test(any_bytes_give_a_printable_text_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
