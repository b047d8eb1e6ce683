#include "message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "progress.h"
#include "units.h"
#include "verb.h"

/*
 * How many bytes of a printable character of UTF-8 stand here: 0 for a control character, also
 * those of U+0080 to U+009F, and for what is no UTF-8.
 */
static size_t printable_nbytes(const uint8_t *p, size_t nbytes)
{
    if (p[0] < 0x80)
        return p[0] >= 0x20 && p[0] != 0x7f;
    size_t wanted = p[0] >= 0xc2 && p[0] < 0xe0   ? 2
                    : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                    : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                                  : 0;
    if (wanted == 0 || wanted > nbytes)
        return 0;
    for (size_t i = 1; i < wanted; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return p[0] == 0xc2 && p[1] < 0xa0 ? 0 : wanted;
}

/* Prints the line that starts with "actree: "; in one piece, so that lines of others stay whole. */
static void print_line(const char *text, size_t nbytes)
{
    static const char start[] = "actree: ";
    static const char digits[] = "0123456789abcdef";
    cli_progress_hide();
    char *line = malloc(sizeof(start) + 4 * nbytes + 1);
    if (!line) {
        fputs("actree: out of memory\n", stderr);
        return;
    }
    size_t at = sizeof(start) - 1;
    memcpy(line, start, at);
    for (size_t i = 0; i < nbytes;) {
        const uint8_t *p = (const uint8_t *)text + i;
        size_t printable = printable_nbytes(p, nbytes - i);
        if (printable) {
            memcpy(line + at, p, printable);
            at += printable;
            i += printable;
            continue;
        }
        line[at++] = '\\';
        line[at++] = 'x';
        line[at++] = digits[*p >> 4];
        line[at++] = digits[*p & 15];
        i++;
    }
    line[at++] = '\n';
    fwrite(line, 1, at, stderr);
    fflush(stderr);
    free(line);
}

__attribute__((format(printf, 1, 0))) static void print_format(const char *format,
                                                               va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int nbytes = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = nbytes < 0 ? NULL : malloc((size_t)nbytes + 1);
    if (!text) {
        print_line(format, strlen(format));
        return;
    }
    vsnprintf(text, (size_t)nbytes + 1, format, arguments);
    print_line(text, (size_t)nbytes);
    free(text);
}

void cli_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format(format, arguments);
    va_end(arguments);
}

int cli_usage_error(const char *verb_name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format(format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try: actree %s%s--help\n", verb_name, *verb_name ? " " : "");
    return CLI_TROUBLE;
}

void cli_note_idle(const char *option, const char *what_for)
{
    cli_say("note: %s does nothing here; it is for %s", option, what_for);
}

/* Whether it is a limit of memory that may be locked, not one of what a file may ask for. */
static bool is_of_locking(const act_error *error)
{
    return error->status == ACT_ERR_LIMIT && strstr(error->text, "cannot lock") != NULL;
}

static int exit_status(act_status status)
{
    /* A limit is the caller's only as far as options go: here it is the file that is odd. */
    if (status == ACT_ERR_LIMIT || status >= ACT_ERR_FORMAT)
        return CLI_DAMAGED;
    return status >= ACT_ERR_INVALID ? CLI_TROUBLE : CLI_NO;
}

/* Whether the text names the file, in quotes, as the errors of opening do. */
static bool names_file(const char *text, const char *file_name)
{
    size_t nbytes = strlen(file_name);
    for (const char *at = strchr(text, '"'); at; at = strchr(at + 1, '"'))
        if (strncmp(at + 1, file_name, nbytes) == 0 && at[1 + nbytes] == '"')
            return true;
    return false;
}

int cli_fail(const char *file_name, const act_error *error)
{
    const char *hint = "";
    char offset[40] = "";
    if (error->offset != ACT_NO_OFFSET && !strstr(error->text, "offset"))
        snprintf(offset, sizeof(offset), " (offset %llu)", (unsigned long long)error->offset);
    if (error->status == ACT_ERR_LIMIT && !strstr(error->text, "manifest") && !is_of_locking(error))
        hint = strstr(error->text, "nodes") || strstr(error->text, "steps")
                   ? "; --max-steps=N raises that limit"
                   : "; --max-key=SIZE raises that limit";
    if (!file_name || names_file(error->text, file_name))
        cli_say("%s%s%s", error->text, offset, hint);
    else
        cli_say("%s: %s%s%s", file_name, error->text, offset, hint);
    return is_of_locking(error) ? CLI_TROUBLE : exit_status(error->status);
}

int cli_fail_os(const char *file_name, const char *what, int os_code)
{
    cli_say("%s: %s: %s", file_name, what, strerror(os_code));
    return CLI_TROUBLE;
}

int cli_fail_nomem(void)
{
    char text[2][CLI_UNIT_NBYTES];
    uint64_t wanted, available;
    if (cli_allocation_refused(&wanted, &available))
        cli_say("out of memory: %s more are needed, at least, and %s may be used",
                cli_bytes_text(text[0], wanted), cli_bytes_text(text[1], available));
    else
        cli_say("out of memory");
    return CLI_TROUBLE;
}

const char *cli_quote(char quoted[CLI_QUOTED_NBYTES], const void *bytes, size_t nbytes)
{
    enum {
        HEAD_NBYTES = 24,
        TAIL_NBYTES = 12
    };
    const uint8_t *p = bytes;
    char *at = quoted;
    *at++ = '"';
    if (nbytes <= HEAD_NBYTES + TAIL_NBYTES) {
        at += cli_key_encode(CLI_KEYS_ESCAPED, p, nbytes, at);
    } else {
        at += cli_key_encode(CLI_KEYS_ESCAPED, p, HEAD_NBYTES, at);
        memcpy(at, "...", 3);
        at += 3;
        at += cli_key_encode(CLI_KEYS_ESCAPED, p + nbytes - TAIL_NBYTES, TAIL_NBYTES, at);
    }
    *at++ = '"';
    *at = '\0';
    return quoted;
}

const char *cli_input_name(const char *file_name)
{
    return strcmp(file_name, "-") == 0 ? "standard input" : file_name;
}
