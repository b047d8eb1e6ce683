#define _POSIX_C_SOURCE 200809L

#include "parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "progress.h"
#include "verb.h"

#define TAG_NBYTES    8
#define TAG_TRIES     100
#define SUFFIX_NBYTES 40 /* ".XXXXXXXX-N.act" at most */

static const char tag_letters[] = "abcdefghijklmnopqrstuvwxyz234567";

bool cli_parts_add(struct cli_parts *parts, const uint8_t *from, size_t from_nbytes)
{
    if (parts->count == parts->capacity) {
        size_t capacity = parts->capacity ? 2 * parts->capacity : 64;
        struct cli_part *larger = realloc(parts->items, capacity * sizeof(*larger));
        if (!larger)
            return false;
        parts->items = larger;
        parts->capacity = capacity;
    }
    struct cli_part *part = &parts->items[parts->count];
    memset(part, 0, sizeof(*part));
    part->from = malloc(from_nbytes + 1);
    if (!part->from)
        return false;
    if (from_nbytes)
        memcpy(part->from, from, from_nbytes);
    part->from_nbytes = from_nbytes;
    parts->count++;
    return true;
}

/* --------------------------------------------------------------------------------------- names */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Letters that change from run to run, and from try to try. */
static void make_tag(char tag[TAG_NBYTES + 1], unsigned attempt)
{
    uint64_t bits = cli_now_ns() ^ (uint64_t)getpid() << 40 ^ (uint64_t)attempt << 56;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    bits ^= bits >> 31;
    for (int i = 0; i < TAG_NBYTES; i++, bits >>= 5)
        tag[i] = tag_letters[bits & 31];
    tag[TAG_NBYTES] = '\0';
}

static bool name_all(struct cli_parts *parts, const char *path, const char *tag)
{
    size_t path_nbytes = strlen(path);
    for (size_t i = 0; i < parts->count; i++) {
        struct cli_part *part = &parts->items[i];
        free(part->path);
        part->path = malloc(path_nbytes + SUFFIX_NBYTES);
        if (!part->path)
            return false;
        snprintf(part->path, path_nbytes + SUFFIX_NBYTES, "%s.%s-%zu.act", path, tag, i);
        part->name = base_of(part->path);
    }
    return true;
}

static bool any_exists(const struct cli_parts *parts)
{
    struct stat st;
    for (size_t i = 0; i < parts->count; i++)
        if (lstat(parts->items[i].path, &st) == 0)
            return true;
    return false;
}

int cli_parts_name(struct cli_parts *parts, const char *path)
{
    char tag[TAG_NBYTES + 1];
    if (!*base_of(path))
        return cli_fail_os(path, "cannot create", EISDIR);
    for (unsigned attempt = 0; attempt < TAG_TRIES; attempt++) {
        make_tag(tag, attempt);
        if (!name_all(parts, path, tag))
            return cli_fail_nomem();
        if (!any_exists(parts))
            return CLI_DONE;
    }
    return cli_fail_os(path, "cannot find names for its parts", EEXIST);
}

bool cli_parts_is_own_name(const char *path, const char *name)
{
    const char *base = base_of(path);
    size_t base_nbytes = strlen(base);
    if (strncmp(name, base, base_nbytes) != 0 || name[base_nbytes] != '.')
        return false;
    const char *tag = name + base_nbytes + 1;
    if (strspn(tag, tag_letters) != TAG_NBYTES || tag[TAG_NBYTES] != '-')
        return false;
    const char *number = tag + TAG_NBYTES + 1;
    size_t digits = strspn(number, "0123456789");
    return digits > 0 && strcmp(number + digits, ".act") == 0;
}

/* ------------------------------------------------------------------------------------- building */

bool cli_part_added(struct cli_part *part, act_status status)
{
    if (status == ACT_OK)
        part->done++;
    else
        part->status = status;
    return status == ACT_OK;
}

bool cli_part_open(const struct cli_parts *parts, struct cli_part *part)
{
    part->status = act_builder_open(part->path, &parts->builder_options, &part->builder,
                                    &part->error);
    return part->status == ACT_OK;
}

bool cli_part_finish(struct cli_part *part)
{
    act_build_report report;
    part->status = act_builder_finish(part->builder, &report, &part->error);
    act_builder_close(part->builder);
    part->builder = NULL;
    /* After a failure it may be there all the same: see act_builder_finish. */
    part->made = true;
    part->file_nbytes = part->status == ACT_OK ? report.file_nbytes : 0;
    return part->status == ACT_OK;
}

void cli_parts_remove(struct cli_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->items[i].made)
            unlink(parts->items[i].path);
        parts->items[i].made = false;
    }
}

void cli_parts_free(struct cli_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        act_builder_close(parts->items[i].builder);
        free(parts->items[i].path);
        free(parts->items[i].from);
    }
    free(parts->items);
    memset(parts, 0, sizeof(*parts));
}

char *cli_set_part_path(const act_set *set, const char *set_path, size_t index, bool own)
{
    const char *slash = strrchr(set_path, '/');
    size_t folder_nbytes = slash ? (size_t)(slash - set_path) + 1 : 0;
    act_set_part part;
    if (act_set_get_part(set, index, &part, NULL) != ACT_OK ||
        (own && !cli_parts_is_own_name(set_path, part.name)))
        return NULL;
    size_t nbytes = strlen(part.name) + 1;
    char *path = malloc(folder_nbytes + nbytes);
    if (path) {
        memcpy(path, set_path, folder_nbytes);
        memcpy(path + folder_nbytes, part.name, nbytes);
    }
    return path;
}

bool cli_set_has_file(const act_set *set, const char *set_path, const char *path, bool own)
{
    struct stat file;
    bool has = false;
    if (stat(path, &file) != 0)
        return false;
    for (size_t i = 0; !has && i < act_set_part_count(set); i++) {
        struct stat st;
        char *part = cli_set_part_path(set, set_path, i, own);
        has = part && stat(part, &st) == 0 && st.st_dev == file.st_dev && st.st_ino == file.st_ino;
        free(part);
    }
    return has;
}
