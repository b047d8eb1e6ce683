#include "set/manifest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "read/bounds.h"

enum {
    DIGEST_TEXT_NBYTES = 2 * ACT_DIGEST_NBYTES,
    SUM_LINE_NBYTES = 4 + DIGEST_TEXT_NBYTES + 1,
    PART_LINE_NBYTES_MIN = 5 + 2 + 1 + 2 + 2 + 2 + DIGEST_TEXT_NBYTES + 1
};

/* Reads fields one after the other, and decodes names and keys into memory of its own. */
struct reader {
    const uint8_t *text;
    const uint8_t *line; /* where the line at hand begins */
    const uint8_t *at;
    const uint8_t *end;  /* of all that is to be read */
    uint8_t *decoded;    /* a field takes no more bytes than its text */
    uint64_t entries;    /* of the parts up to now */
    const uint8_t *to;   /* of version 2: where the part that was read last says that it ends */
    size_t to_nbytes;    /* 0: nowhere */
    const char *quoted;  /* the file's name */
    const char *mistake; /* or NULL */
    char mistake_text[ACT_ERROR_TEXT_NBYTES];
};

static bool refuse(struct reader *reader, const char *mistake)
{
    reader->mistake = mistake;
    return false;
}

/* The same of parts, which are to be named. */
ACT_PRINTF(2, 3)
static bool refuse_part(struct reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->mistake_text, sizeof(reader->mistake_text), format, arguments);
    va_end(arguments);
    return refuse(reader, reader->mistake_text);
}

/* -------------------------------------------------------------------------------------- fields */

static bool skip(struct reader *reader, const char *text)
{
    size_t nbytes = strlen(text);
    if ((size_t)(reader->end - reader->at) < nbytes || memcmp(reader->at, text, nbytes) != 0)
        return false;
    reader->at += nbytes;
    return true;
}

/* Decimal digits without a zero in front, and the byte that ends the field. */
static bool take_u64(struct reader *reader, const char *after, uint64_t *number_ret)
{
    const uint8_t *begin = reader->at;
    uint64_t number = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        unsigned digit = *reader->at - (unsigned)'0';
        if (number > (UINT64_MAX - digit) / 10 || (number == 0 && reader->at > begin))
            return refuse(reader, "a number that is too large, or begins with zeros");
        number = number * 10 + digit;
    }
    if (reader->at == begin || !skip(reader, after))
        return refuse(reader, "a field that is no number");
    *number_ret = number;
    return true;
}

/* The value of a hexadecimal digit in lower case; 16 for anything else. */
static unsigned hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

static bool take_hex_byte(struct reader *reader, uint8_t *byte_ret)
{
    if (reader->end - reader->at < 2)
        return false;
    unsigned high = hex_value(reader->at[0]);
    unsigned low = hex_value(reader->at[1]);
    *byte_ret = (uint8_t)(high << 4 | low);
    reader->at += 2;
    return high < 16 && low < 16;
}

static bool take_digest(struct reader *reader, uint8_t digest_ret[ACT_DIGEST_NBYTES])
{
    for (size_t i = 0; i < ACT_DIGEST_NBYTES; i++)
        if (!take_hex_byte(reader, &digest_ret[i]))
            return refuse(reader, "a checksum that has not 32 digits");
    return skip(reader, "\n") || refuse(reader, "a line that goes on after its end");
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '\\';
}

/* What stands after a backslash. Only bytes that need it may be escaped. */
static bool take_escape(struct reader *reader, uint8_t *byte_ret)
{
    uint8_t letter = reader->at < reader->end ? *reader->at++ : 0;
    *byte_ret = letter == 't' ? '\t' : letter == 'n' ? '\n' : (uint8_t)'\\';
    if (letter == '\\' || letter == 't' || letter == 'n')
        return true;
    return letter == 'x' && take_hex_byte(reader, byte_ret) && !is_plain(*byte_ret) &&
           *byte_ret != '\t' && *byte_ret != '\n' && *byte_ret != '\\';
}

/* Bytes, escaped, and a tab. They are decoded, with a NUL after them in place of the tab. */
static bool take_bytes(struct reader *reader, const uint8_t **bytes_ret, size_t *nbytes_ret)
{
    uint8_t *out = reader->decoded;
    *bytes_ret = out;
    for (;;) {
        uint8_t byte = reader->at < reader->end ? *reader->at++ : 0;
        if (byte == '\t')
            break;
        if (byte == '\\' ? !take_escape(reader, &byte) : !is_plain(byte))
            return refuse(reader, "a name or key that is not escaped as it should be");
        *out++ = byte;
    }
    *nbytes_ret = (size_t)(out - reader->decoded);
    *out++ = '\0';
    reader->decoded = out;
    return true;
}

/* --------------------------------------------------------------------------------------- parts */

bool act_manifest_name_is_allowed(const char *name, size_t nbytes)
{
    if (nbytes > ACT_MANIFEST_NAME_NBYTES_MAX || memchr(name, '\0', nbytes))
        return false;
    /* Backward slashes separate on some systems: names must not lead upwards there either. */
    for (size_t begin = 0, i = 0; i <= nbytes; i++) {
        if (i < nbytes && name[i] != '/' && name[i] != '\\')
            continue;
        size_t part_nbytes = i - begin;
        if (part_nbytes == 0 || (part_nbytes <= 2 && memcmp(name + begin, "..", part_nbytes) == 0))
            return false;
        begin = i + 1;
    }
    return true;
}

static const char *quote_name(char quoted[ACT_QUOTED_NBYTES], const struct act_manifest_part *part)
{
    return act_quote(quoted, part->name, strlen(part->name));
}

/* Each part begins above the one before; and where that one ends, if it says where. */
static bool check_start(struct reader *reader, const struct act_manifest_part *part, bool is_first)
{
    char name[ACT_QUOTED_NBYTES], name_before[ACT_QUOTED_NBYTES];
    const struct act_manifest_part *before = part - 1;
    if (is_first)
        return !part->from_nbytes ||
               refuse_part(reader, "a gap: the first part, %s, does not begin with the empty key",
                           quote_name(name, part));
    if (act_key_compare(before->from, before->from_nbytes, part->from, part->from_nbytes) >= 0)
        return refuse_part(reader, "an overlap: part %s does not begin above the one before, %s",
                           quote_name(name, part), quote_name(name_before, before));
    if (!reader->to)
        return true;
    if (!reader->to_nbytes)
        return refuse_part(reader, "an overlap: part %s comes after %s, which has no end",
                           quote_name(name, part), quote_name(name_before, before));
    int order = act_key_compare(reader->to, reader->to_nbytes, part->from, part->from_nbytes);
    if (order == 0)
        return true;
    if (order > 0)
        return refuse_part(reader, "an overlap: part %s begins below the end of the one before, %s",
                           quote_name(name, part), quote_name(name_before, before));
    return refuse_part(reader, "a gap: a part is missing between %s and %s",
                       quote_name(name_before, before), quote_name(name, part));
}

/* After the last line: its part must be the last one. */
static bool check_end(struct reader *reader, const struct act_manifest_part *last)
{
    char name[ACT_QUOTED_NBYTES];
    return !reader->to_nbytes ||
           refuse_part(reader, "a gap: a part is missing after %s, which is not the last one",
                       quote_name(name, last));
}

static bool take_part(struct reader *reader, struct act_manifest *manifest, size_t index)
{
    struct act_manifest_part *part = &manifest->parts[index];
    char quoted[ACT_QUOTED_NBYTES];
    const uint8_t *name, *to = NULL;
    size_t name_nbytes, to_nbytes = 0;
    reader->line = reader->at;
    if (!skip(reader, "part\t"))
        return refuse(reader, "a line that is not of a part");
    if (!take_bytes(reader, &name, &name_nbytes) ||
        !take_bytes(reader, &part->from, &part->from_nbytes) ||
        (manifest->has_content && !take_bytes(reader, &to, &to_nbytes)) ||
        !take_u64(reader, "\t", &part->content.entries) ||
        !take_u64(reader, "\t", &part->file_nbytes) || !take_u64(reader, "\t", &part->root) ||
        !take_digest(reader, part->content.bytes))
        return false;
    part->name = (const char *)name;
    if (!act_manifest_name_is_allowed(part->name, name_nbytes))
        return refuse(reader, "a name that does not lead to a file beside the manifest or below");
    if (!check_start(reader, part, index == 0))
        return false;
    reader->to = to;
    reader->to_nbytes = to_nbytes;
    if (to_nbytes && act_key_compare(to, to_nbytes, part->from, part->from_nbytes) <= 0)
        return refuse_part(reader, "part %s ends where it begins, or below",
                           quote_name(quoted, part));
    if (part->content.entries > UINT64_MAX - reader->entries ||
        part->file_nbytes > UINT64_MAX - manifest->file_nbytes)
        return refuse(reader, "more entries or bytes than can be");
    reader->entries += part->content.entries;
    manifest->file_nbytes += part->file_nbytes;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct act_manifest_part *const *x = a;
    const struct act_manifest_part *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

bool act_manifest_find_twins(const struct act_manifest_part *parts, size_t count,
                             size_t twins_ret[2], bool *no_memory_ret)
{
    bool found = false;
    const struct act_manifest_part **sorted = malloc(count * sizeof(const void *));
    *no_memory_ret = !sorted;
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &parts[i];
    qsort(sorted, count, sizeof(const void *), compare_names);
    for (size_t i = 1; i < count && !found; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0)
            continue;
        found = true;
        twins_ret[0] = (size_t)(sorted[i - 1] - parts);
        twins_ret[1] = (size_t)(sorted[i] - parts);
    }
    free(sorted);
    return found;
}

/* --------------------------------------------------------------------------------------- whole */

bool act_manifest_begins(const void *bytes, uint64_t nbytes)
{
    return nbytes >= ACT_MANIFEST_MAGIC_NBYTES &&
           (memcmp(bytes, ACT_MANIFEST_MAGIC, ACT_MANIFEST_MAGIC_NBYTES) == 0 ||
            memcmp(bytes, ACT_MANIFEST_MAGIC_1, ACT_MANIFEST_MAGIC_NBYTES) == 0);
}

static act_status fail(const struct reader *reader, act_error *error)
{
    return act_fail(error, ACT_ERR_CORRUPT, (uint64_t)(reader->line - reader->text),
                    "%s is a damaged manifest: %s", reader->quoted, reader->mistake);
}

/* The last line; what is before it is what remains to be read. */
static act_status check_sum(struct reader *reader, act_error *error)
{
    uint8_t told[ACT_DIGEST_NBYTES];
    uint8_t computed[ACT_DIGEST_NBYTES];
    act_hash128_state state;
    size_t nbytes = (size_t)(reader->end - reader->text);
    size_t body_nbytes = nbytes - SUM_LINE_NBYTES;
    reader->at = reader->end - SUM_LINE_NBYTES;
    if (nbytes < ACT_MANIFEST_MAGIC_NBYTES + SUM_LINE_NBYTES || !skip(reader, "sum\t") ||
        !take_digest(reader, told))
        return act_fail(error, ACT_ERR_TRUNCATED, nbytes,
                        "%s is a manifest without its last line: cut short, or damaged",
                        reader->quoted);
    act_hash128_init(&state);
    act_hash128_update(&state, reader->text, body_nbytes);
    act_hash128_finish(&state, computed);
    reader->line = reader->end - SUM_LINE_NBYTES;
    reader->end = reader->line;
    if (memcmp(told, computed, sizeof(told)) == 0)
        return ACT_OK;
    refuse(reader, "its checksum is that of another text");
    return fail(reader, error);
}

/* The second line: how many parts there are, and what they are together. */
static bool take_head(struct reader *reader, struct act_manifest *manifest, uint64_t *count_ret)
{
    bool whole = manifest->has_content;
    reader->line = reader->at;
    if (!skip(reader, "parts\t"))
        return refuse(reader, "no number of parts");
    if (!take_u64(reader, whole ? "\t" : "\n", count_ret) ||
        (whole && (!take_u64(reader, "\t", &manifest->content.entries) ||
                   !take_digest(reader, manifest->content.bytes))))
        return false;
    if (*count_ret == 0)
        return refuse(reader, "no parts");
    if (*count_ret > (size_t)(reader->end - reader->at) / PART_LINE_NBYTES_MIN)
        return refuse(reader, "more parts than lines");
    return true;
}

/* What all parts have together is as the second line says. */
static bool check_entries(struct reader *reader, struct act_manifest *manifest)
{
    if (!manifest->has_content)
        manifest->content.entries = reader->entries;
    return manifest->content.entries == reader->entries ||
           refuse_part(reader,
                       "its parts have %" PRIu64 " entries, and the set was made with %" PRIu64
                       ": one of them is of another set",
                       reader->entries, manifest->content.entries);
}

static act_status take_parts(struct reader *reader, struct act_manifest *manifest, act_error *error)
{
    uint64_t count = 0;
    reader->at = reader->text + ACT_MANIFEST_MAGIC_NBYTES;
    manifest->has_content = memcmp(reader->text, ACT_MANIFEST_MAGIC, ACT_MANIFEST_MAGIC_NBYTES) ==
                            0;
    if (!take_head(reader, manifest, &count))
        return fail(reader, error);
    manifest->bytes = malloc((size_t)(reader->end - reader->text));
    manifest->parts = calloc((size_t)count, sizeof(*manifest->parts));
    if (!manifest->bytes || !manifest->parts)
        return act_fail_nomem(error);
    reader->decoded = manifest->bytes;
    manifest->count = (size_t)count;
    for (size_t i = 0; i < manifest->count; i++)
        if (!take_part(reader, manifest, i))
            return fail(reader, error);
    if (reader->at < reader->end) {
        reader->line = reader->at;
        refuse(reader, "more lines than parts");
    } else if (check_end(reader, &manifest->parts[manifest->count - 1])) {
        reader->line = reader->text + ACT_MANIFEST_MAGIC_NBYTES;
        check_entries(reader, manifest);
    }
    return reader->mistake ? fail(reader, error) : ACT_OK;
}

static act_status refuse_twins(const struct act_manifest *manifest, const char *quoted,
                               act_error *error)
{
    size_t twins[2];
    bool no_memory;
    char name[ACT_QUOTED_NBYTES];
    if (act_manifest_find_twins(manifest->parts, manifest->count, twins, &no_memory)) {
        act_quote(name, manifest->parts[twins[0]].name, strlen(manifest->parts[twins[0]].name));
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                        "%s is a damaged manifest: %s is two of its parts", quoted, name);
    }
    return no_memory ? act_fail_nomem(error) : ACT_OK;
}

act_status act_manifest_parse(const void *bytes, size_t nbytes, const char *name,
                              struct act_manifest *manifest_ret, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, name, strlen(name));
    memset(manifest_ret, 0, sizeof(*manifest_ret));
    if (!act_manifest_begins(bytes, nbytes))
        return act_fail(error, ACT_ERR_FORMAT, 0, "%s is not the manifest of a set", quoted);
    struct reader reader = {.text = bytes, .quoted = quoted};
    reader.end = reader.text + nbytes;
    act_status status = check_sum(&reader, error);
    if (status == ACT_OK)
        status = take_parts(&reader, manifest_ret, error);
    if (status == ACT_OK)
        status = refuse_twins(manifest_ret, quoted, error);
    if (status != ACT_OK)
        act_manifest_free(manifest_ret);
    return status;
}

void act_manifest_free(struct act_manifest *manifest)
{
    free(manifest->parts);
    free(manifest->bytes);
    memset(manifest, 0, sizeof(*manifest));
}
