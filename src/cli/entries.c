#define _POSIX_C_SOURCE 200809L

#include "entries.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "progress.h"

/* How many entries go by between two looks at the clock. */
#define TELL_EVERY 4096

struct printer {
    struct cli_out *out;
    enum cli_keys keys;
    char end; /* of a record */
    uint64_t count;
    struct cli_progress progress;
    bool refused; /* met a key that raw output cannot carry */
};

int cli_key_argument(const struct cli_call *call, const char *text, uint8_t **key_ret,
                     size_t *key_nbytes_ret)
{
    size_t nbytes = strlen(text);
    /* One byte more: a pointer for the empty key too. */
    *key_ret = malloc(nbytes + 1);
    if (!*key_ret)
        return cli_fail_nomem();
    const char *wrong = cli_key_decode(call->options.keys, text, nbytes, *key_ret, key_nbytes_ret);
    if (!wrong)
        return CLI_DONE;
    free(*key_ret);
    *key_ret = NULL;
    cli_say("key \"%s\": %s", text, wrong);
    return CLI_TROUBLE;
}

/* Whether the key, printed as it is, would end the record, or the key, before its time. */
static bool breaks_record(const struct printer *printer, const uint8_t *key, size_t key_nbytes)
{
    if (!key_nbytes)
        return false;
    if (printer->end == '\0')
        return memchr(key, '\0', key_nbytes);
    return memchr(key, '\n', key_nbytes) || memchr(key, '\t', key_nbytes);
}

static int print_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct printer *printer = context;
    struct cli_out *out = printer->out;
    if (printer->keys == CLI_KEYS_RAW && breaks_record(printer, key, key_nbytes)) {
        char quoted[CLI_QUOTED_NBYTES];
        cli_out_flush(out);
        cli_say("key %s has %s, which raw output cannot show; use --keys=escaped or --keys=hex",
                cli_quote(quoted, key, key_nbytes),
                printer->end == '\0' ? "a NUL byte" : "a tab or newline");
        printer->refused = true;
        return 1;
    }
    cli_out_key(out, printer->keys, key, key_nbytes);
    char *at = (char *)cli_out_room(out, CLI_U64_NBYTES_MAX + 2);
    char *end = at;
    *end++ = '\t';
    end = cli_put_u64(end, value);
    *end++ = printer->end;
    out->used += (size_t)(end - at);
    if (++printer->count % TELL_EVERY == 0)
        cli_progress_tell(&printer->progress, printer->count, 0);
    return out->os_code;
}

int cli_print_entries(struct cli_call *call, act_range *range, uint64_t *count_ret)
{
    struct cli_map map;
    struct printer printer = {.out = &call->out,
                              .keys = call->options.keys,
                              .end = call->options.nul_records ? '\0' : '\n'};
    act_error error;
    int status = cli_map_open(call, &map, NULL);
    range->reverse = call->options.reverse;
    range->limit = call->options.limit;
    /* To act_range, 0 is no limit. */
    if (status == CLI_DONE && !(call->options.limit_given && call->options.limit == 0)) {
        /* Entries on a terminal are progress enough, and a line between them would be a mess. */
        enum cli_when when = call->options.progress;
        if (when == CLI_AUTO && isatty(STDOUT_FILENO) == 1)
            when = CLI_NEVER;
        cli_progress_start(&printer.progress, when, "printing", "entries");
        act_status scanned = act_map_scan(map.map, range, print_entry, &printer, &error);
        cli_progress_tell(&printer.progress, printer.count, 0);
        cli_progress_end(&printer.progress);
        if (printer.refused) {
            status = CLI_TROUBLE;
        } else if (scanned != ACT_OK && scanned != ACT_STOPPED) {
            cli_out_flush(&call->out);
            status = cli_fail(map.name, &error);
        }
    }
    cli_map_close(&map);
    *count_ret = printer.count;
    return status;
}
