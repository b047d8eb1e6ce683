#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actree.h"
#include "commands.h"
#include "input.h"
#include "message.h"
#include "open.h"
#include "walk_script.h"

static const struct poptOption options[] = {CLI_OPTION_MAX_KEY, CLI_OPTION_MAX_STEPS,
                                            CLI_OPTIONS_OPENING, CLI_OPTIONS_END};

static const char notes[] =
    "\n"
    "Standard input has one command a line; blank lines and lines that start with # are\n"
    "skipped. Each is answered by one line, RESULT, a tab, and the path where the cursor\n"
    "stands after it, in hex. RESULT is true or false, a number, bytes in hex, - for no\n"
    "value or no bytes, or ok. HEX is bytes, BB one byte, N a decimal number.\n"
    "\n"
    "Down:\n"
    "  descend_to HEX               along these bytes, whether they exist or not\n"
    "  descend_to_byte BB           the same for one byte\n"
    "  descend_to_check HEX         the same; true if the path exists\n"
    "  descend_to_existing HEX      as far as the path exists; how many bytes\n"
    "  descend_to_existing_byte BB  if that path exists\n"
    "  descend_to_val HEX           as far as the path exists, or to the first value\n"
    "  descend_first_byte, descend_last_byte\n"
    "                               to the first or last child\n"
    "  descend_indexed_byte N       to the child of this index, from 0\n"
    "  descend_until                while there is one child, to a value or a branch\n"
    "  descend_until_max_bytes N    the same, by at most N bytes\n"
    "  descend_last_path            by last children, to a leaf\n"
    "Up:\n"
    "  ascend N, ascend_byte        by N bytes, or one\n"
    "  ascend_until                 to a value or a branch, or the root\n"
    "  ascend_until_branch          to a branch, or the root\n"
    "  reset                        to the root\n"
    "Aside and on:\n"
    "  to_next_sibling_byte, to_prev_sibling_byte\n"
    "                               replaces the last byte by the next that exists\n"
    "  to_next_step, to_next_val    to the next path, or value, in order\n"
    "  descend_first_k_path N       to the first path that is N bytes longer\n"
    "  to_next_k_path N             to the next one that differs in its last N bytes\n"
    "  move_to_path HEX             to a path from the root; how many bytes it kept\n"
    "  root HEX                     a new cursor, with its root at this path of the map\n"
    "Questions:\n"
    "  path, at_root, path_exists, is_val, val, val_at HEX, val_count, child_count,\n"
    "  child_mask                   the bytes of the children, ascending\n";

/* A line that is no command: says so. At a terminal one may try again. */
static int refuse(const struct cli_input *input, const char *why)
{
    if (!input->prompt)
        return cli_usage_error("walk", "%s:%llu: %s", input->name, (unsigned long long)input->line,
                               why);
    cli_say("%s", why);
    return CLI_DONE;
}

/* Runs one line, and answers it. Returns an exit status, after a message if it is not CLI_DONE. */
static int run_line(struct cli_call *call, struct walk *walk, const struct cli_input *input,
                    uint8_t *line, size_t nbytes)
{
    act_error error;
    if (nbytes && memchr(line, '\0', nbytes)) {
        cli_out_flush(&call->out);
        return refuse(input, "a NUL byte in the line");
    }
    line[nbytes] = '\0';
    act_status run = walk_run(walk, (char *)line, &call->out, &error);
    if (run == ACT_OK)
        return CLI_DONE;
    cli_out_flush(&call->out);
    return run == ACT_ERR_INVALID ? refuse(input, error.text)
                                  : cli_fail(call->arguments[0], &error);
}

static int run_lines(struct cli_call *call, struct walk *walk)
{
    static const char *const names[] = {"-", NULL};
    bool terminal = isatty(STDIN_FILENO) == 1;
    struct cli_input input;
    uint8_t *line;
    size_t nbytes;
    int status = CLI_DONE;
    if (cli_input_open(&input, names, '\n')) {
        input.flushed = &call->out;
        input.prompt = terminal ? "> " : NULL;
        while (status == CLI_DONE && !call->out.os_code && cli_input_next(&input, &line, &nbytes))
            status = run_line(call, walk, &input, line, nbytes);
        if (terminal)
            fputs("\n", stderr);
    }
    if (status == CLI_DONE)
        status = input.status;
    cli_input_close(&input);
    return status;
}

static int run(struct cli_call *call)
{
    struct cli_map map;
    act_error error;
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("walk", "the commands come from standard input, not the map");
    int status = cli_map_open(call, &map, NULL);
    if (status == CLI_DONE) {
        struct walk walk = {map.map, NULL};
        if (act_cursor_open(map.map, NULL, 0, &walk.cursor, &error) == ACT_OK)
            status = run_lines(call, &walk);
        else
            status = cli_fail(map.name, &error);
        act_cursor_close(walk.cursor);
    }
    cli_map_close(&map);
    return status;
}

const struct cli_verb cmd_walk = {
    .name = "walk",
    .arguments = "FILE",
    .summary = "Move a cursor over the tree, by commands from standard input",
    .notes = notes,
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
