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

#define PART(name, from) "part\t" name "\t" from "\t3\t100\t50\t" DIGEST "\n"

static void fields_are_decoded(void **state)
{
    (void)state;
    static const char text[] = MAGIC "parts\t3\n" PART("a.act", "")
        PART("b/c\\n\\xc3.act", "\\x00\\t\\n\\\\ \\xff") "part\td\tk\t0\t18446744073709551415\t"
                                                         "18446744073709551615\t" DIGEST "\n";
    struct act_manifest manifest;
    act_error error;
    if (parse(text, sizeof(text) - 1, &manifest, &error) != ACT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(manifest.count, 3);
    assert_int_equal(manifest.entries, 6);
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
                                         "ACTreeSet02\nparts\t1\n",
                                         "ACTree03",
                                         "ACTreeSet01\r\n",
                                         "actreeset01\n"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(act_manifest_parse(others[i], strlen(others[i]), "x.set", &manifest, NULL),
                         ACT_ERR_FORMAT);
    assert_int_equal(act_manifest_parse(NULL, 0, "x.set", &manifest, NULL), ACT_ERR_FORMAT);
}

static void every_cut_and_every_flipped_bit_is_found(void **state)
{
    (void)state;
    static const char text[] = MAGIC "parts\t2\n" PART("a.act", "") PART("b.act", "k");
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
    refused(MAGIC "parts\t0\n", "no parts");
    refused(MAGIC "parts\t01\n" PART("a", ""), "zeros");
    refused(MAGIC "parts\t18446744073709551616\n" PART("a", ""), "too large");
    refused(MAGIC "parts\t18446744073709551615\n" PART("a", ""), "more parts than lines");
    refused(MAGIC "parts\t2\n" PART("a", ""), "more parts than lines");
    refused(MAGIC "parts\t2\n" PART("a", "") "rest\t" PART("b", "b"), "not of a part");
    refused(MAGIC "parts\t1\n" PART("a", "") PART("b", "b"), "more lines than parts");
    refused(MAGIC "parts\t1\n" PART("a", "b"), "a gap");
    refused(MAGIC "parts\t2\n" PART("a", "") PART("b", ""), "an overlap");
    refused(MAGIC "parts\t3\n" PART("a", "") PART("b", "b") PART("c", "b"), "an overlap");
    refused(MAGIC "parts\t3\n" PART("a", "") PART("b", "b") PART("c", "a"), "an overlap");
    refused(MAGIC "parts\t3\n" PART("a", "") PART("b", "b") PART("a", "c"), "two of its parts");
    refused(MAGIC "parts\t1\npart\ta\t\t03\t100\t50\t" DIGEST "\n", "zeros");
    refused(MAGIC "parts\t1\npart\ta\t\t-3\t100\t50\t" DIGEST "\n", "no number");
    refused(MAGIC "parts\t1\npart\ta\t\t3\t100\t50\t" DIGEST "0\n", "after its end");
    refused(MAGIC "parts\t1\npart\ta\t\t3\t100\t50\t0" DIGEST "\n", "after its end");
    refused(MAGIC "parts\t1\npart\tabcd\t\t3\t100\t50\t0011\n          "
                  "                                         ",
            "32 digits");
    refused(MAGIC "parts\t1\npart\ta\t\t3\t100\t50\t" DIGEST, "after its end");
    refused(MAGIC "parts\t2\npart\ta\t\t18446744073709551615\t1\t1\t" DIGEST "\n" PART("b", "b"),
            "more entries");
    refused(MAGIC "parts\t2\npart\ta\t\t1\t18446744073709551615\t1\t" DIGEST "\n" PART("b", "b"),
            "more entries or bytes");
}

static void one_spelling(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\\x61", "\\x0A", "\\x09", "\\x5c", "\\xg0", "\\x0",
                                        "\\",    "\\a",   "\xc3",  "\x7f",  "\r",    "\\N"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text), MAGIC "parts\t2\n" PART("a", "") PART("b", "b%s"), wrong[i]);
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
        snprintf(text, sizeof(text), MAGIC "parts\t1\n" PART("%s", ""), wrong[i]);
        refused(text, "a name that does not lead");
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct act_manifest manifest;
        snprintf(text, sizeof(text), MAGIC "parts\t1\n" PART("%s", ""), right[i]);
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
        struct act_manifest manifest;
        uint8_t *bytes;
        size_t nbytes;
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
            part->file_nbytes = random_u64(&r) >> (10 + random_below(&r, 50));
            part->root = random_u64(&r);
            random_fill(&r, part->content.bytes, sizeof(part->content.bytes));
        }
        assert_true(act_manifest_write(parts, count, &bytes, &nbytes));
        act_error error;
        if (act_manifest_parse(bytes, nbytes, "x", &manifest, &error) != ACT_OK)
            fail_msg("%s", error.text);
        assert_int_equal(manifest.count, count);
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
            accepted++;
            assert_true(
                act_manifest_write(manifest.parts, manifest.count, &written, &written_nbytes));
            assert_int_equal(written_nbytes, nbytes);
            assert_memory_equal(written, whole, nbytes);
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
        cmocka_unit_test(one_spelling),
        cmocka_unit_test(names_lead_downwards),
        cmocka_unit_test(random_manifests_come_back),
        cmocka_unit_test(the_corpus_has_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
