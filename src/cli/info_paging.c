#include "info_paging.h"

#include "units.h"

void cli_info_print_size(struct cli_out *out, const char *name, uint64_t nbytes)
{
    char digits[CLI_UNIT_NBYTES];
    char text[CLI_UNIT_NBYTES];
    cli_out_format(out, "  %-16s %20s  (%s)\n", name, cli_count_text(digits, nbytes),
                   cli_bytes_text(text, nbytes));
}

static const char *access_name(const act_map_paging *paging)
{
    if (paging->is_copy)
        return "copy";
    return paging->access == ACT_ACCESS_MAP ? "map" : "read";
}

const char *cli_advice_name(act_advice advice)
{
    static const char *const names[] = {"auto", "normal", "random", "sequential"};
    return names[advice];
}

static const char *populate_name(const act_map_paging *paging)
{
    static const char *const names[] = {"none", "hot", "prefix", "all"};
    return names[paging->populate];
}

static const char *huge_name(const act_map_paging *paging)
{
    static const char *const names[] = {"none", "copy", "file"};
    return names[paging->huge_kind];
}

void cli_paging_print(struct cli_out *out, const act_map_paging *paging)
{
    cli_out_format(out, "\nPages\n  %-16s %20s%s\n", "access", access_name(paging),
                   paging->is_private ? "  (private)" : "");
    if (paging->access == ACT_ACCESS_MAP && !paging->is_copy)
        cli_out_format(out, "  %-16s %20s%s\n", "advice", cli_advice_name(paging->advice),
                       paging->advice_is_auto ? "  (chosen)" : "");
    if (paging->populate != ACT_POPULATE_NONE)
        cli_info_print_size(out, "populated", paging->populate_done_nbytes);
    if (paging->locked_nbytes)
        cli_info_print_size(out, "locked", paging->locked_nbytes);
    if (paging->resident_nbytes_max)
        cli_info_print_size(out, "budget", paging->resident_nbytes_max);
    if (paging->huge_nbytes)
        cli_info_print_size(out, "in huge pages", paging->huge_nbytes);
    cli_out_format(out, "  %s\n", paging->text);
}

void cli_paging_report(json_t *report, const act_map_paging *paging)
{
    json_t *pages = cli_report_object(report, "paging");
    cli_report_text(pages, "access", access_name(paging));
    cli_report_bool(pages, "private", paging->is_private);
    cli_report_text(pages, "advice", cli_advice_name(paging->advice));
    cli_report_bool(pages, "advice_chosen", paging->advice_is_auto);
    cli_report_bool(pages, "hot_region_ahead", paging->hot_is_ahead);
    cli_report_text(pages, "reason", paging->text);
    if (paging->memory_nbytes != UINT64_MAX)
        cli_report_u64(pages, "memory_bytes", paging->memory_nbytes);
    else
        cli_report_null(pages, "memory_bytes");
    cli_report_text(pages, "populate", populate_name(paging));
    cli_report_u64(pages, "populate_asked_bytes", paging->populate_asked_nbytes);
    cli_report_u64(pages, "populated_bytes", paging->populate_done_nbytes);
    cli_report_u64(pages, "locked_bytes", paging->locked_nbytes);
    cli_report_u64(pages, "budget_bytes", paging->resident_nbytes_max);
    cli_report_u64(pages, "released_bytes", paging->released_nbytes);
    cli_report_text(pages, "huge", huge_name(paging));
    cli_report_u64(pages, "huge_bytes", paging->huge_nbytes);
}
