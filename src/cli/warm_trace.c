#include "warm_trace.h"

#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "progress.h"
#include "queries.h"
#include "report.h"
#include "units.h"

enum {
    PAGE_NBYTES = 4096 /* of act_warm_report */
};

static void print_text(struct cli_out *out, const act_warm_report *report, uint64_t count,
                       uint64_t spent_ns)
{
    char number[CLI_UNIT_NBYTES];
    char bytes[CLI_UNIT_NBYTES];
    cli_out_format(out, "%s pages, %s, ", cli_count_text(number, report->pages),
                   cli_bytes_text(bytes, report->pages * PAGE_NBYTES));
    cli_out_format(out, "in %s pieces, ", cli_count_text(number, report->pieces));
    cli_out_format(out, "for %s keys, ", cli_count_text(number, report->keys_done));
    cli_out_format(out, "in %.3f s\n", (double)spent_ns / 1e9);
    if (!report->complete)
        cli_out_format(out, "not for %s more: there is too little memory\n",
                       cli_count_text(number, count - report->keys_done));
}

static int print_json(struct cli_out *out, const act_warm_report *report, uint64_t count,
                      uint64_t spent_ns)
{
    json_t *object = json_object();
    cli_report_u64(object, "keys", count);
    cli_report_u64(object, "keys_done", report->keys_done);
    cli_report_u64(object, "pages", report->pages);
    cli_report_u64(object, "bytes", report->pages * PAGE_NBYTES);
    cli_report_u64(object, "pieces", report->pieces);
    cli_report_bool(object, "complete", report->complete);
    cli_report_real(object, "seconds", (double)spent_ns / 1e9);
    return cli_report_print(out, object);
}

/* The pages that the lookups of a log touch. */
static int warm_keys(struct cli_call *call, const struct cli_map *map,
                     const struct cli_queries *queries)
{
    struct cli_progress progress;
    act_warm_report report;
    act_error error;
    uint64_t started_ns = cli_now_ns();
    cli_interrupt_catch();
    cli_progress_start(&progress, call->options.progress, "warming", "keys");
    act_status status = map->set ? act_set_warm_keys(map->set, queries->keys, queries->count,
                                                     cli_progress_tell, &progress, &report, &error)
                                 : act_map_warm_keys(map->map, queries->keys, queries->count,
                                                     cli_progress_tell, &progress, &report, &error);
    cli_progress_end(&progress);
    uint64_t spent_ns = cli_now_ns() - started_ns;
    if (status == ACT_STOPPED)
        cli_die_of(cli_interrupted());
    if (status != ACT_OK)
        return cli_fail(map->name, &error);
    if (call->options.json)
        return print_json(&call->out, &report, queries->count, spent_ns);
    print_text(&call->out, &report, queries->count, spent_ns);
    return CLI_DONE;
}

int cli_warm_trace(struct cli_call *call)
{
    struct cli_map map = {.map = NULL};
    struct cli_queries queries = {NULL, NULL, 0};
    int status = cli_queries_load(call, call->options.trace, &queries);
    if (status == CLI_DONE)
        status = cli_map_or_set_open(call, &map, NULL);
    if (status == CLI_DONE)
        status = warm_keys(call, &map, &queries);
    cli_map_close(&map);
    cli_queries_free(&queries);
    return status;
}
