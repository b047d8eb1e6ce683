#include "repair.h"

#include <stdlib.h>
#include <string.h>

#include "assemble.h"
#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "progress.h"
#include "report.h"
#include "units.h"

enum {
    LISTED_MAX = 1000,    /* losses that are listed, unless told otherwise */
    KEY_NBYTES_MAX = 1024 /* of a key in the list: longer ones are cut, and the range widened */
};

struct listing {
    struct cli_call *call;
    struct cli_progress progress;
    uint64_t listed_max;
    uint64_t blocks;
    uint64_t ranges;
    json_t *json; /* or NULL */
    json_t *blocks_json;
    json_t *ranges_json;
};

static int tell_block(void *context, const act_bad_block *block)
{
    struct listing *listing = context;
    char nbytes[CLI_UNIT_NBYTES];
    if (listing->blocks++ >= listing->listed_max)
        return cli_interrupted() != 0;
    if (listing->json) {
        json_t *item = cli_report_item(listing->blocks_json);
        cli_report_u64(item, "offset", block->offset);
        cli_report_u64(item, "bytes", block->nbytes);
    } else {
        cli_out_format(&listing->call->out, "bad block: %s bytes at offset %llu\n",
                       cli_count_text(nbytes, block->nbytes), (unsigned long long)block->offset);
    }
    return 0;
}

static const char *cause(act_rule rule)
{
    return rule == ACT_RULE_NONE ? "key-length" : act_rule_name(rule);
}

/* A key that is cut off is below what it was; the end of a range must not be. */
struct bound {
    uint8_t bytes[KEY_NBYTES_MAX];
    size_t nbytes;
    bool none;
};

static void make_bound(struct bound *bound, const uint8_t *key, size_t nbytes, bool is_end)
{
    bool cut = nbytes > KEY_NBYTES_MAX;
    bound->nbytes = cut ? KEY_NBYTES_MAX : nbytes;
    bound->none = !key;
    if (bound->none || bound->nbytes == 0)
        return;
    memcpy(bound->bytes, key, bound->nbytes);
    if (!is_end || !cut)
        return;
    while (bound->nbytes && bound->bytes[bound->nbytes - 1] == UINT8_MAX)
        bound->nbytes--;
    bound->none = bound->nbytes == 0;
    if (!bound->none)
        bound->bytes[bound->nbytes - 1]++;
}

static int tell_range(void *context, const act_lost_keys *lost)
{
    struct listing *listing = context;
    struct cli_out *out = &listing->call->out;
    struct bound first;
    struct bound end;
    if (listing->ranges++ >= listing->listed_max)
        return cli_interrupted() != 0;
    make_bound(&first, lost->first, lost->first_nbytes, false);
    make_bound(&end, lost->end, lost->end_nbytes, true);
    if (listing->json) {
        json_t *item = cli_report_item(listing->ranges_json);
        cli_report_key(item, "from", first.bytes, first.nbytes);
        if (end.none)
            cli_report_null(item, "to");
        else
            cli_report_key(item, "to", end.bytes, end.nbytes);
        cli_report_text(item, "rule", cause(lost->rule));
        cli_report_u64(item, "offset", lost->offset);
        return 0;
    }
    cli_out_text(out, "lost: keys from \"");
    cli_out_key(out, CLI_KEYS_ESCAPED, first.bytes, first.nbytes);
    if (end.none) {
        cli_out_text(out, "\" on");
    } else {
        cli_out_text(out, "\" to below \"");
        cli_out_key(out, CLI_KEYS_ESCAPED, end.bytes, end.nbytes);
        cli_out_text(out, "\"");
    }
    cli_out_format(out, " (%s, at offset %llu)\n", cause(lost->rule),
                   (unsigned long long)lost->offset);
    return 0;
}

static void tell_unlisted(const struct listing *listing)
{
    char count[CLI_UNIT_NBYTES];
    if (listing->blocks > listing->listed_max)
        cli_out_format(&listing->call->out, "and %s more bad blocks\n",
                       cli_count_text(count, listing->blocks - listing->listed_max));
    if (listing->ranges > listing->listed_max)
        cli_out_format(&listing->call->out, "and %s more ranges of lost keys\n",
                       cli_count_text(count, listing->ranges - listing->listed_max));
}

static void print_text(const struct listing *listing, const act_repair_report *report)
{
    struct cli_out *out = &listing->call->out;
    char count[CLI_UNIT_NBYTES];
    tell_unlisted(listing);
    if (report->root_is_former)
        cli_out_format(out,
                       "lost: what was merged after the root at offset %llu, in %s bytes; what it "
                       "changed is as it was before\n",
                       (unsigned long long)report->root,
                       cli_count_text(count, report->lost_nbytes));
    cli_out_format(out, "salvaged: %s keys", cli_count_text(count, report->keys));
    if (report->dangling_paths)
        cli_out_format(out, ", and %s paths without a value",
                       cli_count_text(count, report->dangling_paths));
    cli_out_format(out, "; ranges of keys lost: %s%s\n", cli_count_text(count, report->lost_ranges),
                   report->damaged && !report->checksummed
                       ? " (without checksums, some of what was salvaged may be false)"
                       : "");
}

static int print_json(struct listing *listing, const char *file, const char *out_path,
                      const act_repair_report *report, bool written)
{
    json_t *json = listing->json;
    cli_report_text(json, "file", file);
    cli_report_text(json, "output", out_path);
    cli_report_bool(json, "written", written);
    cli_report_bool(json, "damaged", report->damaged);
    if (report->damaged)
        cli_report_text(json, "damage", report->damage.text);
    else
        cli_report_null(json, "damage");
    cli_report_bool(json, "checksummed", report->checksummed);
    cli_report_u64(json, "root", report->root);
    cli_report_bool(json, "root_is_former", report->root_is_former);
    cli_report_u64(json, "lost_bytes", report->lost_nbytes);
    cli_report_u64(json, "keys", report->keys);
    cli_report_u64(json, "dangling_paths", report->dangling_paths);
    cli_report_u64(json, "bad_block_count", report->bad_blocks);
    cli_report_u64(json, "bad_block_bytes", report->bad_nbytes);
    cli_report_u64(json, "lost_range_count", report->lost_ranges);
    json_t *whole = listing->json;
    listing->json = NULL;
    return cli_report_print(&listing->call->out, whole);
}

/* A set is no file to be salvaged: its parts are. */
static int refuse_set(const struct cli_call *call)
{
    act_set *set;
    if (act_set_open(call->arguments[0], NULL, &set, NULL) != ACT_OK)
        return CLI_DONE;
    act_set_close(set);
    return cli_usage_error(call->verb->name,
                           "%s is a set of files; --repair takes its parts one by one",
                           call->arguments[0]);
}

static int check_call(const struct cli_call *call)
{
    const char *verb = call->verb->name;
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error(verb, "--repair reads a file, not standard input");
    if (strcmp(call->options.repair, "-") == 0)
        return cli_usage_error(verb, "--repair writes a file, not standard output");
    if (call->options.root)
        return cli_usage_error(verb, "--repair finds the root itself: without --at");
    return refuse_set(call);
}

static int repair(struct listing *listing)
{
    struct cli_call *call = listing->call;
    const char *file = call->arguments[0];
    const char *out_path = call->options.repair;
    act_repair_report report;
    act_error error;
    act_open_options open_options = cli_open_options(&call->options);
    act_repair_options options = {.build = cli_builder_options(&call->options),
                                  .unchecked = call->options.repair_unchecked,
                                  .guard = open_options.guard,
                                  .key_nbytes_max = call->options.key_nbytes_max,
                                  .steps_max = call->options.steps_max,
                                  .on_bad_block = tell_block,
                                  .on_lost_keys = tell_range,
                                  .context = listing,
                                  .progress = cli_progress_tell,
                                  .progress_context = &listing->progress};
    cli_progress_start(&listing->progress, call->options.progress, "repairing", "steps");
    act_status repaired = act_repair(file, out_path, &options, &report, &error);
    cli_progress_end(&listing->progress);
    int status = CLI_DONE;
    if (report.damaged)
        status = cli_fail(file, &report.damage);
    if (repaired == ACT_STOPPED && cli_interrupted())
        return CLI_TROUBLE;
    if (repaired != ACT_OK) {
        status = cli_fail(error.status == ACT_ERR_LIMIT ? file : NULL, &error);
    } else if (status == CLI_DONE && report.lost_ranges) {
        cli_say("%s: keys that are too long were left out; --max-key=SIZE raises that limit", file);
        status = CLI_DAMAGED;
    }
    /* What was found out is told also where nothing came of it. */
    if (listing->json) {
        int printed = print_json(listing, file, out_path, &report, repaired == ACT_OK);
        return printed == CLI_DONE ? status : printed;
    }
    if (repaired == ACT_OK)
        print_text(listing, &report);
    else
        tell_unlisted(listing);
    return status;
}

int cli_repair(struct cli_call *call)
{
    struct listing listing = {.call = call, .listed_max = LISTED_MAX};
    int status = check_call(call);
    if (status != CLI_DONE)
        return status;
    if (call->options.limit_given)
        listing.listed_max = call->options.limit;
    if (call->options.json) {
        listing.json = json_object();
        if (!listing.json)
            return cli_fail_nomem();
        listing.blocks_json = cli_report_array(listing.json, "bad_blocks");
        listing.ranges_json = cli_report_array(listing.json, "lost");
    }
    cli_interrupt_catch();
    status = repair(&listing);
    json_decref(listing.json);
    if (cli_interrupted())
        cli_die_of(cli_interrupted());
    return status;
}
