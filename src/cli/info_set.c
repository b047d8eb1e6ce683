#include "info_set.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info_paging.h"
#include "message.h"
#include "progress.h"
#include "report.h"
#include "units.h"

struct facts {
    const char *name;
    const act_set *set;
    const act_digest *digest; /* NULL: not asked for */
    act_map_paging *parts; /* how the pages of each part are held; NULL: they are not all there */
    act_map_paging all;    /* of all together, if they are */
};

/* --------------------------------------------------------------------------------------- pages */

__attribute__((format(printf, 2, 3))) static void say(act_map_paging *paging, const char *format,
                                                      ...)
{
    size_t length = strlen(paging->text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(paging->text + length, sizeof(paging->text) - length, format, arguments);
    va_end(arguments);
}

static bool is_paged(const act_map_paging *paging)
{
    return paging->access == ACT_ACCESS_MAP && !paging->is_copy;
}

/* Sums; what is the same for all parts as the first one that is mapped has it; and the least memory
 * that any of them found. */
static void add_paging(act_map_paging *all, const act_map_paging *part)
{
    act_map_paging sum = is_paged(all) || !is_paged(part) ? *all : *part;
    sum.memory_nbytes = part->memory_nbytes < all->memory_nbytes ? part->memory_nbytes
                                                                 : all->memory_nbytes;
    sum.hot_nbytes = all->hot_nbytes + part->hot_nbytes;
    sum.populate_asked_nbytes = all->populate_asked_nbytes + part->populate_asked_nbytes;
    sum.populate_done_nbytes = all->populate_done_nbytes + part->populate_done_nbytes;
    sum.locked_nbytes = all->locked_nbytes + part->locked_nbytes;
    sum.released_nbytes = all->released_nbytes + part->released_nbytes;
    sum.huge_nbytes = all->huge_nbytes + part->huge_nbytes;
    if (sum.huge_kind == ACT_HUGE_KIND_NONE)
        sum.huge_kind = part->huge_kind;
    *all = sum;
}

/* Why that advice: the whole set is compared with the memory. */
static void say_advice(act_map_paging *all, uint64_t file_nbytes)
{
    char set[CLI_UNIT_NBYTES];
    char memory[CLI_UNIT_NBYTES];
    say(all, "%s: ", cli_advice_name(all->advice));
    if (!all->advice_is_auto)
        say(all, "as asked");
    else if (all->memory_nbytes == UINT64_MAX)
        say(all, "how much memory may be used is not known");
    else
        say(all, "%s of all parts are %s half of the memory that may be used, %s",
            cli_bytes_text(set, file_nbytes),
            all->advice == ACT_ADVICE_RANDOM ? "more than" : "within",
            cli_bytes_text(memory, all->memory_nbytes));
}

/* What was asked for and is not, or not as one might think. */
static void say_options(act_map_paging *all)
{
    char text[CLI_UNIT_NBYTES];
    char asked[CLI_UNIT_NBYTES];
    if (all->populate != ACT_POPULATE_NONE)
        say(all, "; %s of %s were populated", cli_bytes_text(text, all->populate_done_nbytes),
            cli_bytes_text(asked, all->populate_asked_nbytes));
    if (all->resident_nbytes_max)
        say(all, "; of each part no more than %s stay resident",
            cli_bytes_text(text, all->resident_nbytes_max));
}

static void describe(struct facts *facts)
{
    act_map_paging *all = &facts->all;
    act_set_stat stat;
    size_t paged = 0, other = 0;
    act_set_get_stat(facts->set, &stat);
    *all = facts->parts[0];
    for (size_t i = 1; i < stat.parts; i++)
        add_paging(all, &facts->parts[i]);
    for (size_t i = 0; i < stat.parts; i++) {
        paged += is_paged(&facts->parts[i]);
        other += is_paged(&facts->parts[i]) && facts->parts[i].advice != all->advice;
    }
    if (stat.parts == 1)
        return; /* it says it all */
    all->text[0] = '\0';
    if (!paged) {
        say(all, all->is_copy ? "copies in memory, for huge pages"
                              : "all parts are read into memory as a whole");
        return;
    }
    say_advice(all, stat.file_nbytes);
    if (other)
        say(all, "; but not for %zu of the parts, as memory was another when they were opened",
            other);
    say_options(all);
    if (paged < stat.parts)
        say(all, "; %zu of the parts are in memory as a whole", stat.parts - paged);
}

static int look_at_pages(const struct cli_call *call, struct facts *facts)
{
    act_set *set;
    act_map *map;
    act_error error;
    if (cli_set_open_by_parts(&call->options, facts->name, &set, &error) != ACT_OK)
        return cli_fail(facts->name, &error);
    size_t count = act_set_part_count(facts->set);
    int status = CLI_DONE;
    facts->parts = calloc(count, sizeof(*facts->parts));
    if (!facts->parts)
        status = cli_fail_nomem();
    for (size_t i = 0; i < count && status == CLI_DONE; i++) {
        if (act_set_part_open(set, i, &map, &error) != ACT_OK) {
            status = cli_fail(facts->name, &error);
            break;
        }
        act_map_get_paging(map, &facts->parts[i]);
        act_set_part_release(set, i);
    }
    act_set_close(set);
    if (status == CLI_DONE && facts->parts) {
        describe(facts);
    } else {
        free(facts->parts);
        facts->parts = NULL;
    }
    return status;
}

/* ------------------------------------------------------------------------------------ printing */

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

static void print_text(struct cli_out *out, const struct facts *facts)
{
    char digits[CLI_UNIT_NBYTES];
    char content[CLI_DIGEST_TEXT_NBYTES];
    act_set_stat stat;
    act_set_part part;
    act_set_get_stat(facts->set, &stat);
    cli_out_format(out, "Set\n  %-16s %20s\n", "parts", cli_count_text(digits, stat.parts));
    cli_out_format(out, "  %-16s %20s\n", "keys", cli_count_text(digits, stat.entries));
    cli_info_print_size(out, "size", stat.file_nbytes);
    if (facts->parts && facts->all.hot_nbytes)
        cli_info_print_size(out, "hot regions", facts->all.hot_nbytes);
    if (facts->digest)
        cli_out_format(out, "  %-16s %s\n", "content", cli_digest_text(content, facts->digest));
    if (facts->parts)
        cli_paging_print(out, &facts->all);
    cli_out_text(out, "\nParts       keys              bytes\n");
    for (size_t i = 0; i < stat.parts && act_set_get_part(facts->set, i, &part, NULL) == ACT_OK;
         i++)
        print_part(out, &part);
}

static int print_json(struct cli_out *out, const struct facts *facts)
{
    char content[CLI_DIGEST_TEXT_NBYTES];
    act_set_stat stat;
    act_set_part part;
    act_set_get_stat(facts->set, &stat);
    json_t *report = json_object();
    cli_report_text(report, "file", facts->name);
    cli_report_u64(report, "file_bytes", stat.file_nbytes);
    cli_report_u64(report, "keys", stat.entries);
    if (facts->digest)
        cli_report_text(report, "content", cli_digest_text(content, facts->digest));
    if (facts->parts) {
        cli_report_u64(report, "hot_bytes", facts->all.hot_nbytes);
        cli_paging_report(report, &facts->all);
    } else {
        cli_report_null(report, "paging");
    }
    json_t *parts = cli_report_array(report, "parts");
    for (size_t i = 0; i < stat.parts && act_set_get_part(facts->set, i, &part, NULL) == ACT_OK;
         i++) {
        json_t *item = cli_report_item(parts);
        cli_report_text(item, "file", part.name);
        cli_report_key(item, "from", part.from, part.from_nbytes);
        cli_report_u64(item, "keys", part.content.entries);
        cli_report_u64(item, "file_bytes", part.file_nbytes);
        cli_report_u64(item, "root", part.root);
        cli_report_text(item, "content", cli_digest_text(content, &part.content));
        if (facts->parts)
            cli_paging_report(item, &facts->parts[i]);
    }
    return cli_report_print(out, report);
}

int cli_info_of_set(struct cli_call *call, const struct cli_map *map)
{
    struct facts facts = {.name = map->name, .set = map->set};
    act_digest digest;
    if (call->options.content) {
        struct cli_progress progress;
        act_error error;
        cli_progress_start(&progress, call->options.progress, "reading", "entries");
        act_status status = act_set_digest(map->set, cli_progress_tell, &progress, &digest, &error);
        cli_progress_end(&progress);
        if (status != ACT_OK)
            return cli_fail(map->name, &error);
        facts.digest = &digest;
    }
    /* What the manifest says is told whatever became of the parts. */
    int status = look_at_pages(call, &facts);
    int printed = CLI_DONE;
    if (call->options.json)
        printed = print_json(&call->out, &facts);
    else
        print_text(&call->out, &facts);
    free(facts.parts);
    return status == CLI_DONE ? printed : status;
}
