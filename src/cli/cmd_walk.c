#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actree.h"
#include "commands.h"
#include "message.h"
#include "open.h"
#include "walk_script.h"

static const struct poptOption options[] = {CLI_OPTION_MAX_KEY, CLI_OPTION_MAX_STEPS,
                                            CLI_OPTIONS_END};

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

/*
 * Lines of standard input. What was answered is handed on before there is a wait for more, so that
 * a program at the other end of a pipe can put one question at a time.
 */
struct lines {
    char *buffer;
    size_t capacity;
    size_t start; /* of what is not yet taken */
    size_t end;
    size_t searched; /* from the start, without a newline so far */
    bool at_end;
    bool terminal;
};

/* Reads more, or sets at_end. Returns 0, or an errno. */
static int read_more(struct lines *lines, struct cli_out *out)
{
    lines->end -= lines->start;
    if (lines->end)
        memmove(lines->buffer, lines->buffer + lines->start, lines->end);
    lines->start = 0;
    /* Room for one byte more than is read: the end of the last line. */
    if (lines->capacity - lines->end < 2) {
        size_t wanted = lines->capacity ? 2 * lines->capacity : (size_t)64 << 10;
        char *buffer = wanted > lines->capacity ? realloc(lines->buffer, wanted) : NULL;
        if (!buffer)
            return ENOMEM;
        lines->buffer = buffer;
        lines->capacity = wanted;
    }
    cli_out_flush(out);
    if (lines->terminal)
        fputs("> ", stderr);
    ssize_t nbytes;
    do
        nbytes = read(STDIN_FILENO, lines->buffer + lines->end, lines->capacity - lines->end - 1);
    while (nbytes < 0 && errno == EINTR);
    if (nbytes < 0)
        return errno;
    lines->end += (size_t)nbytes;
    lines->at_end = nbytes == 0;
    return 0;
}

/* The next line, as a string; NULL at the end. Returns 0, or an errno. */
static int next_line(struct lines *lines, struct cli_out *out, char **line_ret, size_t *nbytes_ret)
{
    char *newline = NULL;
    for (;;) {
        char *from = lines->buffer + lines->start;
        size_t nbytes = lines->end - lines->start;
        if (nbytes > lines->searched)
            newline = memchr(from + lines->searched, '\n', nbytes - lines->searched);
        lines->searched = nbytes;
        if (newline || lines->at_end)
            break;
        int os_code = read_more(lines, out);
        if (os_code)
            return os_code;
    }
    *line_ret = NULL;
    if (!newline && lines->start == lines->end)
        return 0;
    char *end = newline ? newline : lines->buffer + lines->end;
    *line_ret = lines->buffer + lines->start;
    *nbytes_ret = (size_t)(end - *line_ret);
    *end = '\0';
    lines->start = (size_t)(end - lines->buffer) + (newline != NULL);
    lines->searched = 0;
    return 0;
}

/* A line that is no command: says so. At a terminal one may try again. */
static int refuse(const struct lines *lines, unsigned long long number, const char *why)
{
    if (!lines->terminal)
        return cli_usage_error("walk", "standard input: line %llu: %s", number, why);
    cli_error("%s", why);
    return CLI_DONE;
}

static int run_lines(struct cli_call *call, struct walk *walk, struct lines *lines)
{
    int status = CLI_DONE;
    for (unsigned long long number = 1; status == CLI_DONE; number++) {
        char *line;
        size_t nbytes;
        int os_code = next_line(lines, &call->out, &line, &nbytes);
        if (os_code)
            return cli_fail_os("standard input", "cannot read", os_code);
        if (!line || call->out.os_code)
            break;
        if (memchr(line, '\0', nbytes)) {
            cli_out_flush(&call->out);
            status = refuse(lines, number, "a NUL byte in the line");
            continue;
        }
        act_error error;
        act_status run = walk_run(walk, line, &call->out, &error);
        if (run == ACT_OK)
            continue;
        cli_out_flush(&call->out);
        status = run == ACT_ERR_INVALID ? refuse(lines, number, error.text)
                                        : cli_fail(call->arguments[0], &error);
    }
    if (lines->terminal)
        fputs("\n", stderr);
    return status;
}

static int run(struct cli_call *call)
{
    struct cli_map map;
    struct lines lines = {.terminal = isatty(STDIN_FILENO)};
    act_error error;
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("walk", "the commands come from standard input, not the map");
    int status = cli_map_open(call, &map, NULL);
    if (status == CLI_DONE) {
        struct walk walk = {map.map, NULL};
        if (act_cursor_open(map.map, NULL, 0, &walk.cursor, &error) == ACT_OK)
            status = run_lines(call, &walk, &lines);
        else
            status = cli_fail(map.name, &error);
        act_cursor_close(walk.cursor);
    }
    free(lines.buffer);
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
