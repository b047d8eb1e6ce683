/*
 * What of a set's parts is in memory, as a file.
 *
 *   at 0   8  "ACTwset1"
 *   at 8   8  the number of parts
 *   at 16     for each part, in the order of keys: 8 bytes for how many follow, and these, which
 *             are what act_warm_set_save writes for the part's file (read/warm_set.h)
 *   at the end 8: XXH3-64 of all before
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "os/file.h"
#include "os/map.h"
#include "read/warm_set.h"
#include "set/warm.h"

enum {
    MAGIC_NBYTES = 8,
    HEADER_NBYTES = 16,
    LENGTH_NBYTES = 8,
    SUM_NBYTES = 8
};

static const char magic[] = "ACTwset1";

/* ------------------------------------------------------------------------------------- saving */

struct text {
    uint8_t *bytes;
    size_t nbytes;
    size_t capacity;
};

static bool put(struct text *text, const void *bytes, size_t nbytes)
{
    if (nbytes > SIZE_MAX - text->nbytes ||
        !act_reserve(&text->bytes, &text->capacity, text->nbytes + nbytes, 1))
        return false;
    memcpy(text->bytes + text->nbytes, bytes, nbytes);
    text->nbytes += nbytes;
    return true;
}

static bool put_u64(struct text *text, uint64_t number)
{
    uint8_t bytes[8];
    act_store_le64(bytes, number);
    return put(text, bytes, sizeof(bytes));
}

/* The pages of a part that are in memory; none of one that is not mapped. */
static act_status take(const act_map *map, act_warm_set **set_ret, act_error *error)
{
    act_residency *residency;
    act_residency_totals totals;
    act_status status = act_map_residency(map, &residency, error);
    if (status != ACT_OK)
        return status;
    act_residency_get_totals(residency, &totals);
    if (!totals.mapped) {
        uint64_t pages = totals.file_nbytes / totals.page_nbytes + 1;
        uint8_t *none = calloc((size_t)(pages / 8) + 1, 1);
        status = none ? act_warm_set_of_pages(map, none, totals.page_nbytes, set_ret, error)
                      : act_fail_nomem(error);
        free(none);
    } else if (!totals.cached.known || totals.source == ACT_RESIDENCY_PAGEMAP) {
        status = act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                          "the system does not tell which of its pages are in memory");
    } else {
        status = act_warm_set_take(map, residency, set_ret, error);
    }
    act_residency_close(residency);
    return status;
}

static act_status save_part(const struct act_set *set, size_t part, struct text *text,
                            act_warm_set_info *sum, act_error *error)
{
    act_warm_set *pages = NULL;
    act_warm_set_info info;
    act_map *map;
    act_status status = act_set_pin(set, part, &map, error);
    if (status != ACT_OK)
        return status;
    status = take(map, &pages, error);
    act_set_unpin(set, part);
    if (status != ACT_OK)
        return act_set_name_part(set, part, status, error);
    act_warm_set_get_info(pages, &info);
    size_t nbytes = 0;
    uint8_t *bytes = act_warm_set_encode(pages, &nbytes);
    if (!bytes || !put_u64(text, nbytes) || !put(text, bytes, nbytes))
        status = act_fail_nomem(error);
    free(bytes);
    act_warm_set_close(pages);
    sum->file_nbytes += info.file_nbytes;
    sum->pages += info.pages;
    sum->runs += info.runs;
    sum->nbytes += info.nbytes;
    if (!part)
        sum->page_nbytes = info.page_nbytes;
    return status;
}

act_status act_set_warm_save(const act_set *set, const char *path, act_warm_set_info *info_ret,
                             act_error *error)
{
    struct text text = {0};
    act_warm_set_info sum = {0};
    if (!set || !path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set, or no file name");
    act_status status = put(&text, magic, MAGIC_NBYTES) && put_u64(&text, set->manifest.count)
                            ? ACT_OK
                            : act_fail_nomem(error);
    for (size_t part = 0; part < set->manifest.count && status == ACT_OK; part++)
        status = save_part(set, part, &text, &sum, error);
    if (status == ACT_OK && !put_u64(&text, act_hash64(text.bytes, text.nbytes, 0)))
        status = act_fail_nomem(error);
    struct act_os_output *output = NULL;
    if (status == ACT_OK)
        status = act_os_output_open(path, &output, error);
    if (status == ACT_OK)
        status = act_os_output_write(output, text.bytes, text.nbytes, error);
    /* What is lost of it is no loss. */
    if (status == ACT_OK)
        status = act_os_output_commit(output, false, error);
    act_os_output_close(output);
    free(text.bytes);
    if (status == ACT_OK && info_ret)
        *info_ret = sum;
    return status;
}

/* ----------------------------------------------------------------------------------- restoring */

struct saved {
    act_warm_set **parts;
    size_t count;
};

static void free_saved(struct saved *saved)
{
    for (size_t i = 0; i < saved->count; i++)
        act_warm_set_close(saved->parts[i]);
    free(saved->parts);
}

static act_status fail_other(const char *quoted, act_error *error)
{
    return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                    "%s is of another set, or of this one before its parts were made", quoted);
}

/* All parts, each of which must have the size and the root that the manifest says. */
static act_status decode_parts(const struct act_set *set, const uint8_t *bytes, uint64_t nbytes,
                               struct saved *saved, const char *quoted, act_error *error)
{
    uint64_t at = HEADER_NBYTES;
    for (; saved->count < set->manifest.count; saved->count++) {
        const struct act_manifest_part *part = &set->manifest.parts[saved->count];
        act_warm_set **pages = &saved->parts[saved->count];
        uint64_t left = nbytes - at;
        uint64_t length = left < LENGTH_NBYTES ? 0 : act_load_le64(bytes + at);
        if (left < LENGTH_NBYTES || length > left - LENGTH_NBYTES)
            return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                            "%s is damaged: it ends in part %zu", quoted, saved->count);
        at += LENGTH_NBYTES;
        act_status status = act_warm_set_decode(bytes + at, length, quoted, pages, error);
        if (status != ACT_OK)
            return status;
        at += length;
        if ((*pages)->file_nbytes != part->file_nbytes || (*pages)->root != part->root) {
            act_warm_set_close(*pages);
            return fail_other(quoted, error);
        }
    }
    if (at == nbytes)
        return ACT_OK;
    return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET, "%s is damaged: more follows", quoted);
}

static act_status decode(const struct act_set *set, const uint8_t *bytes, uint64_t nbytes,
                         struct saved *saved, const char *quoted, act_error *error)
{
    if (nbytes < MAGIC_NBYTES || memcmp(bytes, magic, MAGIC_NBYTES) != 0)
        return act_fail(error, ACT_ERR_FORMAT, ACT_NO_OFFSET, "%s is not the warm set of a set",
                        quoted);
    if (nbytes < HEADER_NBYTES + SUM_NBYTES)
        return act_fail(error, ACT_ERR_TRUNCATED, ACT_NO_OFFSET, "%s is too short for a warm set",
                        quoted);
    uint64_t body_nbytes = nbytes - SUM_NBYTES;
    if (act_load_le64(bytes + body_nbytes) != act_hash64(bytes, (size_t)body_nbytes, 0))
        return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                        "%s is damaged: its checksum does not match", quoted);
    if (act_load_le64(bytes + MAGIC_NBYTES) != set->manifest.count)
        return fail_other(quoted, error);
    saved->parts = calloc(set->manifest.count, sizeof(act_warm_set *));
    if (!saved->parts)
        return act_fail_nomem(error);
    return decode_parts(set, bytes, body_nbytes, saved, quoted, error);
}

static act_status load(const struct act_set *set, const char *path, struct saved *saved,
                       act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    struct act_os_bytes bytes;
    act_quote(quoted, path, strlen(path));
    act_status status = act_os_bytes_open(path, ACT_ACCESS_READ, ACT_GUARD_NONE, 0, &bytes, error);
    if (status != ACT_OK)
        return status;
    status = decode(set, bytes.bytes, bytes.nbytes, saved, quoted, error);
    act_os_bytes_close(&bytes);
    return status;
}

act_status act_set_warm_restore(const act_set *set, const char *path, uint64_t nbytes_max,
                                act_progress_fn progress, void *context, act_warm_state *state_ret,
                                act_error *error)
{
    struct act_set_warming warming = {0};
    struct saved saved = {0};
    if (state_ret)
        memset(state_ret, 0, sizeof(*state_ret));
    if (!set || !path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set, or no file name");
    act_status status = load(set, path, &saved, error);
    uint64_t total = 0;
    for (size_t part = 0; part < saved.count && status == ACT_OK; part++) {
        act_warm_set_info info;
        act_warm_set_get_info(saved.parts[part], &info);
        total += info.nbytes;
    }
    if (status == ACT_OK)
        act_set_warming_start(&warming, set, nbytes_max, progress, context, total);
    for (size_t part = 0; part < saved.count && status == ACT_OK; part++) {
        const act_warm_options what = {.what = ACT_WARM_SET, .set = saved.parts[part]};
        status = act_set_warm_part(&warming, part, &what, 0, error);
    }
    free_saved(&saved);
    warming.state.ended = true;
    if (state_ret)
        *state_ret = warming.state;
    return status;
}
