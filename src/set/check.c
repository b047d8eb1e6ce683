/* The digest of a set, and whether its parts are sound and those of the manifest. */
#include <string.h>

#include "base/error.h"
#include "set/set.h"
#include "verify/digest.h"

act_status act_set_digest(const act_set *set, act_progress_fn progress, void *context,
                          act_digest *digest_ret, act_error *error)
{
    struct act_digesting digesting;
    if (!act_digesting_start(&digesting, progress, context))
        return ACT_STOPPED;
    for (size_t part = 0; part < set->manifest.count; part++) {
        act_map *map;
        act_status status = act_set_pin(set, part, &map, error);
        if (status != ACT_OK)
            return status;
        status = act_digesting_add_map(&digesting, map, error);
        act_set_unpin(set, part);
        if (status != ACT_OK)
            return act_set_name_part(set, part, status, error);
    }
    if (digest_ret)
        act_digesting_finish(&digesting, digest_ret);
    return ACT_OK;
}

static void add_report(act_verify_report *sum, const act_verify_report *report)
{
    sum->nodes += report->nodes;
    sum->references += report->references;
    sum->values += report->values;
    sum->line_nodes += report->line_nodes;
    if (report->soundness > sum->soundness)
        sum->soundness = report->soundness;
}

/* Whether a sound part holds what it held when the set was made. */
static act_status check_content(const struct act_set *set, size_t part, const act_map *map,
                                struct act_digesting *whole, bool *foreign_ret, act_error *error)
{
    act_digest found;
    act_status status = act_digesting_add_part(whole, map, &found, error);
    if (status != ACT_OK || act_digests_are_equal(&found, &set->manifest.parts[part].content))
        return status;
    *foreign_ret = true;
    return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                    "it holds other entries than the set was made with");
}

static act_status verify_part(const struct act_set *set, size_t part, act_progress_fn progress,
                              void *context, struct act_digesting *whole,
                              act_set_verify_report *report, act_error *error)
{
    act_verify_report own = {.broken_offset = ACT_NO_OFFSET};
    act_map *map;
    act_status status = act_set_pin(set, part, &map, error);
    if (status != ACT_OK) {
        report->map = own;
        return status;
    }
    status = act_map_verify(map, progress, context, &own, error);
    if (status == ACT_OK)
        status = check_content(set, part, map, whole, &report->foreign, error);
    act_set_unpin(set, part);
    if (status == ACT_OK)
        add_report(&report->map, &own);
    else
        report->map = own;
    return act_set_name_part(set, part, status, error);
}

/* Parts that are each as the manifest says need not be those of one set: its lines may be of
 * several manifests. */
static act_status check_whole(const struct act_set *set, struct act_digesting *whole,
                              bool *foreign_ret, act_error *error)
{
    act_digest found;
    act_digesting_finish(whole, &found);
    if (!set->manifest.has_content || act_digests_are_equal(&found, &set->manifest.content))
        return ACT_OK;
    *foreign_ret = true;
    return act_fail(error, ACT_ERR_CORRUPT, ACT_NO_OFFSET,
                    "each part is as the manifest says, but together they hold other entries than "
                    "the set was made with: one of them is of another set");
}

act_status act_set_verify(const act_set *set, act_progress_fn progress, void *context,
                          act_set_verify_report *report_ret, act_error *error)
{
    act_set_verify_report report = {.map.broken_offset = ACT_NO_OFFSET,
                                    .map.soundness = ACT_SOUND_CHECKSUMMED};
    struct act_digesting whole;
    act_status status = ACT_OK;
    act_digesting_start(&whole, NULL, NULL);
    while (report.part < set->manifest.count) {
        status = verify_part(set, report.part, progress, context, &whole, &report, error);
        if (status != ACT_OK)
            break;
        report.part++;
    }
    if (status == ACT_OK)
        status = check_whole(set, &whole, &report.foreign, error);
    if (report_ret)
        *report_ret = report;
    return status;
}
