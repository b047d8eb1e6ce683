#include <string.h>

#include "base/error.h"
#include "read/guard.h"
#include "read/map.h"
#include "verify/index_check.h"
#include "verify/segments.h"
#include "verify/sweep.h"

act_status act_map_verify(const act_map *map, act_progress_fn progress, void *context,
                          act_verify_report *report_ret, act_error *error)
{
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    struct act_sweep sweep;
    bool indexed = map->index_state == ACT_INDEX_VALID;
    bool whole = indexed && map->index.file_nbytes == map->file_nbytes;
    act_status status = act_sweep_open(&sweep, map, indexed ? map->index.sums_off : 0, progress,
                                       context, error);
    if (status == ACT_OK) {
        do
            status = act_sweep_next(&sweep, error);
        while (status == ACT_OK);
        act_sweep_close(&sweep);
        if (status == ACT_END)
            status = indexed ? act_index_check_sums(&sweep, error) : ACT_OK;
        if (status == ACT_OK && indexed && map->root != map->index.root)
            status = act_segments_check_sums(&sweep, map->segmented, &whole, error);
    }
    status = act_guarded(map, status, error);
    if (report_ret && (status == ACT_OK || status == ACT_ERR_CORRUPT)) {
        memset(report_ret, 0, sizeof(*report_ret));
        if (status == ACT_OK)
            report_ret->soundness = whole ? ACT_SOUND_CHECKSUMMED : ACT_SOUND_UNCHECKED;
        report_ret->broken_rule = sweep.broken_rule;
        report_ret->broken_offset = sweep.broken_offset;
        report_ret->nodes = sweep.nodes;
        report_ret->references = sweep.references;
        report_ret->values = sweep.values;
        report_ret->line_nodes = sweep.line_nodes;
    }
    return status;
}
