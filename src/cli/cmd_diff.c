#include <string.h>

#include "commands.h"
#include "message.h"
#include "open.h"

static const struct poptOption options[] = {
    CLI_OPTION_FROM_ROOT, CLI_OPTION_TO_ROOT,   CLI_OPTION_KEYS,   CLI_OPTION_NUL,
    CLI_OPTION_MAX_KEY,   CLI_OPTION_MAX_STEPS, CLI_OPTIONS_PAGES, CLI_OPTIONS_END};

struct printer {
    struct cli_call *call;
    bool any;
    bool refused;
};

static void print_entry(const struct printer *printer, char sign, const act_change *change,
                        uint64_t value)
{
    struct cli_out *out = &printer->call->out;
    cli_out_write(out, &sign, 1);
    cli_out_key(out, printer->call->options.keys, change->key, change->key_nbytes);
    cli_out_write(out, "\t", 1);
    cli_out_u64(out, value, printer->call->options.nul_records ? '\0' : '\n');
}

static int print_change(void *context, const act_change *change)
{
    struct printer *printer = context;
    const struct cli_options *wanted = &printer->call->options;
    char end = wanted->nul_records ? '\0' : '\n';
    printer->any = true;
    if (wanted->keys == CLI_KEYS_RAW && change->key_nbytes &&
        (memchr(change->key, end, change->key_nbytes) ||
         memchr(change->key, '\t', change->key_nbytes))) {
        char quoted[CLI_QUOTED_NBYTES];
        cli_say("key %s has a tab, or what ends a record, which raw output cannot show; use "
                "--keys=escaped or --keys=hex",
                cli_quote(quoted, change->key, change->key_nbytes));
        printer->refused = true;
        return 1;
    }
    if (change->in_from)
        print_entry(printer, '-', change, change->from_value);
    if (change->in_to)
        print_entry(printer, '+', change, change->to_value);
    return 0;
}

static int print_diff(struct cli_call *call, const act_map *from, const act_map *to)
{
    struct printer printer = {.call = call};
    act_error error;
    act_status status = act_map_diff(from, to, print_change, &printer, &error);
    if (printer.refused)
        return CLI_TROUBLE;
    if (status != ACT_OK)
        return cli_fail(NULL, &error);
    return printer.any ? CLI_NO : CLI_DONE;
}

/* The offset of a root, as text; NULL: the present one, 0. False after a message. */
static bool read_root(const char *name, const char *text, uint64_t *root_ret)
{
    *root_ret = 0;
    if (!text || (cli_parse_u64(text, strlen(text), root_ret) && *root_ret))
        return true;
    cli_usage_error("diff", "--%s wants the offset of a root, as actree history prints it", name);
    return false;
}

/* Former maps have no guard of their own: what was printed holds if the files were there. */
static int check_again(const struct cli_map *first, const struct cli_map *second, int status)
{
    act_error error;
    if (act_map_check(first->map, &error) != ACT_OK)
        return cli_fail(first->name, &error);
    if (second->map && act_map_check(second->map, &error) != ACT_OK)
        return cli_fail(second->name, &error);
    return status;
}

/* The second map over the same file or, if there is a second name, another file. */
static int run(struct cli_call *call)
{
    struct cli_map first;
    struct cli_map second = {.map = NULL};
    uint64_t from_root;
    uint64_t to_root;
    act_map *from = NULL;
    act_map *to = NULL;
    act_error error;
    if (!read_root("from", call->options.from, &from_root) ||
        !read_root("to", call->options.to, &to_root))
        return CLI_TROUBLE;
    if (call->argument_count == 2 && strcmp(call->arguments[0], "-") == 0 &&
        strcmp(call->arguments[1], "-") == 0)
        return cli_usage_error("diff", "standard input can be read once only");
    if (call->argument_count == 1 && from_root == to_root)
        return cli_usage_error("diff", "a second FILE is missing, or --from=ROOT");
    int status = cli_map_open(call, &first, NULL);
    if (status == CLI_DONE && call->argument_count == 2) {
        struct cli_call other = *call;
        other.arguments++;
        other.argument_count--;
        status = cli_map_open(&other, &second, NULL);
    }
    if (status == CLI_DONE && act_map_open_former(first.map, from_root, &from, &error) != ACT_OK)
        status = cli_fail(first.name, &error);
    if (status == CLI_DONE &&
        act_map_open_former(second.map ? second.map : first.map, to_root, &to, &error) != ACT_OK)
        status = cli_fail(second.map ? second.name : first.name, &error);
    if (status == CLI_DONE)
        status = print_diff(call, from, to);
    if (status == CLI_DONE || status == CLI_NO)
        status = check_again(&first, &second, status);
    act_map_close(from);
    act_map_close(to);
    cli_map_close(&second);
    cli_map_close(&first);
    return status;
}

const struct cli_verb cmd_diff = {
    .name = "diff",
    .arguments = "FILE [FILE2]",
    .summary = "Print in what two files differ, or two states of one: 0 nothing, 1 something",
    .notes =
        "Each key that differs is a line with - and the value in the first one, if it is there,\n"
        "and one with + and the value in the second. Roots are those of history; without\n"
        "--from and --to the present ones are meant. Of one file, only what differs is read.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 2,
    .run = run,
};
