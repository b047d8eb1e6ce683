/*
 * The manifest of a set. The input is one, or one without its last line, which is then put there,
 * as the checksum in it would stop whatever was changed. No part is there, so whoever asks for a
 * key is told so.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fuzz/place.h"

static char manifest[4096];

static void remove_manifest(void)
{
    remove(manifest);
}

/* Where it is written: in a folder of its own, where no part is, whatever else lies about. */
static const char *manifest_path(void)
{
    if (!*manifest) {
        const char *folder = fuzz_place("set"); /* which is removed after what is in it */
        FUZZ_EXPECT(mkdir(folder, 0700) == 0 || errno == EEXIST);
        snprintf(manifest, sizeof(manifest), "%.4000s/manifest", folder);
        atexit(remove_manifest);
    }
    return manifest;
}

static int no_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)context;
    (void)key;
    (void)key_nbytes;
    (void)value;
    FUZZ_EXPECT(false);
    return 1;
}

/* What holds of a set, whatever its manifest is. */
static void look_at(const act_set *set, struct fuzz_told *told)
{
    act_set_stat stat;
    act_set_part part;
    act_error error;
    uint64_t entries = 0;
    const uint8_t *to = NULL;
    size_t to_nbytes = 0;
    act_set_get_stat(set, &stat);
    FUZZ_EXPECT(stat.parts > 0 && stat.parts == act_set_part_count(set));
    FUZZ_EXPECT(stat.open_parts == 0);
    for (size_t i = 0; i < stat.parts; i++) {
        FUZZ_EXPECT(act_set_get_part(set, i, &part, NULL) == ACT_OK);
        FUZZ_EXPECT(part.name[0] && part.name[0] != '/' && !strstr(part.name, "/../"));
        FUZZ_EXPECT(strncmp(part.name, "../", 3) != 0 && strcmp(part.name, "..") != 0);
        FUZZ_EXPECT(i > 0 ? part.from == to && part.from_nbytes == to_nbytes : !part.from_nbytes);
        FUZZ_EXPECT((i + 1 < stat.parts) == (part.to != NULL));
        FUZZ_EXPECT(act_set_find_part(set, part.from, part.from_nbytes) == i);
        if (part.from_nbytes)
            FUZZ_EXPECT(act_set_find_part(set, part.from, part.from_nbytes - 1) < i);
        fuzz_tell_bytes(told, part.name, strlen(part.name));
        fuzz_tell_bytes(told, part.from, part.from_nbytes);
        fuzz_tell(told, part.content.entries);
        entries += part.content.entries;
        to = part.to;
        to_nbytes = part.to_nbytes;
    }
    FUZZ_EXPECT(entries == stat.entries);
    FUZZ_EXPECT(act_set_get(set, part.from, part.from_nbytes, NULL, &error) == ACT_ERR_IO);
    FUZZ_EXPECT(strncmp(error.text, "part \"", 6) == 0);
    FUZZ_EXPECT(act_set_scan(set, NULL, no_entry, NULL, NULL) == ACT_ERR_IO);
}

static void open_text(const uint8_t *text, size_t nbytes, struct fuzz_told *told)
{
    act_set *set;
    const char *path = manifest_path();
    fuzz_place_write(path, text, nbytes);
    act_error error;
    act_status status = act_set_open(path, NULL, &set, &error);
    fuzz_tell_error(told, status, &error);
    FUZZ_EXPECT((status == ACT_OK) == (set != NULL));
    FUZZ_EXPECT(status == ACT_OK || status >= ACT_ERR_FORMAT);
    if (set)
        look_at(set, told);
    act_set_close(set);
}

/* Appends the line with the checksum; returns how many bytes there are then. */
static size_t put_sum(uint8_t *text, size_t nbytes)
{
    XXH128_canonical_t sum;
    XXH128_canonicalFromHash(&sum, XXH3_128bits(text, nbytes));
    char *at = (char *)text + nbytes;
    at += sprintf(at, "sum\t");
    for (size_t i = 0; i < sizeof(sum.digest); i++)
        at += sprintf(at, "%02x", (unsigned)sum.digest[i]);
    at += sprintf(at, "\n");
    return (size_t)(at - (char *)text);
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    uint8_t *text = malloc(data_nbytes + 64);
    FUZZ_EXPECT(text);
    open_text(data, data_nbytes, told);
    if (data_nbytes)
        memcpy(text, data, data_nbytes);
    open_text(text, put_sum(text, data_nbytes), told);
    free(text);
}
