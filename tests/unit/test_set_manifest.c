#include "set/manifest.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "support/check.h"
#include "support/random.h"
#include "support/scratch.h"

#define DIGEST "00112233445566778899aabbccddeeff"
#define MAGIC  ACT_MANIFEST_MAGIC

/* The text with its last line, to be freed. */
static char *with_sum(const char *text, size_t nbytes, size_t *nbytes_ret)
{
    act_hash128_state state;
    uint8_t sum[16];
    char *whole = malloc(nbytes + 64);
    assert_non_null(whole);
    memcpy(whole, text, nbytes);
    act_hash128_init(&state);
    act_hash128_update(&state, text, nbytes);
    act_hash128_finish(&state, sum);
    char *at = whole + nbytes;
    at += sprintf(at, "sum\t");
    for (size_t i = 0; i < sizeof(sum); i++)
        at += sprintf(at, "%02x", (unsigned)sum[i]);
    at += sprintf(at, "\n");
    *nbytes_ret = (size_t)(at - whole);
    return whole;
}

/* Reads the text with its sum, in memory of exactly its size; tells so that a fault is seen. */
static act_status parse(const char *text, size_t text_nbytes, struct act_manifest *manifest,
                        act_error *error)
{
    size_t nbytes;
    char *whole = with_sum(text, text_nbytes, &nbytes);
    char *exact = malloc(nbytes);
    assert_non_null(exact);
    memcpy(exact, whole, nbytes);
    act_status status = act_manifest_parse(exact, nbytes, "x.set", manifest, error);
    free(exact);
    free(whole);
    return status;
}

static void refused(const char *text, const char *why)
{
    struct act_manifest manifest;
    act_error error = {0};
    act_status status = parse(text, strlen(text), &manifest, &error);
    if (status != ACT_ERR_CORRUPT || !strstr(error.text, why) || !strstr(error.text, "\"x.set\""))
        fail_msg("\"%s\" gives %d, %s; not %s", text, (int)status, error.text, why);
    assert_null(manifest.parts);
    assert_null(manifest.bytes);
}

#define PART(name, from, to) "part\t" name "\t" from "\t" to "\t3\t100\t50\t" DIGEST "\n"
#define HEAD(count, entries) MAGIC "parts\t" count "\t" entries "\t" DIGEST "\n"

/* The same of version 1. */
#define PART_1(name, from) "part\t" name "\t" from "\t3\t100\t50\t" DIGEST "\n"
#define HEAD_1(count)      ACT_MANIFEST_MAGIC_1 "parts\t" count "\n"

static void fields_are_decoded(void **state)
{
    (void)state;
    static const char text[] = HEAD("3", "6") PART("a.act", "", "\\x00\\t\\n\\\\ \\xff")
        PART("b/c\\n\\xc3.act", "\\x00\\t\\n\\\\ \\xff", "k") "part\td\tk\t\t0\t"
                                                              "18446744073709551415\t"
                                                              "18446744073709551615\t" DIGEST "\n";
    struct act_manifest manifest;
    act_error error;
    if (parse(text, sizeof(text) - 1, &manifest, &error) != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(manifest.count, 3);
    assert_int_equal(manifest.content.entries, 6);
    assert_true(manifest.has_content);
    assert_int_equal(manifest.content.bytes[2], 0x22);
    assert_string_equal(manifest.parts[0].name, "a.act");
    assert_int_equal(manifest.parts[0].from_nbytes, 0);
    assert_int_equal(manifest.parts[0].file_nbytes, 100);
    assert_int_equal(manifest.parts[0].root, 50);
    assert_int_equal(manifest.parts[0].content.bytes[1], 0x11);
    assert_string_equal(manifest.parts[1].name, "b/c\n\xc3.act");
    assert_int_equal(manifest.parts[1].from_nbytes, 6);
    assert_memory_equal(manifest.parts[1].from, "\0\t\n\\ \xff", 6);
    assert_true(manifest.parts[2].root == UINT64_MAX);
    act_manifest_free(&manifest);
}

static void what_is_no_manifest(void **state)
{
    (void)state;
    struct act_manifest manifest;
    static const char *const others[] = {"",
                                         "A",
                                         "ACTreeSet01",
                                         "ACTreeSet00\nparts\t1\n",
                                         "ACTreeSet03\nparts\t1\n",
                                         "ACTree03",
                                         "ACTreeSet02\r\n",
                                         "actreeset02\n"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(act_manifest_parse(others[i], strlen(others[i]), "x.set", &manifest, NULL),
                         ACT_ERR_FORMAT);
    assert_int_equal(act_manifest_parse(NULL, 0, "x.set", &manifest, NULL), ACT_ERR_FORMAT);
}

static void every_cut_and_every_flipped_bit_is_found(void **state)
{
    (void)state;
    static const char text[] = HEAD("2", "6") PART("a.act", "", "k") PART("b.act", "k", "");
    struct act_manifest manifest;
    size_t nbytes;
    char *whole = with_sum(text, sizeof(text) - 1, &nbytes);
    for (size_t cut = 0; cut < nbytes; cut++) {
        act_status status = act_manifest_parse(whole, cut, "x.set", &manifest, NULL);
        assert_int_equal(status,
                         cut < ACT_MANIFEST_MAGIC_NBYTES ? ACT_ERR_FORMAT : ACT_ERR_TRUNCATED);
    }
    for (size_t bit = 0; bit < 8 * nbytes; bit++) {
        whole[bit / 8] = (char)(whole[bit / 8] ^ 1 << bit % 8);
        assert_true(act_manifest_parse(whole, nbytes, "x.set", &manifest, NULL) >= ACT_ERR_FORMAT);
        whole[bit / 8] = (char)(whole[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_equal(act_manifest_parse(whole, nbytes, "x.set", &manifest, NULL), ACT_OK);
    act_manifest_free(&manifest);
    free(whole);
}

static void broken_rules(void **state)
{
    (void)state;
    refused(MAGIC, "no number of parts");
    refused(MAGIC "parts\t\n", "no number");
    refused(HEAD_1("1") PART("a", "", ""), "no number");
    refused(MAGIC "parts\t1\n" PART("a", "", ""), "no number");
    refused(MAGIC "parts\t1\t3\n" PART("a", "", ""), "no number");
    refused(MAGIC "parts\t1\t3\t\n" PART("a", "", ""), "32 digits");
    refused(HEAD("0", "0"), "no parts");
    refused(HEAD_1("0"), "no parts");
    refused(HEAD("01", "3") PART("a", "", ""), "zeros");
    refused(HEAD("18446744073709551616", "3") PART("a", "", ""), "too large");
    refused(HEAD("18446744073709551615", "3") PART("a", "", ""), "more parts than lines");
    refused(HEAD("2", "3") PART("a", "", ""), "more parts than lines");
    refused(HEAD("2", "3") PART("a", "", "b") "rest\t" PART("b", "b", ""), "not of a part");
    refused(HEAD("1", "3") PART("a", "", "b") PART("b", "b", ""), "more lines than parts");
    refused(HEAD("3", "9") PART("a", "", "b") PART("b", "b", "c") PART("a", "c", ""),
            "two of its parts");
    refused(HEAD("1", "3") "part\ta\t\t\t03\t100\t50\t" DIGEST "\n", "zeros");
    refused(HEAD("1", "3") "part\ta\t\t\t-3\t100\t50\t" DIGEST "\n", "no number");
    refused(HEAD("1", "3") "part\ta\t\t\t3\t100\t50\t" DIGEST "0\n", "after its end");
    refused(HEAD("1", "3") "part\ta\t\t\t3\t100\t50\t0" DIGEST "\n", "after its end");
    refused(HEAD("1", "3") "part\tabcd\t\t\t3\t100\t50\t0011\n          "
                           "                                         ",
            "32 digits");
    refused(HEAD("1", "3") "part\ta\t\t\t3\t100\t50\t" DIGEST, "after its end");
    refused(HEAD("2", "1") "part\ta\t\tb\t18446744073709551615\t1\t1\t" DIGEST
                           "\n" PART("b", "b", ""),
            "more entries");
    refused(HEAD("2", "4") "part\ta\t\tb\t1\t18446744073709551615\t1\t" DIGEST
                           "\n" PART("b", "b", ""),
            "more entries or bytes");
}

#define FIRST  PART("a.act", "", "g")
#define SECOND PART("b.act", "g", "p")
#define THIRD  PART("c.act", "p", "")

/* Of three parts, with a checksum that is right: what was done to the lines is told, with a name.
 */
static void ranges_join(void **state)
{
    (void)state;
    struct act_manifest manifest;
    static const char whole[] = HEAD("3", "9") FIRST SECOND THIRD;
    assert_int_equal(parse(whole, sizeof(whole) - 1, &manifest, NULL), ACT_OK);
    act_manifest_free(&manifest);
    refused(HEAD("2", "6") SECOND THIRD, "a gap: the first part, \"b.act\", does not begin");
    refused(HEAD("2", "6") FIRST THIRD, "a part is missing between \"a.act\" and \"c.act\"");
    refused(HEAD("2", "6") FIRST SECOND, "a part is missing after \"b.act\"");
    refused(HEAD("3", "9") FIRST THIRD SECOND, "a part is missing between \"a.act\" and \"c.act\"");
    refused(HEAD("3", "9") SECOND FIRST THIRD, "the first part, \"b.act\"");
    refused(HEAD("4", "12") FIRST SECOND SECOND THIRD, "\"b.act\" does not begin above");
    refused(HEAD("4", "12") FIRST SECOND THIRD THIRD, "\"c.act\" does not begin above");
    refused(HEAD("4", "12") FIRST SECOND THIRD PART("d.act", "q", ""),
            "an overlap: part \"d.act\" comes after \"c.act\"");
    refused(HEAD("3", "9") FIRST PART("x.act", "f", "p") THIRD, "an overlap: part \"x.act\"");
    refused(HEAD("3", "9") FIRST PART("x.act", "gg", "p") THIRD,
            "a part is missing between \"a.act\" and \"x.act\"");
    refused(HEAD("3", "9") FIRST PART("x.act", "g", "q") THIRD, "an overlap: part \"c.act\"");
    refused(HEAD("3", "9") FIRST PART("x.act", "g", "g") THIRD, "\"x.act\" ends where it begins");
    refused(HEAD("3", "9") FIRST PART("x.act", "g", "f") THIRD, "\"x.act\" ends where it begins");
    refused(HEAD("3", "10") FIRST SECOND THIRD, "its parts have 9 entries, and the set was made "
                                                "with 10");
}

/* They say less, so that less is noticed. */
static void manifests_of_version_1(void **state)
{
    (void)state;
    static const char text[] = HEAD_1("2") PART_1("a.act", "") PART_1("b.act", "k");
    struct act_manifest manifest;
    act_error error;
    if (parse(text, sizeof(text) - 1, &manifest, &error) != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(manifest.count, 2);
    assert_int_equal(manifest.content.entries, 6);
    assert_false(manifest.has_content);
    assert_string_equal(manifest.parts[1].name, "b.act");
    assert_int_equal(manifest.parts[1].from_nbytes, 1);
    assert_int_equal(manifest.parts[1].file_nbytes, 100);
    act_manifest_free(&manifest);
    refused(HEAD_1("1") PART_1("a", "b"), "a gap");
    refused(HEAD_1("2") PART_1("a", "") PART_1("b", ""), "an overlap");
    refused(HEAD_1("3") PART_1("a", "") PART_1("b", "b") PART_1("c", "b"), "an overlap");
    refused(HEAD_1("3") PART_1("a", "") PART_1("b", "b") PART_1("c", "a"), "an overlap");
    refused(HEAD_1("1") PART_1("a", "") PART_1("b", "b"), "more lines than parts");
    refused(HEAD("1", "3") PART_1("a", ""), "zeros");
}

static void one_spelling(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\\x61", "\\x0A", "\\x09", "\\x5c", "\\xg0", "\\x0",
                                        "\\",    "\\a",   "\xc3",  "\x7f",  "\r",    "\\N"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text), HEAD("2", "6") PART("a", "", "b") PART("b", "b%s", ""),
                 wrong[i]);
        refused(text, "not escaped as it should be");
        snprintf(text, sizeof(text), HEAD("2", "6") PART("a", "", "b%s") PART("b", "b", ""),
                 wrong[i]);
        refused(text, "not escaped as it should be");
    }
}

static void names_lead_downwards(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",   "/a", "../a",  "a/../b", "a/..",  "..",     ".",       "./a",          "a//b",
        "a/", "/",  "\\\\a", "a/.",    "\\x00", "a\\x00", "..\\\\a", "a\\\\..\\\\b", "a\\\\"};
    static const char *const right[] = {"a",    "a/b", "...", "..a", "a..", ".a",
                                        "a/.b", "\\n", "a b", "-",   "a:b", "a/..b/c"};
    char text[400];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text), HEAD("1", "3") PART("%s", "", ""), wrong[i]);
        refused(text, "a name that does not lead");
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct act_manifest manifest;
        snprintf(text, sizeof(text), HEAD("1", "3") PART("%s", "", ""), right[i]);
        assert_int_equal(parse(text, strlen(text), &manifest, NULL), ACT_OK);
        act_manifest_free(&manifest);
    }
    /* As long as one may be, and longer. */
    for (size_t nbytes = ACT_MANIFEST_NAME_NBYTES_MAX; nbytes < ACT_MANIFEST_NAME_NBYTES_MAX + 2;
         nbytes++) {
        char name[ACT_MANIFEST_NAME_NBYTES_MAX + 2];
        memset(name, 'n', sizeof(name));
        assert_int_equal(act_manifest_name_is_allowed(name, nbytes),
                         nbytes == ACT_MANIFEST_NAME_NBYTES_MAX);
    }
}

/* What was written is read as it was. */
static void random_manifests_come_back(void **state)
{
    (void)state;
    enum {
        PARTS = 300
    };
    static struct act_manifest_part parts[PARTS];
    static char names[PARTS][40];
    static uint8_t keys[PARTS][12];
    struct random r = random_of(9);
    for (size_t count = 1; count < PARTS; count += 1 + count / 2) {
        struct act_manifest made = {.parts = parts, .count = count, .has_content = true};
        struct act_manifest manifest;
        uint8_t *bytes;
        size_t nbytes;
        random_fill(&r, made.content.bytes, sizeof(made.content.bytes));
        for (size_t i = 0; i < count; i++) {
            struct act_manifest_part *part = &parts[i];
            snprintf(names[i], sizeof(names[i]), "%zu/\n\x01\xe4 \"%llu", i,
                     (unsigned long long)random_u64(&r));
            part->name = names[i];
            random_fill(&r, keys[i], sizeof(keys[i]));
            keys[i][0] = (uint8_t)(i / 256);
            keys[i][1] = (uint8_t)i;
            part->from = keys[i];
            part->from_nbytes = i ? 2 + random_below(&r, sizeof(keys[i]) - 1) : 0;
            part->content.entries = random_u64(&r) >> (8 + random_below(&r, 50));
            made.content.entries += part->content.entries;
            part->file_nbytes = random_u64(&r) >> (10 + random_below(&r, 50));
            part->root = random_u64(&r);
            random_fill(&r, part->content.bytes, sizeof(part->content.bytes));
        }
        assert_true(act_manifest_write(&made, &bytes, &nbytes));
        act_error error;
        if (act_manifest_parse(bytes, nbytes, "x", &manifest, &error) != ACT_OK)
            fail_msg("%s", error.text);
        assert_int_equal(manifest.count, count);
        assert_memory_equal(&manifest.content, &made.content, sizeof(made.content));
        for (size_t i = 0; i < count; i++) {
            const struct act_manifest_part *part = &manifest.parts[i];
            assert_string_equal(part->name, parts[i].name);
            assert_int_equal(part->from_nbytes, parts[i].from_nbytes);
            assert_memory_equal(part->from, parts[i].from, part->from_nbytes);
            assert_true(part->root == parts[i].root && part->file_nbytes == parts[i].file_nbytes);
            assert_int_equal(part->content.entries, parts[i].content.entries);
            assert_memory_equal(part->content.bytes, parts[i].content.bytes, 16);
        }
        act_manifest_free(&manifest);
        free(bytes);
    }
}

/* What is accepted of the fuzzer's inputs is, byte for byte, what would be written. */
static void the_corpus_has_one_spelling(void **state)
{
    (void)state;
    DIR *folder = opendir(ACT_TEST_SOURCE_DIR "/fuzz/manifest/corpus");
    unsigned accepted = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct act_manifest manifest;
        size_t nbytes, written_nbytes, text_nbytes;
        uint8_t *written;
        if (entry->d_name[0] == '.')
            continue;
        char *path = scratch_path(ACT_TEST_SOURCE_DIR "/fuzz/manifest/corpus", entry->d_name);
        unsigned char *text = scratch_read(path, &text_nbytes);
        char *whole = with_sum((const char *)text, text_nbytes, &nbytes);
        if (act_manifest_parse(whole, nbytes, path, &manifest, NULL) == ACT_OK) {
            assert_true(act_manifest_write(&manifest, &written, &written_nbytes));
            /* What is of version 1 would be written as version 2. */
            if (manifest.has_content) {
                accepted++;
                assert_int_equal(written_nbytes, nbytes);
                assert_memory_equal(written, whole, nbytes);
            }
            free(written);
        }
        act_manifest_free(&manifest);
        free(whole);
        free(text);
        free(path);
    }
    closedir(folder);
    assert_true(accepted >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_decoded),
        cmocka_unit_test(what_is_no_manifest),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_found),
        cmocka_unit_test(broken_rules),
        cmocka_unit_test(ranges_join),
        cmocka_unit_test(manifests_of_version_1),
        cmocka_unit_test(one_spelling),
        cmocka_unit_test(names_lead_downwards),
        cmocka_unit_test(random_manifests_come_back),
        cmocka_unit_test(the_corpus_has_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
