/* The text of a manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "set/manifest.h"

struct text {
    uint8_t *bytes;
    size_t nbytes;
    size_t capacity;
    bool no_memory;
};

/* Room for that many bytes at the end; NULL without memory. */
static uint8_t *room(struct text *text, size_t nbytes)
{
    if (text->no_memory || nbytes > SIZE_MAX - text->nbytes ||
        !act_reserve(&text->bytes, &text->capacity, text->nbytes + nbytes, 1)) {
        text->no_memory = true;
        return NULL;
    }
    return text->bytes + text->nbytes;
}

static void put_text(struct text *text, const char *string)
{
    size_t nbytes = strlen(string);
    uint8_t *at = room(text, nbytes);
    if (!at)
        return;
    memcpy(at, string, nbytes);
    text->nbytes += nbytes;
}

static void put_u64(struct text *text, uint64_t number, const char *after)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%llu%s", (unsigned long long)number, after);
    put_text(text, digits);
}

/* And the end of the line. */
static void put_digest(struct text *text, const uint8_t digest[ACT_DIGEST_NBYTES])
{
    char digits[2 * ACT_DIGEST_NBYTES + 1];
    for (size_t i = 0; i < ACT_DIGEST_NBYTES; i++)
        snprintf(digits + 2 * i, 3, "%02x", (unsigned)digest[i]);
    put_text(text, digits);
    put_text(text, "\n");
}

static size_t put_escaped(uint8_t *at, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
        at[0] = byte;
        return 1;
    }
    at[0] = '\\';
    if (byte == '\\' || byte == '\t' || byte == '\n') {
        at[1] = byte == '\t' ? 't' : byte == '\n' ? 'n' : '\\';
        return 2;
    }
    at[1] = 'x';
    at[2] = (uint8_t)digits[byte >> 4];
    at[3] = (uint8_t)digits[byte & 15];
    return 4;
}

static void put_bytes(struct text *text, const void *bytes, size_t nbytes)
{
    const uint8_t *from = bytes;
    uint8_t *at = room(text, nbytes <= SIZE_MAX / 8 ? 4 * nbytes + 1 : SIZE_MAX);
    if (!at)
        return;
    for (size_t i = 0; i < nbytes; i++)
        at += put_escaped(at, from[i]);
    *at++ = '\t';
    text->nbytes = (size_t)(at - text->bytes);
}

/* The part ends where the next one begins; the last one says that with nothing, below which no key
 * is. */
static void put_part(struct text *text, const struct act_manifest_part *part, bool is_last)
{
    put_text(text, "part\t");
    put_bytes(text, part->name, strlen(part->name));
    put_bytes(text, part->from, part->from_nbytes);
    put_bytes(text, is_last ? NULL : part[1].from, is_last ? 0 : part[1].from_nbytes);
    put_u64(text, part->content.entries, "\t");
    put_u64(text, part->file_nbytes, "\t");
    put_u64(text, part->root, "\t");
    put_digest(text, part->content.bytes);
}

bool act_manifest_write(const struct act_manifest *manifest, uint8_t **bytes_ret,
                        size_t *nbytes_ret)
{
    struct text text = {0};
    act_hash128_state state;
    uint8_t sum[ACT_DIGEST_NBYTES];
    put_text(&text, ACT_MANIFEST_MAGIC "parts\t");
    put_u64(&text, manifest->count, "\t");
    put_u64(&text, manifest->content.entries, "\t");
    put_digest(&text, manifest->content.bytes);
    for (size_t i = 0; i < manifest->count; i++)
        put_part(&text, &manifest->parts[i], i + 1 == manifest->count);
    if (!text.no_memory) {
        act_hash128_init(&state);
        act_hash128_update(&state, text.bytes, text.nbytes);
        act_hash128_finish(&state, sum);
        put_text(&text, "sum\t");
        put_digest(&text, sum);
    }
    if (text.no_memory) {
        free(text.bytes);
        return false;
    }
    *bytes_ret = text.bytes;
    *nbytes_ret = text.nbytes;
    return true;
}
