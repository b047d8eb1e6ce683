#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "message.h"
#include "open.h"

static const struct poptOption options[] = {CLI_OPTION_KEYS, CLI_OPTION_NUL, CLI_OPTIONS_OPENING,
                                            CLI_OPTIONS_END};

struct getter {
    struct cli_call *call;
    struct cli_map map;
    char end; /* of a record */
    uint8_t *key;
    size_t key_capacity;
    int status;
};

/* Reads the text of a key into getter->key; says what is wrong with it, or returns NULL. */
static const char *decode(struct getter *getter, const char *text, size_t nbytes,
                          size_t *key_nbytes_ret)
{
    if (nbytes > getter->key_capacity) {
        uint8_t *larger = realloc(getter->key, nbytes);
        if (!larger)
            return "no memory";
        getter->key = larger;
        getter->key_capacity = nbytes;
    }
    return cli_key_decode(getter->call->options.keys, text, nbytes, getter->key, key_nbytes_ret);
}

/* Prints the value of a key; false after a message. `input` tells where the key comes from. */
static bool get(struct getter *getter, const char *text, size_t nbytes,
                const struct cli_input *input)
{
    struct cli_out *out = &getter->call->out;
    char quoted[CLI_QUOTED_NBYTES];
    const void *key = text;
    act_error error;
    uint64_t value;
    if (getter->call->options.keys != CLI_KEYS_RAW) {
        const char *wrong = decode(getter, text, nbytes, &nbytes);
        if (wrong) {
            cli_out_flush(out);
            cli_quote(quoted, text, nbytes);
            if (input)
                cli_say("%s:%llu: key %s: %s", input->name, (unsigned long long)input->line, quoted,
                        wrong);
            else
                cli_say("key %s: %s", quoted, wrong);
            getter->status = CLI_TROUBLE;
            return false;
        }
        key = getter->key;
    }
    const struct cli_map *map = &getter->map;
    switch (map->set ? act_set_get(map->set, key, nbytes, &value, &error)
                     : act_map_get(map->map, key, nbytes, &value, &error)) {
    case ACT_OK:
        cli_out_u64(out, value, getter->end);
        break;
    case ACT_NOT_FOUND:
        cli_out_format(out, "-%c", getter->end);
        getter->status = CLI_NO;
        break;
    default:
        cli_out_flush(out);
        getter->status = cli_fail(getter->map.name, &error);
        return false;
    }
    return !out->os_code;
}

/* The keys that stand on standard input; false after a message. */
static bool get_from_input(struct getter *getter)
{
    static const char *const names[] = {"-", NULL};
    struct cli_input input;
    uint8_t *record;
    size_t nbytes;
    bool ok = cli_input_open(&input, names, getter->end);
    input.flushed = &getter->call->out;
    while (ok && cli_input_next(&input, &record, &nbytes))
        ok = get(getter, (const char *)record, nbytes, &input);
    if (input.status)
        getter->status = input.status;
    cli_input_close(&input);
    return ok && !input.status;
}

static int run(struct cli_call *call)
{
    struct getter getter = {.call = call, .end = call->options.nul_records ? '\0' : '\n'};
    bool file_is_input = strcmp(call->arguments[0], "-") == 0;
    getter.status = cli_map_or_set_open(call, &getter.map, NULL);
    bool ok = getter.status == CLI_DONE;
    for (size_t i = 1; ok && i < call->argument_count; i++) {
        const char *text = call->arguments[i];
        if (strcmp(text, "-") != 0) {
            ok = get(&getter, text, strlen(text), NULL);
        } else if (file_is_input) {
            getter.status = cli_usage_error(call->verb->name,
                                            "standard input cannot be both the file and the keys");
            ok = false;
        } else {
            ok = get_from_input(&getter);
        }
    }
    cli_map_close(&getter.map);
    free(getter.key);
    return getter.status;
}

const struct cli_verb cmd_get = {
    .name = "get",
    .arguments = "FILE KEY...",
    .summary = "Print the values of keys, one a line",
    .notes = "Prints - for a key that is not there, and ends with status 1 if there was any.\n"
             "The KEY - stands for the keys on standard input, one a line.\n",
    .options = options,
    .argument_count_min = 2,
    .argument_count_max = CLI_ANY_COUNT,
    .run = run,
};
