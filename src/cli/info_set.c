#include "info_set.h"

#include <string.h>

#include "message.h"
#include "progress.h"
#include "report.h"
#include "units.h"

/* Longer keys are shortened. */
static void print_part(struct cli_out *out, const act_set_part *part)
{
    char entries[CLI_UNIT_NBYTES];
    char nbytes[CLI_UNIT_NBYTES];
    char from[CLI_QUOTED_NBYTES];
    cli_out_format(out, "  %14s %18s  ", cli_count_text(entries, part->content.entries),
                   cli_count_text(nbytes, part->file_nbytes));
    cli_out_key(out, CLI_KEYS_ESCAPED, (const uint8_t *)part->name, strlen(part->name));
    cli_out_format(out, " from %s\n", cli_quote(from, part->from, part->from_nbytes));
}

static void print_text(struct cli_out *out, const act_set *set, const act_digest *digest)
{
    char text[CLI_UNIT_NBYTES];
    char digits[CLI_UNIT_NBYTES];
    char content[CLI_DIGEST_TEXT_NBYTES];
    act_set_stat stat;
    act_set_part part;
    act_set_get_stat(set, &stat);
    cli_out_format(out, "Set\n  %-16s %20s\n", "parts", cli_count_text(digits, stat.parts));
    cli_out_format(out, "  %-16s %20s\n", "keys", cli_count_text(digits, stat.entries));
    cli_out_format(out, "  %-16s %20s  (%s)\n", "size", cli_count_text(digits, stat.file_nbytes),
                   cli_bytes_text(text, stat.file_nbytes));
    if (digest)
        cli_out_format(out, "  %-16s %s\n", "content", cli_digest_text(content, digest));
    cli_out_text(out, "\nParts       keys              bytes\n");
    for (size_t i = 0; i < stat.parts && act_set_get_part(set, i, &part, NULL) == ACT_OK; i++)
        print_part(out, &part);
}

static int print_json(struct cli_out *out, const char *name, const act_set *set,
                      const act_digest *digest)
{
    char content[CLI_DIGEST_TEXT_NBYTES];
    act_set_stat stat;
    act_set_part part;
    act_set_get_stat(set, &stat);
    json_t *report = json_object();
    cli_report_text(report, "file", name);
    cli_report_u64(report, "file_bytes", stat.file_nbytes);
    cli_report_u64(report, "keys", stat.entries);
    if (digest)
        cli_report_text(report, "content", cli_digest_text(content, digest));
    json_t *parts = cli_report_array(report, "parts");
    for (size_t i = 0; i < stat.parts && act_set_get_part(set, i, &part, NULL) == ACT_OK; i++) {
        json_t *item = cli_report_item(parts);
        cli_report_text(item, "file", part.name);
        cli_report_key(item, "from", part.from, part.from_nbytes);
        cli_report_u64(item, "keys", part.content.entries);
        cli_report_u64(item, "file_bytes", part.file_nbytes);
        cli_report_u64(item, "root", part.root);
        cli_report_text(item, "content", cli_digest_text(content, &part.content));
    }
    return cli_report_print(out, report);
}

int cli_info_of_set(struct cli_call *call, const struct cli_map *map)
{
    act_digest digest;
    bool has_digest = call->options.content;
    if (has_digest) {
        struct cli_progress progress;
        act_error error;
        cli_progress_start(&progress, call->options.progress, "reading", "entries");
        act_status status = act_set_digest(map->set, cli_progress_tell, &progress, &digest, &error);
        cli_progress_end(&progress);
        if (status != ACT_OK)
            return cli_fail(map->name, &error);
    }
    if (call->options.json)
        return print_json(&call->out, map->name, map->set, has_digest ? &digest : NULL);
    print_text(&call->out, map->set, has_digest ? &digest : NULL);
    return CLI_DONE;
}
